"""How fast a matcher makes templates here, and in how much memory: a backend and photographs in, entries for ``run``
out.

Its one idea: the processes start once and stay, loaded and warm; then every round does the same photographs with one
process, with all, and in batches, in turn. Before and after each the raw product of some templates runs on as many
threads: a yardstick for the machine's pace just then.

Seconds by step are the matcher's own (``Extraction.steps``): a matcher that cannot tell has decode, which is done for
it, and total.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from audit.backends.protocol import Extraction, Status
from audit.backends.registry import make
from audit.base.errors import BackendError, ConfigError
from audit.base.photos import file_digest
from audit.embeddings.crew import Crew, Task
from audit.timing.peak_memory import forget_peak, peak_bytes
from audit.timing.raw_product import raw_product
from audit.timing.rounds import least_disturbed

__all__ = ["label", "measure"]

Entry = dict[str, Any]

BATCHES: Final = (4, 16)
"""Photos handed over at once, beside one, where a matcher takes batches."""
WARM: Final = 3
"""Photos each process does before anything is timed."""
YARDSTICK: Final = (6_000, 128)
"""Templates whose raw product takes some 50 ms on one thread: long enough to time, short beside a round."""


class _Block(NamedTuple):
    """The photographs once: wall seconds, the yardstick's seconds around it, mean seconds per step, bytes at the peak
    per process, statuses.
    """

    seconds: float
    yardstick: float
    steps: dict[str, float]
    peaks: list[int]
    statuses: list[Status]


def label(backend: str, options: Mapping[str, Any]) -> str:
    """Name a matcher with its options; of a file only the name, as folders differ between machines."""
    return " ".join(
        [backend, *(f"{key}={str(value).rstrip('/').rpartition('/')[2]}" for key, value in sorted(options.items()))]
    )


def measure(
    backend: str,
    options: Mapping[str, Any],
    photographs: Sequence[Path],
    *,
    jobs: int,
    rounds: int,
    entries: list[Entry],
    log: Callable[[str], None],
) -> None:
    """Time a matcher; entries of the rounds that were finished are appended even where Ctrl-C ends it.

    Parameters
    ----------
    backend, options
        As in the config.
    photographs : sequence of Path
        Done once per round and process count; those that cannot be read are left out, and the entries say how many
        were used.
    jobs : int
        Processes; one is always measured, and this many where it is more and the matcher allows it.
    rounds : int
    entries : list
        Appended to.
    log : callable
        Gets a line when loading is done and one per round.

    Raises
    ------
    BackendError
        The backend cannot be made or loaded, makes no templates, or lost every photograph.
    ConfigError
        No photograph can be read, or none gave a template.
    """
    made = make(backend, options)
    if getattr(made, "precomputed", False) or made.dimensions < 1:
        raise BackendError(
            f"backend {backend!r}",
            got="it makes no templates from photographs",
            allowed="a matcher that does",
            todo="Choose another",
        )
    digests = [file_digest(path)[0] for path in photographs]
    tasks = [
        Task(row, path, digest) for row, (path, digest) in enumerate(zip(photographs, digests, strict=True)) if digest
    ]
    if not tasks:
        raise ConfigError(
            "photographs",
            got=f"{len(photographs)} files, none of which can be read",
            allowed="at least one",
            todo="Give others",
        )
    jobs = max(1, min(jobs, int(getattr(made, "max_jobs", jobs))))
    own = max(1, int(getattr(made, "batch", 1)))
    sizes = sorted({1, own, *BATCHES}) if hasattr(made, "batch") else []
    patience = max(300.0, float(getattr(made, "patience_seconds", 0.0)))
    name = f"{label(backend, options)}, {len(tasks)} photographs"
    with Crew(backend, options, jobs=jobs, timeout_seconds=patience) as crew:
        start = time.perf_counter()
        crew.ready()
        loading = time.perf_counter() - start
        crew.run(tasks[:WARM] * jobs, lambda row, extraction: None, batch=own)
        log(f"{name}: {jobs} processes loaded in {loading:.1f} s")
        found: list[tuple[dict[str, _Block], float | None]] = []
        tries = 0

        def one_round() -> dict[str, _Block]:
            nonlocal tries
            blocks = {"one": _block(crew, tasks, 1, own)}
            _checked(backend, blocks["one"])
            if jobs > 1:
                blocks["all"] = _block(crew, tasks * jobs, jobs, own)
            for size in sizes:
                blocks[f"batch {size}"] = blocks["one"] if size == own else _block(crew, tasks, 1, size)
            tries += 1
            log(
                f"{name}: round {tries}, {len(tasks) / blocks['one'].seconds:.2f} photographs a second "
                f"with one process"
            )
            return blocks

        try:
            least_disturbed(one_round, rounds, found, lambda: crew.processes)
        finally:
            if found:
                entries += _entries(
                    name, [blocks for blocks, _ in found], [share for _, share in found], len(tasks), jobs, loading
                )


def _block(crew: Crew, tasks: Sequence[Task], jobs: int, batch: int) -> _Block:
    vectors = np.random.default_rng(0).standard_normal(YARDSTICK, dtype=np.float32)
    answers: list[Extraction] = []
    for process in (None, *crew.processes):
        forget_peak(process)
    yardstick = [_seconds(lambda: raw_product(vectors, jobs))]
    seconds = _seconds(
        lambda: crew.run(tasks, lambda row, extraction: answers.append(extraction), jobs=jobs, batch=batch)
    )
    yardstick.append(_seconds(lambda: raw_product(vectors, jobs)))
    steps: dict[str, list[float]] = {}
    for answer in answers:
        for step, spent in {**answer.steps, "total": answer.steps.get("decode", 0.0) + answer.seconds}.items():
            steps.setdefault(step, []).append(spent)
    means = {step: float(np.mean(spent)) for step, spent in steps.items()}
    peaks = [peak for process in (None, *crew.processes[:jobs]) if (peak := peak_bytes(process)) is not None]
    return _Block(seconds, float(np.mean(yardstick)), means, peaks, [answer.status for answer in answers])


def _checked(backend: str, block: _Block) -> None:
    if all(status == Status.ERROR for status in block.statuses):
        todo = f"Try it alone: face-audit backend check {backend}"
        raise BackendError(f"backend {backend!r}", got="every photograph was an error", allowed="templates", todo=todo)
    if Status.ACQUIRED not in block.statuses:
        seen = ", ".join(sorted({status.name for status in block.statuses}))
        raise ConfigError(
            "photographs", got=f"none gave a template ({seen})", allowed="photographs with a face", todo="Give others"
        )


def _entries(
    name: str, rounds: list[dict[str, _Block]], others: list[float | None], photographs: int, jobs: int, loading: float
) -> list[Entry]:
    one = [blocks["one"] for blocks in rounds]
    common = {"photographs": photographs, "acquired": one[0].statuses.count(Status.ACQUIRED)}

    def entry(
        what: str,
        unit: str,
        better: str,
        values: Sequence[float],
        yardstick: Sequence[float] | None = None,
        **more: Any,
    ) -> Entry:
        clock = {} if yardstick is None else {"yardstick_seconds": list(yardstick)}
        busy = {"others": others} if len(values) == len(others) else {}
        return {
            "name": f"{name}: {what}",
            "unit": unit,
            "better": better,
            "values": list(values),
            **busy,
            **clock,
            **common,
            **more,
        }

    steps = sorted({step for block in one for step in block.steps}, key=lambda step: (step == "total", step))
    pace = [block.yardstick for block in one]
    out = []
    for step in steps:
        kept = [(1000 * block.steps[step], block.yardstick) for block in one if block.steps.get(step, 0.0) > 0]
        if kept:
            out.append(
                entry(step, "ms a photograph", "less", [value for value, _ in kept], [yard for _, yard in kept])
            )
    single = [photographs / block.seconds for block in one]
    out.append(entry("1 process", "photographs a second", "more", single, pace, load_seconds=loading))
    if jobs > 1:
        every = [blocks["all"] for blocks in rounds]
        speed = [jobs * photographs / block.seconds for block in every]
        out.append(
            entry(f"{jobs} processes", "photographs a second", "more", speed, [block.yardstick for block in every])
        )
        out.append(
            entry(
                f"{jobs} processes",
                "of linear speed",
                "more",
                [b / (jobs * a) for a, b in zip(single, speed, strict=True)],
            )
        )
        out[-1]["name"] += ", share of linear"
    for size in (key for key in rounds[0] if key.startswith("batch ") and key != "batch 1"):
        times = [blocks[size].seconds / blocks["batch 1"].seconds for blocks in rounds]
        out.append(entry(f"batches of {size[6:]}", "x the time of single ones", "less", times))
    if all(len(block.peaks) > 1 for block in one):
        out.append(entry("memory, one process", "MB", "less", [max(block.peaks[1:]) / 1e6 for block in one]))
        widest = [blocks.get("all", blocks["one"]) for blocks in rounds]
        what = f"memory, {len(widest[0].peaks)} processes, this one with them"
        out.append(entry(what, "MB", "less", [sum(block.peaks) / 1e6 for block in widest]))
    return out


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
