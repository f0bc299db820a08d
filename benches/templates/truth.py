"""Whose template is nearer to the exact one, dlib's or onnxruntime's? The same network in float64, layer by layer in
NumPy, is the judge.

    python benches/templates/truth.py PHOTOS [--count 12] [--out truth.json]

Independent of the ONNX graph: only the numbers read from dlib's file are shared.
"""

from __future__ import annotations

import argparse
import json
from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from audit.backends.dlib_onnx import BLOCKS, MEAN, Convolution, Descriptor, layers

Planes = NDArray[np.float64]


def windows(planes: Planes, side: int, stride: int) -> Planes:
    """(channels, rows, columns, side, side) views."""
    return np.lib.stride_tricks.sliding_window_view(planes, (side, side), axis=(1, 2))[:, ::stride, ::stride]


def convolve(planes: Planes, layer: Convolution) -> Planes:
    """One convolution with its offsets, (out, rows, columns)."""
    pad, side = layer.padding, layer.weights.shape[2]
    seen = windows(np.pad(planes, ((0, 0), (pad, pad), (pad, pad))), side, layer.stride)
    return np.asarray(np.tensordot(layer.weights, seen, axes=([1, 2, 3], [0, 3, 4])) + layer.offsets[:, None, None])


def added(one: Planes, other: Planes) -> Planes:
    """Sum of two stacks of planes; where one is smaller, zeros are added behind."""
    out = np.zeros(tuple(np.maximum(one.shape, other.shape)))
    for part in (one, other):
        out[: part.shape[0], : part.shape[1], : part.shape[2]] += part
    return out


def describe(chip: NDArray[np.uint8], network: tuple[list[Convolution], NDArray[np.float32]]) -> Planes:
    """(128,) float64 for one chip."""
    following, matrix = iter(network[0]), network[1].astype(np.float64)
    planes = (chip.astype(np.float64) - MEAN.astype(np.float64)).transpose(2, 0, 1) / 256
    planes = windows(np.maximum(convolve(planes, next(following)), 0), 3, 2).max(axis=(3, 4))
    for _, halves in BLOCKS:
        inner = convolve(np.maximum(convolve(planes, next(following)), 0), next(following))
        planes = np.maximum(added(inner, windows(planes, 2, 2).mean(axis=(3, 4)) if halves else planes), 0)
    return np.asarray(planes.mean(axis=(1, 2)) @ matrix)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    models = Path(str(find_spec("face_recognition_models").origin)).parent / "models"  # type: ignore[union-attr]
    weights = models / "dlib_face_recognition_resnet_model_v1.dat"
    encoder, ours, network = dlib.face_recognition_model_v1(str(weights)), Descriptor(weights), layers(weights)
    landmarks, detector = (
        dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat")),
        dlib.get_frontal_face_detector(),
    )
    every = sorted(chosen.photos.rglob("*.jpg"))
    errors = []
    for file in every[:: max(1, len(every) // chosen.count)][: chosen.count]:
        photo = np.ascontiguousarray(np.asarray(cv2.imread(str(file)))[:, :, ::-1])
        for box in detector(photo, 1)[:1]:
            chip = dlib.get_face_chip(photo, landmarks(photo, box), 150, 0.25)
            exact = describe(chip, network)
            errors.append(
                [
                    np.abs(way - exact).max()
                    for way in (np.array(encoder.compute_face_descriptor(chip)), ours.run(chip[None])[0])
                ]
            )
    largest, median = np.max(errors, axis=0), np.median(errors, axis=0)
    found = {
        "chips": len(errors),
        "dlib": {"largest_error": float(largest[0]), "median_of_largest": float(median[0])},
        "onnxruntime": {"largest_error": float(largest[1]), "median_of_largest": float(median[1])},
    }
    print(json.dumps(found, indent=2))
    if chosen.out:
        chosen.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
