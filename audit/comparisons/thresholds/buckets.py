"""Scores of the tail in, weights per bucket out: where the threshold must lie, before any score is sorted."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.thresholds.scope import Scope

__all__ = ["BUCKETS", "add_buckets", "bucket_of"]

BUCKETS: Final = 65_536


def add_buckets(
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    score: NDArray[np.float64],
    scope: Scope,
    people: bool,
    low: float,
    width: float,
    weights: NDArray[np.float64],
    *,
    fast: bool,
) -> None:
    """Add the weights of a scope's pairs to buckets of scores from ``low`` on; the last takes what lies beyond."""
    kinds, kind = scope.kinds
    table = 1.0 / np.multiply.outer(kinds, kinds) if people else np.ones((len(kinds), len(kinds)))
    if fast:
        from audit.comparisons.kernels import tail_loops

        tail_loops.buckets(i, j, score, scope.row, kind, table, low, 1 / width, weights)
        return
    inside = np.flatnonzero(scope.row[i] & scope.row[j])
    place = np.clip((score[inside] - low) / width, 0, BUCKETS).astype(np.int64)
    weights += np.bincount(place, table[kind[i[inside]], kind[j[inside]]], BUCKETS + 1)


def bucket_of(weights: NDArray[np.float64], limit: float, low: float, width: float) -> tuple[float, float]:
    """Two scores between which the weight above first exceeds ``limit``."""
    running = np.cumsum(weights[::-1])[::-1]
    bucket = int(np.searchsorted(-running, -limit))
    return low + (bucket - 2) * width, low + (bucket + 1) * width
