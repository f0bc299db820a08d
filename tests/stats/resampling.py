"""Resampling PEOPLE: the oracle for the closed forms, never the printed interval.

In: samples per person and sparse dyads. Out: resampled rates. Its one idea: the vertex bootstrap draws people with
replacement (c_i copies of person i) and gives dyad (i, j) the weight c_i c_j. Its variance estimates (S+Q)/M², not
(S-Q)/M² (METRICS 3). Resampling rows or pairs is wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.sums import product
from audit.stats.sums import Weighting

__all__ = ["row_bootstrap", "vertex_bootstrap"]

Floats = NDArray[np.float64]


def _prepared(
    n: ArrayLike, i: ArrayLike, j: ArrayLike, e: ArrayLike, weighting: Weighting
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64], Floats]:
    n_, i_, j_ = np.asarray(n, np.int64), np.asarray(i, np.int64), np.asarray(j, np.int64)
    e_ = np.asarray(e, np.float64)
    if weighting == "people":
        return (n_ > 0).astype(np.float64), i_, j_, e_ / (n_[i_] * n_[j_])
    return n_.astype(np.float64), i_, j_, e_


def vertex_bootstrap(
    n: ArrayLike,
    i: ArrayLike,
    j: ArrayLike,
    e: ArrayLike,
    weighting: Weighting = "people",
    *,
    resamples: int,
    seed: int | np.random.Generator,
) -> Floats:
    """(resamples,) rates over all pairs of different people of one group: Σ c_i c_j e_ij / Σ c_i c_j m_ij.

    Parameters
    ----------
    n : (S,) int
        Samples per person.
    i, j, e : (K,) int
        Dyads with errors.
    seed : int or Generator
        The result is a function of it alone.
    """
    a, i_, j_, e_ = _prepared(n, i, j, e, weighting)
    rng, size, out = np.random.default_rng(seed), len(a), np.empty(resamples)
    step = max(1, int(2e7 // max(1, len(e_) + size)))  # at most 160 MB at a time
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        c = rng.multinomial(size, np.full(size, 1 / size), stop - start).astype(np.float64)
        weight = c * a
        trials = (weight.sum(axis=1) ** 2 - (weight**2).sum(axis=1)) / 2
        out[start:stop] = (c[:, i_] * c[:, j_] * e_).sum(axis=1) / trials
    return out


def row_bootstrap(
    n: ArrayLike,
    i: ArrayLike,
    j: ArrayLike,
    e: ArrayLike,
    weighting: Weighting = "people",
    *,
    resamples: int,
    seed: int | np.random.Generator,
) -> Floats:
    """(resamples,) rates when rows of the symmetric table are drawn: WRONG (half the standard error); kept for the
    coverage study's comparison."""
    a, i_, j_, e_ = _prepared(n, i, j, e, weighting)
    rng, size = np.random.default_rng(seed), len(a)
    c = rng.multinomial(size, np.full(size, 1 / size), resamples).astype(np.float64)
    E = np.bincount(i_, e_, size) + np.bincount(j_, e_, size)
    out: Floats = product(c, E) / product(c, a * (a.sum() - a))
    return out
