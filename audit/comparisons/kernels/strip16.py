"""The compiled pass: 8 x 32 comparisons at a time in registers, counted while the next 8 x 32 are multiplied.

In: codes packed into panels, of one side or two. Out: counts per cell pair and the tail of one strip of rows. Its one
idea: the product loop leaves most of the processor's integer units idle, so the bins of the tile before are counted
inside it, and a histogram costs next to nothing.

Templates are int16 codes. One ``vpdpwssd`` (or ``vpmaddwd`` and an add) multiplies pairs of codes and adds them into
int32. The tile stays in registers, becomes bins, a bit per comparison that reaches the tail's limit, and the integers
themselves. Everything is integer or one float32 operation rounded once, so every flavour gives the same counts.
Numba's cache notices changes of this file only, so ``EMITTER`` holds the sum of the other file that the compiled code
comes from.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once_value
from numba.extending import intrinsic

from audit.comparisons.kernels.emitter import BLOCKS, COMPRESSING, I64, ROWS, TILE_LIMIT, WIDTH, WORDS, Emitter

__all__ = ["EMITTER", "strip"]

EMITTER = "b1b71fedd60fdde3"
"""First digits of the sha256 of ``emitter.py``: who changes that file changes this one, and no cached machine code
outlives it (tested)."""


@intrinsic
def micro_tile(typingctx, flavour, a, b, depth, counted, before, bins, even, odd, masks, integers, left, right, euclidean, tail, histograms, used, found_at, found_x, limits, tile, slope, offset, top):  # type: ignore[no-untyped-def]  # fmt: skip  # noqa: E501
    # Addresses are int64. a, b: panels. before: bins of the previous tile, counted into even and odd, `counted` words
    # per register block. used: entries of found_at and found_x so far; their new number is returned where the flavour
    # appends them itself.
    signature = types.int64(flavour, *[types.int64] * 19, types.int32, *[types.float32] * 3)

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        names = (
            "flavour",
            "a",
            "b",
            "depth",
            "counted",
            "before",
            "bins",
            "even",
            "odd",
            "masks",
            "integers",
            "left",
            "right",
            "euclidean",
            "tail",
            "histograms",
            "used",
            "found_at",
            "found_x",
            "limits",
            "tile",
            "slope",
            "offset",
            "top",
        )
        p = dict(zip(names, arguments, strict=True))
        p["used"] = alloca_once_value(builder, p["used"])
        e = Emitter(builder, signature.args[0].count)
        zeros = [ir.Constant(e.ints, [0] * e.lanes)] * (e.rows * e.vectors)
        per_block = WORDS // BLOCKS[e.flavour]
        block = 0
        for row in range(0, ROWS, e.rows):
            for column in range(0, WIDTH, e.lanes * e.vectors):
                left, right = builder.add(p["a"], I64(4 * row)), builder.add(p["b"], I64(4 * column))
                words = builder.add(p["before"], I64(8 * per_block * block))

                def counting(k, totals, left=left, right=right, words=words):  # type: ignore[no-untyped-def]
                    new = e.step(left, right, k, totals)
                    e.count(builder.add(words, builder.shl(k, I64(3))), p["even"], p["odd"])
                    return new

                k, totals = e.loop("counting", I64(0), p["counted"], zeros, counting)
                _, totals = e.loop(
                    "plain",
                    k,
                    p["depth"],
                    totals,
                    lambda k, totals, left=left, right=right: e.step(left, right, k, totals),
                )
                with builder.if_else(builder.icmp_signed("!=", p["euclidean"], I64(0))) as (distance, product):
                    for here, is_distance in ((distance, True), (product, False)):
                        with here:
                            e.finish(totals, row, column, is_distance, p)
                block += 1
        return builder.load(p["used"])

    return signature, codegen


@intrinsic
def _lowest_bit(typingctx, word):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.int64), codegen


@nb.njit(nogil=True, cache=True, boundscheck=False)
def _drain(masks, integers, tile, found_at, found_x, used):  # type: ignore[no-untyped-def]
    """Append what the bits of a tile say; give the new number of entries."""
    for q in range(ROWS):
        left = np.int64(masks[q])
        while left:
            place = q * WIDTH + _lowest_bit(left)
            left &= left - 1
            found_at[used], found_x[used] = tile + place, integers[place]
            used += 1
    return used


@nb.njit(nogil=True, cache=True, boundscheck=False)
def _settle(  # type: ignore[no-untyped-def]
    found_at,
    found_x,
    start,
    used,
    row,
    rows,
    column,
    inside,
    same_cell,
    triangle,
    subject,
    other,
    row_start,
    column_start,
):
    """Drop padding, the lower triangle and mated pairs from a tile's entries ``start : used``; give the new number of
    entries.
    """
    kept = start
    for k in range(start, used):
        q, c = (found_at[k] >> 5) & (ROWS - 1), found_at[k] & (WIDTH - 1)
        if q >= rows or c >= inside:
            continue
        if same_cell and (
            (triangle and column + c <= row + q) or other[column_start + column + c] == subject[row_start + row + q]
        ):
            continue
        found_at[kept], found_x[kept] = found_at[k], found_x[k]
        kept += 1
    return kept


@nb.njit(nogil=True, cache=True, boundscheck=False)
def strip(flavour, blocks, depth, left, right, g, first, rows, from_panel, to_panel, triangle, euclidean, limits, slope, offset, bins, counts, tail, cap, space, histogram, masks, integers, found_at, found_x, stop_now):  # type: ignore[no-untyped-def]  # fmt: skip  # noqa: E501
    """Compare rows ``first : first + rows`` of cell g on the left with columns of every cell on the right.

    Parameters
    ----------
    flavour : tuple of 1 to 4 zeros: any processor, AVX2, AVX-512, AVX-512 with VNNI blocks : register blocks per tile
    left, right : per side, (panels (P, depth, 32) int32 with two codes each, squares (P * 32,) int32, cell_starts
    (C+1,) int64,
        panel_starts (C+1,) int64, subject (N,) int32); the same twice for a triangle
    first : multiple of 32, counted from the start of cell g; rows : at most 512 from_panel, to_panel : panels of the
    right side that are compared triangle : both sides are the same, and only columns after the row count limits : (P *
    32,) int32, one per row of the left side's panels counts : (C, bins) int64, SET for every cell of the right that is
    met; no rows for no histograms tail : whether pairs that reach their row's limit are wanted; cap : how many at most
    space : (2, 256) uint16; histogram : (2, bins + 64) uint16 zeros; masks : (8,) uint32; integers : (256,) int32; all
    64-byte aligned found_at, found_x : int32, room to begin with stop_now : (1,) uint8

    Returns
    -------
    used : entries of the tail; whole : False if stopped or capped found_at, found_x : int32, the room given or more;
    each entry's place (panel after ``from_panel`` << 14 | row << 5 | column) and integer
    """
    panels, squares, own_starts, own_panels, subject = left
    panels_right, squares_right, cell_starts, panel_starts, other = right
    cells, histograms = len(cell_starts) - 1, counts.shape[0] > 0
    even, odd = histogram.ctypes.data, histogram.ctypes.data + histogram.shape[1] * 2
    per_block = WORDS // blocks
    counted = min(depth, per_block) if histograms else 0
    local = np.zeros(bins, np.int64)
    used, whole, pending, flip = 0, True, False, 0
    strip_rows = (rows + ROWS - 1) // ROWS * ROWS
    tile_panels = max(1, TILE_LIMIT // (strip_rows * WIDTH))
    for h in range(g if triangle else 0, cells):
        columns = cell_starts[h + 1] - cell_starts[h]
        panel, stop = max(from_panel, panel_starts[h]), min(to_panel, panel_starts[h + 1])
        lower = triangle and h == g
        while panel < stop and whole:
            end = min(panel + tile_panels, stop)
            room = used + strip_rows * WIDTH * (end - panel) + WIDTH
            if tail and room > len(found_at):
                wider_at, wider_x = np.empty(2 * room, np.int32), np.empty(2 * room, np.int32)
                wider_at[:used], wider_x[:used] = found_at[:used], found_x[:used]
                found_at, found_x = wider_at, wider_x
            for p in range(panel, end):
                column = (p - panel_starts[h]) * WIDTH
                inside = min(WIDTH, columns - column)
                for r in range(0, rows, ROWS):
                    row = first + r
                    diagonal = lower and column < row + ROWS
                    if diagonal and column + WIDTH - 1 <= row:
                        continue
                    block, lane = own_panels[g] + row // WIDTH, row % WIDTH
                    own = block * WIDTH + lane
                    tile, start = np.int32(((p - from_panel) << 14) | (r << 5)), used
                    used = micro_tile(
                        flavour,
                        panels.ctypes.data + (block * depth * WIDTH + lane) * 4,
                        panels_right.ctypes.data + p * depth * WIDTH * 4,
                        depth,
                        counted if pending else 0,
                        space.ctypes.data + (1 - flip) * 512,
                        space.ctypes.data + flip * 512,
                        even,
                        odd,
                        masks.ctypes.data,
                        integers.ctypes.data,
                        squares.ctypes.data + own * 4,
                        squares_right.ctypes.data + p * WIDTH * 4,
                        euclidean,
                        np.int64(tail),
                        np.int64(histograms),
                        start,
                        found_at.ctypes.data,
                        found_x.ctypes.data,
                        limits.ctypes.data + own * 4,
                        tile,
                        slope,
                        offset,
                        np.float32(bins - 1),
                    )
                    if pending and counted < per_block:
                        for part in range(blocks):
                            for place in range(4 * (part * per_block + counted), 4 * (part + 1) * per_block):
                                histogram[place & 1, space[1 - flip, place]] += np.uint16(1)
                    if diagonal or inside < WIDTH or r + ROWS > rows:
                        for q in range(ROWS):
                            for c in range(WIDTH):
                                if r + q >= rows or c >= inside or (lower and column + c <= row + q):
                                    space[flip, q * WIDTH + c] = bins
                    pending = histograms
                    flip = 1 - flip
                    if tail:
                        if len(flavour) < COMPRESSING:
                            used = _drain(masks, integers, tile, found_at, found_x, start)
                        if h == g or inside < WIDTH or r + ROWS > rows:
                            used = _settle(
                                found_at,
                                found_x,
                                start,
                                used,
                                row,
                                rows - r,
                                column,
                                inside,
                                h == g,
                                triangle,
                                subject,
                                other,
                                own_starts[g],
                                cell_starts[h],
                            )
            if pending:
                for place in range(4 * WORDS):
                    histogram[place & 1, space[1 - flip, place]] += np.uint16(1)
                pending = False
            if histograms:
                for c in range(bins):
                    local[c] += np.int64(histogram[0, c]) + np.int64(histogram[1, c])
                histogram[:] = 0
            whole = used <= cap and stop_now[0] == 0
            panel = end
        if histograms:
            for c in range(bins):
                counts[h, c] = local[c]
                local[c] = 0
    return used, whole, found_at, found_x
