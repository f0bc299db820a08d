"""How far apart two groups' score distributions lie, with people as the unit.

In: scores, or one histogram per person. Out: a standardised difference, a Kolmogorov-Smirnov distance, and its
interval from resampling people. Its one idea: a person's scores are one observation, so a person's histogram enters
with weight one (``people``) or by its counts (``comparisons``), and whole people are resampled. Meant for mated scores
and per-photo measures; a non-mated score belongs to two people.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.sums import product
from audit.stats.intervals import normal_quantile, t_quantile, zero_errors_by_subjects
from audit.stats.sums import Weighting

__all__ = [
    "Distance",
    "distribution",
    "ks_distance",
    "ks_interval",
    "standardised_difference",
    "sup_half_width",
]

Floats = NDArray[np.float64]


class Distance(NamedTuple):
    """A distance between two groups and its limits."""

    value: float
    low: float
    high: float
    method: str


def distribution(per_person: ArrayLike, weighting: Weighting = "people") -> Floats:
    """(B,) shares from (S, B) histograms; in ``people`` weighting each person with scores counts once."""
    counts = np.asarray(per_person, np.float64)
    total = counts.sum(axis=1)
    if not total.any():
        raise ValueError("distribution: no scores. Allowed: at least one person with a score.")
    if weighting == "people":
        has = total > 0
        out: Floats = (counts[has] / total[has, None]).mean(axis=0)
        return out
    pooled: Floats = counts.sum(axis=0) / total.sum()
    return pooled


def ks_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Largest distance between two distribution functions given as (B,) shares or counts on one axis."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.abs(np.cumsum(x) / x.sum() - np.cumsum(y) / y.sum()).max())


def ks_interval(
    a: ArrayLike,
    b: ArrayLike,
    weighting: Weighting = "people",
    *,
    confidence: float = 0.95,
    resamples: int = 999,
    seed: int,
) -> Distance:
    """KS distance of two groups without common people, with an interval from resampling people.

    The largest gap between two noisy functions is too large, and most of all where the true functions are equal:
    percentiles of it, or its spread at the place where it was found, exclude 0 in 17 to 34 % of equal groups. But it
    never errs by more than the largest gap of the noise itself, so the limits are value ± the quantile of sup |noise|
    over resamples of people (at least the one-sided bound of that many people).

    Parameters
    ----------
    a, b : (S_a, B), (S_b, B) int
        Histograms per person on one axis.
    """
    rng = np.random.default_rng(seed)
    x, y = (_weighted(part, weighting) for part in (a, b))
    value = ks_distance(x.sum(axis=0), y.sum(axis=0))
    half = sup_half_width(_noise(x, resamples, rng), _noise(y, resamples, rng), (len(x), len(y)), confidence)
    return Distance(
        value, max(0.0, value - half), min(1.0, value + half), "people resampled, largest gap of the noise"
    )


def sup_half_width(a: Floats, b: Floats, people: tuple[int, int], confidence: float) -> float:
    """Quantile of the largest gap between two groups' noise (resamples, B) each; never below 1 - .05^(1/n) of the
    smaller group.

    The floor is for groups that show no spread at all, whose noise is not known to be 0 because none was seen.
    """
    fewest = min(people)
    floor = zero_errors_by_subjects(fewest).high
    wider = t_quantile(max(1.0, fewest - 1), confidence) / normal_quantile(
        confidence
    )  # the spread itself is estimated, from so many people
    return max(floor, wider * float(np.quantile(np.abs(a - b).max(axis=1), confidence, method="higher")))


def _weighted(per_person: ArrayLike, weighting: Weighting) -> Floats:
    counts = np.asarray(per_person, np.float64)
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        raise ValueError("ks_interval: a group without scores. Allowed: at least one person with a score in each.")
    shares = counts / counts.sum(axis=1, keepdims=True)
    order = np.lexsort(
        (counts.sum(axis=1), *shares.T)
    )  # by what they are, so that who is drawn does not hang on anybody's number or copies
    found: Floats = (shares if weighting == "people" else counts)[order]
    return found


def _noise(x: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """(resamples, B) distribution functions of resampled people, less the observed one; widened by √(n/(n-1))."""
    c = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), resamples).astype(np.float64)
    cumulative, observed = np.cumsum(product(c, x), axis=1), np.cumsum(x.sum(axis=0))
    out: Floats = cumulative / cumulative[:, -1:] - observed / observed[-1]
    return out * math.sqrt(len(x) / max(1, len(x) - 1))


def standardised_difference(a: ArrayLike, b: ArrayLike) -> float:
    """(mean a - mean b)/√((var a + var b)/2) of one value per person (Cohen's d with pooled average variance); nan
    without spread.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(x) < 2 or len(y) < 2:
        return math.nan
    spread = (x.var(ddof=1) + y.var(ddof=1)) / 2
    return float((x.mean() - y.mean()) / math.sqrt(spread)) if spread > 0 else math.nan
