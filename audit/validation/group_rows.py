"""Rows of the coverage study about many groups: summaries of inequity, null bands, homogeneity, families of ratios.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: a test is shown as coverage too: "p >= .05" must hold in 95 of 100 worlds in
which its hypothesis is true.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from audit.stats.dyadic import DyadicRate, Weighting, pair_mask, rate, tabulate
from audit.stats.fnmr import SubjectRate, fnmr, moved
from audit.stats.group_rates import GroupRates
from audit.stats.inequity import SUMMARIES, summarise
from audit.stats.multiplicity import bonferroni_level, correlation_with_common_reference, simultaneous_level
from audit.stats.noise import homogeneity, null_band, summary_interval
from audit.stats.ratios import limited_pair, mover_ratio
from audit.validation.ratio_rows import cells_of, within_cells
from audit.validation.study import Answer, Key, Row
from audit.validation.worlds import Traits, mated_misses, non_mated

__all__ = ["both_row", "family_row", "null_both_row", "null_row", "summary_fnmr_row", "summary_row"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SINGLE = ("max_over_geometric_mean", "ratio", "max_over_mean", "difference", "gini")
BOTH = ("garbe", "fdr", "inequity_rate", "werm")
_METHOD = "test inverted along shrunk and stretched patterns"


def _fewest(values: Sequence[DyadicRate | SubjectRate], expected: Sequence[float]) -> tuple[float, float]:
    """Errors and rate of the group that expects the fewest."""
    least = values[int(np.argmin(expected))]
    return float(least.errors), least.rate


def _pairs(sizes: Sequence[int], fmr: Sequence[float]) -> list[float]:
    return [size * (size - 1) / 2 * p for size, p in zip(sizes, fmr, strict=True)]


def _held(which: str, band: tuple[float, float], value: float, truth: float, few: tuple[float, float]) -> Answer:
    """A limit that is equality itself may differ from it by rounding."""
    low, high = band
    return Answer(value, low - 1e-9 * abs(low), high + 1e-9 * abs(high), truth, *few)


def summary_row(
    name: str, sizes: Sequence[int], fmr: Sequence[float], traits: Traits, *, photos: Ints | None = None, weighting: Weighting = "people"
) -> Row:
    """Intervals of summaries of FMR over groups without common people; ``photos`` per person, one each where absent."""
    one, cell = cells_of(sizes)
    n = one if photos is None else photos
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    expected = _pairs(sizes, fmr)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, n, cell, within_cells(fmr), traits)
        sums = tabulate(n, cell, len(sizes), d.i, d.j, d.e, weighting)
        values = [rate(sums, mask) for mask in masks]
        groups, seed, few = GroupRates.printed(values), int(rng.integers(2**31)), _fewest(values, expected)
        out = {}
        for which in SINGLE:
            band = summary_interval(which, groups, seed=seed)
            value, truth = float(summarise(which, groups.rate)), float(summarise(which, np.array(fmr)))
            out[Key(which, weighting, _METHOD, True)] = _held(which, band[:2], value, truth, few)
        return out

    about = "one photo each" if photos is None else f"{int(n.sum())} photos"
    words = f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, {about}, FMR {min(fmr):g} to {max(fmr):g}, rho {traits.rho:g}"
    return Row(name, words, draw)


def _mostly_two(people: int) -> Ints:
    return np.where(np.arange(people) % 5 == 0, 4, 2).astype(np.int64)


def _misses(rng: np.random.Generator, sizes: Sequence[int], rates: Sequence[float], rho: float) -> list[SubjectRate]:
    return [fnmr(*mated_misses(rng, _mostly_two(size), q, rho)) for size, q in zip(sizes, rates, strict=True)]


def summary_fnmr_row(name: str, sizes: Sequence[int], rates: Sequence[float], rho: float) -> Row:
    """Intervals of summaries of FNMR, and the null band where rates are equal."""
    expected = [size * q for size, q in zip(sizes, rates, strict=True)]
    equal = min(rates) == max(rates)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        values = _misses(rng, sizes, rates, rho)
        groups, few = GroupRates.printed(values), _fewest(values, expected)
        out = {}
        for which in SINGLE:
            seed = int(rng.integers(2**31))
            band = summary_interval(which, groups, seed=seed)
            value, truth = float(summarise(which, groups.rate)), float(summarise(which, np.array(rates)))
            out[Key(f"{which} of FNMR", "people", _METHOD, True)] = _held(which, band[:2], value, truth, few)
        if equal:
            q0 = float(np.average(groups.rate, weights=sizes))
            if q0 > 0:
                alike = GroupRates.printed([moved(v, q0) for v in values])
                out |= _quiet("ratio", values, q0, alike, few, rng, " of FNMR")
                out |= _quiet("max_over_geometric_mean", values, q0, alike, few, rng, " of FNMR")
        return out

    words = f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, mostly two photos, FNMR {min(rates):g} to {max(rates):g}, rho {rho:g}"
    return Row(name, words, draw)


def _quiet(
    which: str,
    values: Sequence[DyadicRate | SubjectRate],
    p0: float,
    alike: GroupRates,
    few: tuple[float, float],
    rng: np.random.Generator,
    of: str = "",
) -> dict[Key, Answer]:
    """Whether the null band keeps quiet, as the product asks it: groups that expect too little are left out."""
    rates, seed = np.array([v.rate for v in values]), int(rng.integers(2**31))
    used = list(null_band(which, 1.0, p0, alike, seed=seed, draws=10).used)
    if len(used) < 2 or not (rates[used] > 0).all():
        return {}
    observed = float(summarise(which, rates[used]))
    band = null_band(which, observed, p0, alike, seed=seed, draws=2000)
    return {Key(f"null band, {which}{of}", "people", "keeps quiet where groups are equal", True): Answer(observed, 0.05, 1.0, band.p_value, *few)}


def both_row(name: str, sizes: Sequence[int], fmr: Sequence[float], rates: Sequence[float], traits: Traits) -> Row:
    """Intervals of the summaries that combine FMR and FNMR."""
    _, cell = cells_of(sizes)
    n = np.concatenate([_mostly_two(size) for size in sizes])
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    expected = [size * q for size, q in zip(sizes, rates, strict=True)]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, n, cell, within_cells(fmr), traits)
        sums = tabulate(n, cell, len(sizes), d.i, d.j, d.e, "people")
        first, second = [rate(sums, mask) for mask in masks], _misses(rng, sizes, rates, traits.rho)
        a, b, few = GroupRates.printed(first), GroupRates.printed(second), _fewest(second, expected)
        out = {}
        for which in BOTH:
            band = summary_interval(which, a, b, seed=int(rng.integers(2**31)))
            value, truth = float(summarise(which, a.rate, b.rate)), float(summarise(which, np.array(fmr), np.array(rates)))
            out[Key(which, "people", _METHOD, True)] = _held(which, band[:2], value, truth, few)
        return out

    return Row(name, _both_words(sizes, fmr, rates, traits), draw)


def _both_words(sizes: Sequence[int], fmr: Sequence[float], rates: Sequence[float], traits: Traits) -> str:
    return (
        f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, mostly two photos, FMR {min(fmr):g} to {max(fmr):g}, "
        f"FNMR {min(rates):g} to {max(rates):g}, rho {traits.rho:g}"
    )


def _own_threshold(d_score: Floats, inside: Ints, share: float) -> Ints:
    """Places of the pairs that match where the group's own threshold gives so many."""
    k = max(1, min(len(inside), round(share)))
    out: Ints = inside[np.argsort(-d_score[inside], kind="stable")[:k]]
    return out


