"""Making templates: what the harness adds to the matcher's own functions, and what a second process brings.

Needs photographs (FACE_AUDIT_SHARED, see tests/conftest.py) and the face_recognition extra; skips without.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

COUNT = 40


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    folder = (
        Path(os.environ.get("FACE_AUDIT_SHARED", Path(__file__).resolve().parents[2] / "shared"))
        / "data"
        / "us_senate"
    )
    found = sorted(folder.rglob("*.jpg"))
    if len(found) < COUNT:
        pytest.skip(f"fewer than {COUNT} photographs in {folder} (set FACE_AUDIT_SHARED)")
    return found[:COUNT]


def test_overhead_of_the_harness_over_a_bare_loop(benchmark: Any, photographs: list[Path]) -> None:
    """Both loops read, detect, place landmarks and describe one face per photo; the bare one is a user's six lines."""
    cv2 = pytest.importorskip("cv2")
    dlib = pytest.importorskip("dlib")
    from audit.backends.registry import make
    from audit.base.photos import read

    backend: Any = make("face_recognition", {})
    backend.load()
    files = {name: str(path) for name, path in backend.files.items()}
    encoder = dlib.face_recognition_model_v1(next(path for name, path in files.items() if "resnet" in name))
    landmarks = dlib.shape_predictor(next(path for name, path in files.items() if "landmarks" in name))
    detector = dlib.get_frontal_face_detector()
    bare: list[float] = []

    def bare_loop() -> None:
        start = time.perf_counter()
        for path in photographs:
            image = np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
            faces = detector(image, 1)
            if len(faces):
                encoder.compute_face_descriptor(image, landmarks(image, faces[0]), 1)
        bare.append(time.perf_counter() - start)

    seconds: list[float] = []

    def harness() -> None:
        start = time.perf_counter()
        for path in photographs:
            pixels = read(path).pixels
            assert pixels is not None
            backend.extract([pixels])
        seconds.append(time.perf_counter() - start)

    benchmark.pedantic(harness, setup=bare_loop, rounds=5)
    ratios = [s / b for s, b in zip(seconds[-len(bare) :], bare, strict=False)]
    benchmark.extra_info.update(
        photographs=len(photographs), ratios=ratios, overhead_percent=100 * (float(np.median(ratios)) - 1)
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes(benchmark: Any, photographs: list[Path], jobs: int) -> None:
    """All photographs by processes that are loaded; the start of processes is left out."""
    pytest.importorskip("dlib")
    from audit.base.photos import file_digest
    from audit.embeddings.crew import Crew, Task

    tasks = [Task(row, path, file_digest(path)[0]) for row, path in enumerate(photographs)]
    with Crew("face_recognition", {}, jobs=jobs) as crew:
        crew.ready()
        benchmark.pedantic(lambda: crew.run(tasks, lambda row, extraction: None), rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(photographs=len(photographs), jobs=jobs)
