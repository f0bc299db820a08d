"""One pass over all tiles of a job, spread over threads.

In: a job. Out: counts per cell pair and the sorted tail, or whatever a sink makes of the answers. Its one idea: tiles
are strips of rows; whichever thread takes one, counts are integers that are added and tails are put back in row order,
so nothing depends on who did what when.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from audit.comparisons import on_cluster
from audit.comparisons.collect import Counts, Sink, SortedTail
from audit.comparisons.kept_tiles import Kept
from audit.comparisons.kernels.pass8 import NarrowPass
from audit.comparisons.kernels.pass16 import FastPass
from audit.comparisons.kernels.portable import PortablePass
from audit.comparisons.tiles import Job, Tile, TileAnswer, tiles_of

__all__ = ["ENTRY_BYTES", "Engine", "Progress", "Swept", "engine_of", "run_tiles", "sweep"]

Progress = Callable[[int, int], None]
"""Called from the calling thread with (comparisons done, comparisons in all)."""

NARROW: Final = "avx512vnni"
"""The flavour whose tail-only passes may go by 8-bit codes first."""
ENTRY_BYTES: Final = 16
"""Bytes of one tail entry: i and j int32, score float64."""


class Engine(Protocol):
    """What answers tiles of one job."""

    rows: int
    by_cell: bool

    def run(self, tile: Tile, cap: int, stop_now: NDArray[np.uint8]) -> TileAnswer | None:
        """Answer a tile; None if it has more than ``cap`` entries, or was told to
        stop. Safe to call from any thread.
        """


@dataclass(frozen=True, eq=False)
class Swept:
    """What one pass gives.

    Attributes
    ----------
    counts : NDArray (P, bins) int64, or None
        Per cell pair as ``Job.pair`` numbers them; mated pairs included.
    i, j : NDArray (K,) int32
        Non-mated pairs at or beyond the limit, sorted by (i, j).
    score : NDArray (K,) float64
        Grid scores.
    whole : bool
        False if more pairs reach the limit than ``memory_cap`` holds, or the sink had enough; then nothing else
        counts.
    narrow : bool
        Whether 8-bit codes went first.
    """

    counts: NDArray[np.int64] | None
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    score: NDArray[np.float64]
    whole: bool = True
    narrow: bool = False


def engine_of(job: Job, flavour: str | None, threads: int) -> Engine:
    """The fastest way there is to answer a job's tiles; ``flavour`` of the kernel, None for NumPy alone."""
    if flavour is None:
        return PortablePass(job)
    if flavour == NARROW and not job.histograms and job.limits is not None:
        narrow = NarrowPass(job, threads)
        if narrow.worthwhile:
            return narrow
    return FastPass(job, flavour, threads)


def sweep(
    job: Job,
    *,
    threads: int,
    memory_cap: int,
    flavour: str | None,
    progress: Progress | None = None,
    sink: Sink | None = None,
    keep: Kept | None = None,
    cluster: str | None = None,
) -> Swept:
    """Run a whole job, here unless told otherwise.

    Parameters
    ----------
    flavour : str or None
        Of the kernel; None for NumPy alone.
    sink : optional
        Takes the answers instead of a sorted tail, which is then empty; tiles are cut so that a few of them stay far
        below ``memory_cap``.
    keep : Kept, optional
        Where answers are kept in case the run is cut short, and found again; a pass into a sink keeps nothing.
    cluster : str, optional
        Address of a dask scheduler whose workers answer the tiles of a long pass (``audit.comparisons.on_cluster``).
    """
    columns, cap, total = max(len(job.right.grid.codes), 1), memory_cap // ENTRY_BYTES, job.comparisons()
    there = cluster is not None and total >= on_cluster.FLOOR
    engine = None if there else engine_of(job, flavour, threads)
    height, by_cell = (on_cluster.HEIGHT, True) if engine is None else (engine.rows, engine.by_cell)
    narrow, most = isinstance(engine, NarrowPass), None
    if sink is not None:
        most = max(1, cap // (4 * threads))
        height, cap = min(height, max(32, most // columns // 32 * 32)), 2 * total
    fast = flavour is not None
    tail = SortedTail(min(cap, total) if job.limits is not None and sink is None else 0, job.left.grid, fast=fast)
    counts = Counts(job.pairs(), job.left.grid.axis.bins, fast=fast) if job.histograms else None

    kept = keep.of(job, cap) if keep is not None and sink is None else None
    if kept is not None and kept.too_long:
        return Swept(None, *tail.arrays(), whole=False, narrow=narrow)

    def take(place: int, answer: TileAnswer) -> bool:
        if counts is not None:
            counts.add(place, answer)
        return (tail if sink is None else sink).add(place, answer)

    def take_and_keep(place: int, answer: TileAnswer) -> bool:
        if kept is not None:
            kept.add(answer)
        return take(place, answer)

    tiles = tiles_of(job, height, by_cell=by_cell)
    known = kept.answers(tiles) if kept is not None else {}
    whole = all(take(place, answer) for place, answer in sorted(known.items()))
    if whole and engine is not None:
        whole = run_tiles(
            job, engine, tiles, take_and_keep, cap=cap, threads=threads, progress=progress, known=frozenset(known)
        )
    elif whole and cluster is not None:
        whole = on_cluster.run_on_cluster(
            job,
            tiles,
            take_and_keep,
            address=cluster,
            fast=fast,
            cap=cap,
            most=most,
            progress=progress,
            known=frozenset(known),
        )
    if kept is not None:
        kept.end(whole=whole)
    return Swept(None if counts is None else counts.total, *tail.arrays(), whole=whole, narrow=narrow)


def run_tiles(
    job: Job,
    engine: Engine,
    tiles: Sequence[Tile],
    take: Callable[[int, TileAnswer], bool],
    *,
    cap: int,
    threads: int,
    progress: Progress | None = None,
    known: Container[int] = (),
) -> bool:
    """Answer tiles, but those whose numbers are ``known``, in threads and hand on each answer with its tile's number.

    False if one was cut short or ``take`` said so.
    """
    total, stop_now = job.comparisons(), np.zeros(1, np.uint8)
    todo = [(place, tile) for place, tile in enumerate(tiles) if place not in known]
    jobs, results = iter(todo), SimpleQueue[int | BaseException | None]()

    def work() -> None:
        for place, tile in jobs:  # one list iterator for all threads: each tile is taken once
            if stop_now[0]:
                return
            try:
                answer = engine.run(tile, cap, stop_now)
                if answer is None or not take(place, answer):
                    results.put(None)
                    return
            except BaseException as error:
                results.put(error)
                return
            results.put(tile.comparisons(job.triangle))

    done, left = sum(tile.comparisons(job.triangle) for place, tile in enumerate(tiles) if place in known), len(todo)
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        try:
            for _ in range(threads):
                pool.submit(work)
            # A queue, not futures: an interrupt while many futures are waited for can leave some of them locked for
            # ever.
            while left:
                try:
                    got = results.get(timeout=0.2)
                except Empty:
                    continue
                if isinstance(got, BaseException):
                    raise got
                if got is None:
                    stop_now[0] = 1
                    return False
                done, left = done + got, left - 1
                if progress is not None:
                    progress(done, total)
        except BaseException:
            stop_now[0] = 1
            raise
    return True


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Looking for BLAS libraries takes longer than a small pass, so it is done once."""
    return ThreadpoolController()
