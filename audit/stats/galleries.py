"""Searches of random galleries, exactly: what one probe finds, averaged over every gallery that could be drawn,
without drawing one.

In: for each probe, how many of the other people reach a threshold (K of M), or stand above its mate. Out: FPIR, SEL
and FNIR per probe, their mean over people, and a jackknife over people. Its one idea: a gallery drawn without
replacement holds a hypergeometric number of those K people (IDENTIFICATION 1). Put the K people in a row and ask of
one after the other whether the gallery holds them: all terms are positive, so the probabilities come out to the last
bits, with neither factorials nor logarithms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Jackknifed", "drawn", "fnir", "fpir", "jackknife", "people_mean", "selectivity"]

Floats = NDArray[np.float64]


def drawn(others: int, size: int, most: int = 0) -> Floats:
    """(M + 1, most + 1): at [K, x] the probability that a gallery of ``size`` people out of M ``others`` holds x of K
    of them.

    >>> drawn(5, 2)[2].tolist()  # C(3,2) / C(5,2)
    [0.3]

    Raises
    ------
    ValueError
        A gallery larger than the people there are.
    """
    if not 0 <= size <= others:
        raise ValueError(f"a gallery of {size} people out of {others}. Allowed: 0 to {others}.")
    x = np.arange(most + 1)
    left = np.maximum(size - x, 0).astype(np.float64)
    out = np.zeros((others + 1, most + 1))
    out[0, 0] = 1.0
    for k in range(others):
        inside = np.minimum(
            left / (others - k), 1.0
        )  # the share of those not yet asked about whom the gallery still holds
        out[k + 1] = out[k] * np.maximum((others - k - left) / (others - k), 0.0)
        out[k + 1, 1:] += out[k, :-1] * inside[:-1]
    return out


def fpir(reached: ArrayLike, others: ArrayLike, sizes: ArrayLike) -> Floats:
    """(P,) probability that a random gallery gives a search for somebody who is not in it at least one candidate.

    Parameters
    ----------
    reached : (P, G) int
        K: people of each group, the probe's own person left out, who reach the threshold. One column for a gallery
        without quotas.
    others : (P, G) int
        M: people of each group, the own one left out.
    sizes : (G,) int
        N: people of each group in the gallery.
    """
    K, M, N = (
        np.atleast_2d(np.asarray(reached, np.int64)),
        np.atleast_2d(np.asarray(others, np.int64)),
        np.asarray(sizes, np.int64),
    )
    none = np.ones(len(K))
    for g, size in enumerate(N.tolist()):
        for population in np.unique(M[:, g]).tolist():
            here = M[:, g] == population
            none[here] *= drawn(population, size)[K[here, g], 0]
    return 1.0 - none


def selectivity(reached: ArrayLike, others: ArrayLike, sizes: ArrayLike) -> Floats:
    """(P,) expected number of candidates, list not truncated: Σ_g N_g K_g / M_g."""
    K, M, N = (np.asarray(one, np.float64) for one in (np.atleast_2d(reached), np.atleast_2d(others), sizes))
    out: Floats = np.divide(N * K, M, out=np.zeros_like(K), where=M > 0).sum(axis=1)
    return out


def fnir(above: ArrayLike, others: ArrayLike, sizes: ArrayLike, ranks: int, found: ArrayLike) -> Floats:
    """(P,) probability that a search misses the person it is for: below the threshold, or not among the first
    ``ranks``.

    Parameters
    ----------
    above : (P, G) int
        People of each group, the own one left out, whose score is at least the mate's: a tie counts against the mate.
    others : (P, G) int
    sizes : (G,) int
        People of each group in the gallery besides the mate.
    ranks : int
        R, at least 1.
    found : (P,) bool
        Whether the mate reaches the threshold; all True for a list of fixed length.
    """
    K, M, N = (
        np.atleast_2d(np.asarray(above, np.int64)),
        np.atleast_2d(np.asarray(others, np.int64)),
        np.asarray(sizes, np.int64),
    )
    before = np.zeros((len(K), ranks))
    before[:, 0] = 1.0
    for g, size in enumerate(N.tolist()):
        more = np.zeros_like(before)
        for population in np.unique(M[:, g]).tolist():
            here = M[:, g] == population
            more[here] = drawn(population, size, ranks - 1)[K[here, g]]
        joined = np.zeros_like(before)
        for x in range(ranks):
            joined[:, x:] += before[:, x : x + 1] * more[:, : ranks - x]
        before = joined
    return np.where(np.asarray(found, bool), np.maximum(1.0 - before.sum(axis=1), 0.0), 1.0)


def people_mean(values: ArrayLike, person: ArrayLike) -> float:
    """Mean over people of the mean over their photos; NaN where there is nobody.

    Parameters
    ----------
    values : (P,) float
    person : (P,) int
    """
    mean = _means(np.asarray(values, np.float64), np.asarray(person, np.int64))[1]
    return float(mean.mean()) if len(mean) else math.nan


class Jackknifed(NamedTuple):
    """A rate and its variance over people."""

    value: float
    variance: float
    people: int


def jackknife(
    reached: ArrayLike,
    person: ArrayLike,
    inside: ArrayLike,
    hit_probe: ArrayLike,
    hit_person: ArrayLike,
    group: ArrayLike,
    size: int,
) -> Jackknifed:
    """FPIR of a group of searchers in galleries of ``size`` drawn from everybody, with the variance of leaving one
    person out.

    Leaving person j out drops j's searches AND takes j out of every gallery: M and, where j is among those reached, K
    fall by one.

    Parameters
    ----------
    reached : (P,) int
        K of each probe, all groups together.
    person : (P,) int
        Whose photo it is, 0 to S - 1.
    inside : (P,) bool
        Probes of the group whose rate it is.
    hit_probe, hit_person : (H,) int
        Who is among those reached: probe and person, each pair once.
    group : (S,) int
        Stratum of each person; all S are enrolled.
    size : int
        N, at most S - 2.

    Source: IDENTIFICATION 2.
    """
    K, who, chosen = np.asarray(reached, np.int64), np.asarray(person, np.int64), np.asarray(inside, bool)
    probe, other, stratum = (np.asarray(one, np.int64) for one in (hit_probe, hit_person, group))
    S = len(stratum)
    found = 1.0 - drawn(S - 1, size)[:, 0]
    fewer = 1.0 - drawn(S - 2, size)[:, 0]
    people, mean = _means(found[K[chosen]], who[chosen])
    if not len(people):
        return Jackknifed(math.nan, math.nan, 0)
    value, n = float(mean.mean()), len(people)
    weight = np.zeros(len(K))
    weight[chosen] = 1.0 / np.bincount(who[chosen], minlength=S)[who[chosen]]
    # Leaving out somebody whom a probe does not reach, and the change where it does reach him or her. A probe that
    # reaches all S - 1 others reaches all S - 2 that are left, whoever is left out.
    without = fewer[np.minimum(K, S - 2)]
    change = fewer[np.maximum(K - 1, 0)] - without
    total = np.bincount(who, weight * without, S)
    theta: Floats = np.full(S, math.fsum(total.tolist())) - total
    kept = chosen[probe]
    theta += np.bincount(other[kept], (weight * change)[probe[kept]], S)
    own = np.zeros(S, np.int64)
    own[people] = 1
    if n == 1:
        return Jackknifed(value, math.nan, 1)
    theta = theta / (n - own)
    variance = 0.0
    for g in np.unique(stratum).tolist():
        part = theta[stratum == g]
        variance += (len(part) - 1) / len(part) * math.fsum(((part - part.mean()) ** 2).tolist())
    return Jackknifed(value, variance, n)


def _means(values: Floats, person: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """People, and the mean of each one's values."""
    people, place, photos = np.unique(person, return_inverse=True, return_counts=True)
    return people, np.bincount(place, values, len(people)) / photos
