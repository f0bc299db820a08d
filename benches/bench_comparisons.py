"""All comparisons of a benchmark, by this package and by what one would write or pick instead: same templates, same
session.

Every contender must produce at least a distribution of non-mated scores, or (faiss) the pairs beyond a threshold. Only
ours also keeps mated comparisons apart, counts per cell pair and gives exact thresholds; the table says what each
leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from audit.base.machine import cores
from audit.comparisons import compare
from audit.comparisons.kernels.processor import flavours
from audit.timing import raw_product

BINS = 4096
Against = Callable[..., Any]


def edges(work: Any) -> np.ndarray:
    return np.linspace(0.0, 2.0, BINS + 1)


def test_raw_product(work: Any, against_raw: Against) -> None:
    against_raw(work, lambda: raw_product(work.embeddings.vectors, cores()))


def test_ours(work: Any, against_raw: Against) -> None:
    got = against_raw(work, lambda: compare(work.embeddings, operating_points=[work.point], path="auto"))
    assert got.histograms.total() == work.comparisons


@pytest.mark.parametrize("share", [0.01, 0.001])
def test_ours_tail_only(work: Any, against_raw: Against, share: float) -> None:
    points = [work.reached_by(share)]
    assert (
        against_raw(work, lambda: compare(work.embeddings, operating_points=points, histograms=False)).histograms
        is None
    )


def test_ours_one_thread(work: Any, against_raw: Against) -> None:
    against_raw(work, lambda: compare(work.embeddings, operating_points=[work.point], threads=1), threads=1)


@pytest.mark.parametrize("flavour", flavours())
def test_ours_flavour(work: Any, against_raw: Against, flavour: str) -> None:
    against_raw(work, lambda: compare(work.embeddings, operating_points=[work.point], path=flavour))  # type: ignore[arg-type]


def test_ours_portable(work: Any, against_raw: Against) -> None:
    against_raw(work, lambda: compare(work.embeddings, operating_points=[work.point], path="portable"))


def test_face_distance_rows(small_work: Any, against_raw: Against) -> None:
    """The row loop of face_recognition.face_distance (its one line: numpy's norm of a difference), and a histogram."""
    face_distance = pytest.importorskip("face_recognition").face_distance
    vectors, bounds = small_work.embeddings.vectors, edges(small_work)

    def run() -> np.ndarray:
        total = np.zeros(BINS, np.int64)
        for k in range(len(vectors) - 1):
            total += np.histogram(face_distance(vectors[k + 1 :], vectors[k]), bounds)[0]
        return total

    against_raw(small_work, run)


def test_sklearn_chunked(small_work: Any, against_raw: Against) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    vectors, bounds = small_work.embeddings.vectors, edges(small_work)
    against_raw(
        small_work,
        lambda: sum(
            np.histogram(chunk, bounds)[0]
            for chunk in metrics.pairwise_distances_chunked(vectors, metric=small_work.embeddings.rule.measure)
        ),
    )


def test_scipy_cdist(small_work: Any, against_raw: Against) -> None:
    from scipy.spatial.distance import cdist

    vectors, bounds = small_work.embeddings.vectors, edges(small_work)
    measure: Any = small_work.embeddings.rule.measure

    def run() -> np.ndarray:
        total = np.zeros(BINS, np.int64)
        for k in range(0, len(vectors), 512):
            total += np.histogram(cdist(vectors[k : k + 512], vectors[k:], measure), bounds)[0]
        return total

    against_raw(small_work, run)


def test_pandas(small_work: Any, against_raw: Against) -> None:
    """A data frame of pairs, block by block, grouped by cell pair and bin."""
    import pandas as pd

    embeddings = small_work.embeddings
    vectors, cell, subject = embeddings.vectors.astype(np.float64), embeddings.cell, embeddings.subject
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def run() -> Any:
        parts = []
        for k in range(0, len(vectors), 512):
            block = slice(k, k + 512)
            distance = np.sqrt(np.maximum(2 - 2 * vectors[block] @ vectors[k:].T, 0))
            i, j = np.nonzero(np.triu(np.ones(distance.shape, bool), 1))
            frame = pd.DataFrame({"g": cell[block][i], "h": cell[k:][j], "mated": subject[block][i] == subject[k:][j]})
            frame["bin"] = (distance[i, j] * (BINS / 2)).astype(np.int32)
            parts.append(frame.groupby(["g", "h", "mated", "bin"]).size())
        return pd.concat(parts).groupby(level=[0, 1, 2, 3]).sum()

    against_raw(small_work, run)


def test_torch_bincount(work: Any, against_raw: Against) -> None:
    """In tiles that stay in the cache, in place, with int32 bins: a quarter (D = 128) of the time that whole rows and
    int64 take.

    Torch is not in the lock: pip install torch into an environment of its own.
    """
    torch = pytest.importorskip("torch")
    vectors = torch.from_numpy(np.array(work.embeddings.vectors))
    torch.set_num_threads(cores())

    def run() -> Any:
        total = torch.zeros(BINS, dtype=torch.int64)
        for k in range(0, len(vectors), 512):
            for m in range(k, len(vectors), 512):
                place = (
                    torch.mm(vectors[k : k + 512], vectors[m : m + 512].T)
                    .add_(1)
                    .mul_(BINS / 2)
                    .to(torch.int32)
                    .clamp_(0, BINS - 1)
                )
                total += torch.bincount(place.ravel(), minlength=BINS)
        return total

    against_raw(work, run)


def test_faiss_range_search(work: Any, against_raw: Against) -> None:
    """The tail alone: ordered pairs, so every pair twice; no cells, no distribution."""
    faiss = pytest.importorskip("faiss")
    faiss.omp_set_num_threads(cores())
    vectors = np.array(work.embeddings.vectors)
    euclidean = work.embeddings.rule.measure == "euclidean"

    def run() -> Any:
        index = faiss.IndexFlatL2(vectors.shape[1]) if euclidean else faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return index.range_search(vectors, work.distance**2 if euclidean else 1 - work.distance)

    against_raw(work, run)
