"""What a matcher that only compares gives back: a score for two images, or the reason why there is none.

A system that keeps its templates to itself cannot be audited over all comparisons; its scores for listed pairs can
(the black-box audit). Backends that can do this have a method ``score(left, right) -> list[PairScore]``;
``audit.backends.protocol.Backend`` does not ask for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from audit.backends.protocol import Status

__all__ = ["PairScore"]


@dataclass(frozen=True)
class PairScore:
    """One comparison.

    Attributes
    ----------
    status : Status
        ACQUIRED where there is a score; else which failure (of either image).
    score : float
        In the vendor's own unit and direction, as its ``ScoreRule`` says; NaN without a score.
    reason : str
        Why there is none; no names, no paths.
    """

    status: Status
    score: float = math.nan
    reason: str = ""
