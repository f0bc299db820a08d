"""Vectors of METRICS 2, zeros, and what a summary must do whatever the rates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats.inequity import SUMMARIES, at_least, gini, pareto, summarise

A = ([1e-4, 1e-3], [0.01, 0.02])
B = ([1e-4, 2e-4, 5e-4, 1e-3], [0.01, 0.02, 0.03, 0.04])
COMBINED = [key for key, value in SUMMARIES.items() if value.both is not None]
SINGLE = [key for key, value in SUMMARIES.items() if value.both is None]


@pytest.mark.parametrize(
    ("rates", "which", "value"),
    [
        (A, "fdr", 0.994550),
        (A, "inequity_rate", 4.47213595),
        (A, "garbe", 0.57575758),
        (A, "werm", 2.11474253),
        (B, "fdr", 0.984550),
        (B, "inequity_rate", 6.32455532),
        (B, "garbe", 0.44444444),
        (B, "werm", 2.39058170),
    ],
)
def test_combined_summaries_give_the_published_values(rates: tuple, which: str, value: float) -> None:
    assert float(summarise(which, *rates)) == pytest.approx(value, abs=5e-9)


@pytest.mark.parametrize(
    ("x", "which", "value"),
    [
        (A[0], "gini", 0.81818182),
        (A[1], "gini", 0.33333333),
        (A[0], "ratio", 10),
        (A[0], "max_over_geometric_mean", 3.16227766),
        (A[0], "max_over_mean", 1.81818182),
        (B[0], "gini", 0.55555556),
        (B[1], "gini", 0.33333333),
        (B[0], "max_over_geometric_mean", 3.16227766),
        (B[1], "max_over_geometric_mean", 1.80720401),
    ],
)
def test_single_summaries_give_the_published_values(x: list[float], which: str, value: float) -> None:
    assert float(summarise(which, x)) == pytest.approx(value, abs=5e-9)


def test_equal_groups_are_perfect_in_every_summary() -> None:
    equal = [0.02] * 5
    for which in COMBINED:
        assert float(summarise(which, equal, equal)) == pytest.approx(SUMMARIES[which].perfect, abs=1e-12)
    for which in SINGLE:
        assert float(summarise(which, equal)) == pytest.approx(SUMMARIES[which].perfect, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_gini_equals_its_double_sum(rates: list[float]) -> None:
    x, size = np.array(rates), len(rates)
    double = sum(abs(a - b) for a, b in itertools.product(rates, repeat=2))
    naive = size / (size - 1) * double / (2 * size**2 * x.mean()) if x.mean() > 0 else 0.0
    assert float(gini(x)) == pytest.approx(naive, abs=1e-9)


@given(st.lists(st.floats(1e-6, 1), min_size=3, max_size=6), st.permutations(range(3)))
def test_the_order_of_groups_does_not_matter(rates: list[float], order: list[int]) -> None:
    swapped = [rates[k] for k in order] + rates[3:]
    for which in SINGLE:
        assert float(summarise(which, swapped)) == pytest.approx(float(summarise(which, rates)), rel=1e-9, abs=1e-12)


def test_draws_along_leading_axes_are_summarised_one_by_one() -> None:
    draws = np.random.default_rng(0).uniform(0.01, 0.1, (7, 4))
    for which in SINGLE:
        np.testing.assert_allclose(summarise(which, draws), [float(summarise(which, row)) for row in draws])


def test_a_zero_makes_the_summary_at_least_never_infinite_by_an_epsilon() -> None:
    # the zero group may be anywhere in [0, .004]: at .004 the ratio is least, .04/.004 = 10
    got = at_least("ratio", [0.0, 0.02, 0.04], [0.004, math.nan, math.nan])
    assert got.value == pytest.approx(10)
    assert got.lower_bound
    assert "at least" in got.note


@settings(deadline=None)  # the machine may be busy
@given(
    st.floats(1e-4, 0.3),
    st.floats(0.001, 0.2),
    st.floats(0.001, 0.2),
    st.sampled_from(["ratio", "max_over_geometric_mean"]),
)
def test_at_least_is_the_least_value_over_the_zero_groups_interval(
    upper: float, a: float, b: float, which: str
) -> None:
    got = at_least(which, [0.0, a, b], [upper, math.nan, math.nan])
    inside = [
        float(summarise(which, [x, a, b]))
        for x in np.append(np.linspace(upper / 400, upper, 400), min(upper, max(a, b)))
    ]
    assert got.value <= min(inside) * (1 + 1e-9)
    assert got.value >= min(inside) * (1 - 1e-9)


def test_without_any_error_there_is_no_summary() -> None:
    got = at_least("ratio", [0.0, 0.0], [0.1, 0.1])
    assert math.isnan(got.value)
    assert got.note == "no errors in any group"


def test_summaries_defined_at_zero_stay_what_they_are() -> None:
    assert at_least("difference", [0.0, 0.2], [0.1, math.nan]).value == pytest.approx(0.2)
    assert not at_least("gini", [0.0, 0.2], [0.1, math.nan]).lower_bound


def test_a_matcher_that_misses_nearly_everybody_scores_well_on_fdr_alone() -> None:
    # FNMR near 1 in every group: fdr .999, which is why equity is shown against accuracy
    assert float(summarise("fdr", [1e-6, 1e-6], [0.997, 0.999])) == pytest.approx(0.999)


def test_pareto_keeps_the_points_that_nothing_beats_on_both() -> None:
    # (2, .1) is beaten by (1.5, .05); ties on both keep each other
    assert pareto([1.5, 2.0, 1.2, 1.2], [0.05, 0.1, 0.2, 0.2]).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    "call",
    [
        ("accuracy", [0.1, 0.2], None),
        ("ratio", [0.1], None),
        ("fdr", [0.1, 0.2], None),
        ("ratio", [0.1, 0.2], [0.1, 0.2]),
    ],
)
def test_what_cannot_be_summarised_is_refused(call: tuple) -> None:
    with pytest.raises(ValueError, match="Allowed"):
        summarise(*call)
