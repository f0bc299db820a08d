"""The threshold that decides most pairs rightly, against trying every one, and matching nobody."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.thresholds import best_threshold


def right(scores, mated, threshold):
    return sum((score >= threshold) == bool(kind) for score, kind in zip(scores, mated, strict=True))


def test_where_every_match_would_be_wrong_nobody_matches():
    scores = np.array([3.0, 2.0, 1.0])
    found = best_threshold(scores, np.array([False, False, False]))
    assert found == math.nextafter(3.0, math.inf)
    assert not (scores >= found).any()


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12))
def test_no_threshold_decides_more_pairs_rightly(pairs):
    scores = [float(score) for score, _ in pairs]
    mated = [kind for _, kind in pairs]
    found = best_threshold(np.array(scores), np.array(mated))
    best = max(right(scores, mated, threshold) for threshold in (*scores, math.inf))
    assert right(scores, mated, found) == best
