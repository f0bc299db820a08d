"""The toy of METRICS 3.1, and the closed form against the most naive sums over all pairs of people."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats.dyadic import between, dense, pair_mask, rate, tabulate, within
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.intervals import clopper_pearson, wilson

TOY = {
    (0, 1): (4, 1),
    (0, 2): (4, 0),
    (0, 3): (6, 2),
    (0, 4): (2, 0),
    (1, 2): (4, 0),
    (1, 3): (6, 1),
    (1, 4): (2, 0),
    (2, 3): (6, 0),
    (2, 4): (2, 0),
    (3, 4): (3, 1),
}


def toy() -> tuple[np.ndarray, np.ndarray]:
    m, e = np.zeros((5, 5)), np.zeros((5, 5))
    for (a, b), (x, y) in TOY.items():
        m[a, b] = m[b, a] = x
        e[a, b] = e[b, a] = y
    return m, e


def test_the_toy_gives_every_published_number() -> None:
    got = dense(*toy(), guarded=False)
    assert got.rate == pytest.approx(5 / 39)
    np.testing.assert_allclose(
        got.R, [0.9487179487, -0.0512820513, -2.0512820513, 1.3076923077, -0.1538461538], atol=1e-10
    )
    assert pytest.approx(3.499013806706) == got.Q
    assert pytest.approx(6.844181459567) == got.S
    assert pytest.approx(0.0023004693009) == got.Q / got.M**2
    assert got.guard == pytest.approx(0.0028658608540)
    assert got.variance == got.guard
    assert got.df is None
    assert (got.low, got.high) == pytest.approx((0.0560281754, 0.2670574338), abs=1e-10)


def test_the_toy_without_its_guard_has_the_published_effective_size_and_limits() -> None:
    got = dense(*toy())
    n_eff = got.rate * (1 - got.rate) / max((got.S - got.Q) / got.M**2, got.Q / got.M**2)
    assert n_eff == pytest.approx(48.58511838)
    assert wilson(got.rate, n_eff)[:2] == pytest.approx((0.0609395525, 0.2499558435), abs=1e-10)


def test_leaving_one_person_out_of_the_toy_gives_the_published_rates() -> None:
    m, e = toy()
    got = []
    for who in range(5):
        keep = np.arange(5) != who
        got.append(dense(m[np.ix_(keep, keep)], e[np.ix_(keep, keep)]).rate)
    assert got == pytest.approx([0.0869565217, 0.1304347826, 0.2173913043, 0.0555555556, 0.1333333333], abs=1e-10)


def test_the_sparse_form_gives_the_toy_too() -> None:
    # m_ij = n_i n_j holds in the toy with n = 2, 2, 2, 3, 1
    got = within([2, 2, 2, 3, 1], [0, 0, 1, 3], [1, 3, 3, 4], [1, 2, 1, 1], "comparisons")
    want = dense(*toy())
    assert (got.errors, got.trials, got.subjects) == (5, 39, 5)
    assert pytest.approx(want.S) == got.S
    assert pytest.approx(want.Q) == got.Q
    np.testing.assert_allclose(got.R, want.R, atol=1e-12)


def naive(
    n: np.ndarray, pairs: list[tuple[int, int]], table: dict[tuple[int, int], int], weighting: str
) -> dict[str, float]:
    """Every sum of METRICS 3 by a loop over pairs of people."""
    pairs = [(a, b) for a, b in pairs if n[a] * n[b] > 0]
    e = {d: table.get(d, 0) / (n[d[0]] * n[d[1]] if weighting == "people" else 1) for d in pairs}
    m = {d: 1.0 if weighting == "people" else float(n[d[0]] * n[d[1]]) for d in pairs}
    total = sum(m.values())
    p = sum(e.values()) / total
    r = {d: e[d] - p * m[d] for d in pairs}
    big = [sum(v for d, v in r.items() if who in d) for who in range(len(n))]
    return {
        "rate": p,
        "M": total,
        "S": sum(x * x for x in big),
        "Q": sum(v * v for v in r.values()),
        "R4": sum(x**4 for x in big),
        "errors": sum(table.get(d, 0) for d in pairs),
        "trials": sum(n[a] * n[b] for a, b in pairs),
    }


def alone(n: np.ndarray, pairs: list[tuple[int, int]], table: dict[tuple[int, int], int], weighting: str) -> float:
    """The guard by a loop: as if every error stood alone, so that copies of a comparison are not more of them."""
    known = [(table.get(d, 0), int(n[d[0]] * n[d[1]])) for d in pairs if n[d[0]] * n[d[1]]]
    if weighting == "people":
        p = sum(e / m for e, m in known) / len(known)
        return p * (1 - p) / len(known)
    total = sum(m for _, m in known)
    p = sum(e for e, _ in known) / total
    return min((1 - p) * sum(e * e for e, _ in known), p * sum((m - e) ** 2 for e, m in known)) / total**2


def check(got: DyadicRate, want: dict[str, float], guard: float) -> None:
    for name, value in want.items():
        assert getattr(got, name) == pytest.approx(value, rel=1e-9, abs=1e-9), name
    if want["errors"] in (0, want["trials"]):
        return
    p, M, S, Q = (want[k] for k in ("rate", "M", "S", "Q"))
    assert got.variance == pytest.approx(max((S - Q) / M**2, Q / M**2, p * (1 - p) / M, guard), rel=1e-8)
    if got.interval == "":
        assert "few people" in got.note or "photographed" in got.note
        return
    assert 0 <= got.low <= p <= got.high <= 1


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, dict[tuple[int, int], int]]:
    people = draw(st.integers(4, 9))
    n = np.array(draw(st.lists(st.integers(0, 4), min_size=people, max_size=people)))
    cell = np.array(draw(st.lists(st.integers(-1, 2), min_size=people, max_size=people)))
    table = {}
    for a, b in itertools.combinations(range(people), 2):
        e = draw(st.integers(0, int(n[a] * n[b])))
        if e and draw(st.booleans()):
            table[a, b] = e
    return n, cell, table


@settings(max_examples=150, deadline=None)
@given(
    worlds(),
    st.sampled_from(["people", "comparisons"]),
    st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1),
)
def test_any_union_of_cell_pairs_equals_the_naive_sums(
    world: tuple, weighting: str, chosen: set[tuple[int, int]]
) -> None:
    n, cell, table = world
    i, j = (np.array([d[k] for d in table], int) for k in (0, 1))
    sums = tabulate(n, cell, 3, i, j, list(table.values()), weighting)  # type: ignore[arg-type]
    allowed = {frozenset(c) for c in chosen}
    pairs = [
        d
        for d in itertools.combinations(range(len(n)), 2)
        if min(cell[d[0]], cell[d[1]]) >= 0 and frozenset((int(cell[d[0]]), int(cell[d[1]]))) in allowed
    ]
    got = rate(sums, pair_mask(3, sorted(chosen)))
    if sum(n[a] * n[b] for a, b in pairs) == 0:
        assert math.isnan(got.rate)
        assert got.note == "no comparisons"
        return
    check(got, naive(n, pairs, table, weighting), alone(n, pairs, table, weighting))
    assert got.subjects == len({x for a, b in pairs if n[a] * n[b] for x in (a, b)})


@settings(max_examples=60, deadline=None)
@given(worlds(), st.sampled_from(["people", "comparisons"]))
def test_within_and_between_equal_the_naive_sums(world: tuple, weighting: str) -> None:
    n, _, table = world
    half = len(n) // 2
    everyone = list(itertools.combinations(range(len(n)), 2))
    across = [(a, b) for a, b in everyone if a < half <= b]
    crossing = {d: e for d, e in table.items() if d in set(across)}
    if sum(n[a] * n[b] for a, b in everyone):
        i, j = (np.array([d[k] for d in table], int) for k in (0, 1))
        whole = within(n, i, j, list(table.values()), weighting)  # type: ignore[arg-type]
        check(whole, naive(n, everyone, table, weighting), alone(n, everyone, table, weighting))
    if sum(n[a] * n[b] for a, b in across):
        i, j = (np.array([d[k] for d in crossing], int) for k in (0, 1))
        parted = between(n[:half], n[half:], i, j - half, list(crossing.values()), weighting)  # type: ignore[arg-type]
        check(parted, naive(n, across, table, weighting), alone(n, across, table, weighting))


def test_without_false_matches_the_upper_bound_is_one_sided_and_says_so() -> None:
    got = within(np.full(55, 2), [], [], [], "people")
    # 55 people make 27 disjoint pairs
    assert (got.rate, got.low) == (0, 0)
    assert (1 - got.high) ** 27 == pytest.approx(0.05)
    assert "one-sided" in got.interval
    assert "one-sided" in got.note
    near = within(np.full(55, 2), [], [], [], "people", nearby_design_effect=4.0)
    assert near.high == pytest.approx(-math.log(0.05) * 4 / 1485)  # 55*54/2 pairs of people


def test_much_photographed_people_do_not_count_as_many_when_nothing_was_seen() -> None:
    # weights 100, 1, 1, 1: Kish's number is 103^2/10003 = 1.06 people, one disjoint pair at most
    assert within([100, 1, 1, 1], [], [], [], "comparisons").high == pytest.approx(0.95)


def test_one_person_makes_no_comparisons() -> None:
    got = within([5], [], [], [])
    assert math.isnan(got.rate)
    assert got.interval == ""
    assert got.note == "no comparisons"


def test_every_comparison_matching_gives_a_one_sided_lower_bound() -> None:
    got = within([1, 1, 1, 1], *zip(*[(a, b, 1) for a, b in itertools.combinations(range(4), 2)], strict=True))
    assert (got.rate, got.high) == (1, 1)
    assert 0 < got.low < 1


def test_with_few_errors_the_guarded_limits_enclose_those_of_metrics() -> None:
    plain, guarded = dense(*toy(), guarded=False), dense(*toy())
    # 5 errors on pairs (1, 2, 1, 1): (Σe)²/Σe² = 25/7 effective errors
    assert guarded.evidence is not None
    assert guarded.evidence.errors == pytest.approx(25 / 7)
    assert guarded.high > plain.high
    assert guarded.low <= plain.low
    assert guarded.interval.endswith("few errors")
    # Σe² = 7 on 39 comparisons: 34/39·7/39², for two errors of one pair of people are not two
    assert (plain.variance, guarded.variance) == pytest.approx((34 / 39 * 5 / 39**2, 34 / 39 * 7 / 39**2))


def test_the_lower_limit_of_one_error_is_clopper_pearsons() -> None:
    got = within(np.ones(20, int), [0], [1], [1])
    assert got.low == pytest.approx(clopper_pearson(1, 190).low)
    assert got.low < wilson(1 / 190, 190).low


def test_with_many_errors_the_printed_limits_are_nearly_those_of_metrics() -> None:
    rng = np.random.default_rng(3)
    i, j = np.triu_indices(400, 1)
    trait = 0.5 * rng.normal(size=400)
    hit = trait[i] + trait[j] + rng.normal(size=len(i)) > 1.5
    a, b = (within(np.ones(400, int), i[hit], j[hit], np.ones(hit.sum(), int), guarded=g) for g in (True, False))
    # t with a hundred or so degrees of freedom on one side for z on the other: 1.98 against 1.96
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=0.003)


def test_the_evidence_is_the_closed_form_where_everybody_has_one_photo() -> None:
    rng = np.random.default_rng(8)
    i, j = np.triu_indices(40, 1)
    trait = rng.normal(size=40)
    hit = trait[i] + trait[j] + rng.normal(size=len(i)) > 2
    people, comparisons = (
        within(np.ones(40, int), i[hit], j[hit], np.ones(hit.sum(), int), w) for w in ("people", "comparisons")
    )
    want = ((people.S - people.Q) / people.M**2, people.S / people.M**2, people.S**2 / people.R4, hit.sum())
    for got in (people, comparisons):
        assert got.evidence is not None
        assert got.evidence[:4] == pytest.approx(want)
    assert comparisons.evidence is not None
    assert comparisons.evidence.most_df == pytest.approx(10)  # a quarter of 40 equally photographed people


def test_by_comparisons_the_spread_between_people_is_pooled_over_everybody() -> None:
    # the naive sum: R_i²-Q_i over M_i, summed, times ΣM_i²/ΣM_i, plus Q, over M²
    rng, n = np.random.default_rng(9), np.array([1, 1, 2, 2, 3, 5, 1, 4])
    i, j = np.triu_indices(8, 1)
    e = rng.binomial(n[i] * n[j], np.array([0.05, 0.1, 0.9, 0.2, 0.1, 0.8, 0.7, 0.05])[i])
    got = within(n, i, j, e, "comparisons")
    r = np.zeros((8, 8))
    r[i, j] = r[j, i] = e - got.rate * n[i] * n[j]
    each = n * (n.sum() - n)
    R, Q_i = r.sum(1), (r**2).sum(1)
    spread = ((R**2 - Q_i) / each).sum() * (each**2).sum() / each.sum() + Q_i.sum() / 2
    assert got.evidence is not None
    assert spread / got.M**2 > got.guard
    assert got.evidence.variance == pytest.approx(spread / got.M**2)
    assert got.variance != pytest.approx(spread / got.M**2, rel=0.05)  # METRICS' own


def test_by_comparisons_a_group_that_few_people_decide_gets_no_interval() -> None:
    # weights 60 and twenty-nine 1s: (89)²/3629 = 2.2 equally photographed people
    n = np.r_[60, np.ones(29, int)]
    got = within(n, [0, 1], [1, 2], [5, 1], "comparisons")
    assert math.isnan(got.low)
    assert "worth 2" in got.note
    assert math.isfinite(within(n, [0, 1], [1, 2], [5, 1], "people").low)
    assert got.limits(0.9).method == ""


def test_t_is_used_exactly_where_clustering_dominates() -> None:
    # one person matches everybody: R is concentrated, S - Q > Q
    hub = within(np.ones(30, int), np.zeros(29, int), np.arange(1, 30), np.ones(29, int))
    assert hub.S - hub.Q > hub.Q
    assert hub.df == 2  # S^2/R4 - 1 is about .1: the floor decides
    lone = within(np.ones(30, int), [0, 2, 4], [1, 3, 5], [1, 1, 1], guarded=False)
    assert lone.df is None
    assert "Wilson z" in lone.interval


def test_limits_at_another_confidence_are_those_computed_there() -> None:
    a = within(np.ones(30, int), np.zeros(29, int), np.arange(1, 30), np.ones(29, int), confidence=0.90)
    b = within(np.ones(30, int), np.zeros(29, int), np.arange(1, 30), np.ones(29, int))
    assert b.limits(0.90)[:2] == (a.low, a.high)


@pytest.mark.parametrize("bad", [([1, 1], [0], [0], [1]), ([1, 1], [0], [1], [2])])
def test_an_impossible_dyad_is_refused(bad: tuple) -> None:
    with pytest.raises(ValueError, match="Allowed"):
        within(*bad)


def test_by_comparisons_nothing_is_printed_where_the_much_photographed_are_the_mistaken() -> None:
    # 60 people, 20 of them with six photos: errors among these alone, and errors spread over everybody
    n = np.where(np.arange(60) < 20, 6, 2)
    famous = [(a, b) for a in range(20) for b in range(a + 1, 20)][::4]
    anybody = [(a, b) for a in range(60) for b in range(a + 1, 60)][::37]
    for pairs, bare in ((famous, True), (anybody, False)):
        i, j = np.array(pairs).T
        got = within(n, i, j, n[i] * n[j] // 4, "comparisons")  # a quarter of a pair's comparisons, whoever they are
        assert math.isnan(got.low) == bare
        assert ("goes with how often they were photographed" in got.note) == bare
    i, j = np.array(famous).T
    assert within(n, i, j, np.ones(len(i), int), "people").low > 0  # by people it does not matter


def test_by_comparisons_the_variance_is_never_below_the_closed_form() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        n, i = rng.integers(1, 6, 50), np.triu_indices(50, 1)
        e = rng.binomial(np.outer(n, n)[i], 0.02 * rng.gamma(0.5, 2.0, 50)[i[0]].clip(0, 20))
        got = within(n, i[0][e > 0], i[1][e > 0], e[e > 0], "comparisons")
        if got.evidence is not None:
            assert got.evidence.variance >= got.variance * (1 - 1e-12)
