"""Planted truth: people whose comparisons share them, with a false match rate known exactly.

In: samples per person, cells, a target FMR per pair of cells, and how much of a score is the person (rho) and the pair of people (delta).
Out: the dyads with errors, as an audit would tally them. Its one idea: Z = √ρ(a_i+a_j)/√2 + √δ d_ij + √(1-ρ-δ) ε has variance 1 whatever the
shares, so the rate at Φ⁻¹(1-FMR) is FMR in both weightings; and only pairs that match need be drawn in full.

A pair with m comparisons has at least one error with chance at most m·p, p = P(one comparison errs | a_i + a_j). It is proposed at rate m·p; then
one erring comparison is drawn, then the pair's effect given it, then the other m - 1 comparisons; and the pair is kept with chance 1/e, which
undoes the size bias exactly: m·p · [e·P(e)/(m·p)] / e = P(e).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["Dyads", "LFW_PHOTOS", "Traits", "mated_misses", "non_mated", "photo_effects", "photos_like_lfw"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEP, _REACH, _BLOCK = 5e-4, 9.0, 64
_TAIL: Floats = ndtr(-np.arange(-_REACH, _REACH + 2 * _STEP, _STEP))
"""P(N(0,1) >= x) on a grid; linear between (relative error below 1e-6)."""

LFW_PHOTOS = {
    "everyone": {
        **{1: 4069, 2: 779, 3: 291, 4: 187, 5: 112, 6: 55, 7: 39, 8: 33, 9: 26, 10: 15, 11: 16, 12: 10, 13: 11, 14: 10, 15: 11, 16: 3, 17: 8, 18: 5},
        **{19: 7, 20: 5, 21: 4, 22: 5, 23: 3, 24: 3, 25: 1, 26: 2, 27: 1, 28: 2, 29: 2, 30: 2, 31: 2, 32: 3, 33: 3, 35: 1, 36: 1, 37: 1, 39: 2},
        **{41: 2, 42: 2, 44: 1, 48: 1, 49: 1, 52: 2, 53: 1, 55: 1, 60: 1, 71: 1, 77: 1, 109: 1, 121: 1, 144: 1, 236: 1, 530: 1},
    },
    "Black F": {1: 38, 2: 10, 3: 1, 5: 3, 6: 1, 17: 1, 52: 1},
    "Black M": {1: 175, 2: 28, 3: 4, 4: 6, 5: 4, 7: 1, 9: 1, 11: 1, 32: 1},
    "Asian F": {1: 82, 2: 11, 3: 5, 4: 5, 5: 3, 8: 1, 14: 1, 33: 1},
    "Asian M": {1: 201, 2: 37, 3: 8, 4: 5, 5: 2, 6: 4, 8: 4, 9: 3, 10: 1, 11: 3, 13: 2, 15: 1, 32: 1, 60: 1},
}
"""People by number of photos in LFW (13,233 photos, 5,749 people; one has 530): counts only."""


class Traits(NamedTuple):
    """Shares of a score's variance: the person (rho), the pair of people (delta); the rest is the photo."""

    rho: float
    delta: float = 0.0


@dataclass(frozen=True, eq=False)
class Dyads:
    """Pairs of people with errors, i < j (global indices), and each pair's highest score (for threshold studies; one photo each)."""

    i: Ints
    j: Ints
    e: Ints
    score: Floats


