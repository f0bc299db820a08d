"""The threshold that gives a false match rate, picked from observed scores (METRICS 1).

In: non-mated scores (or only their upper part, with the size of the whole), a target rate, and weights where a random
pair of PEOPLE is meant. Out: the smallest observed score whose rate does not exceed the target. Its one idea: tie
blocks stay whole and nothing is interpolated, so the threshold is a score that occurred, and the rate at it is a ratio
of two things that were counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PEOPLE_SLACK",
    "WEIGHT_GRAIN",
    "best_threshold",
    "threshold_by_comparisons",
    "threshold_by_people",
    "threshold_in_window",
    "weight_in_grains",
]

PEOPLE_SLACK: Final = 1e-12
"""Weights 1/(m_i m_j) are rounded, so a weighted rate may pass its target by this relative amount (METRICS 1)."""

WEIGHT_GRAIN: Final = 2**150
"""Weights 1/(m_i m_j) >= 2**-62 are whole multiples of 2**-115 or less, so as integers of this grain they add exactly,
as ``fsum`` does."""


def weight_in_grains(product: int) -> int:
    """``1.0 / product``, the float64 weight of a comparison, as an integer number of grains."""
    numerator, denominator = (1.0 / product).as_integer_ratio()
    return numerator * (WEIGHT_GRAIN // denominator)


def threshold_in_window(
    scores: ArrayLike, costs: Sequence[int], above: int, passes: Callable[[int], bool]
) -> tuple[float | None, bool]:
    """Smallest score in a window of exact scores at which the running cost still passes, tie blocks whole.

    Parameters
    ----------
    scores : array (K,) float64
        The scores of the window, any order.
    costs : sequence of K int
        What each adds: 1, or its weight in grains.
    above : int
        Cost of everything above the window.
    passes : callable
        Whether a running cost is allowed; once it says no, it says no to every larger one.

    Returns
    -------
    threshold : float or None
        None if not even the window's top block passes.
    whole : bool
        True if all of the window passes, so that the threshold may lie below it.
    """
    values = np.asarray(scores, dtype=np.float64)
    running, picked = above, None
    order = np.argsort(-values, kind="stable").tolist()
    k = 0
    while k < len(order):
        score = values[order[k]]
        while k < len(order) and values[order[k]] == score:
            running += costs[order[k]]
            k += 1
        if not passes(running):
            return picked, False
        picked = float(score)
    return picked, True


def threshold_by_comparisons(scores: ArrayLike, target: float, *, total: int | None = None) -> float | None:
    """Smallest observed T with ``#{u >= T} / total <= target``.

    Parameters
    ----------
    scores : array (K,) float64
        Non-mated scores, larger = more alike, in any order; all of them, or the K largest.
    target : float
        Share of comparisons, in [0, 1].
    total : int, optional
        Number of all non-mated comparisons, of which ``scores`` are the largest; default K.

    Returns
    -------
    float or None
        ``nextafter(max, +inf)`` if even the top score's tie block is too large; ``inf`` if there are no comparisons at
        all; None if the K scores do not reach down far enough to tell.

    Source: METRICS 1.
    """
    values = _checked(scores, target)
    size = len(values) if total is None else int(total)
    if size < len(values):
        raise ValueError(f"total={size} is less than the {len(values)} scores given")
    if size == 0:
        return math.inf
    allowed = _largest_count(target, size)
    if allowed >= len(values):
        return None if len(values) < size else float(values.min())
    # The (allowed + 1)-th largest score is one too many; its whole tie block stays out.
    first_out = float(np.partition(values, len(values) - 1 - allowed)[len(values) - 1 - allowed])
    above = values[values > first_out]
    return float(above.min()) if len(above) else math.nextafter(first_out, math.inf)


def threshold_by_people(
    scores: ArrayLike, target: float, weights: ArrayLike, *, total: float | None = None
) -> float | None:
    """Smallest observed T with ``fsum(w[u >= T]) <= target * total * (1 + 1e-12)``.

    Parameters
    ----------
    scores : array (K,) float64
        Non-mated scores, all of them or the largest ones.
    target : float
        Share of pairs of people, one random photo each, in [0, 1].
    weights : array (K,) float64
        ``1 / (m_i * m_j)``, m = photos of each of the two people.
    total : float, optional
        ``fsum`` of the weights of ALL non-mated comparisons; default that of ``weights``.

    Returns
    -------
    float or None
        As ``threshold_by_comparisons``.

    Source: METRICS 1.
    """
    values = _checked(scores, target)
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != values.shape or (len(weight) and not weight.min() > 0):
        raise ValueError("weights: one positive number per score")
    whole = math.fsum(weight) if total is None else float(total)
    if whole == 0:
        return math.inf
    limit = target * whole * (1 + PEOPLE_SLACK)
    if len(values) == 0:
        return None
    order = np.argsort(-values, kind="stable")
    values, weight = values[order], weight[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    running = np.cumsum(weight)[ends]
    # cumsum's error is at most K units in the last place; inside that doubt fsum, which is correctly rounded, decides.
    doubt = running[-1] * len(values) * 2.3e-16
    low, high = (
        int(np.searchsorted(running, limit - doubt, "right")),
        int(np.searchsorted(running, limit + doubt, "right")),
    )
    while low < high:
        middle = (low + high) // 2
        if math.fsum(weight[: ends[middle] + 1]) <= limit:
            low = middle + 1
        else:
            high = middle
    if low == 0:
        return math.nextafter(float(values[0]), math.inf)
    if low == len(ends) and total is not None and whole > math.fsum(weight) * (1 + PEOPLE_SLACK):
        return None
    return float(values[ends[low - 1]])


def _largest_count(target: float, size: int) -> int:
    """Largest k in 0..size with ``k / size <= target``, the division correctly rounded."""
    k = min(size, max(0, math.floor(target * size)))
    while k < size and (k + 1) / size <= target:
        k += 1
    while k > 0 and k / size > target:
        k -= 1
    return k


def _checked(scores: ArrayLike, target: float) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError("scores: one dimension, no NaN")
    if not 0 <= target <= 1:
        raise ValueError(f"target={target}: a share, 0 to 1")
    return values


def best_threshold(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Observed score at which most pairs are decided rightly (match if score >= threshold); the lowest of equals.

    Where every such score decides fewer rightly than matching nobody does, the next number above the highest score,
    which matches nobody.

    Parameters
    ----------
    scores : NDArray (P,) float64
    mated : NDArray (P,) bool
    """
    if not len(scores):
        return float("inf")
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], mated[order]
    right = np.cumsum(
        np.where(truth, 1, -1)
    )  # matching everything down to here: mated pairs gained less non-mated pairs lost
    last_of_tie = np.r_[ranked[1:] != ranked[:-1], True]
    candidates = np.flatnonzero(last_of_tie)
    best = right[candidates].max(initial=0)
    if not (right[candidates] == best).any():
        return float(np.nextafter(ranked[0], np.inf))
    return float(ranked[candidates[right[candidates] == best][-1]])
