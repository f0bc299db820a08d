"""Rows of the coverage study about claims: is a "clear difference" called among equal groups, and what is the furthest
group's interval worth?

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: groups of one world are drawn again and again,
and judged at the level that the product judges them at; any claim at all is false.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.stats.dyadic import within
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.multiplicity import (
    bonferroni_level,
    correlation_with_common_reference,
    family_confidence,
    simultaneous_level,
)
from audit.stats.ratios import limited_pair, mover_ratio
from audit.validation.hard_rows import hub_pairs, kinds_pairs
from audit.validation.rate_rows import AGAINST
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits
from audit.validation.worlds import non_mated

__all__ = [
    "Group",
    "equal_ratio_row",
    "equal_row",
    "hub_group",
    "kinds_group",
    "skewed_group",
    "trait_group",
    "winner_row",
]

Ints = NDArray[np.int64]
Group = Callable[[np.random.Generator, int], DyadicRate]
"""Draws a group of so many people and gives its FMR by people."""

FALSE_CLEAR = (0.95, 1.0)
"""Gate of a row about false claims: at most 5 % of worlds may hold one."""


def kinds_group(shares: Sequence[float], alike: float, apart: float) -> Group:
    """People of kinds that look alike, one photo each."""
    return lambda rng, people: within(np.ones(people, np.int64), *kinds_pairs(rng, people, shares, alike, apart))


def hub_group(fmr: float, share: float, times: float, photos: int) -> Group:
    """A rare kind of people who are mistaken more often."""

    def draw(rng: np.random.Generator, people: int) -> DyadicRate:
        return within(np.full(people, photos), *hub_pairs(rng, people, fmr, share, times, photos)[1])

    return draw


def skewed_group(fmr: float, sigma: float) -> Group:
    """FMR of a pair is ``fmr`` times what is each person's own, lognormal with mean 1, one photo each: few people own
    most errors.
    """

    def draw(rng: np.random.Generator, people: int) -> DyadicRate:
        own = np.exp(sigma * rng.standard_normal(people) - sigma**2 / 2)
        i, j = np.triu_indices(people, 1)
        hit = rng.random(len(i)) < np.minimum(1.0, fmr * own[i] * own[j])
        return within(np.ones(people, np.int64), i[hit], j[hit], np.ones(int(hit.sum()), np.int64))

    return draw


def trait_group(fmr: float, rho: float) -> Group:
    """The ordinary world: a person's share of a score is normal."""

    def draw(rng: np.random.Generator, people: int) -> DyadicRate:
        d = non_mated(rng, np.ones(people, np.int64), np.zeros(people, np.int64), np.array([[fmr]]), Traits(rho))
        return within(np.ones(people, np.int64), d.i, d.j, d.e)

    return draw


def equal_row(name: str, sizes: Sequence[int], group: Group, about: str) -> Row:
    """Equal groups, the first is the reference: is any called clearly different?"""

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        values = [group(rng, size) for size in sizes]
        if not 0 < values[0].rate < 1:
            return {}
        few = float(min(value.errors for value in values)), values[1].rate
        level = _level(values, int(rng.integers(2**31)))
        ratios = [mover_ratio(*limited_pair(value, values[0], level)) for value in values[1:]]
        called = any(ratio.low > 1 or ratio.high < 1 for ratio in ratios)
        worst = (2.0, 2.0) if called else (1.0, 1.0)
        key = Key("no false 'clear' among equal groups", "people", "MOVER at the level for all groups at once", True)
        return {key: Answer(1.0, *worst, 1.0, *few)}

    return Row(
        name, f"{len(sizes)} equal groups of {min(sizes)} to {max(sizes)} people; {about}", draw, gate=FALSE_CLEAR
    )


def equal_ratio_row(name: str, sizes: tuple[int, int], group: Group, about: str, gate: tuple[float, float]) -> Row:
    """The printed ratio of two equal groups."""

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        a, b = (group(rng, size) for size in sizes)
        few = min((a.errors, a.rate), (b.errors, b.rate))
        got = mover_ratio(*limited_pair(a, b))
        return {
            Key("FMR ratio", "people", "MOVER on printed limits", True): Answer(
                got.value, got.low, got.high, 1.0, *few
            )
        }

    return Row(name, f"{sizes[0]} people against {sizes[1]} alike; {about}", draw, gate=gate)


def _level(values: Sequence[DyadicRate], seed: int) -> float:
    """As ``rates.differentials`` has it: max-t, or Bonferroni where a group has no errors or nothing else."""
    together = family_confidence(0.95)
    if len(values) > 2 and all(0 < value.rate < 1 for value in values):
        v = np.array([value.variance / value.rate**2 for value in values])
        return simultaneous_level(
            correlation_with_common_reference(v[1:], float(v[0])), together, draws=4000, seed=seed
        )
    return bonferroni_level(len(values) - 1, together)


def winner_row(name: str, sizes: Sequence[int], group: Group, truth: float, about: str) -> Row:
    """The interval of the group that is furthest from the reference, read as if it had been chosen before."""

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        values = [group(rng, size) for size in sizes]
        top = max(values[1:], key=lambda value: value.low if math.isfinite(value.low) else 0.0)
        out = {
            Key("FMR of the group furthest above", "people", AGAINST): Answer(
                top.rate, top.low, top.high, truth, top.errors, top.rate
            )
        }
        level = bonferroni_level(len(sizes) - 1)
        low, high, _ = top.limits(level)
        out[Key("FMR of the group furthest above", "people", "at Bonferroni's level")] = Answer(
            top.rate, low, high, truth, top.errors, top.rate
        )
        return out

    return Row(
        name, f"the furthest of {len(sizes) - 1} equal groups of {min(sizes)} to {max(sizes)} people; {about}", draw
    )
