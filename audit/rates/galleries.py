"""Search counts in, ``searches.csv`` out: how often a search of a gallery of N people returns a wrong person, or
misses the right one, by group.

Its one idea: every rate is the exact mean over all galleries of its size and mix, and people, who search and are
enrolled at once, are the unit of its interval (a jackknife that leaves one person out on both sides).
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from audit.base.groups import ALL, Group
from audit.base.mixes import Mix, gallery_sizes, headline_size
from audit.base.sums import expm1, log1p
from audit.config.identification import IdentificationConfig
from audit.rates.searching import MEASURES, Searching, Spread, jacks, mixes_of
from audit.stats.galleries import drawn, people_mean
from audit.stats.left_out import Gallery
from audit.stats.search_limits import Limits, limits_of, mean_limits
from audit.words import columns

__all__ = ["FEW", "LISTS", "galleries"]

FEW = "too few people"
_LEFT_OUT = (
    "not searched: no one threshold for everybody, not asked for, or more people reached than compute.memory_mb holds"
)
_ALONE = "nobody has a second photo to be found by"
_OUTSIDE = "the mix holds nobody of this group, so nobody of it can be searched for in the gallery"
_BY_PHOTO = "no interval: limits are given where every person counts alike"
_LISTS = "no interval: who stands above a mate below every threshold is counted, not kept"
LISTS = ("FNIR_fixed_list", "rank_1_closed_set")
"""Searches without a threshold: the mate is not among the first L; the mate is first (a share of searches that go
right)."""


def galleries(
    searching: Searching, asked: IdentificationConfig, *, confidence: float = 0.95, minimum: int = 1
) -> pd.DataFrame:
    """One row per operating point, measure, mix, size of the gallery, weighting and group.

    FPIR: somebody not enrolled is searched for, and at least one person reaches the threshold. SEL: the expected
    number of such people. FNIR: an enrolled person is searched for, and is below the threshold or not first.
    wrong_name: somebody else is first, at or above the threshold. Mean over the group's people of the mean over their
    photos. Both weightings, failures both ways and wrong names stand at the gallery of which sentences speak and at
    rosters of doors; FPIR, SEL and FNIR at every size.
    """
    counts, people = searching.counts, int(searching.enrolled.sum())
    own = () if asked.use.gallery is None else (asked.use.gallery,)
    sizes = gallery_sizes(people, asked.sizes, (*asked.doors, *own))
    spoken = {headline_size(people, asked.sizes), *asked.doors, *own}
    rows: list[dict[str, object]] = []
    for mix in mixes_of(asked.mixes, asked.quotas, searching.cells):
        first, whole = mix.name == asked.mixes[0], mix.name in (asked.mixes[0], asked.use.mix)
        for size in sizes:
            gallery = searching.gallery(mix, size)
            if gallery is None:
                continue
            for k, point in enumerate(counts.points):
                for measure in MEASURES if whole and size in spoken else MEASURES[:3]:
                    for weighting in (
                        ("people", "comparisons")
                        if first and size in spoken and measure in ("FPIR", "FNIR")
                        else ("people",)
                    ):
                        start = {
                            "operating_point": point,
                            "measure": measure,
                            "mix": mix.name,
                            "gallery": size,
                            "weighting": weighting,
                        }
                        found = searching.sums(k, measure, gallery, weighting)
                        rows += [
                            start | _row(searching, found, group, measure, gallery, weighting, confidence, minimum)
                            for group in searching.groups
                        ]
            if first:
                rows += _lists(searching, mix, gallery, size, asked.list_length, minimum)
    rows += [
        {
            "operating_point": point.id,
            "measure": "FPIR",
            "group": ALL,
            "enrolments": len(counts.mate_level),
            "note": _LEFT_OUT,
        }
        for point in searching.tallies.points
        if point.id not in counts.points
    ]
    return columns.frame("searches", _with_binomial(rows))


def _row(
    searching: Searching,
    found: Spread,
    group: Group,
    measure: str,
    gallery: Gallery,
    weighting: str,
    confidence: float,
    minimum: int,
) -> dict[str, object]:
    people, E = searching.people(measure, group, gallery), len(searching.counts.mate_level)
    row: dict[str, object] = {"group": group.name, "subjects": people, "enrolments": E}
    if people == 0 and measure not in ("FPIR", "SEL", "FPIR_with_failures"):
        outside = not np.isin(gallery.block[np.isin(searching.cell, group.cells)], np.flatnonzero(gallery.sizes)).any()
        return row | {"note": _OUTSIDE if outside else _ALONE}
    if people < max(2, minimum):
        return row | {"note": FEW}
    jack = jacks(found, searching, group)
    size, there = int(gallery.sizes.sum()), int((gallery.block >= 0).sum())
    if weighting != "people":
        limits = Limits(math.nan, math.nan, "", _BY_PHOTO)
    elif measure == "SEL":
        limits = mean_limits(jack, there, size, confidence)
    else:
        limits = limits_of(jack, people, there, size, confidence)
    level = "" if not limits.method or limits.method.startswith("one-sided") else f", {confidence * 100:g} %"
    return row | {
        "rate": jack.rate,
        "low": limits.low,
        "high": limits.high,
        "interval": limits.method + level,
        "effective": limits.effective,
        "spread": found.between(group.cells),
        "note": limits.note,
    }


def _with_binomial(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Beside FPIR what it would be were all searches alike: 1 - (1 - FMR)^N, FMR = SEL / N."""
    names = ("operating_point", "mix", "gallery", "group")
    chosen = {tuple(row[name] for name in names): row for row in rows if row["measure"] == "SEL" and "rate" in row}
    for row in rows:
        other = (
            chosen.get(tuple(row.get(name) for name in names))
            if row["measure"] == "FPIR" and row.get("weighting") == "people"
            else None
        )
        if other is not None:
            size, mean = float(str(row["gallery"])), float(str(other["rate"]))
            row["binomial"] = (
                1.0 if mean >= size else float(-expm1(np.array([size * float(log1p(np.array([-mean / size]))[0])]))[0])
            )
    return rows


