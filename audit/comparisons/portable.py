"""The pass over all comparisons with NumPy alone, on the same integers as the compiled kernel.

In: the grid and where cells begin. Out: counts per cell pair, and the tail's integers. Its one idea: products of int16 codes are exact in
float64 (sums stay below 2**53), so BLAS may add in any order.
"""

from __future__ import annotations

from threading import Event, Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.grid import Grid
from audit.comparisons.layout import Layout, Piece

__all__ = ["ROWS", "strip"]

ROWS: Final = 512
COLUMNS: Final = 1_024


def strip(
    grid: Grid, layout: Layout, start: int, limit: int | None, counts: NDArray[np.int64] | None, lock: Lock, stop_now: Event
) -> tuple[int, list[Piece]]:
    """Compare rows ``start : start + ROWS`` with every row after them.

    Parameters
    ----------
    grid, layout
    start : int
        First row of the strip.
    limit : int or None
        Pairs at or beyond this ``x`` go to ``found``; None: none do.
    counts : NDArray (P, bins) int64, or None
        Added to, under ``lock``: ALL pairs i < j, mated ones too (they are taken out once, later).
    stop_now : Event
        Looked at between tiles.

    Returns
    -------
    done : int
        Pairs i < j of this strip.
    found : list of (i, j, x)
        Non-mated pairs at or beyond the limit; tiles from left to right, row by row within each.
    """
    found: list[Piece] = []
    n = len(grid.codes)
    stop = min(start + ROWS, n)
    euclidean = grid.measure == "euclidean"
    rows = grid.codes[start:stop].astype(np.float64)
    done = 0
    for left in range(start, n, COLUMNS):
        if stop_now.is_set():
            break
        right = min(left + COLUMNS, n)
        product = rows @ grid.codes[left:right].astype(np.float64).T
        if euclidean:
            product *= -2.0
            product += grid.squares[start:stop, None].astype(np.float64)
            product += grid.squares[None, left:right].astype(np.float64)
        x = product.astype(np.int32)
        upper = np.arange(left, right)[None, :] > np.arange(start, stop)[:, None]
        whole = left >= stop
        done += int(upper.sum())
        if counts is not None:
            bins = grid.bins(x)
            for g, top, bottom in layout.spans(start, stop):
                for h, first, last in layout.spans(left, right):
                    if h < g:
                        continue
                    area = slice(top - start, bottom - start), slice(first - left, last - left)
                    inside = bins[area].ravel() if whole else bins[area][upper[area]]
                    if len(inside):
                        part = np.bincount(inside, minlength=grid.axis.bins)
                        with lock:
                            counts[layout.pair(g, h)] += part
        if limit is not None:
            hit = (x <= limit) if euclidean else (x >= limit)
            if not whole:
                hit &= upper
            i, j = np.nonzero(hit)
            value = x[i, j]
            i += start
            j += left
            keep = layout.subject[i] != layout.subject[j]
            if keep.any():
                found.append((i[keep].astype(np.int32), j[keep].astype(np.int32), value[keep]))
    return done, found
