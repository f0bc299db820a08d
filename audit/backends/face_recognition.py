"""The face_recognition package's matcher: dlib's detector, landmarks and ResNet. BGR photographs in, 128 numbers out,
Euclidean distance.

The one idea: call dlib with exactly the arguments that ``face_recognition.face_locations`` and ``face_encodings``
would pass, so every template equals theirs (a test holds it to ``==``), without importing that package: it loads four
models at import, one of them 100 MB, and switches Pillow to accept truncated photos for the whole process.

Where a photo holds several faces, ``face = "central"`` takes the one whose centre is nearest to the photo's centre:
the convention of Labeled Faces in the Wild, whose photos are centred on the named person. ``largest`` suits portraits;
``only`` refuses such photos (MANY_FACES).

``engine = "onnx"`` runs the same descriptor network in onnxruntime (see ``dlib_onnx``): the same faces, templates that
differ by less than 1e-6, and three times the photos per second. It is a choice, not the default, because the templates
are then no longer ``==`` to the package's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from audit.backends.dlib_onnx import SIZE, Descriptor
from audit.backends.options import Options, file_sha256, fingerprint_of, parse_options
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.base.errors import BackendError
from audit.base.machine import version

__all__ = ["FaceRecognition", "FaceRecognitionOptions", "make"]

FILES = {
    "hog": None,
    "cnn": "mmod_human_face_detector.dat",
    "small": "shape_predictor_5_face_landmarks.dat",
    "large": "shape_predictor_68_face_landmarks.dat",
    "encoder": "dlib_face_recognition_resnet_model_v1.dat",
}

RULE = ScoreRule("euclidean", "dissimilarity", low=-2.0, high=0.0, default_threshold=0.6, unit="distance")
"""dlib matches at a distance of 0.6 or less (``compare_faces(tolerance=0.6)``). Distances on LFW stay below 1.3, so 2
bounds them."""

EYES = {"small": ((0, 1), (2, 3), 4), "large": (tuple(range(42, 48)), tuple(range(36, 42)), 33)}
"""Landmark indices of one eye, the other eye, and the base of the nose."""


class FaceRecognitionOptions(Options):
    """Options under ``[backend.options]``; the defaults are those of the face_recognition package."""

    detector: Literal["hog", "cnn"] = "hog"
    upsample: int = Field(default=1, ge=0, le=4)
    landmarks: Literal["small", "large"] = "small"
    jitters: int = Field(default=1, ge=1, le=1000)
    face: Literal["central", "largest", "only"] = "central"
    engine: Literal["dlib", "onnx"] = "dlib"


def make(options: Mapping[str, Any]) -> Backend:
    """Make the backend; raises BackendError where dlib or the model files are not installed."""
    return FaceRecognition(parse_options("face_recognition", FaceRecognitionOptions, options))


class FaceRecognition:
    """See the module. Models are loaded by ``load`` or on the first photo."""

    name = "face_recognition"
    dimensions = 128
    rule = RULE

    def __init__(self, options: FaceRecognitionOptions) -> None:
        self.options = options
        models = find_spec("face_recognition_models")
        if find_spec("dlib") is None or models is None or models.origin is None:
            missing = "dlib" if find_spec("dlib") is None else "face_recognition_models"
            raise BackendError(
                "backend 'face_recognition'",
                got=f"the package {missing} is not installed",
                allowed="dlib and face_recognition_models",
                todo="Install them with: pip install 'face-audit[face-recognition]'",
            )
        folder = Path(models.origin).parent / "models"
        used = [options.detector, options.landmarks, "encoder"]
        self.files = {file: folder / file for key in used if (file := FILES[key])}
        for file, path in self.files.items():
            if not path.is_file():
                raise BackendError(
                    file,
                    got="this model file is missing",
                    allowed="the files of face_recognition_models 0.3.0",
                    todo="Reinstall it",
                )
        ours, weights = (version(name, "unknown") for name in ("face_recognition", "face_recognition_models"))
        self.version = f"face_recognition {ours} models {weights}, dlib {_dlib_version()}"
        if options.engine == "onnx":
            if options.jitters > 1:
                where, todo = "backend.options.jitters", "Set jitters = 1, or engine = 'dlib'"
                raise BackendError(
                    where,
                    got=f"{options.jitters} with engine = 'onnx'",
                    allowed="1: dlib's jitter is tied to its network",
                    todo=todo,
                )
            self.version += f", onnxruntime {version('onnxruntime', 'unknown')}"
        self._detect: Any = None

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the versions of dlib and onnxruntime (where it is used), the model files and the options."""
        parts = {"name": self.name, "revision": 1, "dlib": _dlib_version(), "models": self._digests()}
        if self.options.engine == "dlib":  # as before there was a choice: templates that are cached stay valid
            return fingerprint_of(**parts, options=self.options.model_dump(exclude={"engine"}))
        return fingerprint_of(
            **parts, options=self.options.model_dump(), onnxruntime=version("onnxruntime", "unknown")
        )

    def describe(self) -> dict[str, Any]:
        """Product, versions, files, licence and training data, as plain JSON values."""
        return {
            "product": "face_recognition (dlib ResNet v1)",
            "version": self.version,
            "models": self._digests(),
            "licence": "face_recognition MIT; dlib Boost Software License; model files CC0, but the 68-point "
            "landmark model "
            "(landmarks = 'large') was trained on pictures that exclude commercial use",
            "training_data": "about 3 million photos of 7,485 people (FaceScrub, VGG Face, pictures from the "
            "internet); its author states that "
            "the people of LFW were left out (github.com/davisking/dlib-models)",
            "options": self.options.model_dump(),
            "default_threshold": "distance 0.6 or less is a match",
        }

    def _digests(self) -> dict[str, str]:
        return {file: file_sha256(path) for file, path in self.files.items()}

    def load(self) -> None:
        """Load the models, once."""
        if self._detect is not None:
            return
        import dlib

        self._dlib = dlib
        encoder = self.files[str(FILES["encoder"])]
        self._encoder = (
            Descriptor(encoder) if self.options.engine == "onnx" else dlib.face_recognition_model_v1(str(encoder))
        )
        self._landmarks = dlib.shape_predictor(str(self.files[str(FILES[self.options.landmarks])]))
        if self.options.detector == "cnn":
            self._detect = dlib.cnn_face_detection_model_v1(str(self.files[str(FILES["cnn"])]))
        else:
            self._detect = dlib.get_frontal_face_detector()

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per (H, W, 3) uint8 BGR image, in order."""
        self.load()
        return [self._one(image) for image in images]

    def _faces(self, image: NDArray[np.uint8]) -> list[tuple[Any, float]]:
        """Boxes trimmed to the photo, as ``face_locations`` trims them, each with the detector's confidence."""
        if self.options.detector == "cnn":
            found = [(face.rect, float(face.confidence)) for face in self._detect(image, self.options.upsample)]
        else:
            boxes, scores, _ = self._detect.run(image, self.options.upsample, 0.0)
            found = list(zip(boxes, map(float, scores), strict=True))
        height, width = image.shape[:2]
        rectangle = self._dlib.rectangle
        return [
            (
                rectangle(max(box.left(), 0), max(box.top(), 0), min(box.right(), width), min(box.bottom(), height)),
                score,
            )
            for box, score in found
        ]

    def _one(self, image: NDArray[np.uint8]) -> Extraction:
        import cv2

        start = time.perf_counter()
        rgb: NDArray[np.uint8] = cv2.cvtColor(
            np.ascontiguousarray(image), cv2.COLOR_BGR2RGB
        )  # a tenth of the time of image[:, :, ::-1]
        faces = self._faces(rgb)
        steps = {"detect": time.perf_counter() - start}
        if not faces:
            return Extraction(Status.NO_FACE, reason="no face found", seconds=steps["detect"], steps=steps)
        if len(faces) > 1 and self.options.face == "only":
            reason = f"{len(faces)} faces found, and option face = 'only'"
            return Extraction(Status.MANY_FACES, reason=reason, faces=len(faces), seconds=steps["detect"], steps=steps)
        box, confidence = self._choose(faces, rgb.shape[:2])
        found = time.perf_counter()
        shape = self._landmarks(rgb, box)
        if (
            self.options.jitters > 1
            # dlib's jitter draws from the encoder's own generator: a fresh one makes the result depend on the photo
            # alone
        ):
            self._encoder = self._dlib.face_recognition_model_v1(str(self.files[str(FILES["encoder"])]))
        template = self._template(rgb, shape)
        steps["describe"] = time.perf_counter() - found
        quality = {
            "face_pixels": float(min(box.width(), box.height())),
            "detector_confidence": confidence,
            **self._quality(rgb, box, shape),
        }
        return Extraction(
            Status.ACQUIRED,
            template,
            faces=len(faces),
            quality=quality,
            seconds=time.perf_counter() - start,
            steps=steps,
        )

    def _template(self, rgb: NDArray[np.uint8], shape: Any) -> NDArray[np.float32]:
        if isinstance(self._encoder, Descriptor):
            return self._encoder.run(self._dlib.get_face_chip(rgb, shape, SIZE, 0.25)[None]).reshape(-1)
        return np.array(self._encoder.compute_face_descriptor(rgb, shape, self.options.jitters), dtype=np.float32)

    def _choose(self, faces: list[tuple[Any, float]], shape: tuple[int, ...]) -> tuple[Any, float]:
        """The largest box, or the one nearest to the centre; the first found where they tie."""
        if self.options.face == "largest":
            return max(faces, key=lambda face: face[0].area())
        y, x = shape[0] / 2, shape[1] / 2
        return min(
            faces,
            key=lambda face: (
                (face[0].left() + face[0].right() - 2 * x) ** 2 + (face[0].top() + face[0].bottom() - 2 * y) ** 2
            ),
        )

    def _quality(self, rgb: NDArray[np.uint8], box: Any, shape: Any) -> dict[str, float]:
        """Eye distance (pixels), roll (degrees), turn (nose off the eyes' middle, in eye distances; 0 = frontal),
        brightness (0-255) and contrast.
        """
        one, other, nose = EYES[self.options.landmarks]
        points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)
        a, b = points[list(one)].mean(axis=0), points[list(other)].mean(axis=0)
        if a[0] > b[0]:
            a, b = b, a
        eyes = float(np.hypot(*(b - a)))
        along = (b - a) / eyes if eyes else np.zeros(2)
        patch = rgb[box.top() : box.bottom(), box.left() : box.right()].astype(np.float32) @ np.array(
            [0.299, 0.587, 0.114], dtype=np.float32
        )
        return {
            "eye_pixels": eyes,
            "roll_degrees": math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])),
            "turn": float((points[nose] - (a + b) / 2) @ along) / eyes if eyes else 0.0,
            "brightness": float(patch.mean()) if patch.size else 0.0,
            "contrast": float(patch.std()) if patch.size else 0.0,
        }


def _dlib_version() -> str:
    import dlib

    return str(dlib.__version__)
