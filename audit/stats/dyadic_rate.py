"""Sums of a rate over pairs of people in, the rate with its variance and limits out (``DyadicRate``).

Its one idea: of several ways in which people may share errors, the one that gives the widest variance is printed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audit.base.sums import log, power
from audit.stats.intervals import (
    Interval,
    normal_quantile,
    t_quantile,
    wilson,
    zero_errors_by_design_effect,
    zero_errors_by_disjoint_pairs,
)
from audit.stats.limits import UNSEEN, Evidence, Unseen, printed_limits
from audit.stats.listed_sums import disjoint_pairs
from audit.stats.sums import Sums, Weighting, people_equivalent

__all__ = [
    "DyadicRate",
    "LEAST_PEOPLE",
    "by_everybody",
    "by_people",
    "fame_errs",
    "finish",
    "met",
    "nothing",
    "zero_bound",
]

Floats = NDArray[np.float64]


LEAST_PEOPLE = 20.0
"""Kish's number of equally photographed people, below which (if also below half of the people) no interval is printed
in ``comparisons`` weighting. Chosen by the coverage study."""


FAME = 2.0
"""Standard errors of a correlation, above which photographs and errors go together and no interval is printed in
``comparisons`` weighting."""


PEOPLE_PER_DF = 4.0
"""Equally photographed people per degree of freedom in ``comparisons`` weighting. Chosen by the coverage study."""


@dataclass(frozen=True, eq=False)
class DyadicRate:
    """A rate over pairs of people, with everything its interval is made of.

    Attributes
    ----------
    weighting : {"people", "comparisons"}
    rate : float
        p in [0, 1]; nan without trials.
    errors, trials : int
        Comparisons, in either weighting.
    subjects : int
        People who contribute at least one pair.
    M : float
        Σ m_ij; the number of pairs of people in ``people`` weighting.
    R : NDArray (S,) float64
        R_i = Σ_j (e_ij - p m_ij), one per person handed in (0 for people outside).
    S, Q, R4 : float
        ΣR_i², Σ_{i<j}(e_ij - p m_ij)², ΣR_i⁴.
    guard : float
        p(1-p)/M.
    variance : float
        max((S-Q)/M², Q/M², guard), and in ``comparisons`` weighting never less than ``copies`` allows.
    df : float or None
        max(2, S²/ΣR_i⁴ - 1) where S-Q > Q (t); None where z is used.
    n_eff, design_effect : float
        p(1-p)/Var and Var·M/(p(1-p)); nan at p = 0 or 1.
    evidence : Evidence or None
        What the printed limits are made of; None under METRICS to the letter, and where there is no error or nothing
        else.
    low, high : float
        Limits at ``confidence``.
    interval : str
        Method's name; "" where there is none.
    note : str
        What the reader must be told.
    confidence : float
    """

    weighting: Weighting
    rate: float
    errors: int
    trials: int
    subjects: int
    M: float
    R: Floats = field(repr=False)
    S: float
    Q: float
    R4: float
    guard: float
    variance: float
    df: float | None
    n_eff: float
    design_effect: float
    evidence: Evidence | None
    low: float
    high: float
    interval: str
    note: str
    confidence: float = 0.95

    def limits(self, confidence: float = 0.95, *, unseen: Unseen = UNSEEN) -> Interval:
        """The same interval at another confidence; one-sided bounds stay what they are. ``unseen`` is ``limits``'."""
        if not 0 < self.n_eff < math.inf or self.interval == "":
            return Interval(self.low, self.high, self.interval)
        return _limits(self.rate, self.variance, self.df, self.evidence, confidence, self.weighting, unseen)


def met(sums: Sums, mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """People among whom a kind would be met; of a pair between two groups one comes from each, so that the mean is the
    harmonic one.
    """
    if np.diagonal(mask).any():
        return float(inside.sum())
    sides = np.bincount(sums.cell[inside], minlength=sums.cells)
    sides = sides[sides > 0]
    return float(2 / (1 / sides.min() + 1 / sides.max()))


def _variance(person: float, Q: float, M: float, least: float) -> float:
    """What people add to Var (``person``) and what dyads add, never below either alone or the guard (``copies``)."""
    return max(person + Q / M**2, Q / M**2, least / M**2)


def by_people(R: Floats, Q: float, M: float, least: float, effective: float, people: int) -> Evidence:
    """Each person's own residual: METRICS' variance."""
    S, R4 = float((R**2).sum()), float(power(R, 4).sum())
    variance = _variance((S - 2 * Q) / M**2, Q, M, least)
    return Evidence(
        variance,
        max(variance, S / M**2),
        S * S / R4 if R4 > 0 else 1.0,
        effective,
        people=float(max(3, people)),
        met=people,
    )


def by_everybody(
    R: Floats, M_i: Floats, Q_i: Floats, Q: float, M: float, least: float, effective: float, worth: float
) -> Evidence:
    """The spread between people pooled over all of them, whatever their photos: R_i²/M_i estimates M_i times one
    person's variance.
    """
    x, scale = R**2 / M_i, float((M_i**2).sum() / M_i.sum()) / M**2
    own = float((R**2).sum()) - 2 * Q
    variance = max(_variance(scale * float((x - Q_i / M_i).sum()), Q, M, least), _variance(own / M**2, Q, M, least))
    square = float((x**2).sum())
    tails = float(x.sum()) ** 2 / square if square > 0 else 1.0
    return Evidence(variance, max(variance, scale * float(x.sum())), tails, effective, worth / PEOPLE_PER_DF)


def fame_errs(E_i: Floats, M_i: Floats) -> bool:
    """Whether people's own rates go with their comparisons: |r|·√n above ``FAME`` (r of the rate and the logarithm of
    the comparisons).
    """
    x, y = log(M_i), E_i / M_i
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float((x**2).sum()) * float((y**2).sum()))
    # All alike up to rounding: nothing to go with.
    if scale <= 1e-12 * len(x):
        return False
    return abs(float((x * y).sum())) / scale * math.sqrt(len(x)) > FAME


