"""What the false matches of one operating point say, per person and per pair of cells: all that any rate needs.

In: samples per person, each person's cell, and the sparse dyads (i, j, e) with at least one false match. Out:
``Sums``. Its one idea: m_ij = n_i n_j factorises, so the S² dyads without errors are sums of powers, never made; the K
dyads with errors are read once. Where somebody else chose the comparisons (``tabulate_listed``), m_ij is whatever it
is, and the dyads that were compared are read once too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.sums import power as raised_to
from audit.base.sums import product

__all__ = [
    "Sums",
    "Weighting",
    "margins",
    "pair_mask",
    "pair_sums",
    "people_equivalent",
    "spread",
    "tabulate",
]

Weighting = Literal["people", "comparisons"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """All that the dyads of one operating point say, per person and per pair of cells; what a streaming pass would
    keep too.

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
    E2, EM : NDArray (S, C) float64
        The same for Σe² and Σe·m: each person's share of Q.
    errors, trials : NDArray (C, C) int64
        Comparisons, symmetric: [g, h] and [h, g] hold the same pairs of people.
    M, M2, e, e2, em : NDArray (C, C) float64
        Σm, Σm², Σe, Σe², Σe·m over the dyads of the cell pair, weighted, symmetric.
    m_i, m2_i : NDArray (S, C) float64 or None
        Where m_ij does not factorise: Σ m and Σ m² over the dyads of person i with people of cell h. ``a`` is then Σ_j
        m_ij, each person's weight.
    pairs : two NDArray (P,) int64, or None
        With ``m_i``: the people of the dyads that were compared.
    """

    weighting: Weighting
    cell: NDArray[np.int64]
    n: NDArray[np.int64]
    a: Floats
    E: Floats
    E2: Floats
    EM: Floats
    errors: NDArray[np.int64]
    trials: NDArray[np.int64]
    M: Floats
    M2: Floats
    e: Floats
    e2: Floats
    em: Floats
    m_i: Floats | None = None
    m2_i: Floats | None = None
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    @property
    def cells(self) -> int:
        """C."""
        return len(self.M)


def pair_mask(cells: int, pairs: ArrayLike) -> NDArray[np.bool_]:
    """(C, C) symmetric mask of a set of cell pairs, given as (P, 2) indices: [[g, g]] a cell, [[g, h]] a cross-group
    cell.
    """
    mask = np.zeros((cells, cells), bool)
    index = np.asarray(pairs, np.int64).reshape(-1, 2)
    mask[index[:, 0], index[:, 1]] = True
    mask[index[:, 1], index[:, 0]] = True
    return mask


def tabulate(
    n: ArrayLike, cell: ArrayLike, cells: int, i: ArrayLike, j: ArrayLike, e: ArrayLike, weighting: Weighting
) -> Sums:
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
        raise ValueError(
            "dyads: a pair of a person with itself, or e outside 0..n_i*n_j. Allowed: i != j, 0 <= e <= n_i*n_j."
        )
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
        half = binned(tie, weights, size).reshape(cells, cells)
        other = binned((gj * cells + gi)[both], weights[both], size).reshape(cells, cells)
        return half + other

    people = len(n_)

    def per_person(weights: Floats) -> Floats:
        size = people * cells
        return (binned(i_ * cells + gj, weights, size) + binned(j_ * cells + gi, weights, size)).reshape(people, cells)

    return Sums(
        weighting=weighting,
        cell=np.where(part, cell_, -1),
        n=n_,
        a=a,
        E=per_person(weighted),
        E2=per_person(weighted**2),
        EM=per_person(weighted * m),
        errors=np.rint(square(e_.astype(np.float64))).astype(np.int64),
        trials=np.rint(pair_sums(np.where(part, n_, 0).astype(np.float64), cell_, part, cells, 1)).astype(np.int64),
        M=pair_sums(a, cell_, part, cells, 1),
        M2=pair_sums(a, cell_, part, cells, 2),
        e=square(weighted),
        e2=square(weighted**2),
        em=square(weighted * m),
    )


def margins(sums: Sums, mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Per person, Σ_j e_ij and Σ_j m_ij over the dyads in ``mask``; two (S,) arrays."""
    rows = _rows(sums, mask)
    return (sums.E * rows).sum(axis=1), _reach(sums, mask, rows, 1)


