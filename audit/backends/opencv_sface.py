"""SFace exactly as OpenCV offers it: ``cv2.FaceDetectorYN`` finds, ``cv2.FaceRecognizerSF`` aligns and describes. BGR
in, 128 numbers out.

The one idea: audit what people who follow OpenCV's tutorial run: its alignment, its network engine, its threshold
(cosine 0.363). The ``onnx`` backend with preset ``sface`` feeds the same network through onnxruntime and this
project's alignment; the two are different matchers.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from audit.backends import apart
from audit.backends.answers import WIDEST
from audit.backends.onnx_files import external_files
from audit.backends.options import Options, file_sha256, fingerprint_of, parse_options
from audit.backends.presets import PRESETS, YUNET, fetched
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.backends.yunet import FaceChoice, YuNet, checked_file, quiet_opencv
from audit.base.errors import BackendError

__all__ = ["OpencvSface", "OpencvSfaceOptions", "make", "trial"]

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


def _recogniser(model: Path) -> Any:
    import cv2

    try:
        return cv2.FaceRecognizerSF.create(str(model), "")
    except cv2.error as error:
        got = f"OpenCV cannot load it ({' '.join(str(error).split())[:200]})"
        raise BackendError(str(model), got=got, allowed=SFACE.name, todo="Fetch the file again") from error


def trial(model: str) -> dict[str, Any]:
    """Load a recogniser and describe a black crop, once: the width of its templates."""
    import cv2

    try:
        width = int(_recogniser(Path(model)).feature(np.zeros((112, 112, 3), np.uint8)).size)
    except cv2.error as error:
        got = f"OpenCV cannot run it ({' '.join(str(error).split())[:200]})"
        raise BackendError(model, got=got, allowed=SFACE.name, todo="Fetch the file again") from error
    if not 0 < width <= WIDEST:
        raise BackendError(
            model, got=f"templates of {width} numbers", allowed=f"1 to {WIDEST}", todo="Fetch the file again"
        )
    return {"width": width}


class OpencvSface:
    """See the module."""

    name = "opencv_sface"
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0, default_threshold=0.363, unit="cosine similarity")

    def __init__(self, options: OpencvSfaceOptions) -> None:
        import cv2

        quiet_opencv()
        self.options = options
        folder = (
            Path(os.environ.get("FACE_AUDIT_CACHE") or Path.home() / ".cache" / "face-audit").expanduser() / "models"
        )
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
                checked_file(
                    option,
                    path,
                    options.model_sha256 if option == "model" else options.detector_sha256,
                    f"Get it at {file.homepage}",
                )
            )
        self.model, self.detector = files
        for path in files:
            if external_files(path):
                raise BackendError(
                    str(path),
                    got="external data beside it",
                    allowed="a network in one file",
                    todo="Export it in one file",
                )
        self.version = f"OpenCV {cv2.__version__}, {self.model.name}"
        self._hashed = [file_sha256(self.model), file_sha256(self.detector)]
        self._finder: YuNet | None = None
        self._recogniser: Any = None
        if multiprocessing.parent_process() is None:
            digests, size = (
                dict(zip(("model", "detector"), self._hashed, strict=True)),
                sum(path.stat().st_size for path in files),
            )
            arguments = {"detector": str(self.detector), "longest_side": options.detector_size}
            apart.tried(str(self.detector), "yunet:trial", arguments, files=digests, size=size)
            found = apart.tried(
                str(self.model), "opencv_sface:trial", {"model": str(self.model)}, files=digests, size=size
            )
        else:
            found = trial(str(self.model))
        self.dimensions = int(found["width"])

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over OpenCV's version, both files and the options."""
        chosen = self.options.model_dump(include={"detector_score", "detector_size", "face"})
        return fingerprint_of(name=self.name, revision=1, version=self.version, files=self._hashed, options=chosen)

    def describe(self) -> dict[str, Any]:
        """Product, files, licence and training data, as plain JSON values."""
        return {
            "product": "SFace through OpenCV (FaceDetectorYN, FaceRecognizerSF)",
            "version": self.version,
            "models": dict(zip((self.model.name, self.detector.name), self._hashed, strict=True)),
            "licence": f"SFace {SFACE.licence}; YuNet {YUNET.licence}; OpenCV Apache-2.0",
            "training_data": PRESETS["sface"].training_data,
            "options": self.options.model_dump(mode="json", exclude={"model", "detector", "fetch"}),
            "default_threshold": "cosine similarity 0.363 or more is a match (OpenCV's samples)",
        }

    def load(self) -> None:
        """Load the recogniser and the detector, once."""
        if self._recogniser is None:
            self._recogniser = _recogniser(self.model)
        if self._finder is None:
            self._finder = YuNet(
                self.detector, self.options.detector_score, self.options.detector_size, self.options.face
            )

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
            template = np.array(self._recogniser.feature(crop), dtype=np.float32).reshape(
                -1
            )  # a copy: OpenCV reuses its buffer
            steps["describe"] = time.perf_counter() - start - steps["detect"]
        status = Status.ACQUIRED if template is not None else found.status
        return replace(found, status=status, template=template, seconds=time.perf_counter() - start, steps=steps)
