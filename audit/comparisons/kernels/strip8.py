"""The tail alone, faster: 8-bit codes decide who may be in it, 16-bit codes who is.

In: 8-bit codes in panels, the 16-bit codes row by row. Out: the very tail ``strip16.strip`` gives. Its one idea: one
``vpdpbusd`` multiplies twice as many 8-bit codes as ``vpdpwssd`` does 16-bit ones; rounding to 8 bits moves a score by
a known amount at most, so what lies further than that from the limit is settled, and the few pairs left are multiplied
again.

Only for processors with AVX-512 VNNI. It shares no code with ``strip16``, because Numba's cache notices changes of the
driver's own file only.
"""

from __future__ import annotations

from typing import Any, Final

import numba as nb
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once_value
from numba.extending import intrinsic

__all__ = ["encode", "strip"]

ROWS: Final = 8
WIDTH: Final = 32
LANES: Final = 16
BATCH: Final = 2_048
"""Entries that wait until their true integers are computed: enough to keep many memory reads under way."""
I32, I64 = ir.IntType(32), ir.IntType(64)
INTS = ir.VectorType(I32, LANES)


def _at(builder: Any, base: Any, offset: int, kind: Any) -> Any:
    return builder.inttoptr(builder.add(base, I64(offset)), kind.as_pointer())


def _splat(builder: Any, value: Any) -> Any:
    empty = ir.Constant(INTS, ir.Undefined)
    return builder.shuffle_vector(builder.insert_element(empty, value, I32(0)), empty, ir.Constant(INTS, [0] * LANES))


