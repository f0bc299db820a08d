"""SFace exactly as OpenCV offers it: ``cv2.FaceDetectorYN`` finds, ``cv2.FaceRecognizerSF`` aligns and describes. BGR in, 128 numbers out.

The one idea: audit what people who follow OpenCV's tutorial run: its alignment, its network engine, its threshold (cosine 0.363). The ``onnx``
backend with preset ``sface`` feeds the same network through onnxruntime and this project's alignment; the two are different matchers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from audit.backends.options import Options, file_sha256, fingerprint_of, parse_options
from audit.backends.presets import PRESETS, YUNET, fetched
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.backends.yunet import FaceChoice, YuNet, checked_file, quiet_opencv
from audit.base.errors import BackendError

__all__ = ["OpencvSface", "OpencvSfaceOptions", "make"]

SFACE = PRESETS["sface"].file


class OpencvSfaceOptions(Options):
    """Options under ``[backend.options]``. ``detector_score`` is OpenCV's own default, 0.9, as its samples use it."""

    model: Path | None = None
    model_sha256: str | None = SFACE.sha256
    detector: Path | None = None
    detector_sha256: str | None = None
    fetch: bool = False
    detector_score: float = Field(default=0.9, gt=0, lt=1)
    detector_size: int = Field(default=640, ge=64)
    face: FaceChoice = "central"


def make(options: Mapping[str, Any]) -> Backend:
    """Check the files and load the recogniser; raises BackendError where a file is absent, saying where to get it."""
    return OpencvSface(parse_options("opencv_sface", OpencvSfaceOptions, options))


class OpencvSface:
    """See the module."""

    name = "opencv_sface"
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0, default_threshold=0.363, unit="cosine similarity")

    def __init__(self, options: OpencvSfaceOptions) -> None:
        import cv2

        quiet_opencv()
        self.options = options
        folder = Path(os.environ.get("FACE_AUDIT_CACHE") or Path.home() / ".cache" / "face-audit").expanduser() / "models"
        files = []
        for option, file, given in (("model", SFACE, options.model), ("detector", YUNET, options.detector)):
            path = fetched(file, folder) if given is None and options.fetch else given
            if path is None:
                raise BackendError(
                    f"backend.options.{option}",
                    got="no file is given",
                    allowed=f"the path of {file.name}, or fetch = true",
                    todo=f"Get it at {file.homepage}",
                )
            files.append(
                checked_file(option, path, options.model_sha256 if option == "model" else options.detector_sha256, f"Get it at {file.homepage}")
            )
        self.model, self.detector = files
        self.version = f"OpenCV {cv2.__version__}, {self.model.name}"
        try:
            self._recogniser = cv2.FaceRecognizerSF.create(str(self.model), "")
            self.dimensions = int(self._recogniser.feature(np.zeros((112, 112, 3), np.uint8)).size)
        except cv2.error as error:
            raise BackendError(str(self.model), got="OpenCV cannot run it", allowed=SFACE.name, todo="Fetch the file again") from error
        self._finder: YuNet | None = None

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over OpenCV's version, both files and the options."""
        chosen = self.options.model_dump(include={"detector_score", "detector_size", "face"})
        return fingerprint_of(
            name=self.name, revision=1, version=self.version, files=[file_sha256(self.model), file_sha256(self.detector)], options=chosen
        )

    def describe(self) -> dict[str, Any]:
        """Product, files, licence and training data, as plain JSON values."""
        return {
            "product": "SFace through OpenCV (FaceDetectorYN, FaceRecognizerSF)",
            "version": self.version,
            "models": {path.name: file_sha256(path) for path in (self.model, self.detector)},
            "licence": f"SFace {SFACE.licence}; YuNet {YUNET.licence}; OpenCV Apache-2.0",
            "training_data": PRESETS["sface"].training_data,
            "options": self.options.model_dump(mode="json", exclude={"model", "detector", "fetch"}),
            "default_threshold": "cosine similarity 0.363 or more is a match (OpenCV's samples)",
        }

    def load(self) -> None:
        """Load the detector, once."""
        if self._finder is None:
            self._finder = YuNet(self.detector, self.options.detector_score, self.options.detector_size, self.options.face)

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per (H, W, 3) uint8 BGR image, in order."""
        self.load()
        return [self._one(image) for image in images]

    def _one(self, image: NDArray[np.uint8]) -> Extraction:
        assert self._finder is not None
        start = time.perf_counter()
        face, found = self._finder.find(image)
        steps = {"detect": time.perf_counter() - start}
        template = None
        if face is not None:
            crop = self._recogniser.alignCrop(image, face.astype(np.float32).reshape(1, 15))
            template = np.array(self._recogniser.feature(crop), dtype=np.float32).reshape(-1)  # a copy: OpenCV reuses its buffer
            steps["describe"] = time.perf_counter() - start - steps["detect"]
        status = Status.ACQUIRED if template is not None else found.status
        return replace(found, status=status, template=template, seconds=time.perf_counter() - start, steps=steps)
