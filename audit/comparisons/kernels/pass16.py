"""Puts the grid into the kernel's shape and runs one strip of rows.

In: the grid, the layout and a flavour. Out: a function per strip. Its one idea: codes are packed once, so that the kernel reads straight ahead.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.kernels.panels import Found, Panels, Pool, aligned
from audit.comparisons.kernels.processor import FLAVOURS
from audit.comparisons.tiles import StripTail

__all__ = ["FastPass"]

STRIP_CODES: Final = 2**18
"""Codes of one strip at most: 512 KiB, which stays in a core's second-level cache while all columns pass by."""


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
        from audit.comparisons.kernels import loops, strip16

        self.grid, self.layout, self.strip16 = grid, layout, strip16
        self.flavour = FLAVOURS[flavour]
        self.limit, self.tail = np.int32(0 if limit is None else limit), limit is not None
        self.counts = np.zeros((0, grid.axis.bins), np.int64) if counts is None else counts
        self.lie = Panels(layout)
        self.depth = (grid.codes.shape[1] + 1) // 2
        self.panels = aligned((len(self.lie), self.depth, 32), np.int32)
        self.squares = np.zeros(len(self.lie) * 32, np.int32)
        shorts = self.panels.view(np.int16)
        for c in range(layout.cells):
            start, stop = int(layout.cell_starts[c]), int(layout.cell_starts[c + 1])
            loops.pack(grid.codes, grid.squares, start, stop, int(self.lie.starts[c]), shorts, self.squares)
        self.rows = self.lie.strip_rows(len(grid.codes), 2 * self.depth, STRIP_CODES, threads)
        self.found = Found(self.lie, layout, grid.measure == "euclidean", grid.unit)
        sizes = {"space": (2, 256), "histogram": (2, grid.axis.bins + strip16.HISTOGRAM_PAD)}
        self.spaces = Pool(
            lambda: (*(aligned(size, np.uint16) for size in sizes.values()), aligned((8,), np.uint32), aligned((256,), np.int32)),
        )

    def run(self, first: int, rows: int, cap: int, stop_now: NDArray[np.uint8]) -> StripTail:
        """One strip; safe to call from any thread."""
        cell = int(np.searchsorted(self.layout.cell_starts, first, "right")) - 1
        space = self.spaces.take()
        used, whole, found_at, found_x = self.strip16.strip(
            (0,) * self.flavour,
            self.strip16.BLOCKS[self.flavour],
            self.panels,
            self.depth,
            self.squares,
            self.layout.cell_starts,
            self.lie.starts,
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
            *self.found.take(),
            stop_now,
        )
        self.spaces.give(space)
        return self.found.strip(cell, first, used, whole, found_at, found_x)
