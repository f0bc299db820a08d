"""The false match rate of a set of pairs of people, and how sure it is, when every person sits in many pairs.

In: samples per person, each person's cell, and the sparse dyads (i, j, e) with at least one false match. Out: ``DyadicRate``.
Its one idea: Var = max((S-Q)/M², Q/M², p(1-p)/M), the dyadic cluster-robust variance (Fogliato, Patil & Perona 2023), needs only sums per
person and per pair of cells. m_ij = n_i n_j factorises, so S² dyads are never made: ``tabulate`` reads the K dyads once into ``Sums``, and the
rate of ANY union of cell pairs (a cell, a coarser group, same_cell, a cross-group cell) is then O(people x cells).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.intervals import (
    Interval,
    normal_quantile,
    t_quantile,
    wilson,
    zero_errors_by_design_effect,
    zero_errors_by_disjoint_pairs,
)

__all__ = ["DyadicRate", "Sums", "Weighting", "between", "dense", "pair_mask", "rate", "tabulate", "within"]

Weighting = Literal["people", "comparisons"]
Floats = NDArray[np.float64]


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
    low: float
    high: float
    interval: str
    note: str
    confidence: float = 0.95

    def limits(self, confidence: float = 0.95, *, quantile: float | None = None) -> Interval:
        """The same interval at another confidence, or with a given (simultaneous) quantile; one-sided bounds stay what they are."""
        if not 0 < self.n_eff < math.inf:
            return Interval(self.low, self.high, self.interval)
        if quantile is None:
            quantile = normal_quantile(confidence) if self.df is None else t_quantile(self.df, confidence)
        return wilson(self.rate, self.n_eff, quantile=quantile, method=self.interval)


@dataclass(frozen=True, eq=False)
class Sums:
    """All that the dyads of one operating point say, per person and per pair of cells; what a streaming pass would keep too.

    Attributes
    ----------
    weighting : {"people", "comparisons"}
    cell : NDArray (S,) int64
        Each person's cell, -1 for people left out.
    n : NDArray (S,) int64
        Samples per person.
    a : NDArray (S,) float64
        Weight with m_ij = a_i a_j: n_i, or 1 where n_i > 0 in ``people`` weighting; 0 for people left out.
    E : NDArray (S, C) float64
        E[i, h] = Σ of (weighted) e over the dyads of person i with people of cell h.
    errors, trials : NDArray (C, C) int64
        Comparisons, symmetric: [g, h] and [h, g] hold the same pairs of people.
    M, M2, e, e2, em : NDArray (C, C) float64
        Σm, Σm², Σe, Σe², Σe·m over the dyads of the cell pair, weighted, symmetric.
    """

    weighting: Weighting
    cell: NDArray[np.int64]
    n: NDArray[np.int64]
    a: Floats
    E: Floats
    errors: NDArray[np.int64]
    trials: NDArray[np.int64]
    M: Floats
    M2: Floats
    e: Floats
    e2: Floats
    em: Floats

    @property
    def cells(self) -> int:
        """C."""
        return len(self.M)


def pair_mask(cells: int, pairs: ArrayLike) -> NDArray[np.bool_]:
    """(C, C) symmetric mask of a set of cell pairs, given as (P, 2) indices: [[g, g]] a cell, [[g, h]] a cross-group cell."""
    mask = np.zeros((cells, cells), bool)
    index = np.asarray(pairs, np.int64).reshape(-1, 2)
    mask[index[:, 0], index[:, 1]] = True
    mask[index[:, 1], index[:, 0]] = True
    return mask


def tabulate(n: ArrayLike, cell: ArrayLike, cells: int, i: ArrayLike, j: ArrayLike, e: ArrayLike, weighting: Weighting) -> Sums:
    """Read the dyads once.

    Parameters
    ----------
    n : (S,) int
        Samples per person; people without samples take no part.
    cell : (S,) int
        0..C-1, or negative for people to leave out.
    cells : int
        C.
    i, j, e : (K,) int
        Dyads with false matches, each unordered pair once; e_ij of n_i·n_j. Dyads of left-out people are ignored.
    weighting : {"people", "comparisons"}

    Raises
    ------
    ValueError
        For a dyad with itself, more errors than comparisons, or an unknown weighting.
    """
    n_, cell_ = np.asarray(n, np.int64), np.asarray(cell, np.int64)
    i_, j_, e_ = np.asarray(i, np.int64), np.asarray(j, np.int64), np.asarray(e, np.int64)
    if weighting not in ("people", "comparisons"):
        raise ValueError(f"weighting is {weighting!r}. Allowed: 'people' or 'comparisons'.")
    if (i_ == j_).any() or (e_ < 0).any() or (e_ > n_[i_] * n_[j_]).any():
        raise ValueError("dyads: a pair of a person with itself, or e outside 0..n_i*n_j. Allowed: i != j, 0 <= e <= n_i*n_j.")
    part = (cell_ >= 0) & (n_ > 0)
    keep = part[i_] & part[j_]
    i_, j_, e_ = i_[keep], j_[keep], e_[keep]
    m_ = n_[i_] * n_[j_]
    weighted = e_ / m_ if weighting == "people" else e_.astype(np.float64)
    m = np.ones(len(e_)) if weighting == "people" else m_.astype(np.float64)
    a = np.where(part, 1.0 if weighting == "people" else n_, 0.0)

    gi, gj, size = cell_[i_], cell_[j_], cells * cells
    tie = gi * cells + gj
    both = gi != gj

    def square(weights: Floats) -> Floats:
        half = _bin(tie, weights, size).reshape(cells, cells)
        other = _bin((gj * cells + gi)[both], weights[both], size).reshape(cells, cells)
        return half + other

    people = len(n_)
    E = _bin(i_ * cells + gj, weighted, people * cells) + _bin(j_ * cells + gi, weighted, people * cells)
    return Sums(
        weighting=weighting,
        cell=np.where(part, cell_, -1),
        n=n_,
        a=a,
        E=E.reshape(people, cells),
        errors=np.rint(square(e_.astype(np.float64))).astype(np.int64),
        trials=np.rint(_pair_sums(np.where(part, n_, 0).astype(np.float64), cell_, part, cells, 1)).astype(np.int64),
        M=_pair_sums(a, cell_, part, cells, 1),
        M2=_pair_sums(a, cell_, part, cells, 2),
        e=square(weighted),
        e2=square(weighted**2),
        em=square(weighted * m),
    )


def _bin(index: NDArray[np.int64], weights: Floats, length: int) -> Floats:
    """``np.bincount`` with weights, always float64 (an empty one is integer in numpy)."""
    return np.bincount(index, weights, length).astype(np.float64)


def _pair_sums(a: Floats, cell: NDArray[np.int64], part: NDArray[np.bool_], cells: int, power: int) -> Floats:
    """(C, C) Σ (a_i a_j)^power over the unordered pairs of each pair of cells."""
    one = _bin(cell[part], a[part] ** power, cells)
    two = _bin(cell[part], a[part] ** (2 * power), cells)
    out: Floats = np.outer(one, one)
    np.fill_diagonal(out, (one**2 - two) / 2)
    return out


def rate(sums: Sums, mask: NDArray[np.bool_], *, confidence: float = 0.95, nearby_design_effect: float | None = None) -> DyadicRate:
    """The rate over the union of the cell pairs in ``mask``, with its interval.

    Parameters
    ----------
    sums : Sums
    mask : (C, C) bool
        Symmetric (see ``pair_mask``).
    confidence : float
    nearby_design_effect : float, optional
        Used where no error was seen: the design effect at the nearest threshold with at least 30 errors (METRICS 3).
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
        return _finish(sums.weighting, 0.0, 0, trials, subjects, M, np.zeros(len(sums.a)), 0.0, confidence, bound)
    return _finish(sums.weighting, p, errors, trials, subjects, M, E_i - p * M_i, Q, confidence, None)


