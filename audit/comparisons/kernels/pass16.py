"""Puts the grid into the kernel's shape and answers tiles.

In: a job and a flavour. Out: an answer per tile. Its one idea: codes are packed once, so that the kernel reads
straight ahead.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.panels import Found, Panels, Pool, aligned
from audit.comparisons.kernels.processor import FLAVOURS
from audit.comparisons.tiles import Job, Side, Tile, TileAnswer

__all__ = ["FastPass"]

STRIP_CODES: Final = 2**18
"""Codes of one strip at most: 512 KiB, which stays in a core's second-level cache while all columns pass by."""


class FastPass:
    """Packed codes, and tiles to compare them by.

    Parameters
    ----------
    job : Job
    flavour : str
        One of ``processor.flavours()``.
    threads : int

    Attributes
    ----------
    rows : int
        Of a tile at most.
    """

    by_cell = True

    def __init__(self, job: Job, flavour: str, threads: int) -> None:
        from audit.comparisons.kernels import emitter, strip16

        self.job, self.strip16, self.flavour = job, strip16, FLAVOURS[flavour]
        self.blocks = emitter.BLOCKS[self.flavour]
        grid = job.left.grid
        self.depth = (grid.codes.shape[1] + 1) // 2
        self.panels = Panels(job.left.layout)
        self.panels_right = self.panels if job.triangle else Panels(job.right.layout)
        self.left = self._packed(job.left, self.panels)
        self.right = self.left if job.triangle else self._packed(job.right, self.panels_right)
        self.limits = self.panels.spread(np.zeros(0, np.int32) if job.limits is None else job.limits)
        self.rows = self.panels.strip_rows(len(grid.codes), 2 * self.depth, STRIP_CODES, threads)
        self.found = Found(self.panels_right)
        bins = grid.axis.bins
        sizes = {"space": (2, 256), "histogram": (2, bins + emitter.HISTOGRAM_PAD)}
        self.spaces = Pool(
            lambda: (
                *(aligned(size, np.uint16) for size in sizes.values()),
                aligned((8,), np.uint32),
                aligned((256,), np.int32),
            ),
        )

    def _packed(self, side: Side, panels: Panels) -> tuple[Any, ...]:
        from audit.comparisons.kernels import loops

        grid, starts = side.grid, side.layout.cell_starts
        packed = aligned((len(panels), self.depth, 32), np.int32)
        squares = np.zeros(len(panels) * 32, np.int32)
        for c in range(side.layout.cells):
            loops.pack(
                grid.codes,
                grid.squares,
                int(starts[c]),
                int(starts[c + 1]),
                int(panels.starts[c]),
                packed.view(np.int16),
                squares,
            )
        return packed, squares, starts, panels.starts, side.layout.subject

    def run(self, tile: Tile, cap: int, stop_now: NDArray[np.uint8]) -> TileAnswer | None:
        """Answer a tile; None if it has more than ``cap`` entries, or was told to
        stop. Safe to call from any thread.
        """
        job, grid = self.job, self.job.left.grid
        cell, first = self.panels.cell_of(tile.first)
        from_panel, to_panel = self.panels_right.span(tile.start, tile.stop)
        counts = np.zeros((job.right.layout.cells if job.histograms else 0, grid.axis.bins), np.int64)
        space = self.spaces.take()
        used, whole, found_at, found_x = self.strip16.strip(
            (0,) * self.flavour,
            self.blocks,
            self.depth,
            self.left,
            self.right,
            cell,
            first,
            tile.end - tile.first,
            from_panel,
            to_panel,
            job.triangle,
            int(grid.measure == "euclidean"),
            self.limits,
            grid.slope,
            grid.offset,
            grid.axis.bins,
            counts,
            job.limits is not None,
            cap,
            *space,
            *self.found.take(),
            stop_now,
        )
        self.spaces.give(space)
        met = np.flatnonzero(counts.any(axis=1))
        pairs = np.array([job.pair(cell, h) for h in met.tolist()], np.int32)
        return self.found.answer(tile, pairs, counts[met], from_panel, used, whole, found_at, found_x)
