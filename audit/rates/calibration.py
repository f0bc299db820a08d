"""What a calibrated threshold adds to the uncertainty of a ratio.

In: rates at an operating point whose threshold was set to give a target FMR on people who are compared too. Out: the ratio's interval by
linearisation. Its one idea: had other people been drawn, the threshold would have moved; a group whose rate falls faster with the threshold
would have moved more. The slopes are read off the ladder of curve thresholds, so ``dyads.npz`` alone holds all that is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.rates.groups import ALL, APART, UNLABELLED
from audit.rates.tables import Key, Rates
from audit.stats.dyadic import DyadicRate
from audit.stats.ratios import Contrast, log_contrast

__all__ = ["calibration_sets", "contrast", "slope"]

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
    """ln(FMR of ``key`` / FMR of ``other``) with the calibration on the cells ``names`` accounted for; None where it has no logarithm."""
    if not isinstance(rates.values[key], DyadicRate):
        return None
    sums = rates.sums[key.operating_point, key.weighting]
    a, b = (rates.masks[one.measure, one.group, one.other_group] for one in (key, other))
    reference = _mask(rates, names)
    pooled = slope(rates, key.operating_point, key.weighting, _mask(rates, (ALL,)))
    h_a, h_b, h_ref = (_or(slope(rates, key.operating_point, key.weighting, mask), pooled) for mask in (a, b, reference))
    calibration = [(reference, -(h_a - h_b) / h_ref)] if all(map(math.isfinite, (h_a, h_b, h_ref))) and h_ref > 0 else []
    found = log_contrast(sums, [(a, 1.0), (b, -1.0)], calibration=calibration)
    return found if math.isfinite(found.value) and math.isfinite(found.variance) else None


def _or(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


Calibrated = Mapping[str, tuple[str, ...]]
