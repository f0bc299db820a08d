"""What a calibrated threshold adds to the uncertainty of a ratio, or of a difference.

In: rates at an operating point whose threshold was set to give a target FMR on people who are compared too. Out: the
ratio's interval by linearisation; the variance that a difference gains. Its one idea: had other people been drawn, the
threshold would have moved; a group whose rate falls faster with the threshold would have moved more. The slopes are
read off the ladder of curve thresholds, so ``dyads.npz`` alone holds all that is needed. The calibration set's own
rate is read in the weighting of the row; where the target was set by people and the row counts comparisons, that is
the noisier of the two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, APART, UNLABELLED
from audit.observations.tallies import CURVE
from audit.rates.every_rate import Key, PairRates, missed
from audit.stats.contrasts import (
    Contrast,
    Ratio,
    linear_contrast,
    linear_contrast_people,
    log_contrast,
    log_contrast_people,
)
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.stats.ratios import widened

__all__ = [
    "EXACTLY",
    "UNKNOWN_SLOPE",
    "Calibrated",
    "added_variance",
    "at_exactly",
    "calibration_sets",
    "contrast",
    "log_drift",
    "ratio_of_misses",
    "slope",
    "slope_of_setting",
]

Calibrated = Mapping[str, tuple[str, ...]]
"""Operating point -> names of the cells its threshold was set on."""

UNKNOWN_SLOPE = "how far the threshold could have moved cannot be estimated here"

_LEAST_BETWEEN = 30  # errors between the ends of a window (METRICS 3)
_LEAST_ERRORS = (
    10  # at its strict end; below these a group's own slope is noise, and the slope over all labelled people stands in
)


def calibration_sets(points: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Operating point -> names of the cells its target was calibrated on; only where they are measured too."""
    names = points.calibrated_on.astype(str)
    rows = points[(names != "") & ~names.str.startswith(APART)]
    return {str(row.operating_point): (str(row.calibrated_on),) for row in rows.itertuples()}


EXACTLY = "the interval is at exactly this score: that it was set on these people is not in it"


def at_exactly(frame: pd.DataFrame, calibrated: Calibrated) -> pd.DataFrame:
    """Add ``EXACTLY`` to the rows of ``rates.csv`` whose threshold was set on the people they are read on, where they
    have an interval.

    A ratio and a gap know by how much a rate moves against another when the threshold does. One rate alone, at a
    target, is what the target says it is in one group, and in the others its interval is a statement about this score
    and not about the target.
    """
    hit = frame["operating_point"].isin(list(calibrated)) & (frame["interval"] != "")
    said = frame["note"].where(frame["note"] == "", frame["note"] + "; ") + EXACTLY
    return frame.assign(note=frame["note"].where(~hit, said)) if hit.any() else frame


def _mask(rates: PairRates, names: tuple[str, ...]) -> NDArray[np.bool_]:
    inside = np.array([(name in names) or (names == (ALL,) and name != UNLABELLED) for name in rates.cells])
    return np.asarray(np.outer(inside, inside))


def _errors(rates: PairRates, point: str, weighting: str, mask: NDArray[np.bool_]) -> float:
    """False matches in the unit of the weighting: pairs of people, or comparisons."""
    return float(rates.sums[point, weighting].e[np.triu(mask)].sum())


def _rungs(rates: PairRates) -> list[tuple[float, str]]:
    """The curve's thresholds, loosest first: the operating points have no say, so that one more of them changes no
    other row.
    """
    return sorted((t, name) for name, t in rates.thresholds.items() if name.startswith(CURVE) and math.isfinite(t))


def _window(
    here: float, thresholds: Sequence[float], errors: Sequence[float], least_at_end: float
) -> tuple[int, int] | None:
    """Ends of the narrowest window about ``here`` (or the nearest to it) with at least 30 errors between them; None
    where there is none.

    ``errors`` are in people: pairs of people that erred, or people missed, so that the same photos again are not more
    of them.
    """
    found = []
    for a in range(len(thresholds)):
        for b in range(a + 1, len(thresholds)):
            if abs(errors[a] - errors[b]) >= _LEAST_BETWEEN and min(errors[a], errors[b]) >= least_at_end:
                outside = max(thresholds[a] - here, here - thresholds[b], 0.0)
                found.append((outside, max(abs(thresholds[a] - here), abs(thresholds[b] - here)), a, b))
    return min(found)[2:] if found else None


