"""Rows of the coverage study that somebody else's simulator found: people who come in kinds, rare hubs, fame, two
matchers, distances.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: people are not all drawn from one bell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from audit.stats.distributions import ks_interval
from audit.stats.dyadic import within
from audit.stats.limits import NO_UNSEEN
from audit.stats.paired import Errors, paired_ratio
from audit.validation.study import TOP, Answer, Key, Row
from audit.validation.world_people import Traits

__all__ = ["HUB_GATE", "distance_row", "fame_row", "hub_pairs", "hub_row", "kinds_pairs", "kinds_row", "paired_row"]

Ints = NDArray[np.int64]
Pairs = tuple[Ints, Ints, Ints]

HUB_GATE = (0.90, TOP)
"""Gate where people come in kinds, some of them not met."""


def kinds_pairs(rng: np.random.Generator, people: int, shares: Sequence[float], alike: float, apart: float) -> Pairs:
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
        got = within(np.ones(people, np.int64), *kinds_pairs(rng, people, shares, alike, apart))
        return {
            Key("FMR", "people", "printed", True): Answer(got.rate, got.low, got.high, truth, got.errors, got.rate)
        }

    return Row(
        name,
        f"{people} people of {len(shares)} kinds that look alike (FMR {alike:g} within a kind, "
        f"{apart:g} across): FMR {truth:.3g}",
        draw,
        gate=HUB_GATE,
    )


def hub_pairs(
    rng: np.random.Generator, people: int, fmr: float, share: float, times: float, photos: int
) -> tuple[bool, Pairs]:
    """Whether a rare kind of person was met, who is mistaken ``times`` as often; and the pairs with errors."""
    hub = rng.random(people) < share
    i, j = np.triu_indices(people, 1)
    e = rng.binomial(photos**2, np.minimum(1.0, fmr * np.where(hub[i] | hub[j], times, 1.0)))
    return bool(hub.any()), (i[e > 0], j[e > 0], e[e > 0])


def hub_row(name: str, people: int, fmr: float, *, share: float = 0.015, times: float = 40.0, photos: int = 2) -> Row:
    """A kind of person too rare to be met in every draw owns much of the rate."""
    truth = fmr * (1 + (times - 1) * (1 - (1 - share) ** 2))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        met, pairs = hub_pairs(rng, people, fmr, share, times, photos)
        got = within(np.full(people, photos), *pairs)
        out = {Key("FMR", "people", "printed", True): Answer(got.rate, got.low, got.high, truth, got.errors, got.rate)}
        if not met:
            out[Key("FMR", "people", "printed, in draws that met none")] = Answer(
                got.rate, got.low, got.high, truth, got.errors, got.rate
            )
        plain = got.limits(unseen=NO_UNSEEN)
        out[Key("FMR", "people", "printed limits without unseen kinds")] = Answer(
            got.rate, plain.low, plain.high, truth, got.errors, got.rate
        )
        return out

    none = (1 - share) ** people
    words = (
        f"{people} people, {photos} photos each; one in {1 / share:.0f} has {times:g} times the "
        f"FMR {fmr:g}; none is met in {none:.0%} of draws"
    )
    return Row(name, words, draw, gate=HUB_GATE)


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
        return {
            Key("FMR", "comparisons", "printed", True): Answer(
                got.rate, got.low, got.high, truth, got.errors, got.rate
            )
        }

    words = (
        f"{len(photos)} people, {int(photos.sum())} photos; who has five or more has {times:g} times the FMR {fmr:g}"
    )
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
        return {
            Key("FMR ratio of two matchers", "people", "paired, t", True): Answer(
                got.value, got.low, got.high, b / a, len(few.x), few.rate
            )
        }

    return Row(
        name, f"two matchers on {people} people, FMR {a:g} and {b:g}, rho {trait:g}, half of the rest shared", draw
    )


def distance_row(name: str, one: int, other: int) -> Row:
    """The Kolmogorov-Smirnov distance of mated scores of two equal groups: is 0 inside?"""

    def people(rng: np.random.Generator, size: int) -> Ints:
        own, photos = rng.standard_normal(size), rng.integers(1, 6, size)
        places = [
            np.clip((2 * (x + rng.standard_normal(k)) + 8).astype(np.int64), 0, 15)
            for x, k in zip(own, photos, strict=True)
        ]
        return np.stack([np.bincount(place, minlength=16) for place in places])

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        got = ks_interval(people(rng, one), people(rng, other), resamples=199, seed=int(rng.integers(2**31)))
        return {
            Key("distance of mated scores, equal groups", "people", "largest gap of the noise", True): Answer(
                got.value, got.low, got.high, 0.0
            )
        }

    return Row(name, f"{one} and {other} people with one to five mated scores each, alike", draw)