def null_row(name: str, sizes: Sequence[int], fmr: float, traits: Traits) -> Row:
    """Equal groups: how often the null band and Welch's F keep quiet."""
    photos, cell = cells_of(sizes)
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    floor = min(0.5, 4 * fmr)
    cut, expected = float(ndtri(floor) - ndtri(fmr)), _pairs(sizes, [fmr] * len(sizes))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells([floor] * len(sizes)), traits)
        hit = d.score >= cut
        sums = tabulate(photos, cell, len(sizes), d.i[hit], d.j[hit], d.e[hit], "people")
        seen = [rate(sums, mask) for mask in masks]
        p0 = float(np.mean([v.rate for v in seen]))
        # each group at its own threshold where its rate is p0 (METRICS 2)
        there = []
        for g in range(len(sizes)):
            own = _own_threshold(d.score, np.flatnonzero(cell[d.i] == g), p0 * seen[g].M)
            there.append(rate(tabulate(photos, cell, len(sizes), d.i[own], d.j[own], d.e[own], "people"), masks[g]))
        groups, few = GroupRates.printed(there), _fewest(seen, expected)
        out: dict[Key, Answer] = {}
        for which in ("max_over_geometric_mean", "ratio"):
            out |= _quiet(which, seen, p0, groups, few, rng)
        *_, p = homogeneity(GroupRates.printed(seen))
        known = math.isfinite(p)
        out[Key("homogeneity", "people", "Welch's F keeps quiet where groups are equal", True)] = Answer(
            p, 0.05 if known else math.nan, 1.0 if known else math.nan, p, *few
        )
        return out

    return Row(name, f"{len(sizes)} equal groups of {min(sizes)} to {max(sizes)} people, FMR {fmr:g}, rho {traits.rho:g}", draw)


