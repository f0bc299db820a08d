"""One pass over all N (N - 1) / 2 comparisons, spread over threads.

In: the grid, the layout and the limit of the tail. Out: counts per cell pair and the sorted tail as integers. Its one idea: work is cut into
strips of rows; whichever thread takes one, counts are integers that are added and tails are put back in row order, so nothing depends on who
did what when.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from audit.comparisons import portable
from audit.comparisons.grid import Grid
from audit.comparisons.layout import Layout, Piece

__all__ = ["ENTRY_BYTES", "Progress", "Swept", "TailTooLongError", "sweep"]

Progress = Callable[[int, int], None]
"""Called from the calling thread with (comparisons done, comparisons in all)."""

ENTRY_BYTES: Final = 16
"""Bytes of one tail entry: i and j int32, score float64."""


class TailTooLongError(Exception):
    """More pairs reach the limit than fit under the memory cap."""


@dataclass(frozen=True, eq=False)
class Swept:
    """What one pass gives.

    Attributes
    ----------
    counts : NDArray (P, bins) int64, or None
        Per cell pair of the full upper triangle; mated pairs included.
    i, j, x : NDArray (K,) int32
        Non-mated pairs at or beyond the limit, sorted by (i, j).
    """

    counts: NDArray[np.int64] | None
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    x: NDArray[np.int32]


def sweep(
    grid: Grid, layout: Layout, *, limit: int | None, histograms: bool, threads: int, memory_cap: int, progress: Progress | None = None
) -> Swept:
    """Run the pass.

    Raises
    ------
    TailTooLongError
        More than ``memory_cap / 16`` pairs reach ``limit``.
    """
    n = len(grid.codes)
    counts = np.zeros((layout.pairs(), grid.axis.bins), np.int64) if histograms else None
    lock, stop_now = Lock(), Event()
    strips: dict[int, list[Piece]] = {}
    done = entries = 0
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        futures = {pool.submit(portable.strip, grid, layout, start, limit, counts, lock, stop_now): start for start in range(0, n, portable.ROWS)}
        waiting = set(futures)
        try:
            while waiting:
                ready, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in ready:
                    part, found = future.result()
                    done += part
                    entries += sum(len(piece[0]) for piece in found)
                    strips[futures[future]] = found
                if entries * ENTRY_BYTES > memory_cap:
                    raise TailTooLongError
                if progress is not None and ready:
                    progress(done, n * (n - 1) // 2)
        except BaseException:
            stop_now.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    i, j, x = _in_row_order(strips)
    return Swept(counts, i, j, x)


def _in_row_order(strips: dict[int, list[Piece]]) -> Piece:
    parts: list[Piece] = []
    for start in sorted(strips):
        found = strips[start]
        if found:
            i, j, x = (np.concatenate([piece[k] for piece in found]) for k in range(3))
            # Columns ascend from piece to piece, so a stable sort by row is all that is left; 16-bit keys make it a radix sort.
            order = np.argsort((i - start).astype(np.uint16), kind="stable")
            parts.append((i[order], j[order], x[order]))
    if not parts:
        empty = np.zeros(0, np.int32)
        return empty, empty.copy(), empty.copy()
    return tuple(np.concatenate([part[k] for part in parts]) for k in range(3))  # type: ignore[return-value]
