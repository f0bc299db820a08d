"""The small, opaque table every rate and interval is computed from: pairs of people with false matches, and counts per
person.

In: comparisons and acquisition, or ``dyads.npz`` read back. Out: ``Tallies``. Its one idea: the SUBJECT is the unit of
independence, so nothing below the pair of people is kept, and nothing above it is needed (METRICS 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.stats.streamed import PARTS, PersonSums

__all__ = ["CURVE", "PARTS", "Labelling", "Listed", "PersonSums", "PointTally", "Tallies"]

CURVE = "curve:"
"""Operating points whose id starts so are rungs of the ladder, not answers."""


@dataclass(frozen=True, eq=False)
class Labelling:
    """One way to put the S people into cells.

    Attributes
    ----------
    name : str
        "headline", or the label source it stands for, e.g. "race_mica".
    cells : tuple of str
        Cell names, ``attribute=value|attribute=value``; may contain "unlabelled".
    cell : NDArray (S,) int16
        Each person's cell.
    """

    name: str
    cells: tuple[str, ...]
    cell: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class PointTally:
    """Errors at one operating point.

    Attributes
    ----------
    id : str
    threshold : float
        Score (larger = more alike).
    i, j : NDArray (K,) int32
        Opaque people, i < j, of each dyad with at least one false match; lexicographic.
    e : NDArray (K,) int32
        False matches of the dyad, out of m_ij = n_i * n_j.
    f : NDArray (S,) int32
        Mated comparisons of each person that did not match, out of g_i = n_i (n_i - 1) / 2.
    streamed : tuple of PersonSums
        Where the list of dyads would be too long: ``i``, ``j`` and ``e`` are empty and each person's sums stand here,
        one entry per labelling. Rates, intervals, ratios and summaries are the same; what looks at single pairs of
        people (matching by quality, ``compare``) leaves the point out.
    """

    id: str
    threshold: float
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    e: NDArray[np.int32]
    f: NDArray[np.int32]
    streamed: tuple[PersonSums, ...] = ()


@dataclass(frozen=True, eq=False)
class Listed:
    """Which comparisons were made, where it was not every sample with every other: somebody else's list of pairs.

    Attributes
    ----------
    i, j : NDArray (P,) int32
        Opaque people, i < j, of each dyad with at least one comparison; lexicographic.
    m : NDArray (P,) int32
        Comparisons of the dyad.
    g : NDArray (S,) int32
        Mated comparisons of each person.
    """

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    m: NDArray[np.int32]
    g: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Strata:
    """People in quarters of simple image-quality measures: coarse, so that nobody is found by them.

    Attributes
    ----------
    names : tuple of M str
        Measures.
    edges : NDArray (M, 3) float64
        Quartiles over all labelled people, in the measure's own unit.
    level : NDArray (S, M) int8
        0..3, the quarter of each person's mean; -1 where nothing was measured.
    """

    names: tuple[str, ...]
    edges: NDArray[np.float64]
    level: NDArray[np.int8]

    def single(self, measure: int) -> NDArray[np.int64]:
        """(S,) quarter of one measure; -1 unknown."""
        return self.level[:, measure].astype(np.int64)

    def joint(self, measures: Sequence[int]) -> NDArray[np.int64]:
        """(S,) stratum of several measures at once, a half of each (2^M strata); a quarter where there is only one; -1
        unknown.
        """
        chosen = self.level[:, list(measures)].astype(np.int64)
        if chosen.shape[1] == 1:
            return chosen[:, 0]
        code = (chosen // 2 * 2 ** np.arange(chosen.shape[1])).sum(axis=1)
        return np.where((chosen >= 0).all(axis=1), code, -1)


@dataclass(frozen=True, eq=False)
class Tallies:
    """Everything rates need, under opaque numbers 0..S-1 (in results those of ``numbering``).

    Attributes
    ----------
    attempted : NDArray (S,) int32
        Samples tried per person.
    acquired : NDArray (S,) int32
        Samples with a template per person, n_i.
    labellings : tuple of Labelling
        The first is the headline one.
    points : tuple of PointTally
        The configured operating points.
    curve : tuple of PointTally
        A ladder of further thresholds (ids ``curve:...``), strictest last: for FMR(T) and FNMR(T) curves, and for the
        slope of ln FMR that a calibrated threshold's uncertainty needs.
    listed : Listed or None
        The comparisons themselves where somebody else chose them; samples are then not known, and ``attempted`` and
        ``acquired`` are 1 for everybody. None: every acquired sample with every other.
    strata : Strata or None
        People's image quality, where it was measured.
    """

    attempted: NDArray[np.int32]
    acquired: NDArray[np.int32]
    labellings: tuple[Labelling, ...]
    points: tuple[PointTally, ...]
    curve: tuple[PointTally, ...] = ()
    listed: Listed | None = None
    strata: Strata | None = None

    @property
    def mated(self) -> NDArray[np.int64]:
        """(S,) mated comparisons of each person, g_i."""
        n = self.acquired.astype(np.int64)
        return n * (n - 1) // 2 if self.listed is None else self.listed.g.astype(np.int64)

    @property
    def subjects(self) -> int:
        """S."""
        return len(self.acquired)
