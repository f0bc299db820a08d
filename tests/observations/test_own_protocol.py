"""A benchmark's own folds: counts by a naive loop, and the sentence's numbers from the counts alone."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from audit.observations.own_protocol import folds, summary


def naive(scores: np.ndarray, mated: np.ndarray, fold: np.ndarray) -> list[int]:
    """For each fold every observed score of the others is tried, the lowest of the best taken."""
    out = []
    for k in sorted(set(fold)):
        others = [(s, m) for s, m, f in zip(scores, mated, fold, strict=True) if f != k and not np.isnan(s)]
        best = max(sum((s >= t) == m for s, m in others) for t, _ in others)
        threshold = min(t for t, _ in others if sum((s >= t) == m for s, m in others) == best)
        out.append(sum(bool((s >= threshold) == m) for s, m, f in zip(scores, mated, fold, strict=True) if f == k))
    return out


@pytest.mark.parametrize("seed", range(8))
def test_right_decisions_per_fold_are_those_of_a_naive_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mated = rng.random(60) < 0.5
    scores = np.round(rng.normal(mated * 1.0, 1.0), 1)
    scores[rng.random(60) < 0.1] = np.nan
    fold = np.repeat(np.arange(6), 10)
    assert folds(scores, mated, fold).tolist() == naive(scores, mated, fold)


def test_the_summary_is_made_of_counts() -> None:
    counted = {
        "pairs": [10, 10, 20],
        "pairs_with_a_score": [10, 9, 18],
        "right_failures_do_not_match": [9, 8, 19],
        "right_failures_left_out": [9, 8, 18],
    }
    found = summary(counted)
    shares = [0.9, 0.8, 0.95]
    assert (found["folds"], found["pairs"], found["pairs_without_a_score"]) == (3, 40, 3)
    assert found["failures_do_not_match"]["mean"] == pytest.approx(statistics.fmean(shares))
    assert found["failures_do_not_match"]["standard_deviation"] == pytest.approx(statistics.stdev(shares))
    assert found["failures_do_not_match"]["standard_error"] == pytest.approx(statistics.stdev(shares) / 3**0.5)
    assert found["failures_left_out"]["mean"] == pytest.approx(statistics.fmean([9 / 10, 8 / 9, 18 / 18]))
