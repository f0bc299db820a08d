"""Searches in, ratios and gaps of groups out, each with its certainty by the fixed rules of METRICS 3.5
(``search_ratios.csv``).

Its one idea: two groups of searchers meet the same gallery, so their ratio is jackknifed itself: who leaves, leaves
both rates and every gallery. "Clear" asks for an interval that holds for all groups compared with one reference at
once, under every label source, as for comparisons of pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.base.groups import ALL, UNLABELLED, Group, coarser_reference, groups_of
from audit.base.mixes import gallery_sizes, headline_size
from audit.config.identification import IdentificationConfig
from audit.rates.differentials import TOO_FEW, certainty
from audit.rates.galleries import FEW
from audit.rates.searching import Searching, jacks, mixes_of
from audit.stats.contrasts import Ratio
from audit.stats.left_out import Floats, Gallery, Jack
from audit.stats.multiplicity import bonferroni_level, correlation_of_influences, simultaneous_level
from audit.stats.search_limits import Limits, difference_of, limits_of, ratio_of
from audit.words import columns
from audit.words.notes import no_vote, not_confirmed

__all__ = ["search_ratios"]

_DRAWS = 20_000
_NARROW = 0.90  # METRICS 3.5: the 90 % interval lies inside [1/k, k]
_MEASURES = ("FPIR", "FNIR")


@dataclass(frozen=True, eq=False)
class _Rate:
    group: Group
    jack: Jack
    people: int


def search_ratios(
    searching: Searching,
    asked: IdentificationConfig,
    reference: str,
    *,
    confidence: float = 0.95,
    minimum: int = 1,
    k: float = 2.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Every group against the group that differs from it only towards the reference: FPIR and FNIR at the galleries of
    which sentences speak.
    """
    people = int(searching.enrolled.sum())
    own = () if asked.use.gallery is None else (asked.use.gallery,)
    spoken = {headline_size(people, asked.sizes), *asked.doors, *own}
    rows: list[dict[str, object]] = []
    for mix in mixes_of(asked.mixes, asked.quotas, searching.cells):
        for size in [one for one in gallery_sizes(people, asked.sizes, (*asked.doors, *own)) if one in spoken]:
            gallery = searching.gallery(mix, size)
            for place, point in enumerate(searching.counts.points) if gallery is not None else ():
                for measure in _MEASURES:
                    start = {
                        "operating_point": point,
                        "measure": measure,
                        "mix": mix.name,
                        "gallery": size,
                        "weighting": "people",
                    }
                    assert gallery is not None
                    one = _Family(searching, place, measure, gallery, confidence, minimum, k, seed)
                    rows += [start | row for row in one.rows(reference, len(searching.tallies.labellings) - 1)]
    return columns.frame("search_ratios", rows)


class _Family:
    """All groups at one point, measure and gallery."""

    def __init__(
        self,
        searching: Searching,
        point: int,
        measure: str,
        gallery: Gallery,
        confidence: float,
        minimum: int,
        k: float,
        seed: int,
    ) -> None:
        self.searching, self.point, self.measure, self.gallery = searching, point, measure, gallery
        self.confidence, self.minimum, self.k, self.seed = confidence, minimum, k, seed
        self.size, self.there = int(gallery.sizes.sum()), int((gallery.block >= 0).sum())

    def rates(self, labelling: int) -> dict[str, _Rate]:
        """Every group's rate under one label source."""
        searching = self.searching
        found = searching.sums(self.point, self.measure, self.gallery, labelling=labelling)
        names = searching.tallies.labellings[labelling]
        cell, own = names.cell.astype(np.int64), found.sums.own / len(found.each)
        out = {}
        for group in groups_of(names.cells):
            if group.name not in (ALL, UNLABELLED):
                people = int(((own > 0) & np.isin(cell, group.cells)).sum())
                if people:
                    out[group.name] = _Rate(group, jacks(found, searching, group, labelling), people)
        return out

    def limits(self, rate: _Rate, confidence: float) -> Limits:
        return limits_of(rate.jack, rate.people, self.there, self.size, confidence)

    def ratio(self, a: _Rate, b: _Rate, confidence: float) -> tuple[Ratio, Floats]:
        return ratio_of(
            a.jack, b.jack, self.limits(a, confidence), self.limits(b, confidence), self.searching.cell, confidence
        )

    def rows(self, reference: str, alternatives: int) -> list[dict[str, object]]:
        """One row a group."""
        headline = self.rates(0)
        others = [(self.searching.tallies.labellings[n].name, self.rates(n)) for n in range(1, alternatives + 1)]
        families: dict[str, list[_Rate]] = {}
        for rate in headline.values():
            against = reference if rate.group.finest else coarser_reference(rate.group, reference)
            if against in headline and against != rate.group.name:
                families.setdefault(against, []).append(rate)
        out: list[dict[str, object]] = []
        for against, members in families.items():
            level = self._level(members, headline[against])
            out += [self._row(one, headline[against], level, others) for one in members]
        order = {name: n for n, name in enumerate(headline)}
        return sorted(out, key=lambda row: order[str(row["group"])])

    def _few(self, *rates: _Rate) -> str:
        return next((rate.group.name for rate in rates if rate.people < max(2, self.minimum)), "")

    def _level(self, members: Sequence[_Rate], reference: _Rate) -> float:
        """Pointwise level at which all ratios to one reference hold together."""
        usable = [one for one in members if not self._few(one, reference)]
        found = [self.ratio(one, reference, self.confidence) for one in usable]
        if len(usable) > 1 and all(influence.any() for _, influence in found):
            together = correlation_of_influences(np.stack([influence for _, influence in found]))
            return simultaneous_level(together, self.confidence, draws=_DRAWS, seed=self.seed)
        return bonferroni_level(max(1, len(usable)), self.confidence)

    def _row(
        self, one: _Rate, other: _Rate, level: float, others: Sequence[tuple[str, dict[str, _Rate]]]
    ) -> dict[str, object]:
        row: dict[str, object] = {"group": one.group.name, "reference": other.group.name}
        few = self._few(one, other)
        if few:
            return row | {"certainty": TOO_FEW, "note": f"{FEW} in {few}"}
        plain, wide, narrow = (self.ratio(one, other, at)[0] for at in (self.confidence, level, _NARROW))
        gap = difference_of(
            one.jack, other.jack, self.limits(one, self.confidence), self.limits(other, self.confidence)
        )
        votes: list[Ratio | None] = []
        for _, rates in others:
            a, b = rates.get(one.group.name), rates.get(other.group.name)
            again = self.ratio(a, b, level)[0] if a and b and not self._few(a, b) else None
            votes.append(again if again is not None and again.method else None)
        said = certainty(plain, wide, narrow, votes, self.k) if plain.method else ""
        notes = [plain.note]
        if said and plain.method and (wide.low > 1 or wide.high < 1):
            named = list(zip([name for name, _ in others], votes, strict=True))
            lost = [
                name
                for name, vote in named
                if vote is not None and not (vote.low > 1 if wide.low > 1 else vote.high < 1)
            ]
            notes += [not_confirmed(lost), no_vote([name for name, vote in named if vote is None])]
        known = {
            name: value if math.isfinite(value) else math.nan
            for name, value in zip(("ratio", "low", "high"), plain[:3], strict=True)
        }
        return row | known | {
            "difference": gap.value,
            "difference_low": gap.low,
            "difference_high": gap.high,
            "interval": f"{plain.method}, {self.confidence * 100:g} %" if plain.method else "",
            "certainty": said,
            "note": "; ".join(part for part in notes if part),
        }  # fmt: skip
