"""Vectors of METRICS 3.3 and what limits must always do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.intervals import (
    clopper_pearson,
    normal_quantile,
    t_quantile,
    wilson,
    zero_errors_by_design_effect,
    zero_errors_by_disjoint_pairs,
    zero_errors_by_subjects,
)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.30849710781876077),
        (1, 2, 0.01257911709342505, 0.9874208829065749),
        (9856, 10000, 0.9830683505328337, 0.9878427092808462),
        (1, 10_000, 2.53178e-6, 5.57037e-4),
    ],
)
def test_clopper_pearson_gives_the_published_limits(errors: int, trials: int, low: float, high: float) -> None:
    got = clopper_pearson(errors, trials)
    assert got.low == pytest.approx(low, rel=1e-6)
    assert got.high == pytest.approx(high, rel=1e-6)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.27753280),
        (1, 10, 0.01787621, 0.40415003),
        (5, 100, 0.02154368, 0.11175047),
        (1, 10_000, 1.765267e-5, 5.662689e-4),
    ],
)
def test_wilson_gives_the_published_limits(errors: int, trials: int, low: float, high: float) -> None:
    got = wilson(errors / trials, trials)
    assert got.low == pytest.approx(low, abs=5e-9, rel=1e-6)
    assert got.high == pytest.approx(high, abs=5e-9, rel=1e-6)


def test_the_aclu_count_of_28_in_535_has_wilson_limits_3_6_to_7_5_per_cent() -> None:
    # METRICS 5: 5.2 % (Wilson 3.6-7.5 %)
    got = wilson(28 / 535, 535)
    assert round(got.low, 3) == 0.036
    assert round(got.high, 3) == 0.075


@given(st.floats(0, 1), st.floats(0.5, 1e9), st.floats(0.5, 0.999))
def test_wilson_limits_enclose_the_rate_and_stay_in_the_unit_interval(
    rate: float, n_eff: float, confidence: float
) -> None:
    low, high, _ = wilson(rate, n_eff, confidence)
    assert 0 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1


@given(st.floats(0.001, 0.999), st.floats(1, 1e6))
def test_a_wider_quantile_gives_a_wider_interval(rate: float, n_eff: float) -> None:
    narrow, wide = wilson(rate, n_eff, quantile=1.0), wilson(rate, n_eff, quantile=2.0)
    assert wide.low < narrow.low
    assert wide.high > narrow.high


def test_the_wilson_limits_solve_the_score_equation() -> None:
    # the limit x satisfies |p - x| = z sqrt(x(1-x)/n): checked for a real-valued n
    p, n, z = 0.03, 57.3, 2.2
    for x in wilson(p, n, quantile=z)[:2]:
        assert abs(p - x) == pytest.approx(z * math.sqrt(x * (1 - x) / n), rel=1e-12)


def test_t_with_many_degrees_of_freedom_is_z() -> None:
    assert t_quantile(1e9) == pytest.approx(normal_quantile(), rel=1e-6)
    assert t_quantile(2) == pytest.approx(4.30265272991)  # Student's table


def test_the_bound_of_zero_errors_is_where_no_error_has_chance_5_per_cent() -> None:
    assert (1 - zero_errors_by_subjects(10).high) ** 10 == pytest.approx(0.05)
    # 55 people make 27 disjoint pairs; 4 people against 9 make 4
    assert (1 - zero_errors_by_disjoint_pairs(55).high) ** 27 == pytest.approx(0.05)
    assert (1 - zero_errors_by_disjoint_pairs(4, 9).high) ** 4 == pytest.approx(0.05)


def test_the_rule_of_three_grows_with_the_design_effect_and_never_shrinks_below_it() -> None:
    assert zero_errors_by_design_effect(3000, 1).high == pytest.approx(0.001, rel=0.002)  # -ln .05 = 2.9957
    assert zero_errors_by_design_effect(3000, 5).high == pytest.approx(0.005, rel=0.002)
    assert zero_errors_by_design_effect(3000, 0.2).high == zero_errors_by_design_effect(3000, 1).high
    assert zero_errors_by_design_effect(2, 5).high == 1


@pytest.mark.parametrize(
    "call",
    [lambda: clopper_pearson(3, 2), lambda: wilson(1.1, 5), lambda: wilson(0.5, 0), lambda: wilson(0.5, 5, 1.0)],
)
def test_impossible_input_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match="Allowed"):
        call()  # type: ignore[operator]
