"""Two results of one benchmark in, what changed out: two matchers, or one before and after an update.

Its one idea: the same people, the same benchmark and the same kind of threshold, so what the two matchers share cancels person by person
(``stats.paired``); where a threshold was set on these people, its movement is in the interval. Only people with a template from both take part.
Everything comes from the two ``dyads.npz``: no template, no photograph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import NotEnoughDataError, ResultsError
from audit.base.groups import ALL, UNLABELLED, Group, coarser_reference, groups_of
from audit.observations import way_back
from audit.observations.numbering import renumbered
from audit.observations.tallies import PointTally, Tallies
from audit.rates import every_rate
from audit.rates.calibration import UNKNOWN_SLOPE, calibration_sets, log_drift, slope_of_setting
from audit.rates.every_rate import Key, PairRates
from audit.results import AuditResult, comparison_people
from audit.stats.multiplicity import bonferroni_level, family_confidence
from audit.stats.paired import Errors, Setting, paired_people, paired_ratio
from audit.stats.ratios import Contrast
from audit.words.wording import CLEAR, LIKELY, UNCERTAIN, no_larger_than

__all__ = ["COLUMNS", "compare", "who_is_who"]

COLUMNS = (
    ("operating_point", "measure", "weighting", "group", "subjects", "rate_a", "rate_b", "ratio", "low", "high", "certainty")
    + ("reference", "differential_a", "differential_b", "change", "change_low", "change_high", "change_certainty", "note")
)  # fmt: skip
Mask = NDArray[np.bool_]


def _listed_people(result: AuditResult) -> Tallies:
    if result.tallies is None:
        raise ResultsError("compare", got="a result without people", allowed="two results with dyads.npz", todo="Compare runs that know who is who")
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

    Results say nothing of who is who. This machine's cache does where it made both runs; and a comparison that somebody published holds the two
    numberings side by side, which names nobody either.

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
        got=f"who in {a.config.name} is who in {b.config.name}: results do not say it, and this machine's cache does not know it",
        allowed="two runs made on this machine, or a published comparison of the two",
        todo=way_back.TODO,
    )


def _same_benchmark(a: AuditResult, b: AuditResult, number: NDArray[np.int64]) -> tuple[Tallies, Tallies]:
    left, right = _listed_people(a), _listed_people(b)
    same = a.about["benchmark"]["name"] == b.about["benchmark"]["name"] and left.subjects == right.subjects == len(number)
    if same:
        inverse = np.empty(len(number), dtype=np.int64)
        inverse[number] = np.arange(len(number))
        right = renumbered(right, inverse)
        same = np.array_equal(left.attempted, right.attempted) and left.labellings[0].cells == right.labellings[0].cells
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
class _Reading:
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
        """What the threshold of one run adds, where it was set on these people; nothing where a slope is not known (``unknown``)."""
        names, rates, point = self.settings[side], self.rates[side], self.points[side].id
        if not names:
            return []
        h, change = self._response(side, measure, groups, signs)
        if not (math.isfinite(h) and h > 0 and math.isfinite(change)):
            return []
        chosen = [k for k, name in enumerate(rates.cells) if name in names or (names == (ALL,) and name != UNLABELLED)]
        people = self.both & np.isin(self.left.labellings[0].cell, chosen)
        return [Setting(self._errors(side, people), people, (1.0 if side else -1.0) * change / h)] if point else []

    def _response(self, side: int, measure: str, groups: Sequence[Group], signs: Sequence[float]) -> tuple[float, float]:
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
        return (float(self._missed(0)[who].mean()), float(self._missed(1)[who].mean())) if who.any() else (math.nan, math.nan)

    def contrast(self, measure: str, groups: Sequence[Group], signs: Sequence[float]) -> Contrast:
        """Σ sign·ln(b/a) over the groups."""
        settings = [one for side in (0, 1) for one in self._setting(side, measure, groups, signs)]
        if measure == "FMR":
            a, b = ([self._errors(side, self.inside(group)) for group in groups] for side in (0, 1))
            return paired_ratio(self.left.subjects, a, b, signs, settings)
        who = [self._mated(group) for group in groups]
        return paired_people([self._missed(0)] * len(groups), [self._missed(1)] * len(groups), who, signs, settings)


def _certainty(found: Contrast, level: float, family: int, k: float) -> str:
    for phrase, at in ((CLEAR, bonferroni_level(family, family_confidence(level))), (LIKELY, level)):
        ratio = found.ratio(at)
        if ratio.low > 1 or ratio.high < 1:
            return phrase
    ratio = found.ratio(0.90)
    return no_larger_than(k) if ratio.low >= 1 / k and ratio.high <= k else UNCERTAIN


def _readings(a: AuditResult, b: AuditResult, left: Tallies, right: Tallies, both: Mask) -> Iterator[_Reading]:
    others = {point.id: point for point in right.points}
    rates = every_rate.compute(left), every_rate.compute(right)
    sets = tuple(calibration_sets(one.operating_points) for one in (a, b))
    for one in left.points:
        two = others.get(one.id)
        if two is None or one.streamed or two.streamed or not (math.isfinite(one.threshold) and math.isfinite(two.threshold)):
            continue
        yield _Reading(left, right, both, (one, two), rates, (sets[0].get(one.id, ()), sets[1].get(one.id, ())))


def compare(a: AuditResult, b: AuditResult, number: NDArray[np.int64]) -> pd.DataFrame:
    """What changed from ``a`` to ``b`` at every operating point that both have.

    Parameters
    ----------
    a, b : AuditResult
        Of one benchmark, with the same labels.
    number : NDArray (S,) int64
        For each person of ``a`` their number in ``b`` (``who_is_who``).

    Returns
    -------
    DataFrame
        ``COLUMNS``: per group both rates (people weighting, people with templates from both), ratio b/a with its interval and certainty; and the
        change of the group's differential, (b_g / b_ref) / (a_g / a_ref). Certainty by the rules of METRICS 3.5, Bonferroni over groups.

    Raises
    ------
    ResultsError
        Not the same people, or no common operating point.
    NotEnoughDataError
        Fewer than two people have a template from both.
    """
    left, right = _same_benchmark(a, b, number)
    both = (left.acquired > 0) & (right.acquired > 0)
    if int(both.sum()) < 2:
        raise NotEnoughDataError(
            "compare", got=f"{int(both.sum())} people with templates from both", allowed="at least two", todo="Look at acquisition"
        )
    level, k, minimum = a.config.uncertainty.confidence, a.config.uncertainty.equivalence, a.config.groups.minimum_subjects
    groups = {group.name: group for group in groups_of(left.labellings[0].cells) if group.name != UNLABELLED}
    rows = []
    for reading in _readings(a, b, left, right, both):
        for measure in ("FMR", "FNMR"):
            enough = {name: reading.people(measure, group) >= minimum for name, group in groups.items()}
            family = max(1, sum(enough[name] for name, group in groups.items() if group.finest))
            for group in groups.values():
                reference = a.config.groups.reference if group.finest else coarser_reference(group, a.config.groups.reference)
                against = groups.get(reference) if reference != group.name else None
                rows.append(_row(reading, measure, group, against, enough[group.name], (level, family, k)))
    if not rows:
        raise ResultsError(
            "compare",
            got="no operating point that both have, with its pairs of people",
            allowed="equal ids in operating_points.csv",
            todo="Use the same points",
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).replace([np.inf, -np.inf], np.nan)


def _row(reading: _Reading, measure: str, group: Group, against: Group | None, enough: bool, rule: tuple[float, int, float]) -> tuple[object, ...]:
    level, family, k = rule
    rates = reading.both_rates(measure, group)
    found = reading.contrast(measure, [group], (1.0,))
    ratio, people = _limits(found, rates[1] / rates[0] if rates[0] > 0 else math.nan, level), reading.people(measure, group)
    said = _certainty(found, level, family, k) if math.isfinite(ratio[1]) else UNCERTAIN
    change: tuple[float, ...] = (math.nan,) * 5
    changed = ""
    if against is not None:
        shift = reading.contrast(measure, [group, against], (1.0, -1.0))
        base = reading.both_rates(measure, against)
        own = tuple(x / y if y > 0 else math.nan for x, y in zip(rates, base, strict=True))
        change = (*own, *_limits(shift, own[1] / own[0] if own[0] > 0 else math.nan, level))
        changed = _certainty(shift, level, max(1, family - 1), k) if math.isfinite(change[3]) else UNCERTAIN
    notes = [] if enough else [f"too few people: {people}"]
    notes += [found.note] if found.note and enough else []
    if enough and math.isfinite(ratio[1]) and reading.unknown(measure, [group], (1.0,)):
        notes.append(f"{UNKNOWN_SLOPE}: the interval leaves it out")
    row = (reading.points[0].id, measure, "people", group.name, people, *rates, *ratio, said if enough else "too few people")
    against_name = against.name if against is not None and changed else ""
    return (*row, against_name, *change, changed if enough else "", "; ".join(notes))


def _limits(found: Contrast, value: float, level: float) -> tuple[float, float, float]:
    ratio = found.ratio(level)
    return value, ratio.low, ratio.high
