"""Whole distributions, group against reference, against the scores themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, compare
from audit.embeddings import EmbeddingSet
from audit.observations.count import tally
from audit.observations.tallies import CURVE, Labelling
from audit.rates.distributions import distributions, moments

CELLS = ("sex=F", "sex=M")
RULE = ScoreRule("euclidean", "dissimilarity", -20.0, 0.0)


@pytest.fixture(scope="module")
def world() -> tuple[EmbeddingSet, np.ndarray]:
    rng = np.random.default_rng(5)
    cell = np.repeat([0, 1], [40, 60])
    who = np.repeat(np.arange(100), 3)
    vectors = rng.standard_normal((100, 5))[who] * np.where(cell[who] == 0, 1.0, 2.0)[
        :, None
    ] + 0.3 * rng.standard_normal((300, 5))
    return EmbeddingSet.from_arrays(vectors, who, cell[who], RULE, names=CELLS), cell


def table(world: tuple[EmbeddingSet, np.ndarray], minimum: int = 2):  # noqa: ANN201
    embeddings, cell = world
    rungs = [OperatingPointRequest(f"{CURVE}{t:g}", "fixed", threshold=-t) for t in np.linspace(0.3, 3, 28)]
    found = compare(embeddings, operating_points=rungs, bins=4096, threads=1, path="portable")
    tallies = tally(
        found, embeddings, np.full(100, 3, np.int32), (Labelling("headline", CELLS, cell.astype(np.int16)),)
    )
    return distributions(tallies, found.histograms, "sex=M", confidence=0.95, seed=3, minimum=minimum)


def scores(world: tuple[EmbeddingSet, np.ndarray], group: int, mated: bool) -> np.ndarray:
    embeddings, _ = world
    rows = np.flatnonzero(embeddings.cell == group)
    i, j = np.triu_indices(len(rows), 1)
    same = embeddings.subject[rows[i]] == embeddings.subject[rows[j]]
    i, j = rows[i[same == mated]], rows[j[same == mated]]
    return -np.linalg.norm(embeddings.vectors[i].astype(float) - embeddings.vectors[j].astype(float), axis=1)


@pytest.mark.parametrize("kind", ["mated", "non-mated"])
def test_rows_by_comparisons_agree_with_the_scores(world: tuple[EmbeddingSet, np.ndarray], kind: str) -> None:
    found = table(world)
    row = found[(found.kind == kind) & (found.weighting == "comparisons")].iloc[0]
    a, b = scores(world, 0, kind == "mated"), scores(world, 1, kind == "mated")
    width = 20 / 4096
    assert row.comparisons == len(a)
    assert row["mean"] == pytest.approx(a.mean(), abs=width)
    assert row.reference_standard_deviation == pytest.approx(b.std(), abs=width)
    unit = math.sqrt((a.var() + b.var()) / 2)
    assert row.standardised_difference == pytest.approx((a.mean() - b.mean()) / unit, abs=0.02)
    assert row.ks_distance == pytest.approx(ks_2samp(a, b).statistic, abs=0.01)
    assert math.isnan(row.low)
    assert "no interval" in row.note


def test_the_row_by_people_is_the_distance_at_the_ladders_thresholds(world: tuple[EmbeddingSet, np.ndarray]) -> None:
    found = table(world)
    row = found[(found.kind == "mated") & (found.weighting == "people")].iloc[0]
    # Everybody has three mated comparisons: people and comparisons weigh alike, so the distance is that of the pooled
    # scores on the ladder.
    a, b = scores(world, 0, True), scores(world, 1, True)
    ladder = -np.linspace(0.3, 3, 28)
    expected = max(abs((a < t).mean() - (b < t).mean()) for t in ladder)
    assert row.ks_distance == pytest.approx(expected, abs=1e-9)
    assert row.low <= row.ks_distance <= row.high
    assert row.subjects == 40


def test_too_few_people_get_no_interval(world: tuple[EmbeddingSet, np.ndarray]) -> None:
    found = table(world, minimum=50)
    row = found[(found.kind == "mated") & (found.weighting == "people")].iloc[0]
    assert math.isnan(row.ks_distance)
    assert row.note == "too few people with two photos: 40"


def test_moments_of_a_histogram() -> None:
    # 1 at .5, 3 at 1.5: mean 1.25, variance (0.75^2 + 3*0.25^2)/4 = 0.1875.
    assert moments(np.array([1, 3]), np.array([0.5, 1.5])) == pytest.approx((1.25, 0.1875**0.5))
    assert all(map(math.isnan, moments(np.zeros(2, np.int64), np.array([0.5, 1.5]))))
