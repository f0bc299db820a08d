"""Tiles and their answers as values: the same from every path, added in any
order, once, against a loop over integers."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from audit.backends.protocol import ScoreRule
from audit.comparisons.collect import Counts, SortedTail
from audit.comparisons.kernels import pass8, processor
from audit.comparisons.kernels.grid import Grid, quantise
from audit.comparisons.kernels.pass8 import NarrowPass
from audit.comparisons.kernels.pass16 import FastPass
from audit.comparisons.kernels.portable import PortablePass
from audit.comparisons.layout import lay_out
from audit.comparisons.run_tiles import Engine, sweep
from audit.comparisons.tiles import Job, Side, Tile, TileAnswer, tiles_of
from audit.embeddings.embedding_set import EmbeddingSet

RULES = {
    "euclidean": ScoreRule("euclidean", "dissimilarity", -2.0, 0.0),
    "cosine": ScoreRule("cosine", "similarity", -1.0, 1.0),
    "inner": ScoreRule("inner", "similarity", -4.0, 4.0),
}
GO_ON = np.zeros(1, np.uint8)
ENDLESS = 2**40


def templates(measure: str, n: int = 300, cells: int = 4, seed: int = 3) -> tuple[EmbeddingSet, Grid]:
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, n // 3, n)
    vectors = (rng.standard_normal((n // 3, 21)) * 0.1)[subject] + rng.standard_normal((n, 21)) * 0.1
    embeddings = EmbeddingSet.from_arrays(vectors, subject, subject % cells, RULES[measure])
    return embeddings, quantise(embeddings, 32, fast=False)


def two_sides(measure: str, *, own_limits: bool, histograms: bool = True) -> Job:
    """Two thirds of the rows against the last half and some of the first: people, and photos, stand on both sides."""
    embeddings, grid = templates(measure)
    n = len(embeddings)
    left, right = (
        np.flatnonzero(np.arange(n) % 3 > 0),
        np.flatnonzero((np.arange(n) > n // 2) | (np.arange(n) % 5 == 0)),
    )
    limits = np.full(len(left), grid.limit(-0.8 if measure == "euclidean" else 0.1), np.int32)
    if own_limits:
        limits += (
            np.random.default_rng(0).integers(-int(abs(limits[0])), int(abs(limits[0])), len(left)).astype(np.int32)
        )
    sides = [Side(grid.take(rows), lay_out(embeddings, rows)) for rows in (left, right)]
    return Job(*sides, limits=limits, histograms=histograms)


def one_side(measure: str) -> Job:
    embeddings, grid = templates(measure)
    limit = grid.limit(-0.8 if measure == "euclidean" else 0.1)
    return Job(Side(grid, lay_out(embeddings)), limits=np.full(len(embeddings), limit, np.int32), histograms=True)


def loop(job: Job) -> tuple[list[tuple[int, int, int]], np.ndarray]:
    """Every comparison in plain Python integers."""
    a, b, euclidean = job.left, job.right, job.left.grid.measure == "euclidean"
    cell = [np.searchsorted(side.layout.cell_starts, np.arange(len(side.grid.codes)), "right") - 1 for side in (a, b)]
    entries, counts = [], np.zeros((job.pairs(), a.grid.axis.bins), np.int64)
    for i, row in enumerate(a.grid.codes.tolist()):
        for j, column in enumerate(b.grid.codes.tolist()):
            if job.triangle and j <= i:
                continue
            x = sum((p - q) ** 2 if euclidean else p * q for p, q in zip(row, column, strict=True))
            counts[job.pair(int(cell[0][i]), int(cell[1][j])), int(a.grid.bins(np.array([x]))[0])] += 1
            if job.limits is not None and a.layout.subject[i] != b.layout.subject[j]:
                limit = int(job.limits[i])
                if (x <= limit) if euclidean else (x >= limit):
                    entries.append((i, j, x))
    return entries, counts


def engines(job: Job) -> list[Engine]:
    return [PortablePass(job), *(FastPass(job, flavour, 2) for flavour in processor.flavours())]


def added(job: Job, answers: list[tuple[int, TileAnswer]]) -> tuple[list[tuple[int, int, float]], np.ndarray]:
    counts, tail = (
        Counts(job.pairs(), job.left.grid.axis.bins, fast=False),
        SortedTail(10**6, job.left.grid, fast=False),
    )
    for place, answer in answers:
        assert counts.add(place, answer)
        assert tail.add(place, answer)
    return list(zip(*(array.tolist() for array in tail.arrays()), strict=True)), counts.total


@pytest.mark.parametrize("measure", list(RULES))
@pytest.mark.parametrize(
    "make", [one_side, lambda measure: two_sides(measure, own_limits=True)], ids=["triangle", "rectangle"]
)
def test_answers_are_the_loops_whoever_gives_them_and_may_be_added_in_any_order_and_twice(
    measure: str, make: Any
) -> None:
    job = make(measure)
    entries, counts = loop(job)
    assert len(entries) > 100
    scores = job.left.grid.scores(np.array([x for *_, x in entries])).tolist()
    wanted = [(i, j, score) for (i, j, _), score in zip(entries, scores, strict=True)]
    tiles, seen = tiles_of(job, 32), set()
    for engine in engines(job):
        answers = []
        for place, tile in enumerate(tiles):
            answer = engine.run(tile, ENDLESS, GO_ON)
            assert answer is not None
            # Sent to another process and back, and kept on disk.
            answers.append((place, TileAnswer.from_bytes(pickle.loads(pickle.dumps(answer)).to_bytes())))
        order = np.random.default_rng(1).permutation(2 * len(tiles)) % len(tiles)
        got, total = added(job, [answers[k] for k in order])
        assert got == wanted
        assert (total == counts).all()
        seen.add(b"".join(answer.to_bytes() for _, answer in answers))
    assert len(seen) == 1


@pytest.mark.parametrize("measure", list(RULES))
def test_columns_may_be_cut_too(measure: str) -> None:
    job = two_sides(measure, own_limits=True)
    entries, counts = loop(job)
    starts = job.right.layout.cell_starts.tolist()
    cuts = [0, starts[1], starts[2], starts[2] + 32, starts[2] + 64, starts[3], starts[3] + 32, starts[-1]]
    assert cuts == sorted(set(cuts))
    for engine in engines(job):
        found, total = [], Counts(job.pairs(), job.left.grid.axis.bins, fast=False)
        for place, (strip, start, stop) in enumerate(
            (strip, *cut) for strip in tiles_of(job, 64) for cut in zip(cuts[:-1], cuts[1:], strict=True)
        ):
            answer = engine.run(Tile(strip.first, strip.end, start, stop), ENDLESS, GO_ON)
            assert answer is not None
            total.add(place, answer)
            found += list(zip(answer.i.tolist(), answer.j.tolist(), answer.x.tolist(), strict=True))
        assert sorted(found) == entries
        assert (total.total == counts).all()


@pytest.mark.skipif(
    "avx512vnni" not in processor.flavours(), reason="this processor has no AVX-512 VNNI, which the 8-bit filter needs"
)
@pytest.mark.parametrize("measure", list(RULES))
def test_the_8_bit_filter_answers_rectangles_too(measure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pass8, "LEAST", 0)
    monkeypatch.setattr(pass8, "LEAST_PER_DIMENSION", 0)
    monkeypatch.setattr(pass8, "WHOLE_PASS", np.inf)
    job = two_sides(measure, own_limits=False, histograms=False)
    engine = NarrowPass(job, 2)
    assert engine.worthwhile
    assert not NarrowPass(two_sides(measure, own_limits=True, histograms=False), 2).worthwhile
    answers = [engine.run(tile, ENDLESS, GO_ON) for tile in tiles_of(job, 64)]
    found = [np.concatenate([getattr(answer, name) for answer in answers]).tolist() for name in "ijx"]
    assert list(zip(*found, strict=True)) == loop(job)[0]


def test_a_whole_rectangle_is_swept_by_threads_and_ends_where_the_cap_does() -> None:
    job = two_sides("cosine", own_limits=True)
    entries, counts = loop(job)
    seen: list[tuple[int, int]] = []
    for flavour in (None, *processor.flavours()[:1]):
        got = sweep(
            job, threads=2, memory_cap=2**20, flavour=flavour, progress=lambda done, total: seen.append((done, total))
        )
        assert got.whole
        assert got.counts is not None
        assert (got.counts == counts).all()
        assert list(zip(got.i.tolist(), got.j.tolist(), strict=True)) == [(i, j) for i, j, _ in entries]
        assert seen[-1] == (job.comparisons(),) * 2
        assert not sweep(job, threads=2, memory_cap=16 * (len(entries) - 1), flavour=flavour).whole


def test_the_key_of_an_answer_changes_with_all_it_depends_on_and_with_nothing_else() -> None:
    job = two_sides("cosine", own_limits=True)
    again, tile = two_sides("cosine", own_limits=True), Tile(0, 32, 0, 64)
    assert again.key(tile) == job.key(tile)
    assert job.limits is not None
    codes, subject = job.left.grid.codes.copy(), job.left.layout.subject.copy()
    codes[3, 2] += 1
    subject[0] += 1
    others = [
        Job(job.left, job.other, job.limits + np.int32(1), True),
        Job(job.left, job.other, job.limits, False),
        Job(job.left, None, job.limits, True),
        Job(Side(_with(job.left.grid, codes=codes), job.left.layout), job.other, job.limits, True),
        Job(Side(job.left.grid, _with(job.left.layout, subject=subject)), job.other, job.limits, True),
        Job(Side(_with(job.left.grid, slope=np.float32(7)), job.left.layout), job.other, job.limits, True),
    ]
    keys = {job.key(tile), job.key(Tile(0, 32, 0, 32)), *(other.key(tile) for other in others)}
    assert len(keys) == 2 + len(others)


def _with(one: Any, **values: Any) -> Any:
    from dataclasses import replace

    return replace(one, **values)


def test_columns_that_do_not_end_with_panels_are_refused_by_compiled_code() -> None:
    job = two_sides("cosine", own_limits=False)
    for engine in engines(job)[1:]:
        with pytest.raises(ValueError, match="panels of 32"):
            engine.run(Tile(0, 32, 0, 31), ENDLESS, GO_ON)
