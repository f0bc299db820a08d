"""Null bands, summary intervals, Welch's F."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from audit.stats.group_rates import GroupRates
from audit.stats.inequity import summarise
from audit.stats.intervals import Interval, normal_quantile
from audit.stats.noise import _estimates, _truths, homogeneity, null_band, summary_interval

SPRAYS = {
    "A": [10, 7, 20, 14, 14, 12, 10, 23, 17, 20, 14, 13],
    "B": [11, 17, 21, 11, 16, 14, 17, 17, 19, 21, 7, 13],
    "C": [0, 1, 7, 2, 3, 1, 2, 1, 3, 0, 1, 4],
    "D": [3, 5, 12, 6, 4, 3, 5, 5, 5, 5, 2, 4],
    "E": [3, 5, 3, 5, 3, 6, 1, 1, 3, 2, 6, 4],
    "F": [11, 9, 15, 22, 15, 16, 13, 10, 26, 26, 24, 13],
}


def on_logs(samples: list[list[float]]) -> GroupRates:
    """Group means of ordinary data, told as ln p with the variance of a mean: V = p²·var/n."""
    mean, var = np.array([np.mean(s) for s in samples]), np.array([np.var(s, ddof=1) / len(s) for s in samples])
    p = np.exp(mean / 100)  # any scale: F does not change
    return GroupRates.of(p, p**2 * var / 100**2, [len(s) - 1 for s in samples])


def test_welchs_f_gives_the_textbook_value_for_insect_sprays() -> None:
    # R, oneway.test(count ~ spray, InsectSprays): F = 36.065, num df = 5.000, denom df = 30.043, p = 7.999e-12
    f, df1, df2, p = homogeneity(on_logs(list(SPRAYS.values())))
    assert (round(f, 3), df1, round(df2, 3)) == (36.065, 5, 30.043)
    assert p == pytest.approx(7.999e-12, rel=1e-3)


def test_with_two_groups_welchs_f_is_welchs_t_squared() -> None:
    a, b = SPRAYS["C"], SPRAYS["D"]
    f, _, _, p = homogeneity(on_logs([a, b]))
    want = ttest_ind(a, b, equal_var=False)
    assert f == pytest.approx(want.statistic**2)
    assert p == pytest.approx(want.pvalue)


def test_a_group_without_errors_leaves_no_test() -> None:
    assert math.isnan(homogeneity(GroupRates.of([0.0, 0.1], [0.001, 0.001], [10, 10]))[0])


def counts(expected: float, groups: int) -> GroupRates:
    """G groups that each expect so many independent errors at rate .001: variance p/M with M = expected/.001."""
    return GroupRates.of([1e-3] * groups, [1e-6 / expected] * groups, [None] * groups)


@pytest.mark.parametrize(("expected", "ratio"), [(3, 6.5), (8.5, 2.9), (30, 1.7), (100, 1.3)])
def test_equal_groups_show_by_noise_what_metrics_says(expected: float, ratio: float) -> None:
    # METRICS 2: eight equal groups, 0.5 added to Poisson counts: max/min of about 6.5, 2.9, 1.7, 1.3 on average
    rng = np.random.default_rng(1)
    drawn = rng.poisson(expected, (20_000, 8)) + 0.5
    published = float(np.mean(drawn.max(1) / drawn.min(1)))
    assert published == pytest.approx(ratio, rel=0.03)
    band = null_band("ratio", ratio, 1e-3, counts(expected * 1.01, 8), seed=1)
    assert band.low < published < band.high
    assert 0.1 < null_band("ratio", published, 1e-3, counts(expected * 1.01, 8), seed=1).p_value < 0.8


def test_a_ratio_that_noise_cannot_make_lies_outside_the_band() -> None:
    band = null_band("max_over_geometric_mean", 3.0, 1e-3, counts(100, 8), seed=2)
    assert band.high < 3
    assert band.p_value == pytest.approx(1 / 4001)


def test_groups_with_too_few_expected_errors_are_refused_by_name() -> None:
    groups = GroupRates.of([1e-3] * 3, [1e-6 / 50, 1e-6 / 2, 1e-6 / 50], [None] * 3)
    # n_eff·p0 = p0²(1-p0)/V = 50, 2, 50
    band = null_band("ratio", 2.0, 1e-3, groups, seed=3)
    assert band.used == (0, 2)
    assert "1 of 3" in band.note
    assert math.isnan(null_band("ratio", 2.0, 1e-3, counts(2, 2), seed=3).low)


def test_fdr_is_less_fair_when_smaller() -> None:
    equal = counts(200, 4)
    band = null_band("fdr", 0.9, 1e-3, equal, 1e-3, equal, seed=4)
    assert band.p_value < 0.01
    assert null_band("fdr", 1.0, 1e-3, equal, 1e-3, equal, seed=4).p_value == pytest.approx(1, abs=0.01)


def test_draws_depend_on_the_seed_alone() -> None:
    groups = GroupRates.of([0.01, 0.02, 0.03], [1e-6] * 3, [12, None, 3])
    assert summary_interval("ratio", groups, seed=7) == summary_interval("ratio", groups, seed=7)
    assert summary_interval("ratio", groups, seed=7) != summary_interval("ratio", groups, seed=8)


@pytest.mark.parametrize("which", ["difference", "ratio", "max_over_geometric_mean", "max_over_mean", "gini"])
def test_the_interval_of_a_summary_holds_the_truth_in_unequal_and_in_equal_worlds(which: str) -> None:
    rng = np.random.default_rng(9)
    for truth in ([0.01] * 5, [0.005, 0.01, 0.01, 0.02, 0.04]):
        p = np.array(truth)
        cv, held = 0.15, 0
        for r in range(160):
            seen = p * np.exp(cv * rng.standard_normal(5))
            low, high, *_ = summary_interval(
                which, GroupRates.of(seen, (cv * seen) ** 2, [None] * 5), draws=300, seed=r
            )
            held += low - 1e-12 <= float(summarise(which, p)) <= high
        assert held / 160 >= 0.885, truth  # .93 less 2.3 Monte Carlo errors of .02


def test_the_interval_of_fdr_lies_on_the_right_side() -> None:
    f, n = GroupRates.of([0.01, 0.05], [1e-6, 1e-5], [None, None]), GroupRates.of([0.1, 0.2], [1e-4, 1e-4], [20, 20])
    band = summary_interval("fdr", f, n, seed=1)
    assert band.low < float(summarise("fdr", f.rate, n.rate)) < band.high <= 1


def test_a_group_without_errors_leaves_no_interval() -> None:
    band = summary_interval("ratio", GroupRates.of([0.0, 0.1], [1e-4, 1e-4], [None, None]), seed=1)
    assert math.isnan(band.low)
    assert "no errors" in band.note


def test_an_estimate_falls_as_far_as_the_upper_limit_reaches() -> None:
    # one group at .01 with limits .004 and .03: at z = -1.96 an estimate around p is p·(2 - (3)^(1/5))^5, at +1.96
    # p·(2 - .4^(1/4))^4
    one = GroupRates.of([0.01], [1e-6], [None], [Interval(0.004, 0.03, "")])
    z = normal_quantile(0.95)
    down, up = _estimates(one, np.array([[-z], [z]]))[:, 0]
    assert down == pytest.approx((2 - 3 ** (1 / 5)) ** 5)
    assert up == pytest.approx((2 - 0.4 ** (1 / 4)) ** 4)
    # and a truth behind an observed .01 lies at the limits themselves
    assert _truths(one, np.array([[-z], [z]]))[:, 0] == pytest.approx([0.4, 3.0])


def test_equality_is_excluded_exactly_where_the_null_band_says_so_at_five_percent() -> None:
    rng = np.random.default_rng(3)
    excluded, agree = 0, 0
    for seed in range(60):
        seen = 0.01 * np.exp(0.25 * rng.standard_normal(4))
        groups = GroupRates.of(seen, (0.2 * seen) ** 2, [None] * 4)
        low = summary_interval("ratio", groups, seed=seed, draws=1500).low
        at_one_rate = GroupRates.of([0.01] * 4, [(0.2 * 0.01) ** 2] * 4, [None] * 4)
        p = null_band("ratio", float(summarise("ratio", seen)), 0.01, at_one_rate, seed=seed, draws=1500).p_value
        excluded += low > 1
        agree += (low > 1) == (p < 0.05)
    assert 2 < excluded < 40
    assert agree >= 57  # the draws of the two differ near .05


def test_fewer_errors_than_one_leave_no_infinite_ratio() -> None:
    wide = GroupRates.of(
        [1e-4, 2e-4], [1e-8, 1e-8], [None, None], [Interval(0.0, 0.01, ""), Interval(1e-5, 0.004, "")]
    )
    band = summary_interval("ratio", wide, seed=1, draws=500)
    assert 1 <= band.low <= band.high < math.inf


def test_a_group_between_rungs_is_read_straight_in_logarithms() -> None:
    curve = GroupRates.of([0.01, 0.04], [1e-6, 9e-6], [4, 9], [Interval(0.008, 0.013, ""), Interval(0.035, 0.05, "")])
    at = curve.at(0.02)  # half way in ln p
    assert float(at.variance[0]) == pytest.approx(math.sqrt(1e-6 / 1e-4 * 9e-6 / 16e-4) * 4e-4)
    assert float(at.above[0]) == pytest.approx(math.sqrt(curve.above[0] * curve.above[1]))
    assert math.isnan(curve.chosen(np.array([False, False])).at(0.02).variance[0])
