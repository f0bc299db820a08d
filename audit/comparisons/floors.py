"""A first guess, from a sample, of how deep the tail must go for a target.

In: the grid, a scope, a target and its weighting. Out: a score. Its one idea: the guess costs little and decides nothing: if the full pass
shows that the threshold lies below it, the guess is lowered and the pass is made again, so the result never depends on the sample.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from audit.comparisons.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.scope import Scope
from audit.comparisons.types import Weighting

__all__ = ["guess_floor"]

SAMPLE: Final = 2_048
SEED: Final = 20_210_212
MARGIN: Final = 1.5
"""Pairs share rows, so a sample's rate scatters more than a binomial; measured, a factor of 1.5 is missed rarely and costs little."""


def guess_floor(grid: Grid, layout: Layout, scope: Scope, target: float, weighting: Weighting, deeper: int = 0) -> float:
    """Give a score that more than ``target`` of the scope's comparisons very likely reach.

    Parameters
    ----------
    weighting : {"people", "comparisons"}
        "people": one random photo each of random people; otherwise random photos.
    deeper : int
        How often the guess was too high already; the share asked for grows fourfold with each.

    Returns
    -------
    float
        A score; -inf for all comparisons.
    """
    rng = np.random.default_rng(SEED)
    if weighting == "people":
        starts = layout.subject_starts[:-1]
        sizes = np.diff(layout.subject_starts)
        people = np.flatnonzero(scope.row[starts])
        people = rng.choice(people, SAMPLE, replace=False) if len(people) > SAMPLE else people
        rows = starts[people] + rng.integers(0, sizes[people])
    else:
        rows = np.flatnonzero(scope.row)
        rows = rng.choice(rows, SAMPLE, replace=False) if len(rows) > SAMPLE else rows
    codes = grid.codes[rows].astype(np.float32)
    product = codes @ codes.T
    if grid.measure == "euclidean":
        squares = grid.squares[rows].astype(np.float32)
        product = -(squares[:, None] + squares[None, :] - 2 * product)
    subject = layout.subject[rows]
    upper = np.triu(subject[:, None] != subject[None, :], 1)
    values = product[upper]
    expected = target * len(values)
    wanted = math.ceil((MARGIN * expected + 6 * math.sqrt(expected) + 10) * 4**deeper)
    if wanted >= len(values):
        return -math.inf
    x = float(np.partition(values, len(values) - wanted)[len(values) - wanted])
    return float(grid.scores(np.array([max(-x, 0.0) if grid.measure == "euclidean" else x]))[0])
