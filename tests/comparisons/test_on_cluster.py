"""Comparisons by a real scheduler's workers over TCP: the same bits as here,
also when a worker is killed on the way."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from local_clusters import local_cluster

from audit.backends.protocol import ScoreRule
from audit.base import cluster
from audit.base.errors import BackendError
from audit.comparisons import Comparisons, OperatingPointRequest, compare, on_cluster
from audit.comparisons.kept_tiles import Kept
from audit.comparisons.layout import Layout
from audit.comparisons.tiles import Job, Side, tiles_of
from audit.embeddings.embedding_set import EmbeddingSet

pytest.importorskip("dask", reason="the extra 'cluster' is not installed")
distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

ASKED = [
    OperatingPointRequest("one", "target_fmr", target=1e-3, weighting="comparisons"),
    OperatingPointRequest("fixed", "fixed", threshold=0.35),
]


def world(measure: str = "cosine", n: int = 6000) -> EmbeddingSet:
    rng = np.random.default_rng(3)
    person = np.arange(n) // 2
    cell = rng.integers(0, 3, n)[person * 2]
    rule = (
        ScoreRule("cosine", "similarity", -1.0, 1.0)
        if measure == "cosine"
        else ScoreRule("euclidean", "dissimilarity", -16.0, 0.0)
    )
    return EmbeddingSet.from_arrays(rng.standard_normal((n, 32), dtype=np.float32), person, cell, rule)


def bits(found: Comparisons) -> str:
    out = hashlib.sha256()
    arrays = [found.tail.i, found.tail.j, found.tail.score, found.mated.score]
    if found.histograms is not None:
        arrays += [found.histograms.pairs, found.histograms.non_mated, found.histograms.mated]
    for sums in found.streamed.values():
        arrays += [table for one in sums for table in (one.e, one.e2, one.em, one.w, one.w2)]
    for array in arrays:
        out.update(np.ascontiguousarray(array).tobytes())
    out.update(
        repr(
            [(point.threshold, point.achieved_people, point.achieved_comparisons) for point in found.operating_points]
        ).encode()
    )
    return out.hexdigest()


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[distributed.LocalCluster]:
    monkeypatch.setattr(on_cluster, "FLOOR", 0)
    monkeypatch.setattr(on_cluster, "TASK_COMPARISONS", 10**5)
    monkeypatch.setattr(cluster, "LOST_SECONDS", 3.0)
    with local_cluster(2, protocol="tcp") as there:
        yield there


def ids(there: distributed.LocalCluster) -> list[int]:
    with distributed.Client(there.scheduler_address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def test_two_workers_give_the_bits_of_one_machine_whatever_is_asked(
    machines: distributed.LocalCluster, tmp_path: Path
) -> None:
    for measure, path, more in (
        ("cosine", "portable", {}),
        ("euclidean", "auto", {}),
        ("cosine", "auto", {"histograms": False}),
        ("cosine", "auto", {"memory_cap": 2**17}),  # a tail that does not fit: sums of each person
    ):
        asked = ASKED if measure == "cosine" else [OperatingPointRequest("far", "fixed", threshold=-5.5)]
        wanted = compare(world(measure), operating_points=asked, path=path, **more)  # type: ignore[arg-type]
        found = compare(world(measure), operating_points=asked, path=path, cluster=machines.scheduler_address, **more)  # type: ignore[arg-type]
        assert bits(found) == bits(wanted), (measure, path, more)
        assert bool(wanted.streamed) == ("memory_cap" in more)


def test_a_worker_that_is_killed_among_the_tiles_changes_no_bit(machines: distributed.LocalCluster) -> None:
    wanted, workers, steps = bits(compare(world(), operating_points=ASKED)), ids(machines), []

    def kill(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == 3:
            os.kill(workers[0], signal.SIGKILL)

    assert bits(compare(world(), operating_points=ASKED, cluster=machines.scheduler_address, progress=kill)) == wanted
    assert len(steps) > 6
    assert steps[-1] == 6000 * 5999 // 2  # every tile is counted once


def test_a_cluster_that_is_lost_ends_the_run_and_the_next_one_goes_on_with_what_was_kept(
    machines: distributed.LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audit.comparisons import kept_tiles

    monkeypatch.setattr(kept_tiles, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(kept_tiles, "COST", 0)
    wanted, steps = bits(compare(world(), operating_points=ASKED)), []

    def end(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == 4:
            machines.close()

    start = time.monotonic()
    with pytest.raises(BackendError, match="it goes on where it was") as refused:
        compare(world(), operating_points=ASKED, cluster=machines.scheduler_address, progress=end, keep=Kept(tmp_path))
    assert time.monotonic() - start < 60
    assert "127.0.0.1" not in str(refused.value)
    with local_cluster(1, threads=2, processes=False, protocol="tcp") as another:
        again: list[int] = []
        found = compare(
            world(),
            operating_points=ASKED,
            cluster=another.scheduler_address,
            progress=lambda done, total: again.append(done),
            keep=Kept(tmp_path),
        )
    assert bits(found) == wanted
    assert len(again) < len(steps) + 40
    assert again[0] > steps[0]


def test_short_passes_stay_here() -> None:
    assert bits(compare(world(n=300), operating_points=ASKED, cluster="tcp://127.0.0.1:1")) == bits(
        compare(world(n=300), operating_points=ASKED)
    )


@pytest.mark.parametrize("n", [10**6, 10**7, 10**8])
def test_any_number_of_templates_makes_at_most_a_hundred_thousand_tasks_of_every_tile_once(n: int) -> None:
    class Codes:
        def __len__(self) -> int:
            return n

    layout = Layout(
        np.array([0, n // 3, n], np.int64), np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.int64)
    )
    grid = type("Grid", (), {"codes": Codes()})()
    job = Job(Side(grid, layout), histograms=True)  # type: ignore[arg-type]
    height = (
        on_cluster.HEIGHT if n <= 10**7 else 8192
    )  # a tile's comparisons are added row by row, which is all that takes time here
    tiles = tiles_of(job, height)
    work = np.array(
        [(tile.end - tile.first) * (tile.stop - tile.end) for tile in tiles]
    )  # but for the triangle at its head
    tasks = on_cluster.tasks_of(job, tiles)
    assert [place for task in tasks for place in task] == list(range(len(tiles)))
    assert len(tasks) <= on_cluster.MOST_TASKS
    share = np.array([work[task].sum() for task in tasks])
    assert share.max() <= max(
        2.1 * job.comparisons() / (on_cluster.MOST_TASKS // 2), 1.1 * work.max(), 1.1 * on_cluster.TASK_COMPARISONS
    )
