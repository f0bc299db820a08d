"""The false non-match rate of a group, over people.

In: per person, the mated comparisons that did not match (f_i) and all mated comparisons (g_i). Out: ``SubjectRate``.
Its one idea: a person's comparisons with himself are one observation, so only people with g_i > 0 count, each once. By
comparisons the rate is given without an interval: no method tried covers (METRICS 3), because one person may own most
of them.

Where this departs from METRICS 3 (``guarded=False`` is METRICS to the letter): its Var, q(1-q)/n, takes everybody to
miss all or nothing. A person with many mated comparisons misses some, and the limits held the truth in .98 to 1.000 of
worlds; the spread actually seen, Σ(y_i-q)²/n², held it in as little as .72, because with few people those who miss
have not been met. So one person who misses everything is added to the spread, and fades as people with misses are
seen: V = min(q(1-q)/n, (Σ(y_i-q)² + min(1, 8/h))/n²), h people with misses; .94 to .98 in 22 worlds with ten misses or
more. Quantiles are those of ``limits``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.dyadic import Weighting
from audit.stats.intervals import (
    Interval,
    normal_quantile,
    t_quantile,
    wilson,
    wilson_guarded,
    zero_errors_by_subjects,
)
from audit.stats.limits import UNSEEN, Evidence, Unseen, printed_limits

__all__ = ["SubjectRate", "fnmr", "moved", "without_people"]

LEAST_DF = 20.0
"""Least degrees of freedom above: with few misses V is nearly binomial and needs no more. Chosen by the coverage
study."""

ONE_UNSEEN = 8.0
"""People with misses, from which on the one unseen person who misses everything counts for less than one. Chosen by
the coverage study."""


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
        What each person handed in adds to rate - true rate; 0 for people who do not contribute. Var is about Σ
        influence².
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
    evidence: Evidence | None = None

    def limits(self, confidence: float = 0.95, *, unseen: Unseen = UNSEEN) -> Interval:  # noqa: ARG002
        """The same interval at another confidence; bounds and missing intervals stay what they are. One unseen person
        is always in it.
        """
        if not 0 < self.n_eff < math.inf or self.interval == "":
            return Interval(self.low, self.high, self.interval)
        if self.evidence is not None:
            return printed_limits(self.rate, self.evidence, confidence, "people, Wilson t")
        quantile = normal_quantile(confidence) if self.df is None else t_quantile(self.df, confidence)
        return wilson_guarded(self.rate, self.n_eff, confidence, quantile=quantile, method=self.interval)


def fnmr(
    f: ArrayLike, g: ArrayLike, weighting: Weighting = "people", *, confidence: float = 0.95, guarded: bool = True
) -> SubjectRate:
    """FNMR of a group of people.

    people: q = mean of y_i = f_i/g_i over the n people with g_i > 0, with the variance and limits of the module's
    text. METRICS 3: Var = max(Σ(y_i-q)²/n², q(1-q)/n), Wilson with z; as 0 <= y_i <= 1, Σ(y_i-q)² <= n·q(1-q), so the
    second term always decides.

    Parameters
    ----------
    f, g : (S,) int
        0 <= f_i <= g_i; people without mated comparisons have g_i = 0.
    weighting : {"people", "comparisons"}
    confidence : float
    guarded : bool
        False: the limits of METRICS 3 to the letter.

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
        return SubjectRate(
            weighting, nan, 0, 0, 0, nothing, nan, None, nan, nan, nan, nan, "", "nobody has two samples", confidence
        )
    if weighting == "comparisons":
        q = errors / trials
        influence = (f_ - q * g_) / trials
        variance = float((influence**2).sum())
        effect = variance * trials / (q * (1 - q)) if 0 < q < 1 else math.nan
        note = "no interval: a few people own most mated comparisons, and no method tried covers"
        return SubjectRate(
            weighting,
            q,
            errors,
            trials,
            n,
            influence,
            variance,
            None,
            math.nan,
            effect,
            math.nan,
            math.nan,
            "",
            note,
            confidence,
        )
    y = np.where(has, f_ / np.where(has, g_, 1), 0.0)
    q = float(y[has].mean())
    influence = np.where(has, y - q, 0.0) / n
    variance, evidence = q * (1 - q) / n, None
    bound = zero_errors_by_subjects(n)
    if errors == 0:
        limits, n_eff, effect, note = bound, math.nan, math.nan, "no misses seen: a one-sided 95 % upper bound"
    elif errors == trials:
        limits = Interval(1 - bound.high, 1.0, bound.method)
        n_eff, effect, note = math.nan, math.nan, "every mated comparison missed: a one-sided 95 % lower bound"
    else:
        if guarded:
            evidence = _evidence(y[has], q, n)
            variance, limits = evidence.variance, printed_limits(q, evidence, confidence, "people, Wilson t")
        else:
            limits = wilson(q, n, confidence, method="people, Wilson z")
        n_eff, effect, note = q * (1 - q) / variance, variance * trials / (q * (1 - q)), ""
    shape = (influence, variance, None, n_eff, effect)
    return SubjectRate(
        weighting, q, errors, trials, n, *shape, *limits, note=note, confidence=confidence, evidence=evidence
    )


def without_people(errors: int, trials: int, note: str = "", confidence: float = 0.95) -> SubjectRate:
    """Errors over trials where nobody knows which trials share a person: a rate without interval, variance or people
    (``subjects`` is 0).
    """
    nan = math.nan
    rate = errors / trials if trials else nan
    return SubjectRate(
        "comparisons", rate, errors, trials, 0, np.zeros(0), nan, None, nan, nan, nan, nan, "", note, confidence
    )


def moved(value: SubjectRate, rate: float, confidence: float = 0.95) -> SubjectRate:
    """What a group's FNMR would be like were it ``rate``: its spread in proportion to q(1-q), its misses to q; for
    null bands.

    A group without misses, or with nothing else, takes everybody to miss all or nothing. 0 < rate < 1.
    """
    most = rate * (1 - rate) / value.subjects
    if value.evidence is None or not 0 < value.rate < 1:
        evidence = Evidence(most, most, float(value.subjects), value.subjects * rate, least_df=LEAST_DF)
    else:
        variance = min(most, value.evidence.variance * rate * (1 - rate) / (value.rate * (1 - value.rate)))
        evidence = value.evidence._replace(
            variance=variance, crowded=variance, errors=value.evidence.errors * rate / value.rate
        )
    low, high, method = printed_limits(rate, evidence, confidence, "people, Wilson t")
    return replace(
        value,
        rate=rate,
        variance=evidence.variance,
        low=low,
        high=high,
        interval=method,
        evidence=evidence,
        confidence=confidence,
    )


def _evidence(y: NDArray[np.float64], q: float, n: int) -> Evidence:
    """Of shares of misses y (n,), 0 < q < 1: the spread seen and one unseen person."""
    x = (y - q) ** 2
    spread = float(x.sum())
    variance = min(q * (1 - q) / n, (spread + min(1.0, ONE_UNSEEN / int((y > 0).sum()))) / n**2)
    tails = spread**2 / float((x**2).sum()) if spread > 0 else float(n)
    return Evidence(variance, variance, tails, float(y.sum() ** 2 / (y**2).sum()), least_df=LEAST_DF)
