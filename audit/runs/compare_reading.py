"""One run of a comparison, read: the errors of each person and pair of people at one threshold, under numbers that
both share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ResultsError
from audit.base.groups import ALL, UNLABELLED, Group
from audit.observations import way_back
from audit.observations.numbering import renumbered
from audit.observations.tallies import PointTally, Tallies
from audit.rates.calibration import log_drift, slope_of_setting
from audit.rates.every_rate import Key, PairRates
from audit.results import AuditResult, comparison_people
from audit.stats.contrasts import Contrast
from audit.stats.paired import Errors, Setting, paired_people, paired_ratio

__all__ = ["Mask", "Reading", "same_benchmark", "who_is_who"]

Mask = NDArray[np.bool_]


def _listed_people(result: AuditResult) -> Tallies:
    if result.tallies is None:
        raise ResultsError(
            "compare",
            got="a result without people",
            allowed="two results with dyads.npz",
            todo="Compare runs that know who is who",
        )
    if result.tallies.listed is not None:
        raise ResultsError(
            "compare",
            got="scores of pairs that somebody else chose",
            allowed="two runs that compared every photo with every other",
            todo="Read both reports",
        )
    return result.tallies


def who_is_who(a: AuditResult, b: AuditResult, cache: Path, comparison: Path) -> NDArray[np.int64]:
    """(S,) for each person of ``a`` their number in ``b``.

    Results say nothing of who is who. This machine's cache does where it made both runs; and a comparison that
    somebody published holds the two numberings side by side, which names nobody either.

    Raises
    ------
    ResultsError
        Neither is there, or the runs are of different people.
    """
    left, right = _listed_people(a), _listed_people(b)
    kept = [way_back.find(cache, tallies) for tallies in (left, right)]
    if kept[0] is not None and kept[1] is not None:
        return way_back.link(kept[0], kept[1])
    number = comparison_people(comparison)
    if number is not None and len(number) == left.subjects == right.subjects:
        return number
    raise ResultsError(
        "compare",
        got=f"who in {a.config.name} is who in {b.config.name}: results do not say it, and this "
        f"machine's cache does not know it",
        allowed="two runs made on this machine, or a published comparison of the two",
        todo=way_back.TODO,
    )


def same_benchmark(a: AuditResult, b: AuditResult, number: NDArray[np.int64]) -> tuple[Tallies, Tallies]:
    """The tallies of both runs under the second's numbers; ResultsError where they are of different people."""
    left, right = _listed_people(a), _listed_people(b)
    same = a.about["benchmark"]["name"] == b.about["benchmark"]["name"] and left.subjects == right.subjects == len(
        number
    )
    if same:
        inverse = np.empty(len(number), dtype=np.int64)
        inverse[number] = np.arange(len(number))
        right = renumbered(right, inverse)
        same = (
            np.array_equal(left.attempted, right.attempted) and left.labellings[0].cells == right.labellings[0].cells
        )
        same = same and np.array_equal(left.labellings[0].cell, right.labellings[0].cell)
    if not same:
        raise ResultsError(
            "compare",
            got=f"{a.config.name} and {b.config.name}, which are not of the same people with the same labels",
            allowed="two runs of one benchmark with equal groups and exclusions",
            todo="Run both with the same [benchmark] and [groups]",
        )
    return left, right


@dataclass(frozen=True, eq=False)
class Reading:
    """Both runs at one operating point, read on the people with templates from both."""

    left: Tallies
    right: Tallies
    both: Mask
    points: tuple[PointTally, PointTally]
    rates: tuple[PairRates, PairRates]
    settings: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def _sides(self) -> tuple[tuple[Tallies, PointTally], tuple[Tallies, PointTally]]:
        return (self.left, self.points[0]), (self.right, self.points[1])

    def _errors(self, side: int, inside: Mask) -> Errors:
        tallies, point = self._sides[side]
        keep = inside[point.i] & inside[point.j]
        i, j = point.i[keep].astype(np.int64), point.j[keep].astype(np.int64)
        n = tallies.acquired.astype(np.float64)
        people = int(inside.sum())
        return Errors(i, j, point.e[keep] / (n[i] * n[j]), people * (people - 1) / 2)

    def _setting(self, side: int, measure: str, groups: Sequence[Group], signs: Sequence[float]) -> list[Setting]:
        """What the threshold of one run adds, where it was set on these people; nothing where a slope is not known
        (``unknown``).
        """
        names, rates, point = self.settings[side], self.rates[side], self.points[side].id
        if not names:
            return []
        h, change = self._response(side, measure, groups, signs)
        if not (math.isfinite(h) and h > 0 and math.isfinite(change)):
            return []
        chosen = [k for k, name in enumerate(rates.cells) if name in names or (names == (ALL,) and name != UNLABELLED)]
        people = self.both & np.isin(self.left.labellings[0].cell, chosen)
        return [Setting(self._errors(side, people), people, (1.0 if side else -1.0) * change / h)] if point else []

    def _response(
        self, side: int, measure: str, groups: Sequence[Group], signs: Sequence[float]
    ) -> tuple[float, float]:
        rates, point = self.rates[side], self.points[side].id
        keys = [Key(point, measure, "people", group.name) for group in groups]
        return slope_of_setting(rates, point, "people", self.settings[side]), sum(
            sign * log_drift(rates, key) for sign, key in zip(signs, keys, strict=True)
        )

    def unknown(self, measure: str, groups: Sequence[Group], signs: Sequence[float]) -> bool:
        """Whether a threshold was set on these people and how far it could have moved cannot be told."""
        return any(self.settings[side] and not self._setting(side, measure, groups, signs) for side in (0, 1))

    def inside(self, group: Group) -> Mask:
        """The group's people with templates from both."""
        return np.asarray(self.both & np.isin(self.left.labellings[0].cell, group.cells))

    def _mated(self, group: Group) -> Mask:
        return np.asarray(self.inside(group) & (self.left.mated > 0) & (self.right.mated > 0))

    def _missed(self, side: int) -> NDArray[np.float64]:
        tallies, point = self._sides[side]
        return np.asarray(np.divide(point.f, tallies.mated, out=np.zeros(tallies.subjects), where=tallies.mated > 0))

    def people(self, measure: str, group: Group) -> int:
        """How many people both rates are read on."""
        return int((self._mated(group) if measure == "FNMR" else self.inside(group)).sum())

    def both_rates(self, measure: str, group: Group) -> tuple[float, float]:
        """People weighting; nan without people."""
        if measure == "FMR":
            inside = self.inside(group)
            return self._errors(0, inside).rate, self._errors(1, inside).rate
        who = self._mated(group)
        return (
            (float(self._missed(0)[who].mean()), float(self._missed(1)[who].mean()))
            if who.any()
            else (math.nan, math.nan)
        )

    def contrast(self, measure: str, groups: Sequence[Group], signs: Sequence[float]) -> Contrast:
        """Σ sign·ln(b/a) over the groups."""
        settings = [one for side in (0, 1) for one in self._setting(side, measure, groups, signs)]
        if measure == "FMR":
            a, b = ([self._errors(side, self.inside(group)) for group in groups] for side in (0, 1))
            return paired_ratio(self.left.subjects, a, b, signs, settings)
        who = [self._mated(group) for group in groups]
        return paired_people([self._missed(0)] * len(groups), [self._missed(1)] * len(groups), who, signs, settings)
