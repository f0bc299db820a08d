"""The comparisons an operating point is calibrated on: which rows, how many comparisons, how many pairs of people.

In: a request and the layout. Out: a ``Scope``. Its one idea: weights 1/(m_i m_j) take few different values, so their
sums are counted per value and added exactly; the result is what ``math.fsum`` over every comparison would give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.layout import Layout
from audit.comparisons.types import OperatingPointRequest
from audit.stats.thresholds import WEIGHT_GRAIN, weight_in_grains

__all__ = ["Scope", "exact_cost", "scope_of"]


@dataclass(frozen=True, eq=False)
class Scope:
    """Rows that count, and the sums over all their non-mated comparisons.

    Attributes
    ----------
    row : NDArray (N,) bool
    comparisons : int
        Non-mated comparisons within the scope.
    weight : float
        ``fsum`` of 1/(m_i m_j) over them.
    photos : NDArray (N,) int64
        Photos of the person on each row.
    """

    row: NDArray[np.bool_]
    comparisons: int
    weight: float
    photos: NDArray[np.int64]

    @cached_property
    def kinds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The different photo counts, and which of them each row has."""
        values, kind = np.unique(self.photos, return_inverse=True)
        return values, kind

    def rates(self, products: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[float, float]:
        """FMR by people and by comparisons of matches counted by ``m_i * m_j``;
        NaN where there is nothing to compare.
        """
        if not self.comparisons:
            return math.nan, math.nan
        return _exact_sum(products, counts) / self.weight, int(counts.sum()) / self.comparisons


def scope_of(request: OperatingPointRequest, layout: Layout, labelled: NDArray[np.bool_]) -> Scope:
    """Give all labelled cells, or the cells the request names."""
    chosen = labelled.copy()
    if request.cells is not None:
        chosen[:] = False
        chosen[list(request.cells)] = True
    row = np.repeat(chosen, np.diff(layout.cell_starts))
    sizes = np.diff(layout.subject_starts)
    inside = sizes[row[layout.subject_starts[:-1]]] if len(sizes) else sizes
    total = int(inside.sum())
    comparisons = (total * total - int((inside * inside).sum())) // 2
    values, people = np.unique(inside, return_counts=True)
    a, b = np.triu_indices(len(values))
    dyads = np.where(a == b, people[a] * (people[a] - 1) // 2, people[a] * people[b])
    products, place = np.unique(values[a] * values[b], return_inverse=True)
    counts = np.zeros(len(products), dtype=np.int64)
    np.add.at(counts, place, dyads * values[a] * values[b])
    return Scope(row, comparisons, _exact_sum(products, counts), layout.photos)


def _exact_sum(products: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    return exact_cost(products, counts) / WEIGHT_GRAIN


def exact_cost(products: NDArray[np.int64], counts: NDArray[np.int64]) -> int:
    """``counts`` copies of the weight ``1 / products``, added exactly, in grains."""
    return sum(
        count * weight_in_grains(product) for product, count in zip(products.tolist(), counts.tolist(), strict=True)
    )