def margins(sums: Sums, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Per person, Σ_j e_ij and Σ_j m_ij over the dyads in ``mask``; two (S,) arrays."""
    rows = np.where((sums.cell >= 0)[:, None], mask[sums.cell], False)
    weight = _bin(sums.cell[sums.cell >= 0], sums.a[sums.cell >= 0], sums.cells)
    own = np.where(sums.cell >= 0, np.diagonal(mask)[sums.cell], False)
    M_i = sums.a * (rows @ weight - own * sums.a)
    return (sums.E * rows).sum(axis=1), np.where(sums.a > 0, np.maximum(M_i, 0.0), 0.0)


def within(
    n: ArrayLike,
    i: ArrayLike,
    j: ArrayLike,
    e: ArrayLike,
    weighting: Weighting = "people",
    *,
    confidence: float = 0.95,
    nearby_design_effect: float | None = None,
) -> DyadicRate:
    """All pairs of different people inside one group: ``n`` (S_g,) samples per person, i, j local indices."""
    sums = tabulate(n, np.zeros(len(np.asarray(n)), np.int64), 1, i, j, e, weighting)
    return rate(sums, np.ones((1, 1), bool), confidence=confidence, nearby_design_effect=nearby_design_effect)


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
) -> DyadicRate:
    """All pairs of one person of group g (i, index into ``n_g``) and one of group h (j, index into ``n_h``); R lists g's people, then h's."""
    first, second = np.asarray(n_g, np.int64), np.asarray(n_h, np.int64)
    cell = np.repeat([0, 1], [len(first), len(second)])
    sums = tabulate(np.concatenate([first, second]), cell, 2, i, np.asarray(j, np.int64) + len(first), e, weighting)
    return rate(sums, pair_mask(2, [[0, 1]]), confidence=confidence, nearby_design_effect=nearby_design_effect)


def dense(m: ArrayLike, e: ArrayLike, *, weighting: Weighting = "comparisons", confidence: float = 0.95) -> DyadicRate:
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
    return _finish(weighting, p, raw_errors, raw_trials, subjects, M, r.sum(axis=1), float((r[upper] ** 2).sum()), confidence, bound)


def _zero_bound(sums: Sums, mask: NDArray[np.bool_], M: float, M_i: Floats, nearby: float | None) -> Interval:
    """One-sided bound for no errors: by the nearby design effect where known, else by disjoint pairs of people.

    In ``comparisons`` weighting people count by Kish's effective number (Σa)²/Σa², so that one much-photographed person is not many.
    """
    if nearby is not None and math.isfinite(nearby):
        return zero_errors_by_design_effect(M, nearby)
    inside = M_i > 0

    def people(chosen: NDArray[np.bool_]) -> int:
        a = sums.a[chosen]
        return int(a.sum() ** 2 / (a**2).sum()) if len(a) else 0

    if not np.diagonal(mask).any():  # bipartite: every pair has one foot in each of two cells
        counts = [people(inside & (sums.cell == c)) for c in np.flatnonzero(mask.any(axis=0))]
        return zero_errors_by_disjoint_pairs(max(1, min(counts)), max(1, max(counts)))
    return zero_errors_by_disjoint_pairs(max(2, people(inside)))


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
    zero: Interval | None,
) -> DyadicRate:
    S, R4 = float((R**2).sum()), float((R**4).sum())
    guard = p * (1 - p) / M
    variance = max((S - Q) / M**2, Q / M**2, guard)
    R.flags.writeable = False
    df, n_eff, effect, note = None, math.nan, math.nan, ""
    if zero is not None:
        limits, note = zero, "no false matches seen: a one-sided 95 % upper bound"
    elif errors == trials or variance <= 0:
        upper = zero_errors_by_disjoint_pairs(max(2, subjects)).high
        limits, note = Interval(1 - upper, 1.0, "one-sided 95 %, disjoint pairs"), "every comparison matched: a one-sided 95 % lower bound"
    else:
        df = max(2.0, S * S / R4 - 1) if S - Q > Q else None
        n_eff, effect = p * (1 - p) / variance, variance / guard
        quantile = normal_quantile(confidence) if df is None else t_quantile(df, confidence)
        limits = wilson(p, n_eff, quantile=quantile, method=f"dyadic cluster-robust, Wilson {'z' if df is None else 't'}")
    return DyadicRate(
        weighting, p, errors, trials, subjects, M, R, S, Q, R4, guard, variance, df, n_eff, effect, *limits, note=note, confidence=confidence
    )


def _nothing(weighting: Weighting, people: int, confidence: float) -> DyadicRate:
    nan = math.nan
    return DyadicRate(
        weighting, nan, 0, 0, 0, 0.0, np.zeros(people), 0.0, 0.0, 0.0, nan, nan, None, nan, nan, nan, nan, "", "no comparisons", confidence
    )
