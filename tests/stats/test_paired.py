"""Two matchers on the same people: the closed form against sums over every
pair, and its limits against planted truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audit.stats.paired import Errors, Setting, paired_people, paired_ratio


def errors_of(table: np.ndarray, inside: np.ndarray) -> Errors:
    i, j = np.nonzero(np.triu(np.where(np.outer(inside, inside), table, 0.0), 1))
    n = int(inside.sum())
    return Errors(i, j, table[i, j], n * (n - 1) / 2)


def tables(
    rng: np.random.Generator, people: int, a: float, b: float, trait: float = 0.6, shared: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric 0/1 tables: people whose traits add up match more; half of what
    is left is shared by the two matchers."""
    from scipy.stats import norm

    own = rng.standard_normal(people)
    both = np.triu(rng.standard_normal((people, people)), 1)
    both = both + both.T
    out = []
    for rate in (a, b):
        mine = np.triu(rng.standard_normal((people, people)), 1)
        noise = math.sqrt(shared) * both + math.sqrt(1 - shared) * (mine + mine.T)
        z = math.sqrt(trait) * (own[:, None] + own[None, :]) / math.sqrt(2) + math.sqrt(1 - trait) * noise
        out.append(np.where(np.eye(people, dtype=bool), 0.0, (z >= norm.isf(rate)).astype(float)))
    return out[0], out[1]


@pytest.mark.parametrize("seed", range(6))
def test_the_variance_equals_naive_sums_over_every_pair_with_and_without_a_threshold_set_on_these_people(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    people = 24
    a, b = tables(rng, people, 0.4, 0.5)
    first, second, whole = np.arange(people) < 12, np.arange(people) >= 12, np.ones(people, bool)
    response = (-0.7, 0.9)  # of a and of b, on everybody
    settings = [Setting(errors_of(table, whole), whole, r) for table, r in zip((a, b), response, strict=True)]
    got = paired_ratio(
        people,
        [errors_of(a, g) for g in (first, second)],
        [errors_of(b, g) for g in (first, second)],
        (1.0, -1.0),
        settings,
    )
    psi = np.zeros((people, people))
    for table, sign in ((b, 1.0), (a, -1.0)):
        for inside, c in ((first, sign), (second, -sign)):
            pairs = np.outer(inside, inside) & ~np.eye(people, dtype=bool)
            p = table[pairs].mean()
            psi[pairs] += c * (table[pairs] - p) / (p * pairs.sum() / 2)
    for table, r in zip((a, b), response, strict=True):
        pairs = ~np.eye(people, dtype=bool)
        p = table[pairs].mean()
        psi[pairs] += r * (table[pairs] - p) / (p * pairs.sum() / 2)
    S, Q = float((psi.sum(axis=1) ** 2).sum()), float((psi[np.triu_indices(people, 1)] ** 2).sum())
    unseen = sum(1 / min(errors_of(a, g).x.size, errors_of(b, g).x.size) ** 2 for g in (first, second))
    assert got.variance == pytest.approx(max(S - Q, Q) + unseen, rel=1e-9)
    np.testing.assert_allclose(got.influence, psi.sum(axis=1), atol=1e-12)


def test_limits_cover_and_are_not_wider_than_the_spread_asks_for() -> None:
    rng, truth, held, widths, values = np.random.default_rng(9), math.log(2.0), 0, [], []
    for _ in range(300):
        a, b = tables(rng, 70, 0.05, 0.1)
        whole = np.ones(70, bool)
        ratio = paired_ratio(70, [errors_of(a, whole)], [errors_of(b, whole)], (1.0,)).ratio(0.95)
        held += ratio.low <= math.exp(truth) <= ratio.high
        widths.append(math.log(ratio.high / ratio.low))
        values.append(math.log(ratio.value))
    assert held >= 270  # .93 of 300 is 279; two Monte Carlo deviations below
    assert (
        0.8 < np.median(widths) / (2 * 1.96 * np.std(values)) < 1.35
    )  # the bootstrap's were up to twice; a tenth of them would show here


def test_misses_of_the_same_people_cancel() -> None:
    rng = np.random.default_rng(4)
    y = (rng.random(60) < 0.4).astype(float)
    other = np.where(np.arange(60) < 5, 1 - y, y)
    whole = np.ones(60, bool)
    same, near = (paired_people([y], [two], [whole], (1.0,)) for two in (y, other))
    assert same.value == 0
    assert same.variance == pytest.approx(
        1 / y.sum() ** 2
    )  # one person on one side only that was not met: nobody knows it is exactly alike
    want = ((other / other.sum() - y / y.sum()) ** 2).sum() + 1 / min(y.sum(), other.sum()) ** 2
    assert near.variance == pytest.approx(want)


def test_few_errors_give_a_ratio_without_limits_and_none_gives_none() -> None:
    whole = np.ones(30, bool)
    a, b = np.zeros((30, 30)), np.zeros((30, 30))
    for k in range(9):
        a[k, k + 1] = a[k + 1, k] = 1.0
    found = paired_ratio(30, [errors_of(a, whole)], [errors_of(a, whole)], (1.0,))
    assert (found.value, math.isnan(found.variance)) == (0.0, True)
    assert "only 9 pairs" in found.note
    assert math.isnan(paired_ratio(30, [errors_of(a, whole)], [errors_of(b, whole)], (1.0,)).value)
