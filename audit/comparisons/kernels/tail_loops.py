"""Compiled loops over the entries of the tail: those above a floor, near a threshold, matches by group, and buckets of
weights.

In and out: plain arrays. Its one idea: each loop does what its NumPy twin in ``thresholds.from_tail`` does, operation
by operation.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

__all__ = ["buckets", "keep", "matches", "near"]


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def keep(i: Any, j: Any, score: Any, floor: float) -> int:
    """Move the entries at or above the floor to the front, order kept; give their number."""
    kept = 0
    for k in range(len(score)):
        if score[k] >= floor:
            i[kept], j[kept], score[kept] = i[k], j[k], score[k]
            kept += 1
    return kept


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def near(score: Any, low: float, high: float) -> Any:
    """Places of ``low <= score <= high``, ascending."""
    count = 0
    for k in range(len(score)):
        count += (score[k] >= low) & (score[k] <= high)
    out = np.empty(count, np.int64)
    count = 0
    for k in range(len(score)):
        if score[k] >= low and score[k] <= high:
            out[count] = k
            count += 1
    return out


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def matches(i: Any, j: Any, score: Any, threshold: float, inside: Any, kind: Any, table: Any) -> None:
    """Count pairs at or above the threshold with both rows inside, by the kinds of their rows. ``table`` (K, K) int64
    is added to.
    """
    for k in range(len(score)):
        if score[k] >= threshold and inside[i[k]] and inside[j[k]]:
            table[kind[i[k]], kind[j[k]]] += 1


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def buckets(
    i: Any, j: Any, score: Any, inside: Any, kind: Any, weight: Any, low: float, per_unit: float, out: Any
) -> None:
    """Add the weights of pairs with both rows inside to the bucket of their score; the last of ``out`` takes what lies
    beyond.
    """
    for k in range(len(score)):
        if inside[i[k]] and inside[j[k]]:
            place = min(max((score[k] - low) * per_unit, 0.0), len(out) - 1.0)
            out[int(place)] += weight[kind[i[k]], kind[j[k]]]
