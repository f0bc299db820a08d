"""Operating points whose pairs of people would be too many to list: each person's sums instead.

In: strips of a pass, thresholds, and who is in which cell. Out: ``PersonSums``. Its one idea: strips arrive in row
order, so all comparisons of a person come together, and everything that rates ask of the tail can be added up and let
go. Shares are floats, whose sum depends on the order: so the sums are made here, in the one order of the rows, and not
in the answers of tiles, which come in any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.errors import BenchmarkError
from audit.comparisons.collect import InOrder
from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.thresholds.from_passes import Kinds, add_kinds, kinds_of
from audit.comparisons.thresholds.from_tail import Exact, TailBuilder
from audit.comparisons.thresholds.scope import Scope
from audit.embeddings.embedding_set import EmbeddingSet
from audit.stats.streamed import PersonSums

__all__ = ["Grouping", "PersonTally", "groupings_of"]

Grouping = tuple[NDArray[np.int64], int]
"""Each person's cell (S,), and how many cells there are."""
Entries = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]


def groupings_of(embeddings: EmbeddingSet, groupings: Sequence[tuple[ArrayLike, int]] | None) -> list[Grouping]:
    """Each person's cell under every set of labels asked for; the embeddings' own cells where none is.

    Raises
    ------
    BenchmarkError
        Not one cell for every person, or a cell that does not exist.
    """
    if groupings is not None:
        given: list[Grouping] = [(np.asarray(cell, np.int64), cells) for cell, cells in groupings]
        for cell, cells in given:
            if (
                len(cell) < embeddings.subjects
                or len(cell) != len(given[0][0])
                or cell.min(initial=0) < 0
                or cell.max(initial=0) >= cells
            ):
                raise BenchmarkError(
                    "groupings",
                    got=f"{len(cell)} people in cells {cell.min(initial=0)} to {cell.max(initial=0)} of {cells}",
                    allowed=f"a cell from 0 for each of {max(embeddings.subjects, len(given[0][0]))} people",
                    todo="Put people without a label in a cell of their own",
                )
        return given
    cell = np.zeros(embeddings.subjects, np.int64)
    cell[embeddings.subject] = embeddings.cell
    return [(cell, len(embeddings.cells))]


class PersonTally(InOrder):
    """Each person's sums at some thresholds, under some sets of labels.

    Parameters
    ----------
    layout : Layout
    groupings : sequence of Grouping
        As ``groupings_of`` gives them.
    points : sequence of (threshold, Scope)
    bound : float
        Scores this near a threshold are computed again.
    exact : callable
    grid : Grid
    fast : bool
        Compiled; same bits.
    """

    def __init__(
        self,
        layout: Layout,
        groupings: Sequence[Grouping],
        points: Sequence[tuple[float, Scope]],
        bound: float,
        exact: Exact,
        grid: Grid,
        fast: bool,
    ) -> None:
        super().__init__()
        self.grid = grid
        self.subject, self.starts, self.points, self.bound, self.exact, self.fast = (
            layout.subject,
            layout.subject_starts,
            points,
            bound,
            exact,
            fast,
        )
        self.groupings = groupings
        people = len(self.groupings[0][0])
        self.photos = np.bincount(layout.subject, minlength=people)
        self.sums = [
            [
                PersonSums(*(np.zeros((people, cells), kind) for kind in (*[np.int64] * 3, *[np.float64] * 2)))
                for _, cells in self.groupings
            ]
            for _ in points
        ]
        self.kinds: list[dict[int, int]] = [{} for _ in points]
        self._seen, self._touched = np.zeros(people, np.int64), np.zeros(people, np.int64)
        self._carried: Entries = (np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))

    def take(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> bool:
        """Take entries of whole rows, sorted by (i, j)."""
        strip = TailBuilder(i, j, score, -math.inf, self.bound, self.exact, fast=self.fast)
        for k, (threshold, scope) in enumerate(self.points):
            strip.recheck(threshold - self.bound, threshold + self.bound)
            add_kinds(self.kinds[k], strip.matches(scope, threshold))
        # The first person may have begun in an earlier strip, the last may go on in the next.
        head = int(np.searchsorted(i, self._after(int(self._carried[0][-1])))) if len(self._carried[0]) else 0
        if len(self._carried[0]) and head < len(i):
            self._people(*_joined(self._carried, (i[:head], j[:head], score[:head])))
        elif head:
            self._carried = _joined(self._carried, (i, j, score))
            return True
        last = int(np.searchsorted(self.starts, i[-1], "right")) - 1
        cut = max(head, int(np.searchsorted(i, self.starts[last])))
        self._people(i[head:cut], j[head:cut], score[head:cut])
        self._carried = (i[cut:].copy(), j[cut:].copy(), score[cut:].copy())
        return True

    def _after(self, row: int) -> int:
        """First row after those of the person on a row."""
        return int(self.starts[np.searchsorted(self.starts, row, "right")])

    def finish(self) -> None:
        """Take in the last person; call once, after the pass."""
        self._people(*self._carried)

    def matches(self, point: int) -> Kinds:
        """Matches within the scope of a point, as (products m_i m_j, how many of each)."""
        return kinds_of(self.kinds[point])

    def _people(self, i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
        for (threshold, _), kept in zip(self.points, self.sums, strict=True):
            for (cell, _), sums in zip(self.groupings, kept, strict=True):
                if self.fast:
                    from audit.comparisons.kernels import loops

                    loops.tally(
                        i,
                        j,
                        score,
                        threshold,
                        self.subject,
                        self.photos,
                        cell,
                        self._seen,
                        self._touched,
                        sums.e,
                        sums.e2,
                        sums.em,
                        sums.w,
                        sums.w2,
                    )
                else:
                    self._portable(i, j, score, threshold, cell, sums)

    def _portable(
        self,
        i: NDArray[np.int32],
        j: NDArray[np.int32],
        score: NDArray[np.float64],
        threshold: float,
        cell: NDArray[np.int64],
        sums: PersonSums,
    ) -> None:
        """As ``loops.tally``: pairs of people in the order they are first met, the later person's sums first."""
        hit = score >= threshold
        first, second = (self.subject[rows[hit]].astype(np.int64) for rows in (i, j))
        keys, met, e = np.unique(first * len(self.photos) + second, return_index=True, return_counts=True)
        order = np.argsort(met)
        s, t, e = keys[order] // len(self.photos), keys[order] % len(self.photos), e[order].astype(np.int64)
        m = self.photos[s] * self.photos[t]
        share = e / m
        for own, other in ((t, s), (s, t)):
            at = (own, cell[other])
            for table, value in (
                (sums.e, e),
                (sums.e2, e * e),
                (sums.em, e * m),
                (sums.w, share),
                (sums.w2, share * share),
            ):
                np.add.at(table, at, value)


def _joined(a: Entries, b: Entries) -> Entries:
    return np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]]), np.concatenate([a[2], b[2]])
