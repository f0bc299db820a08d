"""How many look-alikes people have, as a law: K_i of M people reach a threshold, K ~ beta-binomial; so FPIR beyond the
people at hand.

In: K per search and weights. Out: the fitted (a, b) and FPIR at any N. Its one idea: people differ in how many
look-alikes they have, so the chance that one more person is a look-alike is itself drawn from a beta law; FPIR(N) = 1
- B(a, b + N) / B(a, b) (IDENTIFICATION 4). A model: printed only where this run's own hold-out passes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import gammaln

__all__ = ["DIGITS", "fit", "fpir_by_law", "near"]

DIGITS = 4
"""Significant digits to which a fit is printed: the optimiser's own last digits differ between machines."""
_ABSOLUTE, _RELATIVE = 0.03, 0.25
_FAR = 16.0
"""Of ln a and ln b."""


def fit(reached: ArrayLike, others: int, weight: ArrayLike) -> tuple[float, float] | None:
    """Maximum-likelihood (a, b) of a beta-binomial law; None where nobody is reached, or everybody.

    Parameters
    ----------
    reached : (P,) int
        K of each search.
    others : int
        M, the same for all.
    weight : (P,) float
    """
    K, place = np.unique(np.asarray(reached, np.int64), return_inverse=True)
    w = np.bincount(place, np.asarray(weight, np.float64))
    w = w / w.sum()
    mean = float((w * K).sum()) / others
    if not 0 < mean < 1:
        return None
    square = float((w * (K / others - mean) ** 2).sum())
    # moments: var(K/M) = p(1-p)/M (1 + (M-1) rho), rho = 1/(a+b+1)
    rho = min(0.9, max(1e-6, (square * others / (mean * (1 - mean)) - 1) / (others - 1)))
    total = 1 / rho - 1

    def loss(x: NDArray[np.float64]) -> float:
        if abs(x).max() > _FAR:  # everybody alike: the binomial itself, of which the beta law is a limit
            return math.inf
        a, b = math.exp(x[0]), math.exp(x[1])
        like = (
            gammaln(K + a)
            + gammaln(others - K + b)
            - gammaln(others + a + b)
            - gammaln(a)
            - gammaln(b)
            + gammaln(a + b)
        )
        return -float((w * like).sum())

    start = np.clip(np.log(np.array([max(mean * total, 1e-6), max((1 - mean) * total, 1e-6)])), 1 - _FAR, _FAR - 1)
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 2000})
    return float(math.exp(found.x[0])), float(math.exp(found.x[1]))


def fpir_by_law(law: tuple[float, float], size: int) -> float:
    """1 - B(a, b + N) / B(a, b), to ``DIGITS`` significant digits.

    >>> fpir_by_law((1.0, 1.0), 1)  # a uniform chance: one stranger is a look-alike in half of the searches
    0.5
    """
    a, b = law
    log = math.fsum(np.log1p(-a / (a + b + np.arange(size))).tolist())  # gamma functions of large numbers would cancel
    return float(f"{-math.expm1(log):.{DIGITS}g}")


def near(predicted: float, measured: float) -> bool:
    """The rule of the hold-out: by less than a quarter of the larger, or within .03 and by less than half of it."""
    gap, larger = abs(predicted - measured), max(predicted, measured)
    return gap < _RELATIVE * larger or (gap <= _ABSOLUTE and gap < 2 * _RELATIVE * larger)
