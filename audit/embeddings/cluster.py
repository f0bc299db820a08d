"""Templates made by several machines: a dask scheduler's workers in place of this machine's processes.

In: tasks, a backend's name and options, the address of a scheduler. Out: calls of ``done``, as from ``workers.run``. Its one idea: the photographs'
bytes travel, so workers need the package and the matcher but no common folder; the cache stays with the machine that asked. A photograph whose
worker dies is tried again alone, and lost (status ERROR) if it takes that one down too. Photographs go to the machines of the cluster and
nowhere else; whoever runs it decides who can read them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from audit.backends.protocol import Backend, Extraction, Status
from audit.base.errors import AuditError, BackendError
from audit.base.photos import read_bytes
from audit.embeddings.worker import Task, answers

__all__ = ["run"]

_BATCH = 8  # photographs per message: seconds of work for dlib, some 100 kB
_AHEAD = 3  # messages in flight per worker, so that none waits for the network
_CONNECT_SECONDS = 10
_MADE: dict[str, tuple[Backend, threading.Lock]] = {}
_MAKING = threading.Lock()


def run(
    tasks: Sequence[Task],
    name: str,
    options: dict[str, Any],
    done: Callable[[int, Extraction], None],
    *,
    address: str,
) -> None:
    """Have every task answered by the cluster.

    Parameters
    ----------
    tasks : sequence of Task
    name, options
        Of the backend, made once per worker process.
    done : callable
        Called here, with (row, Extraction), as answers arrive.
    address : str
        Of the scheduler, e.g. ``tcp://10.0.0.5:8786``.

    Raises
    ------
    BackendError
        dask is not installed, the scheduler cannot be reached or has no workers, or the backend refuses to be made there.
    """
    client = _connect(address)
    try:
        _drain(client, deque(tasks[at : at + _BATCH] for at in range(0, len(tasks), _BATCH)), name, options, done)
    finally:
        client.close()


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise BackendError(
            "compute.cluster", got="dask.distributed is not installed", allowed="the extra 'cluster'", todo="Install it, or leave compute.cluster out"
        ) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise BackendError(
            "compute.cluster",
            got=f"no scheduler at {address} ({type(error).__name__})",
            allowed="the address a dask scheduler prints",
            todo="Start it",
        ) from error
    if not client.ncores():
        client.close()
        raise BackendError("compute.cluster", got=f"a scheduler at {address} without workers", allowed="at least one worker", todo="Start workers")
    return client


def _drain(client: Any, waiting: deque[Sequence[Task]], name: str, options: dict[str, Any], done: Callable[[int, Extraction], None]) -> None:
    """Send everything; then, one at a time with nothing else under way, what was on a worker that was lost: who fails alone is to blame."""
    from distributed import as_completed

    ahead = _AHEAD * max(1, len(client.ncores()))
    flying: dict[Any, Sequence[Task]] = {}
    suspects: list[Task] = []
    queue = as_completed(loop=client.loop)

    def send() -> None:
        chunk = waiting.popleft()
        future = client.submit(_answer, name, options, [_parcel(task) for task in chunk], pure=False, retries=0)
        flying[future] = chunk
        queue.add(future)

    while waiting and len(flying) < ahead:
        send()
    for future in queue:
        chunk = flying.pop(future)
        lost = _take(future, done)
        if lost is not None:
            suspects += chunk
        while waiting and len(flying) < ahead:
            send()
    for task in suspects:
        lost = _take(client.submit(_answer, name, options, [_parcel(task)], pure=False, retries=0), done)
        if lost is not None:
            done(task.row, Extraction(Status.ERROR, reason=f"its worker was lost ({type(lost).__name__})"))


def _parcel(task: Task) -> tuple[int, str, bytes]:
    return task.row, task.sha256, read_bytes(task.path)[0]


def _take(future: Any, done: Callable[[int, Extraction], None]) -> Exception | None:
    """Pass the answers on, or give what became of the worker; a backend that cannot be made ends the run."""
    try:
        answered = future.result()
    except AuditError:
        raise
    except Exception as error:
        return error
    for row, extraction in answered:
        done(row, extraction)
    return None


def _answer(name: str, options: dict[str, Any], parcels: list[tuple[int, str, bytes]]) -> list[tuple[int, Extraction]]:
    """On a worker: answer the bytes as a local worker process answers files; no photograph touches its disk, where a kill would leave it."""
    backend, one_at_a_time = _backend(name, options)
    with one_at_a_time:
        return answers(backend, [Task(row, Path("photo"), sha256, content) for row, sha256, content in parcels])


def _backend(name: str, options: dict[str, Any]) -> tuple[Backend, threading.Lock]:
    from audit.backends.registry import make

    key = f"{name} {sorted(options.items())}"
    with _MAKING:
        if key not in _MADE:
            backend = make(name, options)
            getattr(backend, "load", lambda: None)()
            _MADE[key] = (backend, threading.Lock())
        return _MADE[key]
