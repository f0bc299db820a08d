"""Scores of listed pairs: every path gives the bits of the plain loop."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.backends.protocol import ScoreRule
from audit.comparisons import scores_of
from audit.comparisons.scores import squared_norms
from audit.embeddings.embedding_set import EmbeddingSet

sys.path.insert(0, str(Path(__file__).parent))
import oracle


def make(vectors: np.ndarray, measure: str) -> EmbeddingSet:
    n = len(vectors)
    return EmbeddingSet.from_arrays(
        vectors, np.arange(n), np.zeros(n, int), ScoreRule(measure, "similarity", -2.0, 2.0)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["portable", "fast"])
@pytest.mark.parametrize("measure", ["euclidean", "cosine", "inner"])
def test_bits_are_those_of_adding_one_dimension_after_the_other(measure: str, path: str) -> None:
    rng = np.random.default_rng(2)
    # Sizes differ by orders of magnitude, so another order of summation would give other bits.
    embeddings = make(
        (rng.standard_normal((40, 67)) * 10.0 ** rng.integers(-6, 6, (40, 67))).astype(np.float32), measure
    )
    i, j = np.triu_indices(40)
    wanted = np.array(
        [oracle.score(embeddings.vectors[a], embeddings.vectors[b], measure) for a, b in zip(i, j, strict=True)]
    )
    got = scores_of(embeddings, i, j, path=path)  # type: ignore[arg-type]
    assert (got == wanted).all()
    if measure == "inner":
        assert (
            np.einsum("kd,kd->k", embeddings.vectors[i].astype(float), embeddings.vectors[j].astype(float)) != wanted
        ).any(), "the order matters here"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=2,
        max_size=5,
    )
)
def test_extreme_values_give_the_same_bits_on_both_paths(rows: list[list[float]]) -> None:
    embeddings = make(np.array(rows, dtype=np.float32), "euclidean")
    i, j = np.triu_indices(len(rows))
    assert scores_of(embeddings, i, j, path="portable").tobytes() == scores_of(embeddings, i, j, path="fast").tobytes()


def test_many_pairs_on_many_threads_are_the_same() -> None:
    rng = np.random.default_rng(4)
    embeddings = make(rng.standard_normal((500, 8)).astype(np.float32), "cosine")
    i, j = rng.integers(0, 500, (2, 50_000))
    once = scores_of(embeddings, i, j, path="fast")
    assert (
        once.tobytes()
        == scores_of(embeddings, i, j, path="fast", threads=3).tobytes()
        == scores_of(embeddings, i, j, path="portable", threads=2).tobytes()
    )


def test_no_pairs_give_no_scores() -> None:
    embeddings = make(np.ones((2, 3), np.float32), "cosine")
    for path in ("portable", "fast"):
        assert scores_of(embeddings, [], [], path=path).shape == (0,)  # type: ignore[arg-type]


def test_rows_that_do_not_exist_are_refused() -> None:
    with pytest.raises(IndexError):
        scores_of(make(np.ones((2, 3), np.float32), "inner"), [0], [2], path="fast")


def test_squared_norms_add_in_order() -> None:
    vectors = (np.random.default_rng(0).standard_normal((5, 50)) * 10.0 ** np.arange(-25, 25)).astype(np.float32)
    for row, got in zip(vectors, squared_norms(vectors), strict=True):
        total = 0.0
        for value in row.tolist():
            total += value * value
        assert got == total
