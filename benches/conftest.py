"""What every bench shares: the templates, and rounds that alternate with the raw product."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.base.machine import cores
from audit.comparisons import OperatingPointRequest, scores_of
from audit.embeddings.embedding_set import EmbeddingSet
from audit.timing import drawn_templates, one_percent_threshold, raw_product


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("templates to compare")
    group.addoption("--samples", type=int, default=13_233, help="N of drawn templates")
    group.addoption("--dimensions", type=int, default=128, help="D of drawn templates")
    group.addoption("--cells", type=int, default=8, help="cells of drawn people")
    group.addoption("--measure", choices=["euclidean", "cosine"], default="euclidean")
    group.addoption(
        "--like",
        type=Path,
        help="npz with vectors: drawn templates get their mean and covariance, e.g. datasets/lfw/face_recognition.npz",
    )
    group.addoption(
        "--templates", type=Path, help="npz with vectors, subjects and cells, instead of drawn ones; never kept"
    )
    group.addoption(
        "--slow-samples",
        type=int,
        default=3_000,
        help="N for contenders that would take minutes; their ratio is to the raw product of that N",
    )
    group.addoption("--probes", type=int, default=20_000, help="photos that search, in bench_searches.py")
    group.addoption("--gallery", type=int, default=200_000, help="photos that are enrolled, in bench_searches.py")
    group.addoption(
        "--ratio-rounds", type=int, default=5, help="rounds of each contender, each after one of the raw product"
    )


@dataclass(frozen=True)
class Work:
    """Templates, and the threshold that 1 % of their comparisons reach."""

    embeddings: EmbeddingSet
    point: OperatingPointRequest
    real: bool

    @property
    def comparisons(self) -> int:
        return len(self.embeddings) * (len(self.embeddings) - 1) // 2

    def reached_by(self, share: float) -> OperatingPointRequest:
        """The threshold that a share of the comparisons reaches, from a sample of two million."""
        rows = np.random.default_rng(1).integers(0, len(self.embeddings), (2_000_000, 2))
        rows = rows[self.embeddings.subject[rows[:, 0]] != self.embeddings.subject[rows[:, 1]]]
        scores = scores_of(self.embeddings, rows[:, 0], rows[:, 1], threads=cores())
        return OperatingPointRequest(f"share={share:g}", "fixed", threshold=float(np.quantile(scores, 1 - share)))

    @property
    def distance(self) -> float:
        assert self.point.threshold is not None
        return -self.point.threshold if self.embeddings.rule.measure == "euclidean" else 1 - self.point.threshold


def drawn_like(path: Path, n: int, measure: str, cells: int) -> EmbeddingSet:
    """N templates with the mean and covariance of real ones, two of each person on average."""
    with np.load(path, allow_pickle=False) as arrays:
        real = arrays["vectors"].astype(np.float64)
    real = real[np.isfinite(real).all(axis=1)]
    rng = np.random.default_rng(0)
    spread, axes = np.linalg.eigh(np.cov(real.T))
    subject = np.sort(rng.integers(0, n // 2, n))
    own = (
        rng.standard_normal((n // 2, len(spread)))[subject] + 0.5 * rng.standard_normal((n, len(spread)))
    ) / np.sqrt(1.25)
    vectors = real.mean(axis=0) + (own * np.sqrt(np.maximum(spread, 0.0))) @ axes.T
    rule = (
        ScoreRule("euclidean", "dissimilarity", -2.0, 0.0)
        if measure == "euclidean"
        else ScoreRule("cosine", "similarity", -1.0, 1.0)
    )
    return EmbeddingSet.from_arrays(vectors, subject, rng.integers(0, cells, n // 2)[subject], rule)


def _work(config: pytest.Config, limit: int | None = None) -> Work:
    measure, path = config.getoption("--measure"), config.getoption("--templates")
    if path is None:
        n = min(config.getoption("--samples"), limit or 10**9)
        like = config.getoption("--like")
        if like is None:
            embeddings = drawn_templates(
                n, config.getoption("--dimensions"), measure, config.getoption("--cells"), seed=0
            )
        else:
            embeddings = drawn_like(like, n, measure, config.getoption("--cells"))
    else:
        with np.load(path, allow_pickle=False) as arrays:
            vectors, subjects, cells = (arrays[name][:limit] for name in ("vectors", "subjects", "cells"))
        rule = (
            ScoreRule("euclidean", "dissimilarity", -2.0, 0.0)
            if measure == "euclidean"
            else ScoreRule("cosine", "similarity", -1.0, 1.0)
        )
        embeddings = EmbeddingSet.from_arrays(vectors, subjects, cells, rule)
    return Work(embeddings, one_percent_threshold(embeddings), path is not None)


def touch_memory(size: int = 2**29) -> None:
    """Write to half a gigabyte and let it go.

    On a virtual machine that hands free memory back to its host, the first touch of a page costs up to 50 times what
    it costs on metal, and a contender would pay or not pay by chance; so everybody finds memory that the machine
    really has.
    """
    np.empty(size // 8)[:: 4096 // 8] = 1.0


@pytest.fixture(scope="session")
def work(pytestconfig: pytest.Config) -> Work:
    return _work(pytestconfig)


@pytest.fixture(scope="session")
def small_work(pytestconfig: pytest.Config) -> Work:
    return _work(pytestconfig, pytestconfig.getoption("--slow-samples"))


@pytest.fixture
def against_raw(benchmark: Any, pytestconfig: pytest.Config) -> Callable[..., Any]:
    """Time a call in rounds, each right after one untimed-by-pytest round of the raw product; the ratios go to
    ``extra_info``.
    """

    def run(work: Work, call: Callable[[], Any], *, threads: int | None = None) -> Any:
        raw: list[float] = []
        seconds: list[float] = []
        vectors, workers = work.embeddings.vectors, threads or cores()

        def setup() -> None:
            start = time.perf_counter()
            raw_product(vectors, workers)
            raw.append(time.perf_counter() - start)
            touch_memory()

        def timed() -> Any:
            start = time.perf_counter()
            out = call()
            seconds.append(time.perf_counter() - start)
            return out

        out = benchmark.pedantic(timed, setup=setup, rounds=pytestconfig.getoption("--ratio-rounds"), warmup_rounds=1)
        ratios = (
            [s / r for s, r in zip(seconds[-len(raw) + 1 :], raw[1:], strict=True)]
            if len(raw) > 1
            else [seconds[-1] / raw[-1]]
        )
        benchmark.extra_info.update(
            comparisons=work.comparisons,
            samples=len(work.embeddings),
            dimensions=work.embeddings.vectors.shape[1],
            cells=len(work.embeddings.cells),
            measure=work.embeddings.rule.measure,
            templates="real" if work.real else "drawn",
            threads=workers,
            ratios=ratios,
        )
        return out

    return run