def photos_like_lfw(which: str = "everyone") -> Ints:
    """(S,) photos per person, ascending."""
    counts = LFW_PHOTOS[which]
    return np.repeat(np.array(sorted(counts), np.int64), [counts[k] for k in sorted(counts)])


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _chance(x: float, tail: Floats) -> float:
    """P(N(0,1) >= x), from the grid."""
    place = (min(max(x, -_REACH), _REACH - 1e-9) + _REACH) / _STEP
    k = int(place)
    return float(tail[k] + (place - k) * (tail[k + 1] - tail[k]))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _errors(m: int, base: float, cut: float, delta: float, photo: float, sure: bool, rng: Any) -> tuple[int, float]:
    """Errors of one pair with m comparisons, and its score beyond ``base``; ``sure``: proposed at rate m·p, so one comparison errs for certain."""
    if sure:
        tau = math.sqrt(delta + photo)
        excess = _beyond((cut - base) / tau, rng)
        if m == 1:
            return 1, tau * excess
        d = math.sqrt(delta) / tau * excess + math.sqrt(photo) / tau * rng.standard_normal()  # pair effect given that comparison
        one = 0.5 * math.erfc((cut - base - math.sqrt(delta) * d) / math.sqrt(2 * photo))
        e = 1 + rng.binomial(m - 1, one)
        return (e if rng.random() * e < 1.0 else 0), tau * excess
    d = rng.standard_normal()
    one = 0.5 * math.erfc((cut - base - math.sqrt(delta) * d) / math.sqrt(2 * photo))
    return rng.binomial(m, one), 0.0


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _draw_block(
    a_i: Floats, n_i: Ints, a_j: Floats, n_j: Ints, same: bool, cut: float, rho: float, delta: float, tail: Floats, rng: Any
) -> tuple[Ints, Ints, Ints, Floats, int]:
    """All pairs of two sets of people (or of one, ``same``) against one cut; columns sorted by (n, a); arrays longer than the count returned.

    Columns go in blocks of neighbours, whose largest m·p bounds every pair of the block: geometric steps jump to the next candidate, which is
    kept with chance (its own m·p) / (the bound).
    """
    room = 1024
    out_i, out_j, out_e = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    out_s = np.empty(room, np.float64)
    count, columns = 0, len(a_j)
    share, photo = math.sqrt(rho / 2), 1 - rho - delta
    tau = math.sqrt(delta + photo)
    blocks = (columns + _BLOCK - 1) // _BLOCK
    top_a, top_n = np.empty(blocks), np.empty(blocks, np.int64)
    for block in range(blocks):
        top_a[block] = a_j[block * _BLOCK : (block + 1) * _BLOCK].max()
        top_n[block] = n_j[block * _BLOCK : (block + 1) * _BLOCK].max()
    for row in range(len(a_i)):
        first = row + 1 if same else 0
        for block in range(first // _BLOCK, blocks):
            col, stop = max(first, block * _BLOCK), min(columns, (block + 1) * _BLOCK)
            bound = n_i[row] * top_n[block] * _chance((cut - share * (a_i[row] + top_a[block])) / tau, tail) * (1 + 1e-9)
            skipping = bound < 0.5
            rate = math.log1p(-bound) if skipping else 0.0
            while True:
                if skipping:
                    col += int(min(math.log(1.0 - rng.random()) / rate, 1e9))
                if col >= stop:
                    break
                m, base = n_i[row] * n_j[col], share * (a_i[row] + a_j[col])
                q = m * _chance((cut - base) / tau, tail)
                e, top = 0, 0.0
                if skipping:
                    if rng.random() * bound < q:
                        e, top = _errors(m, base, cut, delta, photo, True, rng)
                elif q > 1.0:
                    e, top = _errors(m, base, cut, delta, photo, False, rng)
                elif rng.random() < q:
                    e, top = _errors(m, base, cut, delta, photo, True, rng)
                if e > 0:
                    if count == room:
                        room *= 2
                        out_i, out_j, out_e = np.append(out_i, out_i), np.append(out_j, out_j), np.append(out_e, out_e)
                        out_s = np.append(out_s, out_s)
                    out_i[count], out_j[count], out_e[count], out_s[count] = row, col, e, base + top
                    count += 1
                col += 1
    return out_i, out_j, out_e, out_s, count


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _beyond(x: float, rng: Any) -> float:
    """A standard normal given that it is at least x (Robert 1995 for x > 0)."""
    if x <= 0.0:
        while True:
            z = rng.standard_normal()
            if z >= x:
                return float(z)
    rate = 0.5 * (x + math.sqrt(x * x + 4))
    while True:
        z = x + rng.standard_exponential() / rate
        if rng.random() <= math.exp(-0.5 * (z - rate) ** 2):
            return float(z)


def non_mated(rng: np.random.Generator, n: Ints, cell: Ints, fmr: Floats, traits: Traits, *, people: Floats | None = None) -> Dyads:
    """Draw people and all their non-mated comparisons once.

    Parameters
    ----------
    rng : Generator
    n : (S,) int64
        Photos per person.
    cell : (S,) int64
        Ascending.
    fmr : (C, C) float64
        True rate per pair of cells, symmetric; nan: that pair of cells is not compared.
    traits : Traits
    people : (S,) float64, optional
        Each person's own effect a_i, standard normal; drawn here where absent.

    Returns
    -------
    Dyads
        i < j, in no particular order.
    """
    a = rng.standard_normal(len(n)) if people is None else people
    parts = []
    for g in range(len(fmr)):
        for h in range(g, len(fmr)):
            if math.isnan(fmr[g, h]):
                continue
            at_g, at_h = (np.flatnonzero(cell == c) for c in (g, h))
            at_g, at_h = (at[np.lexsort((a[at], n[at]))] for at in (at_g, at_h))
            cut = float(-ndtri(fmr[g, h]))
            i, j, e, s, k = _draw_block(a[at_g], n[at_g], a[at_h], n[at_h], g == h, cut, traits.rho, traits.delta, _TAIL, rng)
            one, other = at_g[i[:k]], at_h[j[:k]]
            # scores are told relative to the pair's own cut: two groups with different rates have shifted score distributions
            parts.append((np.minimum(one, other), np.maximum(one, other), e[:k], s[:k] - cut))
    i, j, e, s = (np.concatenate([part[k] for part in parts]) for k in range(4))
    return Dyads(i, j, e, s)


def photo_effects(rng: np.random.Generator, n: Ints, fmr: float, traits: Traits, photo: float) -> Dyads:
    """One group whose photos differ too: Z = √ρ(a_i+a_j)/√2 + √φ(b_ik+b_jl)/√2 + √δ d_ij + noise, φ = ``photo``; every comparison drawn.

    A person with many photos is then closer to his average than one with a single photo. ``score`` is not filled.
    """
    size, owner = len(n), np.repeat(np.arange(len(n)), n)
    own = math.sqrt(traits.rho / 2) * rng.standard_normal(size)[owner] + math.sqrt(photo / 2) * rng.standard_normal(len(owner))
    k, m = np.triu_indices(len(owner), 1)
    k, m = k[owner[k] != owner[m]], m[owner[k] != owner[m]]
    pair = owner[k] * size + owner[m]
    shared = math.sqrt(traits.delta) * rng.standard_normal(size * size)[pair]
    noise = math.sqrt(1 - traits.rho - photo - traits.delta) * rng.standard_normal(len(k))
    hit, e = np.unique(pair[own[k] + own[m] + shared + noise >= -ndtri(fmr)], return_counts=True)
    return Dyads(hit // size, hit % size, e, np.zeros(len(e)))


def mated_misses(rng: np.random.Generator, n: Ints, fnmr: float, rho: float, *, people: Floats | None = None) -> tuple[Ints, Ints]:
    """Misses f_i of g_i = n_i(n_i-1)/2 per person: V = √ρ a_i + √(1-ρ) (b_k + b_l)/√2, a miss below Φ⁻¹(FNMR); photos b shared by pairs.

    ``people`` gives the a_i; drawn here where absent.
    """
    g = n * (n - 1) // 2
    f = np.zeros(len(n), np.int64)
    a = rng.standard_normal(len(n)) if people is None else people
    cut = float(ndtri(fnmr))
    for photos in np.unique(n[n > 1]):
        alike = np.flatnonzero(n == photos)
        b = rng.standard_normal((len(alike), photos))
        k, m = np.triu_indices(photos, 1)
        score = math.sqrt(rho) * a[alike, None] + math.sqrt((1 - rho) / 2) * (b[:, k] + b[:, m])
        f[alike] = (score < cut).sum(axis=1)
    return f, g
