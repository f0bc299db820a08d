"""The float64 definition, compiled: imported only where Numba works. No fastmath, so no bit may differ from the plain
loop.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

__all__ = ["distances", "norms", "products"]


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def products(
    vectors: NDArray[np.floating], i: NDArray[np.int64], j: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """``out[k] = sum_d a_d * b_d``, added in d index order."""
    for k in range(len(i)):
        a, b = vectors[i[k]], vectors[j[k]]
        total = 0.0
        for d in range(vectors.shape[1]):
            total += np.float64(a[d]) * np.float64(b[d])
        out[k] = total


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def distances(
    vectors: NDArray[np.floating], i: NDArray[np.int64], j: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """``out[k] = -sqrt(sum_d (a_d - b_d)**2)``, added in d index order."""
    for k in range(len(i)):
        a, b = vectors[i[k]], vectors[j[k]]
        total = 0.0
        for d in range(vectors.shape[1]):
            difference = np.float64(a[d]) - np.float64(b[d])
            total += difference * difference
        out[k] = -np.sqrt(total)


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def norms(vectors: NDArray[np.floating], rows: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """``out[r] = sum_d a_d**2`` of each row r listed, added in d index order."""
    for k in range(len(rows)):
        a = vectors[rows[k]]
        total = 0.0
        for d in range(vectors.shape[1]):
            total += np.float64(a[d]) * np.float64(a[d])
        out[rows[k]] = total
