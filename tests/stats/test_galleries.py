"""Random galleries: the vectors of IDENTIFICATION, exact fractions, galleries enumerated one by one, and a jackknife
done the long way."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from audit.stats.galleries import drawn, fnir, fpir, jackknife, people_mean, selectivity


@pytest.mark.parametrize(("size", "value"), [(1, 0.4), (2, 0.7), (3, 0.9), (4, 1.0)])
def test_two_look_alikes_of_five_people(size: int, value: float) -> None:
    assert fpir([[2]], [[5]], [size])[0] == pytest.approx(value, abs=1e-15)


def test_two_groups_with_quotas() -> None:
    # 1 - (C(3,2)/C(4,2)) (C(4,3)/C(6,3)) = 1 - .5 * .2; 2 * 1/4 + 3 * 2/6 candidates.
    assert fpir([[1, 2]], [[4, 6]], [2, 3])[0] == pytest.approx(0.9, abs=1e-15)
    assert selectivity([[1, 2]], [[4, 6]], [2, 3])[0] == pytest.approx(1.5, abs=1e-15)


def test_ranks_of_a_mate_below_three_of_ten() -> None:
    assert 1 - fnir([[3]], [[10]], [4], 1, [True])[0] == pytest.approx(1 / 6, abs=1e-15)
    assert 1 - fnir([[3]], [[10]], [4], 2, [True])[0] == pytest.approx(2 / 3, abs=1e-15)
    assert fnir([[3]], [[10]], [4], 2, [False])[0] == 1.0


@pytest.mark.parametrize(("M", "n", "most"), [(1, 0, 0), (1, 1, 1), (7, 3, 4), (12, 12, 5), (40, 13, 13), (9, 0, 2)])
def test_every_probability_is_that_of_the_binomial_coefficients(M: int, n: int, most: int) -> None:
    table = drawn(M, n, most)
    for K, x in itertools.product(range(M + 1), range(most + 1)):
        exact = Fraction(math.comb(K, x) * math.comb(M - K, n - x), math.comb(M, n)) if x <= n else Fraction(0)
        assert table[K, x] == pytest.approx(float(exact), rel=1e-13, abs=0)


def test_large_galleries_keep_their_digits() -> None:
    # One look-alike among 5,748 others: exactly N/M.
    assert 1 - drawn(5748, 1000)[1, 0] == pytest.approx(1000 / 5748, rel=1e-13)
    exact = 1.0
    for t in range(300):
        exact *= (5748 - 1000 - t) / (5748 - t)
    assert drawn(5748, 1000)[300, 0] == pytest.approx(exact, rel=1e-11)


def test_galleries_enumerated_one_by_one_agree() -> None:
    rng = np.random.default_rng(0)
    groups = [range(4), range(4, 9)]
    score, mate, threshold, sizes, ranks = rng.integers(0, 5, 9), 2, 3, (2, 3), 2
    K = [[int((score[list(g)] >= threshold).sum()) for g in groups]]
    above = [[int((score[list(g)] >= mate).sum()) for g in groups]]
    hit, missed, candidates, total = 0, 0, 0, 0
    for a in itertools.combinations(groups[0], sizes[0]):
        for b in itertools.combinations(groups[1], sizes[1]):
            inside = score[list(a + b)]
            total += 1
            hit += bool((inside >= threshold).any())
            candidates += int((inside >= threshold).sum())
            missed += 1 + int((inside >= mate).sum()) > ranks
    assert fpir(K, [[4, 5]], sizes)[0] == pytest.approx(hit / total, rel=1e-14)
    assert selectivity(K, [[4, 5]], sizes)[0] == pytest.approx(candidates / total, rel=1e-14)
    assert fnir(above, [[4, 5]], sizes, ranks, [True])[0] == pytest.approx(missed / total, rel=1e-14)


def test_more_people_than_there_are_cannot_be_enrolled() -> None:
    with pytest.raises(ValueError, match="0 to 5"):
        drawn(5, 6)


def world(seed: int, people: int = 14) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), rng.integers(1, 4, people))
    hits = rng.random((len(person), people)) < 0.2 * (1 + (np.arange(people) % 5 == 0) * 2)
    hits[np.arange(len(person)), person] = False
    return person, hits, rng.integers(0, 2, people)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_jackknife_is_that_of_leaving_people_out_one_by_one(size: int) -> None:
    person, hits, group = world(1)
    people, inside = len(group), group[person] == 1
    probe, other = np.nonzero(hits)
    got = jackknife(hits.sum(axis=1), person, inside, probe, other, group, size)

    def rate(left: list[int]) -> float:
        use = np.isin(person, left) & inside
        K = hits[use][:, left].sum(axis=1)
        return people_mean(fpir(K[:, None], np.full((len(K), 1), len(left) - 1), [size]), person[use])

    everybody = list(range(people))
    assert got.value == pytest.approx(rate(everybody), rel=1e-13)
    theta = np.array([rate([p for p in everybody if p != j]) for j in everybody])
    wanted = sum(
        (n - 1) / n * ((theta[group == g] - theta[group == g].mean()) ** 2).sum()
        for g, n in enumerate(np.bincount(group))
    )
    assert got.variance == pytest.approx(wanted, rel=1e-10)
    assert got.people == int((group == 1).sum())


def test_a_group_of_nobody_and_of_one() -> None:
    person, hits, group = world(2)
    probe, other = np.nonzero(hits)
    K = hits.sum(axis=1)
    assert math.isnan(jackknife(K, person, np.zeros(len(person), bool), probe, other, group, 2).value)
    assert math.isnan(jackknife(K, person, person == 3, probe, other, group, 2).variance)


def test_the_jackknife_covers_with_look_alike_hubs() -> None:
    # Everybody's look-alikes exist: people differ in how often they are reached, and reach. The truth is the mean of
    # 3,000 people of that kind.
    size, trials, covered = 10, 300, 0

    def draw(rng: np.random.Generator, people: int) -> np.ndarray:
        a = rng.gamma(0.7, 1.0, people)
        return rng.random((people, people)) < np.minimum(0.02 * np.sqrt(a[:, None] * a[None, :]), 1.0)

    # Exchangeable people, so a gallery of 10 strangers: E over searchers of 1 - E(prod(1 - p_ij)), by simulation.
    rng = np.random.default_rng(5)
    a, b = rng.gamma(0.7, 1.0, 200_000), rng.gamma(0.7, 1.0, (200_000, size))
    truth = float((1 - np.prod(1 - np.minimum(0.02 * np.sqrt(a[:, None] * b), 1.0), axis=1)).mean())
    for _ in range(trials):
        hits = np.triu(draw(rng, 80), 1)
        hits = hits | hits.T
        probe, other = np.nonzero(hits)
        got = jackknife(hits.sum(axis=1), np.arange(80), np.ones(80, bool), probe, other, np.zeros(80, int), size)
        covered += abs(got.value - truth) <= 1.96 * math.sqrt(got.variance)
    assert covered / trials >= 0.90  # nominal .95; 300 trials see .93 as .90 at worst
