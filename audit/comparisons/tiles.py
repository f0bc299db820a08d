"""The unit of comparison work, as values: a ``Job`` all of it shares, a ``Tile`` of it, and the ``TileAnswer`` that a
tile has.

In: templates on the grid, on one side or two, and what is wanted of their comparisons. Out: plain arrays. Its one
idea: an answer depends on its job and tile alone, never on who found it or how (compiled or not, whichever processor
and thread): so it can be sent, kept under a digest and added in any order, once, and the sum is what one machine would
have got.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout

__all__ = ["Job", "Side", "Tile", "TileAnswer", "tiles_of"]


class Side(NamedTuple):
    """Templates on the grid, and where their cells and subjects begin."""

    grid: Grid
    layout: Layout


class Tile(NamedTuple):
    """Rows ``first : end`` of the left side against columns ``start : stop`` of the right one; of a triangle only what
    lies above its diagonal.

    Compiled code wants ``first`` and ``start`` to be multiples of 32 counted from the start of their cell, and rows of
    one cell, 512 at most.
    """

    first: int
    end: int
    start: int
    stop: int

    def comparisons(self, triangle: bool) -> int:
        """How many it has."""
        if not triangle:
            return (self.end - self.first) * (self.stop - self.start)
        return int(np.maximum(self.stop - np.maximum(np.arange(self.first, self.end) + 1, self.start), 0).sum())


@dataclass(frozen=True, eq=False)
class Job:
    """What all tiles of a pass share.

    Attributes
    ----------
    left : Side
    other : Side or None
        The right side, on the same grid and with the same cells; None: the left one again, each pair once (a
        triangle).
    limits : NDArray (N,) int32, or None
        Non-mated pairs whose ``x`` reaches the limit of their row on the left (``>=``, or ``<=`` for distances) are
        listed; None: none are.
    histograms : bool
        Whether comparisons are counted by cell pair and bin.
    """

    left: Side
    other: Side | None = None
    limits: NDArray[np.int32] | None = None
    histograms: bool = False

    @property
    def right(self) -> Side:
        """The right side."""
        return self.left if self.other is None else self.other

    @property
    def triangle(self) -> bool:
        """Whether both sides are the same."""
        return self.other is None

    def pair(self, g: int, h: int) -> int:
        """Place of cells g (left) and h (right) in ``TileAnswer.pairs``: the upper triangle (g <= h), or all C x C."""
        return self.left.layout.pair(g, h) if self.triangle else g * self.right.layout.cells + h

    def pairs(self) -> int:
        """How many places there are."""
        return self.left.layout.pairs() if self.triangle else self.left.layout.cells * self.right.layout.cells

    def comparisons(self) -> int:
        """Of all tiles together."""
        n = len(self.left.grid.codes)
        return n * (n - 1) // 2 if self.triangle else n * len(self.right.grid.codes)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that answers depend on: codes, layout, bins, limits."""
        grid, found = self.left.grid, hashlib.sha256(b"comparisons 1")
        found.update(
            f"{grid.measure} {grid.slope!r} {grid.offset!r} {grid.axis.bins} {self.histograms} "
            f"{self.triangle}".encode()
        )
        for side in (self.left, *(() if self.other is None else (self.other,))):
            for array in (side.grid.codes, side.layout.cell_starts, side.layout.subject):
                found.update(f"{array.shape} {array.dtype.str}".encode())
                found.update(np.ascontiguousarray(array).data)
        if self.limits is not None:
            found.update(np.ascontiguousarray(self.limits).data)
        return found.hexdigest()

    def key(self, tile: Tile) -> str:
        """Name under which the answer of a tile is kept."""
        return hashlib.sha256(f"{self.digest} {tuple(tile)}".encode()).hexdigest()


class TileAnswer(NamedTuple):
    """What a tile gives.

    Attributes
    ----------
    tile : Tile
    pairs : NDArray (K,) int32
        Cell pairs that were met, as ``Job.pair`` numbers them.
    counts : NDArray (K, bins) int64
        Their comparisons per bin, mated ones too (they are taken out once, later); no rows where none were asked for.
    i, j : NDArray (E,) int32
        Non-mated pairs that reach their limit, rows of the left and the right side, sorted by (i, j).
    x : NDArray (E,) int32
        Their integers; ``Grid.scores`` turns them into scores.
    """

    tile: Tile
    pairs: NDArray[np.int32]
    counts: NDArray[np.int64]
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    x: NDArray[np.int32]

    def to_bytes(self) -> bytes:
        """As one npz, to be sent or kept; same answer, same bytes."""
        out = io.BytesIO()
        np.savez(
            out, tile=np.array(self.tile, np.int64), pairs=self.pairs, counts=self.counts, i=self.i, j=self.j, x=self.x
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> TileAnswer:
        """Read what ``to_bytes`` gave.

        Raises
        ------
        ValueError, KeyError, OSError, zipfile.BadZipFile
            Anything else.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return cls(Tile(*kept["tile"].tolist()), *(kept[name] for name in cls._fields[1:]))


def tiles_of(job: Job, height: int, *, by_cell: bool = True) -> list[Tile]:
    """Cut a job into strips of at most ``height`` rows (of one cell unless told otherwise), each with all columns it
    meets, in row order.
    """
    n, stop = len(job.left.grid.codes), len(job.right.grid.codes)
    strips = (
        job.left.layout.strips(height)
        if by_cell
        else [(first, min(height, n - first)) for first in range(0, n, height)]
    )
    return [Tile(first, first + rows, first if job.triangle else 0, stop) for first, rows in strips]
