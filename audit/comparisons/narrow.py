"""When only the tail is wanted: 8-bit codes and their limits, and one strip by them.

In: the grid, the layout, the limit. Out: strips as ``FastPass`` gives them. Its one idea: what 8 bits may have changed is bounded from the
residuals that were really left, so the filter can never lose a pair; if it would let too many through, it is not used.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.panels import Found, Panels, aligned
from audit.comparisons.strips import StripTail

__all__ = ["NarrowPass"]

SAMPLE: Final = 512
SEED: Final = 8
WORTH: Final = 0.012
"""Share of pairs that may pass the filter: above it the 16-bit kernel is as fast (measured on LFW-like templates at FMR 1e-2, 1e-3, 1e-4)."""
STRIP_CODES: Final = 2**19


class NarrowPass:
    """8-bit panels, and strips to compare them by.

    Parameters
    ----------
    grid, layout
    limit : int
        Pairs at or beyond this ``x`` belong to the tail.
    threads : int

    Attributes
    ----------
    worthwhile : bool
        False if the filter would let through more than 1.2 % of a sample of pairs.
    """

    def __init__(self, grid: Grid, layout: Layout, limit: int, threads: int) -> None:
        from audit.comparisons import prefilter

        self.grid, self.layout, self.limit, self.prefilter = grid, layout, limit, prefilter
        self.lie = Panels(layout)
        panels, d = len(self.lie), grid.codes.shape[1]
        self.depth = (d + 3) // 4
        self.euclidean = grid.measure == "euclidean"
        largest = max(int(grid.codes.max(initial=0)), -int(grid.codes.min(initial=0)), 1)
        factor = 127.0 / largest
        self.worthwhile = self._share(factor) <= WORTH
        if not self.worthwhile:
            return
        self.left, self.right = aligned((panels, self.depth, 128), np.uint8), aligned((panels, self.depth, 128), np.int8)
        own, sums = np.zeros(panels * 32, np.int32), np.zeros(panels * 32, np.int32)
        residual, coded = prefilter.encode(grid.codes, factor, layout.cell_starts, self.lie.starts, self.left, self.right, own, sums)
        # The left codes carry 128 more each: take 128 times the column's sum off again.
        self.own = own
        self.other = own + 256 * sums if self.euclidean else -128 * sums
        self.rough = self._rough(factor, residual * (1 + 1e-9), coded * (1 + 1e-9))
        self.rows = self.lie.strip_rows(len(grid.codes), d, STRIP_CODES, threads)
        self.found = Found(self.lie, layout, self.euclidean, grid.unit)

    def _rough(self, factor: float, residual: float, coded: float) -> np.int32:
        """Limit in 8 bits that every pair reaches which reaches the true one."""
        if self.euclidean:
            if self.limit < 0:
                return np.int32(-1)
            value = ((math.sqrt(self.limit) + 2 * residual) * factor) ** 2 * (1 + 1e-9) + 2
        else:
            longest = math.sqrt(float(self.grid.squares.max(initial=0)))
            value = (self.limit - (longest + coded) * residual * (1 + 1e-9)) * factor**2 - 2
        return np.int32(math.floor(min(max(value, -(2.0**31)), 2.0**31 - 1)))

    def _share(self, factor: float) -> float:
        """Share of the pairs of a sample that pass, by the sample's own residuals: only a reason to try, so it need not be exact."""
        n = len(self.grid.codes)
        rows = np.random.default_rng(SEED).choice(n, min(SAMPLE, n), replace=False)
        codes = self.grid.codes[rows].astype(np.float32)
        if len(codes) < 2:
            return 0.0
        rest = codes - np.rint(codes * np.float32(factor)) / np.float32(factor)
        residual, longest = (math.sqrt(float((table**2).sum(axis=1).max())) for table in (rest, codes))
        x = codes @ codes.T
        if self.euclidean:
            squares = self.grid.squares[rows].astype(np.float32)
            passes = squares[:, None] + squares[None, :] - 2 * x <= (math.sqrt(max(self.limit, 0)) + 2 * residual) ** 2
        else:
            passes = x >= self.limit - 2 * longest * residual
        return float(np.triu(passes, 1).sum()) / (len(rows) * (len(rows) - 1) / 2)

    def run(self, first: int, rows: int, cap: int, stop_now: NDArray[np.uint8]) -> StripTail:
        """One strip; safe to call from any thread."""
        cell = int(np.searchsorted(self.layout.cell_starts, first, "right")) - 1
        used, whole, found_at, found_x = self.prefilter.strip(
            self.left,
            self.right,
            self.own,
            self.other,
            self.depth,
            self.rough,
            self.grid.codes,
            self.grid.squares,
            self.layout.cell_starts,
            self.lie.starts,
            self.layout.subject,
            cell,
            first - int(self.layout.cell_starts[cell]),
            rows,
            int(self.euclidean),
            self.limit,
            cap,
            *self.found.take(),
            stop_now,
        )
        return self.found.strip(cell, first, used, whole, found_at, found_x)
