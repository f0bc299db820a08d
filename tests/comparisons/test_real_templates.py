"""compare() on real dlib templates: the ones embedded in the repository, in all their unevenness (one person has
hundreds of photos)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, compare
from audit.comparisons.kernels import processor
from audit.embeddings.embedding_set import UNLABELLED, EmbeddingSet

sys.path.insert(0, str(Path(__file__).parent))
import oracle

NAIVE: dict[str, list[tuple[int, int, float, bool]]] = {}
"""The loop takes seconds; both paths are held against one run of it."""
RULE = ScoreRule("euclidean", "dissimilarity", -2.0, 0.0, 0.6, "distance")


@pytest.fixture(scope="module")
def lfw(root: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Vectors, subjects, cells and names of cells of the embedded benchmark."""
    folder = root / "datasets" / "lfw"
    samples = pd.read_csv(folder / "samples.csv.gz", dtype=str)
    with np.load(folder / "face_recognition.npz", allow_pickle=False) as arrays:
        vectors = pd.DataFrame(arrays["vectors"], index=arrays["sample_id"])[arrays["status"] == "ACQUIRED"]
    samples = samples[samples["sample_id"].isin(vectors.index)]
    label = samples["race_attribute"].fillna("") + "|" + samples["sex_verified"].fillna("")
    cell, names = pd.factorize(
        label.where(~(label.str.startswith("|") | label.str.endswith("|")), UNLABELLED), sort=True
    )
    subject = pd.factorize(samples["subject_id"])[0]
    return vectors.loc[samples["sample_id"]].to_numpy(np.float32), subject, cell, tuple(names)


def part(
    lfw: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]], rows: np.ndarray, rule: ScoreRule
) -> EmbeddingSet:
    vectors, subject, cell, names = lfw
    return EmbeddingSet.from_arrays(vectors[rows], subject[rows], cell[rows], rule, names=names)


def requests(default: float) -> list[OperatingPointRequest]:
    out = [OperatingPointRequest("default", "vendor_default", threshold=default)]
    for target in (1e-2, 1e-3, 1e-4):
        for weighting in ("people", "comparisons"):
            out.append(
                OperatingPointRequest(f"{target} {weighting}", "target_fmr", target=target, weighting=weighting)
            )  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize("measure", ["euclidean", "cosine"])
@pytest.mark.parametrize("path", ["portable", *processor.flavours()[:1]])
def test_real_templates_equal_the_naive_loop(
    lfw: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]], measure: str, path: str
) -> None:
    # 300 consecutive photos, so that people with many photos are among them, and 100 from all over.
    rows = np.concatenate([np.arange(4_000, 4_300), np.random.default_rng(0).choice(4_000, 100, replace=False)])
    rule = RULE if measure == "euclidean" else ScoreRule("cosine", "similarity", -1.0, 1.0)
    embeddings = part(lfw, rows, rule)
    asked = requests(-0.6 if measure == "euclidean" else 0.95)
    got = compare(embeddings, operating_points=asked, path=path)  # type: ignore[arg-type]
    if measure not in NAIVE:
        NAIVE[measure] = oracle.everything(embeddings)
    pairs = NAIVE[measure]
    assert got.mated.score.tolist() == [s for *_, s, same in pairs if same]
    for point, request in zip(got.operating_points, asked, strict=True):
        threshold, _, comparisons = oracle.threshold(embeddings, pairs, request)
        assert (point.threshold, point.achieved_comparisons) == (threshold, comparisons)
        hit = got.tail.score >= threshold
        assert list(zip(got.tail.i[hit].tolist(), got.tail.j[hit].tolist(), strict=True)) == [
            (i, j) for i, j, s, same in pairs if not same and s >= threshold
        ]


@pytest.mark.slow
def test_thousands_of_real_templates_count_as_float64_does(
    lfw: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]],
) -> None:
    """22 million comparisons against plain float64 products: only pairs within their rounding could be counted
    otherwise."""
    embeddings = part(lfw, np.arange(0, len(lfw[0]), 2), RULE)
    got = compare(embeddings, operating_points=requests(-0.6))
    assert got.histograms is not None
    n = len(embeddings)
    assert got.histograms.total() == n * (n - 1) // 2
    assert len(got.mated.score) == int(got.histograms.mated.sum())
    vectors = embeddings.vectors.astype(np.float64)
    squares = (vectors**2).sum(axis=1)
    thresholds = [point.threshold for point in got.operating_points]
    counted, doubtful = np.zeros(len(thresholds), int), np.zeros(len(thresholds), int)
    for start in range(0, n, 1_024):
        block = slice(start, start + 1_024)
        score = -np.sqrt(
            np.maximum(squares[block, None] + squares[None, start:] - 2 * (vectors[block] @ vectors[start:].T), 0)
        )
        valid = np.triu(embeddings.subject[block, None] != embeddings.subject[None, start:], 1)
        for k, threshold in enumerate(thresholds):
            # Cancellation costs a dozen bits of a distance near 0.5: 1e-10 is generous.
            counted[k] += int((valid & (score >= threshold + 1e-10)).sum())
            doubtful[k] += int((valid & (abs(score - threshold) < 1e-10)).sum())
    for k, threshold in enumerate(thresholds):
        assert counted[k] <= int((got.tail.score >= threshold).sum()) <= counted[k] + doubtful[k]
        assert doubtful[k] <= 2
