"""Where cells and subjects begin, and which cell pairs occur.

In: an EmbeddingSet, rows sorted by (cell, subject). Out: offsets, photos per subject, and every mated pair. Its one
idea: with sorted rows a cell pair is a rectangle and a subject a square on the diagonal, so nothing has to be looked
up per comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.embeddings.embedding_set import EmbeddingSet

__all__ = ["Layout", "lay_out"]


@dataclass(frozen=True, eq=False)
class Layout:
    """Offsets into sorted rows.

    Attributes
    ----------
    cell_starts : NDArray (C+1,) int64
        Cell c is rows ``cell_starts[c] : cell_starts[c + 1]``.
    subject : NDArray (N,) int32
        As in the EmbeddingSet.
    subject_starts : NDArray (S'+1,) int64
        First rows of the S' subjects that occur, in row order, and N.
    photos : NDArray (N,) int64
        Photos of the person on each row.
    """

    cell_starts: NDArray[np.int64]
    subject: NDArray[np.int32]
    subject_starts: NDArray[np.int64]
    photos: NDArray[np.int64]

    @property
    def cells(self) -> int:
        """C."""
        return len(self.cell_starts) - 1

    def strips(self, height: int) -> list[tuple[int, int]]:
        """(first row, rows) of strips of at most ``height`` rows; no strip crosses a cell."""
        out = []
        for start, stop in zip(self.cell_starts[:-1].tolist(), self.cell_starts[1:].tolist(), strict=True):
            out += [(first, min(height, stop - first)) for first in range(start, stop, height)]
        return out

    def pair(self, g: int, h: int) -> int:
        """Row of cell pair g <= h in the full upper triangle, lexicographic."""
        return g * self.cells - g * (g - 1) // 2 + (h - g)

    def pairs(self) -> int:
        """C (C + 1) / 2."""
        return self.cells * (self.cells + 1) // 2

    def spans(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield the cells that rows ``start : stop`` touch, as (cell, first row, end row)."""
        cell = int(np.searchsorted(self.cell_starts, start, "right")) - 1
        while start < stop:
            end = min(int(self.cell_starts[cell + 1]), stop)
            if end > start:
                yield cell, start, end
            start, cell = end, cell + 1

    def mated_pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Every i < j of one subject, sorted by (i, j)."""
        n = len(self.subject)
        ends = np.repeat(self.subject_starts[1:], np.diff(self.subject_starts))
        later = ends - np.arange(n) - 1
        i = np.repeat(np.arange(n), later)
        first = np.cumsum(later) - later
        j = np.arange(len(i)) - np.repeat(first, later) + i + 1
        return i.astype(np.int32), j.astype(np.int32)

    def non_mated_per_pair(self) -> NDArray[np.int64]:
        """(P,) non-mated comparisons per cell pair of the full upper triangle."""
        sizes = np.diff(self.cell_starts)
        g, h = np.triu_indices(self.cells)
        people = np.diff(self.subject_starts)
        own = np.zeros(self.cells, dtype=np.int64)
        if len(people):
            cell = np.searchsorted(self.cell_starts, self.subject_starts[:-1], "right") - 1
            np.add.at(own, cell, people * (people - 1) // 2)
        count: NDArray[np.int64] = np.where(g == h, sizes[g] * (sizes[g] - 1) // 2 - own[g], sizes[g] * sizes[h])
        return count


def lay_out(embeddings: EmbeddingSet, rows: NDArray[np.integer] | None = None) -> Layout:
    """Read offsets off the sorted rows, all of them or some (ascending)."""
    chosen = slice(None) if rows is None else rows
    cell, subject = embeddings.cell[chosen], embeddings.subject[chosen]
    n = len(subject)
    starts = np.searchsorted(cell, np.arange(len(embeddings.cells) + 1)).astype(np.int64)
    change = np.flatnonzero(subject[1:] != subject[:-1]) + 1 if n else np.zeros(0, np.int64)
    bounds = np.concatenate([[0], change, [n]]).astype(np.int64) if n else np.zeros(1, np.int64)
    sizes = np.diff(bounds)
    return Layout(starts, subject, bounds, np.repeat(sizes, sizes))
