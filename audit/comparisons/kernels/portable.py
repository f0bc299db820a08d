"""The pass over all comparisons with NumPy alone, on the same integers as the compiled kernel.

In: a job. Out: answers, the very ones of the compiled kernel. Its one idea: products of int16 codes are exact in
float64 (sums stay below 2**53), so BLAS may add in any order. With two columns more, ``[-2a, |a|**2, 1] . [b, 1,
|b|**2]``, the product already is the squared distance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.tiles import Job, Tile, TileAnswer

__all__ = ["PortablePass"]

ROWS: Final = 1_024
BLOCK: Final = 256
COLUMNS: Final = 512
"""A block of scores, 1 MiB as float64, is worked on while it is in the cache."""


class PortablePass:
    """Tiles of a job, by NumPy.

    Attributes
    ----------
    rows : int
        Of a tile at most.
    by_cell : bool
        Whether a tile must keep to one cell.
    """

    rows = ROWS
    by_cell = False

    def __init__(self, job: Job) -> None:
        self.job, self.clipped = job, _needs_clipping(job)

    def run(self, tile: Tile, cap: int, stop_now: NDArray[np.uint8]) -> TileAnswer | None:
        """Answer a tile; None if it has more than ``cap`` entries, or was told to
        stop. Safe to call from any thread.
        """
        job, grid, others = self.job, self.job.left.grid, self.job.right.grid
        euclidean, subject, other_subject = (
            grid.measure == "euclidean",
            job.left.layout.subject,
            job.right.layout.subject,
        )
        found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]] = []
        counts: dict[int, NDArray[np.int64]] = {}
        rows = [
            (g, _left(grid, top, min(top + BLOCK, bottom)), top)
            for g, a, bottom in job.left.layout.spans(tile.first, tile.end)
            for top in range(a, bottom, BLOCK)
        ]
        space, narrow, place = (
            np.empty(BLOCK * COLUMNS),
            np.empty(BLOCK * COLUMNS, np.float32),
            np.empty(BLOCK * COLUMNS, np.intp),
        )
        used = 0
        for h, a, b in job.right.layout.spans(tile.start, tile.stop):
            for left in range(a, b, COLUMNS):
                right = min(left + COLUMNS, b)
                columns = _right(others, left, right)
                for g, block, top in rows:
                    if job.triangle and right <= top + 1:
                        continue
                    size = len(block) * (right - left)
                    x = space[:size]
                    np.dot(block, columns, out=x.reshape(len(block), right - left))
                    keep = None
                    if job.triangle and left < top + len(block):
                        keep = (np.arange(left, right)[None, :] > np.arange(top, top + len(block))[:, None]).ravel()
                    if job.histograms:
                        bins = _bins(grid, x, narrow[:size], place[:size], self.clipped)
                        part = np.bincount(bins if keep is None else bins[keep], minlength=grid.axis.bins)
                        if len(part) > grid.axis.bins:
                            part[grid.axis.bins - 1] += part[grid.axis.bins :].sum()
                        pair = job.pair(g, h)
                        if pair not in counts:
                            counts[pair] = np.zeros(grid.axis.bins, np.int64)
                        counts[pair] += part[: grid.axis.bins]
                    if job.limits is not None:
                        limits = job.limits[top : top + len(block), None]
                        table = x.reshape(len(block), right - left)
                        hit = ((table <= limits) if euclidean else (table >= limits)).ravel()
                        if keep is not None:
                            hit &= keep
                        at = np.flatnonzero(hit)
                        i, j = np.divmod(at, right - left)
                        apart = subject[i + top] != other_subject[j + left]
                        found.append((i[apart] + (top - tile.first), j[apart] + left, x[at[apart]].astype(np.int32)))
                        used += len(found[-1][0])
                if used > cap or stop_now[0]:
                    return None
        i_out, j_out, x_out = (np.empty(used, np.int32) for _ in range(3))
        if used:
            i, j, value = (np.concatenate([piece[k] for piece in found]) for k in range(3))
            # Columns ascend from piece to piece, so a stable sort by row is all that is left; 16-bit keys make it a
            # radix sort.
            order = np.argsort(i.astype(np.uint16), kind="stable")
            i_out[:], j_out[:], x_out[:] = i[order] + tile.first, j[order], value[order]
        pairs = sorted(pair for pair, table in counts.items() if table.any())
        counted = np.array([counts[pair] for pair in pairs], np.int64).reshape(len(pairs), grid.axis.bins)
        return TileAnswer(tile, np.array(pairs, np.int32), counted, i_out, j_out, x_out)


def _left(grid: Grid, top: int, bottom: int) -> NDArray[np.float64]:
    codes = grid.codes[top:bottom].astype(np.float64)
    if grid.measure != "euclidean":
        return codes
    return np.concatenate(
        [-2.0 * codes, grid.squares[top:bottom, None].astype(np.float64), np.ones((bottom - top, 1))], axis=1
    )


def _right(grid: Grid, left: int, right: int) -> NDArray[np.float64]:
    codes = grid.codes[left:right].astype(np.float64)
    if grid.measure != "euclidean":
        return codes.T
    return np.concatenate(
        [codes, np.ones((right - left, 1)), grid.squares[left:right, None].astype(np.float64)], axis=1
    ).T


def _needs_clipping(job: Job) -> bool:
    """Whether a bin below 0 or far above the last may occur; by Cauchy-Schwarz from the longest row."""
    grid = job.left.grid
    longest = max(float(side.grid.squares.max(initial=0)) for side in (job.left, job.right))
    ends = np.array([0.0, 2 * np.sqrt(longest)] if grid.measure == "euclidean" else [-longest, longest]) * float(
        grid.slope
    ) + float(grid.offset)
    return bool(ends.min() < 0.5 or ends.max() > 2 * grid.axis.bins)


def _bins(
    grid: Grid, x: NDArray[np.float64], value: NDArray[np.float32], place: NDArray[np.intp], clipped: bool
) -> NDArray[np.intp]:
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
