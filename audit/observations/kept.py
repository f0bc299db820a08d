"""What a run keeps of what it saw: plain arrays and tables, no template, no photograph, no name.

Its one idea: rates, findings and ``verify`` read these types and nothing that lies before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.comparisons.types import ScoreHistograms
from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import Tallies

__all__ = ["ScoreSums", "Seen"]


@dataclass(frozen=True, eq=False)
class ScoreSums:
    """Sums over the scores of all pairs of people of a group, one photo each (``shift.npz``): enough for every mean,
    distance and interval.

    G groups, B bins. Integers are exact; s are scores of pairs, larger = more alike.

    Attributes
    ----------
    groups : tuple of G str
    people : NDArray (G,) int64
        How many people were paired; at most ``most``.
    most : int
        Larger groups were drawn from.
    low, high : float
        Bounds of the score; the bins are equally wide between them.
    moments : NDArray (G, 4) float64
        Mean, variance, third and fourth central moment of s.
    person : NDArray (G, 8) float64
        With A_i = Σ_j (s_ij - mean) and B_i = Σ_j ((s_ij - mean)² - variance) over each person i's pairs: ΣA², ΣAB,
        ΣB², ΣA⁴, ΣA³B, ΣA²B², ΣAB³, ΣB⁴.
    pairs : NDArray (G, B) int64
        Pairs per bin.
    below : NDArray (G, B - 1, 3) int64
        With C_i = person i's pairs below an inner edge: ΣC², ΣC³, ΣC⁴.
    """

    groups: tuple[str, ...]
    people: NDArray[np.int64]
    most: int
    low: float
    high: float
    moments: NDArray[np.float64]
    person: NDArray[np.float64]
    pairs: NDArray[np.int64]
    below: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seen:
    """All that a run of photographs or templates hands on.

    Attributes
    ----------
    tallies : Tallies
        People under numbers that follow from what is published here (``numbering``).
    before : Tallies or None
        The same benchmark as handed out, where the configuration names overrides; its people have numbers of their
        own.
    acquisition : DataFrame
        ``acquisition.csv``.
    histograms : ScoreHistograms or None
    shift : ScoreSums
    searches : SearchCounts or None
        None where the configuration asks for none.
    quality : DataFrame or None
        ``photo_quality.csv``; None where nothing was measured.
    review : DataFrame
        ``review.csv``: the pairs a person should look at, and what was judged of them.
    about : dict
        ``audit.json``.
    way_back : NDArray (S,) int64
        For each number, the person's place in the sorted subject ids: for the user's own cache, never part of results.
    how, seconds : mapping
        For provenance: which path compared, and the median seconds per photo and cell.
    """

    tallies: Tallies
    before: Tallies | None
    acquisition: pd.DataFrame
    histograms: ScoreHistograms | None
    shift: ScoreSums
    quality: pd.DataFrame | None
    review: pd.DataFrame
    about: Mapping[str, Any]
    way_back: NDArray[np.int64] = field(repr=False)
    searches: SearchCounts | None = None
    how: Mapping[str, str | int | float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
