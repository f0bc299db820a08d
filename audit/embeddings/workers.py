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
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audit.backends.protocol import Backend, Extraction, Status
from audit.embeddings.images import read
from audit.errors import AuditError, BackendError

__all__ = ["Task", "run"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS")

START_SECONDS = 300.0
"""A matcher that is not loaded by then is given up."""

LEAK_BYTES = 2 * 2**30
"""A worker whose peak memory has grown by this since its first batch is replaced: matchers leak."""

LOST_AT_START = 20
"""If the first 20 photos are all lost to crashes, it is the matcher that is broken, not the photos."""


class Task(NamedTuple):
    """One photograph to do: its place in the caller's arrays, its file, and the digest its bytes had."""

    row: int
    path: Path
    sha256: str


# ---- in the worker ---------------------------------------------------------------------------------------------------------------------------


def _serve(connection: Connection[Any, Any], name: str, options: dict[str, Any]) -> None:
    """Make the backend, say "ready", then answer batches until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    from audit.backends.registry import make

    with contextlib.suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)
    try:
        backend = make(name, options)
        getattr(backend, "load", lambda: None)()
    except AuditError as error:
        connection.send(("refused", _parts(error)))
        return
    except Exception as error:
        got = f"it could not be loaded ({type(error).__name__}: {error})"
        connection.send(("refused", {"where": f"backend {name!r}", "got": got, "todo": "Check its model files and options"}))
        return
    connection.send(("ready", None))
    limit = 0
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            tasks = connection.recv()
            try:
                answer = _batch(backend, tasks)
            except AuditError as error:
                connection.send(("refused", _parts(error)))
                return
            connection.send(("done", answer))
            limit = limit or _peak_bytes() + LEAK_BYTES
            if _peak_bytes() > limit:
                connection.send(("retired", None))
                return


def _parts(error: AuditError) -> dict[str, str]:
    return {"where": error.where, "got": error.got, "allowed": error.allowed, "todo": error.todo}


def _peak_bytes() -> int:
    try:
        import resource
    except ImportError:  # no such module on Windows: leaks go unnoticed there
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _batch(backend: Backend, tasks: list[Task]) -> list[tuple[int, Extraction]]:
    """Decode and extract one batch."""
    out: list[tuple[int, Extraction]] = []
    images, whose = [], []
    for task in tasks:
        photo = read(task.path)
        if photo.sha256 != task.sha256:
            out.append((task.row, Extraction(Status.ERROR, reason="the file changed during the run")))
        elif photo.pixels is None:
            out.append((task.row, Extraction(Status.UNREADABLE, reason=photo.reason)))
        else:
            images.append(photo.pixels)
            whose.append(task)
    if not images:
        return out
    start = time.perf_counter()
    try:
        found = backend.extract(images)
        if len(found) != len(images):
            raise ValueError(f"{len(found)} answers for {len(images)} images")
    except AuditError:  # the backend says that nothing will work: a wrong key, a program that is gone
        raise
    except Exception as error:
        if len(whose) > 1:
            return out + [pair for task in whose for pair in _batch(backend, [task])]
        return [*out, (whose[0].row, Extraction(Status.ERROR, reason=_clean(f"{type(error).__name__}: {error}", whose[0].path)))]
    each = (time.perf_counter() - start) / len(images)
    for task, extraction in zip(whose, found, strict=True):
        checked = _checked(extraction, backend)
        out.append((task.row, replace(checked, reason=_clean(checked.reason, task.path), seconds=checked.seconds or each)))
    return out


def _clean(reason: str, path: Path) -> str:
    """Keep a reason short and free of the file's path and name, which may hold a person's name."""
    for word in (str(path), path.name, path.stem):
        reason = reason.replace(word, "the photo")
    return " ".join(reason.split())[:200]


def _checked(extraction: Extraction, backend: Backend) -> Extraction:
    """Turn an answer that is not a template into an ERROR that says what it was."""
    if extraction.status != Status.ACQUIRED:
        return replace(extraction, template=None)
    template = np.asarray(extraction.template)
    if template.shape != (backend.dimensions,) or template.dtype != np.float32:
        reason = f"the matcher gave {template.dtype} of shape {template.shape}, not float32 of shape ({backend.dimensions},)"
    elif not np.isfinite(template).all():
        reason = "the matcher gave a template with NaN or infinity"
    elif backend.rule.measure == "cosine" and not template.any():
        reason = "the matcher gave a template of zeros, for which cosine has no value"
    else:
        return replace(extraction, template=np.ascontiguousarray(template))
    return replace(extraction, status=Status.ERROR, template=None, reason=reason)


# ---- in the parent ---------------------------------------------------------------------------------------------------------------------------


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
    process = context.Process(target=_serve, args=(theirs, name, dict(options)), daemon=True)
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
    timeout_seconds: float = 120.0,
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
