"""The law of look-alikes: the gamma function held against scipy's, the fit against a planted law, FPIR against sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betaln, gammaln

from audit.stats.look_alikes import _log_gamma, fit, fpir_by_law, near


def test_the_gamma_function_is_scipys_to_the_last_digits() -> None:
    x = np.logspace(-7, 7, 500)
    assert np.abs(_log_gamma(x) - gammaln(x)).max() / np.abs(gammaln(x)).max() < 1e-15
    assert _log_gamma(x) == pytest.approx(gammaln(x), rel=1e-12, abs=1e-12)
    assert np.array_equal(_log_gamma(x), _log_gamma(x[::-1].copy())[::-1])  # the same bits wherever a number stands


def test_a_planted_law_is_found_again() -> None:
    rng = np.random.default_rng(5)
    reached = rng.binomial(2_000, rng.beta(0.5, 200.0, 20_000))
    law = fit(reached, 2_000, np.ones(len(reached)))
    assert law is not None
    assert law == pytest.approx((0.5, 200.0), rel=0.05)
    assert fit(np.zeros(5, int), 9, np.ones(5)) is None
    assert fit(np.full(5, 9), 9, np.ones(5)) is None


@pytest.mark.parametrize(("a", "b", "size"), [(0.5, 200.0, 1_000), (2.0, 3.0, 4), (1e-3, 5.0, 50)])
def test_fpir_by_the_law_equals_one_minus_a_ratio_of_betas(a: float, b: float, size: int) -> None:
    wanted = 1 - math.exp(betaln(a, b + size) - betaln(a, b))
    assert fpir_by_law((a, b), size) == pytest.approx(wanted, rel=1e-3)


def test_the_rule_of_the_hold_out() -> None:
    assert near(0.40, 0.42)
    assert near(0.010, 0.012)
    assert not near(0.00015, 0.014)
    assert not near(0.2, 0.6)
