"""Two processes against one: the harness's, and bare loops as the machine's own measure. Photographs in, shares of
linear speed out.

    python benches/templates/scaling.py PHOTOS [--options '{"engine": "onnx"}'] [--count 30] [--rounds 10] [--jobs 2]
    [--out scaling.json]

Per round, in turn and on the same photographs, everything loaded before: one bare process, two bare processes at once
(each all photographs), the harness with one worker, the harness with two (the photographs twice). Linear: twice the
photographs in the same time. Where two bare processes, which share nothing, fall short of it, that is the machine (one
memory, one power budget, shared cores), and the harness is held against them. Medians over the rounds with a bootstrap
interval (95 %), of all rounds and of the quiet ones: those in which no other process took more than 3 % of the
processors (/proc/stat), a mark that knows nothing of the result.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import bare
import numpy as np
from harness import interval

from audit.base.photos import file_digest
from audit.embeddings.crew import Crew, Task


def serve(connection: Connection[Any, Any], name: str, options: Mapping[str, Any]) -> None:
    """A process of its own: load, then do the files that come until None does."""
    run = bare.loop(name, options, own=True)
    connection.send(0)
    while (files := connection.recv()) is not None:
        connection.send(run(files))


def seconds(call: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def others(pids: list[int]) -> float:
    """CPU seconds so far of all that is not these processes, and what a host took from this machine (steal)."""
    tick = os.sysconf("SC_CLK_TCK")
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    mine = sum(sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])) for pid in pids)
    return (user + nice + system + irq + softirq + steal - mine) / tick


def shares(rows: list[list[float]]) -> dict[str, Any]:
    """Ratios over these rounds of [bare in one, bare in all, harness in one, harness in all]."""
    if not rows:
        return {"rounds": 0}
    one, all_bare, alone, all_ours = np.array(rows).T
    return {
        "rounds": len(rows),
        "harness, share of linear": interval(alone / all_ours),
        "bare processes, share of linear": interval(one / all_bare),
        "time of the harness / time of bare processes, all at work": interval(all_ours / all_bare),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--backend", default="face_recognition")
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    every = sorted(chosen.photos.rglob("*.jpg"))
    files = every[:: max(1, len(every) // chosen.count)][: chosen.count]
    tasks = [Task(row, file, file_digest(file)[0]) for row, file in enumerate(files)]
    names, jobs = list(map(str, files)), chosen.jobs
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
    context = multiprocessing.get_context("spawn")
    lines, pids = [], [os.getpid()]
    for _ in range(jobs):
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, chosen.backend, chosen.options), daemon=True)
        process.start()
        lines.append(ours)
        pids.append(process.pid or 0)

    def bare_in(count: int) -> None:
        for line in lines[:count]:
            line.send(names)
        for line in lines[:count]:
            line.recv()

    rows, disturbed = [], []
    with Crew(chosen.backend, chosen.options, jobs=jobs) as crew:
        for line in lines:
            line.recv()
        crew.ready()
        crew.run(tasks * jobs, lambda row, extraction: None)
        bare_in(jobs)
        pids += crew.processes
        for _ in range(chosen.rounds):
            before, begun = others(pids), time.perf_counter()
            rows.append(
                [
                    seconds(lambda: bare_in(1)),
                    seconds(lambda: bare_in(jobs)),
                    seconds(lambda: crew.run(tasks, lambda row, extraction: None, jobs=1)),
                    seconds(lambda: crew.run(tasks * jobs, lambda row, extraction: None)),
                ]
            )
            disturbed.append((others(pids) - before) / ((time.perf_counter() - begun) * (os.cpu_count() or 1)))
    for line in lines:
        line.send(None)
    quiet = [row for row, share in zip(rows, disturbed, strict=True) if share < 0.03]
    said: dict[str, Any] = {
        "backend": chosen.backend,
        "options": chosen.options,
        "processes": jobs,
        "photographs a process and round": len(files),
        "bare, ms a photograph, one process": float(1000 * np.median([row[0] for row in rows]) / len(files)),
        "share of the processors that others took": [round(share, 3) for share in disturbed],
        "all rounds": shares(rows),
        "quiet rounds": shares(quiet),
    }
    print(json.dumps(said, indent=2))
    if chosen.out:
        chosen.out.write_text(json.dumps({**said, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