def slope(rates: PairRates, point: str, weighting: str, mask: NDArray[np.bool_]) -> float:
    """Slope h = -d ln FMR / dT at an operating point, over a window of the curve with 30 errors between its ends; NaN
    where there is none.

    Source: METRICS 3, "never from other operating points".
    """
    rungs = _rungs(rates)
    people = [_errors(rates, name, "people", mask) for _, name in rungs]
    ends = _window(rates.thresholds[point], [t for t, _ in rungs], people, _LEAST_ERRORS)
    if ends is None:
        return math.nan
    (low, loose), (high, strict) = (rungs[k] for k in ends)
    return math.log(_errors(rates, loose, weighting, mask) / _errors(rates, strict, weighting, mask)) / (high - low)


def contrast(rates: PairRates, key: Key, other: Key, names: tuple[str, ...]) -> Contrast | None:
    """ln(FMR of ``key`` / FMR of ``other``) with the calibration on the cells ``names`` accounted for.

    None where it has no logarithm, and where a rate is 0 or 1: no spread was seen there, which is no proof of none,
    and its limit is one-sided.
    """
    if not isinstance(rates.values[key], DyadicRate) or not all(
        0 < rates.values[one].rate < 1 for one in (key, other)
    ):
        return None
    sums = rates.sums[key.operating_point, key.weighting]
    a, b = (rates.masks[one.measure, one.group, one.other_group] for one in (key, other))
    reference = _mask(rates, names)
    pooled = slope(rates, key.operating_point, key.weighting, _mask(rates, (ALL,)))
    h_a, h_b, h_ref = (
        _or(slope(rates, key.operating_point, key.weighting, mask), pooled) for mask in (a, b, reference)
    )
    calibration = (
        [(reference, -(h_a - h_b) / h_ref)] if all(map(math.isfinite, (h_a, h_b, h_ref))) and h_ref > 0 else []
    )
    found = log_contrast(sums, [(a, 1.0), (b, -1.0)], calibration=calibration)
    found = found if calibration else found._replace(note=f"{UNKNOWN_SLOPE}: the interval leaves it out")
    return found if math.isfinite(found.value) and found.variance > 0 else None


def added_variance(rates: PairRates, key: Key, other: Key, names: tuple[str, ...]) -> tuple[float, float | None]:
    """By how much the calibration on the cells ``names`` raises the variance of rate - rate; and the t degrees of
    freedom with it (None: z).

    Linearised: the threshold's error is that of the calibration set's rate over (rate x slope of ln rate), and the
    difference moves by its own slope along the threshold. Never below 0: where the calibration steadies the
    difference, its interval stays as wide as without. (nan, None) where a slope is not known.
    """
    point, weighting = key.operating_point, key.weighting
    reference, everybody = _mask(rates, names), _mask(rates, (ALL,))
    pooled = slope(rates, point, weighting, everybody)
    h_ref = _or(slope(rates, point, weighting, reference), pooled)
    change = _drift(rates, key, pooled) - _drift(rates, other, pooled)
    if not (math.isfinite(change) and math.isfinite(h_ref) and h_ref > 0):
        return math.nan, None
    sums, calibration = rates.sums[point, weighting], [(reference, change / h_ref)]
    a, b = rates.values[key], rates.values[other]
    if isinstance(a, SubjectRate) and isinstance(b, SubjectRate):
        parts = [(a, 1.0), (b, -1.0)]
        without, whole = (
            linear_contrast_people(parts),
            linear_contrast_people(parts, sums=sums, calibration=calibration),
        )
    else:
        terms = [
            (rates.masks[one.measure, one.group, one.other_group], sign) for one, sign in ((key, 1.0), (other, -1.0))
        ]
        without, whole = linear_contrast(sums, terms), linear_contrast(sums, terms, calibration=calibration)
    return max(0.0, whole.variance - without.variance), whole.df


