"""The least variance that a rate may claim, where the same evidence may stand there several times.

In: sums over the units of independence (dyads, people) of errors and trials. Out: a floor under the clustered
variance. Its one idea: the binomial p(1-p)/M of METRICS 3 is a k-th of itself where every comparison is copied k
times, and copies say nothing new. So errors are counted as ``limits`` counts them, (Σe)²/Σe² of them, which copies do
not change; the floor is never below the binomial one and equal to it where nothing is repeated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["least_square", "least_square_of_people"]

Floats = NDArray[np.float64]


def least_square(weighting: str, p: ArrayLike, M: ArrayLike, M2: ArrayLike, e2: ArrayLike, em: ArrayLike) -> Floats:
    """M² times the least variance of a rate p over dyads, as if every error were alone; from Σm, Σm², Σe² and Σe·m,
    floats or arrays of one shape.

    ``people``: p(1-p)·M, for M pairs of people do not grow with copies. ``comparisons``: (1-p)·Σe², and from the other
    end p·Σ(m-e)², whichever is less; both are at least p(1-p)·M.
    """
    p_, M_, M2_, e2_, em_ = (np.asarray(part, np.float64) for part in (p, M, M2, e2, em))
    if weighting == "people":
        return np.asarray(p_ * (1 - p_) * M_)
    return np.asarray(np.minimum((1 - p_) * e2_, p_ * np.maximum(M2_ - 2 * em_ + e2_, 0.0)))


def least_square_of_people(p: float, errors: ArrayLike, trials: ArrayLike) -> float:
    """The same for a ratio of sums over people, p = Σx/Σa: (Σa)² times its least variance, from (S,) errors x and
    trials a.
    """
    x, a = np.asarray(errors, np.float64), np.asarray(trials, np.float64)
    return min((1 - p) * float((x**2).sum()), p * float(((a - x) ** 2).sum()))
