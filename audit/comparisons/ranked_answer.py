"""What probes found in a gallery: who was reached at each threshold, where the
mate stands, and the top of each list.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranked"]


@dataclass(frozen=True, eq=False)
class Ranked:
    """What searches of one gallery give. P probes in the order asked, T thresholds, C cells of the embeddings.

    Attributes
    ----------
    thresholds : NDArray (T,) float64
    reached : NDArray (P, T, C) int32
        Enrolled people of each cell, the probe's own person left out, of whom ANY enrolled photo has a score >= T.
    mate : NDArray (P,) float64
        Best score with an enrolled photo of the probe's own person, its own photo left out; NaN where there is none.
    above : NDArray (P, C) int32
        Enrolled people of each cell, the own one left out, whose best score is >= ``mate``: a tie counts against the
        mate. 0 without a mate.
    starts : NDArray (P + 1,) int64
        The list of probe k is ``starts[k] : starts[k + 1]`` of ``reference`` and ``score``: the other people with the
        L best scores, best first, everybody who ties with the last one too; the mate is not on it, its score stands in
        ``mate``.
    reference : NDArray (E,) int64
        Row of the person's best enrolled photo (of several alike, the first).
    score : NDArray (E,) float64
    hit_probe, hit_subject, hit_level : NDArray (H,) int64, int32 and int16
        Everybody who reaches any threshold, sorted by probe and subject, and how many of the thresholds; empty unless
        asked for.
    hit_over : NDArray (H,) bool
        Whether that person's score is at least the mate's.
    how : dict
        Which path ran, the rounding bound, and how often it was decided in float64.
    """

    thresholds: NDArray[np.float64]
    reached: NDArray[np.int32]
    mate: NDArray[np.float64]
    above: NDArray[np.int32]
    starts: NDArray[np.int64]
    reference: NDArray[np.int64]
    score: NDArray[np.float64]
    hit_probe: NDArray[np.int64]
    hit_subject: NDArray[np.int32]
    hit_level: NDArray[np.int16]
    hit_over: NDArray[np.bool_]
    how: dict[str, str | int | float] = field(default_factory=dict)
