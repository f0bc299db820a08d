"""Templates handed over as float64 are decided on as float64: against the naive loop, with ==, on every path."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.base.errors import AuditError
from audit.comparisons import OperatingPointRequest, compare, scores_of
from audit.comparisons.kernels import processor
from audit.embeddings.embedding_set import EmbeddingSet

sys.path.insert(0, str(Path(__file__).parent))
import oracle

RULES = {
    "euclidean": ScoreRule("euclidean", "dissimilarity", -2.0, 0.0, 0.6, "distance"),
    "cosine": ScoreRule("cosine", "similarity", -1.0, 1.0),
    "inner": ScoreRule("inner", "similarity", -4.0, 4.0),
}
PATHS = ["portable", *processor.flavours()]


def everyone_apart(vectors: np.ndarray, measure: str = "euclidean") -> EmbeddingSet:
    n = len(vectors)
    return EmbeddingSet.from_arrays(vectors, np.arange(n), np.zeros(n, int), RULES[measure])


def tail_at(embeddings: EmbeddingSet, threshold: float, path: str) -> list[tuple[int, int]]:
    got = compare(embeddings, operating_points=[OperatingPointRequest("x", "fixed", threshold=threshold)], path=path)  # type: ignore[arg-type]
    return list(zip(got.tail.i.tolist(), got.tail.j.tolist(), strict=True))


@pytest.mark.parametrize("path", PATHS)
def test_a_distance_of_exactly_the_threshold_matches_also_where_float32_would_round_it_away(path: str) -> None:
    # Three people on a line, 0.6 and 0.3 apart in one coordinate: |0 - 0.6| is 0.6 to the last bit in float64; float32
    # makes 0.6000000238 of it.
    embeddings = everyone_apart(np.array([[0.0, 0.1], [0.6, 0.1], [-0.6, 0.1], [0.0, 0.1]]))
    assert embeddings.vectors.dtype == np.float64
    # 0-1, 0-2, 0-3, 1-3, 2-3 at 0.6 or 0; 1-2 at 1.2.
    assert tail_at(embeddings, -0.6, path) == [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("measure", list(RULES))
@pytest.mark.parametrize("spread", [1.0, 1e-9, 1e-15])
def test_every_number_equals_the_loop_over_float64(measure: str, path: str, spread: float) -> None:
    # A spread of 1e-9 about a centre is lost in float32 altogether, one of 1e-15 nearly so in float64.
    rng = np.random.default_rng(4)
    subject = rng.integers(0, 30, 90)
    vectors = 0.3 + spread * (rng.standard_normal((30, 12))[subject] + 0.5 * rng.standard_normal((90, 12)))
    embeddings = EmbeddingSet.from_arrays(vectors, subject, subject % 3, RULES[measure])
    assert embeddings.vectors.tolist() == vectors[embeddings.row].tolist()
    pairs = oracle.everything(embeddings)
    mated = [s for *_, s, same in pairs if same]
    scores = sorted(s for *_, s, same in pairs if not same)
    requests = [OperatingPointRequest(f"fixed{k}", "fixed", threshold=scores[k]) for k in (-1, -40, len(scores) // 2)]
    requests += [OperatingPointRequest(w, "target_fmr", target=0.02, weighting=w) for w in ("people", "comparisons")]  # type: ignore[arg-type]
    got = compare(embeddings, operating_points=requests, path=path, threads=2)  # type: ignore[arg-type]
    assert got.mated.score.tolist() == mated
    for request, point in zip(requests, got.operating_points, strict=True):
        threshold, _, comparisons = oracle.threshold(embeddings, pairs, request)
        assert (point.threshold, point.achieved_comparisons) == (threshold, comparisons)
        at = got.tail.score >= threshold
        assert list(zip(got.tail.i[at].tolist(), got.tail.j[at].tolist(), strict=True)) == [
            (i, j) for i, j, s, same in pairs if not same and s >= threshold
        ]
    i, j = np.array([p[:2] for p in pairs]).T
    for how in ("portable", "auto"):
        assert scores_of(embeddings, i, j, path=how).tolist() == [p[2] for p in pairs]  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1e-66, 1e-50, 1e50, 1e66])
def test_numbers_beyond_float32_are_neither_nan_nor_zero(size: float, path: str) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((40, 5)) * size
    embeddings = everyone_apart(vectors, "cosine")
    scores = sorted(s for *_, s, _ in oracle.everything(embeddings))
    wanted = [(i, j) for i, j, s, _ in oracle.everything(embeddings) if s >= scores[-20]]
    assert tail_at(embeddings, scores[-20], path) == wanted


@pytest.mark.parametrize(
    ("number", "says"), [(1e300, "1e-70 and 1e\\+70"), (1e-75, "1e-70"), (np.inf, "NaN or infinity"), (np.nan, "NaN")]
)
def test_numbers_beyond_float64_squares_are_refused_by_row_and_without_their_value(number: float, says: str) -> None:
    vectors = np.ones((4, 2))
    vectors[2] = number
    with pytest.raises(AuditError, match=says) as refused:
        everyone_apart(vectors, "cosine")
    assert "row 2" in str(refused.value)


def test_float64_numbers_that_float32_holds_cost_no_more() -> None:
    assert everyone_apart(np.array([[0.5, 0.25], [1.0, -2.0]])).vectors.dtype == np.float32
    assert everyone_apart(np.array([[1, 2], [3, 4]])).vectors.dtype == np.float32
    assert everyone_apart(np.array([[1, 2], [3, 2**30 + 1]])).vectors.dtype == np.float64
