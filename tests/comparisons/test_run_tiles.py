"""The pass itself: memory of the tail, Ctrl-C, and which path ran."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, compare
from audit.comparisons.kernels import processor
from audit.embeddings.embedding_set import EmbeddingSet

PROGRAM = """
import sys, numpy as np
from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, compare
from audit.embeddings.embedding_set import EmbeddingSet
n = int(sys.argv[2])
vectors = np.random.default_rng(0).standard_normal((n, 128), dtype=np.float32)
embeddings = EmbeddingSet.from_arrays(vectors, np.arange(n), np.zeros(n, int), ScoreRule("cosine", "similarity", -1.0, 1.0))
print("ready", flush=True)
try:
    compare(embeddings, operating_points=[OperatingPointRequest("x", "fixed", threshold=0.9)], path=sys.argv[1],
            progress=lambda done, total: print("going", flush=True))
except KeyboardInterrupt:
    print("stopped", flush=True)
    sys.exit(3)
print("finished")
"""


@pytest.mark.parametrize("path", ["portable", *processor.flavours()[:1]])
@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_ctrl_c_stops_a_long_pass_soon(path: str) -> None:
    # Far too many templates to finish: 20 billion comparisons (5 billion for NumPy).
    size = "200000" if path != "portable" else "100000"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, path, size], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            assert child.stdout.readline() == "going\n"
            start = time.monotonic()
            child.send_signal(signal.SIGINT)
            rest = child.stdout.read()
            code = child.wait(30)
        finally:
            child.kill()
    assert code == 3
    assert rest.endswith("stopped\n")
    # A second on an idle machine; the limit here leaves room for a busy one.
    assert time.monotonic() - start < 5.0


def tiny() -> EmbeddingSet:
    return EmbeddingSet.from_arrays(
        np.eye(5), np.arange(5), np.zeros(5, int), ScoreRule("cosine", "similarity", -1.0, 1.0)
    )


def test_how_says_which_path_ran() -> None:
    point = [OperatingPointRequest("x", "fixed", threshold=0.9)]
    assert compare(tiny(), operating_points=point).how["path"] == "portable"
    for flavour in processor.flavours():
        assert compare(tiny(), operating_points=point, path=flavour).how["path"] == f"fast:{flavour}"  # type: ignore[arg-type]


def test_the_processor_that_numba_is_told_to_use_decides_the_flavours(monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba")
    processor.flavours.cache_clear()
    monkeypatch.setattr(numba.config, "CPU_NAME", "generic")
    monkeypatch.setattr(numba.config, "CPU_FEATURES", "+avx2,-avx512f")
    try:
        assert processor.flavours() == ("avx2", "any")
    finally:
        processor.flavours.cache_clear()


def test_without_numba_there_is_only_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    for cached in (processor.compiled, processor.flavours):
        cached.cache_clear()
    try:
        assert processor.flavours() == ()
        assert compare(tiny(), operating_points=[], path="auto").how["path"] == "portable"
    finally:
        for cached in (processor.compiled, processor.flavours):
            cached.cache_clear()


def test_a_person_with_many_photos_straddles_strips_and_tiles() -> None:
    rng = np.random.default_rng(9)
    subject = np.repeat([0, 1, 2], [3, 700, 40])
    vectors = rng.standard_normal((743, 6)).astype(np.float32)
    embeddings = EmbeddingSet.from_arrays(
        vectors, subject, subject // 2, ScoreRule("inner", "similarity", -20.0, 20.0)
    )
    results = []
    for path in ("portable", *processor.flavours()):
        got = compare(embeddings, operating_points=[OperatingPointRequest("x", "fixed", threshold=2.0)], path=path)  # type: ignore[arg-type]
        assert got.histograms is not None
        # 3*2/2 + 700*699/2 + 40*39/2 mated; 3*700 + 3*40 + 700*40 non-mated.
        assert len(got.mated.score) == 3 + 244_650 + 780
        assert got.histograms.non_mated.sum(axis=1).tolist() == [2_100, 28_120]
        results.append(
            (
                got.tail.i.tobytes(),
                got.tail.j.tobytes(),
                got.tail.score.tobytes(),
                got.mated.score.tobytes(),
                got.histograms.mated.tobytes(),
            )
        )
    assert all(result == results[0] for result in results)
