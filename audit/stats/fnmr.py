"""The false non-match rate of a group, over people.

In: per person, the mated comparisons that did not match (f_i) and all mated comparisons (g_i). Out: ``SubjectRate``.
Its one idea: a person's comparisons with himself are one observation, so only people with g_i > 0 count, each once. By comparisons the rate is
given without an interval: no method tried covers (METRICS 3), because one person may own most of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.dyadic import Weighting
from audit.stats.intervals import Interval, normal_quantile, t_quantile, wilson_guarded, zero_errors_by_subjects

__all__ = ["SubjectRate", "fnmr"]


@dataclass(frozen=True, eq=False)
class SubjectRate:
    """A rate whose observations are people (FNMR, FTA).

    Attributes
    ----------
    weighting : {"people", "comparisons"}
    rate : float
        nan without trials.
    errors, trials : int
        Comparisons (FNMR) or samples (FTA).
    subjects : int
        People who contribute.
    influence : NDArray (S,) float64
        What each person handed in adds to rate - true rate; 0 for people who do not contribute. Var is about Σ influence².
    variance : float
    df : float or None
        None: z.
    n_eff, design_effect : float
        nan at rates 0 and 1. The design effect is Var·trials/(p(1-p)).
    low, high : float
        nan where no interval is printed.
    interval : str
        Method, "" for none.
    note : str
    confidence : float
    """

    weighting: Weighting
    rate: float
    errors: int
    trials: int
    subjects: int
    influence: NDArray[np.float64] = field(repr=False)
    variance: float
    df: float | None
    n_eff: float
    design_effect: float
    low: float
    high: float
    interval: str
    note: str
    confidence: float = 0.95

    def limits(self, confidence: float = 0.95) -> Interval:
        """The same interval at another confidence; bounds and missing intervals stay what they are."""
        if not 0 < self.n_eff < math.inf or self.interval == "":
            return Interval(self.low, self.high, self.interval)
        quantile = normal_quantile(confidence) if self.df is None else t_quantile(self.df, confidence)
        return wilson_guarded(self.rate, self.n_eff, confidence, quantile=quantile, method=self.interval)


def fnmr(f: ArrayLike, g: ArrayLike, weighting: Weighting = "people", *, confidence: float = 0.95) -> SubjectRate:
    """FNMR of a group of people.

    people: q = mean of y_i = f_i/g_i over the n people with g_i > 0; Var = max(Σ(y_i-q)²/n², q(1-q)/n); Wilson with z (METRICS 3). As
    0 <= y_i <= 1, Σ(y_i-q)² <= n·q(1-q), so the second term is always the larger: the interval is Wilson's on n people.

    Parameters
    ----------
    f, g : (S,) int
        0 <= f_i <= g_i; people without mated comparisons have g_i = 0.
    weighting : {"people", "comparisons"}
    confidence : float

    Raises
    ------
    ValueError
        Where f_i is outside 0..g_i.
    """
    f_, g_ = np.asarray(f, np.int64), np.asarray(g, np.int64)
    if f_.shape != g_.shape or (f_ < 0).any() or (f_ > g_).any():
        raise ValueError("fnmr: f outside 0..g. Allowed: arrays of one length with 0 <= f <= g.")
    errors, trials, has = int(f_.sum()), int(g_.sum()), g_ > 0
    n = int(has.sum())
    if n == 0:
        nothing = np.zeros(len(f_))
        nan = math.nan
        return SubjectRate(weighting, nan, 0, 0, 0, nothing, nan, None, nan, nan, nan, nan, "", "nobody has two samples", confidence)
    if weighting == "comparisons":
        q = errors / trials
        influence = (f_ - q * g_) / trials
        variance = float((influence**2).sum())
        effect = variance * trials / (q * (1 - q)) if 0 < q < 1 else math.nan
        note = "no interval: a few people own most mated comparisons, and no method tried covers"
        return SubjectRate(weighting, q, errors, trials, n, influence, variance, None, math.nan, effect, math.nan, math.nan, "", note, confidence)
    y = np.where(has, f_ / np.where(has, g_, 1), 0.0)
    q = float(y[has].mean())
    influence = np.where(has, y - q, 0.0) / n
    variance = max(float((influence**2).sum()), q * (1 - q) / n)
    bound = zero_errors_by_subjects(n)
    if errors == 0:
        limits, n_eff, effect, note = bound, math.nan, math.nan, "no misses seen: a one-sided 95 % upper bound"
    elif errors == trials:
        limits = Interval(1 - bound.high, 1.0, bound.method)
        n_eff, effect, note = math.nan, math.nan, "every mated comparison missed: a one-sided 95 % lower bound"
    else:
        n_eff, effect, note = q * (1 - q) / variance, variance * trials / (q * (1 - q)), ""
        limits = wilson_guarded(q, n_eff, confidence, method="people, Wilson z")
    return SubjectRate(weighting, q, errors, trials, n, influence, variance, None, n_eff, effect, *limits, note=note, confidence=confidence)
