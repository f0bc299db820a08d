"""One number for many groups, never alone: summaries of inequity with interval, null band and homogeneity test
(``summaries.csv``).

Its one idea: groups with one true rate look unequal by noise, so no summary is given without the band that equal
groups of these people would show. Each group's variance in that band is taken where ITS threshold gives the pooled
rate, read between the rungs of the curve. Both weightings; where a rate of a group has no interval (FNMR by
comparisons, METRICS 3; FMR by comparisons that a few people decide), the summary is given bare and says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audit.base.groups import ALL, UNLABELLED, Group
from audit.observations.tallies import CURVE
from audit.rates.every_rate import WEIGHTINGS, Key, PairRates, Weighting
from audit.stats.dyadic import rate
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate, moved
from audit.stats.group_rates import GroupRates
from audit.stats.inequity import SummaryValue, at_least
from audit.stats.noise import Band, homogeneity, null_band, summary_interval
from audit.words import columns

__all__ = ["groupings", "read", "summaries", "usable"]

_SINGLE = ("difference", "ratio", "max_over_geometric_mean", "max_over_mean", "gini")
_BOTH = ("garbe", "fdr", "inequity_rate", "werm")

Value = DyadicRate | SubjectRate


def groupings(rates: PairRates) -> dict[str, list[Group]]:
    """Sets of disjoint groups: the finest cells, and the values of each attribute."""
    out: dict[str, list[Group]] = {}
    for group in rates.groups:
        if group.name not in (ALL, UNLABELLED):
            out.setdefault("|".join(part.split("=", 1)[0] for part in group.name.split("|")), []).append(group)
    return {name: groups for name, groups in out.items() if len(groups) > 1}


def usable(rates: PairRates, point: str, measure: str, weighting: Weighting, groups: Sequence[Group]) -> list[Group]:
    """Those with trials and enough people."""
    keys = [Key(point, measure, weighting, group.name) for group in groups]
    return [
        group for group, key in zip(groups, keys, strict=True) if rates.values[key].trials and not rates.too_few(key)
    ]


def read(rates: PairRates, point: str, measure: str, weighting: Weighting, groups: Sequence[Group]) -> list[Value]:
    """The groups' rates."""
    return [rates.values[Key(point, measure, weighting, group.name)] for group in groups]


def _noisy(rates: PairRates, values: Sequence[Value]) -> GroupRates:
    return GroupRates.printed(values, rates.confidence)


class _Rungs:
    """V/p², df and both spreads along the curve, per group and weighting, read once."""

    def __init__(self, rates: PairRates) -> None:
        self._rates = rates
        rungs = [(t, name) for name, t in rates.thresholds.items() if name.startswith(CURVE) and math.isfinite(t)]
        self._points = [
            name for _, name in sorted(rungs)
        ]  # not the operating points: one more of them changes no other row
        self._seen: dict[tuple[str, str], GroupRates] = {}

    def _of(self, weighting: Weighting, group: str) -> GroupRates:
        """The group's rates along the curve, ascending; nan where none is printed."""
        if (weighting, group) not in self._seen:
            mask = self._rates.masks["FMR", group, ""]
            found = [
                rate(self._rates.sums[name, weighting], mask, confidence=self._rates.confidence)
                for name in self._points
            ]
            some = GroupRates.printed([r for r in found if 0 < r.rate < 1], self._rates.confidence)
            _, first = np.unique(some.rate, return_index=True)
            self._seen[weighting, group] = some.chosen(first)
        return self._seen[weighting, group]

    def at(self, weighting: Weighting, groups: Sequence[Group], pooled: float) -> GroupRates:
        """What each group's FMR would be like where its own threshold would give the pooled rate: between rungs,
        straight in logarithms.
        """
        seen = [self._of(weighting, group.name) for group in groups]
        return GroupRates.joined([found.at(pooled) for found in seen])


def _pooled_fmr(rates: PairRates, point: str, weighting: Weighting, groups: Sequence[Group]) -> float:
    sums = rates.sums[point, weighting]
    errors = trials = 0.0
    for group in groups:
        once = np.triu(rates.masks["FMR", group.name, ""])
        errors, trials = errors + float(sums.e[once].sum()), trials + float(sums.M[once].sum())
    return errors / trials if trials else math.nan


def _people(values: Sequence[Value]) -> list[SubjectRate]:
    return [value for value in values if isinstance(value, SubjectRate)]


def _pooled_people(rates: PairRates, values: Sequence[SubjectRate]) -> tuple[float, GroupRates]:
    """FNMR: the mean over everybody, and what each group's rate would be like there."""
    n = np.array([v.subjects for v in values], dtype=np.float64)
    q = float((np.array([v.rate for v in values]) * n).sum() / n.sum())
    there = [moved(v, q, rates.confidence) for v in values] if 0 < q < 1 else values
    return q, GroupRates.printed(there, rates.confidence)


def summaries(rates: PairRates, points: Sequence[str], *, draws: int, seed: int) -> pd.DataFrame:
    """Every summary by its id, at every operating point, for the finest cells and for each attribute.

    Parameters
    ----------
    rates : PairRates
        Of the headline labelling.
    points : sequence of str
        Operating points to summarise; thresholds that differ by group are left out by the caller.
    draws, seed : int
        Of intervals and null bands.

    Returns
    -------
    DataFrame
        ``value`` is "at least" where a group has no errors (said in ``note``); groups with too few people take no
        part, which is said too.
    """
    rows: list[dict[str, object]] = []
    rungs = _Rungs(rates)
    for grouping, groups in groupings(rates).items():
        for point in points:
            for weighting in WEIGHTINGS:
                used = {measure: usable(rates, point, measure, weighting, groups) for measure in ("FMR", "FNMR")}
                for measure, some in used.items():
                    rows += _single(rates, rungs, point, measure, weighting, grouping, groups, some, draws, seed)
                both = [group for group in used["FNMR"] if group in used["FMR"]]
                rows += _combined(rates, rungs, point, weighting, grouping, groups, both, draws, seed)
    return columns.frame("summaries", rows)


