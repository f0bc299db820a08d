"""Rates of searches with every person left out once: the jackknife whose unit searches AND is enrolled.

In: per probe, how many people of each block of the gallery reach what counts (K of M), and who they are. Out: each
group's rate, and the rate without person j for every j. Its one idea: leaving j out drops j's searches and takes j out
of every gallery; for a probe that does not reach j only M falls, for one that does K falls too, so all S rates follow
from one pass over those reached (IDENTIFICATION 2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.sums import log

__all__ = [
    "CellSums",
    "Gallery",
    "Jack",
    "Moved",
    "added",
    "any_drawn",
    "by_group",
    "expected_drawn",
    "left_out",
    "log_ratios",
    "none_drawn",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Gallery:
    """How a gallery is drawn: so many people out of each block, without replacement.

    Attributes
    ----------
    block : (S,) int64
        Block of each person; -1 for who is never enrolled.
    sizes : (B,) int64
        People drawn from each block.
    """

    block: Ints
    sizes: Ints

    @property
    def people(self) -> Ints:
        """(B,) people of each block."""
        return np.bincount(self.block[self.block >= 0], minlength=len(self.sizes)).astype(np.int64)

    @property
    def possible(self) -> bool:
        """Whether the gallery can still be drawn when a searcher and one more person are left out of a block."""
        return bool(((self.sizes <= self.people - 2) | (self.sizes == 0)).all())


class Moved(NamedTuple):
    """One number per probe, and what it becomes when somebody leaves: (P,), and (B + 1, P) each.

    ``missed[b]``: somebody of block b whom the probe does not reach leaves; ``hit[b]``: somebody whom it does. The
    last row is that of somebody who is in no block.
    """

    value: Floats
    missed: Floats
    hit: Floats


@lru_cache(maxsize=4096)
def none_drawn(others: int, size: int) -> Floats:
    """(M + 1,) at K the probability that a gallery of ``size`` out of ``others`` people holds none of K of them:
    C(M-K, N) / C(M, N).

    >>> none_drawn(5, 2).tolist()[:3]  # 1, C(4,2)/C(5,2), C(3,2)/C(5,2)
    [1.0, 0.6, 0.3]
    """
    if not 0 <= size <= others:
        raise ValueError(f"a gallery of {size} people out of {others}. Allowed: 0 to {others}.")
    k = np.arange(others, dtype=np.float64)
    factors = np.maximum((others - k - size) / (others - k), 0.0)
    out = np.concatenate([[1.0], np.cumprod(factors)])
    out.flags.writeable = False
    return out


def any_drawn(K: Ints, own: Ints, gallery: Gallery, *, mated: bool) -> Moved:
    """Probability that a gallery holds at least one of the people reached.

    Parameters
    ----------
    K : (B, P) int
        People of each block who are reached, the probe's own person left out.
    own : (P,) int
        Block of the probe's own person, who is not in the gallery, or (``mated``) takes one of its places.
    gallery : Gallery
    mated : bool
    """
    B, P = K.shape
    people = gallery.people
    none, fewer, fewer_hit = np.ones((B, P)), np.ones((B, P)), np.ones((B, P))
    for b in range(B):
        for mine in (False, True):
            at = np.flatnonzero((own == b) == mine)
            if not len(at):
                continue
            M, N = int(people[b]) - mine, max(int(gallery.sizes[b]) - (mine and mated), 0)
            k = K[b, at]
            none[b, at] = none_drawn(M, N)[k]
            less = none_drawn(M - 1, N)
            fewer[b, at], fewer_hit[b, at] = less[np.minimum(k, M - 1)], less[np.maximum(k - 1, 0)]
    before, after = np.ones((B + 1, P)), np.ones((B + 1, P))
    for b in range(B):
        before[b + 1] = before[b] * none[b]
        after[B - 1 - b] = after[B - b] * none[B - 1 - b]
    value = 1.0 - before[B]
    others = before[:B] * after[1:]
    return Moved(value, np.vstack([1.0 - others * fewer, value]), np.vstack([1.0 - others * fewer_hit, value]))


def expected_drawn(K: Ints, own: Ints, gallery: Gallery) -> Moved:
    """How many of the people reached a gallery holds, on average: Σ_b N_b K_b / M_b (parameters as in ``any_drawn``,
    non-mated).
    """
    people = gallery.people
    M = people[:, None] - (own[None, :] == np.arange(len(people))[:, None])
    N = gallery.sizes[:, None].astype(np.float64)
    parts = np.divide(N * K, M, out=np.zeros(K.shape), where=M > 0)
    value = parts.sum(axis=0)
    rest = value - parts
    missed = rest + np.divide(N * K, M - 1, out=np.zeros(K.shape), where=M > 1)
    hit = rest + np.divide(N * np.maximum(K - 1, 0), M - 1, out=np.zeros(K.shape), where=M > 1)
    return Moved(value, np.vstack([missed, value]), np.vstack([hit, value]))


@dataclass(frozen=True, eq=False)
class CellSums:
    """What every group's rate is added up from. C cells of searchers, S people.

    Attributes
    ----------
    total, weight : (C,) float64
        Weighted sum of the probes' numbers, and the weights.
    without : (C, S) float64
        ``total`` when person j is left out.
    own : (S,) float64
        Each person's own weight.
    """

    total: Floats
    weight: Floats
    without: Floats
    own: Floats


def left_out(
    moved: Moved,
    gallery: Gallery,
    person: Ints,
    weight: Floats,
    cell: Ints,
    cells: int,
    hits: tuple[Ints, Ints],
    own: Floats,
    constant: Floats | None = None,
) -> CellSums:
    """Sums over the probes of each cell, and the same without each person.

    Parameters
    ----------
    moved : Moved
    gallery : Gallery
    person, weight : (P,)
        Whose probe, and what it counts.
    cell : (S,) int
        Cell of each person.
    cells : int
    hits : pair of (H,) int
        Probe and person of everybody reached.
    own : (S,) float64
        What each person counts in the denominator.
    constant : (S,) float64, optional
        What each person adds to the numerator besides.
    """
    S, at = len(cell), cell[person]
    total = _summed(at, weight * moved.value, cells)
    missed = np.stack([_summed(at, weight * row, cells) for row in moved.missed])  # (B + 1, C)
    without: Floats = missed[gallery.block].T.copy()
    mine = _summed(person, weight * moved.missed[gallery.block[person], np.arange(len(person))], S)
    probe, other = hits
    change = moved.hit[gallery.block[other], probe] - moved.missed[gallery.block[other], probe]
    without += np.bincount(at[probe] * S + other, weight[probe] * change, cells * S).reshape(cells, S)
    everybody = np.arange(S)
    without[cell, everybody] -= mine
    if constant is not None:
        more = _summed(cell, constant, cells)
        total, without = total + more, without + more[:, None]
        without[cell, everybody] -= constant
    return CellSums(total, _summed(cell, own, cells), without, own)


def _summed(place: Ints, values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(place, values, size), np.float64)


def added(parts: Sequence[CellSums]) -> CellSums:
    """Enrolments together; each weighs alike."""
    names = ("total", "weight", "without", "own")
    total, weight, without, own = (np.sum([getattr(one, name) for one in parts], axis=0) for name in names)
    return CellSums(total, weight, without, own)


class Jack(NamedTuple):
    """A group's rate, its variance over people, and what a t interval needs.

    ``influence`` (S,): what each person moves the rate by, scaled so that its squares sum to the variance; for
    variances of what is made from several rates.
    """

    rate: float
    variance: float
    df: float
    influence: Floats
    theta: Floats


def by_group(sums: CellSums, cell: Ints, inside: Sequence[int], stratum: Ints) -> Jack:
    """Rate of the group of cells ``inside``, with the variance of leaving out one person, stratum by stratum.

    Var = Σ_h (S_h - 1)/S_h Σ_{j in h} (θ_(j) - mean_h)²; df = (Σc)²/Σc² - 1 over the people's parts c of it, as for
    FMR (METRICS 3).
    """
    cells = list(inside)
    weight = float(sums.weight[cells].sum())
    here = np.isin(cell, cells)
    left = weight - np.where(here, sums.own, 0.0)
    if not weight > 0 or not (left > 0).all():
        nothing = np.zeros(len(cell))
        return Jack(
            float(sums.total[cells].sum()) / weight if weight > 0 else math.nan, math.nan, math.nan, nothing, nothing
        )
    theta = np.zeros(len(cell))
    for c in cells:
        theta += sums.without[c]
    theta = np.maximum(theta, 0.0) / left
    influence = centred(theta, stratum)
    return Jack(float(sums.total[cells].sum()) / weight, *_spread(influence), influence, theta)


def centred(theta: Floats, stratum: Ints) -> Floats:
    """(S,) √((S_h - 1)/S_h) (θ_(j) - mean_h): squares sum to the variance."""
    count = np.bincount(stratum)
    mean = np.bincount(stratum, theta) / np.maximum(count, 1)
    scale = np.sqrt((count - 1) / np.maximum(count, 1))
    out: Floats = scale[stratum] * (theta - mean[stratum])
    return out


def _spread(influence: Floats) -> tuple[float, float]:
    square = influence * influence
    total, fourth = float(square.sum()), float((square * square).sum())
    return total, max(2.0, total * total / fourth - 1) if fourth > 0 else math.nan


def log_ratios(a: Jack, b: Jack, stratum: Ints) -> tuple[Floats, float, float]:
    """Influence, variance and df of ln(a/b), jackknifed itself: the groups share the people of the gallery.

    NaN where one of the rates, or one of them without somebody, is 0.
    """
    if not (a.rate > 0 and b.rate > 0 and (a.theta > 0).all() and (b.theta > 0).all()):
        return np.zeros(len(stratum)), math.nan, math.nan
    influence = centred(log(a.theta) - log(b.theta), stratum)
    return influence, *_spread(influence)