def zero_bound(sums: Sums, mask: NDArray[np.bool_], M: float, M_i: Floats, nearby: float | None) -> Interval:
    """One-sided bound for no errors: by the nearby design effect where known, else by disjoint pairs of people.

    In ``comparisons`` weighting people count by Kish's effective number, so that one much-photographed person is not
    many. One rule for pairs that follow from the samples and for pairs that somebody else chose.
    """
    if nearby is not None and math.isfinite(nearby):
        return zero_errors_by_design_effect(M, nearby)
    smaller, _ = people_equivalent(sums, mask, M_i > 0)
    worth = int(smaller + 1e-9)  # Kish's number of n equals is n, up to rounding
    pairs = (
        worth // 2 if np.diagonal(mask).any() else worth
    )  # two people a pair within a group, one of each side between two
    return zero_errors_by_disjoint_pairs(2 * max(1, min(disjoint_pairs(sums, mask), pairs)))


def finish(
    weighting: Weighting,
    p: float,
    errors: int,
    trials: int,
    subjects: int,
    M: float,
    R: Floats,
    Q: float,
    confidence: float,
    evidence: Evidence | None,
    zero: Interval | None,
    *,
    least: float = 0.0,
    refused: str = "",
) -> DyadicRate:
    """The rate of these sums, with its variance and the limits that are printed."""
    S, R4 = float((R**2).sum()), float(power(R, 4).sum())
    guard = p * (1 - p) / M
    variance = max((S - Q) / M**2, Q / M**2, guard, least / M**2)
    R.flags.writeable = False
    nan = math.nan
    df, n_eff, effect, note = None, nan, nan, ""
    if zero is not None and errors == 0:
        limits, note, evidence = zero, "no false matches seen: a one-sided 95 % upper bound", None
    elif errors == trials or variance <= 0:
        upper = (zero or zero_errors_by_disjoint_pairs(max(2, subjects))).high
        limits, note = (
            Interval(1 - upper, 1.0, "one-sided 95 %, disjoint pairs"),
            "every comparison matched: a one-sided 95 % lower bound",
        )
        evidence = None
    else:
        df = max(2.0, S * S / R4 - 1) if S - Q > Q else None
        n_eff, effect = p * (1 - p) / variance, variance / guard
        limits = _limits(p, variance, df, evidence, confidence, weighting)
        if refused:
            limits, note = Interval(nan, nan, ""), refused
    shape = (S, Q, R4, guard, variance, df, n_eff, effect, evidence)
    return DyadicRate(weighting, p, errors, trials, subjects, M, R, *shape, *limits, note=note, confidence=confidence)


def _limits(
    p: float,
    variance: float,
    df: float | None,
    evidence: Evidence | None,
    confidence: float,
    weighting: Weighting,
    unseen: Unseen = UNSEEN,
) -> Interval:
    """Wilson with n_eff: the printed limits, or METRICS 3 to the letter where there is no ``evidence``."""
    if evidence is not None:
        method = "dyadic cluster-robust, Wilson t" + (
            ", pooled" if weighting == "comparisons" and math.isfinite(evidence.most_df) else ""
        )
        return printed_limits(p, evidence, confidence, method, unseen=unseen)
    quantile = normal_quantile(confidence) if df is None else t_quantile(df, confidence)
    return wilson(
        p,
        p * (1 - p) / variance,
        quantile=quantile,
        method=f"dyadic cluster-robust, Wilson {'z' if df is None else 't'}",
    )


def nothing(weighting: Weighting, people: int, confidence: float) -> DyadicRate:
    """A rate without trials."""
    nan = math.nan
    shape = (0.0, 0.0, 0.0, nan, nan, None, nan, nan, None)
    return DyadicRate(
        weighting, nan, 0, 0, 0, 0.0, np.zeros(people), *shape, nan, nan, "", "no comparisons", confidence
    )
