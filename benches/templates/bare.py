"""The loop that a user would write: photographs in, templates made by the matcher's own functions, nothing checked,
kept or counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from audit.backends.registry import make

Loop = Callable[[Sequence[str]], int]


def loop(name: str, options: Mapping[str, Any], *, own: bool) -> Loop:
    """Load the matcher; give a function of files that gives how many templates it made.

    ``own``: dlib's own functions where the backend is face_recognition (six lines); else ``cv2.imread`` and the
    backend's ``extract``.
    """
    cv2.setNumThreads(1)
    backend: Any = make(name, options)
    getattr(backend, "load", lambda: None)()
    if not own or name != "face_recognition":
        return lambda files: sum(backend.extract([cv2.imread(file)])[0].template is not None for file in files)
    import dlib

    from audit.backends.dlib_onnx import Descriptor

    files_of = {file: str(path) for file, path in backend.files.items()}
    weights = next(path for file, path in files_of.items() if "resnet" in file)
    landmarks = dlib.shape_predictor(next(path for file, path in files_of.items() if "landmarks" in file))
    detector = dlib.get_frontal_face_detector()
    if options.get("engine") == "onnx":
        network = Descriptor(Path(weights))

        def describe(image: Any, shape: Any) -> Any:
            return network.run(dlib.get_face_chip(image, shape, 150, 0.25)[None])
    else:
        encoder = dlib.face_recognition_model_v1(weights)

        def describe(image: Any, shape: Any) -> Any:
            return np.array(encoder.compute_face_descriptor(image, shape, 1))

    def run(files: Sequence[str]) -> int:
        made = 0
        for file in files:
            image = np.ascontiguousarray(cv2.imread(file)[:, :, ::-1])
            faces = detector(image, 1)
            if len(faces):
                describe(image, landmarks(image, faces[0]))
                made += 1
        return made

    return run
