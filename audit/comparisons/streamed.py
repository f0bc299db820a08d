"""Operating points whose tail would not fit: their thresholds and each person's sums, from passes that keep next to nothing.

In: requests that too many comparisons reach, and a way to make a pass. Out: thresholds, exactly as from a whole tail, and ``PersonSums``. Its one
idea: strips arrive in row order, so all comparisons of a person come together, and everything that is asked of the tail can be added up and let
go. A fixed threshold takes one pass more; a target three: where about its threshold lies, which it is, and the sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.grid import Grid
from audit.comparisons.scope import Scope
from audit.comparisons.strips import Sink, StripTail
from audit.comparisons.tail import BUCKETS, Exact, TailBuilder, add_buckets, bucket_of
from audit.stats.streamed import PersonSums

__all__ = ["Grouping", "PersonTally", "Run", "StreamedTail"]

Grouping = tuple[NDArray[np.integer], int]
"""Each person's cell (S,), and how many cells there are."""


Run = Callable[[float, Sink], object]
"""Makes a pass over all pairs whose float64 score may reach a floor."""
Kinds = tuple[NDArray[np.int64], NDArray[np.int64]]


class _InOrder:
    """Hands entries on in row order; whoever comes while they are taken waits, so no more than a strip per thread is ever held."""

    def __init__(self) -> None:
        self._waiting: dict[int, StripTail] = {}
        self._next, self._lock = 0, Lock()

    def add(self, place: int, strip: StripTail) -> None:
        """Take a strip; see ``Sink``."""
        with self._lock:
            self._waiting[place] = strip
            while self._next in self._waiting:
                one = self._waiting.pop(self._next)
                self._next += 1
                if one.whole and one.entries:
                    i, j, score = np.empty(one.entries, np.int32), np.empty(one.entries, np.int32), np.empty(one.entries)
                    one.write(i, j, score)
                    self.take(i, j, score)

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        raise NotImplementedError


class _Buckets(_InOrder):
    """Weights of the comparisons of one scope, by score."""

    def __init__(self, scope: Scope, people: bool, low: float, high: float, fast: bool) -> None:
        super().__init__()
        self.scope, self.people, self.low, self.fast = scope, people, low, fast
        self.width = (high - low) / BUCKETS
        self.weights, self.highest = np.zeros(BUCKETS + 1), -math.inf

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        self.highest = max(self.highest, float(score.max()))
        add_buckets(i, j, score, self.scope, self.people, self.low, self.width, self.weights, fast=self.fast)


class _Between(_InOrder):
    """Entries from ``low`` to ``high``; what lies above is counted by ``m_i m_j``."""

    def __init__(self, scope: Scope, low: float, high: float, exact: Exact, fast: bool) -> None:
        super().__init__()
        self.scope, self.low, self.high, self.exact, self.fast = scope, low, high, exact, fast
        self.parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []
        self.above: dict[int, int] = {}

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        inside = np.flatnonzero((score >= self.low) & (score <= self.high))
        self.parts.append((i[inside], j[inside], score[inside]))
        whole = TailBuilder(i, j, score, -math.inf, 0.0, self.exact, fast=self.fast)
        _add(self.above, whole.matches(self.scope, math.nextafter(self.high, math.inf)))


