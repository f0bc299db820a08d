"""Thresholds of targets whose tail would not fit, from passes that keep next to nothing.

In: a request that too many comparisons reach, and a way to make a pass. Out: its threshold, exactly as from a whole
tail. Its one idea: the first pass counts scores in buckets and shows about where the threshold lies, the second keeps
the few scores there and counts what lies above them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.collect import InOrder, Sink
from audit.comparisons.kernels.grid import Grid
from audit.comparisons.thresholds.buckets import BUCKETS, add_buckets, bucket_of
from audit.comparisons.thresholds.first_guess import Floors
from audit.comparisons.thresholds.from_tail import Exact, Missing, TailBuilder
from audit.comparisons.thresholds.scope import Scope
from audit.comparisons.types import OperatingPointRequest

__all__ = ["Kinds", "Run", "StreamedTail", "add_kinds", "kinds_of", "threshold_of"]

Run = Callable[[float, Sink], bool]
"""Makes a pass over all pairs whose float64 score may reach a floor; False if the sink had enough."""
Kinds = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Pairs counted by ``m_i m_j``: the products, and how many of each."""


class _Buckets(InOrder):
    """Weights of the comparisons of one scope, by score."""

    def __init__(self, scope: Scope, people: bool, low: float, high: float, grid: Grid, fast: bool) -> None:
        super().__init__()
        self.scope, self.people, self.low, self.grid, self.fast = scope, people, low, grid, fast
        self.width = (high - low) / BUCKETS
        self.weights, self.lowest, self.highest = np.zeros(BUCKETS + 1), math.inf, -math.inf

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> bool:
        self.lowest, self.highest = min(self.lowest, float(score.min())), max(self.highest, float(score.max()))
        add_buckets(i, j, score, self.scope, self.people, self.low, self.width, self.weights, fast=self.fast)
        return True


class _Between(InOrder):
    """Entries of a scope from ``low`` to ``high``, ``most`` at most; what lies above is counted by ``m_i m_j``."""

    def __init__(self, scope: Scope, low: float, high: float, most: int, exact: Exact, grid: Grid, fast: bool) -> None:
        super().__init__()
        self.scope, self.low, self.high, self.left, self.exact, self.grid, self.fast = (
            scope,
            low,
            high,
            most,
            exact,
            grid,
            fast,
        )
        self.parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []
        self.above: dict[int, int] = {}

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> bool:
        inside = np.flatnonzero((score >= self.low) & (score <= self.high) & self.scope.row[i] & self.scope.row[j])
        self.left -= len(inside)
        if self.left < 0:
            return False
        self.parts.append((i[inside], j[inside], score[inside]))
        whole = TailBuilder(i, j, score, -math.inf, 0.0, self.exact, fast=self.fast)
        add_kinds(self.above, whole.matches(self.scope, math.nextafter(self.high, math.inf)))
        return True


class StreamedTail(TailBuilder):
    """A ``TailBuilder`` that makes a pass whenever it must look, and holds no more than a window of scores.

    Parameters
    ----------
    run : callable
        See ``Run``.
    floor : float
        Every pair with a float64 score at or above it can be looked at.
    grid : Grid
    most : int
        Scores of a window at most.
    exact, fast
        As in ``TailBuilder``.
    """

    def __init__(self, run: Run, floor: float, grid: Grid, most: int, exact: Exact, *, fast: bool) -> None:
        nothing = np.zeros(0, np.int32)
        super().__init__(nothing, nothing, np.zeros(0), floor, grid.bound, exact, fast=fast)
        self.run, self.grid, self.most, self.passes = run, grid, most, 0
        longest = math.sqrt(float(grid.squares.max(initial=0)))
        extreme = 2 * longest * grid.unit if grid.measure == "euclidean" else longest * longest * grid.unit
        self.low = max(floor, -extreme) - 2 * grid.bound - grid.unit
        self.high = max(grid.bound if grid.measure == "euclidean" else extreme + grid.bound, self.low) + grid.unit
        self._scope: Scope | None = None
        self._above: Kinds = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def search(self, target: float, people: bool, scope: Scope) -> float | Missing:
        """As in ``TailBuilder``."""
        self._scope = scope
        return super().search(target, people, scope)

    def rough(self, scope: Scope, limit: float, people: bool) -> tuple[float, float] | Missing:
        """As in ``TailBuilder``, by a pass."""
        found = _Buckets(scope, people, self.low, self.high, self.grid, self.fast)
        self._pass(found)
        if found.lowest > found.highest or (
            math.isfinite(self.floor) and float(found.weights.sum()) < limit * (1 - 1e-6)
        ):
            return Missing.DEEPER  # all that was looked at passes, so the threshold lies deeper
        bottom, top = bucket_of(found.weights, limit, found.low, found.width)
        self.low, self.high = found.lowest, found.highest
        return max(bottom, self.low), max(top, self.low)

    def recheck(self, low: float, high: float) -> bool:
        """Hold the scores from ``low`` to ``high``, in float64; False if they are more than ``most``."""
        assert self._scope is not None
        found = _Between(self._scope, low, high, self.most, self.exact, self.grid, self.fast)
        if not self._pass(found):
            return False
        if found.parts:
            self.known = np.zeros(0, np.bool_)
            self.i, self.j, self.score = (np.concatenate([part[k] for part in found.parts]) for k in range(3))
        self._above = kinds_of(found.above)
        return super().recheck(low, high)

    def matches(self, scope: Scope, threshold: float) -> Kinds:
        """As in ``TailBuilder``: what lies above the window, and what of the window reaches the threshold."""
        products, counts = super().matches(scope, threshold)
        return np.concatenate([self._above[0], products]), np.concatenate([self._above[1], counts])

    def _pass(self, sink: Sink) -> bool:
        self.passes += 1
        return self.run(self.floor, sink)


def add_kinds(table: dict[int, int], kinds: Kinds) -> None:
    """Add pairs counted by ``m_i m_j`` to a table of them."""
    for product, count in zip(kinds[0].tolist(), kinds[1].tolist(), strict=True):
        table[product] = table.get(product, 0) + count


def kinds_of(table: dict[int, int]) -> Kinds:
    """Give the table as (products m_i m_j, how many of each)."""
    return np.array(list(table), np.int64), np.array(list(table.values()), np.int64)


def threshold_of(
    request: OperatingPointRequest,
    scope: Scope,
    floors_of: Floors,
    run: Run,
    grid: Grid,
    most: int,
    exact: Exact,
    *,
    fast: bool,
) -> tuple[float | Missing, int]:
    """Threshold of a request whose tail is never held (or ``TOO_LONG``), and the
    passes it took; see ``StreamedTail``.
    """
    if request.threshold is not None:
        return request.threshold, 0
    deeper, passes = 0, 0
    while True:
        view = StreamedTail(run, floors_of.guess(request, scope, deeper), grid, most, exact, fast=fast)
        found = view.search(float(request.target or 0.0), request.weighting == "people", scope)
        passes += view.passes
        if found is not Missing.DEEPER:
            return found, passes
        deeper += 1
