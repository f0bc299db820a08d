"""A flavour of processor in, the LLVM instructions of one register block out, and the sizes that blocks and tiles
have.

Its one idea: one text serves every flavour, which differ in lanes and in how entries of the tail are appended.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import ir

__all__ = ["BLOCKS", "COMPRESSING", "Emitter", "HISTOGRAM_PAD", "I64", "ROWS", "TILE_LIMIT", "WIDTH", "WORDS"]

ROWS: Final = 8


WIDTH: Final = 32


WORDS: Final = ROWS * WIDTH // 4
"""64-bit words of four uint16 bins per tile."""


HISTOGRAM_PAD: Final = 64
"""Entries after the last bin; the first takes what padding or the diagonal leaves over."""


TILE_LIMIT: Final = 131_000
"""Comparisons between two flushes: two uint16 histograms share them evenly,
and 65,535 is the most one counter holds."""


# Lanes of int32, rows and vectors of one register block, by flavour number. The flavour is the LENGTH of a tuple of
# zeros that is passed in: so Numba compiles, and caches on disk, one version for each.
SHAPES: Final = {1: (4, 4, 2), 2: (8, 4, 2), 3: (16, 8, 2), 4: (16, 8, 2)}


COMPRESSING: Final = 3
"""Flavours from this one on append the tail's entries themselves."""


BLOCKS: Final = {
    flavour: ROWS * WIDTH // (rows * vectors * lanes) for flavour, (lanes, rows, vectors) in SHAPES.items()
}


I16, I32, I64, F32 = ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()


class Emitter:
    """Writes the LLVM instructions of one flavour."""

    def __init__(self, builder: Any, flavour: int) -> None:
        self.b, self.flavour = builder, flavour
        self.lanes, self.rows, self.vectors = SHAPES[flavour]
        self.ints, self.floats = ir.VectorType(I32, self.lanes), ir.VectorType(F32, self.lanes)

    def function(self, name: str, result: Any, arguments: list[Any]) -> Any:
        """An LLVM intrinsic, declared once in the module."""
        module = self.b.module
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name)

    def at(self, base: Any, offset: int, kind: Any) -> Any:
        """A pointer to what lies ``offset`` bytes behind an address."""
        return self.b.inttoptr(self.b.add(base, I64(offset)), kind.as_pointer())

    def splat(self, value: Any, kind: Any) -> Any:
        """One value in every lane."""
        empty = ir.Constant(kind, ir.Undefined)
        return self.b.shuffle_vector(
            self.b.insert_element(empty, value, I32(0)),
            empty,
            ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes),
        )

    def multiply_add(self, total: Any, x: Any, y: Any) -> Any:
        """Total + (low x)(low y) + (high x)(high y) per int32 lane holding two codes."""
        if self.flavour == 4:
            return self.b.call(
                self.function("llvm.x86.avx512.vpdpwssd.512", self.ints, [self.ints] * 3), [total, x, y]
            )
        if self.flavour == 1:
            sixteen = ir.Constant(self.ints, [16] * self.lanes)
            low = [self.b.ashr(self.b.shl(v, sixteen), sixteen) for v in (x, y)]
            high = [self.b.ashr(v, sixteen) for v in (x, y)]
            return self.b.add(self.b.add(total, self.b.mul(*low)), self.b.mul(*high))
        shorts = ir.VectorType(I16, 2 * self.lanes)
        name = {2: "llvm.x86.avx2.pmadd.wd", 3: "llvm.x86.avx512.pmaddw.d.512"}[self.flavour]
        return self.b.add(
            total,
            self.b.call(
                self.function(name, self.ints, [shorts, shorts]),
                [self.b.bitcast(x, shorts), self.b.bitcast(y, shorts)],
            ),
        )

    def step(self, a: Any, b: Any, k: Any, totals: list[Any]) -> list[Any]:
        """One pair of dimensions for a whole register block."""
        line = self.b.mul(k, I64(WIDTH * 4))
        left, right = self.b.add(a, line), self.b.add(b, line)
        columns = [
            self.b.load(self.at(right, 4 * self.lanes * q, self.ints), align=4 * self.lanes)
            for q in range(self.vectors)
        ]
        out = []
        for r in range(self.rows):
            row = self.splat(self.b.load(self.at(left, 4 * r, I32), align=4), self.ints)
            out += [self.multiply_add(totals[r * self.vectors + q], row, columns[q]) for q in range(self.vectors)]
        return out

    def count(self, word: Any, even: Any, odd: Any) -> None:
        """Count four uint16 bins; neighbours go to different histograms, so that equal ones do not wait for each
        other.
        """
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
                    limit = self.splat(
                        b.load(self.at(p["limits"], 4 * (row + k // self.vectors), I32), align=4), self.ints
                    )
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
                b.store(
                    b.trunc(b.fptosi(value, self.ints), shorts), self.at(p["bins"], place * 2, shorts), align=2 * lanes
                )

    def keep(self, reached: Any, x: Any, place: int, p: dict[str, Any]) -> None:
        """Append the integers that reached the limit, and their places in the tile, without a branch where the
        processor can compress.

        Elsewhere a bit per comparison and all integers are stored, and the driver looks at the bits.
        """
        b, lanes = self.b, self.lanes
        bits = ir.IntType(lanes)
        if lanes == 16:
            used = b.load(p["used"])
            places = b.add(self.splat(p["tile"], self.ints), ir.Constant(self.ints, list(range(place, place + lanes))))
            compress = self.function(
                "llvm.x86.avx512.mask.compress.v16i32", self.ints, [self.ints, self.ints, reached.type]
            )
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
