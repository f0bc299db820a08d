"""Sums, products and elementary functions of float64 that give the same bits on every machine.

In: arrays. Out: the same numbers whichever BLAS kernel, vector width, thread count or C library runs. Its one idea: a
single addition, multiplication, division or square root is rounded alike everywhere; what differs between machines is
the ORDER of additions (BLAS, einsum) and the approximation of log, exp and powers (vectorised libraries). So orders
are fixed here, and functions are made of single operations.

``numpy.sum`` and ``mean`` add in blocks of a fixed order that no vector width changes, so they need no replacement;
``@``, ``dot``, ``einsum``, ``exp``, ``log``, ``log1p``, ``expm1`` and powers above 2 do wherever their result is
published. Integers below 2**53 are exact in any order.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["dot", "exp", "expm1", "log", "log1p", "mean_of_rows", "power", "product", "raised", "root_of"]

Floats = NDArray[np.float64]
LN2_HIGH: Final = 6.93147180369123816490e-01
LN2_LOW: Final = 1.90821492927058770002e-10
"""ln 2 in two parts, of which multiples of the first are exact up to 2**20 times (fdlibm)."""
SMALL: Final = 0.35
"""Below it ``exp(x) - 1`` is its own series."""
FLAT: Final = 1e-12
"""Of a variance of 1: what is left below it is rounding."""


def dot(a: ArrayLike, b: ArrayLike) -> float:
    """Sum of products of two (K,) arrays, each product rounded once, their sum correctly rounded.

    >>> dot([1e16, 1.0, -1e16], [1, 1, 1])
    1.0
    """
    return math.fsum(np.multiply(np.asarray(a, np.float64), np.asarray(b, np.float64)).ravel())


def product(a: ArrayLike, b: ArrayLike) -> Floats:
    """Matrix product (M, K) x (K, N) or (K,), summed over k = 0, 1, ..., K-1 in that order.

    >>> product([[1, 2], [3, 4]], [[1, 0], [0, 1]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    columns = right[:, None] if right.ndim == 1 else right
    out, space = np.zeros((len(left), columns.shape[1])), np.empty((len(left), columns.shape[1]))
    turned = np.ascontiguousarray(left.T)
    for k in range(len(columns)):
        np.multiply(turned[k][:, None], columns[k], out=space)
        out += space
    return out[:, 0] if right.ndim == 1 else out


def power(x: ArrayLike, n: int) -> Floats:
    """``x`` to a whole power from 0, by multiplications.

    >>> power([2.0, -3.0], 3).tolist()
    [8.0, -27.0]
    """
    base, out = np.asarray(x, np.float64), np.ones_like(np.asarray(x, np.float64))
    while n:
        if n & 1:
            out = out * base
        n >>= 1
        base = base * base if n else base
    return out


def exp(x: ArrayLike) -> Floats:
    """``e**x`` within 2 units in the last place.

    >>> exp([0.0, -np.inf]).tolist()
    [1.0, 0.0]
    """
    value = np.asarray(x, np.float64)
    bounded = np.clip(value, -800.0, 800.0)
    k = np.rint(bounded * (1 / math.log(2)))
    rest = (bounded - k * LN2_HIGH) - k * LN2_LOW
    with np.errstate(over="ignore", under="ignore"):
        out: Floats = np.ldexp(1.0 + _series(rest), np.nan_to_num(k).astype(np.int32))
    return np.where(np.isnan(value), value, out)


def expm1(x: ArrayLike) -> Floats:
    """``e**x - 1`` without loss near 0."""
    value = np.asarray(x, np.float64)
    small = np.abs(value) < SMALL
    return np.where(small, _series(np.where(small, value, 0.0)), exp(value) - 1.0)


def _series(x: Floats) -> Floats:
    """``e**x - 1`` for abs(x) < 0.36, by its Taylor series."""
    out = np.zeros_like(x)
    for k in range(15, 1, -1):
        out = (out + 1.0) * (x / k)
    return x + x * out


def log(x: ArrayLike) -> Floats:
    """Natural logarithm within 2 units in the last place; -inf at 0, NaN below.

    >>> log([1.0, 0.0]).tolist()
    [0.0, -inf]
    """
    value = np.asarray(x, np.float64)
    usual = (value > 0) & np.isfinite(value)
    part, k = np.frexp(np.where(usual, value, 1.0))
    low = part < math.sqrt(0.5)
    part, k = np.where(low, part * 2, part), k - low
    f = part - 1.0
    s = f / (2.0 + f)
    z = s * s
    series = np.zeros_like(z)
    for n in range(23, 1, -2):
        series = (series + 1.0 / n) * z
    # fdlibm's arrangement: log(1+f) = f - (f*f/2 - s*(f*f/2 + R)), R = 2 * (z/3 + z*z/5 + ...).
    half = 0.5 * f * f
    out = k * LN2_HIGH - ((half - (s * (half + 2.0 * series) + k * LN2_LOW)) - f)
    special = np.where(value == 0, -np.inf, np.where(value == np.inf, np.inf, np.nan))
    return np.where(usual, out, special)


def log1p(x: ArrayLike) -> Floats:
    """``log(1 + x)`` without loss near 0."""
    value = np.asarray(x, np.float64)
    whole = 1.0 + value
    off = whole - 1.0
    safe = np.where((off != 0) & np.isfinite(off), off, 1.0)
    return np.where(off == 0, value, np.where(np.isfinite(off), log(whole) * (value / safe), log(whole)))


def root_of(correlation: ArrayLike) -> Floats:
    """Lower triangle L with ``L L' = correlation`` (Cholesky), one operation at a time; what has no variance of its
    own left gets none.
    """
    corr = np.asarray(correlation, np.float64)
    out = np.zeros_like(corr)
    for k in range(len(corr)):
        left = corr[k, k] - math.fsum((out[k, :k] * out[k, :k]).tolist())
        if left <= FLAT:
            continue
        out[k, k] = math.sqrt(left)
        for row in range(k + 1, len(corr)):
            out[row, k] = (corr[row, k] - math.fsum((out[row, :k] * out[k, :k]).tolist())) / out[k, k]
    return out


def raised(x: ArrayLike, exponent: float) -> Floats:
    """``x`` (>= 0) to any power: the square root itself for 1/2, else ``exp(exponent * log(x))``."""
    value = np.asarray(x, np.float64)
    if exponent == 0.5:
        return np.sqrt(value)
    if exponent == 1 or exponent == 0:
        return value if exponent else np.ones_like(value)
    with np.errstate(invalid="ignore"):
        return exp(exponent * log(value))


def mean_of_rows(table: ArrayLike) -> Floats:
    """(N, D) -> (D,) float64: rows are added one after the other within blocks, and blocks likewise; zeros where there
    are no rows.
    """
    rows = np.asarray(table)
    total = np.zeros(rows.shape[1])
    for start in range(0, len(rows), 256):
        total += rows[start : start + 256].astype(np.float64).sum(axis=0)
    return total / max(1, len(rows))
