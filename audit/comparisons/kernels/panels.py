"""What the compiled passes share: how rows lie in panels of 32, and memory that threads use again and again.

In: the layout of a side. Out: ``Panels``, ``Found``. Its one idea: every cell starts a new panel, so a strip meets one
cell at a time and a cell pair is never mixed with another inside a tile; and fresh memory costs more than comparing,
so it is asked for once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ConfigError
from audit.comparisons.layout import Layout
from audit.comparisons.tiles import Tile, TileAnswer

__all__ = ["Found", "Panels", "Pool", "aligned"]

T = TypeVar("T")
LONGEST_STRIP: Final = 512
STRIPS_PER_THREAD: Final = 16
MOST_PANELS: Final = 2**18
"""An entry's place has 18 bits for the panel: 8 million samples; more are refused."""


def aligned(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[np.generic]:
    """Zeros that start on a 64-byte line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.zeros(size + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size].view(dtype).reshape(shape)


class Panels:
    """Where rows lie.

    Attributes
    ----------
    starts : NDArray (C+1,) int64
        First panel of each cell.
    row_of : NDArray (panels,) int32
        First row of each panel.
    """

    def __init__(self, layout: Layout) -> None:
        self.cell_starts = layout.cell_starts
        sizes = np.diff(layout.cell_starts)
        self.starts = np.concatenate([[0], np.cumsum((sizes + 31) // 32)]).astype(np.int64)
        if len(self) > MOST_PANELS:
            raise ConfigError(
                "templates",
                got=f"{len(layout.subject):,}",
                allowed=f"about {32 * MOST_PANELS:,} in compiled code",
                todo='Use path = "portable"',
            )
        first = np.repeat(layout.cell_starts[:-1] - 32 * self.starts[:-1], np.diff(self.starts))
        self.row_of = (first + 32 * np.arange(len(self))).astype(np.int32)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def cell_of(self, row: int) -> tuple[int, int]:
        """Cell of a row, and its place in there."""
        cell = int(np.searchsorted(self.cell_starts, row, "right")) - 1
        return cell, row - int(self.cell_starts[cell])

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """First panel of columns ``start : stop``, and the one after the last.

        Raises
        ------
        ValueError
            They do not begin and end with panels.
        """
        if start >= stop:
            return 0, 0
        (cell, place), (last, end) = self.cell_of(start), self.cell_of(stop - 1)
        if place % 32 or ((end + 1) % 32 and stop != self.cell_starts[last + 1]):
            raise ValueError(f"columns {start} to {stop} do not begin and end with panels of 32")
        return int(self.starts[cell]) + place // 32, int(self.starts[last]) + end // 32 + 1

    def spread(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """(N,) values per row -> (panels * 32,) as rows lie; none give zeros."""
        out = np.zeros(len(self) * 32, np.int32)
        if len(values):
            cell = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.cell_starts))
            out[np.arange(len(values)) - self.cell_starts[cell] + 32 * self.starts[cell]] = values
        return out

    @staticmethod
    def strip_rows(samples: int, dimensions: int, codes: int, threads: int) -> int:
        """Rows of a strip: at most ``codes`` codes and 512 rows, few enough rows that every thread gets some, a
        multiple of 32.
        """
        rows = min(LONGEST_STRIP, codes // max(dimensions, 1), max(64, samples // (STRIPS_PER_THREAD * threads)))
        return max(32, rows // 32 * 32)


class Pool(Generic[T]):
    """Things that any thread takes, uses and gives back; made when there is none."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._free = make, list[T]()

    def take(self) -> T:
        """One that nobody uses."""
        try:
            return self._free.pop()
        except IndexError:
            return self._make()

    def give(self, one: T) -> None:
        """Give it back."""
        self._free.append(one)


class Found:
    """Room for the entries of tiles, and how they become answers."""

    def __init__(self, panels: Panels) -> None:
        self.panels = panels
        self._rooms: Pool[tuple[NDArray[np.int32], NDArray[np.int32]]] = Pool(
            lambda: (np.empty(1, np.int32), np.empty(1, np.int32))
        )

    def take(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """``found_at`` and ``found_x`` for a tile."""
        return self._rooms.take()

    def answer(
        self,
        tile: Tile,
        pairs: NDArray[np.int32],
        counts: NDArray[np.int64],
        from_panel: int,
        used: int,
        whole: bool,
        found_at: NDArray[np.int32],
        found_x: NDArray[np.int32],
    ) -> TileAnswer | None:
        """Wrap up a tile whose entries count from a panel; its room is used again."""
        from audit.comparisons.kernels import loops

        i, j, x = (np.empty(used if whole else 0, np.int32) for _ in range(3))
        if len(i):
            loops.scatter(tile.first, found_at, found_x, used, from_panel, self.panels.row_of, i, j, x)
        self._rooms.give((found_at, found_x))
        return TileAnswer(tile, pairs, counts, i, j, x) if whole else None
