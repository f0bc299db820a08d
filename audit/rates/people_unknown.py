"""Pairs whose people are not known in, ``pair_counts.csv`` out; and that table in, every rate and ratio out.

Its one idea: without subject ids a comparison cannot be told from the next, so rates are given and no interval is: none that treats pairs as
independent covers (METRICS 3.2: naive intervals hold the true rate in 49 to 96 of 100 audits). A ratio without an interval has one certainty:
too uncertain to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, UNLABELLED, Group, coarser_reference, groups_of
from audit.comparisons.types import OperatingPoint, ScoreAxis, ScoreHistograms
from audit.observations.tallies import CURVE
from audit.outputs.pair_scores import BEST, Pairs
from audit.rates.every_rate import Key
from audit.words import columns
from audit.words.wording import UNCERTAIN

__all__ = [
    "NO_INTERVAL",
    "Counted",
    "counted",
    "curves",
    "decided",
    "differences",
    "differentials",
    "histograms",
    "pair_counts",
    "rates",
]

NO_INTERVAL = "no subject ids: a subject-clustered interval is not possible"
_NO_RATIO_INTERVAL = "no subject ids: no interval, so the difference may be chance"
Cells = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts at one threshold: non-mated (C, C) symmetric, mated (C,)."""

    threshold: float
    false_matches: Cells
    non_mated: Cells
    misses: Cells
    mated: Cells


def pair_counts(pairs: Pairs, points: Sequence[OperatingPoint]) -> pd.DataFrame:
    """Errors and trials per pair of finest cells at each point; a point with ``cells`` (one cell's own threshold) counts inside them only."""
    size = len(pairs.cells)
    low, high = np.minimum(pairs.a, pairs.b), np.maximum(pairs.a, pairs.b)
    place = (low * size + high) * 2 + pairs.mated
    rows = []
    for point in points:
        own = point.id.startswith(f"{BEST}:")
        inside = np.isin(pairs.a, point.request.cells or ()) & np.isin(pairs.b, point.request.cells or ()) if own else np.ones(len(place), bool)
        error = inside & ((pairs.score >= point.threshold) != pairs.mated)
        trials, errors = (np.bincount(place[chosen], minlength=size * size * 2) for chosen in (inside, error))
        for k in np.flatnonzero(trials):
            g, h, mated = int(k) // 2 // size, int(k) // 2 % size, int(k) % 2
            other = "" if g == h else pairs.cells[h]
            row = {"operating_point": point.id, "score_threshold": point.threshold, "group": pairs.cells[g], "other_group": other}
            rows.append(row | {"mated": mated, "errors": int(errors[k]), "trials": int(trials[k])})
    return columns.frame("pair_counts", rows)


def counted(table: pd.DataFrame) -> tuple[tuple[str, ...], dict[str, Counted]]:
    """Cells and counts by operating point, from ``pair_counts.csv``."""
    names = {str(name) for column in ("group", "other_group") for name in table[column] if name}
    cells = tuple(sorted(names - {UNLABELLED})) + ((UNLABELLED,) if UNLABELLED in names else ())
    place, size = {name: k for k, name in enumerate(cells)}, len(cells)
    out: dict[str, Counted] = {}
    for name, rows in table.groupby("operating_point", sort=False):
        made = Counted(float(rows["score_threshold"].iloc[0]), *(np.zeros(shape, np.int64) for shape in ((size, size), (size, size), size, size)))
        listed: list[Any] = list(rows.itertuples())
        for row in listed:
            g = place[str(row.group)]
            h = place[str(row.other_group)] if row.other_group else g
            if row.mated:
                made.misses[g] += row.errors
                made.mated[g] += row.trials
            else:
                made.false_matches[g, h], made.non_mated[g, h] = row.errors, row.trials
                made.false_matches[h, g], made.non_mated[h, g] = row.errors, row.trials
        out[str(name)] = made
    return cells, out


