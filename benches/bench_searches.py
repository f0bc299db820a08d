"""Probes against a gallery: ours (50 best with ties, people per group at three thresholds, everybody above the mate),
and faiss (50 best, no groups).

Rounds alternate, so a machine that throttles slows both; ``extra_info`` keeps the ratio of every round.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.base.machine import cores
from audit.comparisons.ranked import ranked
from audit.embeddings.embedding_set import EmbeddingSet

TOP = 50


def drawn(probes: int, gallery: int, dimensions: int) -> tuple[EmbeddingSet, np.ndarray, np.ndarray]:
    """One reference each, and probes of people among them, along axes that matter less and less."""
    rng = np.random.default_rng(0)
    spread = (1 / np.sqrt(np.arange(1, dimensions + 1))).astype(np.float32)
    own = rng.integers(0, gallery, probes)
    references = rng.standard_normal((gallery, dimensions), dtype=np.float32) * spread
    vectors = np.concatenate(
        [references, references[own] + 0.35 * rng.standard_normal((probes, dimensions), dtype=np.float32) * spread]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    subject = np.concatenate([np.arange(gallery), own])
    embeddings = EmbeddingSet.from_arrays(vectors, subject, subject % 8, ScoreRule("cosine", "similarity", -1.0, 1.0))
    return embeddings, np.flatnonzero(embeddings.row >= gallery), np.flatnonzero(embeddings.row < gallery)


@pytest.mark.parametrize("dimensions", [128, 512])
def test_searches_against_faiss(dimensions: int, benchmark: Any, pytestconfig: pytest.Config) -> None:
    faiss = pytest.importorskip("faiss")
    embeddings, probes, gallery = drawn(
        pytestconfig.getoption("--probes"), pytestconfig.getoption("--gallery"), dimensions
    )
    queries, references = (np.ascontiguousarray(embeddings.vectors[rows]) for rows in (probes, gallery))
    faiss.omp_set_num_threads(cores())
    index = faiss.IndexFlatIP(dimensions)
    index.add(references)
    theirs: list[float] = []
    ours: list[float] = []
    found = index.search(queries[:200], TOP)[0]
    thresholds = [float(np.quantile(found[:, 1], share)) for share in (0.5, 0.9, 0.99)]

    def setup() -> None:
        start = time.perf_counter()
        index.search(queries, TOP)
        theirs.append(time.perf_counter() - start)

    def run() -> Any:
        start = time.perf_counter()
        out = ranked(embeddings, probes, gallery, thresholds=thresholds, top=TOP)
        ours.append(time.perf_counter() - start)
        return out

    got = benchmark.pedantic(run, setup=setup, rounds=pytestconfig.getoption("--ratio-rounds"))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    benchmark.extra_info.update(
        probes=len(probes),
        gallery=len(gallery),
        dimensions=dimensions,
        ratio_to_faiss=ratios,
        median=float(np.median(ratios)),
    )
    assert (np.diff(got.starts) >= TOP).all()
