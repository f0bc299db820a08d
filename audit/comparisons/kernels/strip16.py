"""The compiled pass: 8 x 32 comparisons at a time in registers, counted while the next 8 x 32 are multiplied.

In: codes packed into panels, of one side or two. Out: counts per cell pair and the tail of one strip of rows. Its one idea: the
product loop leaves most of the processor's integer units idle, so the bins of the tile before are counted inside it, and a histogram costs next to
nothing.

Templates are int16 codes. One ``vpdpwssd`` (or ``vpmaddwd`` and an add) multiplies pairs of codes and adds them into int32. The tile stays in
registers, becomes bins, a bit per comparison that reaches the tail's limit, and the integers themselves. Everything is integer or one float32
operation rounded once, so every flavour gives the same counts. The micro-kernel and its driver share one file because Numba's cache notices
changes of the driver's file only.
"""

from __future__ import annotations

from typing import Any, Final

import numba as nb
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once_value
from numba.extending import intrinsic

__all__ = ["BLOCKS", "HISTOGRAM_PAD", "WIDTH", "strip"]

ROWS: Final = 8
WIDTH: Final = 32
WORDS: Final = ROWS * WIDTH // 4
"""64-bit words of four uint16 bins per tile."""
HISTOGRAM_PAD: Final = 64
"""Entries after the last bin; the first takes what padding or the diagonal leaves over."""
TILE_LIMIT: Final = 131_000
"""Comparisons between two flushes: two uint16 histograms share them evenly, and 65,535 is the most one counter holds."""

