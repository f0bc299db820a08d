"""When only the tail is wanted: fewer dimensions in 8 bits, their limits, and tiles by them.

In: a job with one limit for all rows. Out: answers as ``FastPass`` gives them. Its one idea: templates lie near a
subspace (dlib's 128 dimensions hold all of their variance in 80), and a product of the parts inside it, with the
lengths of what is left as one dimension more, bounds the whole product: [a_k, |r_a|]·[b_k, |r_b|] >= a·b, and the
distance of such vectors is never larger than that of the whole. What 8 bits change is bounded from the residuals that
were really left. So the filter can never lose a pair; where it would let too many through, it is not used.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.panels import Found, Panels, aligned
from audit.comparisons.tiles import Job, Side, Tile, TileAnswer

__all__ = ["NarrowPass"]

SAMPLE: Final = 512
SEED: Final = 8
BLOCK: Final = 4_096
STRIP_CODES: Final = 2**19
WHOLE_PASS: Final = 1.9
"""Cost of the 16-bit pass in units of an 8-bit pass over all dimensions (measured, AVX-512 VNNI)."""
CANDIDATE: Final = 24.0
"""Cost of one candidate's true product in the same unit at D = 128; it grows with D as the unit does."""
LEAST, LEAST_PER_DIMENSION = 20_000, 40
"""Samples, and samples per dimension, below which finding the axes costs more than they save."""
ROUNDING: Final = 1e-5
"""Of the longest row: more than float32, the eigenvectors' last bits and the length of what is left can be off
together, up to D = 10,000."""


