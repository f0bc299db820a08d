"""A threshold picked from a window of exact scores, the rest only counted."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from audit.stats.thresholds import WEIGHT_GRAIN, threshold_by_comparisons, threshold_in_window, weight_in_grains


@given(st.lists(st.integers(1, 10**9), max_size=50))
def test_grains_add_as_fsum_does(products: list[int]) -> None:
    assert sum(map(weight_in_grains, products)) / WEIGHT_GRAIN == math.fsum(1.0 / product for product in products)


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), min_size=1, max_size=30),
    st.floats(0, 1),
    st.sampled_from([0.15, 0.25, 0.35]),
)
def test_a_window_gives_the_threshold_of_the_whole_or_says_where_to_look(
    scores: list[float], target: float, bottom: float
) -> None:
    window = [s for s in scores if bottom <= s <= 0.45]
    above = [s for s in scores if s > 0.45]
    picked, whole = threshold_in_window(
        window, [1] * len(window), len(above), lambda cost: cost / len(scores) <= target
    )
    wanted = threshold_by_comparisons(scores, target)
    assert wanted is not None
    if picked is None:
        assert not window or wanted > max(window)
    elif whole:
        assert wanted <= picked
    else:
        assert wanted == picked


def test_an_empty_window_passes_whole_and_picks_nothing() -> None:
    assert threshold_in_window([], [], 3, lambda cost: False) == (None, True)