def null_both_row(name: str, sizes: Sequence[int], fmr: float, q: float, traits: Traits) -> Row:
    """Groups equal in both errors: how often the null bands of the combined summaries keep quiet."""
    photos, cell = cells_of(sizes)
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    floor = min(0.5, 4 * fmr)
    cut, expected = float(ndtri(floor) - ndtri(fmr)), [size * q for size in sizes]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells([floor] * len(sizes)), traits)
        hit = d.score >= cut
        sums = tabulate(photos, cell, len(sizes), d.i[hit], d.j[hit], d.e[hit], "people")
        first, second = [rate(sums, mask) for mask in masks], _misses(rng, sizes, [q] * len(sizes), traits.rho)
        p0, q0 = float(np.mean([v.rate for v in first])), float(np.average([v.rate for v in second], weights=sizes))
        there = []
        for g in range(len(sizes)):
            own = _own_threshold(d.score, np.flatnonzero(cell[d.i] == g), p0 * first[g].M)
            there.append(rate(tabulate(photos, cell, len(sizes), d.i[own], d.j[own], d.e[own], "people"), masks[g]))
        x, y = np.array([v.rate for v in first]), np.array([v.rate for v in second])
        out: dict[Key, Answer] = {}
        if not ((x > 0).all() and (y > 0).all()):
            return out
        a, b, few = GroupRates.printed(there), GroupRates.printed([moved(v, q0) for v in second]), _fewest(second, expected)
        for which in BOTH:
            band = null_band(which, float(summarise(which, x, y)), p0, a, q0, b, seed=int(rng.integers(2**31)), draws=2000)
            if len(band.used) == len(sizes):  # the product prints none otherwise
                key = Key(f"null band, {which}", "people", "keeps quiet where groups are equal", True)
                out[key] = Answer(float(SUMMARIES[which].perfect), 0.05, 1.0, band.p_value, *few)
        return out

    return Row(name, _both_words(sizes, [fmr], [q], traits), draw)


def family_row(name: str, sizes: Sequence[int], fmr: Sequence[float], traits: Traits) -> Row:
    """Ratios of all groups to the last one at the simultaneous level: do ALL hold? Bonferroni where a group has no errors, as in the product."""
    photos, cell = cells_of(sizes)
    count = len(sizes)
    masks = [pair_mask(count, [[g, g]]) for g in range(count)]
    expected = _pairs(sizes, fmr)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells(fmr), traits)
        sums = tabulate(photos, cell, count, d.i, d.j, d.e, "people")
        values = [rate(sums, mask) for mask in masks]
        if values[-1].errors == 0:
            return {}
        if all(v.errors for v in values):
            logs = [v.variance / v.rate**2 for v in values]
            level = simultaneous_level(correlation_with_common_reference(logs[:-1], logs[-1]), seed=int(rng.integers(2**31)), draws=4000)
        else:
            level = bonferroni_level(count - 1)
        out, few = {}, _fewest(values, expected)
        for method, confidence, printed in (("MOVER at the max-t level", level, True), ("MOVER, each at .95", 0.95, False)):
            held = True
            for value, truth in zip(values[:-1], fmr[:-1], strict=True):
                got = mover_ratio(*limited_pair(value, values[-1], confidence))
                held &= got.low <= truth / fmr[-1] <= got.high
            out[Key(f"all {count - 1} ratios together", "people", method, printed)] = Answer(level, 0.5, 1.5, float(held), *few)
        return out

    return Row(
        name, f"{count - 1} groups of {min(sizes)} to {max(sizes)} people against one, FMR {min(fmr):g} to {max(fmr):g}, rho {traits.rho:g}", draw
    )
