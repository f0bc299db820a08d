"""What one strip of rows leaves, and how strips become one sorted tail.

In: strips, finished in any order by any thread. Out: i, j and score in row order. Its one idea: a strip's place is known as soon as all strips
before it are counted, so it is written there once, by the thread that finds out, and the tail is never held twice.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["InOrder", "Sink", "SortedTail", "StripTail", "TailTooLongError"]

Write = Callable[[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]], None]


class TailTooLongError(Exception):
    """More pairs reach the limit than fit under the memory cap."""


class StripTail(NamedTuple):
    """Tail of a strip of rows.

    Attributes
    ----------
    entries : int
        How many.
    whole : bool
        False if it was cut short.
    write : callable
        Writes the entries, sorted by (i, j), to three arrays of that length; called once.
    """

    entries: int
    whole: bool
    write: Write


class Sink(Protocol):
    """What takes the strips of a pass."""

    def add(self, place: int, strip: StripTail) -> None:
        """Take the strip that is number ``place`` in row order."""


class SortedTail:
    """Room for a tail whose length nobody knows yet.

    Parameters
    ----------
    most : int
        Entries at most. Memory is touched only as it is written.
    """

    def __init__(self, most: int) -> None:
        self.most, self.used, self._next = most, 0, 0
        self._i, self._j, self._score = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float64)
        self._waiting: dict[int, StripTail] = {}
        self._lock = Lock()

    def add(self, place: int, strip: StripTail) -> None:
        """Take the strip that is number ``place`` in row order, and write all that now have a place.

        Raises
        ------
        TailTooLongError
            They no longer fit, or the strip was cut short.
        """
        ready = []
        with self._lock:
            self._waiting[place] = strip
            if not strip.whole or self.used + sum(one.entries for one in self._waiting.values()) > self.most:
                raise TailTooLongError
            while self._next in self._waiting:
                one = self._waiting.pop(self._next)
                ready.append((slice(self.used, self.used + one.entries), one))
                self.used += one.entries
                self._next += 1
        for part, one in ready:
            one.write(self._i[part], self._j[part], self._score[part])

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Give i, j and score of what was written, sorted by (i, j)."""
        return self._i[: self.used], self._j[: self.used], self._score[: self.used]


class InOrder:
    """Hands entries on in row order; whoever comes while they are taken waits, so that strips do not pile up. Only those that finish before an
    earlier one are held until it is done.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, StripTail] = {}
        self._next, self._lock = 0, Lock()
        self._room = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))

    def add(self, place: int, strip: StripTail) -> None:
        """Take a strip; see ``Sink``."""
        with self._lock:
            self._waiting[place] = strip
            while self._next in self._waiting:
                one = self._waiting.pop(self._next)
                self._next += 1
                if one.whole and one.entries:
                    if one.entries > len(self._room[0]):
                        size = 2 * one.entries
                        self._room = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size))
                    i, j, score = self._room[0][: one.entries], self._room[1][: one.entries], self._room[2][: one.entries]
                    one.write(i, j, score)
                    self.take(i, j, score)

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        """Take entries of whole rows, sorted by (i, j); what a sink is made for. The arrays are used again: keep copies."""
        raise NotImplementedError
