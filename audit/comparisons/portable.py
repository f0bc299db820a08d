"""The pass over all comparisons with NumPy alone, on the same integers as the compiled kernel.

In: the grid and where cells begin. Out: counts per cell pair, and the tail's integers. Its one idea: products of int16 codes are exact in
float64 (sums stay below 2**53), so BLAS may add in any order.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.grid import Grid
from audit.comparisons.layout import Layout, StripTail

__all__ = ["ROWS", "strip"]

ROWS: Final = 512
COLUMNS: Final = 1_024


def strip(
    grid: Grid,
    layout: Layout,
    start: int,
    limit: int | None,
    counts: NDArray[np.int64] | None,
    cap: int,
    lock: Lock,
    stop_now: NDArray[np.uint8],
) -> StripTail:
    """Compare rows ``start : start + ROWS`` with every row after them.

    Parameters
    ----------
    grid, layout
    start : int
        First row of the strip.
    limit : int or None
        Pairs at or beyond this ``x`` belong to the tail; None: none do.
    counts : NDArray (P, bins) int64, or None
        Added to, under ``lock``: ALL pairs i < j, mated ones too (they are taken out once, later).
    cap : int
        Pairs of the tail at most.
    stop_now : NDArray (1,) uint8
        Looked at between tiles.
    """
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]] = []
    n = len(grid.codes)
    stop = min(start + ROWS, n)
    euclidean = grid.measure == "euclidean"
    rows = grid.codes[start:stop].astype(np.float64)
    used, whole = 0, True
    for left in range(start, n, COLUMNS):
        right = min(left + COLUMNS, n)
        product = rows @ grid.codes[left:right].astype(np.float64).T
        if euclidean:
            product *= -2.0
            product += grid.squares[start:stop, None].astype(np.float64)
            product += grid.squares[None, left:right].astype(np.float64)
        x = product.astype(np.int32)
        apart = left >= stop
        upper = np.arange(left, right)[None, :] > np.arange(start, stop)[:, None]
        if counts is not None:
            bins = grid.bins(x)
            for g, top, bottom in layout.spans(start, stop):
                for h, first, last in layout.spans(left, right):
                    area = slice(top - start, bottom - start), slice(first - left, last - left)
                    inside = bins[area].ravel() if apart else bins[area][upper[area]]
                    if len(inside):
                        part = np.bincount(inside, minlength=grid.axis.bins)
                        with lock:
                            counts[layout.pair(g, h)] += part
        if limit is not None:
            hit = (x <= limit) if euclidean else (x >= limit)
            if not apart:
                hit &= upper
            i, j = np.nonzero(hit)
            keep = layout.subject[i + start] != layout.subject[j + left]
            i, j = i[keep], j[keep]
            found.append((i, j + left, x[i, j]))
            used += len(i)
        whole = used <= cap and not stop_now[0]
        if not whole:
            break
    if not found:
        return np.zeros(stop - start, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), whole
    i, j, x = (np.concatenate([piece[k] for piece in found]) for k in range(3))
    # Columns ascend from piece to piece, so a stable sort by row is all that is left; 16-bit keys make it a radix sort.
    order = np.argsort(i.astype(np.uint16), kind="stable")
    return np.bincount(i, minlength=stop - start), j[order].astype(np.int32), x[order], whole