class PersonTally(_InOrder):
    """Each person's sums at some thresholds, under some sets of labels.

    Parameters
    ----------
    subject : NDArray (N,) int32
        Person of each row; rows of a person are neighbours.
    photos : NDArray (S,) int64
        Samples per person.
    groupings : sequence of Grouping
    points : sequence of (threshold, Scope)
    bound : float
        Scores this near a threshold are computed again.
    exact : callable
    fast : bool
        Compiled; same bits.
    """

    def __init__(
        self,
        subject: NDArray[np.int32],
        photos: NDArray[np.int64],
        groupings: Sequence[Grouping],
        points: Sequence[tuple[float, Scope]],
        bound: float,
        exact: Exact,
        fast: bool,
    ) -> None:
        super().__init__()
        self.subject, self.photos, self.points, self.bound, self.exact, self.fast = subject, photos, points, bound, exact, fast
        self.groupings = [(np.asarray(cell, np.int64), cells) for cell, cells in groupings]
        people = len(photos)
        self.sums = [
            [PersonSums(*(np.zeros((people, cells), kind) for kind in (*[np.int64] * 3, *[np.float64] * 2))) for _, cells in self.groupings]
            for _ in points
        ]
        self.kinds: list[dict[int, int]] = [{} for _ in points]
        self._seen, self._touched = np.zeros(people, np.int64), np.zeros(people, np.int64)
        self._carried = (np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        """Take entries of whole rows, sorted by (i, j)."""
        strip = TailBuilder(i, j, score, -math.inf, self.bound, self.exact, fast=self.fast)
        for k, (threshold, scope) in enumerate(self.points):
            strip.recheck(threshold - self.bound, threshold + self.bound)
            _add(self.kinds[k], strip.matches(scope, threshold))
        i, j, score = (np.concatenate([old, new]) for old, new in zip(self._carried, (i, j, score), strict=True))
        # The last person may go on in the next strip.
        others = np.flatnonzero(self.subject[i] != self.subject[i[-1]])
        cut = int(others[-1]) + 1 if len(others) else 0
        self._carried = (i[cut:], j[cut:], score[cut:])
        self._people(i[:cut], j[:cut], score[:cut])

    def finish(self) -> None:
        """Take in the last person; call once, after the pass."""
        self._people(*self._carried)

    def matches(self, point: int) -> Kinds:
        """Matches within the scope of a point, as (products m_i m_j, how many of each)."""
        return _kinds(self.kinds[point])

    def _people(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        for (threshold, _), kept in zip(self.points, self.sums, strict=True):
            for (cell, _), sums in zip(self.groupings, kept, strict=True):
                if self.fast:
                    from audit.comparisons import compiled

                    compiled.tally(
                        i, j, score, threshold, self.subject, self.photos, cell, self._seen, self._touched, sums.e, sums.e2, sums.em, sums.w, sums.w2
                    )
                else:
                    self._portable(i, j, score, threshold, cell, sums)

    def _portable(
        self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64], threshold: float, cell: NDArray[np.int64], sums: PersonSums
    ) -> None:
        """As ``compiled.tally``: pairs of people in the order they are first met, the later person's sums first."""
        hit = score >= threshold
        first, second = (self.subject[rows[hit]].astype(np.int64) for rows in (i, j))
        keys, met, e = np.unique(first * len(self.photos) + second, return_index=True, return_counts=True)
        order = np.argsort(met)
        s, t, e = keys[order] // len(self.photos), keys[order] % len(self.photos), e[order].astype(np.int64)
        m = self.photos[s] * self.photos[t]
        share = e / m
        for own, other in ((t, s), (s, t)):
            at = (own, cell[other])
            for table, value in ((sums.e, e), (sums.e2, e * e), (sums.em, e * m), (sums.w, share), (sums.w2, share * share)):
                np.add.at(table, at, value)


class StreamedTail(TailBuilder):
    """A ``TailBuilder`` that makes a pass whenever it must look, and holds no more than a window of scores.

    Parameters
    ----------
    run : callable
        See ``Run``.
    floor : float
        Every pair with a float64 score at or above it can be looked at.
    grid : Grid
    exact, fast
        As in ``TailBuilder``.
    """

    def __init__(self, run: Run, floor: float, grid: Grid, exact: Exact, *, fast: bool) -> None:
        nothing = np.zeros(0, np.int32)
        super().__init__(nothing, nothing, np.zeros(0), floor, grid.bound, exact, fast=fast)
        self.run, self.passes = run, 0
        longest = math.sqrt(float(grid.squares.max(initial=0)))
        extreme = 2 * longest * grid.unit if grid.measure == "euclidean" else longest * longest * grid.unit
        self.low = max(floor, -extreme) - 2 * grid.bound
        self.high = grid.bound if grid.measure == "euclidean" else extreme + grid.bound
        self._scope: Scope | None = None
        self._above: Kinds = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def search(self, target: float, people: bool, scope: Scope) -> float:
        """As in ``TailBuilder``."""
        self._scope = scope
        return super().search(target, people, scope)

    def rough(self, scope: Scope, limit: float, people: bool) -> tuple[float, float]:
        """As in ``TailBuilder``, by a pass."""
        found = _Buckets(scope, people, self.low, self.high, self.fast)
        self._pass(found)
        self.high = max(found.highest, self.low)
        return bucket_of(found.weights, limit, self.low, found.width)

    def recheck(self, low: float, high: float) -> None:
        """Hold the scores from ``low`` to ``high``, in float64."""
        assert self._scope is not None
        found = _Between(self._scope, low, high, self.exact, self.fast)
        self._pass(found)
        if found.parts:
            self.i, self.j, self.score = (np.concatenate([part[k] for part in found.parts]) for k in range(3))
        self._above = _kinds(found.above)
        super().recheck(low, high)

    def matches(self, scope: Scope, threshold: float) -> Kinds:
        """As in ``TailBuilder``: what lies above the window, and what of the window reaches the threshold."""
        products, counts = super().matches(scope, threshold)
        return np.concatenate([self._above[0], products]), np.concatenate([self._above[1], counts])

    def _pass(self, sink: Sink) -> None:
        self.run(self.floor, sink)
        self.passes += 1


def _add(table: dict[int, int], kinds: Kinds) -> None:
    for product, count in zip(kinds[0].tolist(), kinds[1].tolist(), strict=True):
        table[product] = table.get(product, 0) + count


def _kinds(table: dict[int, int]) -> Kinds:
    return np.array(list(table), np.int64), np.array(list(table.values()), np.int64)
