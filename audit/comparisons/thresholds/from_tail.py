"""From grid scores to exact thresholds and an exact tail.

In: every pair whose grid score comes near the lowest threshold, and what was asked. Out: the resolved operating points
and the ``Tail``. Its one idea: a grid score is within ``bound`` of the float64 one. So a threshold is looked for in a
narrow window of scores computed again in float64; what lies beyond the window by more than the bound cannot change
places with it, and is only counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.thresholds.buckets import BUCKETS, add_buckets, bucket_of
from audit.comparisons.thresholds.scope import Scope, exact_cost
from audit.comparisons.types import OperatingPoint, OperatingPointRequest, Tail
from audit.stats.thresholds import PEOPLE_SLACK, WEIGHT_GRAIN

__all__ = [
    "Exact",
    "Missing",
    "TailBuilder",
]

Exact = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.float64]]
MANY: Final = 2**20
"""Scores that are sorted at once."""
PART: Final = 2**22
"""Entries that are looked at together when scores are computed again."""


class Missing(Enum):
    """Why there is no threshold (yet)."""

    DEEPER = "it lies below the tail's floor"
    TOO_LONG = "too many scores lie about it"


class TailBuilder:
    """Holds the tail while its scores are made exact where that matters.

    Parameters
    ----------
    i, j : NDArray (K,) int32
        Non-mated pairs sorted by (i, j); every pair with a float64 score >= ``floor`` is among them.
    score : NDArray (K,) float64
        Grid scores; changed in place.
    floor : float
    bound : float
        Largest difference of a grid score from its float64 score.
    exact : callable
        (i, j) -> float64 scores of METRICS 1.
    fast : bool
        Compiled loops; same results.
    """

    def __init__(
        self,
        i: NDArray[np.int32],
        j: NDArray[np.int32],
        score: NDArray[np.float64],
        floor: float,
        bound: float,
        exact: Exact,
        *,
        fast: bool,
    ) -> None:
        self.i, self.j, self.score, self.floor, self.exact, self.fast = i, j, score, floor, exact, fast
        self.bound = bound
        self.low, self.high = (float(score.min()), float(score.max())) if len(score) else (0.0, 0.0)
        self.rechecked, self.known = 0, np.zeros(0, np.bool_)

    def finish(
        self, requests: Sequence[OperatingPointRequest], scopes: Sequence[Scope]
    ) -> tuple[Tail, tuple[OperatingPoint, ...]] | Missing:
        """Resolve every request, then cut the tail at the lowest threshold; ``DEEPER`` if it does not reach down far
        enough to tell.
        """
        thresholds: list[float] = []
        for request, scope in zip(requests, scopes, strict=True):
            found = self.threshold(request, scope)
            if isinstance(found, Missing):
                return found
            thresholds.append(found)
        points = []
        for request, scope, threshold in zip(requests, scopes, thresholds, strict=True):
            people, comparisons = scope.rates(*self.matches(scope, threshold))
            points.append(OperatingPoint(request, float(threshold), people, comparisons))
        floor = min(thresholds, default=math.inf)
        kept = self._keep(floor)
        i, j, score = self.i[:kept], self.j[:kept], self.score[:kept]
        for array in (i, j, score):
            array.flags.writeable = False
        return Tail(i, j, score, float(floor), self.bound), tuple(points)

    def threshold(self, request: OperatingPointRequest, scope: Scope) -> float | Missing:
        """Give the exact threshold of a request; afterwards every match at it is exact."""
        if request.threshold is not None:
            self.recheck(request.threshold - self.bound, request.threshold + self.bound)
            return request.threshold
        return self.search(float(request.target or 0.0), request.weighting == "people", scope)

    def search(self, target: float, people: bool, scope: Scope) -> float | Missing:
        """Give the threshold of a target FMR over ``scope``: the smallest score that passes, ``inf`` where there is
        nothing to compare.
        """
        if scope.comparisons == 0:
            return math.inf
        limit = target * scope.weight * (1 + PEOPLE_SLACK) if people else target * scope.comparisons

        def passes(cost: int) -> bool:
            # Both divisions are correctly rounded: the first is what fsum of the weights gives.
            return cost / WEIGHT_GRAIN <= limit if people else cost / scope.comparisons <= target

        rough = self.rough(scope, limit, people)
        if isinstance(rough, Missing):
            return rough
        low, high = rough
        reach = max(2 * self.bound, 1e-6 * (self.high - self.low))
        while True:
            bottom, top = low - reach, high + reach
            if not self.recheck(bottom, top):
                return Missing.TOO_LONG
            settled = self._narrowed(scope, limit, people, passes, bottom + self.bound, top - self.bound)
            if settled is not None and settled >= self.floor:
                return settled
            window = self.near(bottom, top)
            window = window[scope.row[self.i[window]] & scope.row[self.j[window]]]
            products, counts = self.matches(scope, math.nextafter(top, math.inf))
            above, scores = int(counts.sum()), self.score[window]
            kinds = scope.photos[self.i[window]] * scope.photos[self.j[window]] if people else None
            picked, whole = _picked(scores, kinds, exact_cost(products, counts) if people else above, passes)
            if picked is None and not above and len(window):
                picked = math.nextafter(float(scores.max()), math.inf)
            # Beyond the window scores are known to the bound only: the threshold must be further than that from its
            # ends.
            clear_above = picked is not None and (not above or picked <= top - self.bound)
            nothing_below = bottom <= self.low - self.bound
            clear_below = picked is not None and (nothing_below or picked >= bottom + self.bound)
            complete = above + len(window) == scope.comparisons
            if (
                picked is not None
                and clear_above
                and clear_below
                and (complete or (picked >= self.floor and not whole))
            ):
                return picked
            if nothing_below and (clear_above or top >= self.high + self.bound):
                return Missing.DEEPER
            reach *= 4

    def _narrowed(
        self, scope: Scope, limit: float, people: bool, passes: Callable[[int], bool], low: float, high: float
    ) -> float | None:
        """Look for a threshold among very many exact scores from ``low`` to ``high`` by halving them, so that few are
        sorted; None: look at all.
        """
        while True:
            many = int(np.count_nonzero((self.score >= low) & (self.score <= high)))
            width = (high - low) / BUCKETS
            if many <= MANY or width <= 0:
                return None
            weights = np.zeros(BUCKETS + 1)
            add_buckets(self.i, self.j, self.score, scope, people, low, width, weights, fast=self.fast)
            above = self.matches(scope, math.nextafter(high, math.inf))
            weights[-1] = exact_cost(*above) / WEIGHT_GRAIN if people else float(above[1].sum())
            bottom, top = bucket_of(weights, limit, low, width)
            bottom, top = max(bottom, low), min(top, high)
            window = self.near(bottom, top)
            if len(window) > MANY and top - bottom < 0.9 * (high - low):
                low, high = bottom, top
                continue
            window = window[scope.row[self.i[window]] & scope.row[self.j[window]]]
            kinds = scope.photos[self.i[window]] * scope.photos[self.j[window]] if people else None
            products, counts = self.matches(scope, math.nextafter(top, math.inf))
            picked, whole = _picked(
                self.score[window], kinds, exact_cost(products, counts) if people else int(counts.sum()), passes
            )
            return None if whole else picked

    def rough(self, scope: Scope, limit: float, people: bool) -> tuple[float, float] | Missing:
        """Between which two scores the threshold lies on the grid: buckets instead of a sort."""
        width = (self.high - self.low) / BUCKETS
        if width <= 0.0 or not math.isfinite(width):
            return self.low, self.high
        weights = np.zeros(BUCKETS + 1)
        add_buckets(self.i, self.j, self.score, scope, people, self.low, width, weights, fast=self.fast)
        return bucket_of(weights, limit, self.low, width)

    def near(self, low: float, high: float, part: slice = slice(None)) -> NDArray[np.int64]:
        """Places of scores in ``[low, high]``, all or those in a part."""
        score, first = self.score[part], part.start or 0
        if self.fast:
            from audit.comparisons.kernels import tail_loops

            places: NDArray[np.int64] = tail_loops.near(score, low, high) + first
            return places
        return np.flatnonzero((score >= low) & (score <= high)) + first

    def _keep(self, floor: float) -> int:
        """Move what reaches the floor to the front, in place: copies would need memory that was never touched before,
        the slowest there is.
        """
        if self.fast:
            from audit.comparisons.kernels import tail_loops

            return int(tail_loops.keep(self.i, self.j, self.score, floor))
        chosen = np.flatnonzero(self.score >= floor)
        for array in (self.i, self.j, self.score):
            array[: len(chosen)] = array[chosen]
        return len(chosen)

    def recheck(self, low: float, high: float) -> bool:
        """Compute again, in float64, every pair with a score in ``[low, high]``; False if they are too many."""
        slack = max(abs(value) * 2.0**-48 if math.isfinite(value) else 0.0 for value in (low, high))
        if len(self.known) != len(self.score):
            self.known = np.zeros(len(self.score), np.bool_)
        # In parts, so that a matcher whose scores all lie together takes time but no memory; and no pair twice,
        # whatever the thresholds.
        for start in range(0, len(self.score), PART):
            part = slice(start, start + PART)
            near = self.near(low - slack, high + slack, part)
            near = near[~self.known[near]]
            if len(near):
                self.score[near] = self.exact(self.i[near], self.j[near])
                self.known[near] = True
                self.rechecked += len(near)
        return True

    def matches(self, scope: Scope, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs within the scope at or above a threshold, as (products m_i m_j, how many of each)."""
        kinds, kind = scope.kinds
        table = np.zeros((len(kinds), len(kinds)), np.int64)
        if self.fast:
            from audit.comparisons.kernels import tail_loops

            tail_loops.matches(self.i, self.j, self.score, threshold, scope.row, kind, table)
        else:
            match = np.flatnonzero(self.score >= threshold)
            match = match[scope.row[self.i[match]] & scope.row[self.j[match]]]
            np.add.at(table, (kind[self.i[match]], kind[self.j[match]]), 1)
        a, b = np.nonzero(table)
        return kinds[a] * kinds[b], table[a, b]


def _picked(
    scores: NDArray[np.float64], products: NDArray[np.int64] | None, above: int, passes: Callable[[int], bool]
) -> tuple[float | None, bool]:
    """As ``stats.thresholds.threshold_in_window``, in arrays: a window may hold every comparison there is.

    ``products``: ``m_i m_j`` of each score, whose weight in grains it costs; None: each costs 1.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0) + 1
    kinds, kind = (
        (np.zeros(0, np.int64), None) if products is None else np.unique(products[order], return_inverse=True)
    )
    low, high = 0, len(ends)  # so many tie blocks pass; bisected, as a running cost only grows
    while low < high:
        middle = (low + high) // 2
        entries = int(ends[middle])
        cost = entries if kind is None else exact_cost(kinds, np.bincount(kind[:entries], minlength=len(kinds)))
        if passes(above + cost):
            low = middle + 1
        else:
            high = middle
    return (float(scores[order[ends[low - 1] - 1]]) if low else None), low == len(ends)
