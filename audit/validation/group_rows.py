"""Rows of the coverage study about many groups: summaries of inequity, null bands, homogeneity, families of ratios.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: a test is shown as coverage too: "p >= .05"
must hold in 95 of 100 worlds in which its hypothesis is true.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.stats.dyadic import Weighting, pair_mask, rate, tabulate
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate, fnmr, moved
from audit.stats.group_rates import GroupRates
from audit.stats.inequity import summarise
from audit.stats.multiplicity import bonferroni_level, correlation_with_common_reference, simultaneous_level
from audit.stats.noise import null_band, summary_interval
from audit.stats.ratios import limited_pair, mover_ratio
from audit.validation.ratio_rows import cells_of, within_cells
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits
from audit.validation.worlds import mated_misses, non_mated

__all__ = ["both_row", "family_row", "summary_fnmr_row", "summary_row"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SINGLE = ("max_over_geometric_mean", "ratio", "max_over_mean", "difference", "gini")
BOTH = ("garbe", "fdr", "inequity_rate", "werm")
_METHOD = "test inverted along shrunk and stretched patterns"


def fewest(values: Sequence[DyadicRate | SubjectRate], expected: Sequence[float]) -> tuple[float, float]:
    """Errors and rate of the group that expects the fewest."""
    least = values[int(np.argmin(expected))]
    return float(least.errors), least.rate


def pairs_of(sizes: Sequence[int], fmr: Sequence[float]) -> list[float]:
    return [size * (size - 1) / 2 * p for size, p in zip(sizes, fmr, strict=True)]


def _held(which: str, band: tuple[float, float], value: float, truth: float, few: tuple[float, float]) -> Answer:
    """A limit that is equality itself may differ from it by rounding."""
    low, high = band
    return Answer(value, low - 1e-9 * abs(low), high + 1e-9 * abs(high), truth, *few)


def summary_row(
    name: str,
    sizes: Sequence[int],
    fmr: Sequence[float],
    traits: Traits,
    *,
    photos: Ints | None = None,
    weighting: Weighting = "people",
) -> Row:
    """Intervals of summaries of FMR over groups without common people;
    ``photos`` per person, one each where absent.
    """
    one, cell = cells_of(sizes)
    n = one if photos is None else photos
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    expected = pairs_of(sizes, fmr)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, n, cell, within_cells(fmr), traits)
        sums = tabulate(n, cell, len(sizes), d.i, d.j, d.e, weighting)
        values = [rate(sums, mask) for mask in masks]
        groups, seed, few = GroupRates.printed(values), int(rng.integers(2**31)), fewest(values, expected)
        out = {}
        for which in SINGLE:
            band = summary_interval(which, groups, seed=seed)
            value, truth = float(summarise(which, groups.rate)), float(summarise(which, np.array(fmr)))
            out[Key(which, weighting, _METHOD, True)] = _held(which, band[:2], value, truth, few)
        return out

    about = "one photo each" if photos is None else f"{int(n.sum())} photos"
    words = (
        f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, {about}, FMR {min(fmr):g} to "
        f"{max(fmr):g}, rho {traits.rho:g}"
    )
    return Row(name, words, draw, slow=2)


def _mostly_two(people: int) -> Ints:
    return np.where(np.arange(people) % 5 == 0, 4, 2).astype(np.int64)


def misses(rng: np.random.Generator, sizes: Sequence[int], rates: Sequence[float], rho: float) -> list[SubjectRate]:
    return [fnmr(*mated_misses(rng, _mostly_two(size), q, rho)) for size, q in zip(sizes, rates, strict=True)]


def summary_fnmr_row(name: str, sizes: Sequence[int], rates: Sequence[float], rho: float) -> Row:
    """Intervals of summaries of FNMR, and the null band where rates are equal."""
    expected = [size * q for size, q in zip(sizes, rates, strict=True)]
    equal = min(rates) == max(rates)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        values = misses(rng, sizes, rates, rho)
        groups, few = GroupRates.printed(values), fewest(values, expected)
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
                out |= quiet("ratio", values, q0, alike, few, rng, " of FNMR")
                out |= quiet("max_over_geometric_mean", values, q0, alike, few, rng, " of FNMR")
        return out

    words = (
        f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, mostly two photos, FNMR "
        f"{min(rates):g} to {max(rates):g}, rho {rho:g}"
    )
    return Row(name, words, draw, slow=2)


def quiet(
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
    return {
        Key(f"null band, {which}{of}", "people", "keeps quiet where groups are equal", True): Answer(
            observed, 0.05, 1.0, band.p_value, *few
        )
    }


def both_row(name: str, sizes: Sequence[int], fmr: Sequence[float], rates: Sequence[float], traits: Traits) -> Row:
    """Intervals of the summaries that combine FMR and FNMR."""
    _, cell = cells_of(sizes)
    n = np.concatenate([_mostly_two(size) for size in sizes])
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    expected = [size * q for size, q in zip(sizes, rates, strict=True)]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, n, cell, within_cells(fmr), traits)
        sums = tabulate(n, cell, len(sizes), d.i, d.j, d.e, "people")
        first, second = [rate(sums, mask) for mask in masks], misses(rng, sizes, rates, traits.rho)
        a, b, few = GroupRates.printed(first), GroupRates.printed(second), fewest(second, expected)
        out = {}
        for which in BOTH:
            band = summary_interval(which, a, b, seed=int(rng.integers(2**31)))
            value, truth = (
                float(summarise(which, a.rate, b.rate)),
                float(summarise(which, np.array(fmr), np.array(rates))),
            )
            out[Key(which, "people", _METHOD, True)] = _held(which, band[:2], value, truth, few)
        return out

    return Row(name, both_words(sizes, fmr, rates, traits), draw, slow=2)


def both_words(sizes: Sequence[int], fmr: Sequence[float], rates: Sequence[float], traits: Traits) -> str:
    return (
        f"{len(sizes)} groups of {min(sizes)} to {max(sizes)} people, mostly two photos, FMR "
        f"{min(fmr):g} to {max(fmr):g}, "
        f"FNMR {min(rates):g} to {max(rates):g}, rho {traits.rho:g}"
    )


def family_row(name: str, sizes: Sequence[int], fmr: Sequence[float], traits: Traits) -> Row:
    """Ratios of all groups to the last one at the simultaneous level: do ALL hold? Bonferroni where a group has no
    errors, as in the product.
    """
    photos, cell = cells_of(sizes)
    count = len(sizes)
    masks = [pair_mask(count, [[g, g]]) for g in range(count)]
    expected = pairs_of(sizes, fmr)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells(fmr), traits)
        sums = tabulate(photos, cell, count, d.i, d.j, d.e, "people")
        values = [rate(sums, mask) for mask in masks]
        if values[-1].errors == 0:
            return {}
        if all(v.errors for v in values):
            logs = [v.variance / v.rate**2 for v in values]
            level = simultaneous_level(
                correlation_with_common_reference(logs[:-1], logs[-1]), seed=int(rng.integers(2**31)), draws=4000
            )
        else:
            level = bonferroni_level(count - 1)
        out, few = {}, fewest(values, expected)
        for method, confidence, printed in (
            ("MOVER at the max-t level", level, True),
            ("MOVER, each at .95", 0.95, False),
        ):
            held = True
            for value, truth in zip(values[:-1], fmr[:-1], strict=True):
                got = mover_ratio(*limited_pair(value, values[-1], confidence))
                held &= got.low <= truth / fmr[-1] <= got.high
            out[Key(f"all {count - 1} ratios together", "people", method, printed)] = Answer(
                level, 0.5, 1.5, float(held), *few
            )
        return out

    return Row(
        name,
        f"{count - 1} groups of {min(sizes)} to {max(sizes)} people against one, FMR {min(fmr):g} "
        f"to {max(fmr):g}, rho {traits.rho:g}",
        draw,
    )