# Lanes of int32, rows and vectors of one register block, by flavour number. The flavour is the LENGTH of a tuple of zeros that is passed in: so
# Numba compiles, and caches on disk, one version for each.
SHAPES: Final = {1: (4, 4, 2), 2: (8, 4, 2), 3: (16, 8, 2), 4: (16, 8, 2)}
COMPRESSING: Final = 3
"""Flavours from this one on append the tail's entries themselves."""
BLOCKS: Final = {flavour: ROWS * WIDTH // (rows * vectors * lanes) for flavour, (lanes, rows, vectors) in SHAPES.items()}

I16, I32, I64, F32 = ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()


class _Emitter:
    """Writes the LLVM instructions of one flavour."""

    def __init__(self, builder: Any, flavour: int) -> None:
        self.b, self.flavour = builder, flavour
        self.lanes, self.rows, self.vectors = SHAPES[flavour]
        self.ints, self.floats = ir.VectorType(I32, self.lanes), ir.VectorType(F32, self.lanes)

    def function(self, name: str, result: Any, arguments: list[Any]) -> Any:
        module = self.b.module
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name)

    def at(self, base: Any, offset: int, kind: Any) -> Any:
        return self.b.inttoptr(self.b.add(base, I64(offset)), kind.as_pointer())

    def splat(self, value: Any, kind: Any) -> Any:
        empty = ir.Constant(kind, ir.Undefined)
        return self.b.shuffle_vector(
            self.b.insert_element(empty, value, I32(0)), empty, ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        )

    def multiply_add(self, total: Any, x: Any, y: Any) -> Any:
        """Total + (low x)(low y) + (high x)(high y) per int32 lane holding two codes."""
        if self.flavour == 4:
            return self.b.call(self.function("llvm.x86.avx512.vpdpwssd.512", self.ints, [self.ints] * 3), [total, x, y])
        if self.flavour == 1:
            sixteen = ir.Constant(self.ints, [16] * self.lanes)
            low = [self.b.ashr(self.b.shl(v, sixteen), sixteen) for v in (x, y)]
            high = [self.b.ashr(v, sixteen) for v in (x, y)]
            return self.b.add(self.b.add(total, self.b.mul(*low)), self.b.mul(*high))
        shorts = ir.VectorType(I16, 2 * self.lanes)
        name = {2: "llvm.x86.avx2.pmadd.wd", 3: "llvm.x86.avx512.pmaddw.d.512"}[self.flavour]
        return self.b.add(
            total, self.b.call(self.function(name, self.ints, [shorts, shorts]), [self.b.bitcast(x, shorts), self.b.bitcast(y, shorts)])
        )

    def step(self, a: Any, b: Any, k: Any, totals: list[Any]) -> list[Any]:
        """One pair of dimensions for a whole register block."""
        line = self.b.mul(k, I64(WIDTH * 4))
        left, right = self.b.add(a, line), self.b.add(b, line)
        columns = [self.b.load(self.at(right, 4 * self.lanes * q, self.ints), align=4 * self.lanes) for q in range(self.vectors)]
        out = []
        for r in range(self.rows):
            row = self.splat(self.b.load(self.at(left, 4 * r, I32), align=4), self.ints)
            out += [self.multiply_add(totals[r * self.vectors + q], row, columns[q]) for q in range(self.vectors)]
        return out

    def count(self, word: Any, even: Any, odd: Any) -> None:
        """Count four uint16 bins; neighbours go to different histograms, so that equal ones do not wait for each other."""
        bins = self.b.load(self.b.inttoptr(word, I64.as_pointer()), align=8)
        for e in range(4):
            one = self.b.lshr(bins, I64(16 * e)) if e else bins
            one = self.b.and_(one, I64(0xFFFF)) if e < 3 else one
            place = self.b.inttoptr(self.b.add(odd if e % 2 else even, self.b.shl(one, I64(1))), I16.as_pointer())
            self.b.store(self.b.add(self.b.load(place, align=2), I16(1)), place, align=2)

    def loop(self, name: str, start: Any, stop: Any, totals: list[Any], body: Any) -> tuple[Any, list[Any]]:
        """Emit ``for k in range(start, stop): totals = body(k, totals)``; give the k it stopped at and the totals."""
        before, inside, after = self.b.block, self.b.append_basic_block(name), self.b.append_basic_block(name + "_end")
        self.b.cbranch(self.b.icmp_signed("<", start, stop), inside, after)
        self.b.position_at_end(inside)
        k = self.b.phi(I64)
        carried = [self.b.phi(self.ints) for _ in totals]
        new = body(k, carried)
        following = self.b.add(k, I64(1))
        latch = self.b.block
        self.b.cbranch(self.b.icmp_signed("<", following, stop), inside, after)
        for phi, first, again in zip([k, *carried], [start, *totals], [following, *new], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(again, latch)
        self.b.position_at_end(after)
        ends = [self.b.phi(I64), *[self.b.phi(self.ints) for _ in totals]]
        for phi, first, again in zip(ends, [start, *totals], [following, *new], strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(again, latch)
        return ends[0], ends[1:]

    def finish(self, totals: list[Any], row: int, column: int, euclidean: bool, p: dict[str, Any]) -> None:
        """Turn products into integers x; keep those that reach the tail's limit; give each its bin."""
        b, lanes = self.b, self.lanes
        xs = []
        for r in range(self.rows):
            if euclidean:
                own = self.splat(b.load(self.at(p["left"], 4 * (row + r), I32), align=4), self.ints)
            for q in range(self.vectors):
                x = totals[r * self.vectors + q]
                if euclidean:
                    other = b.load(self.at(p["right"], 4 * (column + q * lanes), self.ints), align=4)
                    x = b.sub(b.add(own, other), b.shl(x, ir.Constant(self.ints, [1] * lanes)))
                xs.append((x, (row + r) * WIDTH + column + q * lanes))
        with b.if_then(b.icmp_signed("!=", p["tail"], I64(0))):
            for k, (x, place) in enumerate(xs):
                if k % self.vectors == 0:
                    limit = self.splat(b.load(self.at(p["limits"], 4 * (row + k // self.vectors), I32), align=4), self.ints)
                self.keep(b.icmp_signed("<=" if euclidean else ">=", x, limit), x, place, p)
        with b.if_then(b.icmp_signed("!=", p["histograms"], I64(0))):
            slope, offset, top = (self.splat(p[name], self.floats) for name in ("slope", "offset", "top"))
            zero = ir.Constant(self.floats, [0.0] * lanes)
            for x, place in xs:
                value = b.sitofp(x, self.floats)
                if euclidean:
                    value = b.call(self.function(f"llvm.sqrt.v{lanes}f32", self.floats, [self.floats]), [value])
                value = b.fadd(b.fmul(value, slope), offset)
                value = b.select(b.fcmp_ordered(">", value, zero), value, zero)
                value = b.select(b.fcmp_ordered("<", value, top), value, top)
                shorts = ir.VectorType(I16, lanes)
                b.store(b.trunc(b.fptosi(value, self.ints), shorts), self.at(p["bins"], place * 2, shorts), align=2 * lanes)

    def keep(self, reached: Any, x: Any, place: int, p: dict[str, Any]) -> None:
        """Append the integers that reached the limit, and their places in the tile, without a branch where the processor can compress.

        Elsewhere a bit per comparison and all integers are stored, and the driver looks at the bits.
        """
        b, lanes = self.b, self.lanes
        bits = ir.IntType(lanes)
        if lanes == 16:
            used = b.load(p["used"])
            places = b.add(self.splat(p["tile"], self.ints), ir.Constant(self.ints, list(range(place, place + lanes))))
            compress = self.function("llvm.x86.avx512.mask.compress.v16i32", self.ints, [self.ints, self.ints, reached.type])
            for values, name in ((places, "found_at"), (x, "found_x")):
                packed = b.call(compress, [values, ir.Constant(self.ints, [0] * lanes), reached])
                b.store(packed, b.inttoptr(b.add(p[name], b.shl(used, I64(2))), self.ints.as_pointer()), align=4)
            count = b.call(self.function("llvm.ctpop.i16", I16, [I16]), [b.bitcast(reached, bits)])
            b.store(b.add(used, b.zext(count, I64)), p["used"])
            return
        if lanes == 8:
            b.store(b.bitcast(reached, bits), self.at(p["masks"], place // 8, bits), align=1)
        else:
            half = b.zext(b.bitcast(reached, bits), ir.IntType(8))
            spot = self.at(p["masks"], place // 8, ir.IntType(8))
            b.store(b.or_(b.load(spot), b.shl(half, ir.IntType(8)(place % 8))) if place % 8 else half, spot)
        b.store(x, self.at(p["integers"], place * 4, self.ints), align=4 * lanes)


@intrinsic
def micro_tile(typingctx, flavour, a, b, depth, counted, before, bins, even, odd, masks, integers, left, right, euclidean, tail, histograms, used, found_at, found_x, limits, tile, slope, offset, top):  # type: ignore[no-untyped-def]  # fmt: skip  # noqa: E501
    # Addresses are int64. a, b: panels. before: bins of the previous tile, counted into even and odd, `counted` words per register block.
    # used: entries of found_at and found_x so far; their new number is returned where the flavour appends them itself.
    signature = types.int64(flavour, *[types.int64] * 19, types.int32, *[types.float32] * 3)

    def codegen(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        names = (
            *("flavour", "a", "b", "depth", "counted", "before", "bins", "even", "odd", "masks", "integers", "left", "right"),
            *("euclidean", "tail", "histograms", "used", "found_at", "found_x", "limits", "tile", "slope", "offset", "top"),
        )
        p = dict(zip(names, arguments, strict=True))
        p["used"] = alloca_once_value(builder, p["used"])
        e = _Emitter(builder, signature.args[0].count)
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
                _, totals = e.loop("plain", k, p["depth"], totals, lambda k, totals, left=left, right=right: e.step(left, right, k, totals))
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
def _settle(found_at, found_x, start, used, row, rows, column, inside, same_cell, triangle, subject, other, row_start, column_start):  # type: ignore[no-untyped-def]  # noqa: E501
    """Drop padding, the lower triangle and mated pairs from a tile's entries ``start : used``; give the new number of entries."""
    kept = start
    for k in range(start, used):
        q, c = (found_at[k] >> 5) & (ROWS - 1), found_at[k] & (WIDTH - 1)
        if q >= rows or c >= inside:
            continue
        if same_cell and ((triangle and column + c <= row + q) or other[column_start + column + c] == subject[row_start + row + q]):
            continue
        found_at[kept], found_x[kept] = found_at[k], found_x[k]
        kept += 1
    return kept


@nb.njit(nogil=True, cache=True, boundscheck=False)
def strip(flavour, blocks, depth, left, right, g, first, rows, from_panel, to_panel, triangle, euclidean, limits, slope, offset, bins, counts, tail, cap, space, histogram, masks, integers, found_at, found_x, stop_now):  # type: ignore[no-untyped-def]  # fmt: skip  # noqa: E501
    """Compare rows ``first : first + rows`` of cell g on the left with columns of every cell on the right.

    Parameters
    ----------
    flavour : tuple of 1 to 4 zeros: any processor, AVX2, AVX-512, AVX-512 with VNNI
    blocks : register blocks per tile
    left, right : per side, (panels (P, depth, 32) int32 with two codes each, squares (P * 32,) int32, cell_starts (C+1,) int64,
        panel_starts (C+1,) int64, subject (N,) int32); the same twice for a triangle
    first : multiple of 32, counted from the start of cell g; rows : at most 512
    from_panel, to_panel : panels of the right side that are compared
    triangle : both sides are the same, and only columns after the row count
    limits : (P * 32,) int32, one per row of the left side's panels
    counts : (C, bins) int64, SET for every cell of the right that is met; no rows for no histograms
    tail : whether pairs that reach their row's limit are wanted; cap : how many at most
    space : (2, 256) uint16; histogram : (2, bins + 64) uint16 zeros; masks : (8,) uint32; integers : (256,) int32; all 64-byte aligned
    found_at, found_x : int32, room to begin with
    stop_now : (1,) uint8

    Returns
    -------
    used : entries of the tail; whole : False if stopped or capped
    found_at, found_x : int32, the room given or more; each entry's place (panel after ``from_panel`` << 14 | row << 5 | column) and integer
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
                        flavour, panels.ctypes.data + (block * depth * WIDTH + lane) * 4, panels_right.ctypes.data + p * depth * WIDTH * 4, depth,
                        counted if pending else 0, space.ctypes.data + (1 - flip) * 512, space.ctypes.data + flip * 512, even, odd,
                        masks.ctypes.data, integers.ctypes.data, squares.ctypes.data + own * 4, squares_right.ctypes.data + p * WIDTH * 4,
                        euclidean, np.int64(tail), np.int64(histograms), start, found_at.ctypes.data, found_x.ctypes.data,
                        limits.ctypes.data + own * 4, tile, slope, offset, np.float32(bins - 1),
                    )  # fmt: skip
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
                                found_at, found_x, start, used, row, rows - r, column, inside, h == g, triangle, subject, other,
                                own_starts[g], cell_starts[h],
                            )  # fmt: skip
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
