"""One pass over all N (N - 1) / 2 comparisons, spread over threads.

In: the grid, the layout and the limit of the tail. Out: counts per cell pair and the sorted tail. Its one idea: work is cut into strips of
rows; whichever thread takes one, counts are integers that are added and tails are put back in row order, so nothing depends on who did what
when.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from audit.comparisons.kernels import portable
from audit.comparisons.kernels.pass16 import FastPass
from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.kernels.pass8 import NarrowPass
from audit.comparisons.tiles import Sink, SortedTail, StripTail, TailTooLongError

__all__ = ["ENTRY_BYTES", "Progress", "Swept", "TailTooLongError", "sweep"]

Progress = Callable[[int, int], None]
"""Called from the calling thread with (comparisons done, comparisons in all)."""

NARROW: Final = "avx512vnni"
"""The flavour whose tail-only passes may go by 8-bit codes first."""
ENTRY_BYTES: Final = 16
"""Bytes of one tail entry: i and j int32, score float64."""


@dataclass(frozen=True, eq=False)
class Swept:
    """What one pass gives.

    Attributes
    ----------
    counts : NDArray (P, bins) int64, or None
        Per cell pair of the full upper triangle; mated pairs included.
    i, j : NDArray (K,) int32
        Non-mated pairs at or beyond the limit, sorted by (i, j).
    score : NDArray (K,) float64
        Grid scores.
    narrow : bool
        Whether 8-bit codes went first.
    """

    counts: NDArray[np.int64] | None
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    score: NDArray[np.float64]
    narrow: bool = False


def sweep(
    grid: Grid,
    layout: Layout,
    *,
    limit: int | None,
    histograms: bool,
    threads: int,
    memory_cap: int,
    flavour: str | None,
    progress: Progress | None = None,
    sink: Sink | None = None,
) -> Swept:
    """Run the pass.

    Parameters
    ----------
    flavour : str or None
        Of the kernel; None for NumPy alone.
    sink : optional
        Takes the strips instead of a sorted tail, which is then empty; strips are cut so that a few of them stay far below ``memory_cap``.

    Raises
    ------
    TailTooLongError
        More than ``memory_cap / 16`` pairs reach ``limit``.
    """
    n, cap = len(grid.codes), memory_cap // ENTRY_BYTES
    counts = np.zeros((layout.pairs(), grid.axis.bins), np.int64) if histograms else None
    stop_now, is_narrow = np.zeros(1, np.uint8), False
    most_rows = max(32, cap // (4 * threads * max(n, 1)) // 32 * 32) if sink is not None else max(n, 1)
    if sink is not None:
        cap = n * n
    if flavour is None:
        lock = Lock()
        height = min(portable.ROWS, most_rows)
        strips = [(start, min(height, n - start)) for start in range(0, n, height)]

        def run(first: int, rows: int) -> StripTail:
            return portable.strip(grid, layout, first, rows, limit, counts, cap, lock, stop_now)

    else:
        fast: FastPass | NarrowPass | None = None
        if flavour == NARROW and not histograms and limit is not None:
            narrow = NarrowPass(grid, layout, limit, threads)
            fast = narrow if narrow.worthwhile else None
        fast = fast or FastPass(grid, layout, limit, counts, flavour, threads)
        strips, is_narrow = layout.strips(min(fast.rows, most_rows)), isinstance(fast, NarrowPass)

        def run(first: int, rows: int) -> StripTail:
            return fast.run(first, rows, cap, stop_now)

    total = n * (n - 1) // 2
    tail = SortedTail(min(cap, total) if limit is not None and sink is None else 0)
    taking: Sink = tail if sink is None else sink

    jobs, results = iter(list(enumerate(strips))), SimpleQueue[int | BaseException]()

    def work() -> None:
        for place, (first, rows) in jobs:  # one list iterator for all threads: each strip is taken once
            if stop_now[0]:
                return
            try:
                taking.add(place, run(first, rows))
            except BaseException as error:
                results.put(error)
                return
            results.put(rows * (n - first) - rows * (rows + 1) // 2)

    done, left = 0, len(strips)
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        try:
            for _ in range(threads):
                pool.submit(work)
            # A queue, not futures: an interrupt while many futures are waited for can leave some of them locked for ever.
            while left:
                try:
                    got = results.get(timeout=0.2)
                except Empty:
                    continue
                if isinstance(got, BaseException):
                    raise got
                done, left = done + got, left - 1
                if progress is not None:
                    progress(done, total)
        except BaseException:
            stop_now[0] = 1
            raise
    return Swept(counts, *tail.arrays(), narrow=is_narrow)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Looking for BLAS libraries takes longer than a small pass, so it is done once."""
    return ThreadpoolController()
