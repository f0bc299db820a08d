"""Searches of a gallery against plain loops: who reaches a threshold, who stands above the mate, who is on the list,
ties and all."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.base.errors import ConfigError
from audit.comparisons import probe_search as module
from audit.comparisons.kernels import processor
from audit.comparisons.ranked import ranked
from audit.embeddings.embedding_set import EmbeddingSet

sys.path.insert(0, str(Path(__file__).parent))
import oracle

RULES = {
    "euclidean": ScoreRule("euclidean", "dissimilarity", -2.0, 0.0),
    "cosine": ScoreRule("cosine", "similarity", -1.0, 1.0),
    "inner": ScoreRule("inner", "similarity", -4.0, 4.0),
}
PATHS = ["portable", *processor.flavours()]


def people(measure: str, n: int = 150, seed: int = 0, ties: bool = False) -> EmbeddingSet:
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, n // 3, n)
    vectors = (rng.standard_normal((n // 3, 6)) * 0.2)[subject] + rng.standard_normal((n, 6)) * 0.1
    if ties:
        vectors = np.round(vectors * 4) / 4 + 0.125
    return EmbeddingSet.from_arrays(vectors, subject, subject % 4, RULES[measure])


def loop(
    embeddings: EmbeddingSet, probes: list[int], gallery: list[int], thresholds: list[float], top: int
) -> dict[str, Any]:
    """As the docstring says it, person by person."""
    out: dict[str, Any] = {"reached": [], "mate": [], "above": [], "lists": []}
    for probe in probes:
        best: dict[int, tuple[float, int]] = {}
        for row in gallery:
            if row == probe:
                continue
            s = oracle.score(embeddings.vectors[probe], embeddings.vectors[row], embeddings.rule.measure)
            person = int(embeddings.subject[row])
            if person not in best or s > best[person][0] or (s == best[person][0] and row < best[person][1]):
                best[person] = (s, row)
        own = best.pop(int(embeddings.subject[probe]), (math.nan, -1))[0]
        reached = np.zeros((len(thresholds), len(embeddings.cells)), int)
        above = np.zeros(len(embeddings.cells), int)
        for s, row in best.values():
            reached[:, embeddings.cell[row]] += np.array([s >= t for t in thresholds], int)
            above[embeddings.cell[row]] += s >= own
        listed = sorted(best.values(), key=lambda one: (-one[0], one[1]))
        last = listed[min(top, len(listed)) - 1][0] if top and listed else math.inf
        out["reached"].append(reached.tolist())
        out["mate"].append(own)
        out["above"].append(above.tolist())
        out["lists"].append([(row, s) for s, row in listed if s >= last])
    return out


def check(
    embeddings: EmbeddingSet, probes: list[int], gallery: list[int], thresholds: list[float], top: int, **options: Any
) -> Any:
    got = ranked(embeddings, probes, gallery, thresholds=thresholds, top=top, threads=2, **options)
    wanted = loop(embeddings, probes, gallery, thresholds, top)
    assert got.reached.tolist() == wanted["reached"]
    np.testing.assert_array_equal(got.mate, wanted["mate"])
    assert got.above.tolist() == wanted["above"]
    lists = [
        list(zip(got.reference[a:b].tolist(), got.score[a:b].tolist(), strict=True))
        for a, b in zip(got.starts[:-1], got.starts[1:], strict=True)
    ]
    assert lists == wanted["lists"]
    return got


@pytest.mark.parametrize("ties", [False, True], ids=["spread", "ties"])
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("measure", list(RULES))
@pytest.mark.parametrize("enrolled", ["one photo", "all photos"])
def test_searches_are_the_loops(measure: str, path: str, enrolled: str, ties: bool) -> None:
    embeddings = people(measure, ties=ties)
    rng = np.random.default_rng(1)
    order = rng.permutation(len(embeddings))
    first = np.unique(embeddings.subject[order], return_index=True)[1]
    gallery = order[first] if enrolled == "one photo" else order[:110]
    probes = rng.permutation(len(embeddings))[:90]
    i, j = rng.integers(0, len(embeddings), (2, 6))
    # Thresholds that scores have, so that ties at them occur.
    scores = [
        oracle.score(embeddings.vectors[a], embeddings.vectors[b], measure)
        for a, b in zip(i, j, strict=True)
        if a != b
    ]
    check(embeddings, probes.tolist(), gallery.tolist(), scores, 7, path=path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wrong", [1, 30, 10**9])
def test_a_guess_that_was_too_high_is_looked_at_again(path: str, wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 40)
    monkeypatch.setattr(module, "SHORT", 1.0 / wrong)
    embeddings = people("cosine", 200, ties=True)
    check(embeddings, list(range(0, 200, 3)), list(range(0, 200, 2)), [0.9], 5, path=path)


@pytest.mark.parametrize("path", PATHS[:2])
def test_tiles_too_large_for_memory_are_halved(path: str) -> None:
    embeddings = people("euclidean", 210)
    check(embeddings, list(range(210)), list(range(210)), [-9.0], 300, path=path, memory_cap=1)


@pytest.mark.parametrize("path", PATHS[:2])
def test_empty_and_lonely_searches_are_no_special_case(path: str) -> None:
    embeddings = people("cosine", 30)
    check(embeddings, [], [1, 2], [0.5], 3, path=path)
    check(embeddings, [1, 2], [], [0.5], 3, path=path)
    check(embeddings, [4], [4], [0.5], 3, path=path)
    check(embeddings, [4, 5], [5, 4], [], 0, path=path)
    alone = ranked(embeddings, [0, 1], [2, 3], thresholds=[0.5], mates=False, path=path)  # type: ignore[arg-type]
    assert np.isnan(alone.mate).all()
    assert not alone.above.any()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"probes": [0, 0]}, "twice"),
        ({"gallery": [99]}, "0 to 29"),
        ({"thresholds": [math.nan]}, "finite"),
        ({"top": -1}, "from 0"),
        ({"probes": [0.5]}, "rows"),
    ],
)
def test_searches_that_make_no_sense_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ranked(people("cosine", 30), **({"probes": [0], "gallery": [1]} | change))
