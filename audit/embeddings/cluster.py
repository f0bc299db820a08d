"""Templates made by several machines: a dask scheduler's workers in place of this machine's processes.

In: tasks, a backend's name and options, the address of a scheduler. Out: calls of ``done``, as from ``crew.run``. Its
one idea: each worker has a crew of its own, so a photograph that crashes or hangs the matcher there loses what it
loses here, with the same words; the photographs' bytes travel, so workers need the package and the matcher but no
common folder, and the cache stays with the machine that asked. A photograph whose whole worker dies is tried again
alone, and lost (status ERROR) if it takes that one down too. Photographs go to the machines of the cluster and nowhere
else; whoever runs it decides who can read them.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from audit.backends.protocol import Extraction, Status
from audit.base.cluster import Call, Cluster
from audit.base.errors import AuditError, BackendError
from audit.base.photos import read_bytes
from audit.embeddings.crew import START_SECONDS, Crew
from audit.embeddings.worker import Task

__all__ = ["run"]

_BATCH = 8  # photographs per message: seconds of work for dlib, some 100 kB
_AHEAD = 3  # messages in flight per worker, so that none waits for the network
_CREWS: dict[str, Crew] = {}
_ONE_AT_A_TIME = threading.Lock()
_Answer = tuple[list[tuple[int, Extraction]], dict[str, str] | None]
"""What was answered, and parts of an error that ends the run."""


def run(
    tasks: Sequence[Task],
    name: str,
    options: dict[str, Any],
    done: Callable[[int, Extraction], None],
    *,
    address: str,
    timeout_seconds: float = 300.0,
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
    timeout_seconds : float
        Allowed per photo, there as here.

    Raises
    ------
    BackendError
        dask is not installed, the scheduler cannot be reached, has no workers or loses the last one; the backend
        refuses to be made there.
    """
    silence = START_SECONDS + timeout_seconds * (_BATCH + 1)

    def calls(parts: Sequence[Sequence[Task]]) -> Iterator[Call[Sequence[Task]]]:
        for part in parts:
            yield part, _answer, (name, options, timeout_seconds, [_parcel(task) for task in part])

    with Cluster(address) as cluster:
        suspects: list[Task] = []
        for part, answer in cluster.answers(
            calls([tasks[at : at + _BATCH] for at in range(0, len(tasks), _BATCH)]),
            ahead=_AHEAD,
            silence_seconds=silence,
        ):
            if not _taken(answer, done):
                suspects += part
        for task in suspects:  # one at a time with nothing else under way: who fails alone is to blame
            for _, answer in cluster.answers(calls([[task]]), ahead=1, silence_seconds=silence):
                if not _taken(answer, done):
                    done(task.row, Extraction(Status.ERROR, reason=f"its worker was lost ({type(answer).__name__})"))


def _parcel(task: Task) -> tuple[int, str, bytes]:
    return task.row, task.sha256, read_bytes(task.path)[0]


def _taken(answer: _Answer | Exception, done: Callable[[int, Extraction], None]) -> bool:
    """Pass the answers on; False for what became of the worker. A backend that cannot be made, or says that nothing
    will work, ends the run.
    """
    if isinstance(answer, AuditError):
        raise answer
    if isinstance(answer, Exception):
        return False
    answered, refused = answer
    for row, extraction in answered:
        done(row, extraction)
    if refused is not None:
        raise BackendError(**refused)
    return True


def _answer(
    name: str, options: dict[str, Any], timeout_seconds: float, parcels: list[tuple[int, str, bytes]]
) -> _Answer:
    """On a worker: answer the bytes as a local worker process answers files; no photograph touches its disk, where a
    kill would leave it.
    """
    answered: list[tuple[int, Extraction]] = []
    key = f"{name} {sorted(options.items())} {timeout_seconds}"
    with _ONE_AT_A_TIME:
        crew = _CREWS.pop(key, None) or Crew(name, options, jobs=1, timeout_seconds=timeout_seconds)
        # A nanny starts its worker as a daemon, which may have no children; those of a crew end by themselves when
        # their pipe does.
        multiprocessing.process.current_process()._config.pop("daemon", None)  # type: ignore[attr-defined]
        try:
            tasks = [Task(row, Path("photo"), sha256, content) for row, sha256, content in parcels]
            crew.run(tasks, lambda row, extraction: answered.append((row, extraction)), batch=len(tasks))
        except AuditError as error:
            crew.__exit__(None, None, None)
            return answered, {"where": error.where, "got": error.got, "allowed": error.allowed, "todo": error.todo}
        except BaseException:
            crew.__exit__(None, None, None)
            raise
        _CREWS[key] = crew
    return answered, None
