"""Comparisons that somebody else chose: sums of any m_ij against the plainest statement of the formula, and against
n_i n_j where that holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from audit.stats.dyadic import Weighting, dense, pair_mask, rate, tabulate
from audit.stats.listed_sums import disjoint_pairs, tabulate_listed

Table = NDArray[np.int64]


def random_tables(seed: int, people: int, share: float) -> tuple[Table, Table]:
    """Symmetric m (some dyads not compared at all) and e <= m."""
    rng = np.random.default_rng(seed)
    m = np.triu(np.where(rng.random((people, people)) < share, rng.integers(1, 6, (people, people)), 0), 1)
    e = rng.binomial(m, 0.15)
    return m + m.T, e + e.T


def listed(m: Table) -> tuple[Table, Table, Table]:
    i, j = np.nonzero(np.triu(m, 1))
    return i, j, m[i, j]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.15, 0.5, 1.0]),
    weighting=st.sampled_from(["people", "comparisons"]),
)
def test_any_m_gives_what_the_dense_formula_gives_in_every_group(
    seed: int, share: float, weighting: Weighting
) -> None:
    people = 14
    m, e = random_tables(seed, people, share)
    cell = np.arange(people) % 3
    sums = tabulate_listed(cell, 3, listed(m), listed(e), weighting)
    for inside in ([0], [1], [0, 2], [0, 1, 2]):
        mask = np.outer(np.isin(range(3), inside), np.isin(range(3), inside))
        keep = np.isin(cell, inside)
        got = rate(sums, mask, guarded=False)
        want = dense(m[np.ix_(keep, keep)], e[np.ix_(keep, keep)], weighting=weighting, guarded=False)
        assert (got.errors, got.trials, got.subjects) == (want.errors, want.trials, want.subjects)
        if want.trials:
            assert got.rate == pytest.approx(want.rate)
            assert pytest.approx(want.Q, abs=1e-9) == got.Q
            assert pytest.approx(want.S, abs=1e-9) == got.S
        if want.errors and abs(want.S - 2 * want.Q) > 1e-6:  # at the edge rounding decides between t and z
            assert (got.low, got.high) == pytest.approx((want.low, want.high), rel=1e-9)
    # across two groups: the same tables with everything else struck out
    apart = np.where(
        (cell[:, None] != cell[None, :]) & np.isin(cell, [0, 1])[:, None] & np.isin(cell, [0, 1])[None, :], 1, 0
    )
    got, want = (
        rate(sums, pair_mask(3, [[0, 1]]), guarded=False),
        dense(m * apart, e * apart, weighting=weighting, guarded=False),
    )
    assert (got.errors, got.trials) == (want.errors, want.trials)
    if want.errors and abs(want.S - 2 * want.Q) > 1e-6:
        assert (got.low, got.high) == pytest.approx((want.low, want.high), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    chance=st.sampled_from([0.0, 0.02, 0.2, 1.0]),
    weighting=st.sampled_from(["people", "comparisons"]),
)
def test_both_doors_say_the_same_of_complete_data_to_the_last_bit(
    seed: int, chance: float, weighting: Weighting
) -> None:
    rng = np.random.default_rng(seed)
    people, cells = int(rng.integers(4, 30)), int(rng.integers(2, 4))
    n, cell = rng.integers(1, 7, people), rng.integers(0, cells, people)
    n[0] = rng.integers(1, 40)  # somebody may own most photos, so that a group is refused by comparisons: then by both
    m = np.outer(n, n)
    i, j = np.triu_indices(people, 1)
    e = rng.binomial(m[i, j], chance)
    wrong = e > 0
    errors = (i[wrong], j[wrong], e[wrong])
    a, b = (
        tabulate_listed(cell, cells, (i, j, m[i, j]), errors, weighting),
        tabulate(n, cell, cells, *errors, weighting),
    )
    masks = [
        pair_mask(cells, [[0, 0]]),
        pair_mask(cells, [[0, 1]]),
        np.ones((cells, cells), bool),
        np.eye(cells, dtype=bool),
    ]
    for mask in masks:
        for guarded in (True, False):
            got, want = (rate(sums, mask, guarded=guarded) for sums in (a, b))
            for field in (
                "rate",
                "errors",
                "trials",
                "subjects",
                "M",
                "S",
                "Q",
                "R4",
                "variance",
                "low",
                "high",
                "design_effect",
            ):
                assert np.array_equal(getattr(got, field), getattr(want, field), equal_nan=True), (field, guarded)
            assert (got.interval, got.note, got.evidence) == (want.interval, want.note, want.evidence)


@pytest.mark.parametrize(
    ("mask", "pairs"), [([[0, 0]], 2), ([[0, 1]], 3), ([[0, 0], [1, 1]], 3), ([[0, 0], [0, 1], [1, 1]], 4)]
)
def test_pairs_that_share_nobody_are_counted_by_what_was_compared(mask: list[list[int]], pairs: int) -> None:
    # five people and three: 2 pairs within the first, 3 across, 2 + 1 within each, 4 of all eight
    none = (np.zeros(0, int),) * 3
    sums = tabulate(np.ones(8, int), np.repeat([0, 1], [5, 3]), 2, *none, "people")
    assert disjoint_pairs(sums, pair_mask(2, mask)) == pairs
    assert rate(sums, pair_mask(2, mask)).high == pytest.approx(1 - 0.05 ** (1 / pairs))


def test_no_error_in_a_list_is_bounded_by_the_pairs_that_share_nobody() -> None:
    # a star: person 0 with each of nine others. However many pairs, no two are without person 0: one pair, 1 -
    # .05^(1/1) = .95
    star = (np.zeros(9, int), np.arange(1, 10), np.full(9, 5))
    none = (np.zeros(0, int),) * 3
    sums = tabulate_listed(np.zeros(10, int), 1, star, none, "people")
    assert disjoint_pairs(sums, np.ones((1, 1), bool)) == 1
    assert rate(sums, np.ones((1, 1), bool)).high == pytest.approx(0.95)
    # all pairs of ten people: five share nobody, as in the closed form
    every = tabulate_listed(np.zeros(10, int), 1, (*np.triu_indices(10, 1), np.ones(45, int)), none, "people")
    assert rate(every, np.ones((1, 1), bool)).high == pytest.approx(1 - math.exp(math.log(0.05) / 5))


@pytest.mark.parametrize(
    ("pairs", "errors"),
    [
        (([0], [1], [2]), ([0], [1], [3])),  # more errors than comparisons
        (([0], [1], [2]), ([0], [2], [1])),  # a dyad that was not compared
        (([1], [0], [2]), ([1], [0], [1])),  # not i < j
    ],
)
def test_impossible_lists_are_refused(pairs: tuple[list[int], ...], errors: tuple[list[int], ...]) -> None:
    with pytest.raises(ValueError, match="listed dyads"):
        tabulate_listed([0, 0, 0], 1, pairs, errors, "people")  # type: ignore[arg-type]
