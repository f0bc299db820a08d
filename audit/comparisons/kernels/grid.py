"""Templates on a fixed-point grid: what the kernels multiply, and how far the result can be from the float64 score.

In: an EmbeddingSet. Out: int16 codes, one integer ``x`` per comparison (an inner product, or a squared distance), the
map from ``x`` to a score and to a bin, and a rigorous bound. Its one idea: integers do not depend on the order of
summation, so every tile shape, thread count and processor gives the same ``x``; what rounding to the grid may have
changed is bounded per run and computed again in float64 where it matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Measure
from audit.base.sums import mean_of_rows
from audit.comparisons.scores import squared_norms
from audit.comparisons.types import ScoreAxis
from audit.embeddings.embedding_set import EmbeddingSet, Vectors

__all__ = ["Grid", "quantise"]

LARGEST_CODE: Final = 32_767
LARGEST_PRODUCT: Final = 2**31 - 2**16
"""Products and squared distances must stay in int32; the room left is for the rounding of codes."""
BLOCK: Final = 1_024


@dataclass(frozen=True, eq=False)
class Grid:
    """Codes and what they mean.

    Attributes
    ----------
    codes : NDArray (N, D) int16
    squares : NDArray (N,) int32
        ``sum(codes**2)`` per row.
    measure : {"euclidean", "cosine", "inner"}
    unit : float
        Score of ``x = 1``: the product is ``x * unit``; the distance is ``sqrt(x) * unit``.
    bound : float
        At most this far is a grid score from the float64 definition, for every pair.
    axis : ScoreAxis
    slope, offset : float
        float32 numbers: the bin of ``x`` is ``trunc(clip(offset + slope * g(x), 0, bins - 1))``, ``g`` = float32 value
        of ``x``, or its square root (euclidean); every operation rounded once to float32, so the bin is the same on
        every machine.
    """

    codes: NDArray[np.int16]
    squares: NDArray[np.int32]
    measure: Measure
    unit: float
    bound: float
    axis: ScoreAxis
    slope: np.float32
    offset: np.float32

    def take(self, rows: NDArray[np.integer]) -> Grid:
        """Some rows, on the same grid: the bound holds for them too."""
        return replace(self, codes=self.codes[rows], squares=self.squares[rows])

    def scores(self, x: NDArray[np.number]) -> NDArray[np.float64]:
        """Grid scores, larger = more alike. (K,) integers -> (K,) float64."""
        if self.measure == "euclidean":
            distance: NDArray[np.float64] = np.sqrt(x.astype(np.float64)) * -self.unit
            return distance
        return x.astype(np.float64) * self.unit

    def bins(self, x: NDArray[np.integer]) -> NDArray[np.int32]:
        """Bin of each ``x``, in float32 as the compiled kernel does it."""
        value = x.astype(np.float32)
        if self.measure == "euclidean":
            np.sqrt(value, out=value)
        value *= self.slope
        value += self.offset
        np.clip(value, np.float32(0), np.float32(self.axis.bins - 1), out=value)
        return value.astype(np.int32)

    def limit(self, floor: float) -> int:
        """Give the ``x`` that every pair whose float64 score reaches ``floor`` reaches too: ``x >= limit``, or
        (euclidean) ``x <= limit``.

        Wide by the bound and two grid steps, so that nothing is missed.
        """
        floor = min(max(floor, -1e300), 1e300)
        slack = self.bound + abs(floor) * 2.0**-48
        if self.measure == "euclidean":
            distance = (-floor + slack) / self.unit
            return -1 if distance < 0 else int(min(min(distance, 1e6) ** 2 + 2, 2**31 - 1))
        return int(min(max(math.floor(min(max((floor - slack) / self.unit, -1e10), 1e10)) - 2, -(2**31)), 2**31 - 1))


def quantise(embeddings: EmbeddingSet, bins: int, *, fast: bool, threads: int = 1) -> Grid:
    """Put the templates on the grid.

    Euclidean templates are centred first (distances do not change, codes get finer); cosine ones are scaled to length
    1. The step is the finest for which every code fits int16 and every ``x`` fits int32.

    The bound. With ``e_i = v_i - codes_i * step``: products differ by at most ``|v_i||e_j| + |e_i||codes_j * step|``
    and distances by at most ``|e_i| + |e_j|`` (Cauchy-Schwarz and the triangle inequality); to it comes the rounding
    of the float64 definition itself, at most ``(D + 16) * 2**-50`` times the size of its terms.

    Parameters
    ----------
    fast : bool
        Compiled loops; same bits.
    threads : int
        For blocks of rows; changes no bit.
    """
    vectors, rule = embeddings.vectors, embeddings.rule
    n, d = vectors.shape
    euclidean = rule.measure == "euclidean"
    mode = {"inner": 0, "euclidean": 1, "cosine": 2}[rule.measure]
    # Any centre serves; the mean makes codes finest. As float32, so that it is part of no rounding argument.
    centre = np.zeros(d)
    if euclidean and n:
        with np.errstate(over="ignore"):
            middle = mean_of_rows(vectors).astype(np.float32).astype(np.float64)
        centre = middle if np.isfinite(middle).all() else centre  # templates beyond float32 stay where they are
    original = float(max(vectors.max(initial=0.0), -vectors.min(initial=0.0))) * math.sqrt(d) if euclidean else 0.0
    steps = _compiled_steps() if fast else (_measure, _encode)
    blocks = [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    lengths = np.ones(n)
    with ThreadPoolExecutor(threads) as pool:
        sizes = list(pool.map(lambda part: steps[0](vectors[part], centre, mode, lengths[part]), blocks))
    longest = max((size[0] for size in sizes), default=0.0) * (1 + 1e-9)
    highest = max((size[1] for size in sizes), default=0.0)
    if longest == 0.0:
        scale = 1.0
    else:
        room = math.sqrt(LARGEST_PRODUCT) / (2 * longest if euclidean else longest)
        # Codes are rounded, so a row may grow by half a step in every dimension.
        scale = min(
            room - math.sqrt(d) / (2 * longest) if room * longest > math.sqrt(d) else room / 2,
            (LARGEST_CODE - 1) / highest,
        )
    codes, squares = np.empty((n, d), np.int16), np.empty(n, np.int32)
    with ThreadPoolExecutor(threads) as pool:
        errors = list(
            pool.map(
                lambda part: steps[1](vectors[part], centre, mode, lengths[part], scale, codes[part], squares[part]),
                blocks,
            )
        )
    residual, coded = (max((error[k] for error in errors), default=0.0) for k in range(2))
    rounding = (d + 16) * 2.0**-50
    if euclidean:
        unit, bound = 1 / scale, 2 * residual * (1 + 1e-9) + rounding * (longest + original)
    else:
        unit, bound = 1 / scale**2, (longest + coded) * residual * (1 + 1e-9) + rounding * max(longest, coded) ** 2
    axis = ScoreAxis(rule.low, rule.high, bins)
    width = (rule.high - rule.low) / bins
    # Clipped only so that the product with the largest x cannot overflow: such scores lie outside any axis anyway.
    slope, offset = (
        np.float32(min(max(value, -1e27), 1e27))
        for value in ((-unit if euclidean else unit) / width, -rule.low / width)
    )
    return Grid(codes, squares, rule.measure, unit, bound, axis, slope, offset)


Steps = tuple[Callable[..., tuple[float, float]], Callable[..., tuple[float, float]]]


def _compiled_steps() -> Steps:
    from audit.comparisons.kernels import loops

    return loops.measure, loops.encode


def _columns(
    vectors: Vectors, centre: NDArray[np.float64], mode: int, lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(D, n) float64: the rows that are coded, one dimension after the other."""
    columns: NDArray[np.float64] = vectors.T.astype(np.float64, order="C")
    if mode == 1:
        columns -= centre[:, None]
    elif mode == 2:
        columns /= lengths
    return columns


def _squares(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.zeros(columns.shape[1])
    for column in columns:
        total += column * column
    return total


def _measure(
    vectors: Vectors, centre: NDArray[np.float64], mode: int, lengths: NDArray[np.float64]
) -> tuple[float, float]:
    """As ``loops.measure``."""
    if mode == 2:
        lengths[:] = np.sqrt(squared_norms(vectors))
    columns = _columns(vectors, centre, mode, lengths)
    return float(np.sqrt(_squares(columns)).max()), float(np.abs(columns).max())


def _encode(
    vectors: Vectors,
    centre: NDArray[np.float64],
    mode: int,
    lengths: NDArray[np.float64],
    scale: float,
    codes: NDArray[np.int16],
    squares: NDArray[np.int32],
) -> tuple[float, float]:
    """As ``loops.encode``."""
    columns = _columns(vectors, centre, mode, lengths)
    code = np.rint(columns * scale)
    codes[:] = code.T
    square = _squares(code)
    squares[:] = square
    return float(np.sqrt(_squares(columns - code / scale)).max()), float((np.sqrt(square) / scale).max())