def _drift(rates: PairRates, key: Key, pooled: float) -> float:
    """D rate / dT at the operating point; a rate of 0 stands still."""
    value = rates.values[key]
    if isinstance(value, DyadicRate):
        mask = rates.masks[key.measure, key.group, key.other_group]
        return (
            -value.rate * _or(slope(rates, key.operating_point, key.weighting, mask), pooled)
            if value.rate > 0
            else 0.0
        )
    return _missed_slope(rates, key)


_MISSES: WeakKeyDictionary[PairRates, dict[tuple[str, str, str], list[float]]] = WeakKeyDictionary()
"""FNMR along the curve, read once per group."""


def _missed_slope(rates: PairRates, key: Key) -> float:
    """D FNMR / dT, over a window with 30 people missed between its ends, or over all of the curve where there are
    fewer.
    """
    rungs, place = _rungs(rates), (key.measure, key.weighting, key.group)
    known = _MISSES.setdefault(rates, {})
    if place not in known:
        known[place] = [missed(rates, replace(key, operating_point=name)).rate for _, name in rungs]
    q, n = known[place], rates.values[key].subjects
    if len(rungs) < 2 or not all(map(math.isfinite, q)):
        return math.nan
    first, last = _window(
        rates.thresholds[key.operating_point], [t for t, _ in rungs], [one * n for one in q], 0.0
    ) or (0, len(rungs) - 1)
    width = rungs[last][0] - rungs[first][0]
    return (q[last] - q[first]) / width if width > 0 else math.nan


def ratio_of_misses(
    rates: PairRates, key: Key, other: Key, names: tuple[str, ...], plain: Ratio, confidence: float
) -> Ratio:
    """A ratio of FNMR with what the calibration on the cells ``names`` adds, squared onto the logarithms of the
    printed limits of ``plain``.

    A limit of 0 or of no number stays what it is. Where a slope is not known the interval leaves the calibration out,
    and the note says so.
    """
    a, b = rates.values[key], rates.values[other]
    if not (
        isinstance(a, SubjectRate)
        and isinstance(b, SubjectRate)
        and math.isfinite(plain.value)
        and plain.value > 0
        and plain.method
    ):
        return plain
    point, weighting = key.operating_point, key.weighting
    h_ref = _or(
        slope(rates, point, weighting, _mask(rates, names)), slope(rates, point, weighting, _mask(rates, (ALL,)))
    )
    change = _missed_slope(rates, key) / a.rate - _missed_slope(rates, other) / b.rate
    if not (math.isfinite(change) and math.isfinite(h_ref) and h_ref > 0):
        return plain._replace(
            note="; ".join(filter(None, (plain.note, f"{UNKNOWN_SLOPE}: the interval leaves it out")))
        )
    parts, calibration = [(a, 1.0), (b, -1.0)], [(_mask(rates, names), change / h_ref)]
    with_it = log_contrast_people(parts, sums=rates.sums[point, weighting], calibration=calibration)
    added = max(0.0, with_it.variance - log_contrast_people(parts).variance)
    return widened(plain, added, confidence)


def log_drift(rates: PairRates, key: Key) -> float:
    """D ln rate / dT at the operating point: negative for FMR, positive for FNMR; NaN where it is not known, or the
    rate is 0.
    """
    value, pooled = rates.values[key].rate, slope(rates, key.operating_point, key.weighting, _mask(rates, (ALL,)))
    return _drift(rates, key, pooled) / value if value > 0 else math.nan


def slope_of_setting(rates: PairRates, point: str, weighting: str, names: tuple[str, ...]) -> float:
    """Slope h of the cells that a threshold was set on, or of all labelled people where these have too few errors."""
    return _or(
        slope(rates, point, weighting, _mask(rates, names)), slope(rates, point, weighting, _mask(rates, (ALL,)))
    )


def _or(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise
