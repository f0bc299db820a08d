"""Rows of the coverage study about power: is the ratio that ``power.csv`` names called clear in 80 of 100 draws, by
this product's own rules?

In: nothing (the worlds are planted here). Out: ``Row``s whose coverage is a power, with a gate on both sides. Its one
idea: a benchmark is drawn, its power table names a ratio, and other benchmarks are drawn in which the group's rate is
that many times the reference's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from audit.observations.tallies import CURVE, Labelling, PointTally, Tallies
from audit.rates.differentials import Differential, differentials
from audit.rates.every_rate import PairRates, compute
from audit.rates.label_sensitivity import power
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits
from audit.validation.worlds import mated_misses, non_mated
from audit.words.wording import CLEAR

__all__ = ["power_row"]

Ints = NDArray[np.int64]
NAMES = ("g=A", "g=B", "g=C", "g=D")
PILOTS, RUNGS = 24, 20
POWER_GATE = (0.75, 0.85)


def power_row(name: str, measure: str, sizes: tuple[int, ...], rate: float, traits: Traits) -> Row:
    """The second group at the ratio that a pilot names against the first; all others are like the first. FMR with one
    photo each, FNMR mostly two.
    """

    @lru_cache(maxsize=1)
    def named() -> tuple[float, ...]:
        """What pilots say, each a benchmark whose groups are alike."""
        out = []
        for pilot in range(PILOTS):
            rates, found = _benchmark(np.random.default_rng([7, pilot]), measure, sizes, rate, 1.0, traits, curve=True)
            table = power(found, rates)
            out.append(float(table[(table.group == NAMES[1]) & (table.measure == measure)].detectable_ratio.iloc[0]))
        return tuple(out)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        ratio = named()[int(rng.integers(PILOTS))]
        if not np.isfinite(ratio) or ratio * rate >= 1:
            return {}
        _, found = _benchmark(rng, measure, sizes, rate, ratio, traits, curve=False)
        one = next(each for each in found if each.key.group == NAMES[1] and each.key.weighting == "people")
        clear = 1.0 if one.certainty == CLEAR else 0.0
        return {
            Key(f"power of {measure}", "people", "called clear at the ratio named for 80 %", True): Answer(
                ratio, 0.5, 1.5, clear
            )
        }

    words = (
        f"{sizes[1]} people against {sizes[0]}, and {len(sizes) - 2} other groups; {measure} "
        f"{rate:g}, rho {traits.rho:g}"
    )
    return Row(name, words, draw, gate=POWER_GATE, both_sides=True, slow=2)


def _benchmark(
    rng: np.random.Generator,
    measure: str,
    sizes: tuple[int, ...],
    rate: float,
    ratio: float,
    traits: Traits,
    *,
    curve: bool,
) -> tuple[PairRates, list[Differential]]:
    """A benchmark at one threshold (score 0), with the curve below and above it where wanted; measured and judged."""
    cell, rates = np.repeat(np.arange(len(sizes)), sizes), np.full(len(sizes), rate)
    rates[1] *= ratio
    photos = np.ones(len(cell), np.int64) if measure == "FMR" else np.where(np.arange(len(cell)) % 5 == 0, 4, 2)
    f, rungs = np.zeros(len(cell), np.int64), []
    if measure == "FMR":
        top = min(0.5, (30 if curve else 1) * float(rates.max()))
        table = np.full((len(sizes),) * 2, np.nan)
        np.fill_diagonal(table, top)
        dyads = non_mated(rng, photos, cell, table, traits)
        score = dyads.score - (ndtri(top) - ndtri(rates))[cell[dyads.i]]
        order = np.lexsort((dyads.j, dyads.i))
        i, j, score = dyads.i[order].astype(np.int32), dyads.j[order].astype(np.int32), score[order]
        rungs = list(np.linspace(float((ndtri(rates) - ndtri(top)).max()), 1.0, RUNGS)) if curve else []
    else:
        i = j = np.zeros(0, np.int32)
        score = np.zeros(0)
        for g, q in enumerate(rates):
            f[cell == g] = mated_misses(rng, photos[cell == g], float(q), traits.rho)[0]
    misses = f.astype(np.int32)

    def at(name: str, threshold: float) -> PointTally:
        hit = score >= threshold
        return PointTally(name, threshold, i[hit], j[hit], np.ones(int(hit.sum()), np.int32), misses)

    n = photos.astype(np.int32)
    tallies = Tallies(
        n,
        n,
        (Labelling("headline", NAMES[: len(sizes)], cell.astype(np.int16)),),
        (at("t", 0.0),),
        tuple(at(f"{CURVE}{k}", t) for k, t in enumerate(rungs)),
    )
    measured = compute(tallies, minimum_subjects=2)
    return measured, differentials(measured, NAMES[0], measures=(measure,))
