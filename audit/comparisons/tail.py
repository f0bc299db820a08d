"""From grid scores to exact thresholds and an exact tail.

In: every pair whose grid score comes near the lowest threshold, and what was asked. Out: the resolved operating points and the ``Tail``. Its one
idea: a grid score is within ``bound`` of the float64 one, so the threshold for a target lies within ``bound`` of where the grid puts it; the
pairs in that narrow window are computed again in float64 and the threshold is picked among them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.scope import Scope
from audit.comparisons.types import OperatingPoint, OperatingPointRequest, Tail
from audit.stats.thresholds import threshold_by_comparisons, threshold_by_people

__all__ = ["TailBuilder", "Unreached"]

Exact = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.float64]]


class Unreached(Exception):  # noqa: N818 - a signal to the caller to look deeper, not a failure
    """The threshold of a target lies below the tail's floor."""


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
        self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64], floor: float, bound: float, exact: Exact, *, fast: bool
    ) -> None:
        self.i, self.j, self.score, self.floor, self.bound, self.exact, self.fast = i, j, score, floor, bound, exact, fast
        self.rechecked = 0

    def near(self, low: float, high: float) -> NDArray[np.int64]:
        """Places of scores in ``[low, high]``."""
        if self.fast:
            from audit.comparisons import compiled

            places: NDArray[np.int64] = compiled.near(self.score, low, high)
            return places
        return np.flatnonzero((self.score >= low) & (self.score <= high))

    def recheck(self, threshold: float, reach: float) -> None:
        """Compute again, in float64, every pair whose score lies within ``reach`` of ``threshold``."""
        reach += abs(threshold) * 2.0**-48 if math.isfinite(threshold) else 0.0
        near = self.near(threshold - reach, threshold + reach)
        if len(near):
            self.score[near] = self.exact(self.i[near], self.j[near])
            self.rechecked += len(near)

    def threshold(self, request: OperatingPointRequest, scope: Scope) -> float:
        """Give the exact threshold of a request.

        Raises
        ------
        Unreached
            The tail does not reach down far enough to tell.
        """
        if request.threshold is not None:
            self.recheck(request.threshold, self.bound)
            return request.threshold
        if scope.comparisons == 0:
            return math.inf
        inside = np.flatnonzero(scope.holds(self.i, self.j))
        rough = self._pick(request, scope, inside)
        if rough is None or rough < self.floor + 2 * self.bound:
            raise Unreached
        self.recheck(rough, 2 * self.bound)
        picked = self._pick(request, scope, inside)
        if picked is None:
            raise Unreached
        return picked

    def _pick(self, request: OperatingPointRequest, scope: Scope, inside: NDArray[np.intp]) -> float | None:
        scores, target = self.score[inside], float(request.target or 0.0)
        if request.weighting == "people":
            weights = 1.0 / (scope.photos[self.i[inside]] * scope.photos[self.j[inside]])
            return threshold_by_people(scores, target, weights, total=scope.weight)
        return threshold_by_comparisons(scores, target, total=scope.comparisons)

    def finish(self, requests: Sequence[OperatingPointRequest], scopes: Sequence[Scope]) -> tuple[Tail, tuple[OperatingPoint, ...]]:
        """Resolve every request, then cut the tail at the lowest threshold."""
        thresholds = [self.threshold(request, scope) for request, scope in zip(requests, scopes, strict=True)]
        points = []
        for request, scope, threshold in zip(requests, scopes, thresholds, strict=True):
            people, comparisons = scope.rates(*self._matches(scope, threshold))
            points.append(OperatingPoint(request, float(threshold), people, comparisons))
        floor = min(thresholds, default=math.inf)
        i, j, score = self.i, self.j, self.score
        if len(score) and score.min() < floor:
            keep = score >= floor
            i, j, score = i[keep], j[keep], score[keep]
        for array in (i, j, score):
            array.flags.writeable = False
        return Tail(i, j, score, float(floor), self.bound), tuple(points)

    def _matches(self, scope: Scope, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Matches within the scope, as (products m_i m_j, how many of each)."""
        kinds, kind = np.unique(scope.photos, return_inverse=True)
        table = np.zeros((len(kinds), len(kinds)), np.int64)
        if self.fast:
            from audit.comparisons import compiled

            compiled.matches(self.i, self.j, self.score, threshold, scope.row, kind, table)
        else:
            match = np.flatnonzero(self.score >= threshold)
            match = match[scope.row[self.i[match]] & scope.row[self.j[match]]]
            np.add.at(table, (kind[self.i[match]], kind[self.j[match]]), 1)
        a, b = np.nonzero(table)
        return kinds[a] * kinds[b], table[a, b]
