"""The pass over all comparisons with NumPy alone, on the same integers as the compiled kernel.

In: the grid and where cells begin. Out: counts per cell pair, and the tail's integers. Its one idea: products of int16 codes are exact in
float64 (sums stay below 2**53), so BLAS may add in any order. With two columns more, ``[-2a, |a|**2, 1] . [b, 1, |b|**2]``, the product already
is the squared distance.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.tiles import StripTail

__all__ = ["ROWS", "strip"]

ROWS: Final = 1_024
BLOCK: Final = 256
COLUMNS: Final = 512
"""A block of scores, 1 MiB as float64, is worked on while it is in the cache."""


def strip(
    grid: Grid,
    layout: Layout,
    start: int,
    height: int,
    limit: int | None,
    counts: NDArray[np.int64] | None,
    cap: int,
    lock: Lock,
    stop_now: NDArray[np.uint8],
) -> StripTail:
    """Compare rows ``start : start + height`` with every row after them.

    Parameters
    ----------
    grid, layout
    start, height : int
        First row of the strip, and how many there are, at most ``ROWS``.
    limit : int or None
        Pairs at or beyond this ``x`` belong to the tail; None: none do.
    counts : NDArray (P, bins) int64, or None
        Added to, under ``lock``: ALL pairs i < j, mated ones too (they are taken out once, later).
    cap : int
        Pairs of the tail at most.
    stop_now : NDArray (1,) uint8
        Looked at between blocks.
    """
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]] = []
    n, euclidean, subject = len(grid.codes), grid.measure == "euclidean", layout.subject
    stop = min(start + height, n)
    rows = [(g, _left(grid, top, min(top + BLOCK, bottom)), top) for g, a, bottom in layout.spans(start, stop) for top in range(a, bottom, BLOCK)]
    space, narrow, place = np.empty(BLOCK * COLUMNS), np.empty(BLOCK * COLUMNS, np.float32), np.empty(BLOCK * COLUMNS, np.intp)
    clipped = _needs_clipping(grid)
    used = 0
    for h, a, b in layout.spans(start, n):
        for left in range(a, b, COLUMNS):
            right = min(left + COLUMNS, b)
            columns = _right(grid, left, right)
            for g, block, top in rows:
                if right <= top + 1:
                    continue
                size = len(block) * (right - left)
                x = space[:size]
                np.dot(block, columns, out=x.reshape(len(block), right - left))
                keep = None
                if left < top + len(block):
                    keep = (np.arange(left, right)[None, :] > np.arange(top, top + len(block))[:, None]).ravel()
                if counts is not None:
                    bins = _bins(grid, x, narrow[:size], place[:size], clipped)
                    part = np.bincount(bins if keep is None else bins[keep], minlength=grid.axis.bins)
                    if len(part) > grid.axis.bins:
                        part[grid.axis.bins - 1] += part[grid.axis.bins :].sum()
                    with lock:
                        counts[layout.pair(g, h)] += part[: grid.axis.bins]
                if limit is not None:
                    hit = (x <= limit) if euclidean else (x >= limit)
                    if keep is not None:
                        hit &= keep
                    at = np.flatnonzero(hit)
                    i, j = np.divmod(at, right - left)
                    other = subject[i + top] != subject[j + left]
                    found.append((i[other] + (top - start), j[other] + left, x[at[other]].astype(np.int32)))
                    used += len(found[-1][0])
            if used > cap or stop_now[0]:
                return StripTail(used, False, lambda i, j, score: None)

    def write(i_out: NDArray[np.int32], j_out: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        if used:
            i, j, value = (np.concatenate([piece[k] for piece in found]) for k in range(3))
            # Columns ascend from piece to piece, so a stable sort by row is all that is left; 16-bit keys make it a radix sort.
            order = np.argsort(i.astype(np.uint16), kind="stable")
            i_out[:], j_out[:], score[:] = i[order] + start, j[order], grid.scores(value[order])

    return StripTail(used, True, write)


def _left(grid: Grid, top: int, bottom: int) -> NDArray[np.float64]:
    codes = grid.codes[top:bottom].astype(np.float64)
    if grid.measure != "euclidean":
        return codes
    return np.concatenate([-2.0 * codes, grid.squares[top:bottom, None].astype(np.float64), np.ones((bottom - top, 1))], axis=1)


def _right(grid: Grid, left: int, right: int) -> NDArray[np.float64]:
    codes = grid.codes[left:right].astype(np.float64)
    if grid.measure != "euclidean":
        return codes.T
    return np.concatenate([codes, np.ones((right - left, 1)), grid.squares[left:right, None].astype(np.float64)], axis=1).T


def _needs_clipping(grid: Grid) -> bool:
    """Whether a bin below 0 or far above the last may occur; by Cauchy-Schwarz from the longest row."""
    longest = float(grid.squares.max(initial=0))
    ends = np.array([0.0, 2 * np.sqrt(longest)] if grid.measure == "euclidean" else [-longest, longest]) * float(grid.slope) + float(grid.offset)
    return bool(ends.min() < 0.5 or ends.max() > 2 * grid.axis.bins)


def _bins(grid: Grid, x: NDArray[np.float64], value: NDArray[np.float32], place: NDArray[np.intp], clipped: bool) -> NDArray[np.intp]:
    """As ``grid.bins``, without new arrays; bins beyond the last are left for the caller to add to it."""
    np.copyto(value, x, casting="same_kind")
    if grid.measure == "euclidean":
        np.sqrt(value, out=value)
    value *= grid.slope
    value += grid.offset
    if clipped:
        np.clip(value, np.float32(0), np.float32(grid.axis.bins - 1), out=value)
    np.copyto(place, value, casting="unsafe")
    return place
