"""Distances between groups' score distributions, people as the unit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from audit.stats.distributions import (
    distribution,
    ks_distance,
    ks_interval,
    standardised_difference,
)


def test_people_count_once_whatever_they_contribute() -> None:
    per_person = [[9, 0], [0, 1], [0, 0]]
    np.testing.assert_allclose(distribution(per_person), [0.5, 0.5])
    np.testing.assert_allclose(distribution(per_person, "comparisons"), [0.9, 0.1])


def test_the_ks_distance_is_scipys_on_one_score_per_person() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 40, 300), rng.integers(5, 45, 200)
    edges = np.arange(46)
    got = ks_distance(np.histogram(a, edges)[0], np.histogram(b, edges)[0])
    assert got == pytest.approx(ks_2samp(a, b).statistic)


def test_the_interval_of_two_equal_groups_reaches_zero_and_of_two_different_ones_does_not() -> None:
    rng = np.random.default_rng(2)

    def people(shift: int, size: int) -> np.ndarray:
        return np.stack(
            [np.bincount(np.clip(rng.normal(20 + shift, 6, 3).astype(int), 0, 59), minlength=60) for _ in range(size)]
        )

    same, apart = ks_interval(people(0, 60), people(0, 60), seed=1), ks_interval(people(0, 60), people(12, 60), seed=1)
    assert same.low == 0
    assert same.low <= same.value <= same.high
    assert apart.low > 0.3


def test_equal_groups_are_said_to_differ_in_one_of_twenty() -> None:
    rng = np.random.default_rng(6)

    def people(size: int) -> np.ndarray:
        own = rng.normal(0, 1, size)
        return np.stack(
            [np.bincount(np.clip(rng.normal(8 + 2 * x, 2, 4).astype(int), 0, 15), minlength=16) for x in own]
        )

    differ = sum(ks_interval(people(40), people(60), seed=1, resamples=199).low > 0 for _ in range(300))
    assert differ <= 26  # 5 % are 15, three deviations 11.3; percentiles and their reflections made it 17 %


def test_groups_without_any_spread_have_limits_as_wide_as_their_people_are_few() -> None:
    alike = np.tile([0, 3, 1], (10, 1))
    got = ks_interval(alike, alike[:4], seed=1)
    assert (got.value, got.low) == (0, 0)
    assert got.high == pytest.approx(1 - 0.05 ** (1 / 4))


def test_the_interval_depends_on_the_seed_alone() -> None:
    x = np.random.default_rng(3).integers(0, 3, (30, 8))
    assert ks_interval(x, x[:20], seed=5) == ks_interval(x, x[:20], seed=5)


def test_the_standardised_difference_by_hand() -> None:
    # means 2 and 5, variances 1 and 4: -3/sqrt(2.5)
    assert standardised_difference([1, 2, 3], [3, 5, 7]) == pytest.approx(-3 / math.sqrt(2.5))
    assert math.isnan(standardised_difference([1], [2, 3]))
    assert math.isnan(standardised_difference([1, 1], [1, 1]))


def test_a_group_without_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="Allowed"):
        ks_interval(np.zeros((2, 3)), np.ones((2, 3)), seed=1)
