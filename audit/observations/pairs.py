"""Pairs that somebody else compared in, what is kept of them out: counts per pair of cells (``pair_counts.csv``) and
score distributions.

Its one idea: a pair is two cells, a score (larger = more alike) and whether it is mated; who the two people are is
known only where the file says so (``observations.known_people``), and every rate without people follows from the
counts that are kept here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import UNLABELLED
from audit.base.narrow import narrow
from audit.comparisons.types import OperatingPoint, ScoreAxis, ScoreHistograms
from audit.words import columns

__all__ = ["BEST", "Counted", "Pairs", "counted", "histograms", "pair_counts"]

BEST = "best_threshold"
"""Id of the threshold that decides most labelled pairs of the file rightly; ``best_threshold:CELL`` for one cell's
own."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """P compared pairs.

    Attributes
    ----------
    file : mapping
        ``input`` of audit.json: the table's name, its sha256 and how many rows it has.
    cells : tuple of C str
        Sorted, "unlabelled" last.
    a, b : NDArray (P,) int64
        Cells of the two people.
    mated : NDArray (P,) bool
    score : NDArray (P,) float64
        Larger = more alike.
    people : tuple of two NDArray (P,) int64, or None
        0..S-1 in sorted order of the ids; None where the file has no subject ids.
    subjects : int
        S; 0 where nobody is known.
    cell : NDArray (S,) int64
        Each person's cell.
    disputed : int
        People (pairs, where nobody is known) who are unlabelled because the file contradicts itself.
    """

    file: Mapping[str, Any]
    cells: tuple[str, ...]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    mated: NDArray[np.bool_]
    score: NDArray[np.float64]
    people: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    subjects: int
    cell: NDArray[np.int64]
    disputed: int

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(P,) both people are labelled."""
        bad = self.cells.index(UNLABELLED) if UNLABELLED in self.cells else -1
        return np.asarray((self.a != bad) & (self.b != bad))

    @property
    def weights(self) -> NDArray[np.float64]:
        """(P,) 1/m_ij: a pair of people weighs 1, however often it was compared."""
        assert self.people is not None
        low, high = np.minimum(*self.people), np.maximum(*self.people)
        _, place, count = np.unique(low * self.subjects + high, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / count[place])


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts at one threshold: non-mated (C, C) symmetric, mated (C,)."""

    threshold: float
    false_matches: NDArray[np.int64]
    non_mated: NDArray[np.int64]
    misses: NDArray[np.int64]
    mated: NDArray[np.int64]


def pair_counts(pairs: Pairs, points: Sequence[OperatingPoint]) -> pd.DataFrame:
    """Errors and trials per pair of finest cells at each point; a point with ``cells`` (one cell's own threshold)
    counts inside them only.
    """
    size = len(pairs.cells)
    low, high = np.minimum(pairs.a, pairs.b), np.maximum(pairs.a, pairs.b)
    place = (low * size + high) * 2 + pairs.mated
    rows = []
    for point in points:
        own = point.id.startswith(f"{BEST}:")
        inside = (
            np.isin(pairs.a, point.request.cells or ()) & np.isin(pairs.b, point.request.cells or ())
            if own
            else np.ones(len(place), bool)
        )
        error = inside & ((pairs.score >= point.threshold) != pairs.mated)
        trials, errors = (np.bincount(place[chosen], minlength=size * size * 2) for chosen in (inside, error))
        for k in np.flatnonzero(trials):
            g, h, mated = int(k) // 2 // size, int(k) // 2 % size, int(k) % 2
            other = "" if g == h else pairs.cells[h]
            row = {
                "operating_point": point.id,
                "score_threshold": point.threshold,
                "group": pairs.cells[g],
                "other_group": other,
            }
            rows.append(row | {"mated": mated, "errors": int(errors[k]), "trials": int(trials[k])})
    return columns.frame("pair_counts", rows)


def counted(table: pd.DataFrame) -> tuple[tuple[str, ...], dict[str, Counted]]:
    """NDArray[np.int64] and counts by operating point, from ``pair_counts.csv``."""
    names = {str(name) for column in ("group", "other_group") for name in table[column] if name}
    cells = tuple(sorted(names - {UNLABELLED})) + ((UNLABELLED,) if UNLABELLED in names else ())
    place, size = {name: k for k, name in enumerate(cells)}, len(cells)
    out: dict[str, Counted] = {}
    for name, rows in table.groupby("operating_point", sort=False):
        made = Counted(
            float(rows["score_threshold"].iloc[0]),
            *(np.zeros(shape, np.int64) for shape in ((size, size), (size, size), size, size)),
        )
        listed: list[Any] = list(rows.itertuples())
        for row in listed:
            g = place[str(row.group)]
            h = place[str(row.other_group)] if row.other_group else g
            if row.mated:
                made.misses[g] += row.errors
                made.mated[g] += row.trials
            else:
                made.false_matches[g, h], made.non_mated[g, h] = row.errors, row.trials
                made.false_matches[h, g], made.non_mated[h, g] = row.errors, row.trials
        out[str(name)] = made
    return cells, out


def histograms(pairs: Pairs, bins: int) -> ScoreHistograms:
    """Score distributions per pair of cells, between the lowest and the highest score of the file."""
    low, high = float(pairs.score.min()), float(pairs.score.max())
    axis = ScoreAxis(low, high if high > low else low + 1.0, bins)
    place = np.clip(((pairs.score - axis.low) / (axis.high - axis.low) * bins).astype(np.int64), 0, bins - 1)
    size = len(pairs.cells)
    a, b = np.minimum(pairs.a, pairs.b), np.maximum(pairs.a, pairs.b)
    non = ~pairs.mated
    keys = np.unique((a * size + b)[non])
    rows = np.searchsorted(keys, (a * size + b)[non])
    different = np.bincount(rows * bins + place[non], minlength=len(keys) * bins).reshape(len(keys), bins)
    inside = pairs.mated & (pairs.a == pairs.b)
    same = np.bincount(pairs.a[inside] * bins + place[inside], minlength=size * bins).reshape(size, bins)
    cells = narrow(np.stack([keys // size, keys % size], axis=1), np.int16, "groups")
    return ScoreHistograms(axis, cells, different.astype(np.int64), same.astype(np.int64))
