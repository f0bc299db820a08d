"""The failure-to-acquire rate of a group, clustered by person.

In: samples attempted and samples failed per person. Out: ``SubjectRate``. Its one idea: the photos of one person fail
together, so the variance comes from people: for a ratio of sums, Var = n/(n-1)·Σ(x_i - p a_i)²/A² (Cochran 1977, 6.3),
never below the binomial p(1-p)/A of failures that stand for themselves (``copies``): one photo copied ten times is
one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from audit.base.sums import power
from audit.stats.copies import least_square_of_people
from audit.stats.dyadic import Weighting
from audit.stats.fnmr import SubjectRate
from audit.stats.intervals import Interval, normal_quantile, t_quantile, wilson_guarded, zero_errors_by_subjects

__all__ = ["fta"]


def fta(
    attempted: ArrayLike, failed: ArrayLike, weighting: Weighting = "comparisons", *, confidence: float = 0.95
) -> SubjectRate:
    """FTA of a group.

    Parameters
    ----------
    attempted, failed : (S,) int
        Samples tried and samples without a template per person; 0 <= failed_i <= attempted_i.
    weighting : {"comparisons", "people"}
        "comparisons": a random sample (Σx/Σa, FTA's definition in METRICS 1); "people": a random person's random
        sample (mean of x_i/a_i).
    confidence : float

    Returns
    -------
    SubjectRate
        ``trials`` are samples. Wilson with n_eff and t of df = max(2, S²/ΣR_i⁴ - 1) over R_i = x_i - p a_i, as for
        dyads; z where the binomial guard decides. No failure: one-sided bound on people.

    Raises
    ------
    ValueError
        Where failed is outside 0..attempted.
    """
    a, x = np.asarray(attempted, np.int64), np.asarray(failed, np.int64)
    if a.shape != x.shape or (x < 0).any() or (x > a).any():
        raise ValueError(
            "fta: failed outside 0..attempted. Allowed: arrays of one length with 0 <= failed <= attempted."
        )
    has, errors, trials = a > 0, int(x.sum()), int(a.sum())
    n = int(has.sum())
    nan = math.nan
    if n == 0:
        return SubjectRate(
            weighting, nan, 0, 0, 0, np.zeros(len(a)), nan, None, nan, nan, nan, nan, "", "no samples", confidence
        )
    if weighting == "people":
        y = np.where(has, x / np.where(has, a, 1), 0.0)
        p = float(y[has].mean())
        influence, guard = np.where(has, y - p, 0.0) / n, least_square_of_people(p, y, has) / n**2
    else:
        p = errors / trials
        influence, guard = (x - p * a) / trials, least_square_of_people(p, x, a) / trials**2
    clustered = float((influence**2).sum()) * (n / (n - 1) if n > 1 else 1.0)
    variance = max(clustered, guard)
    bound = zero_errors_by_subjects(n)
    df, n_eff, effect, note = None, nan, nan, ""
    if errors == 0:
        limits, note = bound, "no failures seen: a one-sided 95 % upper bound"
    elif errors == trials:
        limits, note = Interval(1 - bound.high, 1.0, bound.method), "every sample failed: a one-sided 95 % lower bound"
    else:
        df = (
            max(2.0, float((influence**2).sum()) ** 2 / float(power(influence, 4).sum()) - 1)
            if clustered > guard
            else None
        )
        quantile = normal_quantile(confidence) if df is None else t_quantile(df, confidence)
        n_eff, effect = p * (1 - p) / variance, variance * trials / (p * (1 - p))
        limits = wilson_guarded(
            p, n_eff, confidence, quantile=quantile, method=f"subject-clustered, Wilson {'z' if df is None else 't'}"
        )
    return SubjectRate(
        weighting,
        p,
        errors,
        trials,
        n,
        influence,
        variance,
        df,
        n_eff,
        effect,
        *limits,
        note=note,
        confidence=confidence,
    )
