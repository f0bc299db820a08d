"""Many groups, one claim each: how sure must each be so that all hold together.

In: how ratios hang together (they share a reference), or p-values. Out: a pointwise confidence level, or adjusted
p-values. Its one idea: the simultaneous (max-t) band is the pointwise interval at a higher level, so any interval
method can be used at it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from audit.base.sums import product, root_of

__all__ = [
    "FAMILY_ERROR",
    "bonferroni_level",
    "correlation_of_influences",
    "correlation_with_common_reference",
    "family_confidence",
    "simultaneous_level",
]

FAMILY_ERROR = 0.6
"""Share of 1 - confidence that "clear" spends. Intervals of few people miss a little more often than they say, and a
claim about one of several groups must hold all the same: at 1, equal groups were called clearly different in .040 to
.077 of hard worlds. Chosen by the coverage study."""


def family_confidence(confidence: float) -> float:
    """Confidence with which all ratios of a family hold together where one of them is called clear: .97 at .95."""
    return 1 - FAMILY_ERROR * (1 - confidence)


def correlation_with_common_reference(variances: ArrayLike, reference_variance: float) -> NDArray[np.float64]:
    """Correlations of ln(p_g/p_ref), g = 1..G, for disjoint groups: v_ref/√((v_g+v_ref)(v_h+v_ref)) with v = V/p² on
    logs; (G, G).
    """
    total = np.asarray(variances, np.float64) + reference_variance
    scale = np.sqrt(np.outer(total, total))
    # Two rates without spread (both 0 or 1 of everybody) hang together in no way: 0/0 counts as independent, the wider
    # level.
    out: NDArray[np.float64] = np.divide(reference_variance, scale, out=np.zeros_like(scale), where=scale > 0)
    np.fill_diagonal(out, 1.0)
    return out


def correlation_of_influences(influences: ArrayLike) -> NDArray[np.float64]:
    """Correlations of contrasts from their people's influences: (G, S) -> (G, G); for groups that share people."""
    x = np.asarray(influences, np.float64)
    cross = product(x, x.T)
    scale = np.sqrt(np.maximum(np.diagonal(cross), 1e-300))
    out: NDArray[np.float64] = cross / np.outer(scale, scale)
    np.fill_diagonal(out, 1.0)
    return out


def simultaneous_level(correlation: ArrayLike, confidence: float = 0.95, *, draws: int = 50_000, seed: int) -> float:
    """Pointwise confidence at which all G intervals hold together with ``confidence`` (max-t; the largest of G
    correlated normals).

    Print each interval at the level returned. At G = 1 it is ``confidence``; it never exceeds Bonferroni's 1 -
    (1-confidence)/G.

    Parameters
    ----------
    correlation : (G, G) float
        Of the estimates.
    seed : int
    """
    corr = np.asarray(correlation, np.float64)
    if len(corr) == 1:
        return confidence
    z = product(np.random.default_rng(seed).standard_normal((draws, len(corr))), root_of(corr).T)
    quantile = float(np.quantile(np.abs(z).max(axis=1), confidence))
    return min(float(2 * ndtr(quantile) - 1), bonferroni_level(len(corr), confidence))


def bonferroni_level(groups: int, confidence: float = 0.95) -> float:
    """1 - (1-confidence)/G."""
    if groups < 1:
        raise ValueError(f"bonferroni_level: {groups} groups. Allowed: at least 1.")
    return 1 - (1 - confidence) / groups
