"""What each step from a photograph to a template costs, and what each way of doing it gives. Photographs in, a table
of ratios out.

    python benches/templates/stages.py PHOTOS [--count 64] [--repeats 7] [--library NAME=descriptor_NAME.so ...] [--out
    stages.json]

Every way runs on the same photos in turn, repeats times; times are CPU seconds of one thread, so other work on the
machine disturbs them little, and only ratios of the same round are kept: their median, lowest and highest. Differences
are the largest of any number of any template.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import onnxruntime

from audit.backends.dlib_onnx import Descriptor

BASE = "dlib, one chip at a time"


def library(path: Path, weights: Path, batch: int) -> Callable[[np.ndarray], np.ndarray]:
    """Load what build_dlib.sh compiled."""
    code = ctypes.CDLL(str(path.resolve()))
    code.descriptor_load.restype = ctypes.c_void_p
    code.descriptor_load.argtypes = [ctypes.c_char_p]
    code.descriptor_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_void_p]
    handle = code.descriptor_load(str(weights).encode())
    if not handle:
        raise SystemExit(f"{path} could not read the weights")

    def run(chips: np.ndarray) -> np.ndarray:
        out = np.zeros((len(chips), 128), np.float32)
        code.descriptor_run(handle, chips.ctypes.data, len(chips), batch, out.ctypes.data)
        return out

    return run


def turns(ways: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each way, in turn; the first round warms up and is not kept."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            start = time.thread_time()
            way()
            if turn:
                seconds[name].append(time.thread_time() - start)
    return seconds


def prepared(files: list[Path], models: Path) -> tuple[dict[str, Callable[[], Any]], np.ndarray, list[Any]]:
    """Steps before the network, each as a function over all photos; the chips; the photos with their landmarks."""
    landmarks = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    detector = dlib.get_frontal_face_detector()
    photos = [np.ascontiguousarray(np.asarray(cv2.imread(str(file)))[:, :, ::-1]) for file in files]
    found = [(photo, boxes[0]) for photo in photos if (boxes := detector(photo, 1))]
    shapes = [(photo, landmarks(photo, box)) for photo, box in found]
    chips = np.stack([dlib.get_face_chip(photo, shape, 150, 0.25) for photo, shape in shapes])
    steps: dict[str, Callable[[], Any]] = {
        "decode (OpenCV)": lambda: [cv2.imread(str(file)) for file in files],
        "HOG detector, upsample = 1": lambda: [detector.run(photo, 1, 0.0) for photo in photos],
        "HOG detector, upsample = 0": lambda: [detector.run(photo, 0, 0.0) for photo in photos],
        "five landmarks": lambda: [landmarks(photo, box) for photo, box in found],
        "chip": lambda: [dlib.get_face_chip(photo, shape, 150, 0.25) for photo, shape in shapes],
    }
    return steps, chips, shapes


def encoders(
    chips: np.ndarray, shapes: list[Any], weights: Path, libraries: list[str]
) -> dict[str, Callable[[], np.ndarray]]:
    """Ways to describe the same chips."""
    encoder, ours = dlib.face_recognition_model_v1(str(weights)), Descriptor(weights)
    photos, faces = [photo for photo, _ in shapes], [shape for _, shape in shapes]

    def listed(size: int) -> Callable[[], np.ndarray]:
        parts = [slice(at, at + size) for at in range(0, len(chips), size)]
        return lambda: np.concatenate([np.array(encoder.compute_face_descriptor(list(chips[part]))) for part in parts])

    def batched(size: int) -> Callable[[], np.ndarray]:
        return lambda: np.concatenate([ours.run(chips[at : at + size]) for at in range(0, len(chips), size)])

    ways: dict[str, Callable[[], np.ndarray]] = {
        BASE: lambda: np.array([np.array(encoder.compute_face_descriptor(chip)) for chip in chips]),
        "dlib, photo and landmarks": lambda: np.array(
            [
                np.array(encoder.compute_face_descriptor(photo, face, 1))
                for photo, face in zip(photos, faces, strict=True)
            ]
        ),
        "dlib, lists of 4 chips": listed(4),
        "dlib, lists of 16 chips": listed(16),
        "dlib, lists of 64 chips": listed(64),
        "onnxruntime, one chip at a time": batched(1),
        "onnxruntime, 4 chips": batched(4),
        "onnxruntime, 16 chips": batched(16),
        "onnxruntime, 64 chips": batched(64),
    }
    for text in libraries:
        name, path = text.split("=", 1)
        for size in (1, 16):
            run = library(Path(path), weights, size)
            ways[f"dlib compiled {name}, batch {size}"] = lambda run=run: run(chips)  # type: ignore[misc]
    return ways


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--library", nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    models = Path(str(find_spec("face_recognition_models").origin)).parent / "models"  # type: ignore[union-attr]
    weights = models / "dlib_face_recognition_resnet_model_v1.dat"
    every = sorted(chosen.photos.rglob("*.jpg"))
    files = every[:: max(1, len(every) // chosen.count)][: chosen.count]
    steps, chips, shapes = prepared(files, models)
    ways = encoders(chips, shapes, weights, chosen.library)
    templates = {name: way() for name, way in ways.items()}
    seconds = turns({**steps, **ways}, chosen.repeats)
    base = np.array(seconds[BASE])
    rows = []
    print(
        f"dlib {dlib.__version__} (AVX {dlib.USE_AVX_INSTRUCTIONS}, BLAS {dlib.DLIB_USE_BLAS}), "
        f"onnxruntime {onnxruntime.__version__},"
    )
    print(f"{len(files)} photos, {len(chips)} chips, {chosen.repeats} rounds\n")
    print(
        "| step | CPU ms each | a second and core | times as fast as dlib, median (lowest to "
        "highest) | largest difference |"
    )
    print("|---|---|---|---|---|")
    for name, spent in seconds.items():
        each = float(np.median(spent)) / (len(chips) if name in ways else len(files))
        row: dict[str, Any] = {"step": name, "ms": 1000 * each, "rounds": spent}
        ratio = difference = ""
        if name in ways:
            times = base / np.array(spent)
            row["speed"] = [float(np.median(times)), float(times.min()), float(times.max())]
            row["difference"] = float(np.abs(templates[name] - templates[BASE]).max())
            ratio = f"{row['speed'][0]:.2f} ({row['speed'][1]:.2f} to {row['speed'][2]:.2f})"
            difference = f"{row['difference']:.1e}" if row["difference"] else "0"
        rows.append(row)
        print(f"| {name} | {1000 * each:.2f} | {1 / each:.1f} | {ratio} | {difference} |")
    if chosen.out:
        chosen.out.write_text(json.dumps({"photos": len(files), "chips": len(chips), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
