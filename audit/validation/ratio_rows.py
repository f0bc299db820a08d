"""Rows of the coverage study about two groups: ratios, differences, shared people, thresholds calibrated on people who
are compared.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: the truth of a ratio is that of the rates
planted, so an interval is asked for the ratio at the threshold that the target means, not at the one that was found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.stats.contrasts import log_contrast
from audit.stats.dyadic import pair_mask, rate, tabulate
from audit.stats.fnmr import fnmr
from audit.stats.ratios import difference, limited, limited_pair, mover_difference, mover_ratio
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits
from audit.validation.worlds import mated_misses, non_mated

__all__ = ["cells_of", "fnmr_ratio_row", "ratio_row", "shared_row", "within_cells"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def cells_of(sizes: Sequence[int]) -> tuple[Ints, Ints]:
    """(S,) one photo each, and (S,) each person's cell."""
    return np.ones(sum(sizes), np.int64), np.repeat(np.arange(len(sizes)), sizes)


def within_cells(rates: Sequence[float]) -> Floats:
    """(C, C) table of true rates that compares people inside their own cell only."""
    out = np.full((len(rates), len(rates)), np.nan)
    np.fill_diagonal(out, rates)
    return out


def ratio_row(name: str, sizes: tuple[int, int], fmr: tuple[float, float], traits: Traits) -> Row:
    """FMR ratio of two groups without common people."""
    photos, cell = cells_of(sizes)
    a, b = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    truth, fewer = fmr[0] / fmr[1], int(np.argmin([size * (size - 1) * p for size, p in zip(sizes, fmr, strict=True)]))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells(fmr), traits)
        sums = tabulate(photos, cell, 2, d.i, d.j, d.e, "people")
        top, bottom = rate(sums, a), rate(sums, b)
        few = (top.errors, top.rate) if fewer == 0 else (bottom.errors, bottom.rate)
        mover, apart = mover_ratio(*limited_pair(top, bottom)), mover_difference(*limited_pair(top, bottom))
        linear = difference(sums, a, b, guarded=False)
        out = {
            Key("FMR ratio", "people", "MOVER on printed limits", True): Answer(
                mover.value, mover.low, mover.high, truth, *few
            ),
            Key("FMR difference", "people", "MOVER on printed limits", True): Answer(
                apart.value, apart.low, apart.high, fmr[0] - fmr[1], *few
            ),
            Key("FMR difference", "people", "delta, METRICS"): Answer(
                linear.value, linear.low, linear.high, fmr[0] - fmr[1], *few
            ),
        }
        plain = [rate(sums, mask, guarded=False) for mask in (a, b)]
        if plain[0].errors and plain[1].errors:
            metrics = mover_ratio(limited(plain[0]), limited(plain[1]))
            out[Key("FMR ratio", "people", "MOVER on limits by METRICS")] = Answer(
                metrics.value, metrics.low, metrics.high, truth
            )
            delta = log_contrast(sums, [(a, 1.0), (b, -1.0)])
            for method, got in (
                ("delta on logs, t", delta.ratio()),
                ("delta on logs, z", delta.ratio(quantile=1.959964)),
            ):
                out[Key("FMR ratio", "people", method)] = Answer(got.value, got.low, got.high, truth)
        return out

    return Row(name, f"{sizes[0]} people at FMR {fmr[0]:g} against {sizes[1]} at {fmr[1]:g}, rho {traits.rho:g}", draw)


def fnmr_ratio_row(name: str, sizes: tuple[int, int], rates: tuple[float, float], rho: float) -> Row:
    """FNMR ratio of two groups, mostly two photos each."""
    truth, fewer = rates[0] / rates[1], int(np.argmin([size * q for size, q in zip(sizes, rates, strict=True)]))
    photos = [np.where(np.arange(size) % 5 == 0, 4, 2) for size in sizes]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        parts = [fnmr(*mated_misses(rng, n, q, rho)) for n, q in zip(photos, rates, strict=True)]
        few = (parts[fewer].errors, parts[fewer].rate)
        a, b = limited_pair(parts[0], parts[1])
        got, apart = mover_ratio(a, b), mover_difference(a, b)
        return {
            Key("FNMR ratio", "people", "MOVER on printed limits", True): Answer(
                got.value, got.low, got.high, truth, *few
            ),
            Key("FNMR difference", "people", "MOVER on printed limits", True): Answer(
                apart.value, apart.low, apart.high, rates[0] - rates[1], *few
            ),
        }

    return Row(
        name,
        f"{sizes[0]} people at FNMR {rates[0]:g} against {sizes[1]} at {rates[1]:g}, mostly two photos, rho {rho:g}",
        draw,
    )


def shared_row(name: str, sizes: tuple[int, int], fmr: tuple[float, float, float], traits: Traits) -> Row:
    """A coarser group (two cells, cross pairs included) against one of its own cells."""
    photos, cell = cells_of(sizes)
    table = np.array([[fmr[0], fmr[2]], [fmr[2], fmr[1]]])
    coarse, fine = np.ones((2, 2), bool), pair_mask(2, [[0, 0]])
    pairs = np.array([sizes[0] * (sizes[0] - 1) / 2, sizes[1] * (sizes[1] - 1) / 2, sizes[0] * sizes[1]])
    truth = float((pairs * np.array(fmr)).sum() / pairs.sum() / fmr[0])

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, table, traits)
        sums = tabulate(photos, cell, 2, d.i, d.j, d.e, "people")
        got = log_contrast(sums, [(coarse, 1.0), (fine, -1.0)]).ratio()
        inner = rate(sums, fine)
        wrong, apart, few = (
            mover_ratio(limited(rate(sums, coarse)), limited(inner)),
            difference(sums, coarse, fine),
            (inner.errors, inner.rate),
        )
        linear = difference(sums, coarse, fine, guarded=False)
        return {
            Key("FMR difference, shared people", "people", "delta, METRICS"): Answer(
                linear.value, linear.low, linear.high, (truth - 1) * fmr[0]
            ),
            Key("FMR ratio, shared people", "people", "delta on logs, t", True): Answer(
                got.value, got.low, got.high, truth, *few
            ),
            Key("FMR difference, shared people", "people", "MOVER, correlated", True): Answer(
                apart.value, apart.low, apart.high, (truth - 1) * fmr[0], *few
            ),
            Key("FMR ratio, shared people", "people", "MOVER as if disjoint"): Answer(
                wrong.value, wrong.low, wrong.high, truth
            ),
        }

    return Row(
        name,
        f"all {sum(sizes)} people against {sizes[0]} of them, FMR {fmr[0]:g}, {fmr[1]:g}, across "
        f"{fmr[2]:g}, rho {traits.rho:g}",
        draw,
    )
