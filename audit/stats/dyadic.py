"""The false match rate of a set of pairs of people, and how sure it is, when every person sits in many pairs.

In: samples per person, each person's cell, and the sparse dyads (i, j, e) with at least one false match. Out: ``DyadicRate``.
Its one idea: Var = max((S-Q)/M², Q/M², p(1-p)/M), the dyadic cluster-robust variance (Fogliato, Patil & Perona 2023), needs only sums per
person and per pair of cells. m_ij = n_i n_j factorises, so S² dyads are never made: ``tabulate`` reads the K dyads once into ``Sums``, and the
rate of ANY union of cell pairs (a cell, a coarser group, same_cell, a cross-group cell) is then O(people x cells).

Where this departs from METRICS 3 (``guarded=False`` is METRICS to the letter):

* The quantiles and the guard for few errors are those of ``limits``, which says why, with ``crowded`` = S/M².
* In ``comparisons`` weighting p(1-p)/M would be a k-th where every comparison stands there k times; it is taken over errors that stand for
  themselves (``copies``), so that repeating rows tightens no limit.
* In ``comparisons`` weighting a few much-photographed people decide the rate, and their own luck would decide its variance: the closed form covers
  .87 to .95 there. So the spread between people is pooled over everybody, Σ(R_i²-Q_i)/M_i · ΣM_i²/ΣM_i / M² + Q/M² (it IS (S-Q)/M² where all M_i
  are equal), and the degrees of freedom are at most a quarter of Kish's number of equally photographed people. Enclosing both (as before) covered
  .97 to .999. Pooling assumes that much-photographed people vary as others do. In LFW they vary less, by a third to two thirds of V/p² (many photos
  average out), which errs to the wide side; were they to vary half as much again, it would cover .84 to .92 (results/validation). Never less than
  the closed form itself, and no interval where people's rates go with their photos: much-photographed people with 1.7 or 3 times the rate made it
  cover .87 to .91.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.sums import log, power
from audit.stats.copies import least_square
from audit.stats.intervals import (
    FEWER,
    Interval,
    normal_quantile,
    t_quantile,
    wilson,
    zero_errors_by_design_effect,
    zero_errors_by_disjoint_pairs,
)
from audit.stats.limits import UNSEEN, Evidence, Unseen, printed_limits
from audit.stats.listed_sums import disjoint_pairs
from audit.stats.sums import Sums, Weighting, margins, pair_mask, people_equivalent, spread, tabulate

__all__ = ["DyadicRate", "Sums", "Weighting", "between", "dense", "margins", "pair_mask", "rate", "tabulate", "within"]

Floats = NDArray[np.float64]

LEAST_PEOPLE = 20.0
"""Kish's number of equally photographed people, below which (if also below half of the people) no interval is printed in ``comparisons``
weighting. Chosen by the coverage study."""

FAME = 2.0
"""Standard errors of a correlation, above which photographs and errors go together and no interval is printed in ``comparisons`` weighting."""

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
        What the printed limits are made of; None under METRICS to the letter, and where there is no error or nothing else.
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
        return _finish(sums.weighting, 0.0, 0, trials, subjects, M, np.zeros(len(sums.a)), 0.0, confidence, None, bound)
    R, refused = E_i - p * M_i, ""
    if errors == trials:
        bound = _zero_bound(sums, mask, M, M_i, None)
        return _finish(sums.weighting, 1.0, errors, trials, subjects, M, np.zeros(len(sums.a)), 0.0, confidence, None, bound)
    effective = float(sums.e[once].sum() ** 2 / sums.e2[once].sum())
    least, evidence, inside = p * (1 - p) * M, None, M_i > 0
    if guarded:
        least = float(least_square(sums.weighting, p, *(float(part[once].sum()) for part in (sums.M, sums.M2, sums.e2, sums.em))))
        evidence = _by_people(R, Q, M, least, effective, subjects)
    if guarded and sums.weighting == "comparisons":
        worth = people_equivalent(sums, mask, inside)[0]
        evidence = _by_everybody(R[inside], M_i[inside], spread(sums, mask, p)[inside], Q, M, least, effective, worth)
        if effective >= FEWER and _fame_errs(E_i[inside], M_i[inside]):  # of fewer errors nothing can be said to go with anything
            refused = "no interval: how often people err goes with how often they were photographed"
        if worth < min(LEAST_PEOPLE, inside.sum() / 2):
            refused = f"no interval: by comparisons a few people decide (worth {worth:.0f} equally photographed people)"
    if evidence is not None:
        evidence = evidence._replace(met=_met(sums, mask, inside), top=float((E_i[inside] / M_i[inside]).max()))
    return _finish(sums.weighting, p, errors, trials, subjects, M, R, Q, confidence, evidence, None, least=least, refused=refused)


def _met(sums: Sums, mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """People among whom a kind would be met; of a pair between two groups one comes from each, so that the mean is the harmonic one."""
    if np.diagonal(mask).any():
        return float(inside.sum())
    sides = np.bincount(sums.cell[inside], minlength=sums.cells)
    sides = sides[sides > 0]
    return float(2 / (1 / sides.min() + 1 / sides.max()))


def _variance(person: float, Q: float, M: float, least: float) -> float:
    """What people add to Var (``person``) and what dyads add, never below either alone or the guard (``copies``)."""
    return max(person + Q / M**2, Q / M**2, least / M**2)


def _by_people(R: Floats, Q: float, M: float, least: float, effective: float, people: int) -> Evidence:
    """Each person's own residual: METRICS' variance."""
    S, R4 = float((R**2).sum()), float(power(R, 4).sum())
    variance = _variance((S - 2 * Q) / M**2, Q, M, least)
    return Evidence(variance, max(variance, S / M**2), S * S / R4 if R4 > 0 else 1.0, effective, people=float(max(3, people)), met=people)


def _by_everybody(R: Floats, M_i: Floats, Q_i: Floats, Q: float, M: float, least: float, effective: float, worth: float) -> Evidence:
    """The spread between people pooled over all of them, whatever their photos: R_i²/M_i estimates M_i times one person's variance."""
    x, scale = R**2 / M_i, float((M_i**2).sum() / M_i.sum()) / M**2
    own = float((R**2).sum()) - 2 * Q
    variance = max(_variance(scale * float((x - Q_i / M_i).sum()), Q, M, least), _variance(own / M**2, Q, M, least))
    square = float((x**2).sum())
    tails = float(x.sum()) ** 2 / square if square > 0 else 1.0
    return Evidence(variance, max(variance, scale * float(x.sum())), tails, effective, worth / PEOPLE_PER_DF)


