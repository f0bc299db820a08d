"""Rows of the coverage study about two groups: ratios, differences, shared people, thresholds calibrated on people who are compared.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: the truth of a ratio is that of the rates planted, so an interval is asked for
the ratio at the threshold that the target means, not at the one that was found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from audit.stats.dyadic import DyadicRate, pair_mask, rate, tabulate
from audit.stats.fnmr import fnmr
from audit.stats.ratios import difference, limited, limited_pair, log_contrast, log_contrast_people, log_slope, mover_difference, mover_ratio, widened
from audit.validation.study import Answer, Key, Row
from audit.validation.worlds import Traits, mated_misses, non_mated

__all__ = ["calibrated_fnmr_row", "calibrated_row", "cells_of", "fnmr_ratio_row", "ratio_row", "shared_row", "within_cells"]

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


def _fewest(*values: DyadicRate) -> tuple[float, float]:
    """Errors and rate of the one with the fewest errors."""
    least = min(values, key=lambda value: value.errors)
    return float(least.errors), least.rate


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
            Key("FMR ratio", "people", "MOVER on printed limits", True): Answer(mover.value, mover.low, mover.high, truth, *few),
            Key("FMR difference", "people", "MOVER on printed limits", True): Answer(apart.value, apart.low, apart.high, fmr[0] - fmr[1], *few),
            Key("FMR difference", "people", "delta, METRICS"): Answer(linear.value, linear.low, linear.high, fmr[0] - fmr[1], *few),
        }
        plain = [rate(sums, mask, guarded=False) for mask in (a, b)]
        if plain[0].errors and plain[1].errors:
            metrics = mover_ratio(limited(plain[0]), limited(plain[1]))
            out[Key("FMR ratio", "people", "MOVER on limits by METRICS")] = Answer(metrics.value, metrics.low, metrics.high, truth)
            delta = log_contrast(sums, [(a, 1.0), (b, -1.0)])
            for method, got in (("delta on logs, t", delta.ratio()), ("delta on logs, z", delta.ratio(quantile=1.959964))):
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
            Key("FNMR ratio", "people", "MOVER on printed limits", True): Answer(got.value, got.low, got.high, truth, *few),
            Key("FNMR difference", "people", "MOVER on printed limits", True): Answer(apart.value, apart.low, apart.high, rates[0] - rates[1], *few),
        }

    return Row(name, f"{sizes[0]} people at FNMR {rates[0]:g} against {sizes[1]} at {rates[1]:g}, mostly two photos, rho {rho:g}", draw)


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
        wrong, apart, few = mover_ratio(limited(rate(sums, coarse)), limited(inner)), difference(sums, coarse, fine), (inner.errors, inner.rate)
        linear = difference(sums, coarse, fine, guarded=False)
        return {
            Key("FMR difference, shared people", "people", "delta, METRICS"): Answer(linear.value, linear.low, linear.high, (truth - 1) * fmr[0]),
            Key("FMR ratio, shared people", "people", "delta on logs, t", True): Answer(got.value, got.low, got.high, truth, *few),
            Key("FMR difference, shared people", "people", "MOVER, correlated", True): Answer(
                apart.value, apart.low, apart.high, (truth - 1) * fmr[0], *few
            ),
            Key("FMR ratio, shared people", "people", "MOVER as if disjoint"): Answer(wrong.value, wrong.low, wrong.high, truth),
        }

    return Row(name, f"all {sum(sizes)} people against {sizes[0]} of them, FMR {fmr[0]:g}, {fmr[1]:g}, across {fmr[2]:g}, rho {traits.rho:g}", draw)


def calibrated_row(name: str, sizes: tuple[int, int], target: float, other: float, traits: Traits) -> Row:
    """The threshold gives ``target`` in the second group of the same people; the first group's rate and ratio at it."""
    photos, cell = cells_of(sizes)
    a, ref = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    floors = (min(0.5, 3 * other), min(0.5, 3 * target))
    tau = float(-ndtri(target))  # the true threshold, on the reference group's own axis
    shift = tau + float(ndtri(other))
    offsets = (float(-ndtri(floors[0])) + shift, float(-ndtri(floors[1])))
    pairs = sizes[1] * (sizes[1] - 1) / 2

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells(floors), traits)
        first = cell[d.i] == 0
        score = d.score + np.where(first, offsets[0], offsets[1])
        reference = np.sort(score[~first])[::-1]
        k = int(target * pairs)
        if k < 1 or k >= len(reference):
            return {}
        threshold = float(reference[k - 1])
        hit = score >= threshold
        sums = tabulate(photos, cell, 2, d.i[hit], d.j[hit], d.e[hit], "people")
        value = rate(sums, a)
        if value.errors == 0:
            return {}
        slope_a, slope_ref = (log_slope(score[chosen], np.ones(int(chosen.sum())), threshold) for chosen in (first, ~first))
        out = {}
        if math.isfinite(slope_a) and math.isfinite(slope_ref) and slope_ref > 0:
            # FMR_A / FMR_ref, both at the threshold the same people set
            got = log_contrast(sums, [(a, 1.0), (ref, -1.0)], calibration=[(ref, -(slope_a - slope_ref) / slope_ref)]).ratio()
            alone = log_contrast(sums, [(a, 1.0)], calibration=[(ref, -slope_a / slope_ref)]).ratio()
            out[Key("FMR ratio, calibrated", "people", "delta on logs, t, calibration term", True)] = Answer(
                got.value, got.low, got.high, other / target, value.errors, value.rate
            )
            out[Key("FMR, calibrated elsewhere", "people", "delta on logs, t, calibration term", True)] = Answer(
                alone.value, alone.low, alone.high, other, value.errors, value.rate
            )
        mover = mover_ratio(limited(value), limited(rate(sums, ref)))
        out[Key("FMR ratio, calibrated", "people", "MOVER as if the threshold were given")] = Answer(
            mover.value, mover.low, mover.high, other / target
        )
        out[Key("FMR, calibrated elsewhere", "people", "printed limits as if the threshold were given")] = Answer(
            value.rate, value.low, value.high, other
        )
        return out

    words = f"{sizes[0]} people at FMR {other:g} where {sizes[1]} others of the same test set the threshold for {target:g}, rho {traits.rho:g}"
    return Row(name, words, draw)


