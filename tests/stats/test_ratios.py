"""Ratios: METRICS 5's ACLU vector, the zero rules, and linearised variances against naive sums over all pairs of
people."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats.contrasts import Contrast, log_contrast, log_contrast_people
from audit.stats.dyadic import pair_mask, rate, tabulate
from audit.stats.fnmr import fnmr
from audit.stats.intervals import wilson, zero_errors_by_subjects
from audit.stats.ratios import Limited, difference, log_slope, mover_difference, mover_ratio


def limited(errors: int, trials: int) -> Limited:
    return Limited(errors / trials, *wilson(errors / trials, trials)[:2])


def test_the_aclu_ratio_is_2_6_with_limits_1_2_to_5_4_by_delta_and_a_little_narrower_by_mover() -> None:
    # METRICS 5: 11/107 against 17/428, 2.6 (1.2-5.4): the delta method on logs, Var = (1-p_A)/11 + (1-p_B)/17
    delta = Contrast(
        math.log(11 / 107 / (17 / 428)), (1 - 11 / 107) / 11 + (1 - 17 / 428) / 17, None, np.zeros(0)
    ).ratio()
    assert [round(v, 1) for v in delta[:3]] == [2.6, 1.2, 5.4]
    mover = mover_ratio(limited(11, 107), limited(17, 428))
    assert [round(v, 1) for v in mover[:3]] == [2.6, 1.3, 5.2]


def test_mover_follows_its_formula() -> None:
    a, b = Limited(0.02, 0.01, 0.05), Limited(0.004, 0.003, 0.006)
    got = mover_ratio(a, b)
    assert got.low == pytest.approx(5 * math.exp(-math.sqrt(math.log(2) ** 2 + math.log(1.5) ** 2)))
    assert got.high == pytest.approx(5 * math.exp(math.sqrt(math.log(2.5) ** 2 + math.log(4 / 3) ** 2)))


def test_swapping_the_groups_inverts_the_ratio_and_its_limits() -> None:
    a, b = limited(11, 107), limited(17, 428)
    one, other = mover_ratio(a, b), mover_ratio(b, a)
    assert other[:3] == pytest.approx((1 / one.value, 1 / one.high, 1 / one.low))


def test_a_zero_is_never_given_an_epsilon() -> None:
    none, some = Limited(0.0, *zero_errors_by_subjects(30)[:2]), limited(11, 107)
    at_most, at_least, neither = mover_ratio(none, some), mover_ratio(some, none), mover_ratio(none, none)
    assert (at_most.value, at_most.low) == (0, 0)
    assert at_most.high == pytest.approx(none.high / some.low)
    assert at_least.value == math.inf
    assert at_least.high == math.inf
    assert at_least.low == pytest.approx(some.low / none.high)
    assert all(math.isnan(v) for v in neither[:3])
    assert neither.note == "no errors in either group"


def test_a_missing_rate_gives_no_ratio() -> None:
    assert math.isnan(mover_ratio(Limited(math.nan, 0, 1), limited(1, 10)).value)
    assert math.isnan(mover_ratio(Limited(0.1, math.nan, math.nan), limited(1, 10)).low)


def test_mover_difference_of_equal_rates_is_newcombes() -> None:
    # Newcombe 1998, example (a): 56/70 - 48/80 = .2, method 10 gives .0524 to .3339
    got = mover_difference(limited(56, 70), limited(48, 80))
    assert got[:3] == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, dict[tuple[int, int], int]]:
    n = np.array(draw(st.lists(st.integers(1, 3), min_size=9, max_size=9)))
    cell = np.repeat([0, 1, 2], 3)
    table = {d: draw(st.integers(0, int(n[d[0]] * n[d[1]]))) for d in itertools.combinations(range(9), 2)}
    for d in ((0, 1), (3, 4), (6, 7)):
        table[d] = max(1, table[d])
    return n, cell, table


def in_mask(mask: np.ndarray, cell: np.ndarray, d: tuple[int, int]) -> bool:
    return bool(mask[cell[d[0]], cell[d[1]]])


@settings(max_examples=60, deadline=None)
@given(worlds(), st.sampled_from(["people", "comparisons"]))
def test_the_contrast_of_overlapping_groups_equals_naive_sums_over_pairs(world: tuple, weighting: str) -> None:
    n, cell, table = world
    sums = tabulate(n, cell, 3, *np.array(list(table)).T, list(table.values()), weighting)  # type: ignore[misc]
    coarse = pair_mask(3, [[0, 0], [0, 1], [1, 1]])  # e.g. women
    fine = pair_mask(3, [[0, 0]])  # e.g. Asian women
    reference = pair_mask(3, [[2, 2]])
    terms = [(coarse, 1.0), (fine, -1.0), (reference, -0.3)]
    e = {d: x / (n[d[0]] * n[d[1]] if weighting == "people" else 1) for d, x in table.items()}
    m = {d: 1.0 if weighting == "people" else n[d[0]] * n[d[1]] for d in table}
    psi, value = dict.fromkeys(table, 0.0), 0.0
    for mask, c in terms:
        inside = [d for d in table if in_mask(mask, cell, d)]
        p = sum(e[d] for d in inside) / sum(m[d] for d in inside)
        M = sum(m[d] for d in inside)
        value += c * math.log(p) if c != -0.3 else 0
        for d in inside:
            psi[d] += c / (p * M) * (e[d] - p * m[d])
    S_i = [sum(v for d, v in psi.items() if who in d) for who in range(9)]
    total, square = sum(v * v for v in S_i), sum(v * v for v in psi.values())
    got = log_contrast(sums, terms[:2], calibration=terms[2:])
    assert got.value == pytest.approx(value)
    np.testing.assert_allclose(got.influence, S_i, atol=1e-9)
    assert got.variance >= max(total - square, square) * (1 - 1e-9)
    if weighting == "people" and (n == 1).all():
        assert got.variance == pytest.approx(max(total - square, square))


def test_the_contrast_of_one_group_has_the_variance_of_its_rate_on_logs() -> None:
    rng = np.random.default_rng(3)
    i, j = np.triu_indices(40, 1)
    hit = rng.random(len(i)) < 0.1
    sums = tabulate(np.ones(40, int), np.zeros(40, int), 1, i[hit], j[hit], np.ones(hit.sum(), int), "people")
    mask = np.ones((1, 1), bool)
    one, contrast = rate(sums, mask), log_contrast(sums, [(mask, 1.0)])
    assert contrast.variance == pytest.approx(one.variance / one.rate**2)
    assert contrast.df == one.df


def test_the_degrees_of_freedom_of_disjoint_groups_are_welch_satterthwaites() -> None:
    rng = np.random.default_rng(4)
    cell = np.repeat([0, 1], [30, 50])
    trait = rng.normal(size=80)
    i, j = np.triu_indices(80, 1)
    hit = (trait[i] + trait[j] + rng.normal(size=len(i)) > 2.2) & (cell[i] == cell[j])
    sums = tabulate(np.ones(80, int), cell, 2, i[hit], j[hit], np.ones(hit.sum(), int), "people")
    a, b = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    ra, rb, got = rate(sums, a), rate(sums, b), log_contrast(sums, [(a, 1.0), (b, -1.0)])
    va, vb = (x.S / (x.M * x.rate) ** 2 for x in (ra, rb))
    assert ra.df is not None
    assert rb.df is not None
    # (va+vb)^2 / (va^2/(df_a+1) + vb^2/(df_b+1)), less one as for a single group
    want = (va + vb) ** 2 / (va**2 / (ra.df + 1) + vb**2 / (rb.df + 1)) - 1
    assert got.df == pytest.approx(want)
    assert got.variance == pytest.approx(ra.variance / ra.rate**2 + rb.variance / rb.rate**2)


def test_the_difference_of_disjoint_groups_adds_their_variances() -> None:
    rng = np.random.default_rng(5)
    cell = np.repeat([0, 1], 40)
    i, j = np.triu_indices(80, 1)
    hit = (rng.random(len(i)) < 0.2) & (cell[i] == cell[j])
    sums = tabulate(np.ones(80, int), cell, 2, i[hit], j[hit], np.ones(hit.sum(), int), "people")
    a, b = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    ra, rb, got = rate(sums, a), rate(sums, b), difference(sums, a, b, guarded=False)
    assert got.value == pytest.approx(ra.rate - rb.rate)
    assert got.low < got.value < got.high


def test_people_who_share_a_group_cancel_in_the_contrast_of_misses() -> None:
    # the same group twice: the ratio is exactly 1, and its influence vanishes
    whole = fnmr([1, 0, 1, 0], [1, 1, 3, 3])
    got = log_contrast_people([(whole, 1.0), (whole, -1.0)])
    assert got.value == 0
    assert np.abs(got.influence).max() < 1e-15


def test_the_slope_of_an_exponential_tail_is_its_rate() -> None:
    scores = np.random.default_rng(6).exponential(1 / 50, 400_000) + 0.3
    got = log_slope(scores, np.ones(len(scores)), 0.36, least=4000)
    assert got == pytest.approx(50, rel=0.06)


def test_a_slope_without_scores_on_both_sides_is_missing() -> None:
    assert math.isnan(log_slope([0.5, 0.6], [1, 1], 0.9))


def test_a_difference_of_groups_that_share_nobody_is_movers() -> None:
    n, cell = np.ones(40, int), np.repeat([0, 1], 20)
    i, j = np.triu_indices(40, 1)
    e = np.random.default_rng(6).random(len(i)) < 0.2
    sums = tabulate(n, cell, 2, i[e], j[e], np.ones(e.sum(), int), "people")
    a, b = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    want = mover_difference(*(Limited(v.rate, v.low, v.high) for v in (rate(sums, a), rate(sums, b))))
    assert difference(sums, a, b)[:3] == pytest.approx(want[:3])


def test_a_difference_is_narrower_where_both_groups_share_their_people() -> None:
    n, cell = np.ones(40, int), np.repeat([0, 1], [34, 6])
    i, j = np.triu_indices(40, 1)
    trait = np.random.default_rng(7).normal(size=40)
    e = trait[i] + trait[j] > 1.5
    sums = tabulate(n, cell, 2, i[e], j[e], np.ones(e.sum(), int), "people")
    most, everybody = pair_mask(2, [[0, 0]]), np.ones((2, 2), bool)
    got = difference(sums, everybody, most)
    apart = mover_difference(*(Limited(v.rate, v.low, v.high) for v in (rate(sums, everybody), rate(sums, most))))
    assert apart.low < got.low < got.value < got.high < apart.high