def _lists(
    searching: Searching, mix: Mix, gallery: Gallery, size: int, length: int, minimum: int
) -> list[dict[str, object]]:
    """Searches without a threshold, from how many stand above each mate: the mean alone."""
    counts, tables = searching.counts, {}
    values: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in LISTS}
    for level, above in zip(counts.mate_level, counts.above, strict=True):
        use = np.flatnonzero(level >= 0)
        K = np.stack([above[use][:, mix.block == b].sum(axis=1) for b in range(len(gallery.sizes))])
        own = gallery.block[counts.person[use]]
        for name, ranks in zip(LISTS, (length, 1), strict=True):
            first = np.zeros((len(use), ranks))
            first[:, 0] = 1.0
            for b, people in enumerate(gallery.people.tolist()):
                more = np.zeros_like(first)
                for mine in (False, True):
                    at = np.flatnonzero((own == b) == mine)
                    key = (people - mine, max(int(gallery.sizes[b]) - mine, 0), min(ranks, int(gallery.sizes[b]) + 1))
                    if len(at):
                        if key not in tables:
                            tables[key] = drawn(key[0], key[1], key[2] - 1)
                        more[at, : key[2]] = tables[key][K[b, at]]
                joined = np.zeros_like(first)
                for x in range(ranks):
                    if first[:, x].any():
                        joined[:, x:] += first[:, x : x + 1] * more[:, : ranks - x]
                first = joined
            right = np.minimum(first.sum(axis=1), 1.0)
            values[name].append((counts.person[use], right if name == LISTS[1] else 1.0 - right))
    rows: list[dict[str, object]] = []
    for name in LISTS:
        for group in searching.groups:
            people = searching.people("FNIR", group, gallery)
            start = {
                "measure": name,
                "mix": mix.name,
                "gallery": size,
                "weighting": "people",
                "group": group.name,
                "subjects": people,
            }
            start |= {"enrolments": len(counts.mate_level)}
            if people < max(2, minimum):
                rows.append(start | {"note": FEW if people else _ALONE})
                continue
            each = [
                people_mean(v[np.isin(searching.cell[p], group.cells)], p[np.isin(searching.cell[p], group.cells)])
                for p, v in values[name]
            ]
            spread = float(np.std(each, ddof=1)) if len(each) > 1 else math.nan
            rows.append(start | {"rate": float(np.mean(each)), "spread": spread, "note": _LISTS})
    return rows
