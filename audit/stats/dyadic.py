"""The false match rate of a set of pairs of people, and how sure it is, when every person sits in many pairs.

In: samples per person, each person's cell, and the sparse dyads (i, j, e) with at least one false match. Out:
``DyadicRate``. Its one idea: Var = max((S-Q)/M², Q/M², p(1-p)/M), the dyadic cluster-robust variance (Fogliato, Patil
& Perona 2023), needs only sums per person and per pair of cells. m_ij = n_i n_j factorises, so S² dyads are never
made: ``tabulate`` reads the K dyads once into ``Sums``, and the rate of ANY union of cell pairs (a cell, a coarser
group, same_cell, a cross-group cell) is then O(people x cells).

Where this departs from METRICS 3 (``guarded=False`` is METRICS to the letter):

* The quantiles and the guard for few errors are those of ``limits``, which says why, with ``crowded`` = S/M².
* In ``comparisons`` weighting p(1-p)/M would be a k-th where every comparison stands there k times; it is taken over
  errors that stand for themselves (``copies``), so that repeating rows tightens no limit.
* In ``comparisons`` weighting a few much-photographed people decide the rate, and their own luck would decide its
  variance: the closed form covers .87 to .95 there. So the spread between people is pooled over everybody,
  Σ(R_i²-Q_i)/M_i · ΣM_i²/ΣM_i / M² + Q/M² (it IS (S-Q)/M² where all M_i are equal), and the degrees of freedom are at
  most a quarter of Kish's number of equally photographed people. Enclosing both (as before) covered .97 to .999.
  Pooling assumes that much-photographed people vary as others do. In LFW they vary less, by a third to two thirds of
  V/p² (many photos average out), which errs to the wide side; were they to vary half as much again, it would cover .84
  to .92 (results/validation). Never less than the closed form itself, and no interval where people's rates go with
  their photos: much-photographed people with 1.7 or 3 times the rate made it cover .87 to .91.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.copies import least_square
from audit.stats.dyadic_rate import (
    LEAST_PEOPLE,
    DyadicRate,
    by_everybody,
    by_people,
    fame_errs,
    finish,
    met,
    nothing,
    zero_bound,
)
from audit.stats.intervals import (
    FEWER,
    zero_errors_by_disjoint_pairs,
)
from audit.stats.sums import Sums, Weighting, margins, pair_mask, people_equivalent, spread, tabulate

__all__ = ["Sums", "Weighting", "between", "dense", "margins", "pair_mask", "rate", "tabulate", "within"]


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
        return nothing(sums.weighting, len(sums.a), confidence)
    p = min(1.0, float(sums.e[once].sum()) / M)
    Q = max(0.0, float((sums.e2[once] - 2 * p * sums.em[once] + p * p * sums.M2[once]).sum()))
    if errors == 0:
        bound = zero_bound(sums, mask, M, M_i, nearby_design_effect)
        return finish(sums.weighting, 0.0, 0, trials, subjects, M, np.zeros(len(sums.a)), 0.0, confidence, None, bound)
    R, refused = E_i - p * M_i, ""
    if errors == trials:
        bound = zero_bound(sums, mask, M, M_i, None)
        return finish(
            sums.weighting, 1.0, errors, trials, subjects, M, np.zeros(len(sums.a)), 0.0, confidence, None, bound
        )
    effective = float(sums.e[once].sum() ** 2 / sums.e2[once].sum())
    least, evidence, inside = p * (1 - p) * M, None, M_i > 0
    if guarded:
        least = float(
            least_square(sums.weighting, p, *(float(part[once].sum()) for part in (sums.M, sums.M2, sums.e2, sums.em)))
        )
        evidence = by_people(R, Q, M, least, effective, subjects)
    if guarded and sums.weighting == "comparisons":
        worth = people_equivalent(sums, mask, inside)[0]
        evidence = by_everybody(R[inside], M_i[inside], spread(sums, mask, p)[inside], Q, M, least, effective, worth)
        if effective >= FEWER and fame_errs(
            E_i[inside], M_i[inside]
        ):  # of fewer errors nothing can be said to go with anything
            refused = "no interval: how often people err goes with how often they were photographed"
        if worth < min(LEAST_PEOPLE, inside.sum() / 2):
            refused = (
                f"no interval: by comparisons a few people decide (worth {worth:.0f} equally photographed people)"
            )
    if evidence is not None:
        evidence = evidence._replace(met=met(sums, mask, inside), top=float((E_i[inside] / M_i[inside]).max()))
    return finish(
        sums.weighting, p, errors, trials, subjects, M, R, Q, confidence, evidence, None, least=least, refused=refused
    )


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
    return rate(
        sums, np.ones((1, 1), bool), confidence=confidence, nearby_design_effect=nearby_design_effect, guarded=guarded
    )


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
    """All pairs of one person of group g (i, index into ``n_g``) and one of group h (j, index into ``n_h``); R lists
    g's people, then h's.
    """
    first, second = np.asarray(n_g, np.int64), np.asarray(n_h, np.int64)
    cell = np.repeat([0, 1], [len(first), len(second)])
    sums = tabulate(np.concatenate([first, second]), cell, 2, i, np.asarray(j, np.int64) + len(first), e, weighting)
    return rate(
        sums, pair_mask(2, [[0, 1]]), confidence=confidence, nearby_design_effect=nearby_design_effect, guarded=guarded
    )


def dense(
    m: ArrayLike, e: ArrayLike, *, weighting: Weighting = "comparisons", confidence: float = 0.95, guarded: bool = True
) -> DyadicRate:
    """The same for symmetric (S, S) tables of any m_ij and e_ij (zero diagonal): for toys and as the plainest
    statement of the formula.
    """
    m_, e_ = np.asarray(m, np.float64), np.asarray(e, np.float64)
    if m_.shape != e_.shape or m_.ndim != 2 or (e_ < 0).any() or (e_ > m_).any():
        raise ValueError(
            "dense: errors outside 0..m, or tables of two shapes. Allowed: (S, S) tables with 0 <= e <= m."
        )
    upper = np.triu_indices(len(m_), 1)
    raw_trials, raw_errors = int(m_[upper].sum()), int(e_[upper].sum())
    if weighting == "people":
        e_, m_ = np.where(m_ > 0, e_ / np.where(m_ > 0, m_, 1), 0.0), (m_ > 0).astype(np.float64)
    M = float(m_[upper].sum())
    if M <= 0:
        return nothing(weighting, len(m_), confidence)
    subjects = int((m_.sum(axis=1) > 0).sum())
    p = float(e_[upper].sum()) / M
    r = e_ - p * m_
    bound = zero_errors_by_disjoint_pairs(subjects) if raw_errors == 0 else None
    R, Q, square = r.sum(axis=1), float((r[upper] ** 2).sum()), float((e_[upper] ** 2).sum())
    least = p * (1 - p) * M
    if guarded:
        least = float(
            least_square(weighting, p, M, float((m_[upper] ** 2).sum()), square, float((e_ * m_)[upper].sum()))
        )
    evidence = (
        by_people(R, Q, M, least, float(e_[upper].sum() ** 2 / square), subjects) if guarded and square else None
    )
    return finish(weighting, p, raw_errors, raw_trials, subjects, M, R, Q, confidence, evidence, bound, least=least)
