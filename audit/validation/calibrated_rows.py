"""Worlds whose threshold is set on the people measured in, rows of the coverage study out: do ratios hold when it
moves too?
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from audit.stats.contrasts import log_contrast, log_contrast_people
from audit.stats.dyadic import pair_mask, rate, tabulate
from audit.stats.fnmr import fnmr
from audit.stats.ratios import limited, log_slope, mover_ratio, widened
from audit.validation.ratio_rows import Ints, cells_of, within_cells
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits
from audit.validation.worlds import mated_misses, non_mated

__all__ = ["calibrated_fnmr_row", "calibrated_row"]


def calibrated_row(name: str, sizes: tuple[int, int], target: float, other: float, traits: Traits) -> Row:
    """The threshold gives ``target`` in the second group of the same people;
    the first group's rate and ratio at it.
    """
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
        slope_a, slope_ref = (
            log_slope(score[chosen], np.ones(int(chosen.sum())), threshold) for chosen in (first, ~first)
        )
        out = {}
        if math.isfinite(slope_a) and math.isfinite(slope_ref) and slope_ref > 0:
            # FMR_A / FMR_ref, both at the threshold the same people set
            got = log_contrast(
                sums, [(a, 1.0), (ref, -1.0)], calibration=[(ref, -(slope_a - slope_ref) / slope_ref)]
            ).ratio()
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

    words = (
        f"{sizes[0]} people at FMR {other:g} where {sizes[1]} others of the same test set the "
        f"threshold for {target:g}, rho {traits.rho:g}"
    )
    return Row(name, words, draw)


def calibrated_fnmr_row(
    name: str, sizes: tuple[int, int], target: float, fnmr_: tuple[float, float], traits: Traits, *, tie: float
) -> Row:
    """The threshold gives FMR ``target`` in the second group; FNMR of the first and its ratio to the second, at that
    threshold.

    ``tie`` is the correlation of a person's effect on non-mated and on mated scores; most people have two photos, some
    four.
    """
    cell = np.repeat([0, 1], sizes)
    photos = np.where(np.arange(sum(sizes)) % 5 == 0, 4, 2).astype(np.int64)
    floor, tau = min(0.5, 3 * target), float(-ndtri(target))
    ref = pair_mask(2, [[1, 1]])
    means = [
        tau - float(ndtri(q)) for q in fnmr_
    ]  # a mated score is N(mean, 1), so that a share q lies below the true threshold

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        a = rng.standard_normal(sum(sizes))
        own = tie * a + math.sqrt(1 - tie**2) * rng.standard_normal(sum(sizes))
        one = np.ones(
            sum(sizes), np.int64
        )  # the first photo of each person sets the threshold: scores of single comparisons
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
            f[inside], m[inside] = mated_misses(
                np.random.default_rng([stream, g]), photos[inside], share, traits.rho, people=own[inside]
            )
            return f, m

        here = [fnmr(*misses(found, g)) for g in (0, 1)]
        few = (here[0].errors, here[0].rate)
        truth, there = fnmr_[0] / fnmr_[1], float(ndtr(found - means[0]) / ndtr(found - means[1]))
        plain = mover_ratio(limited(here[0]), limited(here[1]))
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
        if (
            math.isfinite(slope)
            and slope > 0
            and min(min(pair) for pair in around) > 0
            and here[0].rate > 0
            and here[1].rate > 0
        ):
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
        f"{sizes[0]} people at FNMR {fnmr_[0]:g} against {sizes[1]} at {fnmr_[1]:g}, who set the "
        f"threshold for FMR {target:g}, rho {traits.rho:g}, "
        f"a person's mated and non-mated effects tied by {tie:g}"
    )
    return Row(name, words, draw)
