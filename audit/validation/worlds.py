"""Planted truth: people whose comparisons share them, with a false match rate known exactly.

In: samples per person, cells, a target FMR per pair of cells, and how much of a score is the person (rho) and the pair
of people (delta). Out: the dyads with errors, as an audit would tally them. Its one idea: Z = √ρ(a_i+a_j)/√2 + √δ d_ij
+ √(1-ρ-δ) ε has variance 1 whatever the shares, so the rate at Φ⁻¹(1-FMR) is FMR in both weightings; and only pairs
that match need be drawn in full.

A pair with m comparisons has at least one error with chance at most m·p, p = P(one comparison errs | a_i + a_j). It is
proposed at rate m·p; then one erring comparison is drawn, then the pair's effect given it, then the other m - 1
comparisons; and the pair is kept with chance 1/e, which undoes the size bias exactly: m·p · [e·P(e)/(m·p)] / e = P(e).
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from scipy.special import ndtr, ndtri

from audit.validation.world_people import Dyads, Floats, Ints, Traits

__all__ = [
    "mated_misses",
    "non_mated",
]


_STEP, _REACH, _BLOCK = 5e-4, 9.0, 64
_TAIL: Floats = ndtr(-np.arange(-_REACH, _REACH + 2 * _STEP, _STEP))
"""P(N(0,1) >= x) on a grid; linear between (relative error below 1e-6)."""


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _chance(x: float, tail: Floats) -> float:
    """P(N(0,1) >= x), from the grid."""
    place = (min(max(x, -_REACH), _REACH - 1e-9) + _REACH) / _STEP
    k = int(place)
    return float(tail[k] + (place - k) * (tail[k + 1] - tail[k]))


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _errors(m: int, base: float, cut: float, delta: float, photo: float, sure: bool, rng: Any) -> tuple[int, float]:
    """Errors of one pair with m comparisons, and its score beyond ``base``; ``sure``: proposed at rate m·p, so one
    comparison errs for certain.
    """
    if sure:
        tau = math.sqrt(delta + photo)
        excess = _beyond((cut - base) / tau, rng)
        if m == 1:
            return 1, tau * excess
        d = (
            math.sqrt(delta) / tau * excess + math.sqrt(photo) / tau * rng.standard_normal()
        )  # pair effect given that comparison
        one = 0.5 * math.erfc((cut - base - math.sqrt(delta) * d) / math.sqrt(2 * photo))
        e = 1 + rng.binomial(m - 1, one)
        return (e if rng.random() * e < 1.0 else 0), tau * excess
    d = rng.standard_normal()
    one = 0.5 * math.erfc((cut - base - math.sqrt(delta) * d) / math.sqrt(2 * photo))
    return rng.binomial(m, one), 0.0


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _draw_block(
    a_i: Floats,
    n_i: Ints,
    a_j: Floats,
    n_j: Ints,
    same: bool,
    cut: float,
    rho: float,
    delta: float,
    tail: Floats,
    rng: Any,
) -> tuple[Ints, Ints, Ints, Floats, int]:
    """All pairs of two sets of people (or of one, ``same``) against one cut; columns sorted by (n, a); arrays longer
    than the count returned.

    Columns go in blocks of neighbours, whose largest m·p bounds every pair of the block: geometric steps jump to the
    next candidate, which is kept with chance (its own m·p) / (the bound).
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
            bound = (
                n_i[row] * top_n[block] * _chance((cut - share * (a_i[row] + top_a[block])) / tau, tail) * (1 + 1e-9)
            )
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


def non_mated(
    rng: np.random.Generator, n: Ints, cell: Ints, fmr: Floats, traits: Traits, *, people: Floats | None = None
) -> Dyads:
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
            i, j, e, s, k = _draw_block(
                a[at_g], n[at_g], a[at_h], n[at_h], g == h, cut, traits.rho, traits.delta, _TAIL, rng
            )
            one, other = at_g[i[:k]], at_h[j[:k]]
            # scores are told relative to the pair's own cut: two groups with different rates have shifted score
            # distributions
            parts.append((np.minimum(one, other), np.maximum(one, other), e[:k], s[:k] - cut))
    i, j, e, s = (np.concatenate([part[k] for part in parts]) for k in range(4))
    return Dyads(i, j, e, s)


def mated_misses(
    rng: np.random.Generator, n: Ints, fnmr: float, rho: float, *, people: Floats | None = None
) -> tuple[Ints, Ints]:
    """Misses f_i of g_i = n_i(n_i-1)/2 per person: V = √ρ a_i + √(1-ρ) (b_k + b_l)/√2, a miss below Φ⁻¹(FNMR); photos
    b shared by pairs.

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