def _fame_errs(E_i: Floats, M_i: Floats) -> bool:
    """Whether people's own rates go with their comparisons: |r|·√n above ``FAME`` (r of the rate and the logarithm of the comparisons)."""
    x, y = log(M_i), E_i / M_i
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float((x**2).sum()) * float((y**2).sum()))
    # All alike up to rounding: nothing to go with.
    if scale <= 1e-12 * len(x):
        return False
    return abs(float((x * y).sum())) / scale * math.sqrt(len(x)) > FAME


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
    if m_.shape != e_.shape or m_.ndim != 2 or (e_ < 0).any() or (e_ > m_).any():
        raise ValueError("dense: errors outside 0..m, or tables of two shapes. Allowed: (S, S) tables with 0 <= e <= m.")
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
    R, Q, square = r.sum(axis=1), float((r[upper] ** 2).sum()), float((e_[upper] ** 2).sum())
    least = p * (1 - p) * M
    if guarded:
        least = float(least_square(weighting, p, M, float((m_[upper] ** 2).sum()), square, float((e_ * m_)[upper].sum())))
    evidence = _by_people(R, Q, M, least, float(e_[upper].sum() ** 2 / square), subjects) if guarded and square else None
    return _finish(weighting, p, raw_errors, raw_trials, subjects, M, R, Q, confidence, evidence, bound, least=least)


def _zero_bound(sums: Sums, mask: NDArray[np.bool_], M: float, M_i: Floats, nearby: float | None) -> Interval:
    """One-sided bound for no errors: by the nearby design effect where known, else by disjoint pairs of people.

    In ``comparisons`` weighting people count by Kish's effective number, so that one much-photographed person is not many. One rule for pairs that
    follow from the samples and for pairs that somebody else chose.
    """
    if nearby is not None and math.isfinite(nearby):
        return zero_errors_by_design_effect(M, nearby)
    smaller, _ = people_equivalent(sums, mask, M_i > 0)
    worth = int(smaller + 1e-9)  # Kish's number of n equals is n, up to rounding
    pairs = worth // 2 if np.diagonal(mask).any() else worth  # two people a pair within a group, one of each side between two
    return zero_errors_by_disjoint_pairs(2 * max(1, min(disjoint_pairs(sums, mask), pairs)))


def _finish(
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
        limits, note = Interval(1 - upper, 1.0, "one-sided 95 %, disjoint pairs"), "every comparison matched: a one-sided 95 % lower bound"
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
    p: float, variance: float, df: float | None, evidence: Evidence | None, confidence: float, weighting: Weighting, unseen: Unseen = UNSEEN
) -> Interval:
    """Wilson with n_eff: the printed limits, or METRICS 3 to the letter where there is no ``evidence``."""
    if evidence is not None:
        method = "dyadic cluster-robust, Wilson t" + (", pooled" if weighting == "comparisons" and math.isfinite(evidence.most_df) else "")
        return printed_limits(p, evidence, confidence, method, unseen=unseen)
    quantile = normal_quantile(confidence) if df is None else t_quantile(df, confidence)
    return wilson(p, p * (1 - p) / variance, quantile=quantile, method=f"dyadic cluster-robust, Wilson {'z' if df is None else 't'}")


def _nothing(weighting: Weighting, people: int, confidence: float) -> DyadicRate:
    nan = math.nan
    shape = (0.0, 0.0, 0.0, nan, nan, None, nan, nan, None)
    return DyadicRate(weighting, nan, 0, 0, 0, 0.0, np.zeros(people), *shape, nan, nan, "", "no comparisons", confidence)