def _inside(group: Group, size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    mask[list(group.cells)] = True
    return mask


def _tallied(one: Counted, group: Group) -> dict[str, tuple[int, int]]:
    """Errors and trials of each measure inside a group."""
    inside = _inside(group, len(one.mated))
    both = np.triu(np.outer(inside, inside))
    out = {"FMR": (int(one.false_matches[both].sum()), int(one.non_mated[both].sum()))}
    if not group.finest:
        same = np.diag(inside)
        out["FMR_same_cell"] = (int(one.false_matches[same].sum()), int(one.non_mated[same].sum()))
    return out | {"FNMR": (int(one.misses[inside].sum()), int(one.mated[inside].sum()))}


def rates(cells: tuple[str, ...], points: Mapping[str, Counted], ids: Sequence[str]) -> pd.DataFrame:
    """``rates.csv``: comparisons weighting only, no interval, no count of people; cross-group rows where such pairs were compared."""
    rows = []

    def add(point: str, measure: str, group: str, other: str, errors: int, trials: int) -> None:
        rate = errors / trials if trials else math.nan
        note = NO_INTERVAL if trials else "no comparisons"
        key = Key(point, measure, "comparisons", group)
        rows.append(key.row(other_group=other, errors=errors, trials=trials, rate=rate, note=note))

    groups = groups_of(cells)
    finest = [group for group in groups if group.finest]
    for point in ids:
        one = points[point]
        for group in groups:
            for measure, (errors, trials) in _tallied(one, group).items():
                add(point, measure, group.name, "", errors, trials)
        for n, g in enumerate(finest):
            for h in finest[n + 1 :]:
                place = (g.cells[0], h.cells[0])
                if one.non_mated[place]:
                    add(point, "FMR", g.name, h.name, int(one.false_matches[place]), int(one.non_mated[place]))
    return columns.frame("rates", rows)


def differentials(table: pd.DataFrame, cells: tuple[str, ...], reference: str) -> pd.DataFrame:
    """``differentials.csv``: ratios to the reference without limits; certainty "too uncertain to say" wherever there is anything to compare."""
    groups = {group.name: group for group in groups_of(cells)}
    inside: list[Any] = list(table[table["other_group"] == ""].itertuples())
    found = {(row.operating_point, row.measure, row.group): row for row in inside}
    rows = []
    for (point, measure, name), row in found.items():
        group = groups[name]
        if name in (ALL, UNLABELLED):
            continue
        against = reference if group.finest else coarser_reference(group, reference)
        other = found.get((point, measure, against))
        if other is None or against == name:
            continue
        ratio, note, certainty = math.nan, _NO_RATIO_INTERVAL, UNCERTAIN
        if not (row.trials and other.trials):
            note, certainty = "no comparisons in one of the groups", ""
        elif other.rate > 0:
            ratio = row.rate / other.rate
        else:
            note = f"no errors in the reference; {note}"
        rows.append(Key(point, measure, "comparisons", name).row(reference=against, ratio=ratio, certainty=certainty, note=note))
    return columns.frame("differentials", rows)


def differences(table: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    """``differences.csv``: rate minus rate, without limits, for every row of ``differentials.csv``."""
    inside: list[Any] = list(table[table["other_group"] == ""].itertuples())
    found = {(row.operating_point, row.measure, row.group): float(row.rate) for row in inside}
    rows = []
    listed: list[Any] = list(ratios.itertuples())
    for row in listed:
        a, b = (found[row.operating_point, row.measure, name] for name in (row.group, row.reference))
        note = "nothing to count in one of the groups" if math.isnan(a - b) else _NO_RATIO_INTERVAL
        key = Key(row.operating_point, row.measure, row.weighting, row.group)
        rows.append(key.row(reference=row.reference, rate=a, reference_rate=b, difference=a - b, note=note))
    return columns.frame("differences", rows)


def curves(cells: tuple[str, ...], points: Mapping[str, Counted], ids: Sequence[str], *, dissimilarity: bool) -> pd.DataFrame:
    """``curves.csv``: FMR and FNMR along the threshold, per group, without limits."""
    wanted = sorted({points[name].threshold: name for name in (*ids, *(n for n in points if n.startswith(CURVE)))}.items())
    rows = []
    for group in groups_of(cells):
        for threshold, name in wanted:
            tallied = _tallied(points[name], group)
            (e, m), (f, g) = tallied["FMR"], tallied["FNMR"]
            own = -threshold if dissimilarity else threshold
            a, b = (e / m if m else math.nan), (f / g if g else math.nan)
            row = {"group": group.name, "weighting": "comparisons", "threshold": own, "score_threshold": threshold, "note": NO_INTERVAL}
            rows.append(row | {"FMR": a, "FMR_errors": e, "FNMR": b, "FNMR_errors": f})
    return columns.frame("curves", rows)


def decided(points: Mapping[str, Counted], cells: tuple[str, ...], *, dissimilarity: bool) -> pd.DataFrame:
    """``decided.csv``: of each group's pairs, the share decided rightly at the file's best threshold and at the group's own best."""
    if BEST not in points:
        return columns.empty("decided")
    sign, rows = (-1.0 if dissimilarity else 1.0), []
    for group in groups_of(cells):
        if group.name == UNLABELLED:
            continue
        right, pairs = _right(points[BEST], group)
        own = points.get(f"{BEST}:{group.name}") if group.finest else None
        row = {"group": group.name, "pairs": pairs, "threshold": sign * points[BEST].threshold, "share_right": _share(right, pairs)}
        mine = {} if own is None else {"own_threshold": sign * own.threshold, "own_share_right": _share(*_right(own, group))}
        rows.append(row | mine)
    return columns.frame("decided", rows)


def _right(one: Counted, group: Group) -> tuple[int, int]:
    tallied = _tallied(one, group)
    errors, pairs = (sum(tallied[measure][k] for measure in ("FMR", "FNMR")) for k in (0, 1))
    return pairs - errors, pairs


def _share(right: int, pairs: int) -> float:
    return right / pairs if pairs else math.nan


def histograms(pairs: Pairs, bins: int) -> ScoreHistograms:
    """Score distributions per pair of cells, between the lowest and the highest score of the file."""
    low, high = float(pairs.score.min()), float(pairs.score.max())
    axis = ScoreAxis(low, high if high > low else low + 1.0, bins)
    place = np.clip(((pairs.score - axis.low) / (axis.high - axis.low) * bins).astype(np.int64), 0, bins - 1)
    size = len(pairs.cells)
    a, b = np.minimum(pairs.a, pairs.b), np.maximum(pairs.a, pairs.b)
    non = ~pairs.mated
    keys = np.unique((a * size + b)[non])
    rows = np.searchsorted(keys, (a * size + b)[non])
    different = np.bincount(rows * bins + place[non], minlength=len(keys) * bins).reshape(len(keys), bins)
    inside = pairs.mated & (pairs.a == pairs.b)
    same = np.bincount(pairs.a[inside] * bins + place[inside], minlength=size * bins).reshape(size, bins)
    return ScoreHistograms(axis, np.stack([keys // size, keys % size], axis=1).astype(np.int16), different.astype(np.int64), same.astype(np.int64))
