"""Non-mated scores of whole groups: values against every pair, intervals
against resampled people and planted shifts."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, t

from audit.backends.protocol import ScoreRule
from audit.embeddings import EmbeddingSet
from audit.observations import shift_sums
from audit.rates import non_mated_shift

CELLS = ("sex=F", "sex=M")
RULE = ScoreRule("euclidean", "dissimilarity", -20.0, 0.0)


def world(
    rng: np.random.Generator, people: tuple[int, int], spreads: tuple[float, float], photos: int = 2
) -> EmbeddingSet:
    cell = np.repeat([0, 1], people)
    points = rng.standard_normal((len(cell), 4)) * np.array(spreads)[cell][:, None]
    who = np.repeat(np.arange(len(cell)), photos)
    return EmbeddingSet.from_arrays(
        points[who] + 0.1 * rng.standard_normal((len(who), 4)), who, cell[who], RULE, names=CELLS
    )


def pair_scores(embeddings: EmbeddingSet, cell: int) -> np.ndarray:
    """One photo a person, the first."""
    vectors = [
        embeddings.vectors[embeddings.subject == s][0].astype(float)
        for s in np.unique(embeddings.subject[embeddings.cell == cell])
    ]
    return np.array([-math.dist(a, b) for a, b in combinations(vectors, 2)])


def shifted(embeddings: EmbeddingSet, minimum: int) -> pd.DataFrame:
    """From templates to the table, through what is kept between."""
    return non_mated_shift.non_mated_shift(
        shift_sums.score_sums(embeddings), CELLS, "sex=M", confidence=0.95, minimum=minimum
    )


def test_values_are_those_of_every_pair_of_people_with_their_first_photos() -> None:
    embeddings = world(np.random.default_rng(1), (30, 40), (1.0, 1.5))
    row = shifted(embeddings, minimum=5).iloc[0]
    a, b = pair_scores(embeddings, 0), pair_scores(embeddings, 1)
    assert (row.subjects, row.reference_subjects) == (30, 40)
    assert row["mean"] == pytest.approx(a.mean(), rel=1e-12)
    assert row.standardised_difference == pytest.approx(
        (a.mean() - b.mean()) / math.sqrt((a.var() + b.var()) / 2), rel=1e-12
    )
    # Distribution functions are compared at 511 scores, so a little of the distance may lie between two of them.
    assert row.ks_distance == pytest.approx(ks_2samp(a, b).statistic, abs=0.02)
    assert row.ks_distance == pytest.approx(abs((a < row.at_score).mean() - (b < row.at_score).mean()), abs=1e-12)


def test_intervals_hold_what_was_planted() -> None:
    # Scores scale with the spread, so any difference is known from a large world.
    large = world(np.random.default_rng(0), (1200, 1200), (1.0, 1.3), photos=1)
    truth = shifted(large, minimum=5).iloc[0]
    a, b = pair_scores(large, 0), pair_scores(large, 1)
    share_a, share_b = (a < truth.at_score).mean(), (b < truth.at_score).mean()
    assert truth.ks_distance == pytest.approx(abs(share_a - share_b))
    rng = np.random.default_rng(2)
    replicates, held, held_ks = 200, 0, 0
    values, widths = [], []
    for _ in range(replicates):
        row = shifted(world(rng, (60, 90), (1.0, 1.3), photos=1), minimum=5).iloc[0]
        held += row.difference_low <= truth.standardised_difference <= row.difference_high
        held_ks += row.ks_low <= truth.ks_distance <= row.ks_high
        values.append(row.standardised_difference)
        widths.append(row.difference_high - row.difference_low)
    # .93 of 200 is 186; three Monte Carlo deviations of .95 are 9.2 below 190. The truth itself is known to about a
    # fifth of an interval.
    assert held >= 180
    assert held_ks >= 180
    # As wide as the spread over worlds asks for, and not three times that: t's quantile and a guard make it at most
    # half as wide again.
    assert 0.85 < np.median(widths) / (2 * 1.96 * np.std(values)) < 1.5


def test_the_distance_of_equal_groups_is_said_to_be_more_than_nothing_in_one_of_twenty() -> None:
    rng, replicates = np.random.default_rng(8), 100
    rows = [shifted(world(rng, (40, 60), (1.0, 1.0), photos=1), minimum=5).iloc[0] for _ in range(replicates)]
    # The interval of the gap at the score where it is largest excluded 0 in a third of them. Three deviations of 5 in
    # 100 are 6.5.
    assert sum(row.ks_low > 0 for row in rows) <= 11
    assert all(row.ks_low <= row.ks_distance <= row.ks_high for row in rows)


def test_naive_intervals_over_pairs_would_be_far_too_narrow() -> None:
    embeddings = world(np.random.default_rng(3), (60, 90), (1.0, 1.3))
    row = shifted(embeddings, minimum=5).iloc[0]
    a, b = pair_scores(embeddings, 0), pair_scores(embeddings, 1)
    naive = 2 * 1.96 * math.sqrt(1 / len(a) + 1 / len(b))  # of d, were pairs independent
    assert row.difference_high - row.difference_low > 3 * naive


def test_too_few_people_are_shown_and_not_estimated() -> None:
    embeddings = world(np.random.default_rng(4), (6, 40), (1.0, 1.0))
    row = shifted(embeddings, minimum=10).iloc[0]
    assert math.isnan(row.ks_distance)
    assert row.note == "too few people: 6"


def test_a_large_group_is_drawn_from_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift_sums, "MOST", 20)
    embeddings = world(np.random.default_rng(5), (30, 40), (1.0, 1.0))
    row = shifted(embeddings, minimum=5).iloc[0]
    assert (row.subjects, row.reference_subjects) == (20, 20)
    assert "at most 20 people" in row.note


def test_an_interval_made_from_kept_sums_is_that_of_every_pair() -> None:
    """The sums against the plain way: one influence per pair, added up person by person."""
    embeddings = world(np.random.default_rng(6), (12, 15), (1.0, 1.5))
    row = shifted(embeddings, minimum=5).iloc[0]
    sides = []
    for cell, sign in ((0, 1.0), (1, -1.0)):
        score = pair_scores(embeddings, cell)
        n = (12, 15)[cell]
        sides.append((score, sign, n, list(combinations(range(n), 2))))
    unit = math.sqrt((sides[0][0].var() + sides[1][0].var()) / 2)
    d = (sides[0][0].mean() - sides[1][0].mean()) / unit

    def part(x: np.ndarray, n: int, pairs: list[tuple[int, int]]) -> tuple[float, float | None]:
        r = x - x.mean()
        R = np.zeros(n)
        for (i, j), value in zip(pairs, r, strict=True):
            R[i] += value
            R[j] += value
        S, Q = float((R**2).sum()), float((r**2).sum())
        return max(S - Q, Q) / len(x) ** 2, max(2.0, S * S / float((R**4).sum()) - 1) if S - Q > Q else None

    def half(parts: list[tuple[float, float | None]]) -> float:
        total = sum(variance for variance, _ in parts)
        spread = sum(variance**2 / df for variance, df in parts if df is not None)
        return (t.ppf(0.975, max(2.0, total**2 / spread)) if spread else 1.959963984540054) * math.sqrt(total)

    influence = [
        part(sign * s / unit - d / (4 * unit**2) * (s - s.mean()) ** 2, n, pairs) for s, sign, n, pairs in sides
    ]
    assert row.difference_high - row.difference_low == pytest.approx(2 * half(influence), rel=1e-9)
    edges = np.linspace(RULE.low, RULE.high, 513)[1:-1]
    widest = max(half([part((s < edge).astype(float), n, pairs) for s, _, n, pairs in sides]) for edge in edges)
    bound = max(
        widest * 1.3580986393 / 0.9799819922702695, 1 - 0.05 ** (1 / 6)
    )  # Kolmogorov's quantile over that of one place; six pairs of 12
    assert row.ks_high - row.ks_distance == pytest.approx(min(bound, 1 - row.ks_distance), rel=1e-9)
    assert row.ks_low == pytest.approx(max(0.0, row.ks_distance - bound), rel=1e-9)
