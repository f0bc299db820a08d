"""The false match rate of a set of pairs of people, and how sure it is, when every person sits in many pairs.

In: samples per person, each person's cell, and the sparse dyads (i, j, e) with at least one false match. Out: ``DyadicRate``.
Its one idea: Var = max((S-Q)/M², Q/M², p(1-p)/M), the dyadic cluster-robust variance (Fogliato, Patil & Perona 2023), needs only sums per
person and per pair of cells. m_ij = n_i n_j factorises, so S² dyads are never made: ``tabulate`` reads the K dyads once into ``Sums``, and the
rate of ANY union of cell pairs (a cell, a coarser group, same_cell, a cross-group cell) is then O(people x cells).

Where this departs from METRICS 3: with few errors its limits miss (measured: .88 to .92 at 6 to 12 expected errors and rho >= .5, because the
clustering has not shown yet; .84 to .90 at a tenth of an error, because Wilson's lower limit of one error is too high). So, in ``guarded``
limits (the default), below ``FEW`` effective errors the upper limit takes Var = max(Var, S/M²) and t with at least ``FEW_DF`` degrees of freedom,
and below four the lower limit is at most Clopper-Pearson's on (p n_eff, n_eff) (Korn & Graubard 1998). In ``comparisons`` weighting
the people with many photos decide the rate, and their own luck decides its variance (measured .87 to .93). There the limits also enclose Wilson's
with the pooled variance Σ(R_i²-Q_i)/M_i · ΣM_i²/ΣM_i / M² + Q/M², which lets everybody inform the spread between people (it IS (S-Q)/M² where
all M_i are equal); and a group worth fewer than ``LEAST_PEOPLE`` equally photographed people gets no interval. results/validation shows all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.intervals import (
    Interval,
    normal_quantile,
    t_quantile,
    wilson,
    wilson_guarded,
    zero_errors_by_design_effect,
    zero_errors_by_disjoint_pairs,
)
from audit.stats.sums import Sums, Weighting, disjoint_pairs, margins, pair_mask, people_equivalent, spread, tabulate

__all__ = ["DyadicRate", "Sums", "Weighting", "between", "dense", "margins", "pair_mask", "rate", "tabulate", "within"]

Floats = NDArray[np.float64]

LEAST_PEOPLE = 20.0
"""Kish's number of equally photographed people, below which (if also below half of the people) no interval is printed in ``comparisons``
weighting. Chosen by the coverage study."""

FEW, FEW_DF = 30.0, 4.0
"""Effective errors below which the upper limit is guarded; least degrees of freedom there. Chosen by the coverage study."""


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
        max((S-Q)/M², Q/M², guard).
    df : float or None
        max(2, S²/ΣR_i⁴ - 1) where S-Q > Q (t); None where z is used.
    n_eff, design_effect : float
        p(1-p)/Var and Var·M/(p(1-p)); nan at p = 0 or 1.
    pooled : float
        The pooled variance in ``comparisons`` weighting; 0 where it is not used.
    effective_errors : float
        (Σe)²/Σe²: the errors themselves where each pair of people has one comparison.
    guarded : bool
        Whether the limits are widened below ``FEW`` effective errors.
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
    pooled: float
    effective_errors: float
    guarded: bool
    low: float
    high: float
    interval: str
    note: str
    confidence: float = 0.95

    def limits(self, confidence: float = 0.95) -> Interval:
        """The same interval at another confidence; one-sided bounds stay what they are."""
        if not 0 < self.n_eff < math.inf or self.interval == "":
            return Interval(self.low, self.high, self.interval)
        clustering = _clustering(self.S, self.R4, self.M) if self.guarded and self.effective_errors < FEW else None
        return _limits(self.rate, self.variance, self.pooled, self.df, clustering, self.guarded, confidence)


def rate(
    sums: Sums,
    mask: NDArray[np.bool_],
    *,
    confidence: float = 0.95,
    nearby_design_effect: float | None = None,
    guarded: bool = True,
) -> DyadicRate:
    """The rate over the union of the cell pairs in ``mask``, with its interval.

    Parameters
    ----------
    sums : Sums
    mask : (C, C) bool
        Symmetric (see ``pair_mask``).
    confidence : float
    nearby_design_effect : float, optional
        Used where no error was seen: the design effect at the nearest threshold with at least 30 errors (METRICS 3).
    guarded : bool
        False: the limits of METRICS 3 to the letter.
    """
    once = np.triu(mask)
    M, errors, trials = float(sums.M[once].sum()), int(sums.errors[once].sum()), int(sums.trials[once].sum())
    E_i, M_i = margins(sums, mask)
    subjects = int((M_i > 0).sum())
    if M <= 0:
        return _nothing(sums.weighting, len(sums.a), confidence)
    p = min(1.0, float(sums.e[once].sum()) / M)
    Q = max(0.0, float((sums.e2[once] - 2 * p * sums.em[once] + p * p * sums.M2[once]).sum()))
    if errors == 0:
        bound = _zero_bound(sums, mask, M, M_i, nearby_design_effect)
        return _finish(sums.weighting, 0.0, 0, trials, subjects, M, np.zeros(len(sums.a)), 0.0, 0.0, guarded, confidence, bound)
    effective = float(sums.e[once].sum() ** 2 / sums.e2[once].sum())
    R, pooled, refused = E_i - p * M_i, 0.0, ""
    if guarded and sums.weighting == "comparisons":
        inside = M_i > 0
        person = float(((R**2 - spread(sums, mask, p))[inside] / M_i[inside]).sum() / M_i.sum())
        pooled = max(0.0, person) * float((M_i**2).sum()) / M**2 + Q / M**2
        worth = people_equivalent(sums, mask, inside)[0]
        if worth < min(LEAST_PEOPLE, inside.sum() / 2):
            refused = f"no interval: by comparisons a few people decide (worth {worth:.0f} equally photographed people)"
    return _finish(sums.weighting, p, errors, trials, subjects, M, R, Q, effective, guarded, confidence, None, pooled=pooled, refused=refused)


def within(
    n: ArrayLike,
    i: ArrayLike,
    j: ArrayLike,
    e: ArrayLike,
    weighting: Weighting = "people",
    *,
    confidence: float = 0.95,
    nearby_design_effect: float | None = None,
    guarded: bool = True,
) -> DyadicRate:
    """All pairs of different people inside one group: ``n`` (S_g,) samples per person, i, j local indices."""
    sums = tabulate(n, np.zeros(len(np.asarray(n)), np.int64), 1, i, j, e, weighting)
    return rate(sums, np.ones((1, 1), bool), confidence=confidence, nearby_design_effect=nearby_design_effect, guarded=guarded)


def between(
    n_g: ArrayLike,
    n_h: ArrayLike,
    i: ArrayLike,
    j: ArrayLike,
    e: ArrayLike,
    weighting: Weighting = "people",
    *,
    confidence: float = 0.95,
    nearby_design_effect: float | None = None,
    guarded: bool = True,
) -> DyadicRate:
    """All pairs of one person of group g (i, index into ``n_g``) and one of group h (j, index into ``n_h``); R lists g's people, then h's."""
    first, second = np.asarray(n_g, np.int64), np.asarray(n_h, np.int64)
    cell = np.repeat([0, 1], [len(first), len(second)])
    sums = tabulate(np.concatenate([first, second]), cell, 2, i, np.asarray(j, np.int64) + len(first), e, weighting)
    return rate(sums, pair_mask(2, [[0, 1]]), confidence=confidence, nearby_design_effect=nearby_design_effect, guarded=guarded)


def dense(m: ArrayLike, e: ArrayLike, *, weighting: Weighting = "comparisons", confidence: float = 0.95, guarded: bool = True) -> DyadicRate:
    """The same for symmetric (S, S) tables of any m_ij and e_ij (zero diagonal): for toys and as the plainest statement of the formula."""
    m_, e_ = np.asarray(m, np.float64), np.asarray(e, np.float64)
    upper = np.triu_indices(len(m_), 1)
    raw_trials, raw_errors = int(m_[upper].sum()), int(e_[upper].sum())
    if weighting == "people":
        e_, m_ = np.where(m_ > 0, e_ / np.where(m_ > 0, m_, 1), 0.0), (m_ > 0).astype(np.float64)
    M = float(m_[upper].sum())
    if M <= 0:
        return _nothing(weighting, len(m_), confidence)
    subjects = int((m_.sum(axis=1) > 0).sum())
    p = float(e_[upper].sum()) / M
    r = e_ - p * m_
    bound = zero_errors_by_disjoint_pairs(subjects) if raw_errors == 0 else None
    Q, square = float((r[upper] ** 2).sum()), float((e_[upper] ** 2).sum())
    effective = float(e_[upper].sum() ** 2 / square) if square else 0.0
    return _finish(weighting, p, raw_errors, raw_trials, subjects, M, r.sum(axis=1), Q, effective, guarded, confidence, bound)


def _zero_bound(sums: Sums, mask: NDArray[np.bool_], M: float, M_i: Floats, nearby: float | None) -> Interval:
    """One-sided bound for no errors: by the nearby design effect where known, else by disjoint pairs of people.

    In ``comparisons`` weighting people count by Kish's effective number (Σa)²/Σa², so that one much-photographed person is not many. Where the
    pairs were chosen by somebody else, only so many pairs count as can be taken from them without sharing anybody.
    """
    if nearby is not None and math.isfinite(nearby):
        return zero_errors_by_design_effect(M, nearby)
    smaller, larger = people_equivalent(sums, mask, M_i > 0)
    if sums.pairs is not None:
        return zero_errors_by_disjoint_pairs(max(2, min(2 * disjoint_pairs(sums, mask), int(smaller))))
    if np.diagonal(mask).any():
        return zero_errors_by_disjoint_pairs(max(2, int(smaller)))
    return zero_errors_by_disjoint_pairs(max(1, int(smaller)), max(1, int(larger)))


def _finish(
    weighting: Weighting,
    p: float,
    errors: int,
    trials: int,
    subjects: int,
    M: float,
    R: Floats,
    Q: float,
    effective: float,
    guarded: bool,
    confidence: float,
    zero: Interval | None,
    *,
    pooled: float = 0.0,
    refused: str = "",
) -> DyadicRate:
    S, R4 = float((R**2).sum()), float((R**4).sum())
    guard = p * (1 - p) / M
    variance = max((S - Q) / M**2, Q / M**2, guard)
    R.flags.writeable = False
    nan = math.nan
    df, n_eff, effect, note = None, nan, nan, ""
    if zero is not None:
        limits, note = zero, "no false matches seen: a one-sided 95 % upper bound"
    elif errors == trials or variance <= 0:
        upper = zero_errors_by_disjoint_pairs(max(2, subjects)).high
        limits, note = Interval(1 - upper, 1.0, "one-sided 95 %, disjoint pairs"), "every comparison matched: a one-sided 95 % lower bound"
    else:
        df = max(2.0, S * S / R4 - 1) if S - Q > Q else None
        n_eff, effect = p * (1 - p) / variance, variance / guard
        clustering = _clustering(S, R4, M) if guarded and effective < FEW else None
        limits = _limits(p, variance, pooled, df, clustering, guarded, confidence)
        if refused:
            limits, note = Interval(nan, nan, ""), refused
    return DyadicRate(
        weighting,
        p,
        errors,
        trials,
        subjects,
        M,
        R,
        S,
        Q,
        R4,
        guard,
        variance,
        df,
        n_eff,
        effect,
        pooled,
        effective,
        guarded,
        *limits,
        note=note,
        confidence=confidence,
    )


def _clustering(S: float, R4: float, M: float) -> tuple[float, float]:
    return S / M**2, S * S / R4 - 1 if R4 > 0 else 0.0


def _limits(
    p: float, variance: float, pooled: float, df: float | None, clustering: tuple[float, float] | None, guarded: bool, confidence: float
) -> Interval:
    """Wilson with n_eff, guarded where errors are few; ``clustering`` is (S/M², S²/R4 - 1) there, else None."""
    quantile = normal_quantile(confidence) if df is None else t_quantile(df, confidence)
    n_eff = p * (1 - p) / variance
    method = f"dyadic cluster-robust, Wilson {'z' if df is None else 't'}"
    if not guarded:
        return wilson(p, n_eff, quantile=quantile, method=method)
    low, high, method = wilson_guarded(p, n_eff, confidence, quantile=quantile, method=method)
    if clustering is not None:
        wider, more = clustering
        upper = wilson(p, p * (1 - p) / max(variance, wider), quantile=t_quantile(max(FEW_DF, more), confidence))
        high, method = max(high, upper.high), method + ", few errors"
    if pooled > variance:
        wide = wilson_guarded(p, p * (1 - p) / pooled, confidence)
        low, high, method = min(low, wide.low), max(high, wide.high), method + ", pooled"
    return Interval(low, high, method)


def _nothing(weighting: Weighting, people: int, confidence: float) -> DyadicRate:
    nan = math.nan
    return DyadicRate(
        weighting,
        nan,
        0,
        0,
        0,
        0.0,
        np.zeros(people),
        0.0,
        0.0,
        0.0,
        nan,
        nan,
        None,
        nan,
        nan,
        0.0,
        0.0,
        True,
        nan,
        nan,
        "",
        "no comparisons",
        confidence,
    )
