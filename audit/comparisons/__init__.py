"""Templates in, integer counts and the exact tail out."""

from audit.comparisons.compare import compare
from audit.comparisons.scores import scores_of
from audit.comparisons.types import (
    Comparisons,
    Mated,
    OperatingPoint,
    OperatingPointRequest,
    ScoreAxis,
    ScoreHistograms,
    Tail,
)

__all__ = [
    "Comparisons",
    "Mated",
    "OperatingPoint",
    "OperatingPointRequest",
    "ScoreAxis",
    "ScoreHistograms",
    "Tail",
    "compare",
    "scores_of",
]
