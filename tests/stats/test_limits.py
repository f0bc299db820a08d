"""The printed limits: light below, guarded above, and METRICS' where errors are many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.contrasts import Ratio
from audit.stats.dyadic import between, within
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.intervals import Interval, clopper_pearson, t_quantile, wilson
from audit.stats.limits import NO_UNSEEN, Evidence, Unseen, printed_limits, with_unseen
from audit.stats.ratios import limited_pair, mover_ratio, with_unseen_kinds


def test_with_many_errors_and_people_the_limits_are_wilsons() -> None:
    many = Evidence(0.01 * 0.99 / 5000, 0.01 * 0.99 / 5000 * 1.0000001, 1e5, 1e7)
    # 50 independent errors were seen: t with 49.5 degrees of freedom above, z below
    assert printed_limits(0.01, many).low == pytest.approx(wilson(0.01, 5000).low, rel=1e-4)
    assert printed_limits(0.01, many).high == pytest.approx(
        wilson(0.01, 5000, quantile=t_quantile(49.5)).high, rel=1e-4
    )


def test_by_hand_at_six_effective_errors() -> None:
    # p = .01, V = 2e-5, crowded = 4e-5, 8 people carry the spread, 24 effective errors: half way to crowded above
    # (12/24)
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
    st.floats(1e-6, 0.999),
    st.floats(1.0, 1e5),
    st.floats(1.0, 50.0),
    st.floats(1.0, 1e4),
    st.floats(1.0, 1e6),
    st.sampled_from([0.9, 0.95, 0.99]),
)
def test_limits_hold_the_rate_and_widen_with_confidence(
    p: float, n_eff: float, factor: float, tails: float, errors: float, level: float
) -> None:
    v = p * (1 - p) / n_eff
    ev = Evidence(v, v * factor, tails, errors)
    low, high, _ = printed_limits(p, ev, level)
    assert 0 <= low <= p <= high <= 1 or math.isclose(low, p) or math.isclose(high, p)
    wider = printed_limits(p, ev, 0.995)
    assert wider.low <= low + 1e-15
    assert wider.high >= high - 1e-15


def test_a_kind_that_was_not_met_by_hand() -> None:
    # 80 people: a share s with (1-s)^80 = 3·.05 is missing from 15 of 100 draws; a pair holds one of them with chance
    # 1-(1-s)² = 1 - .15^(1/40)
    pairs = 1 - 0.15 ** (1 / 40)
    assert with_unseen(0.004, 80) == pytest.approx(0.004 + (40 - 1) * 0.004 * pairs, rel=1e-12)
    assert with_unseen(0.1, 80) == pytest.approx(0.1 + 0.4 * pairs, rel=1e-12)  # at most half of its comparisons
    assert with_unseen(0.7, 80) == 0.7
    assert with_unseen(0.004, 80, unseen=Unseen(0.02, 2.0)) == pytest.approx(
        0.004 + 0.016 * (1 - 0.1 ** (1 / 40)), rel=1e-12
    )
    assert with_unseen(0.004, math.inf) == with_unseen(0.004, 80, unseen=NO_UNSEEN) == 0.004


def hubs(rng: np.random.Generator, people: int, met: int | None) -> DyadicRate:
    """Two photos each; one person in 67 has 40 times the FMR .004; ``met`` of them, or as many as chance has it."""
    hub = rng.random(people) < 0.015 if met is None else np.arange(people) < met
    i, j = np.triu_indices(people, 1)
    e = rng.binomial(4, 0.004 * np.where(hub[i] | hub[j], 40, 1))
    return within(np.full(people, 2), i[e > 0], j[e > 0], e[e > 0])


TRUTH = 0.004 * (1 + 39 * (1 - 0.985**2))


def test_rare_hubs_are_covered_also_where_none_was_met() -> None:
    rng = np.random.default_rng(1)
    drawn = [hubs(rng, 80, None) for _ in range(250)]
    without = [one.limits(unseen=NO_UNSEEN) for one in drawn]

    def covered(limits: list[Interval]) -> float:
        return float(np.mean([one.low <= TRUTH <= one.high for one in limits]))

    assert (
        covered([one.limits() for one in drawn]) >= 0.90
    )  # .95 in the coverage study; four Monte Carlo errors are .055
    assert covered(without) < 0.80  # a third of draws meet none
    none = [hubs(rng, 80, 0) for _ in range(40)]
    assert np.mean([one.high >= TRUTH for one in none]) > 0.8
    assert np.mean([one.limits(unseen=NO_UNSEEN).high >= TRUTH for one in none]) < 0.3
    assert all("unseen kinds" in one.interval for one in none)


def test_many_people_meet_every_kind_that_counts() -> None:
    rng, n = np.random.default_rng(2), 2500
    i, j = rng.integers(0, n, (2, 3000))
    pairs = np.unique(np.sort(np.stack([i[i != j], j[i != j]]), axis=0), axis=1)
    got = within(np.ones(n, int), *pairs, np.ones(pairs.shape[1], int))
    assert got.high == pytest.approx(got.limits(unseen=NO_UNSEEN).high, rel=0.04)


def test_copied_photographs_are_not_more_people_who_were_met() -> None:
    rng = np.random.default_rng(3)
    i, j = np.triu_indices(60, 1)
    hit = rng.random(len(i)) < 0.01
    once, often = (within(np.full(60, k), i[hit], j[hit], np.full(int(hit.sum()), k * k)) for k in (1, 5))
    assert often.evidence is not None
    assert often.evidence.met == 60
    assert often.high == pytest.approx(once.high, rel=1e-9)


def test_between_two_groups_the_smaller_one_decides_what_was_met() -> None:
    got = between(np.ones(20, int), np.ones(2000, int), [1, 2, 3], [5, 9, 44], [1, 1, 1])
    assert got.evidence is not None
    assert got.evidence.met == pytest.approx(2 / (1 / 20 + 1 / 2000))


def test_in_a_ratio_a_kind_met_on_one_side_alone_is_allowed_for_on_the_other() -> None:
    rng = np.random.default_rng(4)
    covered, without = [], []
    for _ in range(60):
        some, none = hubs(rng, 80, 2), hubs(rng, 80, 0)
        got = mover_ratio(*limited_pair(some, none))
        covered.append(got.low <= 1)
        without.append(math.log(some.rate / none.rate) <= math.hypot(*_reach(some, none)))
    assert np.mean(covered) > 0.9
    assert np.mean(without) < np.mean(covered)
    alike = [
        hubs(rng, 80, 0) for _ in range(2)
    ]  # nobody stands out on either side: the ratio is that of the people met
    narrow = math.exp(math.hypot(*_reach(*alike)))
    assert mover_ratio(*limited_pair(*alike)).low > alike[0].rate / alike[1].rate / narrow / 1.25


def _reach(a: DyadicRate, b: DyadicRate) -> tuple[float, float]:
    one, other = a.limits(unseen=NO_UNSEEN), b.limits(unseen=NO_UNSEEN)
    return math.log(a.rate / one.low), math.log(other.high / b.rate)


def test_a_linearised_ratio_reaches_as_far_as_a_kind_met_on_one_side_could_move_it() -> None:
    rng = np.random.default_rng(5)
    some, none = hubs(rng, 80, 2), hubs(rng, 80, 0)
    assert some.evidence is not None
    assert none.evidence is not None
    narrow = Ratio(3.0, 2.9, 3.1, "delta on logs, z")
    got = with_unseen_kinds(narrow, some, none, 0.95)
    # the most mistaken person of the first may be missing among the 80 of the second: 1 - .1^(1/40) of their pairs, at
    # most 40 times
    pairs = 1 - 0.1 ** (1 / 40)
    most = none.rate + (min(0.5, some.evidence.top, 40 * none.rate) - none.rate) * pairs
    assert got.low == pytest.approx(3.0 * none.rate / most, rel=1e-12)
    assert got.high >= 3.1
    assert got.method == "delta on logs, z, unseen kinds"
    wide = Ratio(3.0, 0.1, 90.0, "delta on logs, z")
    assert with_unseen_kinds(wide, some, none, 0.95) == wide
