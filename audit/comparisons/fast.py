"""Puts the grid into the kernel's shape and runs one strip of rows.

In: the grid, the layout and a flavour. Out: a function per strip. Its one idea: every cell starts a new panel of 32 rows, so a strip meets one
cell at a time and a cell pair is never mixed with another inside a tile.
"""

from __future__ import annotations

from queue import SimpleQueue
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.grid import Grid
from audit.comparisons.layout import Layout, StripTail
from audit.comparisons.processor import FLAVOURS

__all__ = ["FastPass"]

STRIP_CODES: Final = 2**18
"""Codes of one strip at most: 512 KiB, which stays in a core's second-level cache while all columns pass by."""
LONGEST_STRIP: Final = 512
STRIPS_PER_THREAD: Final = 16
Workspace = tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint32], NDArray[np.int32]]


def aligned(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[np.generic]:
    """Zeros that start on a 64-byte line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.zeros(size + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size].view(dtype).reshape(shape)


class FastPass:
    """Packed codes, and strips to compare them by.

    Parameters
    ----------
    grid, layout
    limit : int or None
        Pairs at or beyond this ``x`` belong to the tail; None: none do.
    counts : NDArray (P, bins) int64, or None
        Added to atomically; mated pairs included.
    flavour : str
        One of ``processor.flavours()``.
    threads : int
    """

    def __init__(self, grid: Grid, layout: Layout, limit: int | None, counts: NDArray[np.int64] | None, flavour: str, threads: int) -> None:
        from audit.comparisons import compiled, kernel

        self.grid, self.layout, self.kernel = grid, layout, kernel
        self.flavour = FLAVOURS[flavour]
        self.limit, self.tail = np.int32(0 if limit is None else limit), limit is not None
        self.counts = np.zeros((0, grid.axis.bins), np.int64) if counts is None else counts
        sizes = np.diff(layout.cell_starts)
        self.panel_starts = np.concatenate([[0], np.cumsum((sizes + 31) // 32)]).astype(np.int64)
        panels = int(self.panel_starts[-1])
        self.depth = (grid.codes.shape[1] + 1) // 2
        self.panels = aligned((panels, self.depth, 32), np.int32)
        self.squares = np.zeros(panels * 32, np.int32)
        shorts = self.panels.view(np.int16)
        for c in range(layout.cells):
            start, stop = int(layout.cell_starts[c]), int(layout.cell_starts[c + 1])
            compiled.pack(grid.codes, grid.squares, start, stop, int(self.panel_starts[c]), shorts, self.squares)
        n = len(grid.codes)
        rows = min(LONGEST_STRIP, STRIP_CODES // (2 * self.depth), max(64, n // (STRIPS_PER_THREAD * threads)))
        self.rows = max(32, rows // 32 * 32)
        self.spaces: SimpleQueue[Workspace] = SimpleQueue()
        for _ in range(threads):
            histogram = aligned((2, grid.axis.bins + kernel.HISTOGRAM_PAD), np.uint16)
            self.spaces.put((aligned((2, 256), np.uint16), histogram, aligned((8,), np.uint32), aligned((256,), np.int32)))  # type: ignore[arg-type]

    def run(self, first: int, rows: int, cap: int, stop_now: NDArray[np.uint8]) -> StripTail:
        """One strip; safe to call from as many threads as there are workspaces."""
        cell = int(np.searchsorted(self.layout.cell_starts, first, "right")) - 1
        space = self.spaces.get()
        try:
            out: StripTail = self.kernel.strip(
                (0,) * self.flavour,
                self.kernel.BLOCKS[self.flavour],
                self.panels,
                self.depth,
                self.squares,
                self.layout.cell_starts,
                self.panel_starts,
                self.layout.subject,
                cell,
                first - int(self.layout.cell_starts[cell]),
                rows,
                int(self.grid.measure == "euclidean"),
                self.limit,
                self.grid.slope,
                self.grid.offset,
                self.grid.axis.bins,
                self.counts,
                self.tail,
                cap,
                *space,
                stop_now,
            )
        finally:
            self.spaces.put(space)
        return out
