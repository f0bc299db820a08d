"""Two matchers read on the same people: how many times one's rate is the other's, with what they share cancelling.

In: each pair of people's (or each person's) share of errors under both matchers. Out: a ``Contrast`` of ln(b/a). Its
one idea: the contrast is one statistic of pairs of people, so it has the dyadic variance of METRICS 3 (S - Q over M
squared) like any other; where both matchers err on the same pair, the two errors meet in one residual and cancel. No
draws: the vertex bootstrap estimates S + Q, and its limits were 1.03 to 2.04 times as wide as they need be.

ψ_d = (x_b - p_b)/(M p_b) - (x_a - p_a)/(M p_a) = x_b/(M p_b) - x_a/(M p_a): the rates themselves cancel, so only pairs
with an error count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.sums import power
from audit.stats.contrasts import Contrast

__all__ = ["LEAST_ERRORS", "Errors", "Setting", "paired_people", "paired_ratio"]

LEAST_ERRORS = 10
"""Pairs of people (or people) with errors under either matcher, below which no interval is printed: logarithms of so
few are not normal."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Errors(NamedTuple):
    """One matcher's errors among the pairs of some people: i < j and x = e/m of each pair with an error, out of M
    pairs.
    """

    i: Ints
    j: Ints
    x: Floats
    M: float

    @property
    def rate(self) -> float:
        """Mean of x over the M pairs."""
        return float(self.x.sum()) / self.M if self.M else math.nan


class Setting(NamedTuple):
    """Pairs on which one matcher's threshold was set: their errors, the people (S,) bool, and the logarithm's response
    to their rate.
    """

    errors: Errors
    people: NDArray[np.bool_]
    response: float
    """(d ln rate / dT) / h: what the compared rate's logarithm moves when the threshold does, over the slope -d ln FMR
    / dT of the pairs it was set on."""


def _influence(
    people: int, parts: Sequence[tuple[Errors, float]], constants: Sequence[tuple[NDArray[np.bool_], float]]
) -> tuple[Floats, float]:
    """Per person S_i = Σψ and Σψ² over all pairs, for ψ = Σ weight·x over the listed pairs plus a constant for all
    pairs of some people.
    """
    key = np.concatenate([part.i * people + part.j for part, _ in parts])
    pair, place = np.unique(key, return_inverse=True)
    y = np.bincount(place, np.concatenate([weight * part.x for part, weight in parts]), len(pair)).astype(np.float64)
    i, j = pair // people, pair % people
    S_i: Floats = np.bincount(i, y, people).astype(np.float64) + np.bincount(j, y, people)
    square = float((y**2).sum())
    for inside, c in constants:
        n = int(inside.sum())
        S_i = S_i + np.where(inside, c * (n - 1), 0.0)
        both = inside[i] & inside[j]
        square += 2 * c * float(y[both].sum()) + c * c * n * (n - 1) / 2
    for a, (first, c) in enumerate(constants):
        for second, d in constants[a + 1 :]:
            n = int((first & second).sum())
            square += c * d * n * (n - 1)
    return S_i, max(0.0, square)


def _contrast(value: float, S_i: Floats, square: float, unseen: float) -> Contrast:
    """Var = max(S - Q, Q) and one error on one side only that was not met; t where people cluster."""
    total = float((S_i**2).sum())
    clustered = total - square > square
    df = max(2.0, total**2 / float(power(S_i, 4).sum()) - 1) if clustered else None
    return Contrast(value, max(total - square, square) + unseen, df, S_i)


_NOTHING = "no errors in one of them"


def paired_ratio(
    people: int, a: Sequence[Errors], b: Sequence[Errors], signs: Sequence[float], settings: Sequence[Setting] = ()
) -> Contrast:
    """Σ_g sign_g·ln(FMR of b / FMR of a) in the same groups, one or two of them without common people.

    Parameters
    ----------
    people : int
        S.
    a, b : sequence of Errors
        One per group, ``people`` weighting.
    signs : sequence of float
        (1,) for one group; (1, -1) for the change of a differential.
    settings : sequence of Setting
        What thresholds that were set on these people add: of ``a`` with the negative response.

    Returns
    -------
    Contrast
        Without a variance, and a note, where a rate is 0 or fewer than ``LEAST_ERRORS`` pairs erred.

    Source: METRICS 3 (Fogliato, Patil & Perona 2023), applied to ln b/a.
    """
    zero = np.zeros(people)
    if any(not (one.M > 0 and one.rate > 0) for one in (*a, *b)):
        return Contrast(math.nan, math.nan, None, zero, _NOTHING)
    value = sum(sign * math.log(two.rate / one.rate) for sign, one, two in zip(signs, a, b, strict=True))
    fewest = min(len(one.x) for one in (*a, *b))
    if fewest < LEAST_ERRORS:
        return Contrast(value, math.nan, None, zero, f"only {fewest} pairs of people with errors: no interval")
    parts = [(two, sign / (two.M * two.rate)) for sign, two in zip(signs, b, strict=True)]
    parts += [(one, -sign / (one.M * one.rate)) for sign, one in zip(signs, a, strict=True)]
    constants = []
    for one in settings:
        if one.response and one.errors.rate > 0:
            parts.append((one.errors, one.response / (one.errors.M * one.errors.rate)))
            constants.append((one.people, -one.response / one.errors.M))
    return _contrast(
        value,
        *_influence(people, parts, constants),
        sum(1 / min(len(x.x), len(y.x)) ** 2 for x, y in zip(a, b, strict=True)),
    )


def paired_people(
    y_a: Sequence[ArrayLike],
    y_b: Sequence[ArrayLike],
    inside: Sequence[NDArray[np.bool_]],
    signs: Sequence[float],
    settings: Sequence[Setting] = (),
) -> Contrast:
    """Σ_g sign_g·ln(FNMR of b / FNMR of a): each person's share of missed comparisons (S,) under both, over the people
    ``inside`` each group.
    """
    people = len(inside[0])
    influence, value, unseen, fewest = np.zeros(people), 0.0, 0.0, people
    for first, second, here, sign in zip(y_a, y_b, inside, signs, strict=True):
        a, b = (np.asarray(one, np.float64)[here] for one in (first, second))
        if not (len(a) and a.sum() > 0 and b.sum() > 0):
            return Contrast(math.nan, math.nan, None, np.zeros(people), _NOTHING)
        value += sign * math.log(b.sum() / a.sum())
        influence[here] += sign * (b / b.sum() - a / a.sum())
        least = min(int((a > 0).sum()), int((b > 0).sum()))
        unseen, fewest = unseen + 1 / least**2, min(fewest, least)
    if fewest < LEAST_ERRORS:
        return Contrast(value, math.nan, None, np.zeros(people), f"only {fewest} people missed: no interval")
    square = 0.0
    for one in settings:
        if one.response and one.errors.rate > 0:
            scale = one.response / (one.errors.M * one.errors.rate)
            S_i, more = _influence(people, [(one.errors, scale)], [(one.people, -one.response / one.errors.M)])
            influence, square = influence + S_i, square + more
    total = float((influence**2).sum())
    fourth = float(power(influence, 4).sum())
    df = max(2.0, total**2 / fourth - 1) if fourth > 0 else None
    return Contrast(value, max(total - square, square) + unseen, df, influence)
