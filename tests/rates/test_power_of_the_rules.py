"""power.csv against planted people: the ratio it names is called clear in about 80 of 100 draws, by this product's own
rules."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from audit.observations.tallies import CURVE, Labelling, PointTally, Tallies
from audit.rates.differentials import Differential, differentials
from audit.rates.every_rate import PairRates, compute
from audit.rates.label_sensitivity import power
from audit.validation.world_people import Traits
from audit.validation.worlds import non_mated
from audit.words.wording import CLEAR

SIZES, FMR, TOP, NAMES = (150, 80, 80), 0.01, 0.2, ("g=A", "g=B", "g=C")


def drawn(seed: int, ratio: float) -> tuple[PairRates, list[Differential]]:
    """One photo each; the second group's rate at the threshold is ``ratio`` times the others'."""
    cell = np.repeat(np.arange(3), SIZES)
    table = np.full((3, 3), np.nan)
    np.fill_diagonal(table, TOP)
    dyads = non_mated(np.random.default_rng(seed), np.ones(len(cell), np.int64), cell, table, Traits(0.3))
    cuts = np.array([ndtri(1 - FMR), ndtri(1 - FMR * ratio), ndtri(1 - FMR)]) - ndtri(
        1 - TOP
    )  # a score of 0 gives each group its own rate
    score, order = dyads.score - cuts[cell[dyads.i]], np.lexsort((dyads.j, dyads.i))
    i, j, score = dyads.i[order].astype(np.int32), dyads.j[order].astype(np.int32), score[order]
    none, one = np.zeros(len(cell), np.int32), np.ones(len(cell), np.int32)

    def at(name: str, threshold: float) -> PointTally:
        hit = score >= threshold
        return PointTally(name, threshold, i[hit], j[hit], one[:1].repeat(int(hit.sum())), none)

    curve = tuple(at(f"{CURVE}{k}", t) for k, t in enumerate(np.linspace(-float(cuts.min()), 1.0, 20)))
    rates = compute(
        Tallies(one, one, (Labelling("headline", NAMES, cell.astype(np.int16)),), (at("t", 0.0),), curve),
        minimum_subjects=2,
    )
    return rates, differentials(rates, "g=A", measures=("FMR",))


def of_b(found: list[Differential]) -> Differential:
    return next(one for one in found if one.key.group == "g=B" and one.key.weighting == "people")


def test_the_ratio_named_is_called_clear_in_eighty_of_a_hundred_draws() -> None:
    named = []
    for seed in range(12):
        rates, found = drawn(seed, 1.0)
        table = power(found, rates)
        named.append(float(table[(table.group == "g=B") & (table.weighting == "people")].detectable_ratio.iloc[0]))
    ratio = float(np.exp(np.mean(np.log(named))))
    assert 1.5 < ratio < 5
    clear = [of_b(drawn(1000 + seed, ratio)[1]).certainty == CLEAR for seed in range(100)]
    assert np.mean(clear) == pytest.approx(0.8, abs=0.12)  # three Monte Carlo deviations of .8 in 100
