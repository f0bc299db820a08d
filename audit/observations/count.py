"""Comparisons in, ``Tallies`` out: from rows of templates to people, at each operating point.

Its one idea: after this step only (person, person, count) is left, and dividing has not begun.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.types import Comparisons
from audit.embeddings import EmbeddingSet
from audit.observations.tallies import CURVE, Labelling, PointTally, Tallies

__all__ = ["CURVE", "tally"]


def _dyads(
    first: NDArray[np.int32], second: NDArray[np.int32], subjects: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second).astype(np.int64)
    keys, counts = np.unique(low * subjects + high, return_counts=True)
    return (keys // subjects).astype(np.int32), (keys % subjects).astype(np.int32), counts.astype(np.int32)


def tally(
    comparisons: Comparisons, embeddings: EmbeddingSet, attempted: NDArray[np.int32], labellings: tuple[Labelling, ...]
) -> Tallies:
    """Count false matches per pair of people and false non-matches per person.

    Parameters
    ----------
    comparisons : Comparisons
    embeddings : EmbeddingSet
        The set they were made from; its subjects are the opaque people 0..S-1.
    attempted : NDArray (S,) int32
        Samples tried per person.
    labellings : tuple of Labelling
        The first is the headline one.
    """
    subjects = len(attempted)
    subject = embeddings.subject
    acquired = np.bincount(subject, minlength=subjects).astype(np.int32)
    tail, mated = comparisons.tail, comparisons.mated
    points, curve = [], []
    for point in comparisons.operating_points:
        streamed = comparisons.streamed.get(point.id, ())
        hit = tail.score >= (np.inf if streamed else point.threshold)
        i, j, e = _dyads(subject[tail.i[hit]], subject[tail.j[hit]], subjects)
        missed = mated.score < point.threshold
        f = np.bincount(subject[mated.i[missed]], minlength=subjects).astype(np.int32)
        found = PointTally(point.id, point.threshold, i, j, e, f, streamed)
        if not point.id.startswith(CURVE):
            points.append(found)
        elif np.isfinite(point.threshold) and (streamed or len(e)):
            curve.append(found)
    curve.sort(key=lambda found: found.threshold)
    return Tallies(attempted.astype(np.int32), acquired, labellings, tuple(points), tuple(curve))
