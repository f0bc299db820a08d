"""Scores of pairs from a program that gives no templates."""

from __future__ import annotations

import sys
import textwrap

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.backends.pairs import PairScore
from audit.backends.protocol import Status
from audit.base.errors import BackendError
from audit.embeddings.extract import extract
from audit.embeddings.score_pairs import _packed, _unpacked, score_pairs
from audit.embeddings.store import Store

MATCHER = """
    import json, os, sys
    asked = open(os.environ["ASKED"], "a")
    sys.stdin.readline()
    print(json.dumps({"hello": 1, "name": "closed", "version": "1", "measure": "cosine", "product": "closed system"}), flush=True)
    for line in sys.stdin:
        q = json.loads(line)
        asked.write("x")
        asked.flush()
        a, b = (open(path, "rb").read()[-1] for path in q["images"])
        answer = {"status": "NO_FACE", "reason": "no face found"} if a == 0 else {"score": 0.1 + (b - a) / 1000}
        print(json.dumps({"id": q["id"], **answer}), flush=True)
"""


@pytest.fixture
def closed(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "ASKED", str(tmp_path / "asked")
    )  # not in the command: every file that it names is in the fingerprint
    (tmp_path / "closed.py").write_text(textwrap.dedent(MATCHER))
    return {"command": [sys.executable, str(tmp_path / "closed.py")], "format": "ppm"}


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(4)]
    for n, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((6, 6, 3), 10 * n, np.uint8))
    return paths


def test_every_pair_has_its_score_or_its_status(closed, files, tmp_path) -> None:
    pairs = [
        (files[1], files[2]),
        (files[2], files[1]),
        (files[0], files[3]),
        (files[1], tmp_path / "absent.png"),
        (files[3], files[3]),
    ]
    found = score_pairs(pairs, "process", closed)
    assert [Status(value).name for value in found.status] == [
        "ACQUIRED",
        "ACQUIRED",
        "NO_FACE",
        "UNREADABLE",
        "ACQUIRED",
    ]
    assert found.score[[0, 1, 4]].tolist() == [0.1 + 10 / 1000, 0.1 - 10 / 1000, 0.1]
    assert np.isnan(found.score[[2, 3]]).all()
    assert found.reasons[2:4] == ("no face found", "file missing")
    assert found.backend["product"] == "closed system"


def test_no_pair_is_asked_twice(closed, files, tmp_path) -> None:
    pairs = [(a, b) for a in files for b in files]
    store = Store(tmp_path / "cache")
    first = score_pairs(pairs[:10], "process", closed, store=store)
    seen = []
    second = score_pairs(pairs, "process", closed, store=store, progress=lambda *now: seen.append(now))
    assert (tmp_path / "asked").read_text() == "x" * 16
    assert second.cached.tolist() == [True] * 10 + [False] * 6
    np.testing.assert_array_equal(second.score[:10], first.score)
    assert seen[-1] == (16, 16, 10)


def test_a_matcher_that_gives_scores_only_is_not_asked_for_templates(closed, files) -> None:
    with pytest.raises(BackendError, match="gives scores only"):
        extract(files, "process", closed)


def test_a_backend_without_scores_is_refused(files) -> None:
    with pytest.raises(BackendError, match="has no score"):
        score_pairs([(files[0], files[1])], "toy_backends:make", {})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_score_is_kept_bit_for_bit(value) -> None:
    assert _unpacked(_packed(PairScore(Status.ACQUIRED, value))).score.hex() == value.hex()
