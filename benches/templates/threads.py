"""Two threads or two processes? Faces described by dlib and by onnxruntime in one, two threads and in two processes;
photos a second as ratios.

    python benches/templates/threads.py [--chips 12] [--rounds 5]

Chips of noise: the network takes as long for them as for faces. Wall clock, so only a quiet machine's numbers mean
anything; the load is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOADED: dict[str, Callable[[NDArray[np.uint8]], Any]] = {}


def describe(engine: str, seed: int, count: int) -> int:
    """Describe that many chips; loads the engine once per process (per thread and engine it is the same, dlib's is not
    shared).
    """
    import dlib

    from audit.backends.dlib_onnx import Descriptor

    key = f"{engine} {seed}"
    if key not in LOADED:
        weights = (
            Path(str(find_spec("face_recognition_models").origin)).parent
            / "models"
            / "dlib_face_recognition_resnet_model_v1.dat"
        )  # type: ignore[union-attr]
        encoder: Any = dlib.face_recognition_model_v1(str(weights)) if engine == "dlib" else Descriptor(weights)
        LOADED[key] = encoder.compute_face_descriptor if engine == "dlib" else lambda chip: encoder.run(chip[None])
    chips = np.random.default_rng(seed).integers(0, 256, (max(count, 1), 150, 150, 3), dtype=np.uint8)
    for chip in chips:
        LOADED[key](chip)
    return count


def spent(pool: Executor, engine: str, workers: int, count: int) -> float:
    """Wall seconds for ``count`` chips in each of the workers."""
    start = time.perf_counter()
    assert sum(pool.map(describe, [engine] * workers, range(workers), [count] * workers)) == workers * count
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with (
        ThreadPoolExecutor(1) as single,
        ThreadPoolExecutor(2) as threads,
        ProcessPoolExecutor(1, mp_context=context) as first,
        ProcessPoolExecutor(1, mp_context=context) as second,
    ):
        for engine, chips in (("dlib", chosen.chips), ("onnx", 12 * chosen.chips)):
            spent(single, engine, 1, 1)
            spent(threads, engine, 2, 1)
            for one in (first, second):
                spent(one, engine, 1, 1)
            for _ in range(chosen.rounds):
                alone, both = spent(single, engine, 1, chips), spent(threads, engine, 2, chips)
                start = time.perf_counter()
                waiting = [one.submit(describe, engine, 0, chips) for one in (first, second)]
                assert all(task.result() == chips for task in waiting)
                apart = time.perf_counter() - start
                ratios = (
                    f"two threads {2 * alone / both:.2f}, two processes {2 * alone / apart:.2f} times as fast as one"
                )
                print(f"{engine}: {ratios}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
