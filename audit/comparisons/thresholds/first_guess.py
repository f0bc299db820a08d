"""A first guess of how deep the tail must go for a target.

In: the grid, a scope, a target and its weighting. Out: a score. Its one idea: a small scope is simply computed, a
large one is sampled; the guess costs little and decides nothing: if the full pass shows that the threshold lies below
it, it is lowered and the pass is made again, so the result never depends on the sample.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.thresholds.scope import Scope
from audit.comparisons.types import OperatingPointRequest
from audit.stats.thresholds import threshold_by_comparisons, threshold_by_people

__all__ = ["Floors"]

WHOLE: Final = 512
"""Rows of a scope that is computed rather than sampled: 130,000 pairs."""
SMALLEST: Final = 1_024
LARGEST: Final = 4_096
"""Rows of a sample: 8 times the root of N, between these."""
SEED: Final = 20_210_212
DEEPEST: Final = 6
"""Guesses of a computed scope before all comparisons are taken."""
MARGIN: Final = 1.5
"""Pairs share rows, so a sample's rate scatters more than a binomial's would; a guess that was too high costs a second
pass."""


class Floors:
    """Guesses for one EmbeddingSet; each sample is drawn once and serves every target of its scope and weighting."""

    def __init__(self, grid: Grid, layout: Layout) -> None:
        self.grid, self.layout = grid, layout
        self.size = min(max(8 * math.isqrt(len(grid.codes)), SMALLEST), LARGEST)
        self._samples: dict[tuple[tuple[int, ...] | None, str], NDArray[np.float32]] = {}

    def guess(self, request: OperatingPointRequest, scope: Scope, deeper: int = 0) -> float:
        """Give a score that the threshold of a request very likely reaches; -inf for all comparisons.

        Parameters
        ----------
        deeper : int
            How often the guess was too high already; the share asked for grows fourfold with each. Few rows are
            computed in float32, whose error grows with the score, so their guess falls by 16 times more each time and
            soon takes all comparisons: it must end.
        """
        if request.threshold is not None:
            return request.threshold
        if scope.comparisons == 0:
            return math.inf
        target, weighting = float(request.target or 0.0), str(request.weighting)
        rows = np.flatnonzero(scope.row)
        if len(rows) <= WHOLE:
            if deeper > DEEPEST:
                return -math.inf
            picked = self._computed(rows, scope, target, weighting)
            return float(
                picked
                - (4 * self.grid.bound + (abs(picked) * 2.0**-20 if math.isfinite(picked) else 0.0)) * 16**deeper
            )
        key = (request.cells, weighting)
        if key not in self._samples:
            self._samples[key] = self._sample(rows, scope, weighting)
        values = self._samples[key]
        expected = target * len(values)
        wanted = math.ceil((MARGIN * expected + 4 * math.sqrt(expected) + 6) * 4**deeper)
        if wanted >= len(values):
            return -math.inf
        x = float(values[len(values) - wanted])
        return float(self.grid.scores(np.array([max(-x, 0.0) if self.grid.measure == "euclidean" else x]))[0])

    def _alike(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Products, or negated squared distances, of some rows (float32, good enough to guess by), and which are
        non-mated pairs i < j.
        """
        codes = self.grid.codes[rows].astype(np.float32)
        product = codes @ codes.T
        if self.grid.measure == "euclidean":
            squares = self.grid.squares[rows].astype(np.float32)
            product = -(squares[:, None] + squares[None, :] - 2 * product)
        subject, place = self.layout.subject[rows], np.arange(len(rows))
        return product, (subject[:, None] != subject[None, :]) & (place[:, None] < place[None, :])

    def _sample(self, rows: NDArray[np.int64], scope: Scope, weighting: str) -> NDArray[np.float32]:
        """Ascending values: one random photo each of random people, or random photos."""
        rng = np.random.default_rng(SEED)
        if weighting == "people":
            starts, sizes = self.layout.subject_starts[:-1], np.diff(self.layout.subject_starts)
            people = np.flatnonzero(scope.row[starts])
            people = rng.choice(people, self.size, replace=False) if len(people) > self.size else people
            rows = starts[people] + rng.integers(0, sizes[people])
        elif len(rows) > self.size:
            rows = rng.choice(rows, self.size, replace=False)
        value, pairs = self._alike(rows)
        return np.sort(value[pairs])

    def _computed(self, rows: NDArray[np.int64], scope: Scope, target: float, weighting: str) -> float:
        """Give the threshold among the grid scores of all pairs of a small scope."""
        table, pairs = self._alike(rows)
        value, (i, j) = table[pairs], np.nonzero(pairs)
        scores = (
            self.grid.scores(np.maximum(-value, 0)) if self.grid.measure == "euclidean" else self.grid.scores(value)
        )
        if weighting == "people":
            picked = threshold_by_people(scores, target, 1.0 / (scope.photos[rows[i]] * scope.photos[rows[j]]))
        else:
            picked = threshold_by_comparisons(scores, target)
        return -math.inf if picked is None else picked
