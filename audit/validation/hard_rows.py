"""Rows of the coverage study that somebody else's simulator found: people who come in kinds, rare hubs, fame, two matchers, distances.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: people are not all drawn from one bell; what a method cannot do stands here
too, marked as against its assumption.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from audit.stats.distributions import ks_interval
from audit.stats.dyadic import within
from audit.stats.multiplicity import correlation_with_common_reference, simultaneous_level
from audit.stats.paired import Errors, paired_ratio
from audit.stats.ratios import limited, mover_ratio
from audit.validation.rate_rows import AGAINST
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits

__all__ = ["distance_row", "fame_row", "hub_row", "kinds_family_row", "kinds_row", "paired_row"]

Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints, Ints]


def _kinds(rng: np.random.Generator, people: int, shares: Sequence[float], alike: float, apart: float) -> Pairs:
    """One photo each; people of one kind match with chance ``alike``, others with ``apart``."""
    kind = rng.choice(len(shares), people, p=shares)
    i, j = np.triu_indices(people, 1)
    hit = rng.random(len(i)) < np.where(kind[i] == kind[j], alike, apart)
    return i[hit], j[hit], np.ones(int(hit.sum()), np.int64)


def _same(shares: Sequence[float], alike: float, apart: float) -> float:
    same = sum(x * x for x in shares)
    return alike * same + apart * (1 - same)


def kinds_row(name: str, people: int, shares: Sequence[float], alike: float, apart: float) -> Row:
    """FMR inside one group of people who come in kinds: high rates, few people."""
    truth = _same(shares, alike, apart)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        got = within(np.ones(people, np.int64), *_kinds(rng, people, shares, alike, apart))
        return {Key("FMR", "people", "printed", True): Answer(got.rate, got.low, got.high, truth, got.errors, got.rate)}

    return Row(name, f"{people} people of {len(shares)} kinds that look alike (FMR {alike:g} within a kind, {apart:g} across): FMR {truth:.3g}", draw)


def kinds_family_row(name: str, sizes: Sequence[int], shares: Sequence[float], alike: float, apart: float) -> Row:
    """Equal groups of people who come in kinds: does any ratio to the first exclude 1 at the level that holds for all of them?"""

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        values = []
        for size in sizes:
            values.append(within(np.ones(size, np.int64), *_kinds(rng, size, shares, alike, apart)))
        if any(not 0 < value.rate < 1 for value in values):
            return {}
        v = np.array([value.variance / value.rate**2 for value in values])
        level = simultaneous_level(correlation_with_common_reference(v[1:], float(v[0])), 0.95, draws=4000, seed=int(rng.integers(2**31)))
        ratios = [mover_ratio(limited(value, level), limited(values[0], level)) for value in values[1:]]
        low, high = max(ratio.low for ratio in ratios), min(ratio.high for ratio in ratios)  # 1 inside both: no ratio excludes it
        worst = (1.0, 1.0) if low <= 1 <= high else (2.0, 2.0)
        key = Key("no false 'clear' among equal groups", "people", "MOVER at the simultaneous level", True)
        return {key: Answer(1.0, *worst, 1.0, float(min(value.errors for value in values)), values[1].rate)}

    return Row(name, f"{len(sizes)} equal groups of {min(sizes)} to {max(sizes)} people of {len(shares)} kinds that look alike", draw)


def hub_row(name: str, people: int, fmr: float, *, share: float = 0.015, times: float = 40.0, photos: int = 2) -> Row:
    """Against an assumption: a kind of person too rare to be met in every draw owns much of the rate."""
    truth = fmr * (1 + (times - 1) * (1 - (1 - share) ** 2))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        hub = rng.random(people) < share
        i, j = np.triu_indices(people, 1)
        e = rng.binomial(photos**2, np.minimum(1.0, fmr * np.where(hub[i] | hub[j], times, 1.0)))
        got = within(np.full(people, photos), i[e > 0], j[e > 0], e[e > 0])
        out = {Key("FMR", "people", AGAINST): Answer(got.rate, got.low, got.high, truth, got.errors, got.rate)}
        if hub.any():
            out[Key("FMR, where one was met", "people", AGAINST)] = Answer(got.rate, got.low, got.high, truth, got.errors, got.rate)
        return out

    none = (1 - share) ** people
    words = f"{people} people, {photos} photos each; one in {1 / share:.0f} has {times:g} times the FMR {fmr:g}; none is met in {none:.0%} of draws"
    return Row(name, words, draw)


def fame_row(name: str, photos: Ints, fmr: float, times: float, traits: Traits) -> Row:
    """FMR by comparisons where who has five photos or more is mistaken ``times`` as often."""
    i, j = np.triu_indices(len(photos), 1)
    chance = np.where((photos[i] >= 5) | (photos[j] >= 5), times, 1.0) * fmr
    weight = photos[i] * photos[j]
    truth, cut = float((chance * weight).sum() / weight.sum()), ndtri(chance)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        a = rng.standard_normal(len(photos))
        score = cut + math.sqrt(traits.rho / 2) * (a[i] + a[j]) + math.sqrt(traits.delta) * rng.standard_normal(len(i))
        e = rng.binomial(weight, ndtr(score / math.sqrt(1 - traits.rho - traits.delta)))
        hit = e > 0
        got = within(photos, i[hit], j[hit], e[hit], "comparisons")
        return {Key("FMR", "comparisons", "printed", True): Answer(got.rate, got.low, got.high, truth, got.errors, got.rate)}

    words = f"{len(photos)} people, {int(photos.sum())} photos; who has five or more has {times:g} times the FMR {fmr:g}"
    return Row(name, f"{words}; rho {traits.rho:g}, delta {traits.delta:g}", draw)


def paired_row(name: str, people: int, a: float, b: float, trait: float) -> Row:
    """Two matchers on the same people: the ratio of their FMR. Half of what is not the people is shared by both."""
    i, j = np.triu_indices(people, 1)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        own, shared = rng.standard_normal(people), rng.standard_normal(len(i))
        sides = []
        for fmr in (a, b):
            noise = (shared + rng.standard_normal(len(i))) / math.sqrt(2)
            hit = math.sqrt(trait / 2) * (own[i] + own[j]) + math.sqrt(1 - trait) * noise >= -ndtri(fmr)
            sides.append(Errors(i[hit], j[hit], np.ones(int(hit.sum())), float(len(i))))
        got = paired_ratio(people, [sides[0]], [sides[1]], (1.0,)).ratio()
        few = min(sides, key=lambda one: one.rate)
        return {Key("FMR ratio of two matchers", "people", "paired, t", True): Answer(got.value, got.low, got.high, b / a, len(few.x), few.rate)}

    return Row(name, f"two matchers on {people} people, FMR {a:g} and {b:g}, rho {trait:g}, half of the rest shared", draw)


def distance_row(name: str, one: int, other: int) -> Row:
    """The Kolmogorov-Smirnov distance of mated scores of two equal groups: is 0 inside?"""

    def people(rng: np.random.Generator, size: int) -> Ints:
        own, photos = rng.standard_normal(size), rng.integers(1, 6, size)
        places = [np.clip((2 * (x + rng.standard_normal(k)) + 8).astype(np.int64), 0, 15) for x, k in zip(own, photos, strict=True)]
        return np.stack([np.bincount(place, minlength=16) for place in places])

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        got = ks_interval(people(rng, one), people(rng, other), resamples=199, seed=int(rng.integers(2**31)))
        return {Key("distance of mated scores, equal groups", "people", "largest gap of the noise", True): Answer(got.value, got.low, got.high, 0.0)}

    return Row(name, f"{one} and {other} people with one to five mated scores each, alike", draw)
