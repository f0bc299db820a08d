"""Rows of the coverage study about several groups at once: ratios, shared people, calibrated thresholds, summaries, null bands, families.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: a test is shown as coverage too: "p >= .05" must hold in 95 of 100 worlds in
which its hypothesis is true.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from audit.stats.dyadic import DyadicRate, pair_mask, rate, tabulate
from audit.stats.fnmr import fnmr
from audit.stats.inequity import summarise
from audit.stats.multiplicity import correlation_with_common_reference, simultaneous_level
from audit.stats.noise import GroupRates, homogeneity, null_band, summary_interval
from audit.stats.ratios import Limited, log_contrast, log_slope, mover_ratio
from audit.validation.study import Answer, Key, Row
from audit.validation.worlds import Traits, mated_misses, non_mated

__all__ = ["calibrated_row", "family_row", "fnmr_ratio_row", "null_row", "ratio_row", "shared_row", "summary_row"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def _cells(sizes: Sequence[int]) -> tuple[Ints, Ints]:
    return np.ones(sum(sizes), np.int64), np.repeat(np.arange(len(sizes)), sizes)


def _within(rates: Sequence[float]) -> Floats:
    """(C, C) table of true rates that compares people inside their own cell only."""
    out = np.full((len(rates), len(rates)), np.nan)
    np.fill_diagonal(out, rates)
    return out


def _limited(value: DyadicRate, confidence: float = 0.95) -> Limited:
    low, high, _ = value.limits(confidence)
    return Limited(value.rate, low, high)


def ratio_row(name: str, sizes: tuple[int, int], fmr: tuple[float, float], traits: Traits) -> Row:
    """FMR ratio of two groups without common people."""
    photos, cell = _cells(sizes)
    a, b = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    truth = fmr[0] / fmr[1]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, _within(fmr), traits)
        sums = tabulate(photos, cell, 2, d.i, d.j, d.e, "people")
        top, bottom = rate(sums, a), rate(sums, b)
        mover = mover_ratio(_limited(top), _limited(bottom))
        out = {Key("FMR ratio", "people", "MOVER on printed limits", True): Answer(mover.value, mover.low, mover.high, truth)}
        plain = [rate(sums, mask, guarded=False) for mask in (a, b)]
        if plain[0].errors and plain[1].errors:
            metrics = mover_ratio(_limited(plain[0]), _limited(plain[1]))
            out[Key("FMR ratio", "people", "MOVER on limits by METRICS")] = Answer(metrics.value, metrics.low, metrics.high, truth)
            delta = log_contrast(sums, [(a, 1.0), (b, -1.0)])
            for method, got in (("delta on logs, t", delta.ratio()), ("delta on logs, z", delta.ratio(quantile=1.959964))):
                out[Key("FMR ratio", "people", method)] = Answer(got.value, got.low, got.high, truth)
        return out

    return Row(name, f"{sizes[0]} people at FMR {fmr[0]:g} against {sizes[1]} at {fmr[1]:g}, rho {traits.rho:g}", draw)


def fnmr_ratio_row(name: str, sizes: tuple[int, int], rates: tuple[float, float], rho: float) -> Row:
    """FNMR ratio of two groups, mostly two photos each."""
    truth = rates[0] / rates[1]
    photos = [np.where(np.arange(size) % 5 == 0, 4, 2) for size in sizes]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        parts = [fnmr(*mated_misses(rng, n, q, rho)) for n, q in zip(photos, rates, strict=True)]
        got = mover_ratio(*(Limited(part.rate, part.low, part.high) for part in parts))
        return {Key("FNMR ratio", "people", "MOVER on printed limits", True): Answer(got.value, got.low, got.high, truth)}

    return Row(name, f"{sizes[0]} people at FNMR {rates[0]:g} against {sizes[1]} at {rates[1]:g}, mostly two photos, rho {rho:g}", draw)


def shared_row(name: str, sizes: tuple[int, int], fmr: tuple[float, float, float], traits: Traits) -> Row:
    """A coarser group (two cells, cross pairs included) against one of its own cells."""
    photos, cell = _cells(sizes)
    table = np.array([[fmr[0], fmr[2]], [fmr[2], fmr[1]]])
    coarse, fine = np.ones((2, 2), bool), pair_mask(2, [[0, 0]])
    pairs = np.array([sizes[0] * (sizes[0] - 1) / 2, sizes[1] * (sizes[1] - 1) / 2, sizes[0] * sizes[1]])
    truth = float((pairs * np.array(fmr)).sum() / pairs.sum() / fmr[0])

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, table, traits)
        sums = tabulate(photos, cell, 2, d.i, d.j, d.e, "people")
        got = log_contrast(sums, [(coarse, 1.0), (fine, -1.0)]).ratio()
        wrong = mover_ratio(_limited(rate(sums, coarse)), _limited(rate(sums, fine)))
        return {
            Key("FMR ratio, shared people", "people", "delta on logs, t", True): Answer(got.value, got.low, got.high, truth),
            Key("FMR ratio, shared people", "people", "MOVER as if disjoint"): Answer(wrong.value, wrong.low, wrong.high, truth),
        }

    return Row(name, f"all {sum(sizes)} people against {sizes[0]} of them, FMR {fmr[0]:g}, {fmr[1]:g}, across {fmr[2]:g}, rho {traits.rho:g}", draw)


def calibrated_row(name: str, sizes: tuple[int, int], target: float, other: float, traits: Traits) -> Row:
    """The threshold gives ``target`` in the second group of the same people; the first group's rate and ratio at it."""
    photos, cell = _cells(sizes)
    a, ref = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    floors = (min(0.5, 3 * other), min(0.5, 3 * target))
    tau = float(-ndtri(target))  # the true threshold, on the reference group's own axis
    shift = tau + float(ndtri(other))
    offsets = (float(-ndtri(floors[0])) + shift, float(-ndtri(floors[1])))
    pairs = sizes[1] * (sizes[1] - 1) / 2

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, _within(floors), traits)
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
                got.value, got.low, got.high, other / target
            )
            out[Key("FMR, calibrated elsewhere", "people", "delta on logs, t, calibration term", True)] = Answer(
                alone.value, alone.low, alone.high, other
            )
        mover = mover_ratio(_limited(value), _limited(rate(sums, ref)))
        out[Key("FMR ratio, calibrated", "people", "MOVER as if the threshold were given")] = Answer(
            mover.value, mover.low, mover.high, other / target
        )
        out[Key("FMR, calibrated elsewhere", "people", "printed limits as if the threshold were given")] = Answer(
            value.rate, value.low, value.high, other
        )
        return out

    words = f"{sizes[0]} people at FMR {other:g} where {sizes[1]} others of the same test set the threshold for {target:g}, rho {traits.rho:g}"
    return Row(name, words, draw)


