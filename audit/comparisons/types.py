"""What leaves the comparison room: integer counts on a grid, every mated score, and the exact tail of non-mated
scores.

"The tail is the data": false matches, per-subject tallies, dyad sums and thresholds for a target rate are small
queries on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.stats.streamed import PersonSums

__all__ = [
    "Comparisons",
    "Mated",
    "OperatingPoint",
    "OperatingPointRequest",
    "ScoreAxis",
    "ScoreHistograms",
    "Tail",
    "Weighting",
]

Weighting = Literal["people", "comparisons"]


@dataclass(frozen=True)
class OperatingPointRequest:
    """What is asked: a threshold, or the false match rate a threshold shall give.

    Attributes
    ----------
    id : str
        Unique within a run, e.g. ``vendor_default``, ``fmr=0.001:all:people``.
    protocol : {"vendor_default", "fixed", "target_fmr", "target_fmr_reference", "per_group"}
    threshold : float or None
        Score (larger = more alike); for the first two protocols.
    target : float or None
        The FMR asked for; for the others.
    weighting : {"people", "comparisons"} or None
        In which the target is calibrated.
    cells : tuple of int or None
        The target is calibrated on non-mated comparisons WITHIN this set of cells (both people in the set); None: all
        labelled cells, cross-group pairs included.
    """

    id: str
    protocol: Literal["vendor_default", "fixed", "target_fmr", "target_fmr_reference", "per_group"]
    threshold: float | None = None
    target: float | None = None
    weighting: Weighting | None = None
    cells: tuple[int, ...] | None = None


@dataclass(frozen=True)
class OperatingPoint:
    """What was got: the request, its exact threshold, and the FMR achieved over the comparisons it was calibrated on,
    both weightings.
    """

    request: OperatingPointRequest
    threshold: float
    achieved_people: float
    achieved_comparisons: float

    @property
    def id(self) -> str:
        """The request's id."""
        return self.request.id


@dataclass(frozen=True)
class ScoreAxis:
    """B equal bins over scores ``[low, high]``; scores outside are counted in the first or last bin. Scores are on the
    kernel's grid.
    """

    low: float
    high: float
    bins: int

    @property
    def edges(self) -> NDArray[np.float64]:
        """(B+1,) edges."""
        return np.linspace(self.low, self.high, self.bins + 1)


@dataclass(frozen=True, eq=False)
class ScoreHistograms:
    """Integer counts of all N(N-1)/2 comparisons.

    Attributes
    ----------
    axis : ScoreAxis
    pairs : NDArray (P, 2) int16
        Occurring cell pairs (g <= h), lexicographic.
    non_mated : NDArray (P, B) int64
    mated : NDArray (C, B) int64
    """

    axis: ScoreAxis
    pairs: NDArray[np.int16]
    non_mated: NDArray[np.int64]
    mated: NDArray[np.int64]

    def total(self) -> int:
        """Comparisons in all: N(N-1)/2."""
        return int(self.non_mated.sum()) + int(self.mated.sum())


@dataclass(frozen=True, eq=False)
class Tail:
    """Every non-mated comparison whose score reaches ``floor``, sorted by (i, j); i < j are rows of the EmbeddingSet.

    ``score`` is float64. At every resolved operating point ``score >= threshold`` is exactly what the float64
    definition gives; between thresholds a score may differ from it by at most ``bound``.
    """

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    score: NDArray[np.float64]
    floor: float
    bound: float = 0.0


@dataclass(frozen=True, eq=False)
class Mated:
    """Every mated comparison, sorted by (i, j), with its float64 score exactly as METRICS 1 defines it."""

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    score: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparisons:
    """All that one pass over the comparisons gives.

    Attributes
    ----------
    histograms : ScoreHistograms or None
        None where only the tail was asked for.
    mated : Mated
    tail : Tail
    operating_points : tuple of OperatingPoint
        In the order asked.
    how : dict
        Which path ran (fast or portable), threads, rounding bound: for provenance.
    streamed : dict of operating point id to tuple of PersonSums
        One per grouping, for operating points that too many comparisons reach for ``tail`` to hold them.
    """

    histograms: ScoreHistograms | None
    mated: Mated
    tail: Tail
    operating_points: tuple[OperatingPoint, ...]
    how: dict[str, str | int | float] = field(default_factory=dict)
    streamed: dict[str, tuple[PersonSums, ...]] = field(default_factory=dict)
