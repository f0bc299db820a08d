"""The compiled loops around the kernel: quantise, pack, gather, mated pairs, and small queries on the tail.

In and out: plain arrays. Its one idea: each loop does what its NumPy twin elsewhere in this room does, operation by
operation, so both give the same bits; imported only where Numba works. No fastmath.
"""

from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np

__all__ = ["STRIP", "add", "encode", "mated", "measure", "pack", "scatter", "scores", "tally"]

CENTRED, SCALED = 1, 2
LANES = 64
STRIP = 512
"""Rows of a strip at most: what 9 bits of an entry's place can say."""


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def measure(vectors: Any, centre: Any, mode: int, lengths: Any) -> tuple[float, float]:
    """Give the largest length and largest absolute coordinate of the rows ``v``: centred (1), scaled to length 1 (2)
    or as they are (0).

    ``lengths`` (N,) float64 receives, for mode 2, ``sqrt(sum(v**2))`` of the rows before scaling; sums in d index
    order.
    """
    n, d = vectors.shape
    longest = highest = 0.0
    for r in range(n):
        own = 1.0
        if mode == SCALED:
            total = 0.0
            for k in range(d):
                x = np.float64(vectors[r, k])
                total += x * x
            own = math.sqrt(total)
            lengths[r] = own
        total = 0.0
        for k in range(d):
            x = np.float64(vectors[r, k])
            if mode == CENTRED:
                x -= centre[k]
            elif mode == SCALED:
                x /= own
            total += x * x
            highest = max(highest, abs(x))
        longest = max(longest, math.sqrt(total))
    return longest, highest


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def encode(
    vectors: Any, centre: Any, mode: int, lengths: Any, scale: float, codes: Any, squares: Any
) -> tuple[float, float]:
    """Fill ``codes`` and ``squares``; give the largest residual ``|v - codes / scale|`` and the largest ``|codes /
    scale|``.
    """
    n, d = vectors.shape
    residual = coded = 0.0
    for r in range(n):
        total, square = 0.0, np.int64(0)
        for k in range(d):
            x = np.float64(vectors[r, k])
            if mode == CENTRED:
                x -= centre[k]
            elif mode == SCALED:
                x /= lengths[r]
            code = np.rint(x * scale)
            codes[r, k] = np.int16(code)
            square += np.int64(code) * np.int64(code)
            rest = x - code / scale
            total += rest * rest
        squares[r] = square
        residual = max(residual, math.sqrt(total))
        coded = max(coded, math.sqrt(np.float64(square)) / scale)
    return residual, coded


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def pack(codes: Any, squares: Any, cell_start: int, stop: int, first_panel: int, panels: Any, padded: Any) -> None:
    """Write rows ``cell_start : stop`` (one cell) into panels of 32 rows, pairs of codes side by side; what is left
    over stays 0.
    """
    pairs = codes.shape[1] // 2
    for start in range(cell_start, stop, 32):
        p = first_panel + (start - cell_start) // 32
        for r in range(start, min(start + 32, stop)):
            lane = r - start
            padded[p * 32 + lane] = squares[r]
            for k in range(pairs):
                panels[p, k, 2 * lane], panels[p, k, 2 * lane + 1] = codes[r, 2 * k], codes[r, 2 * k + 1]
            if codes.shape[1] % 2:
                panels[p, pairs, 2 * lane] = codes[r, 2 * pairs]


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def scatter(
    first: int, found_at: Any, found_x: Any, used: int, panel: int, row_of: Any, i_out: Any, j_out: Any, x_out: Any
) -> None:
    """Write one strip's entries (as ``strip16.strip`` leaves them) sorted by row.

    Within a row the columns came in ascending order, so counting rows is all the sorting there is to do. ``row_of``
    (panels,): the first row of each panel on the right; ``panel``: the one that entries count from.
    """
    place_of = np.zeros(STRIP + 1, np.int64)
    for k in range(used):
        place_of[((found_at[k] >> 5) & (STRIP - 1)) + 1] += 1
    place_of = np.cumsum(place_of)
    for k in range(used):
        at = np.uint32(found_at[k])
        row = (at >> 5) & (STRIP - 1)
        place = place_of[row]
        place_of[row] = place + 1
        i_out[place], j_out[place], x_out[place] = first + row, row_of[panel + (at >> 14)] + (at & 31), found_x[k]


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def add(total: Any, pairs: Any, counts: Any) -> None:
    """``total[pairs[k]] += counts[k]``; most bins of a tile are empty."""
    for k in range(len(pairs)):
        for c in range(counts.shape[1]):
            if counts[k, c]:
                total[pairs[k], c] += counts[k, c]


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def scores(x: Any, euclidean: bool, unit: float, out: Any) -> None:
    """Grid scores of integers, as ``Grid.scores``."""
    for k in range(len(x)):
        out[k] = math.sqrt(np.float64(x[k])) * -unit if euclidean else np.float64(x[k]) * unit


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def mated(
    vectors: Any,
    codes: Any,
    starts: Any,
    first: int,
    last: int,
    measure_: int,
    i_out: Any,
    j_out: Any,
    score: Any,
    x_out: Any,
) -> None:
    """All mated pairs of subjects ``first : last``: float64 scores (each sum in d index order) and integers.

    ``measure_``: 0 inner, 1 euclidean, 2 cosine. Many partners of one row side by side: every sum keeps its own order,
    and the processor still adds several at once.
    """
    d = vectors.shape[1]
    others = np.empty((d, LANES), np.float64)
    codes_of = np.empty((d, LANES), np.int32)
    total, whole = np.empty(LANES, np.float64), np.empty(LANES, np.int32)
    k = 0
    for s in range(first, last):
        a, b = starts[s], starts[s + 1]
        size = b - a
        for low in range(a, b, LANES):
            high = min(low + LANES, b)
            if high - a < 2:
                continue
            width = high - low
            for c in range(width):
                for q in range(d):
                    others[q, c], codes_of[q, c] = vectors[low + c, q], codes[low + c, q]
            norms = np.zeros(LANES, np.float64)
            if measure_ == 2:
                for q in range(d):
                    for c in range(width):
                        norms[c] += others[q, c] * others[q, c]
            for i in range(a, high - 1):
                total[:width] = 0.0
                whole[:width] = 0
                norm = 0.0
                for q in range(d):
                    x, code = np.float64(vectors[i, q]), np.int32(codes[i, q])
                    if measure_ == 1:
                        for c in range(width):
                            difference = x - others[q, c]
                            total[c] += difference * difference
                            step = code - codes_of[q, c]
                            whole[c] += np.int32(step * step)
                    else:
                        for c in range(width):
                            total[c] += x * others[q, c]
                            whole[c] += np.int32(code * codes_of[q, c])
                    if measure_ == 2:
                        norm += x * x
                # Row i of this subject has size - 1 - (i - a) partners; they follow those of the rows before it.
                row = i - a
                place = k + row * size - row * (row + 1) // 2 - row - 1
                for c in range(max(low, i + 1) - low, width):
                    at = place + low + c - a
                    i_out[at], j_out[at], x_out[at] = i, low + c, whole[c]
                    if measure_ == 1:
                        score[at] = -math.sqrt(total[c])
                    elif measure_ == 2:
                        score[at] = total[c] / math.sqrt(norm * norms[c])
                    else:
                        score[at] = total[c]
        k += size * (size - 1) // 2


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def tally(
    i: Any,
    j: Any,
    score: Any,
    threshold: float,
    subject: Any,
    photos: Any,
    cell: Any,
    seen: Any,
    touched: Any,
    e: Any,
    e2: Any,
    em: Any,
    w: Any,
    w2: Any,
) -> None:
    """Add what whole people's entries (sorted by i) say at a threshold to the sums per person and cell of the other
    (``PersonSums``).

    ``seen`` (S,) int64 zeros, left as zeros; ``touched`` (S,) int64, any.
    """
    k = 0
    while k < len(i):
        s, used = np.int64(subject[i[k]]), 0
        while k < len(i) and subject[i[k]] == s:
            if score[k] >= threshold:
                t = np.int64(subject[j[k]])
                if seen[t] == 0:
                    touched[used] = t
                    used += 1
                seen[t] += 1
            k += 1
        for q in range(used):
            t = touched[q]
            errors = seen[t]
            seen[t] = 0
            comparisons = photos[s] * photos[t]
            share = np.float64(errors) / np.float64(comparisons)
            for own, other in ((t, cell[s]), (s, cell[t])):
                e[own, other] += errors
                e2[own, other] += errors * errors
                em[own, other] += errors * comparisons
                w[own, other] += share
                w2[own, other] += share * share