class NarrowPass:
    """8-bit panels, and tiles to compare them by.

    Parameters
    ----------
    job : Job
        Without histograms.
    threads : int

    Attributes
    ----------
    worthwhile : bool
        False if rows have limits of their own, samples are few, or so many pairs of a sample pass the filter that the
        16-bit kernel is as fast.
    dimensions : int
        Of the codes: those of the subspace and one more, or all.
    """

    by_cell = True

    def __init__(self, job: Job, threads: int) -> None:
        from audit.comparisons.kernels import strip8

        self.job, self.grid, self.others, self.strip8 = job, job.left.grid, job.right.grid, strip8
        self.euclidean = self.grid.measure == "euclidean"
        samples = (len(self.grid.codes) + len(self.others.codes)) // 2
        limits = np.zeros(0, np.int32) if job.limits is None else job.limits
        self.worthwhile = (
            samples >= max(LEAST, LEAST_PER_DIMENSION * self.grid.codes.shape[1])
            and len(limits) > 0
            and limits.min() == limits.max()
        )
        if not self.worthwhile:
            return
        self.limit = int(limits[0])
        axes = self._axes()
        size, cost = self._cheapest(axes)
        self.worthwhile = cost < WHOLE_PASS
        if not self.worthwhile:
            return
        whole = size == self.grid.codes.shape[1]
        self.longest = math.sqrt(max(float(grid.squares.max(initial=0)) for grid in (self.grid, self.others)))
        tables = [
            grid.codes if whole else _inside(grid.codes, axes[:, :size])
            for grid in (self.grid, *(() if job.triangle else (self.others,)))
        ]
        self.dimensions = tables[0].shape[1]
        self.depth = (self.dimensions + 3) // 4
        factor = 127.0 / max(1.0, *(float(max(table.max(initial=0), -table.min(initial=0))) for table in tables))
        self.panels = Panels(job.left.layout)
        self.panels_right = self.panels if job.triangle else Panels(job.right.layout)
        packed = [
            self._packed(*one, factor)
            for one in zip(tables, (job.left, job.right), (self.panels, self.panels_right), strict=False)
        ]
        residual, coded = (max(one[1][k] for one in packed) for k in range(2))
        if not whole:
            residual += ROUNDING * self.longest
        self.left = (packed[0][0][0], packed[0][0][2], *packed[0][0][4:])
        self.right = (packed[-1][0][1], packed[-1][0][3], *packed[-1][0][4:])
        self.rough = self._rough(factor, residual * (1 + 1e-9), coded * (1 + 1e-9))
        self.rows = self.panels.strip_rows(len(self.grid.codes), self.dimensions, STRIP_CODES, threads)
        self.found = Found(self.panels_right)

    def _packed(
        self, table: NDArray[np.number], side: Side, panels: Panels, factor: float
    ) -> tuple[tuple[Any, ...], tuple[float, float]]:
        """Both shapes of a side's 8-bit codes with what ``strip8.strip`` wants
        beside them, and how far they are off.
        """
        left, right = (
            aligned((len(panels), self.depth, 128), np.uint8),
            aligned((len(panels), self.depth, 128), np.int8),
        )
        own, sums = np.zeros(len(panels) * 32, np.int32), np.zeros(len(panels) * 32, np.int32)
        off = self.strip8.encode(table, factor, side.layout.cell_starts, panels.starts, left, right, own, sums)
        # The left codes carry 128 more each: take 128 times the column's sum off again.
        added = own + 256 * sums if self.euclidean else -128 * sums
        rest = (side.grid.codes, side.grid.squares, side.layout.cell_starts, panels.starts, side.layout.subject)
        return (left, right, own, added, *rest), off

    def _rough(self, factor: float, residual: float, coded: float) -> np.int32:
        """Limit in 8 bits that every pair reaches which reaches the true one."""
        if self.euclidean:
            if self.limit < 0:
                return np.int32(-1)
            value = ((math.sqrt(self.limit) + 2 * residual) * factor) ** 2 * (1 + 1e-9) + 2
        else:
            longest = self.longest * (1 + 2 * ROUNDING)
            value = (self.limit - (longest + coded) * residual * (1 + 1e-9)) * factor**2 - 2
        return np.int32(math.floor(min(max(value, -(2.0**31)), 2.0**31 - 1)))

    def _axes(self) -> NDArray[np.float64]:
        """(D, D) orthonormal columns, from a sample: directions along which the rows are longest first."""
        n, d = self.others.codes.shape
        rows = np.random.default_rng(SEED).choice(n, min(max(SAMPLE, 4 * d), n), replace=False)
        codes = self.others.codes[rows].astype(np.float64)
        axes: NDArray[np.float64] = np.linalg.eigh(codes.T @ codes)[1][:, ::-1]
        return axes

    def _cheapest(self, axes: NDArray[np.float64]) -> tuple[int, float]:
        """How many axes to keep (D: the codes as they are), and what that costs, by a sample: only a reason to try, so
        it need not be exact.
        """
        n, d = self.others.codes.shape
        rows = np.random.default_rng(SEED).choice(n, min(SAMPLE, n), replace=False)
        codes = self.others.codes[rows]
        best = (d, math.inf)
        for size in sorted({*range(16, d, 16), d}):
            table = codes.astype(np.float64) if size == d else _inside(codes, axes[:, :size]).astype(np.float64)
            step = max(float(np.abs(table).max(initial=0.0)), 1.0) / 127
            residual = step * math.sqrt(table.shape[1] / 12)
            x = table @ table.T
            if self.euclidean:
                squares = (table**2).sum(axis=1)
                passes = (
                    squares[:, None] + squares[None, :] - 2 * x <= (math.sqrt(max(self.limit, 0)) + 2 * residual) ** 2
                )
            else:
                passes = x >= self.limit - 2 * math.sqrt(float(self.others.squares.max(initial=0))) * residual
            share = float(np.triu(passes, 1).sum()) / max(1.0, len(rows) * (len(rows) - 1) / 2)
            best = min(best, (size, table.shape[1] / d + CANDIDATE * share), key=lambda one: one[1])
        return best

    def run(self, tile: Tile, cap: int, stop_now: NDArray[np.uint8]) -> TileAnswer | None:
        """As ``FastPass.run``."""
        cell, first = self.panels.cell_of(tile.first)
        from_panel, to_panel = self.panels_right.span(tile.start, tile.stop)
        used, whole, found_at, found_x = self.strip8.strip(
            self.left,
            self.right,
            self.depth,
            self.rough,
            cell,
            first,
            tile.end - tile.first,
            from_panel,
            to_panel,
            self.job.triangle,
            int(self.euclidean),
            self.limit,
            cap,
            *self.found.take(),
            stop_now,
        )
        nothing = np.zeros(0, np.int32), np.zeros((0, self.grid.axis.bins), np.int64)
        return self.found.answer(tile, *nothing, from_panel, used, whole, found_at, found_x)


def _inside(codes: NDArray[np.int16], axes: NDArray[np.float64]) -> NDArray[np.float32]:
    """(N, k + 1): each row's coordinates along k orthonormal axes, and the length of what is left, rounded up."""
    out = np.empty((len(codes), axes.shape[1] + 1), np.float32)
    for start in range(0, len(codes), BLOCK):
        block = codes[start : start + BLOCK].astype(np.float64)
        inside = block @ axes
        whole = (block**2).sum(axis=1)
        out[start : start + BLOCK, :-1] = inside
        out[start : start + BLOCK, -1] = np.sqrt(
            np.maximum(whole - (inside**2).sum(axis=1), 0.0)
        ) + ROUNDING / 2 * np.sqrt(whole)
    return out