def _groups(values: Sequence[DyadicRate]) -> GroupRates:
    return GroupRates.of([v.rate for v in values], [v.variance for v in values], [v.df for v in values])


def summary_row(name: str, sizes: Sequence[int], fmr: Sequence[float], traits: Traits) -> Row:
    """Intervals of summaries of FMR over groups without common people."""
    photos, cell = _cells(sizes)
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    which = ("max_over_geometric_mean", "ratio", "max_over_mean", "difference", "gini")

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, _within(fmr), traits)
        sums = tabulate(photos, cell, len(sizes), d.i, d.j, d.e, "people")
        groups = _groups([rate(sums, mask) for mask in masks])
        seed = int(rng.integers(2**31))
        out = {}
        for name_ in which:
            low, high, *_ = summary_interval(name_, groups, seed=seed)
            value = float(summarise(name_, groups.rate))
            out[Key(name_, "people", "shrunk pattern below, percentile above", True)] = Answer(
                value, low * (1 - 1e-9), high, float(summarise(name_, np.array(fmr)))
            )
        return out

    return Row(name, f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, FMR {min(fmr):g} to {max(fmr):g}, rho {traits.rho:g}", draw)


def null_row(name: str, sizes: Sequence[int], fmr: float, traits: Traits) -> Row:
    """Equal groups: how often the null band and Welch's F keep quiet."""
    photos, cell = _cells(sizes)
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    floor = min(0.5, 4 * fmr)
    cut = float(ndtri(floor) - ndtri(fmr))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, _within([floor] * len(sizes)), traits)
        hit = d.score >= cut
        sums = tabulate(photos, cell, len(sizes), d.i[hit], d.j[hit], d.e[hit], "people")
        seen = [rate(sums, mask) for mask in masks]
        p0 = float(np.mean([v.rate for v in seen]))
        # each group at its own threshold where its rate is p0 (METRICS 2)
        there = []
        for g in range(len(sizes)):
            inside = np.flatnonzero(cell[d.i] == g)
            k = max(1, min(len(inside), round(p0 * seen[g].M)))
            own = inside[np.argsort(-d.score[inside], kind="stable")[:k]]
            there.append(rate(tabulate(photos, cell, len(sizes), d.i[own], d.j[own], d.e[own], "people"), masks[g]))
        groups = GroupRates.of([p0] * len(sizes), [v.variance for v in there], [v.df for v in there])
        out = {}
        for which in ("max_over_geometric_mean", "ratio"):
            rates = np.array([v.rate for v in seen])
            if not (rates > 0).all():
                continue
            band = null_band(which, 1.0, p0, groups, seed=int(rng.integers(2**31)), draws=2000)
            if len(band.used) < 2:
                continue
            observed = float(summarise(which, rates[list(band.used)]))
            band = null_band(which, observed, p0, groups, seed=int(rng.integers(2**31)), draws=2000)
            out[Key(f"null band, {which}", "people", "keeps quiet where groups are equal", True)] = Answer(observed, 0.05, 1.0, band.p_value)
        *_, p = homogeneity(_groups(seen))
        out[Key("homogeneity", "people", "Welch's F keeps quiet where groups are equal", True)] = Answer(
            p, 0.05 if math.isfinite(p) else math.nan, 1.0 if math.isfinite(p) else math.nan, p
        )
        return out

    return Row(name, f"{len(sizes)} equal groups of {min(sizes)} to {max(sizes)} people, FMR {fmr:g}, rho {traits.rho:g}", draw)


