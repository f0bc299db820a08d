"""The vertex bootstrap is the oracle of the closed form: it estimates (S+Q)/M²."""

from __future__ import annotations

import math

import numpy as np
import pytest
from resampling import row_bootstrap, vertex_bootstrap

from audit.stats.dyadic import within


def world(seed: int = 0, size: int = 80, photos: bool = False) -> tuple:
    rng = np.random.default_rng(seed)
    n = 1 + rng.poisson(1.0, size) if photos else np.ones(size, int)
    i, j = np.triu_indices(size, 1)
    trait = rng.normal(size=size)
    chance = 1 / (1 + np.exp(3 - trait[i] - trait[j]))
    e = rng.binomial(n[i] * n[j], chance)
    hit = e > 0
    return n, i[hit], j[hit], e[hit]


@pytest.mark.parametrize("weighting", ["people", "comparisons"])
def test_the_vertex_bootstrap_estimates_s_plus_q(weighting: str) -> None:
    data = world(photos=True)
    got = within(*data, weighting)
    draws = vertex_bootstrap(*data, weighting, resamples=20_000, seed=1)
    # Monte Carlo error of a standard deviation over 20,000 draws: .5 %; the expansion's own error is of order 1/S
    assert draws.std() == pytest.approx(math.sqrt(got.S + got.Q) / got.M, rel=0.03)
    assert draws.mean() == pytest.approx(got.rate, rel=0.02)


def test_the_row_bootstrap_sees_half_the_standard_error() -> None:
    data = world()
    got = within(*data)
    draws = row_bootstrap(*data, resamples=20_000, seed=1)
    assert draws.std() == pytest.approx(math.sqrt(got.S) / got.M / 2, rel=0.03)


def test_the_same_seed_gives_the_same_draws_whatever_the_block_size() -> None:
    data = world(2)
    a, b = vertex_bootstrap(*data, resamples=50, seed=3), vertex_bootstrap(*data, resamples=50, seed=3)
    np.testing.assert_array_equal(a, b)


def test_a_resample_is_the_naive_double_loop_over_copies() -> None:
    n, i, j, e = world(4, 12, photos=True)
    rng = np.random.default_rng(5)
    c = rng.multinomial(12, np.full(12, 1 / 12), 1)[0]
    table = {(a, b): x for a, b, x in zip(i, j, e, strict=True)}
    top = sum(c[a] * c[b] * table.get((a, b), 0) for a in range(12) for b in range(a + 1, 12))
    bottom = sum(c[a] * c[b] * n[a] * n[b] for a in range(12) for b in range(a + 1, 12))
    assert vertex_bootstrap(n, i, j, e, "comparisons", resamples=1, seed=5)[0] == pytest.approx(top / bottom)
