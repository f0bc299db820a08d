"""Tallies and an operating point in, each person's missed and mated comparisons out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.observations.tallies import PointTally, Tallies

__all__ = ["misses"]


def _pairs(n: NDArray[np.int32]) -> NDArray[np.int64]:
    wide = n.astype(np.int64)
    return wide * (wide - 1) // 2


def misses(tallies: Tallies, point: PointTally, measure: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(S,) missed and all mated comparisons of each person: of acquired samples, or of all attempted ones
    (``FNMR_with_failures``).
    """
    f, g = point.f.astype(np.int64), tallies.mated
    if measure == "FNMR":
        return f, g
    tried = _pairs(tallies.attempted)
    return f + tried - g, tried
