"""Templates made by dask workers, against the same made here; real scheduler, real processes."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import toy_backends as toy
from local_clusters import local_cluster

from audit.backends.protocol import Status
from audit.backends.registry import make
from audit.base import cluster
from audit.base.errors import BackendError
from audit.embeddings.cluster import run
from audit.embeddings.extract import extract
from audit.embeddings.store import Store

dask = pytest.importorskip("dask", reason="the extra 'cluster' is not installed")
distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
TOY = "toy_backends:make"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    folder = str(Path(__file__).parent)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, before)))
    try:
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 0}),
            local_cluster(2) as there,
        ):
            yield there.scheduler_address
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def test_a_cluster_gives_what_this_machine_gives(photo: Callable[..., Path], address: str, tmp_path: Path) -> None:
    paths = [photo(f"{k}.png", 0, green=k) for k in range(30)] + [tmp_path / "missing.png"]
    there = extract(paths, TOY, {}, cluster=address)
    here = extract(paths, TOY, {}, jobs=1)
    assert there.counts() == here.counts() == {**there.counts(), "ACQUIRED": 30, "UNREADABLE": 1}
    assert np.array_equal(there.vectors, here.vectors)
    assert there.reasons == here.reasons


def test_a_photo_that_crashes_the_matcher_is_lost_alone_in_the_words_of_one_machine(
    photo: Callable[..., Path], address: str, tmp_path: Path
) -> None:
    paths = [photo(f"{k}.png", toy.CRASH if k == 3 else 0, green=k) for k in range(12)]
    store = Store(tmp_path / "cache")
    made = extract(paths, TOY, {}, cluster=address, store=store)
    assert [k for k in range(12) if made.status[k] != Status.ACQUIRED] == [3]
    assert made.status[3] == Status.ERROR
    assert made.reasons[3] == extract(paths[3:4], TOY, {}, jobs=1).reasons[0] == "the matcher crashed (SIGSEGV)"
    again = extract(
        [path for k, path in enumerate(paths) if k != 3], TOY, {}, cluster="tcp://127.0.0.1:1", store=store
    )
    assert again.cached.all()  # all found in the cache: the scheduler is not even asked


def test_no_scheduler_at_the_address_is_said(photo: Callable[..., Path]) -> None:
    with pytest.raises(BackendError, match="no scheduler at"):
        extract([photo("a.png", 0)], TOY, {}, cluster="tcp://127.0.0.1:1")


def test_a_backend_that_cannot_be_made_there_ends_the_run(photo: Callable[..., Path], address: str) -> None:
    from audit.embeddings.worker import Task

    path = photo("a.png", 0)
    with pytest.raises(BackendError, match="nosuch"):
        run([Task(0, path, "")], "nosuch", {}, lambda row, extraction: None, address=address)


# ---- bad days: a scheduler and workers without nannies, each a process of its own over TCP
# ------------------------------------------------------


class Machines:
    """A scheduler and workers, each a process that can be killed."""

    def __init__(self, workers: int, path: Path) -> None:
        self.environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.scheduler = self._start("scheduler", "--host", self.address, "--no-dashboard")
        self.workers = [self.worker() for _ in range(workers)]
        with distributed.Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def worker(self) -> subprocess.Popen[bytes]:
        return self._start(
            "worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"
        )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Machines]]:
    monkeypatch.setattr(cluster, "LOST_SECONDS", 3.0)
    made: list[Machines] = []

    def make(workers: int) -> Machines:
        made.append(Machines(workers, Path(__file__).parent))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_photo_on_which_the_matcher_hangs_there_is_that_photos_error(photo: Callable[..., Path], machines) -> None:
    paths = [photo(f"{k}.png", toy.HANG if k == 4 else 0, green=k) for k in range(20)]
    start = time.monotonic()
    made = extract(paths, TOY, {}, cluster=machines(2).address, timeout_seconds=2.0)
    assert [k for k in range(20) if made.status[k] != Status.ACQUIRED] == [4]
    assert made.reasons[4] == "the matcher gave no answer within 2 s"
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("lost", ["only worker", "scheduler", "all workers"])
def test_what_is_lost_for_good_ends_the_run_soon_and_what_was_made_is_kept(
    photo: Callable[..., Path], machines, tmp_path: Path, lost: str
) -> None:
    there = machines(2 if lost == "all workers" else 1)
    paths = [photo(f"{k}.png", 0, green=k) for k in range(60)]
    store, killed = Store(tmp_path / "cache"), []

    def kill(done: int, total: int, cached: int) -> None:
        if done >= 16 and not killed:
            killed.append(time.monotonic())
            for process in [there.scheduler] if lost == "scheduler" else there.workers:
                process.kill()

    with pytest.raises(BackendError, match="it goes on where it was") as refused:
        extract(paths, TOY, {"sleep": 0.1}, cluster=there.address, store=store, progress=kill)
    assert time.monotonic() - killed[0] < 40
    assert "127.0.0.1" not in refused.value.got
    kept = [
        k
        for k in range(60)
        if Store(tmp_path / "cache").shelf(make(TOY, {"sleep": 0.1}).fingerprint, 3).get(sha_of(paths[k])) is not None
    ]
    assert len(kept) >= 16


def test_one_of_two_workers_without_a_nanny_is_killed_and_the_result_is_the_same(
    photo: Callable[..., Path], machines
) -> None:
    there = machines(2)
    paths = [photo(f"{k}.png", 0, green=k) for k in range(60)]

    def kill(done: int, total: int, cached: int) -> None:
        if done >= 16:
            there.workers[0].kill()

    made = extract(paths, TOY, {"sleep": 0.05}, cluster=there.address, progress=kill)
    assert np.array_equal(made.vectors, extract(paths, TOY, {}, jobs=1).vectors)
    assert (made.status == Status.ACQUIRED).all()


def sha_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