def family_row(name: str, sizes: Sequence[int], fmr: Sequence[float], traits: Traits) -> Row:
    """Ratios of all groups to the last one at the simultaneous level: do ALL hold?"""
    photos, cell = _cells(sizes)
    count = len(sizes)
    masks = [pair_mask(count, [[g, g]]) for g in range(count)]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, _within(fmr), traits)
        sums = tabulate(photos, cell, count, d.i, d.j, d.e, "people")
        values = [rate(sums, mask) for mask in masks]
        if any(v.errors == 0 for v in values):
            return {}
        logs = [v.variance / v.rate**2 for v in values]
        level = simultaneous_level(correlation_with_common_reference(logs[:-1], logs[-1]), seed=int(rng.integers(2**31)), draws=4000)
        out = {}
        for method, confidence, printed in (("MOVER at the max-t level", level, True), ("MOVER, each at .95", 0.95, False)):
            held = True
            for value, truth in zip(values[:-1], fmr[:-1], strict=True):
                got = mover_ratio(_limited(value, confidence), _limited(values[-1], confidence))
                held &= got.low <= truth / fmr[-1] <= got.high
            out[Key(f"all {count - 1} ratios together", "people", method, printed)] = Answer(level, 0.5, 1.5, float(held))
        return out

    return Row(
        name, f"{count - 1} groups of {min(sizes)} to {max(sizes)} people against one, FMR {min(fmr):g} to {max(fmr):g}, rho {traits.rho:g}", draw
    )
