"""What the harness adds to calling a backend in a bare loop, and what a second process gives. Photographs in, ratios out.

    python benches/templates/harness.py PHOTOS [--options '{"engine": "onnx"}'] [--count 300] [--rounds 5] [--out harness.json]

Per round, in turn: the bare loop (cv2.imread and backend.extract, models loaded, one thread), the harness with one process, and with two; all on the
same photos, nothing cached. CPU seconds are those of the workers and of this process (bookkeeping, cache) from the 10 % mark to the end, so that
loading is apart, and of the photos' digests, which are made before; wall seconds likewise, without the digests. CPU ratios hold on a busy machine,
wall ratios and scaling only on a quiet one: the load is printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from audit.backends.registry import make
from audit.embeddings.extract import extract
from audit.embeddings.images import file_digest
from audit.embeddings.store import Store


def workers_cpu() -> float:
    """CPU seconds so far of the living worker processes (Linux)."""
    total = 0
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def bare(backend: Any, files: list[Path]) -> dict[str, float]:
    """Per photo, without the harness."""
    wall, cpu = time.perf_counter(), time.process_time()
    for file in files:
        backend.extract([cv2.imread(str(file))])
    return {"wall": (time.perf_counter() - wall) / len(files), "cpu": (time.process_time() - cpu) / len(files)}


def harnessed(name: str, options: dict[str, Any], files: list[Path], jobs: int) -> dict[str, float]:
    """Per photo, with it."""
    marks: list[tuple[int, float, float, float]] = []
    early, late = len(files) // 10, len(files) - jobs

    def progress(done: int, total: int, cached: int) -> None:
        if done in (early, late):
            marks.append((done, time.perf_counter(), workers_cpu(), time.process_time()))

    begun = time.process_time()
    for file in files:
        file_digest(file)
    digest = (time.process_time() - begun) / len(files)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        extract(files, name, options, jobs=jobs, store=Store(Path(folder)), progress=progress)
    whole = time.perf_counter() - begun
    (first, wall, cpu, ours), (last, end, spent, later) = marks
    count = last - first
    steady, parent = (end - wall) / count, (later - ours) / count + digest
    return {"wall": steady, "cpu": (spent - cpu) / count + parent, "parent_cpu": parent, "loading": whole - steady * len(files)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--backend", default="face_recognition")
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    every = sorted(chosen.photos.rglob("*.jpg"))
    files = every[:: max(1, len(every) // chosen.count)][: chosen.count]
    backend = make(chosen.backend, chosen.options)
    bare(backend, files[:5])
    rounds = []
    for _ in range(chosen.rounds):
        load = os.getloadavg()[0]
        row = {"bare": bare(backend, files), "one": harnessed(chosen.backend, chosen.options, files, 1)}
        row["two"] = harnessed(chosen.backend, chosen.options, files, 2)
        rounds.append(row)
        print(
            f"load {load:.1f} " + ", ".join(f"{way} {1000 * row[way]['cpu']:.2f} CPU ms {1000 * row[way]['wall']:.2f} ms" for way in row), flush=True
        )

    def ratio(of: str, to: str, clock: str, factor: float = 1.0) -> str:
        values = np.array([row[of][clock] / row[to][clock] for row in rounds]) * factor
        return f"{np.median(values):.3f} ({values.min():.3f} to {values.max():.3f})"

    found = {
        "backend": chosen.backend,
        "options": chosen.options,
        "photos": len(files),
        "one process / bare loop, CPU": ratio("one", "bare", "cpu"),
        "one process / bare loop, wall": ratio("one", "bare", "wall"),
        "two processes / one, CPU": ratio("two", "one", "cpu"),
        "speed of two processes, share of linear (wall)": ratio("one", "two", "wall", 0.5),
        "added by the harness, CPU ms per photo": float(1000 * np.median([row["one"]["cpu"] - row["bare"]["cpu"] for row in rounds])),
        "seconds to load, one process": float(np.median([row["one"]["loading"] for row in rounds])),
        "this process, CPU ms per photo": float(1000 * np.median([row["one"]["parent_cpu"] for row in rounds])),
    }
    print(json.dumps(found, indent=2))
    if chosen.out:
        chosen.out.write_text(json.dumps({**found, "rounds": rounds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
