"""Threshold picking: METRICS 1's vectors, and a loop that tries every observed score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.thresholds import threshold_by_comparisons, threshold_by_people

TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
TIES = [0.1, 0.2, 0.5, 0.5, 0.5, 0.9]
# AB has 4 comparisons (two photos each), AC and BC one each: weights 1/4, 1, 1; all weights sum to 3.
PEOPLE = [0.9, 0.2, 0.1, 0.1, 0.5, 0.3], [0.25, 0.25, 0.25, 0.25, 1.0, 1.0]


@pytest.mark.parametrize(
    ("scores", "target", "threshold"),
    [
        (TENTHS, 0.0, 1.0000000000000002),
        (TENTHS, 0.05, 1.0000000000000002),
        (TENTHS, 0.1, 1.0),
        (TENTHS, 0.25, 0.9),
        (TENTHS, 0.5, 0.6),
        (TENTHS, 1.0, 0.1),
        (TIES, 0.2, 0.9),  # 1/6
        (TIES, 0.5, 0.9),  # the block of three would make 4/6
        (TIES, 0.7, 0.5),  # 4/6
    ],
)
def test_the_published_vectors_by_comparisons(scores: list[float], target: float, threshold: float) -> None:
    assert threshold_by_comparisons(scores, target) == threshold


@pytest.mark.parametrize(
    ("target", "threshold"), [(0.1, 0.9), (0.4, 0.9), (5 / 12, 0.5), (0.0, math.nextafter(0.9, 1)), (1.0, 0.1)]
)
def test_the_published_vectors_by_people(target: float, threshold: float) -> None:
    # .9 alone: (1/4)/3 = 1/12; with AC's .5: (5/4)/3 = 5/12.
    assert threshold_by_people(PEOPLE[0], target, PEOPLE[1]) == threshold


def naive(scores: list[float], target: float, weights: list[float] | None) -> float:
    """Smallest observed score whose rate does not exceed the target, by trying each."""
    kept = []
    for t in scores:
        if weights is None:
            passes = sum(u >= t for u in scores) / len(scores) <= target
        else:
            passes = math.fsum(w for u, w in zip(scores, weights, strict=True) if u >= t) <= target * math.fsum(
                weights
            ) * (1 + 1e-12)
        if passes:
            kept.append(t)
    return min(kept) if kept else math.nextafter(max(scores), math.inf)


scores_with_ties = st.lists(
    st.sampled_from([-1.0, -0.5, 0.0, 0.1, 0.2, 0.3, 0.30000000000000004, 0.7, 1.0]), min_size=1, max_size=25
)
targets = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 2 / 3, 1.0]))


@given(scores_with_ties, targets)
def test_by_comparisons_equals_trying_every_score(scores: list[float], target: float) -> None:
    assert threshold_by_comparisons(scores, target) == naive(scores, target, None)


@given(st.data(), targets)
def test_by_people_equals_trying_every_score(data: st.DataObject, target: float) -> None:
    scores = data.draw(scores_with_ties)
    weights = [1.0 / data.draw(st.integers(1, 30)) for _ in scores]
    assert threshold_by_people(scores, target, weights) == naive(scores, target, weights)


@given(scores_with_ties, targets, st.integers(0, 25))
def test_the_upper_part_gives_the_same_threshold_or_says_it_cannot(
    scores: list[float], target: float, kept: int
) -> None:
    whole = threshold_by_comparisons(scores, target)
    # The upper part ends between tie blocks, as a tail with a floor does.
    part = [u for u in scores if u >= sorted(scores)[::-1][min(kept, len(scores) - 1)]]
    top = threshold_by_comparisons(part, target, total=len(scores))
    weighted = threshold_by_people(part, target, [1.0] * len(part), total=float(len(scores)))
    assert top == whole or (top is None and whole is not None and whole <= min(part))
    assert weighted is None or weighted in scores or weighted > max(scores)


def test_nothing_to_compare_gives_an_infinite_threshold() -> None:
    assert threshold_by_comparisons([], 0.1) == math.inf
    assert threshold_by_people([], 0.1, []) == math.inf


def test_no_score_given_of_many_is_not_enough_to_tell() -> None:
    assert threshold_by_comparisons([], 0.1, total=100) is None
    assert threshold_by_people([], 0.1, [], total=100.0) is None


@pytest.mark.parametrize("target", [-0.1, 1.1, math.nan])
def test_a_target_that_is_no_share_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="target"):
        threshold_by_comparisons([0.5], target)


def test_wrong_weights_scores_and_totals_are_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        threshold_by_people([0.5, 0.6], 0.1, [1.0])
    with pytest.raises(ValueError, match="weights"):
        threshold_by_people([0.5], 0.1, [0.0])
    with pytest.raises(ValueError, match="NaN"):
        threshold_by_comparisons([math.nan], 0.1)
    with pytest.raises(ValueError, match="total"):
        threshold_by_comparisons([0.5, 0.6], 0.1, total=1)


def test_large_weighted_tails_agree_with_fsum_at_the_edge() -> None:
    rng = np.random.default_rng(7)
    weights = 1.0 / rng.integers(1, 50, 20_000)
    scores = np.sort(rng.random(20_000))[::-1]
    for k in (1, 100, 5_000, 19_999):
        # A target that the first k scores meet exactly.
        exact = math.fsum(weights[:k]) / math.fsum(weights)
        assert threshold_by_people(scores, exact, weights) == scores[k - 1]
