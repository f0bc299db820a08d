"""Matchers whose scores all lie together, and machines with little memory: bounded, and said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.base.errors import ConfigError
from audit.comparisons import OperatingPointRequest, compare
from audit.comparisons.kernels import processor
from audit.comparisons.thresholds import from_tail
from audit.embeddings.embedding_set import EmbeddingSet

sys.path.insert(0, str(Path(__file__).parent))
import oracle

COSINE = ScoreRule("cosine", "similarity", -1.0, 1.0)
PATHS = ["portable", *processor.flavours()[:1]]
TARGETS = [
    OperatingPointRequest(f"{target}:{weighting}", "target_fmr", target=target, weighting=weighting)  # type: ignore[arg-type]
    for target in (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 1.0)
    for weighting in ("people", "comparisons")
]


def collapsed(n: int, spread: float, photos: int = 2) -> EmbeddingSet:
    rng = np.random.default_rng(0)
    subject = rng.integers(0, n // photos, n)
    vectors = (np.ones(32) + spread * rng.standard_normal((n, 32))).astype(np.float32)
    return EmbeddingSet.from_arrays(vectors, subject, subject % 3, COSINE)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("spread", [0.008, 0.001, 1e-7, 0.0])
def test_thresholds_among_scores_that_all_lie_together_are_the_loops(
    spread: float, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_tail, "MANY", 40)  # 120 samples must do for what a million scores do
    monkeypatch.setattr(from_tail, "PART", 500)
    embeddings = collapsed(120, spread)
    pairs = oracle.everything(embeddings)
    got = compare(embeddings, operating_points=TARGETS, path=path)  # type: ignore[arg-type]
    assert [point.threshold for point in got.operating_points] == [
        oracle.threshold(embeddings, pairs, one)[0] for one in TARGETS
    ]
    assert [point.achieved_comparisons for point in got.operating_points] == [
        oracle.threshold(embeddings, pairs, one)[2] for one in TARGETS
    ]


@pytest.mark.parametrize("path", PATHS)
def test_many_scores_are_halved_until_few_are_sorted(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ordinary scores too: the ties of quarter-integer vectors, and a person with very many photos.
    monkeypatch.setattr(from_tail, "MANY", 3)
    rng = np.random.default_rng(2)
    subject = np.concatenate([np.zeros(60, int), rng.integers(1, 40, 80)])
    embeddings = EmbeddingSet.from_arrays(rng.integers(-2, 3, (140, 3)) / 4 + 0.1, subject, subject % 2, COSINE)
    pairs = oracle.everything(embeddings)
    got = compare(embeddings, operating_points=TARGETS, path=path)  # type: ignore[arg-type]
    assert [point.threshold for point in got.operating_points] == [
        oracle.threshold(embeddings, pairs, one)[0] for one in TARGETS
    ]


def test_no_pair_is_computed_again_twice_however_many_thresholds_lie_near_it() -> None:
    embeddings = collapsed(900, 0.004)
    got = compare(embeddings, operating_points=TARGETS)
    non_mated = 900 * 899 // 2 - len(got.mated.i)
    assert non_mated * 0.9 < int(got.how["rechecked"]) <= non_mated


def test_too_many_scores_about_a_threshold_are_refused_with_the_memory_that_would_do() -> None:
    # 3,000 people: 4,498,500 pairs, all within the grid's bound of any threshold, and a window of 2**26 / 128 =
    # 524,288 scores.
    embeddings = EmbeddingSet.from_arrays(
        (np.ones(8) + 0.0001 * np.random.default_rng(0).standard_normal((3_000, 8))).astype(np.float32),
        np.arange(3_000),
        np.zeros(3_000, int),
        COSINE,
    )
    with pytest.raises(ConfigError, match="hardly tells people apart") as refused:
        compare(embeddings, operating_points=TARGETS[6:7], memory_cap=2**20)
    # 4,498,500 pairs of 16 bytes are 68.6 MiB.
    assert "to 69" in str(refused.value)
    assert compare(embeddings, operating_points=TARGETS[6:7], memory_cap=69 * 2**20).operating_points[0].threshold < 1


PROGRAM = """
import resource, sys
import numpy as np
from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, compare
from audit.embeddings.embedding_set import EmbeddingSet
from audit.base.errors import AuditError
n = 6000
vectors = np.random.default_rng(0).standard_normal((n, 16)).astype(np.float32)
embeddings = EmbeddingSet.from_arrays(vectors, np.arange(n), np.zeros(n, int), ScoreRule("cosine", "similarity", -1.0, 1.0))
points = [OperatingPointRequest("loose", "fixed", threshold=0.2), OperatingPointRequest("strict", "fixed", threshold=0.8)]
compare(embeddings, operating_points=points[1:], path="portable", threads=2)
used = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]) * 2**20, resource.RLIM_INFINITY))
try:
    got = compare(embeddings, operating_points=points, path="portable", threads=2, memory_cap=2**30)
    print(got.how["memory_cap"], len(got.streamed), [point.achieved_comparisons for point in got.operating_points])
except AuditError as error:
    print("refused", error.exit_code, error)
"""


def limited(megabytes: int) -> str:
    # One arena: otherwise every thread reserves 64 MB of addresses that it never touches.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, "-c", PROGRAM, str(megabytes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space as on Linux")
def test_memory_that_runs_out_is_tried_again_with_less_and_then_said() -> None:
    # 18 million pairs: a list of them all would take 288 MB, so each of these sizes has too little for the first
    # trial.
    plenty, nothing = limited(4_000), limited(3)
    assert plenty.startswith(f"{2**30} 0 ")
    assert nothing.startswith("refused 3 comparisons: the machine's memory ran out 3 times")
    outcomes = [limited(megabytes) for megabytes in (100, 170, 240)]
    answered = [
        one for one in outcomes if not one.startswith("refused 3 comparisons: the machine's memory ran out 3 times")
    ]
    assert answered
    for one in answered:
        assert int(one.split()[0]) < 2**30
        assert one.split("[")[1] == plenty.split("[")[1]
