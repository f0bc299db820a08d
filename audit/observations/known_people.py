"""Pairs whose people are known in, ``Tallies`` out: then a black-box audit is an ordinary one, intervals and all.

Its one idea: which pairs were compared, and how often, is somebody else's choice, so m_ij is counted and kept
(``Listed``), not derived.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audit.base.narrow import narrow
from audit.comparisons.types import OperatingPoint
from audit.observations.numbering import numbers, renumbered
from audit.observations.pairs import Pairs
from audit.observations.tallies import Labelling, Listed, PointTally, Tallies
from audit.words import columns

__all__ = ["acquisition", "acquisition_again", "tallies"]


def tallies(pairs: Pairs, points: Sequence[OperatingPoint], curve: Sequence[OperatingPoint]) -> Tallies:
    """Count comparisons and errors per pair of people.

    Parameters
    ----------
    pairs : Pairs
        With people.
    points, curve : sequence of OperatingPoint

    Returns
    -------
    Tallies
        People under numbers that say nothing (``observations.numbering``).
    """
    assert pairs.people is not None
    size = pairs.subjects
    x, y = pairs.people
    key = np.minimum(x, y) * size + np.maximum(x, y)
    non = ~pairs.mated
    dyads, m = np.unique(key[non], return_counts=True)
    g = np.bincount(x[pairs.mated], minlength=size).astype(np.int32)
    cell = narrow(pairs.cell, np.int16, "groups")
    ones = np.ones(size, np.int32)

    def counted(point: OperatingPoint) -> PointTally:
        match = pairs.score >= point.threshold
        wrong, e = np.unique(key[non & match], return_counts=True)
        f = np.bincount(x[pairs.mated & ~match], minlength=size).astype(np.int32)
        return PointTally(
            point.id,
            point.threshold,
            (wrong // size).astype(np.int32),
            (wrong % size).astype(np.int32),
            e.astype(np.int32),
            f,
        )

    found = Tallies(
        ones,
        ones.copy(),
        (Labelling("headline", pairs.cells, cell),),
        tuple(map(counted, points)),
        tuple(map(counted, curve)),
        listed=Listed((dyads // size).astype(np.int32), (dyads % size).astype(np.int32), m.astype(np.int32), g),
    )
    return renumbered(found, numbers(found))


def acquisition_again(kept: Tallies) -> pd.DataFrame:
    """``acquisition.csv`` where people are known: how many in each cell, and how many with mated pairs.

    Photos and failures are not known from outputs, so those columns are empty.
    """
    labelling = kept.labellings[0]
    size = len(labelling.cells)
    known = (
        np.bincount(labelling.cell[chosen], minlength=size)
        for chosen in (np.ones(kept.subjects, bool), kept.mated > 0)
    )
    rows = zip(labelling.cells, *known, strict=True)
    return columns.frame(
        "acquisition", ({"group": cell, "subjects": n, "subjects_with_two": two} for cell, n, two in rows)
    )


def acquisition(cells: Sequence[str]) -> pd.DataFrame:
    """``acquisition.csv`` where people are not known: cells alone."""
    return columns.frame("acquisition", ({"group": cell} for cell in cells))
