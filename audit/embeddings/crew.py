"""One photograph may end a matcher, but never the run: backends work in processes of their own, and what they do is
watched.

In come (row, path, sha256) tasks; out come (row, ``Extraction``), in any order. The one idea: a process that dies or
is silent for too long loses the photo it was working on and nothing else. If that was a batch, its photos are tried
again one by one, so the guilty one is found.

Every worker holds BLAS, OpenMP and OpenCV to one thread: parallelism is one process per core.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from audit.backends.protocol import Extraction, Status
from audit.base.errors import BackendError
from audit.embeddings.worker import Task, serve

__all__ = ["Crew", "Task", "run"]

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
)

START_SECONDS = 300.0
"""A matcher that is not loaded by then is given up."""

LEAK_BYTES = 2 * 2**30
"""A worker whose memory has grown by this since its first batch is replaced: matchers leak."""

_KILLED = tuple(f"the matcher crashed ({name})" for name in ("SIGKILL", "SIGTERM"))

LOST_AT_START = 20
"""If the first 20 photos are all lost to crashes, it is the matcher that is broken, not the photos."""


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection[Any, Any]
    deadline: float
    ready: bool = False
    batches: deque[list[Task]] = field(default_factory=deque)


def _start(name: str, options: Mapping[str, Any]) -> _Worker:
    context = multiprocessing.get_context(
        "spawn"
    )  # fork would copy threads and locks of whatever the caller has loaded
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, name, dict(options), LEAK_BYTES), daemon=True)
    before = {key: os.environ.get(key) for key in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        with _without_interrupts():
            process.start()
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
    theirs.close()
    return _Worker(process, ours, time.monotonic() + START_SECONDS)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back: a process that is started inherits that, and does not die with a traceback while it imports;
    here it comes a moment later.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # the first start would start it, which lets SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    """Extract every task's template in ``jobs`` processes, which are started for it and end with it; parameters and
    errors as of ``Crew``.
    """
    with Crew(name, options, jobs=jobs, timeout_seconds=timeout_seconds) as crew:
        crew.run(tasks, done, batch=batch)


class Crew:
    """Worker processes that stay from one run to the next, with the matcher loaded; ``with`` ends them.

    Parameters
    ----------
    name, options
        Of the backend; it is made again in every process.
    jobs : int
        Processes at most; they are started when there is work for them, or by ``ready``.
    timeout_seconds : float
        Allowed per photo.
    """

    def __init__(self, name: str, options: Mapping[str, Any], *, jobs: int, timeout_seconds: float = 300.0) -> None:
        self.name, self.options, self.jobs, self.timeout_seconds = name, options, jobs, timeout_seconds
        self._workers: list[_Worker] = []
        self._pending: deque[list[Task]] = deque()
        self._done: Callable[[int, Extraction], None] = lambda row, extraction: None
        self._lost = self._answered = 0
        self._again: set[int] = set()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    @property
    def processes(self) -> list[int]:
        """Ids of the processes that are alive."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    def ready(self) -> None:
        """Start all processes and wait until each has loaded the matcher; raises BackendError where it cannot be
        loaded.
        """
        while len(self._workers) < self.jobs or not all(worker.ready for worker in self._workers):
            while len(self._workers) < self.jobs:
                self._workers.append(_start(self.name, self.options))
            self._listen(self._workers)

    def run(
        self,
        tasks: Iterable[Task],
        done: Callable[[int, Extraction], None],
        *,
        jobs: int | None = None,
        batch: int = 1,
    ) -> None:
        """Extract every task's template. After an error or an interrupt the crew is of no more use.

        Parameters
        ----------
        tasks : iterable of Task
        done : callable (row, Extraction)
            Called in this process once per task, in no particular order.
        jobs, batch : int
            How many of the processes take part (default all); photos handed to the backend at once.

        Raises
        ------
        BackendError
            The matcher cannot be loaded, raises a BackendError itself (nothing will work), or the first
            ``LOST_AT_START`` photos were all lost to crashes.
        """
        rows, jobs = list(tasks), min(jobs or self.jobs, self.jobs)
        self._again.clear()
        self._pending, self._done = deque(rows[at : at + batch] for at in range(0, len(rows), batch)), done
        while self._pending or any(worker.batches for worker in self._workers):
            while self._pending and len(self._workers) < min(jobs, len(self._pending) + len(self._workers)):
                self._workers.append(_start(self.name, self.options))
            used = self._workers[:jobs]
            for worker in used:
                if worker.ready:
                    _feed(worker, self._pending, len(used), self.timeout_seconds)
            self._listen(used)

    def _listen(self, workers: Sequence[_Worker]) -> None:
        """Take what these workers say next, and bury those that died or were silent for too long."""
        soonest = min((worker.deadline for worker in workers), default=0.0)
        for connection in wait(
            [worker.connection for worker in workers], timeout=max(0.0, soonest - time.monotonic())
        ):
            worker = next(worker for worker in workers if worker.connection is connection)
            try:
                kind, payload = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join(timeout=5)
                self._bury(worker, _ending(worker.process.exitcode))
                continue
            if kind == "refused":
                raise BackendError(**payload)
            if kind == "ready":
                worker.ready = True
            elif kind == "retired":  # it has grown too large: what it had not begun goes to the next one
                self._pending.extendleft(reversed(worker.batches))
                worker.batches.clear()
                self._bury(worker, "retired")
                continue
            else:
                worker.batches.popleft()
                self._answered += 1
                for row, extraction in payload:
                    self._done(row, extraction)
            _set_deadline(worker, self.timeout_seconds)
        now = time.monotonic()
        for worker in [
            worker
            for worker in workers
            if worker in self._workers and now > worker.deadline and not worker.connection.poll()
        ]:
            self._bury(worker, f"the matcher gave no answer within {self.timeout_seconds:g} s")

    def _bury(self, worker: _Worker, why: str) -> None:
        """End a worker; the photo it was at is lost, a batch it was at is tried again one by one.

        A worker that was killed from outside (for want of memory, by somebody) says nothing of the photo, which is
        tried once more.
        """
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        alone = f"Try it alone: face-audit backend check {self.name}"
        if not worker.ready:
            raise BackendError(f"backend {self.name!r}", got=f"{why} while it was loaded", todo=alone)
        batches = list(worker.batches)
        if batches and len(batches[0]) > 1:
            batches[:1] = [[task] for task in batches[0]]
        elif batches and why in _KILLED and batches[0][0].row not in self._again:
            self._again.add(batches[0][0].row)
        elif batches:
            self._done(batches.pop(0)[0].row, Extraction(Status.ERROR, reason=why))
            self._lost += 1
        self._pending.extendleft(reversed(batches))
        if self._lost >= LOST_AT_START and not self._answered:
            raise BackendError(
                f"backend {self.name!r}", got=f"the first {self._lost} photos were all lost ({why})", todo=alone
            )


def _feed(worker: _Worker, pending: deque[list[Task]], workers: int, timeout_seconds: float) -> None:
    """Keep two batches with a worker, so that it never waits; the last ones go one to each, so that none waits behind
    another at the end.

    A pipe that is broken is noticed at the next ``wait``.
    """
    while pending and len(worker.batches) < (2 if len(pending) >= workers else 1):
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
