"""One photograph may end a matcher, but never the run: backends work in processes of their own, and what they do is watched.

In come (row, path, sha256) tasks; out come (row, ``Extraction``), in any order. The one idea: a process that dies or is silent for too long
loses the photo it was working on and nothing else. If that was a batch, its photos are tried again one by one, so the guilty one is found.

Every worker holds BLAS, OpenMP and OpenCV to one thread: parallelism is one process per core.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from audit.backends.protocol import Extraction, Status
from audit.embeddings.worker import Task, serve
from audit.errors import BackendError

__all__ = ["Task", "run"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS")

START_SECONDS = 300.0
"""A matcher that is not loaded by then is given up."""

LEAK_BYTES = 2 * 2**30
"""A worker whose memory has grown by this since its first batch is replaced: matchers leak."""

LOST_AT_START = 20
"""If the first 20 photos are all lost to crashes, it is the matcher that is broken, not the photos."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection[Any, Any]
    deadline: float
    ready: bool = False
    batches: deque[list[Task]] = field(default_factory=deque)


def _start(name: str, options: Mapping[str, Any]) -> _Worker:
    context = multiprocessing.get_context("spawn")  # fork would copy threads and locks of whatever the caller has loaded
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, name, dict(options), LEAK_BYTES), daemon=True)
    before = {key: os.environ.get(key) for key in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        process.start()
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
    theirs.close()
    return _Worker(process, ours, time.monotonic() + START_SECONDS)


def run(
    tasks: Iterable[Task],
    name: str,
    options: Mapping[str, Any],
    done: Callable[[int, Extraction], None],
    *,
    jobs: int,
    batch: int = 1,
    timeout_seconds: float = 300.0,
) -> None:
    """Extract every task's template in ``jobs`` processes.

    Parameters
    ----------
    tasks : iterable of Task
    name, options
        Of the backend; it is made again in every process.
    done : callable (row, Extraction)
        Called in this process once per task, in no particular order.
    jobs, batch : int
        Processes; photos handed to the backend at once.
    timeout_seconds : float
        Allowed per photo.

    Raises
    ------
    BackendError
        The matcher cannot be loaded, raises a BackendError itself (nothing will work), or the first ``LOST_AT_START`` photos were all lost to
        crashes.
    """
    rows = list(tasks)
    pending = deque(rows[at : at + batch] for at in range(0, len(rows), batch))
    workers: list[_Worker] = []
    lost = answered = 0
    alone = f"Try it alone: face-audit backend check {name}"

    def bury(worker: _Worker, why: str) -> None:
        nonlocal lost
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        workers.remove(worker)
        if not worker.ready:
            raise BackendError(f"backend {name!r}", got=f"{why} while it was loaded", todo=alone)
        batches = list(worker.batches)
        if batches and len(batches[0]) > 1:
            batches[:1] = [[task] for task in batches[0]]
        elif batches:
            done(batches.pop(0)[0].row, Extraction(Status.ERROR, reason=why))
            lost += 1
        pending.extendleft(reversed(batches))
        if lost >= LOST_AT_START and not answered:
            raise BackendError(f"backend {name!r}", got=f"the first {lost} photos were all lost ({why})", todo=alone)

    try:
        while pending or any(worker.batches for worker in workers):
            while len(workers) < min(jobs, len(pending) + len(workers)) and pending:
                workers.append(_start(name, options))
            for worker in list(workers):
                if worker.ready:
                    _feed(worker, pending, timeout_seconds)
            soonest = min((worker.deadline for worker in workers), default=0.0)
            for connection in wait([worker.connection for worker in workers], timeout=max(0.0, soonest - time.monotonic())):
                worker = next(worker for worker in workers if worker.connection is connection)
                try:
                    kind, payload = worker.connection.recv()
                except (EOFError, OSError):
                    worker.process.join(timeout=5)
                    bury(worker, _ending(worker.process.exitcode))
                    continue
                if kind == "refused":
                    raise BackendError(**payload)
                if kind == "ready":
                    worker.ready = True
                elif kind == "retired":  # it has grown too large: what it had not begun goes to the next one
                    pending.extendleft(reversed(worker.batches))
                    worker.batches.clear()
                    bury(worker, "retired")
                    continue
                else:
                    worker.batches.popleft()
                    answered += 1
                    for row, extraction in payload:
                        done(row, extraction)
                _set_deadline(worker, timeout_seconds)
            now = time.monotonic()
            for worker in [worker for worker in workers if now > worker.deadline and not worker.connection.poll()]:
                bury(worker, f"the matcher gave no answer within {timeout_seconds:g} s")
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.kill()
        for worker in workers:
            worker.process.join()


def _feed(worker: _Worker, pending: deque[list[Task]], timeout_seconds: float) -> None:
    """Keep two batches with a worker, so that it never waits; a pipe that is broken is noticed at the next ``wait``."""
    while pending and len(worker.batches) < 2:
        idle = not worker.batches
        worker.batches.append(pending.popleft())
        with contextlib.suppress(OSError):
            worker.connection.send(worker.batches[-1])
        if idle:
            _set_deadline(worker, timeout_seconds)


def _set_deadline(worker: _Worker, timeout_seconds: float) -> None:
    worker.deadline = time.monotonic() + timeout_seconds * len(worker.batches[0]) if worker.batches else float("inf")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the matcher crashed ({signal.Signals(-code).name})"
    return f"the matcher's process ended (exit code {code})"
