"""Pairs of people that somebody else chose in, the sums of ``stats.sums`` out.

Its one idea: which pairs were compared, and how often, is counted and not derived.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.sums import Floats, Sums, Weighting, binned, photos_of, tabulate

__all__ = ["disjoint_pairs", "tabulate_listed"]


def tabulate_listed(
    cell: ArrayLike,
    cells: int,
    listed: tuple[ArrayLike, ArrayLike, ArrayLike],
    errors: tuple[ArrayLike, ArrayLike, ArrayLike],
    weighting: Weighting,
) -> Sums:
    """``tabulate`` for comparisons that somebody else chose: m_ij is given, not n_i·n_j; where it is n_i·n_j after
    all, ``tabulate`` itself.

    Parameters
    ----------
    cell : (S,) int
        0..C-1, or negative for people to leave out.
    cells : int
        C.
    listed : three (P,) int
        i < j and m > 0 of every dyad that was compared, lexicographic.
    errors : three (K,) int
        i < j and e of the dyads with false matches, lexicographic; each among ``listed``.
    weighting : {"people", "comparisons"}

    Raises
    ------
    ValueError
        For an error in a dyad that was not compared, or more errors than comparisons.
    """
    cell_ = np.asarray(cell, np.int64)
    i, j, m_ = (np.asarray(part, np.int64) for part in listed)
    a, b, e_ = (np.asarray(part, np.int64) for part in errors)
    people = len(cell_)
    key = i * people + j
    place = np.searchsorted(key, a * people + b)
    known = place < len(key)
    if not known.all() or (key[place] != a * people + b).any() or (e_ > m_[place]).any() or (i >= j).any():
        raise ValueError(
            "listed dyads: an error outside them, e above m, or a pair that is not i < j. Allowed: "
            "sorted dyads, 0 <= e <= m."
        )
    e_all = np.zeros(len(m_), np.int64)
    e_all[place] = e_
    keep = (cell_[i] >= 0) & (cell_[j] >= 0)
    i, j, m_, e_all = i[keep], j[keep], m_[keep], e_all[keep]
    photos = photos_of(people, i, j, m_)
    if photos is not None:  # nobody chose: the same function as for templates, so the same numbers to the last bit
        hit = e_all > 0
        return tabulate(photos, np.where(photos > 0, cell_, -1), cells, i[hit], j[hit], e_all[hit], weighting)
    m = np.ones(len(m_)) if weighting == "people" else m_.astype(np.float64)
    e = e_all / m_ if weighting == "people" else e_all.astype(np.float64)
    gi, gj = cell_[i], cell_[j]

    def square(weights: Floats) -> Floats:
        both = gi != gj
        flat = binned(gi * cells + gj, weights, cells * cells) + binned(
            (gj * cells + gi)[both], weights[both], cells * cells
        )
        return flat.reshape(cells, cells)

    def by_person(weights: Floats) -> Floats:
        flat = binned(i * cells + gj, weights, people * cells) + binned(j * cells + gi, weights, people * cells)
        return flat.reshape(people, cells)

    m_i = by_person(m)
    return Sums(
        weighting=weighting,
        cell=cell_,
        n=np.ones(people, np.int64),
        a=m_i.sum(axis=1),
        E=by_person(e),
        E2=by_person(e**2),
        EM=by_person(e * m),
        errors=np.rint(square(e_all.astype(np.float64))).astype(np.int64),
        trials=np.rint(square(m_.astype(np.float64))).astype(np.int64),
        M=square(m),
        M2=square(m**2),
        e=square(e),
        e2=square(e**2),
        em=square(e * m),
        m_i=m_i,
        m2_i=by_person(m**2),
        pairs=(i, j),
    )


def disjoint_pairs(sums: Sums, mask: NDArray[np.bool_]) -> int:
    """How many of the compared pairs of people in ``mask`` share nobody.

    Where every sample met every other: ⌊n/2⌋ of the people of a group, min(n_g, n_h) between two cells, added over
    what hangs together. Where somebody else chose the pairs: the same of the largest fractional matching, whole
    numbers of what hangs together, which does not depend on the order of anything. With weights w_d on pairs, at most
    1 a person, P(no error) <= Π P(no error in d)^w_d (Finner 1992), so halves may be counted.
    """
    if sums.pairs is None:
        return _disjoint_by_cells(np.bincount(sums.cell[sums.a > 0], minlength=sums.cells), mask)
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

    i, j = sums.pairs
    inside = mask[sums.cell[i], sums.cell[j]]
    i, j = i[inside], j[inside]
    size = len(sums.cell)
    graph = csr_array((np.ones(2 * len(i), np.int8), (np.append(i, j), np.append(j, i))), shape=(size, size))
    matched = (
        maximum_bipartite_matching(graph, perm_type="column") >= 0
    )  # of everybody as a first with everybody as a second: twice the weights
    return int((np.bincount(connected_components(graph, directed=False)[1], matched) // 2).sum())


def _disjoint_by_cells(people: NDArray[np.int64], mask: NDArray[np.bool_]) -> int:
    """Pairs that share nobody, for cells of so many people: a maximal set, greedy over pairs of cells, across before
    within.
    """
    left = people.astype(np.int64).copy()
    if np.array_equal(mask, np.outer(np.diagonal(mask), np.diagonal(mask))):  # everybody with everybody
        return int(left[np.diagonal(mask)].sum()) // 2
    pairs = 0
    for g, h in zip(*np.nonzero(np.triu(mask, 1)), strict=True):
        both = int(min(left[g], left[h]))
        left[[g, h]] -= both
        pairs += both
    return pairs + int((left[np.diagonal(mask)] // 2).sum())
