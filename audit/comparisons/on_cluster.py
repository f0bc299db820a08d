"""Tiles of a pass answered by a dask scheduler's workers: same code, same integers, so the same bytes as one
machine's.

In: a job, its tiles and an address. Out: the answers, handed on as they come. Its one idea: the job (codes, cells,
subjects as numbers; no name, no photograph, no score) is sent once to every worker and found there by its digest;
after that a task is a few numbers, and its answer counts and the pairs beyond the limit. A worker that is lost loses
the tiles it was at, which the scheduler gives to another.

A pass below ``FLOOR`` comparisons is done here before the codes would have arrived.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from audit.base.cluster import Call, Cluster
from audit.base.errors import BackendError
from audit.comparisons.kept_tiles import packed, unpacked
from audit.comparisons.tiles import Job, Tile, TileAnswer

__all__ = ["FLOOR", "HEIGHT", "MOST_TASKS", "run_on_cluster", "tasks_of"]

FLOOR: Final = 10**9
"""Comparisons; two to five seconds of one machine with two cores."""
HEIGHT: Final = 512
"""Rows of a tile at most, whichever code answers it."""
MOST_TASKS: Final = 100_000
"""A scheduler takes about a millisecond for each."""
TASK_COMPARISONS: Final = 2 * 10**8
"""Of a task at least: about half a second of one core."""
_AHEAD: Final = 2
_SILENCE_SECONDS: Final = 1800.0
_ENGINES: OrderedDict[str, Any] = OrderedDict()
_MAKING = threading.Lock()


def tasks_of(job: Job, tiles: Sequence[Tile], known: Container[int] = (), most: int | None = None) -> list[list[int]]:
    """Numbers of the tiles that are not known, in runs of about equal work, ``MOST_TASKS`` at most; ``most``
    comparisons each where it is given.
    """
    share = max(TASK_COMPARISONS, job.comparisons() // (MOST_TASKS // 2))
    share = share if most is None else min(share, most)
    tasks: list[list[int]] = []
    room = 0
    for place, tile in enumerate(tiles):
        if place in known:
            continue
        work = tile.comparisons(job.triangle)
        if not tasks or room < work:
            tasks.append([])
            room = share
        tasks[-1].append(place)
        room -= work
    return tasks


def run_on_cluster(
    job: Job,
    tiles: Sequence[Tile],
    take: Callable[[int, TileAnswer], bool],
    *,
    address: str,
    fast: bool,
    cap: int,
    most: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    known: Container[int] = (),
) -> bool:
    """Answer tiles there and hand on each answer here; parameters as of ``run_tiles``.

    Parameters
    ----------
    address : str
        Of the scheduler.
    fast : bool
        Compiled code where the worker's processor has it; same integers.
    most : int, optional
        Comparisons of a task at most, where answers may be as long as that.

    Raises
    ------
    BackendError
        The cluster is lost (``audit.base.cluster``), or cannot do it.
    """
    total = job.comparisons()
    done = sum(tile.comparisons(job.triangle) for place, tile in enumerate(tiles) if place in known)
    tasks = tasks_of(job, tiles, known, most)
    if not tasks:
        return True
    digest = job.digest
    with Cluster(address) as cluster:
        there = cluster.everywhere(job)

        def calls() -> Iterator[Call[list[int]]]:
            for task in tasks:
                yield task, _answer, (there, digest, fast, cap, [tuple(tiles[place]) for place in task])

        for task, body in cluster.answers(
            calls(), ahead=_AHEAD * cluster.threads_each, silence_seconds=_SILENCE_SECONDS
        ):
            if isinstance(body, Exception):
                raise BackendError(
                    "compute.cluster",
                    got=f"its workers failed at a tile of comparisons ({type(body).__name__})",
                    allowed=f"workers with about {3 * job.left.grid.codes.nbytes / 2**20:,.0f} MB each beside what "
                    f"they take themselves",
                    todo="Give them more memory and run the same command again: it goes on where it was. Or leave "
                    "compute.cluster out",
                )
            if body is None:
                return False
            for place, answer in zip(task, unpacked(body, job), strict=True):
                if not take(place, answer):
                    return False
                done += answer.tile.comparisons(job.triangle)
            if progress is not None:
                progress(done, total)
    return True


def _answer(job: Job, digest: str, fast: bool, cap: int, tiles: list[tuple[int, int, int, int]]) -> bytes | None:
    """On a worker: answer some tiles, counts added up; None if they have more than ``cap`` entries."""
    engine, stop = _engine(job, digest, fast), np.zeros(1, np.uint8)
    answers: list[TileAnswer] = []
    with threadpool_limits(limits=1, user_api="blas"):
        for tile in tiles:
            answer = engine.run(Tile(*tile), cap, stop)
            cap -= 0 if answer is None else len(answer.i)
            if answer is None or cap < 0:
                return None
            answers.append(answer)
    return packed(answers, job)


def _engine(job: Job, digest: str, fast: bool) -> Any:
    """Made once per pass and worker; the one before is let go."""
    from audit.comparisons.kernels.processor import flavours
    from audit.comparisons.run_tiles import engine_of

    key = f"{digest} {fast}"
    with _MAKING:
        if key not in _ENGINES:
            _ENGINES.clear()
            _ENGINES[key] = engine_of(job, (flavours() or [None])[0] if fast else None, 1)
        return _ENGINES[key]
