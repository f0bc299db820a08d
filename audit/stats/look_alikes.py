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

from audit.base.sums import exp, log, log1p

__all__ = ["DIGITS", "fit", "fpir_by_law", "near"]

DIGITS = 4
"""Significant digits to which a fit is printed: the optimiser's own last digits differ between machines."""
_ABSOLUTE, _RELATIVE = 0.03, 0.25
_FAR = 16.0
"""Of ln a and ln b."""
_UP = 16
_HALF_LOG_TWO_PI = 0.9189385332046727


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
    w: NDArray[np.float64] = np.bincount(place, np.asarray(weight, np.float64)).astype(np.float64)
    w = w / math.fsum(w.tolist())
    mean = math.fsum((w * K).tolist()) / others
    if not 0 < mean < 1:
        return None
    square = math.fsum((w * (K / others - mean) * (K / others - mean)).tolist())
    # moments: var(K/M) = p(1-p)/M (1 + (M-1) rho), rho = 1/(a+b+1)
    rho = min(0.9, max(1e-6, (square * others / (mean * (1 - mean)) - 1) / (others - 1)))
    total = 1 / rho - 1

    def loss(x: NDArray[np.float64]) -> float:
        if abs(x).max() > _FAR:  # everybody alike: the binomial itself, of which the beta law is a limit
            return math.inf
        a, b = exp(x).tolist()
        # One call: a fit asks about 800 times, and calls cost more than the few numbers in them.
        known = _log_gamma(np.concatenate([K + a, others - K + b, [a + b, others + a + b, a, b]]))
        alone = known[-4:].tolist()
        like = known[: len(K)] + known[len(K) : -4] + (alone[0] - alone[1] - alone[2] - alone[3])
        return -math.fsum((w * like).tolist())

    start = np.clip(log([max(mean * total, 1e-6), max((1 - mean) * total, 1e-6)]), 1 - _FAR, _FAR - 1)
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 2000})
    a, b = exp(found.x).tolist()
    return a, b


def _log_gamma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ln Gamma of numbers above 0 by Stirling's series 16 steps up, from operations that are the same bits anywhere.

    A library's own differs in its last bits between machines, and a flat likelihood makes digits of that.
    """
    rising = np.ones_like(x)
    for step in range(_UP):
        rising = rising * (x + step)
    y = x + _UP
    r = 1 / y
    square = r * r
    series = r * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))
    return (y - 0.5) * log(y) - y + _HALF_LOG_TWO_PI + series - log(rising)


def fpir_by_law(law: tuple[float, float], size: int) -> float:
    """1 - B(a, b + N) / B(a, b), to ``DIGITS`` significant digits.

    >>> fpir_by_law((1.0, 1.0), 1)  # a uniform chance: one stranger is a look-alike in half of the searches
    0.5
    """
    a, b = law
    left = math.fsum(log1p(-a / (a + b + np.arange(size))).tolist())  # gamma functions of large numbers would cancel
    return float(f"{-math.expm1(left):.{DIGITS}g}")


def near(predicted: float, measured: float) -> bool:
    """The rule of the hold-out: by less than a quarter of the larger, or within .03 and by less than half of it."""
    gap, larger = abs(predicted - measured), max(predicted, measured)
    return gap < _RELATIVE * larger or (gap <= _ABSOLUTE and gap < 2 * _RELATIVE * larger)
