"""Beyond the scores that were seen: a tail fit, offered as a band over its shape and never as a number.

In: a threshold u, the rate φ above it, and a scale σ of a generalised Pareto tail. Out: FMR at a score, or the score
for an FMR, per shape ξ. Its one idea: the spread over plausible shapes is the message (METRICS 1.1). A name variant or
a twin in the tail owns the fit, so the top pairs are reviewed first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["SHAPES", "fit_exponential_scale", "fmr_beyond", "threshold_beyond"]

SHAPES = (-0.2, 0.0, 0.1)
"""ξ shown side by side: bounded, exponential, heavy (METRICS 1.1)."""


def fmr_beyond(score: float, u: float, rate: float, scale: float, shape: float) -> float:
    """FMR(s) = φ_u(1 + ξ(s-u)/σ)^(-1/ξ) for s > u; φ_u·exp(-(s-u)/σ) at ξ = 0; 0 beyond the end point of ξ < 0."""
    if score < u or scale <= 0:
        raise ValueError(f"fmr_beyond: score {score}, u {u}, scale {scale}. Allowed: score >= u, scale > 0.")
    x = (score - u) / scale
    if shape == 0:
        return rate * math.exp(-x)
    base = 1 + shape * x
    return rate * base ** (-1 / shape) if base > 0 else 0.0


def threshold_beyond(target: float, u: float, rate: float, scale: float, shape: float) -> float:
    """The score at which the fitted tail has FMR ``target`` (< φ_u)."""
    if not 0 < target <= rate or scale <= 0:
        raise ValueError(
            f"threshold_beyond: target {target}, rate {rate}, scale {scale}. Allowed: 0 < target <= rate, scale > 0."
        )
    ratio = math.log(rate / target)
    return u + scale * (ratio if shape == 0 else math.expm1(shape * ratio) / shape)


def fit_exponential_scale(scores: ArrayLike, u: float, weights: ArrayLike | None = None) -> float:
    """Weighted mean excess over u: the maximum-likelihood σ at ξ = 0, around which the shapes are shown."""
    s: NDArray[np.float64] = np.asarray(scores, np.float64)
    w = np.ones(len(s)) if weights is None else np.asarray(weights, np.float64)
    above = s > u
    if not above.any():
        raise ValueError("fit_exponential_scale: no score above u. Allowed: at least one, better 30.")
    return float((w[above] * (s[above] - u)).sum() / w[above].sum())
