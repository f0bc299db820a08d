"""False matches too many to list: what is kept of them per person instead, and the same ``Sums`` from it.

In: counts per person and cell of the other person, added up while a pass goes on. Out: ``Sums``. Its one idea: rates,
intervals, ratios and summaries never look at single pairs of people, only at five sums of each person's pairs; so
where the list of pairs is too long to keep, the sums are kept and nothing that is printed of a rate changes (METRICS
3, "what must be kept").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.sums import Sums, Weighting, pair_sums

__all__ = ["PARTS", "PersonSums", "tabulate_streamed"]

PARTS = ("e", "e2", "em", "w", "w2")
"""Names of the arrays of ``PersonSums``, as they are stored."""


@dataclass(frozen=True, eq=False)
class PersonSums:
    """Sums over each person's pairs with people of each cell, at one operating point and under one set of labels.

    Attributes
    ----------
    e : NDArray (S, C) int64
        e[i, h] = Σ_j e_ij over the people j of cell h: false matches.
    e2, em : NDArray (S, C) int64
        Σ e_ij² and Σ e_ij m_ij, m_ij = n_i n_j.
    w, w2 : NDArray (S, C) float64
        Σ e_ij/m_ij and Σ (e_ij/m_ij)².
    """

    e: NDArray[np.int64]
    e2: NDArray[np.int64]
    em: NDArray[np.int64]
    w: NDArray[np.float64]
    w2: NDArray[np.float64]


def tabulate_streamed(n: ArrayLike, cell: ArrayLike, cells: int, kept: PersonSums, weighting: Weighting) -> Sums:
    """Give what ``audit.stats.sums.tabulate`` gives of the list of pairs; integers equal it, float sums to the last
    few bits.

    Parameters
    ----------
    n : (S,) int
        Samples per person; people without samples take no part.
    cell : (S,) int
        0..C-1, or negative for people to leave out: these must have been left out of ``kept`` too.
    cells : int
        C.
    kept : PersonSums
    weighting : {"people", "comparisons"}

    Raises
    ------
    ValueError
        Arrays of another shape than (S, C), or an unknown weighting.
    """
    n_, cell_ = np.asarray(n, np.int64), np.asarray(cell, np.int64)
    if weighting not in ("people", "comparisons"):
        raise ValueError(f"weighting is {weighting!r}. Allowed: 'people' or 'comparisons'.")
    if any(getattr(kept, name).shape != (len(n_), cells) for name in PARTS):
        raise ValueError(
            f"sums per person have shapes {[getattr(kept, name).shape for name in PARTS]}. Allowed: "
            f"({len(n_)}, {cells})."
        )
    part = (cell_ >= 0) & (n_ > 0)
    people = weighting == "people"
    a = np.where(part, 1.0 if people else n_, 0.0)
    E, E2, EM = (
        np.asarray(table, np.float64)
        for table in ((kept.w, kept.w2, kept.w) if people else (kept.e, kept.e2, kept.em))
    )

    def square(table: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        """(C, C): each pair of people stands in the rows of both, so inside a cell it stands twice."""
        out = np.zeros((cells, cells))
        np.add.at(out, cell_[part], table[part])
        out[np.diag_indices(cells)] /= 2
        return out

    errors = np.zeros((cells, cells), np.int64)
    np.add.at(errors, cell_[part], kept.e[part])
    errors[np.diag_indices(cells)] //= 2
    return Sums(
        weighting=weighting,
        cell=np.where(part, cell_, -1),
        n=n_,
        a=a,
        E=E,
        E2=E2,
        EM=EM,
        errors=errors,
        trials=np.rint(pair_sums(np.where(part, n_, 0).astype(np.float64), cell_, part, cells, 1)).astype(np.int64),
        M=pair_sums(a, cell_, part, cells, 1),
        M2=pair_sums(a, cell_, part, cells, 2),
        e=square(E),
        e2=square(E2),
        em=square(EM),
    )
