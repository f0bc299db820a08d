"""Pairs whose people are known in, ``Tallies`` out: then a black-box audit is an ordinary one, intervals and all.

Its one idea: which pairs were compared, and how often, is somebody else's choice, so m_ij is counted and kept (``Listed``), not derived.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.blackbox.pairs import Pairs
from audit.comparisons.types import OperatingPoint
from audit.rates.tallies import Labelling, Listed, PointTally, Tallies
from audit.vocabulary import TABLES

__all__ = ["acquisition", "tallies"]


def tallies(pairs: Pairs, points: Sequence[OperatingPoint], curve: Sequence[OperatingPoint], number: NDArray[np.int64]) -> Tallies:
    """Count comparisons and errors per pair of people.

    Parameters
    ----------
    pairs : Pairs
        With people.
    points, curve : sequence of OperatingPoint
    number : NDArray (S,) int64
        Each person's opaque number.
    """
    assert pairs.people is not None
    size = pairs.subjects
    x, y = (number[side] for side in pairs.people)
    key = np.minimum(x, y) * size + np.maximum(x, y)
    non = ~pairs.mated
    dyads, m = np.unique(key[non], return_counts=True)
    g = np.bincount(x[pairs.mated], minlength=size).astype(np.int32)
    cell = np.empty(size, np.int16)
    cell[number] = pairs.cell
    ones = np.ones(size, np.int32)

    def counted(point: OperatingPoint) -> PointTally:
        match = pairs.score >= point.threshold
        wrong, e = np.unique(key[non & match], return_counts=True)
        f = np.bincount(x[pairs.mated & ~match], minlength=size).astype(np.int32)
        return PointTally(point.id, point.threshold, (wrong // size).astype(np.int32), (wrong % size).astype(np.int32), e.astype(np.int32), f)

    return Tallies(
        ones,
        ones.copy(),
        (Labelling("headline", pairs.cells, cell),),
        tuple(map(counted, points)),
        tuple(map(counted, curve)),
        listed=Listed((dyads // size).astype(np.int32), (dyads % size).astype(np.int32), m.astype(np.int32), g),
    )


def acquisition(pairs: Pairs) -> pd.DataFrame:
    """People per cell, and those with mated pairs, where people are known; photos and failures are not, so those columns are empty."""
    rows = []
    mated = np.zeros(pairs.subjects, bool)
    if pairs.people is not None:
        mated[pairs.people[0][pairs.mated]] = True
    for k, cell in enumerate(pairs.cells):
        here = pairs.cell == k
        known = (int(here.sum()), int((here & mated).sum())) if pairs.people is not None else (np.nan, np.nan)
        rows.append((cell, *known, *([np.nan] * (len(TABLES["acquisition.csv"]) - 3))))
    return pd.DataFrame(rows, columns=list(TABLES["acquisition.csv"]))
