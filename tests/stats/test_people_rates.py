"""FNMR and FTA over people, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.fnmr import fnmr, moved
from audit.stats.fta import fta
from audit.stats.intervals import clopper_pearson_low, wilson


def test_each_person_with_two_photos_or_more_counts_once() -> None:
    # y = 1/10, 1/1, 0/3 over three people (the fourth has one photo): q = 1.1/3; by comparisons 2/14
    people, comparisons = fnmr([1, 1, 0, 0], [10, 1, 3, 0]), fnmr([1, 1, 0, 0], [10, 1, 3, 0], "comparisons")
    assert people.rate == pytest.approx(1.1 / 3)
    assert (people.errors, people.trials, people.subjects) == (2, 14, 3)
    metrics = fnmr([1, 1, 0, 0], [10, 1, 3, 0], guarded=False)
    assert metrics.rate == people.rate
    assert (metrics.low, metrics.high) == pytest.approx(wilson(1.1 / 3, 3)[:2])
    # (Σy)²/Σy² = 1.21/1.01 effective misses: the lower limit is Clopper-Pearson's on so many
    assert people.low == pytest.approx(clopper_pearson_low(1.1 / 3, 1.21 / 1.01 / (1.1 / 3)))
    assert people.high > metrics.high
    assert comparisons.rate == pytest.approx(2 / 14)
    assert math.isnan(comparisons.low)
    assert comparisons.interval == ""
    assert "no interval" in comparisons.note


def test_the_toy_of_metrics_has_two_misses_in_six_by_comparisons() -> None:
    # A(1,0) B(1,0) C(1,1) D(3,1) E none: by people (0 + 0 + 1 + 1/3)/4
    assert fnmr([0, 0, 1, 1, 0], [1, 1, 1, 3, 0], "comparisons").rate == pytest.approx(2 / 6)
    assert fnmr([0, 0, 1, 1, 0], [1, 1, 1, 3, 0]).rate == pytest.approx(1 / 3)


def test_no_misses_give_a_one_sided_bound_on_people() -> None:
    got = fnmr(np.zeros(20, int), np.full(20, 3))
    assert got.high == pytest.approx(1 - 0.05 ** (1 / 20))
    assert "one-sided" in got.interval


def test_nobody_with_two_photos_leaves_the_rate_empty() -> None:
    got = fnmr([0, 0], [0, 0])
    assert math.isnan(got.rate)
    assert got.note == "nobody has two samples"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30))
def test_the_people_variance_is_never_below_the_spread_between_people(rows: list[tuple[int, int]]) -> None:
    f, g = np.array([min(r) for r in rows]), np.array([max(r) for r in rows])
    got = fnmr(f, g)
    if not (0 < f.sum() < g.sum()):
        return
    assert got.variance >= (got.influence**2).sum() * (1 - 1e-12)
    assert got.low <= got.rate <= got.high


def test_one_unseen_person_who_misses_everything_is_added_to_the_spread() -> None:
    # 40 people with 10 mated comparisons, 16 of whom miss 2: y = .2, q = .08, Σ(y-q)² = 16·.0144 + 24·.0064 = .384;
    # unseen: 8/16
    got = fnmr(np.repeat([2, 0], [16, 24]), np.full(40, 10))
    assert got.variance == pytest.approx((0.384 + 0.5) / 1600)
    # people who miss all or nothing: q(1-q)/n is all the spread there can be
    assert fnmr(np.repeat([1, 0], [16, 24]), np.full(40, 1)).variance == pytest.approx(0.4 * 0.6 / 40)


def test_a_group_is_moved_to_the_pooled_rate_with_its_own_spread() -> None:
    value = fnmr(np.repeat([2, 0], [16, 24]), np.full(40, 10))
    there = moved(value, 0.05)
    assert there.rate == 0.05
    assert there.variance == pytest.approx(value.variance * 0.05 * 0.95 / (0.08 * 0.92))
    assert there.low < 0.05 < there.high
    # nobody missed anything: all or nothing
    assert moved(fnmr(np.zeros(40, int), np.full(40, 10)), 0.05).variance == pytest.approx(0.05 * 0.95 / 40)


def test_failures_that_come_by_person_widen_the_interval_of_fta() -> None:
    # 20 failures in 400 samples: spread over 20 people, or all photos of two
    spread = fta(np.full(40, 10), np.repeat([1, 0], [20, 20]))
    clustered = fta(np.full(40, 10), np.repeat([10, 0], [2, 38]))
    assert spread.rate == clustered.rate == 0.05
    assert clustered.design_effect > 5
    assert clustered.high - clustered.low > 2 * (spread.high - spread.low)


def test_fta_by_hand() -> None:
    # a = 2, 4, 4; x = 1, 0, 1: p = .2; R = .6, -.8, .2; sum of squares 1.04; n/(n-1) = 1.5
    got = fta([2, 4, 4], [1, 0, 1])
    assert got.rate == pytest.approx(0.2)
    assert got.variance == pytest.approx(max(1.5 * 1.04 / 100, 0.016))
    assert fta([2, 4, 4], [1, 0, 1], "people").rate == pytest.approx((0.5 + 0 + 0.25) / 3)


def test_no_failures_give_a_one_sided_bound_on_people_not_on_photos() -> None:
    got = fta(np.full(10, 50), np.zeros(10, int))
    assert got.high == pytest.approx(1 - 0.05 ** (1 / 10))


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="Allowed"):
        fnmr([2], [1])
    with pytest.raises(ValueError, match="Allowed"):
        fta([1], [2])