def _loop(builder: Any, stop: Any, totals: list[Any], body: Any) -> list[Any]:
    """``for k in range(stop): totals = body(k, totals)``, at least once."""
    before, inside, after = builder.block, builder.append_basic_block("inside"), builder.append_basic_block("after")
    builder.branch(inside)
    builder.position_at_end(inside)
    k, carried = builder.phi(I64), [builder.phi(INTS) for _ in totals]
    new = body(k, carried)
    following = builder.add(k, I64(1))
    builder.cbranch(builder.icmp_signed("<", following, stop), inside, after)
    for phi, first, again in zip([k, *carried], [I64(0), *totals], [following, *new], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(again, builder.block)
    builder.position_at_end(after)
    return list(new)


def _function(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    return builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


@intrinsic
def _candidates(typingctx, a, b, depth, left, right, euclidean, used, found_at, tile, limit):  # type: ignore[no-untyped-def]
    # Addresses are int64. Appends the places of an 8 x 32 tile that may reach the limit to found_at; gives its new
    # number of entries.
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        a, b, depth, left, right, euclidean, used, found_at, tile, limit = arguments
        multiply = _function(builder, "llvm.x86.avx512.vpdpbusd.512", INTS, [INTS] * 3)
        end = alloca_once_value(builder, used)

        def step(k, totals):  # type: ignore[no-untyped-def]
            line = builder.mul(k, I64(WIDTH * 4))
            rows, columns = builder.add(a, line), builder.add(b, line)
            ours = [builder.load(_at(builder, columns, 64 * q, INTS), align=64) for q in range(2)]
            out = []
            for r in range(ROWS):
                row = _splat(builder, builder.load(_at(builder, rows, 4 * r, I32), align=4))
                out += [builder.call(multiply, [totals[2 * r + q], row, ours[q]]) for q in range(2)]
            return out

        totals = _loop(builder, depth, [ir.Constant(INTS, [0] * LANES)] * (2 * ROWS), step)
        wide, start = _splat(builder, limit), _splat(builder, tile)
        other = [builder.load(_at(builder, right, 64 * q, INTS), align=4) for q in range(2)]
        with builder.if_else(builder.icmp_signed("!=", euclidean, I64(0))) as (distance, product):
            for here, is_distance in ((distance, True), (product, False)):
                with here:
                    for r in range(ROWS):
                        for q in range(2):
                            x = totals[2 * r + q]
                            if is_distance:
                                own = _splat(builder, builder.load(_at(builder, left, 4 * r, I32), align=4))
                                x = builder.sub(
                                    builder.add(own, other[q]), builder.shl(x, ir.Constant(INTS, [1] * LANES))
                                )
                            else:
                                x = builder.add(x, other[q])
                            reached = builder.icmp_signed("<=" if is_distance else ">=", x, wide)
                            places = builder.add(
                                start, ir.Constant(INTS, [r * WIDTH + q * LANES + c for c in range(LANES)])
                            )
                            compress = _function(
                                builder, "llvm.x86.avx512.mask.compress.v16i32", INTS, [INTS, INTS, reached.type]
                            )
                            packed = builder.call(compress, [places, ir.Constant(INTS, [0] * LANES), reached])
                            so_far = builder.load(end)
                            builder.store(
                                packed,
                                _at(builder, builder.add(found_at, builder.shl(so_far, I64(2))), 0, INTS),
                                align=4,
                            )
                            bits = builder.bitcast(reached, ir.IntType(LANES))
                            count = builder.call(_function(builder, "llvm.ctpop.i16", bits.type, [bits.type]), [bits])
                            builder.store(builder.add(so_far, builder.zext(count, I64)), end)
        return builder.load(end)

    return types.int64(*[types.int64] * 8, types.int32, types.int32), codegen


@intrinsic
def _product(typingctx, a, b, chunks):  # type: ignore[no-untyped-def]
    # Sum of products of `chunks` x 32 int16 codes at two addresses.
    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        a, b, chunks = arguments
        multiply = _function(builder, "llvm.x86.avx512.vpdpwssd.512", INTS, [INTS] * 3)

        def step(k, totals):  # type: ignore[no-untyped-def]
            place = builder.mul(k, I64(64))
            x, y = (builder.load(_at(builder, builder.add(base, place), 0, INTS), align=2) for base in (a, b))
            return [builder.call(multiply, [totals[0], x, y])]

        total = _loop(builder, chunks, [ir.Constant(INTS, [0] * LANES)], step)[0]
        return builder.call(_function(builder, "llvm.vector.reduce.add.v16i32", I32, [INTS]), [total])

    return types.int32(types.int64, types.int64, types.int64), codegen


@nb.njit(nogil=True, cache=True, boundscheck=False)  # type: ignore[untyped-decorator]
def encode(
    codes: Any, factor: float, starts: Any, panel_starts: Any, left: Any, right: Any, squares: Any, sums: Any
) -> tuple[float, float]:
    """Round 16-bit codes times ``factor`` to 8 bits, into panels: ``left`` uint8 (plus 128), ``right`` int8.

    Returns
    -------
    residual : largest ``|codes - rounded / factor|`` of a row; coded : largest ``|rounded / factor|``
    """
    d = codes.shape[1]
    residual = coded = 0.0
    for c in range(len(starts) - 1):
        for r in range(starts[c], starts[c + 1]):
            panel, lane = panel_starts[c] + (r - starts[c]) // WIDTH, (r - starts[c]) % WIDTH
            rest, square, total = 0.0, np.int64(0), np.int64(0)
            for k in range(d):
                code = np.int64(np.rint(codes[r, k] * factor))
                left[panel, k // 4, lane * 4 + k % 4] = np.uint8(code + 128)
                right[panel, k // 4, lane * 4 + k % 4] = np.int8(code)
                square += code * code
                total += code
                difference = codes[r, k] - code / factor
                rest += difference * difference
            squares[panel * WIDTH + lane], sums[panel * WIDTH + lane] = square, total
            residual = max(residual, np.sqrt(rest))
            coded = max(coded, np.sqrt(np.float64(square)) / factor)
    return residual, coded


@nb.njit(nogil=True, cache=True, boundscheck=False)
def _settle(found_at, found_x, start, used, left, right, first, rows, h, panel, same_cell, triangle, euclidean, limit):  # type: ignore[no-untyped-def]
    """Keep the entries ``start : used`` whose true integers reach the limit; give the new number of entries.

    Entries lie in one cell pair, whose columns begin ``panel`` panels after the first that is compared; ``first``: row
    on the left that entries count from. No branch but the rare ones: many products are under way at once.
    """
    codes, squares, subject = left[2], left[3], left[6]
    others, other_squares, cell_starts, other = right[2], right[3], right[4], right[6]
    columns_start, columns = cell_starts[h], cell_starts[h + 1] - cell_starts[h]
    kept, d = start, codes.shape[1]
    for k in range(start, used):
        at = np.uint32(found_at[k])
        row, column = np.int64((at >> 5) & 511), (np.int64(at >> 14) - panel) * WIDTH + np.int64(at & 31)
        i, j = first + row, columns_start + column
        if row >= rows or column >= columns or (same_cell and ((triangle and j <= i) or subject[i] == other[j])):
            continue
        x = np.int64(0)
        if d >= WIDTH:
            x += _product(codes.ctypes.data + i * d * 2, others.ctypes.data + j * d * 2, d // WIDTH)
        for q in range(d // WIDTH * WIDTH, d):
            x += np.int64(codes[i, q]) * np.int64(others[j, q])
        if euclidean:
            x = np.int64(squares[i]) + np.int64(other_squares[j]) - 2 * x
        found_at[kept], found_x[kept] = found_at[k], x
        kept += np.int64(x <= limit if euclidean else x >= limit)
    return kept


@nb.njit(nogil=True, cache=True, boundscheck=False)
def strip(  # type: ignore[no-untyped-def]
    left,
    right,
    depth,
    rough,
    g,
    first,
    rows,
    from_panel,
    to_panel,
    triangle,
    euclidean,
    limit,
    cap,
    found_at,
    found_x,
    stop_now,
):
    """As ``strip16.strip`` without counts, with one limit for all rows.

    Parameters
    ----------
    left, right : per side, (panels (P, depth, 128), left uint8 and right int8; (P * 32,) int32, what is added to each
    row's or column's part of
        ``x`` in 8 bits; codes (N, D) int16; squares (N,) int32; cell_starts, panel_starts (C+1,) int64; subject (N,)
        int32)
    rough : limit of ``x`` in 8 bits; limit : of the true ``x``
    """
    eights, own, own_starts, own_panels = left[0], left[1], left[4], left[5]
    eights_right, added, cell_starts, panel_starts = right[0], right[1], right[4], right[5]
    cells = len(cell_starts) - 1
    used, whole = 0, True
    for h in range(g if triangle else 0, cells):
        start, stop = used, min(to_panel, panel_starts[h + 1])
        for p in range(max(from_panel, panel_starts[h]), stop):
            room = used + (rows + ROWS) * WIDTH
            if room > len(found_at):
                wider_at, wider_x = np.empty(2 * room, np.int32), np.empty(2 * room, np.int32)
                wider_at[:used], wider_x[:used] = found_at[:used], found_x[:used]
                found_at, found_x = wider_at, wider_x
            for r in range(0, rows, ROWS):
                row = first + r
                if triangle and h == g and (p - panel_starts[h] + 1) * WIDTH - 1 <= row:
                    continue
                panel, lane = own_panels[g] + row // WIDTH, row % WIDTH
                used = _candidates(
                    eights.ctypes.data + (panel * depth * WIDTH + lane) * 4,
                    eights_right.ctypes.data + p * depth * WIDTH * 4,
                    depth,
                    own.ctypes.data + (panel * WIDTH + lane) * 4,
                    added.ctypes.data + p * WIDTH * 4,
                    euclidean,
                    used,
                    found_at.ctypes.data,
                    np.int32(((p - from_panel) << 14) | (r << 5)),
                    rough,
                )
            if used - start > BATCH or p + 1 == stop:
                used = _settle(
                    found_at,
                    found_x,
                    start,
                    used,
                    left,
                    right,
                    own_starts[g] + first,
                    rows,
                    h,
                    panel_starts[h] - from_panel,
                    h == g,
                    triangle,
                    euclidean,
                    limit,
                )
                start = used
                if used > cap or stop_now[0] != 0:
                    whole = False
                    break
        if not whole:
            break
    return used, whole, found_at, found_x
