"""What the compiled passes share: how rows lie in panels of 32, and memory that threads use again and again.

In: the layout. Out: ``Panels``, ``Found``. Its one idea: every cell starts a new panel, so a strip meets one cell at a time and a cell pair is
never mixed with another inside a tile; and fresh memory costs more than comparing, so it is asked for once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.layout import Layout
from audit.comparisons.tiles import StripTail
from audit.errors import ConfigError

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
        sizes = np.diff(layout.cell_starts)
        self.starts = np.concatenate([[0], np.cumsum((sizes + 31) // 32)]).astype(np.int64)
        if len(self) > MOST_PANELS:
            raise ConfigError(
                "templates", got=f"{len(layout.subject):,}", allowed=f"about {32 * MOST_PANELS:,} in compiled code", todo='Use path = "portable"'
            )
        first = np.repeat(layout.cell_starts[:-1] - 32 * self.starts[:-1], np.diff(self.starts))
        self.row_of = (first + 32 * np.arange(len(self))).astype(np.int32)

    def __len__(self) -> int:
        return int(self.starts[-1])

    @staticmethod
    def strip_rows(samples: int, dimensions: int, codes: int, threads: int) -> int:
        """Rows of a strip: at most ``codes`` codes and 512 rows, few enough rows that every thread gets some, a multiple of 32."""
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
    """Room for the entries of strips, and how they are written to the tail."""

    def __init__(self, panels: Panels, layout: Layout, euclidean: bool, unit: float) -> None:
        self.panels, self.layout, self.euclidean, self.unit = panels, layout, euclidean, unit
        self._rooms: Pool[tuple[NDArray[np.int32], NDArray[np.int32]]] = Pool(lambda: (np.empty(1, np.int32), np.empty(1, np.int32)))

    def take(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """``found_at`` and ``found_x`` for a strip."""
        return self._rooms.take()

    def strip(self, cell: int, first: int, used: int, whole: bool, found_at: NDArray[np.int32], found_x: NDArray[np.int32]) -> StripTail:
        """Wrap up the strip that starts at row ``first`` of ``cell``; its room is given back once it is written."""
        from audit.comparisons.kernels import loops

        panel = int(self.panels.starts[cell]) + (first - int(self.layout.cell_starts[cell])) // 32

        def write(i: NDArray[np.int32], j: NDArray[np.int32], score: NDArray[np.float64]) -> None:
            loops.scatter(first, found_at, found_x, used, panel, self.panels.row_of, self.euclidean, self.unit, i, j, score)
            self._rooms.give((found_at, found_x))

        return StripTail(used, whole, write)