def spread(sums: Sums, mask: NDArray[np.bool_], p: float) -> Floats:
    """Per person, Q_i = Σ_j (e_ij - p m_ij)² over the dyads in ``mask``; (S,), ΣQ_i = 2Q."""
    rows = _rows(sums, mask)
    own = (sums.E2 * rows).sum(axis=1) - 2 * p * (sums.EM * rows).sum(axis=1) + p * p * _reach(sums, mask, rows, 2)
    total: Floats = np.maximum(own, 0.0)
    return total


def _rows(sums: Sums, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(S, C): the cells each person is compared with."""
    return np.where((sums.cell >= 0)[:, None], mask[sums.cell], False)


def _reach(sums: Sums, mask: NDArray[np.bool_], rows: NDArray[np.bool_], power: int) -> Floats:
    """Per person, Σ_j m_ij^power."""
    if sums.m_i is not None and sums.m2_i is not None:
        known: Floats = ((sums.m_i if power == 1 else sums.m2_i) * rows).sum(axis=1)
        return known
    a: Floats = raised_to(sums.a, power)
    weight = binned(sums.cell[sums.cell >= 0], a[sums.cell >= 0], sums.cells)
    own = np.where(sums.cell >= 0, np.diagonal(mask)[sums.cell], False)
    total: Floats = np.where(sums.a > 0, np.maximum(a * (product(rows, weight) - own * a), 0.0), 0.0)
    return total


def people_equivalent(sums: Sums, mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """How many equally photographed people the group is worth: Kish's (Σa)²/Σa², on the smaller and the larger side.

    a_i are the photos of each person; where somebody else chose the pairs, the numbers whose products would have made
    each person's comparisons (``_factors``). Both sides are the same, unless every pair in ``mask`` has one foot in
    each of two cells.
    """
    sides, across = [inside], not np.diagonal(mask).any() and bool(mask.any())
    if across:
        sides = [side for c in np.flatnonzero(mask.any(axis=0)) if (side := inside & (sums.cell == c)).any()]
    weight = sums.a
    if sums.m_i is not None:
        weight = (sums.m_i * _rows(sums, mask)).sum(axis=1)
        weight = weight if across else _factors(weight)
    kish = sorted(float(weight[side].sum() ** 2 / max((weight[side] ** 2).sum(), 1e-300)) for side in sides)
    return kish[0], kish[-1]


def _factors(margins: Floats) -> Floats:
    """A with a_i·(Σa - a_i) = margins_i, by damped proportional fitting; what cannot be met is met as nearly as fifty
    steps allow.
    """
    a = np.sqrt(margins)
    for _ in range(50):
        others = np.maximum(a.sum() - a, 1e-300)
        a = np.sqrt(a * margins / others)
    return np.asarray(a, np.float64)


def photos_of(
    people: int, i: NDArray[np.int64], j: NDArray[np.int64], m: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """(S,) photos per person, where every photo met every other: m_ij = n_i·n_j for all pairs of the people listed;
    None elsewhere.
    """
    there = np.unique(np.concatenate([i, j]))
    if len(there) < 3 or len(i) != len(there) * (len(there) - 1) // 2:
        return None
    with_first = m[
        : len(there) - 1
    ]  # sorted: the pairs of the first person come first, then that of the second and the third
    first = math.isqrt(int(with_first[0]) * int(with_first[1]) // int(m[len(there) - 1]))  # n_0² = m_01·m_02/m_12
    if first < 1 or (with_first % first).any():
        return None
    n = np.append(first, with_first // first)
    out = np.zeros(people, np.int64)
    out[there] = n
    return out if np.array_equal(out[i] * out[j], m) else None


def pair_sums(a: Floats, cell: NDArray[np.int64], part: NDArray[np.bool_], cells: int, power: int) -> Floats:
    """(C, C) Σ (a_i a_j)^power over the unordered pairs of each pair of cells."""
    one = binned(cell[part], raised_to(a[part], power), cells)
    two = binned(cell[part], raised_to(a[part], 2 * power), cells)
    out: Floats = np.outer(one, one)
    np.fill_diagonal(out, (one**2 - two) / 2)
    return out


def binned(index: NDArray[np.int64], weights: Floats, length: int) -> Floats:
    """``np.bincount`` with weights, always float64 (an empty one is integer in numpy)."""
    return np.bincount(index, weights, length).astype(np.float64)
