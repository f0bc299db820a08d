"""What a calibrated threshold adds to the uncertainty of a ratio, or of a difference.

In: rates at an operating point whose threshold was set to give a target FMR on people who are compared too. Out: the ratio's interval by
linearisation; the variance that a difference gains. Its one idea: had other people been drawn, the threshold would have moved; a group whose rate
falls faster with the threshold would have moved more. The slopes are read off the ladder of curve thresholds, so ``dyads.npz`` alone holds all that
is needed. The calibration set's own rate is read in the weighting of the row; where the target was set by people and the row counts comparisons,
that is the noisier of the two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, APART, UNLABELLED
from audit.rates.every_rate import Key, Rates, missed
from audit.stats.dyadic import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.stats.ratios import Contrast, linear_contrast, linear_contrast_people, log_contrast

__all__ = ["UNKNOWN_SLOPE", "added_variance", "calibration_sets", "contrast", "slope"]

UNKNOWN_SLOPE = "how far the threshold could have moved cannot be estimated here"

_LEAST_ERRORS = 10  # below this a group's own slope is noise, and the slope over all labelled people stands in


def calibration_sets(points: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Operating point -> names of the cells its target was calibrated on; only where they are measured too."""
    names = points.calibrated_on.astype(str)
    rows = points[(names != "") & ~names.str.startswith(APART)]
    return {str(row.operating_point): (str(row.calibrated_on),) for row in rows.itertuples()}


def _mask(rates: Rates, names: tuple[str, ...]) -> NDArray[np.bool_]:
    inside = np.array([(name in names) or (names == (ALL,) and name != UNLABELLED) for name in rates.cells])
    return np.asarray(np.outer(inside, inside))


def _errors(rates: Rates, point: str, weighting: str, mask: NDArray[np.bool_]) -> tuple[float, int]:
    sums, once = rates.sums[point, weighting], np.triu(mask)
    return float(sums.e[once].sum()), int(sums.errors[once].sum())


def slope(rates: Rates, point: str, weighting: str, mask: NDArray[np.bool_]) -> float:
    """Slope h = -d ln FMR / dT at an operating point, between the nearest thresholds at or below and above it; NaN with too few errors there."""
    here = rates.thresholds[point]
    below = [(t, name) for name, t in rates.thresholds.items() if t <= here]
    above = [(t, name) for name, t in rates.thresholds.items() if t > here and math.isfinite(t)]
    if not below or not above:
        return math.nan
    (low, loose), (high, strict) = max(below), min(above)
    first, _ = _errors(rates, loose, weighting, mask)
    second, count = _errors(rates, strict, weighting, mask)
    return math.log(first / second) / (high - low) if count >= _LEAST_ERRORS else math.nan


def contrast(rates: Rates, key: Key, other: Key, names: tuple[str, ...]) -> Contrast | None:
    """ln(FMR of ``key`` / FMR of ``other``) with the calibration on the cells ``names`` accounted for.

    None where it has no logarithm, and where a rate is 0 or 1: no spread was seen there, which is no proof of none, and its limit is one-sided.
    """
    if not isinstance(rates.values[key], DyadicRate) or not all(0 < rates.values[one].rate < 1 for one in (key, other)):
        return None
    sums = rates.sums[key.operating_point, key.weighting]
    a, b = (rates.masks[one.measure, one.group, one.other_group] for one in (key, other))
    reference = _mask(rates, names)
    pooled = slope(rates, key.operating_point, key.weighting, _mask(rates, (ALL,)))
    h_a, h_b, h_ref = (_or(slope(rates, key.operating_point, key.weighting, mask), pooled) for mask in (a, b, reference))
    calibration = [(reference, -(h_a - h_b) / h_ref)] if all(map(math.isfinite, (h_a, h_b, h_ref))) and h_ref > 0 else []
    found = log_contrast(sums, [(a, 1.0), (b, -1.0)], calibration=calibration)
    found = found if calibration else found._replace(note=f"{UNKNOWN_SLOPE}: the interval leaves it out")
    return found if math.isfinite(found.value) and found.variance > 0 else None


def added_variance(rates: Rates, key: Key, other: Key, names: tuple[str, ...]) -> tuple[float, float | None]:
    """By how much the calibration on the cells ``names`` raises the variance of rate - rate; and the t degrees of freedom with it (None: z).

    Linearised: the threshold's error is that of the calibration set's rate over (rate x slope of ln rate), and the difference moves by its own slope
    along the threshold. Never below 0: where the calibration steadies the difference, its interval stays as wide as without. (nan, None) where a
    slope is not known.
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
        without, whole = linear_contrast_people(parts), linear_contrast_people(parts, sums=sums, calibration=calibration)
    else:
        terms = [(rates.masks[one.measure, one.group, one.other_group], sign) for one, sign in ((key, 1.0), (other, -1.0))]
        without, whole = linear_contrast(sums, terms), linear_contrast(sums, terms, calibration=calibration)
    return max(0.0, whole.variance - without.variance), whole.df


def _drift(rates: Rates, key: Key, pooled: float) -> float:
    """D rate / dT at the operating point; a rate of 0 stands still."""
    value = rates.values[key]
    if isinstance(value, DyadicRate):
        mask = rates.masks[key.measure, key.group, key.other_group]
        return -value.rate * _or(slope(rates, key.operating_point, key.weighting, mask), pooled) if value.rate > 0 else 0.0
    here = rates.thresholds[key.operating_point]
    known = sorted((t, name) for name, t in rates.thresholds.items() if math.isfinite(t))
    below, above = [one for one in known if one[0] < here], [one for one in known if one[0] > here]
    (low, loose), (high, strict) = (below or [(here, key.operating_point)])[-1], (above or [(here, key.operating_point)])[0]
    if high <= low:
        return math.nan
    return (missed(rates, replace(key, operating_point=strict)).rate - missed(rates, replace(key, operating_point=loose)).rate) / (high - low)


def _or(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


Calibrated = Mapping[str, tuple[str, ...]]
