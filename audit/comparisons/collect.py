"""Where answers of tiles are added up: counts in any order, entries in row order.

In: ``TileAnswer`` values, finished in any order by any thread. Out: counts per cell pair, and one sorted tail or a
stream of entries. Its one idea: the place of a strip's entries is known as soon as all strips before it are counted,
so they are written there once, by the thread that finds out, and the tail is never held twice.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.tiles import TileAnswer

__all__ = ["Counts", "InOrder", "Sink", "SortedTail"]


class Sink(Protocol):
    """What takes the answers of a pass."""

    def add(self, place: int, answer: TileAnswer) -> bool:
        """Take the answer of the tile that is number ``place`` in row order; False: that was too much, stop."""


class Counts:
    """Comparisons per cell pair and bin; the answer of a tile is added once, however often it comes."""

    def __init__(self, pairs: int, bins: int, *, fast: bool) -> None:
        self.total, self.fast = np.zeros((pairs, bins), np.int64), fast
        self._lock, self._added = Lock(), set[int]()

    def add(self, place: int, answer: TileAnswer) -> bool:
        """See ``Sink``."""
        with self._lock:
            if place not in self._added:
                self._added.add(place)
                if self.fast:
                    from audit.comparisons.kernels import loops

                    loops.add(self.total, answer.pairs, answer.counts)
                else:
                    self.total[answer.pairs] += answer.counts
        return True


class SortedTail:
    """Room for a tail whose length nobody knows yet.

    Parameters
    ----------
    most : int
        Entries at most. Memory is touched only as it is written.
    grid : Grid
        Turns integers into scores.
    fast : bool
        Compiled; same bits.
    """

    def __init__(self, most: int, grid: Grid, *, fast: bool) -> None:
        self.most, self.used, self.grid, self.fast, self._next = most, 0, grid, fast, 0
        self._i, self._j, self._score = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float64)
        self._waiting: dict[int, TileAnswer] = {}
        self._lock = Lock()

    def add(self, place: int, answer: TileAnswer) -> bool:
        """See ``Sink``; writes all answers that now have a place."""
        ready = []
        with self._lock:
            if place >= self._next:
                self._waiting[place] = answer
            if self.used + sum(len(one.i) for one in self._waiting.values()) > self.most:
                return False
            while self._next in self._waiting:
                one = self._waiting.pop(self._next)
                ready.append((slice(self.used, self.used + len(one.i)), one))
                self.used += len(one.i)
                self._next += 1
        for part, one in ready:
            self._i[part], self._j[part] = one.i, one.j
            to_scores(self.grid, one.x, self._score[part], fast=self.fast)
        return True

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Give i, j and score of what was written, sorted by (i, j)."""
        return self._i[: self.used], self._j[: self.used], self._score[: self.used]


class InOrder:
    """Hands entries on in row order; whoever comes while they are taken waits, so that strips do not pile up. Only
    those that finish before an earlier one are held until it is done.
    """

    grid: Grid
    fast: bool

    def __init__(self) -> None:
        self._waiting: dict[int, TileAnswer] = {}
        self._next, self._lock = 0, Lock()

    def add(self, place: int, answer: TileAnswer) -> bool:
        """See ``Sink``."""
        with self._lock:
            if place >= self._next:
                self._waiting[place] = answer
            while self._next in self._waiting:
                one = self._waiting.pop(self._next)
                self._next += 1
                if len(one.i):
                    score = np.empty(len(one.i))
                    to_scores(self.grid, one.x, score, fast=self.fast)
                    if not self.take(one.i, one.j, score):
                        return False
        return True

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> bool:
        """Take entries of whole rows, sorted by (i, j); what a sink is made for. False: that was too much, stop."""
        raise NotImplementedError


def to_scores(grid: Grid, x: NDArray[np.int32], out: NDArray[np.float64], *, fast: bool) -> None:
    """Write the grid scores of integers."""
    if fast:
        from audit.comparisons.kernels import loops

        loops.scores(x, grid.measure == "euclidean", grid.unit, out)
    else:
        out[:] = grid.scores(x)
