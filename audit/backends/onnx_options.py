"""``[backend.options]`` of the backend ``onnx`` in, checked options, the model's place and its score rule out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from audit.backends.options import Options
from audit.backends.protocol import Measure, ScoreRule
from audit.backends.yunet import FaceChoice
from audit.base.errors import BackendError

__all__ = ["OnnxOptions", "models_folder", "placed", "rule_of"]


class OnnxOptions(Options):
    """Options under ``[backend.options]``. ``model`` and ``detector`` are paths, or names of files in the models
    folder of the cache; with ``fetch`` a preset's missing files are downloaded.
    """

    preset: str | None = None
    model: Path | None = None
    model_sha256: str | None = None
    detector: Path | None = None
    detector_sha256: str | None = None
    fetch: bool = False
    detector_score: float = Field(default=0.6, gt=0, lt=1)
    detector_size: int = Field(default=640, ge=64)
    face: FaceChoice = "central"
    size: int = Field(default=112, ge=16, le=1024)
    zoom: float = Field(default=1.0, gt=0.1, lt=10)
    colour: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    scale: float | tuple[float, float, float] = 1 / 127.5
    input: str | None = None
    output: str | None = None
    measure: Measure = "cosine"
    low: float | None = None
    high: float | None = None
    default_threshold: float | None = None
    unit: str | None = None
    batch: int = Field(default=1, ge=1, le=256)
    product: str | None = None
    licence: str | None = None
    training_data: str | None = None


def models_folder() -> Path:
    """Where models that were fetched are kept."""
    return Path(os.environ.get("FACE_AUDIT_CACHE") or Path.home() / ".cache" / "face-audit").expanduser() / "models"


def placed(path: Path | None) -> Path | None:
    """A path as it is, or, where nothing lies there, the file of that name in the models folder: configs need not name
    a machine's folders.
    """
    if path is None or path.is_absolute() or path.exists():
        return path
    kept = models_folder() / path
    return kept if kept.is_file() else path


def rule_of(options: OnnxOptions) -> ScoreRule:
    """Bounds are known for cosine; for the others the config must give them, as a network's norms are not known
    beforehand.
    """
    low, high = options.low, options.high
    if options.measure == "cosine":
        low, high = -1.0 if low is None else low, 1.0 if high is None else high
    elif options.measure == "euclidean" and high is None:
        high = 0.0
    if low is None or high is None or not low < high:
        got, allowed = (
            f"low {low}, high {high} for measure {options.measure!r}",
            "bounds of the score (larger = more alike; a distance of 2 is -2)",
        )
        raise BackendError("backend.options.low", got=got, allowed=allowed, todo="Set low and high")
    kind: Literal["similarity", "dissimilarity"] = "dissimilarity" if options.measure == "euclidean" else "similarity"
    unit = (
        options.unit
        or {"cosine": "cosine similarity", "euclidean": "distance", "inner": "inner product"}[options.measure]
    )
    return ScoreRule(options.measure, kind, low, high, options.default_threshold, unit)