def calibrated_fnmr_row(name: str, sizes: tuple[int, int], target: float, fnmr_: tuple[float, float], traits: Traits, *, tie: float) -> Row:
    """The threshold gives FMR ``target`` in the second group; FNMR of the first and its ratio to the second, at that threshold.

    ``tie`` is the correlation of a person's effect on non-mated and on mated scores; most people have two photos, some four.
    """
    cell = np.repeat([0, 1], sizes)
    photos = np.where(np.arange(sum(sizes)) % 5 == 0, 4, 2).astype(np.int64)
    floor, tau = min(0.5, 3 * target), float(-ndtri(target))
    ref = pair_mask(2, [[1, 1]])
    means = [tau - float(ndtri(q)) for q in fnmr_]  # a mated score is N(mean, 1), so that a share q lies below the true threshold

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        a = rng.standard_normal(sum(sizes))
        own = tie * a + math.sqrt(1 - tie**2) * rng.standard_normal(sum(sizes))
        one = np.ones(sum(sizes), np.int64)  # the first photo of each person sets the threshold: scores of single comparisons
        d = non_mated(rng, one, cell, np.array([[math.nan, math.nan], [math.nan, floor]]), traits, people=a)
        score = np.sort(d.score - float(ndtri(floor)))[::-1]
        k = int(target * sizes[1] * (sizes[1] - 1) / 2)
        if k < 1 or k >= len(score):
            return {}
        found = float(score[k - 1])
        step = 0.15
        stream = int(rng.integers(2**31))

        def misses(at: float, g: int) -> tuple[Ints, Ints]:
            inside = cell == g
            f, m = np.zeros(len(cell), np.int64), np.zeros(len(cell), np.int64)
            share = float(ndtr(at - means[g]))
            f[inside], m[inside] = mated_misses(np.random.default_rng([stream, g]), photos[inside], share, traits.rho, people=own[inside])
            return f, m

        here = [fnmr(*misses(found, g)) for g in (0, 1)]
        few = (here[0].errors, here[0].rate)
        truth, there = fnmr_[0] / fnmr_[1], float(ndtr(found - means[0]) / ndtr(found - means[1]))
        plain = mover_ratio(*limited_pair(here[0], here[1]))
        out = {
            Key("FNMR at the threshold found", "people", "printed", True): Answer(
                here[0].rate, here[0].low, here[0].high, float(ndtr(found - means[0])), *few
            ),
            Key("FNMR ratio at the threshold found", "people", "MOVER on printed limits", True): Answer(
                plain.value, plain.low, plain.high, there, *few
            ),
            Key("FNMR where FMR is the target", "people", "printed, as if the threshold were given"): Answer(
                here[0].rate, here[0].low, here[0].high, fnmr_[0], *few
            ),
            Key("FNMR ratio where FMR is the target", "people", "MOVER as if the threshold were given"): Answer(
                plain.value, plain.low, plain.high, truth, *few
            ),
        }
        hit = d.score - float(ndtri(floor)) >= found
        sums = tabulate(one, cell, 2, d.i[hit], d.j[hit], d.e[hit], "people")
        slope = log_slope(score, np.ones(len(score)), found)
        around = [[fnmr(*misses(found + shift, g)).rate for shift in (-step, step)] for g in (0, 1)]
        if math.isfinite(slope) and slope > 0 and min(min(pair) for pair in around) > 0 and here[0].rate > 0 and here[1].rate > 0:
            h = [math.log(low / high) / (2 * step) for low, high in around]  # -dlog q/dtau, negative
            parts = [(here[0], 1.0), (here[1], -1.0)]
            contrast = log_contrast_people(parts, sums=sums, calibration=[(ref, -(h[0] - h[1]) / slope)])
            wide = widened(plain, max(0.0, contrast.variance - log_contrast_people(parts).variance), 0.95)
            out[Key("FNMR ratio where FMR is the target", "people", "MOVER with the calibration", True)] = Answer(
                wide.value, wide.low, wide.high, truth, *few
            )
            both = contrast.ratio()
            alone = log_contrast_people([(here[0], 1.0)], sums=sums, calibration=[(ref, -h[0] / slope)]).ratio()
            out[Key("FNMR ratio where FMR is the target", "people", "delta on logs, calibration term")] = Answer(
                both.value, both.low, both.high, truth, *few
            )
            out[Key("FNMR where FMR is the target", "people", "delta on logs, calibration term")] = Answer(
                alone.value, alone.low, alone.high, fnmr_[0], *few
            )
        return out

    words = (
        f"{sizes[0]} people at FNMR {fnmr_[0]:g} against {sizes[1]} at {fnmr_[1]:g}, who set the threshold for FMR {target:g}, rho {traits.rho:g}, "
        f"a person's mated and non-mated effects tied by {tie:g}"
    )
    return Row(name, words, draw)