def _left_out(groups: Sequence[Group], used: Sequence[Group]) -> str:
    few = len(groups) - len(used)
    return f"{few} of {len(groups)} groups left out: too few people" if few else ""


_BARE = "no interval and no band: a group's rate has none"


def _bare(values: Sequence[Value]) -> bool:
    return any(value.trials and not value.interval for value in values)


def _single(
    rates: PairRates,
    rungs: _Rungs,
    point: str,
    measure: str,
    weighting: Weighting,
    grouping: str,
    groups: Sequence[Group],
    used: Sequence[Group],
    draws: int,
    seed: int,
) -> list[dict[str, object]]:
    start: dict[str, object] = {"operating_point": point, "measure": measure, "weighting": weighting}
    start |= {"grouping": grouping, "groups": len(used)}
    if len(used) < 2:
        note = "fewer than two groups with enough people"
        return [start | {"summary": which, "note": note} for which in _SINGLE]
    values = read(rates, point, measure, weighting, used)
    x, high = np.array([v.rate for v in values]), np.array([v.high for v in values])
    if _bare(values):
        return [_alone(start, which, at_least(which, x, high), _left_out(groups, used)) for which in _SINGLE]
    noisy = _noisy(rates, values)
    p_equal = homogeneity(noisy)[3]
    if measure == "FMR":
        pooled = _pooled_fmr(rates, point, weighting, used)
        alike = rungs.at(weighting, used, pooled) if pooled > 0 else None
    else:
        pooled, alike = _pooled_people(rates, _people(values))
    rows = []
    for which in _SINGLE:
        found = at_least(which, x, high)
        spread = summary_interval(which, noisy, confidence=rates.confidence, draws=draws, seed=seed)
        low_null = high_null = p_null = math.nan
        notes = [_left_out(groups, used), found.note, spread.note]
        if alike is not None and pooled > 0:
            band = null_band(which, found.value, pooled, alike, confidence=rates.confidence, draws=draws, seed=seed)
            if len(band.used) == len(used):
                low_null, high_null, p_null = band.low, band.high, band.p_value
            elif len(band.used) >= 2:
                part = list(band.used)
                again = null_band(
                    which,
                    float(at_least(which, x[part], high[part]).value),
                    pooled,
                    alike,
                    confidence=rates.confidence,
                    draws=draws,
                    seed=seed,
                )
                low_null, high_null, p_null = again.low, again.high, again.p_value
            notes.append(band.note)
        row = start | {"summary": which, "homogeneity_p": p_equal}
        rows.append(_with_limits(row, found, spread, (low_null, high_null, p_null), notes))
    return rows


def _alone(start: dict[str, object], which: str, found: SummaryValue, left_out: str) -> dict[str, object]:
    value = found.value if math.isfinite(found.value) else math.nan
    return start | {"summary": which, "value": value, "note": "; ".join(filter(None, (left_out, found.note, _BARE)))}


def _with_limits(
    start: dict[str, object], found: SummaryValue, spread: Band, band: tuple[float, float, float], notes: Sequence[str]
) -> dict[str, object]:
    numbers = zip(("value", "low", "high"), (found.value, spread.low, spread.high), strict=True)
    limits = {name: value if math.isfinite(value) else math.nan for name, value in numbers}
    null = dict(zip(("null_low", "null_high", "null_p"), band, strict=True))
    return start | limits | null | {"note": "; ".join(filter(None, notes))}


def _combined(
    rates: PairRates,
    rungs: _Rungs,
    point: str,
    weighting: Weighting,
    grouping: str,
    groups: Sequence[Group],
    used: Sequence[Group],
    draws: int,
    seed: int,
) -> list[dict[str, object]]:
    start: dict[str, object] = {
        "operating_point": point,
        "measure": "FMR and FNMR",
        "weighting": weighting,
        "grouping": grouping,
        "groups": len(used),
    }
    if len(used) < 2:
        note = "fewer than two groups with enough people for both errors"
        return [start | {"summary": which, "note": note} for which in _BOTH]
    first, second = (read(rates, point, measure, weighting, used) for measure in ("FMR", "FNMR"))
    x, y = (np.array([v.rate for v in values]) for values in (first, second))
    x_high, y_high = (np.array([v.high for v in values]) for values in (first, second))
    if _bare([*first, *second]):
        return [
            _alone(start, which, at_least(which, x, x_high, y, y_high), _left_out(groups, used)) for which in _BOTH
        ]
    a, b = _noisy(rates, first), _noisy(rates, second)
    p0, (q0, alike_b) = _pooled_fmr(rates, point, weighting, used), _pooled_people(rates, _people(second))
    rows = []
    for which in _BOTH:
        found = at_least(which, x, x_high, y, y_high)
        spread = summary_interval(which, a, b, confidence=rates.confidence, draws=draws, seed=seed)
        band_low = band_high = band_p = math.nan
        notes = [_left_out(groups, used), found.note, spread.note]
        if p0 > 0 and q0 > 0:
            alike_a = rungs.at(weighting, used, p0)
            band = null_band(
                which, found.value, p0, alike_a, q0, alike_b, confidence=rates.confidence, draws=draws, seed=seed
            )
            if len(band.used) == len(used):
                band_low, band_high, band_p = band.low, band.high, band.p_value
            notes.append(band.note)
        rows.append(_with_limits(start | {"summary": which}, found, spread, (band_low, band_high, band_p), notes))
    return rows
