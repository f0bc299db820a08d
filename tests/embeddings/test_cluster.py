"""Templates made by dask workers, against the same made here; real scheduler, real processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import toy_backends as toy

from audit.backends.protocol import Status
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
        local = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None, "host": "127.0.0.1"}
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}), distributed.LocalCluster(**local) as cluster:
            yield cluster.scheduler_address
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


def test_a_photo_that_takes_its_worker_down_is_lost_alone_and_the_rest_is_kept(photo: Callable[..., Path], address: str, tmp_path: Path) -> None:
    paths = [photo(f"{k}.png", toy.CRASH if k == 3 else 0, green=k) for k in range(12)]
    store = Store(tmp_path / "cache")
    made = extract(paths, TOY, {}, cluster=address, store=store)
    assert [k for k in range(12) if made.status[k] != Status.ACQUIRED] == [3]
    assert made.status[3] == Status.ERROR
    assert "worker was lost" in made.reasons[3]
    again = extract([path for k, path in enumerate(paths) if k != 3], TOY, {}, cluster="tcp://127.0.0.1:1", store=store)
    assert again.cached.all()  # all found in the cache: the scheduler is not even asked


def test_no_scheduler_at_the_address_is_said(photo: Callable[..., Path]) -> None:
    with pytest.raises(BackendError, match="no scheduler at"):
        extract([photo("a.png", 0)], TOY, {}, cluster="tcp://127.0.0.1:1")


def test_a_backend_that_cannot_be_made_there_ends_the_run(photo: Callable[..., Path], address: str) -> None:
    from audit.embeddings.worker import Task

    path = photo("a.png", 0)
    with pytest.raises(BackendError, match="nosuch"):
        run([Task(0, path, "")], "nosuch", {}, lambda row, extraction: None, address=address)
