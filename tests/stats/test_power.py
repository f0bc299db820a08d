"""Vectors of METRICS 2 (errors needed) and 3.4 (rules of 3 and 30), and power against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from audit.stats.power import (
    UNEVEN_PEOPLE,
    Seen,
    clear_ratio,
    detectable_ratio,
    errors_needed,
    errors_needed_exact,
    exact_power,
    rule_subjects,
)


@pytest.mark.parametrize(("ratio", "errors", "digits"), [(1.5, 80, 0), (2, 24.5, 1), (3, 8.7, 1)])
def test_errors_needed_are_the_published_ones(ratio: float, errors: float, digits: int) -> None:
    assert round(errors_needed(ratio), digits) == errors


def test_a_ratio_of_ten_needs_1_1_errors_by_the_exact_test() -> None:
    assert round(errors_needed_exact(10), 1) == 1.1


def test_exact_power_equals_simulated_tests() -> None:
    rng = np.random.default_rng(1)
    low, high = rng.poisson(6, 2000), rng.poisson(18, 2000)
    reject = [binomtest(int(b), int(a + b)).pvalue < 0.05 if a + b else False for a, b in zip(low, high, strict=True)]
    assert np.mean(reject) == pytest.approx(exact_power(6, 3), abs=4 * math.sqrt(0.25 / 2000))


@pytest.mark.parametrize(
    ("fmr", "three", "thirty"), [(1e-3, 78, 246), (1e-4, 246, 776), (1e-5, 776, 2450), (1e-6, 2450, 7747)]
)
def test_the_rules_of_3_and_30_need_the_published_people(fmr: float, three: int, thirty: int) -> None:
    assert (rule_subjects(fmr, 3), rule_subjects(fmr, 30)) == (three, thirty)


@pytest.mark.parametrize("ratio", [1.2, 2.0, 5.0, 40.0])
def test_the_detectable_ratio_is_the_inverse_of_errors_needed(ratio: float) -> None:
    # both groups with equal trials: the reference expects the same lambda
    errors = errors_needed(ratio)
    assert detectable_ratio(errors, reference_errors=errors) == pytest.approx(ratio)
    assert detectable_ratio(
        4 * errors, reference_errors=4 * errors, design_effect=4, reference_design_effect=4
    ) == pytest.approx(ratio)


def test_nothing_expected_detects_nothing_and_more_errors_detect_more() -> None:
    assert detectable_ratio(0) == math.inf
    assert detectable_ratio(100) < detectable_ratio(10) < detectable_ratio(1)


def test_a_ratio_of_one_or_less_is_refused() -> None:
    with pytest.raises(ValueError, match="Allowed"):
        errors_needed(1.0)


def test_a_clear_ratio_is_the_printed_interval_turned_round() -> None:
    # limits 30 % away on logs on either side, spreads of .15: ln r = sqrt(.09 + .09) + 1.2·.8416·sqrt(2)·.15
    reference = Seen(0.01, 0.3, 0.3, 0.15)
    own = [Seen(0.01 * 1.05**k, 0.3, 0.3, 0.15) for k in range(60)]
    want = math.exp(math.hypot(0.3, 0.3) + 1.2 * 0.8416212336 * math.hypot(0.15, 0.15))
    assert clear_ratio(own, reference) == pytest.approx(want, rel=1e-9)
    assert math.isinf(clear_ratio(own[:5], reference))
    want = math.exp(math.hypot(0.3, 0.3) + 0.8416212336 * math.hypot(0.15, 0.15))
    assert clear_ratio(own, reference, uneven=UNEVEN_PEOPLE) == pytest.approx(want, rel=1e-9)
    assert clear_ratio(own, reference, power=0.5) == pytest.approx(math.exp(math.hypot(0.3, 0.3)), rel=1e-9)
