"""What the harness adds to a bare loop over the matcher's own functions. Photographs in, the ratio of time and of CPU
out.

    python benches/templates/harness.py PHOTOS [--options '{"engine": "onnx"}'] [--blocks 40] [--size 20] [--against
    extract] [--out harness.json]

One ``extract`` call, all of it real: digests, cache, one worker process, pipe, decoding, checks, shards. In that one
worker the two alternate, block by block: a block of photographs comes through the harness, then a marker, at which the
worker does the same photographs in a bare loop (``bare.py``) with the clocks running. So both use one process, one set
of photographs and the same minute. The harness's time is what passes in the worker between markers, waiting for the
pipe included, plus the digests that were made before; its CPU is the worker's and, per photograph, the parent's.
Medians over the blocks with a bootstrap interval (95 %).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bare
import cv2
import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Backend, Extraction, Status
from audit.backends.registry import make as make_backend
from audit.base.photos import file_digest
from audit.embeddings.extract import extract
from audit.embeddings.store import Store

MARKER = (8, 8, 3)
"""Shape of the images that are no photographs: the first pixel says which block has just been done."""


class Alternating:
    """A backend that passes photographs to another one and, at a marker, does the block before it in a bare loop."""

    name = "alternating"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.backend: Any = make_backend(options["backend"], options["options"])
        self.version, self.dimensions, self.rule = self.backend.version, self.backend.dimensions, self.backend.rule
        self.fingerprint = self.backend.fingerprint

    def describe(self) -> dict[str, Any]:
        """As the backend does."""
        return dict(self.backend.describe())

    def load(self) -> None:
        """Load both ways."""
        getattr(self.backend, "load", lambda: None)()
        self.bare = bare.loop(self.options["backend"], self.options["options"], own=self.options["own"])
        self.bare(self.options["blocks"][0][:3])
        self.ended = time.perf_counter(), time.process_time()

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """Photographs as the backend does; for a marker the four clocks, as quality measures."""
        return [self._marker(image) if image.shape == MARKER else self.backend.extract([image])[0] for image in images]

    def _marker(self, image: NDArray[np.uint8]) -> Extraction:
        block = int(image[0, 0, 0])
        wall, cpu = time.perf_counter(), time.process_time()
        ours = wall - self.ended[0], cpu - self.ended[1]
        self.bare(self.options["blocks"][block])
        self.ended = time.perf_counter(), time.process_time()
        clocks = {"wall": ours[0], "cpu": ours[1], "bare_wall": self.ended[0] - wall, "bare_cpu": self.ended[1] - cpu}
        return Extraction(Status.ACQUIRED, np.ones(self.dimensions, np.float32), faces=1, quality=clocks)


def make(options: Mapping[str, Any]) -> Backend:
    """Make it; workers find this module as ``harness``."""
    return Alternating(options)


def interval(values: NDArray[np.float64]) -> str:
    """Median and its bootstrap interval, in words."""
    draws = np.median(np.random.default_rng(0).choice(values, (4000, len(values))), axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{np.median(values):.4f} ({low:.4f} to {high:.4f}; blocks {values.min():.3f} to {values.max():.3f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--backend", default="face_recognition")
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--against", choices=["own", "extract"], default="own")
    parser.add_argument("--blocks", type=int, default=40)
    parser.add_argument("--size", type=int, default=20)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    every = sorted(chosen.photos.rglob("*.jpg"))
    files = every[:: max(1, len(every) // (chosen.blocks * chosen.size))][: chosen.blocks * chosen.size]
    blocks = [files[at : at + chosen.size] for at in range(0, len(files), chosen.size)]
    wall, cpu = time.perf_counter(), time.process_time()
    for file in files:
        file_digest(file)
    digest = (time.perf_counter() - wall) / len(files), (time.process_time() - cpu) / len(files)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, block in enumerate(blocks):
            marker = np.full(MARKER, number, np.uint8)
            cv2.imwrite(f"{folder}/{number}.png", marker)
            paths += [*block, Path(folder) / f"{number}.png"]
        options = {
            "backend": chosen.backend,
            "options": chosen.options,
            "own": chosen.against == "own",
            "blocks": [list(map(str, block)) for block in blocks],
        }
        marks: list[tuple[int, float]] = []
        store = Store(Path(folder) / "cache")
        found = extract(
            paths,
            "harness:make",
            options,
            jobs=1,
            store=store,
            progress=lambda done, total, cached: marks.append((done, time.process_time())),
        )
    begun = next(mark for mark in marks if mark[0] > chosen.size)
    parent = (marks[-1][1] - begun[1]) / (marks[-1][0] - begun[0])
    rows = found.quality[["wall", "cpu", "bare_wall", "bare_cpu"]].to_numpy(np.float64)[
        chosen.size :: chosen.size + 1
    ][1:]
    walls = (rows[:, 0] + chosen.size * digest[0]) / rows[:, 2]
    cpus = (rows[:, 1] + chosen.size * (digest[1] + parent)) / rows[:, 3]
    said = {
        "backend": chosen.backend,
        "options": chosen.options,
        "against": chosen.against,
        "blocks": len(rows),
        "photographs a block": chosen.size,
        "templates": int(found.acquired.sum()) - len(blocks),
        "wall, harness / bare": interval(walls),
        "CPU, harness / bare": interval(cpus),
        "bare, wall ms a photograph": float(1000 * np.median(rows[:, 2]) / chosen.size),
        "digest, wall and CPU ms a photograph": [1000 * value for value in digest],
        "this process, CPU ms a photograph": 1000 * parent,
        "load": os.getloadavg()[0],
    }
    print(json.dumps(said, indent=2))
    if chosen.out:
        chosen.out.write_text(json.dumps({**said, "rows": rows.tolist()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
