"""The printed limits: light below, guarded above, and METRICS' where errors are many."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.intervals import clopper_pearson, t_quantile, wilson
from audit.stats.limits import Evidence, printed_limits


def test_with_many_errors_and_people_the_limits_are_wilsons() -> None:
    many = Evidence(0.01 * 0.99 / 5000, 0.01 * 0.99 / 5000 * 1.0000001, 1e5, 1e7)
    # 50 independent errors were seen: t with 49.5 degrees of freedom above, z below
    assert printed_limits(0.01, many).low == pytest.approx(wilson(0.01, 5000).low, rel=1e-4)
    assert printed_limits(0.01, many).high == pytest.approx(wilson(0.01, 5000, quantile=t_quantile(49.5)).high, rel=1e-4)


def test_by_hand_at_six_effective_errors() -> None:
    # p = .01, V = 2e-5, crowded = 4e-5, 8 people carry the spread, 24 effective errors: half way to crowded above (12/24)
    ev = Evidence(2e-5, 4e-5, 8.0, 24.0)
    got = printed_limits(0.01, ev)
    assert got.low == pytest.approx(wilson(0.01, 0.0099 / 2e-5, quantile=t_quantile(80)).low)
    seen = 0.01 * 0.0099 / 4e-5  # 2.475 independent errors, fewer than 8 - 1
    assert got.high == pytest.approx(wilson(0.01, 0.0099 / 3e-5, quantile=t_quantile(seen)).high)


def test_the_lower_limit_of_one_error_is_clopper_pearsons() -> None:
    one = Evidence(1e-4 * (1 - 1e-4) / 1e4, 2e-8, 2.0, 1.0)
    assert printed_limits(1e-4, one).low == pytest.approx(clopper_pearson(1, 10_000).low)
    assert "few errors" in printed_limits(1e-4, one).method


def test_few_people_allow_few_degrees_of_freedom_on_both_sides() -> None:
    free, held = Evidence(1e-6, 1e-6, 500.0, 500.0), Evidence(1e-6, 1e-6, 500.0, 500.0, 5.0)
    assert printed_limits(0.01, held).low < printed_limits(0.01, free).low
    assert printed_limits(0.01, held).high == pytest.approx(wilson(0.01, 9900, quantile=t_quantile(5)).high)


@given(
    st.floats(1e-6, 0.999), st.floats(1.0, 1e5), st.floats(1.0, 50.0), st.floats(1.0, 1e4), st.floats(1.0, 1e6), st.sampled_from([0.9, 0.95, 0.99])
)
def test_limits_hold_the_rate_and_widen_with_confidence(p: float, n_eff: float, factor: float, tails: float, errors: float, level: float) -> None:
    v = p * (1 - p) / n_eff
    ev = Evidence(v, v * factor, tails, errors)
    low, high, _ = printed_limits(p, ev, level)
    assert 0 <= low <= p <= high <= 1 or math.isclose(low, p) or math.isclose(high, p)
    wider = printed_limits(p, ev, 0.995)
    assert wider.low <= low + 1e-15
    assert wider.high >= high - 1e-15
