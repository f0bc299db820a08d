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
    """

    def __init__(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64], floor: float, bound: float, exact: Exact) -> None:
        self.i, self.j, self.score, self.floor, self.bound, self.exact = i, j, score, floor, bound, exact
        self.rechecked = 0

    def recheck(self, threshold: float, reach: float) -> None:
        """Compute again, in float64, every pair whose score lies within ``reach`` of ``threshold``."""
        reach += abs(threshold) * 2.0**-48 if math.isfinite(threshold) else 0.0
        near = np.flatnonzero((self.score >= threshold - reach) & (self.score <= threshold + reach))
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
            match = np.flatnonzero(self.score >= threshold)
            match = match[scope.holds(self.i[match], self.j[match])]
            people = scope.weight_of(self.i[match], self.j[match]) / scope.weight if scope.comparisons else math.nan
            comparisons = len(match) / scope.comparisons if scope.comparisons else math.nan
            points.append(OperatingPoint(request, float(threshold), people, comparisons))
        floor = min(thresholds, default=math.inf)
        keep = self.score >= floor
        i, j, score = self.i[keep], self.j[keep], self.score[keep]
        for array in (i, j, score):
            array.flags.writeable = False
        return Tail(i, j, score, float(floor), self.bound), tuple(points)
