"""Limits for one rate: binomial intervals, and the one-sided bounds that stand in for them when no error was seen.

In: a rate or a count and the number of independent trials it is worth (often a real number, because comparisons share
people). Out: ``Interval(low, high, method)``. Its one idea: the interval never guesses how much information there is;
the caller brings it as ``n_eff`` and, where the variance itself is uncertain, as a wider quantile.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import betaincinv, ndtri, stdtrit

__all__ = [
    "Interval",
    "clopper_pearson",
    "clopper_pearson_low",
    "normal_quantile",
    "t_quantile",
    "wilson",
    "wilson_guarded",
    "zero_errors_by_design_effect",
    "zero_errors_by_disjoint_pairs",
    "zero_errors_by_subjects",
]

ONE_SIDED = 0.05  # every one-sided bound here is a 95 % bound, and its method says so
# with one to three errors Wilson's lower limit covers .84 to .92 at its worst (tails of the Poisson), from four on .93
FEWER = 4.0


class Interval(NamedTuple):
    """Limits of a rate, in [0, 1], and the name of the method that gave them."""

    low: float
    high: float
    method: str


def normal_quantile(confidence: float = 0.95) -> float:
    """Two-sided normal quantile: 1.959964 for .95."""
    _check_confidence(confidence)
    return float(ndtri(0.5 + confidence / 2))


def t_quantile(df: float, confidence: float = 0.95) -> float:
    """Two-sided quantile of Student's t with real ``df`` > 0."""
    _check_confidence(confidence)
    if not df > 0:
        raise ValueError(f"t_quantile: df is {df}. Allowed: df > 0.")
    return float(stdtrit(df, 0.5 + confidence / 2))


def clopper_pearson(errors: int, trials: int, confidence: float = 0.95) -> Interval:
    """Exact binomial interval (Clopper & Pearson 1934) for independent trials.

    Parameters
    ----------
    errors, trials : int
        0 <= errors <= trials, trials >= 1.
    confidence : float
        Two-sided, in (0, 1).

    Raises
    ------
    ValueError
        For counts that cannot be.
    """
    _check_confidence(confidence)
    if trials < 1 or not 0 <= errors <= trials:
        raise ValueError(
            f"clopper_pearson: got {errors} errors in {trials} trials. Allowed: 0 <= errors <= trials, trials >= 1."
        )
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return Interval(low, high, "Clopper-Pearson")


def clopper_pearson_low(rate: float, n_eff: float, confidence: float = 0.95) -> float:
    """Lower Clopper-Pearson limit for real-valued trials: x = rate·n_eff errors in n_eff (Korn & Graubard 1998)."""
    _check_confidence(confidence)
    x = rate * n_eff
    low = float(betaincinv(x, n_eff - x + 1, (1 - confidence) / 2)) if x > 0 else 0.0
    return low if low > 1e-12 else 0.0  # far less than one error says nothing about the lower limit


def wilson(
    rate: float, n_eff: float, confidence: float = 0.95, *, quantile: float | None = None, method: str = "Wilson"
) -> Interval:
    """Wilson (1927) score interval for a rate worth ``n_eff`` independent trials.

    (p + z²/2n ± z√[(p(1-p) + z²/4n)/n]) / (1 + z²/n), METRICS 3.

    Parameters
    ----------
    rate : float
        In [0, 1].
    n_eff : float
        Effective number of independent trials, real and > 0.
    confidence : float
        Two-sided; used only where ``quantile`` is None.
    quantile : float, optional
        z or t, or a simultaneous (max-t) quantile.
    method : str
        Name carried into the result.

    Raises
    ------
    ValueError
        For a rate outside [0, 1] or n_eff <= 0.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"wilson: rate is {rate}. Allowed: 0 to 1.")
    if not n_eff > 0:
        raise ValueError(f"wilson: n_eff is {n_eff}. Allowed: n_eff > 0.")
    z = normal_quantile(confidence) if quantile is None else quantile
    shrink = z * z / n_eff
    centre = rate + shrink / 2
    half = math.sqrt(shrink * (rate * (1 - rate) + shrink / 4))
    low = 0.0 if rate == 0 else max(0.0, (centre - half) / (1 + shrink))
    high = 1.0 if rate == 1 else min(1.0, (centre + half) / (1 + shrink))
    return Interval(low, high, method)


def wilson_guarded(
    rate: float, n_eff: float, confidence: float = 0.95, *, quantile: float | None = None, method: str = "Wilson"
) -> Interval:
    """Wilson, whose lower limit is at most Clopper-Pearson's where fewer than ``FEWER`` errors are effective.

    Wilson's lower limit of one error in n, .18/n, is passed in 16 % of samples when .18 errors are expected;
    Clopper-Pearson's, .025/n, in 2.5 %.
    """
    low, high, name = wilson(rate, n_eff, confidence, quantile=quantile, method=method)
    if rate * n_eff < FEWER:
        low = min(low, clopper_pearson_low(rate, n_eff, confidence))
        name = name if "few errors" in name else f"{name}, few errors"
    return Interval(low, high, name)


def zero_errors_by_subjects(subjects: int) -> Interval:
    """One-sided 95 % upper bound after no error among independent ``subjects`` (one trial each, or any within-subject
    dependence).

    1 - .05^{1/n}: were each person's chance of an error at least this, none among n people would be seen in fewer than
    5 % of samples.
    """
    if subjects < 1:
        raise ValueError(f"zero_errors_by_subjects: got {subjects} subjects. Allowed: at least 1.")
    return Interval(0.0, -math.expm1(math.log(ONE_SIDED) / subjects), "one-sided 95 %, subjects")


def zero_errors_by_disjoint_pairs(subjects: int, others: int | None = None) -> Interval:
    """One-sided 95 % upper bound on the people-weighted FMR after no false match: 1 - .05^{1/⌊n/2⌋} (METRICS 3).

    n people make ⌊n/2⌋ pairs that share nobody, hence independent; nothing is assumed about how pairs that share a
    person depend. Between two groups the disjoint pairs number min(n_g, n_h).

    Parameters
    ----------
    subjects : int
        People in the group.
    others : int, optional
        People in the other group, for a cross-group rate.

    Raises
    ------
    ValueError
        Where no pair exists.
    """
    pairs = subjects // 2 if others is None else min(subjects, others)
    if pairs < 1:
        raise ValueError(
            f"zero_errors_by_disjoint_pairs: got {subjects} and {others} subjects. Allowed: at least "
            f"one pair of people."
        )
    return Interval(0.0, -math.expm1(math.log(ONE_SIDED) / pairs), "one-sided 95 %, disjoint pairs")


def zero_errors_by_design_effect(trials: float, design_effect: float) -> Interval:
    """One-sided 95 % upper bound after no error: the rule of three times the design effect, 3·DEFF/M, at most 1
    (METRICS 3).

    ``design_effect`` is the one measured at the nearest threshold with at least 30 errors; below 1 it counts as 1. The
    rule of three on comparisons alone (design effect 1) is too confident.
    """
    if not trials > 0:
        raise ValueError(f"zero_errors_by_design_effect: got {trials} trials. Allowed: more than 0.")
    return Interval(
        0.0,
        min(1.0, -math.log(ONE_SIDED) * max(1.0, design_effect) / trials),
        "one-sided 95 %, rule of three x design effect",
    )


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}. Allowed: strictly between 0 and 1, e.g. 0.95.")
