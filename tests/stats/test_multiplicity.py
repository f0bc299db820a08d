"""Simultaneous bands and Holm."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audit.stats.multiplicity import (
    bonferroni_level,
    correlation_of_influences,
    correlation_with_common_reference,
    simultaneous_level,
)


def test_independent_contrasts_need_sidaks_level() -> None:
    # 8 independent: .95^(1/8)
    assert simultaneous_level(np.eye(8), seed=1, draws=200_000) == pytest.approx(0.95 ** (1 / 8), abs=4e-4)


def test_contrasts_that_move_together_need_no_correction() -> None:
    assert simultaneous_level(np.ones((5, 5)), seed=1) == pytest.approx(0.95, abs=0.004)


def test_dunnetts_quantile_for_a_shared_reference_is_reached() -> None:
    # Dunnett's table, correlation .5, infinite df, two-sided .95: 3 comparisons 2.35, 5 comparisons 2.51
    from scipy.special import ndtri

    for groups, quantile in ((3, 2.35), (5, 2.51)):
        level = simultaneous_level(correlation_with_common_reference([1.0] * groups, 1.0), seed=2, draws=200_000)
        assert float(ndtri((1 + level) / 2)) == pytest.approx(quantile, abs=0.01)


def test_the_level_never_exceeds_bonferronis_and_is_the_plain_one_for_a_single_group() -> None:
    assert simultaneous_level(np.eye(30), seed=3, draws=2000) <= bonferroni_level(30)
    assert simultaneous_level([[1.0]], seed=3) == 0.95


def test_a_common_reference_gives_the_correlation_of_its_share() -> None:
    # v = 1, 3 and v_ref = 1: 1/sqrt(2*4)
    assert correlation_with_common_reference([1.0, 3.0], 1.0)[0, 1] == pytest.approx(1 / math.sqrt(8))


def test_influences_that_share_people_are_correlated() -> None:
    got = correlation_of_influences([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    assert got[0, 1] == pytest.approx(0.5)


def test_rates_without_spread_count_as_independent_of_each_other() -> None:
    # Three groups and their reference in which everybody matches: v = 0 for all, and 0/0 would be no number.
    corr = correlation_with_common_reference([0.0, 0.0, 0.3], 0.0)
    assert np.array_equal(corr, np.eye(3))
    assert 0.95 < simultaneous_level(corr, 0.95, seed=1) <= bonferroni_level(3, 0.95)
    assert correlation_with_common_reference([0.0, 0.3], 0.1)[0, 1] == pytest.approx(0.1 / np.sqrt(0.1 * 0.4))
