"""A vendor's face service over HTTP, spoken to as CompreFace speaks: images go up as multipart files, JSON comes back.

In come photographs; out come templates (``mode = "templates"``: CompreFace's detection service with the calculator
plugin) or scores of pairs (``score``: its verification service). The one idea: a service is remote, metered and
secret. So requests are paced and retried (see ``service``), images are sent losslessly, and the key is read from an
environment variable, sent as a header, and shown nowhere: not in a message, not in the description, not in the
fingerprint.

Where answers lie is said by options, with CompreFace's as defaults: ``results`` names the list of faces,
``embedding``, ``box`` and ``similarity`` the fields of a face; ``no_face_codes`` are the codes of an error answer that
mean "no face". A wrong key (401, 403) ends the run at once. A service that can give back a word it was sent should be
asked to: ``id_field`` names the form field that carries it and the answer's key; an answer with another word, or none,
is that photo's ERROR.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from audit.backends import lifeline
from audit.backends.answers import template_of
from audit.backends.options import Options, fingerprint_of, parse_options
from audit.backends.pairs import PairScore
from audit.backends.protocol import Backend, Extraction, Measure, ScoreRule, Status
from audit.backends.service import Service
from audit.backends.yunet import FaceChoice
from audit.base.errors import BackendError

__all__ = ["Http", "HttpOptions", "make"]


BOX = ("x_min", "y_min", "x_max", "y_max", "probability")

PACED = {
    "product",
    "key_env",
    "key_header",
    "requests_per_second",
    "tries",
    "first_pause_seconds",
    "longest_pause_seconds",
    "timeout_seconds",
    "no_face_codes",
    "id_field",
}
"""Options that say how to speak to the service."""


class HttpOptions(Options):
    """Options under ``[backend.options]``. ``product`` and ``product_version`` are part of what a cached template
    stands for: keep them true.
    """

    url: str
    verify_url: str | None = None
    dimensions: int = Field(ge=1, le=65536)
    product: str
    product_version: str
    key_env: str | None = None
    key_header: str = "x-api-key"
    field: str = "file"
    results: str = "result"
    embedding: str = "embedding"
    box: str = "box"
    similarity: str = "similarity"
    no_face_codes: tuple[int, ...] = (28,)
    id_field: str | None = None
    face: FaceChoice = "central"
    measure: Measure = "cosine"
    low: float = -1.0
    high: float = 1.0
    default_threshold: float | None = None
    unit: str = "similarity"
    requests_per_second: float = Field(default=5.0, gt=0, le=10_000)
    parallel: int = Field(default=1, ge=1, le=64)
    tries: int = Field(default=5, ge=1, le=20)
    first_pause_seconds: float = Field(default=0.5, ge=0)
    longest_pause_seconds: float = Field(default=60.0, gt=0)
    timeout_seconds: float = Field(default=30.0, gt=0)
    licence: str = "not stated"
    training_data: str = "not stated"


def make(options: Mapping[str, Any]) -> Backend:
    """Check the options and that the key is in the environment; nothing is sent yet."""
    for name in ("url", "verify_url"):
        parts = urlsplit(str(options.get(name) or "http://"))
        if (
            parts.scheme not in {"http", "https"} or "@" in parts.netloc
        ):  # the address itself is not repeated: it may hold a password
            allowed = "http or https, without a user name or password"
            raise BackendError(
                f"backend.options.{name} (http)",
                got="this address cannot be used",
                allowed=allowed,
                todo="Put the key in key_env",
            )
    return Http(parse_options("http", HttpOptions, options))


class Http:
    """See the module. One process talks to the service, so that the pace holds; ``parallel`` requests are open at a
    time.
    """

    name = "http"
    max_jobs = 1

    def __init__(self, options: HttpOptions) -> None:
        self.options = options
        self.dimensions = options.dimensions
        self.version = f"{options.product} {options.product_version}"
        kind = "dissimilarity" if options.measure == "euclidean" else "similarity"
        limits = (options.low, options.high, options.default_threshold, options.unit)
        self.rule = ScoreRule(options.measure, kind, *limits)  # type: ignore[arg-type]
        if options.key_env and not os.environ.get(options.key_env):
            raise BackendError(
                "backend.options.key_env",
                got=f"the environment variable {options.key_env} is not set",
                allowed="the name of a variable that holds the key",
                todo=f"Set it in the shell, not in the config: export {options.key_env}=...",
            )
        self.batch = options.parallel
        self._service = Service(**options.model_dump(include=PACED))
        self.patience_seconds = self._service.patience_seconds

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the address and the options that shape an answer; the key and the pace are not in it."""
        said = self.options.model_dump(
            include={"url", "product", "product_version", "dimensions", "field", "results", "embedding", "box", "face"}
        )
        return fingerprint_of(name=self.name, revision=2, **said)

    def describe(self) -> dict[str, Any]:
        """What the config says of the service; the address without its query."""
        parts = urlsplit(self.options.url)
        said = self.options.model_dump(include={"licence", "training_data", "requests_per_second", "face", "measure"})
        address = f"{parts.scheme}://{parts.netloc}{parts.path}"
        return {"product": self.options.product, "version": self.options.product_version, "address": address, **said}

    def load(self) -> None:
        """Nothing is loaded; a worker process ends with the one that started it, and asks no more."""
        lifeline.end_with_parent()

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per (H, W, 3) uint8 BGR image, in order."""
        if self.options.parallel == 1 or len(images) < 2:
            return [self._one(image) for image in images]
        with ThreadPoolExecutor(self.options.parallel) as pool:
            return list(pool.map(self._one, images))

    def _one(self, image: NDArray[np.uint8]) -> Extraction:
        start = time.perf_counter()
        answer = self._service.post(self.options.url, {self.options.field: image})
        seconds = time.perf_counter() - start
        if isinstance(answer, tuple):
            return Extraction(answer[0], reason=answer[1], seconds=seconds)
        faces = answer.get(self.options.results)
        if not isinstance(faces, list) or not all(isinstance(face, dict) for face in faces):
            return Extraction(Status.ERROR, reason=f"the answer has no list {self.options.results!r}", seconds=seconds)
        if not faces:
            return Extraction(Status.NO_FACE, reason="no face found", seconds=seconds)
        if len(faces) > 1 and self.options.face == "only":
            reason = f"{len(faces)} faces found, and option face = 'only'"
            return Extraction(Status.MANY_FACES, reason=reason, faces=len(faces), seconds=seconds)
        try:
            boxes = [self._box(face) for face in faces]
            pick = _choose(boxes, image.shape, self.options.face)
            if self.options.embedding not in faces[pick]:
                raise ValueError(f"the face has no {self.options.embedding!r}")
            template = template_of(faces[pick][self.options.embedding], self.dimensions)
        except ValueError as error:
            return Extraction(
                Status.ERROR, reason=f"the answer is not understood: {error}", faces=len(faces), seconds=seconds
            )
        quality = {}
        if box := boxes[pick]:
            quality = {"face_pixels": min(box[2] - box[0], box[3] - box[1]), "detector_confidence": box[4]}
        return Extraction(Status.ACQUIRED, template, faces=len(faces), quality=quality, seconds=seconds)

    def _box(self, face: Any) -> tuple[float, ...] | None:
        box = face.get(self.options.box) if isinstance(face, dict) else None
        if box is None:
            return None
        values: list[Any] = [box.get(key) for key in BOX] if isinstance(box, dict) else []
        if not values or any(
            isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9 for value in values
        ):
            raise ValueError(f"{self.options.box!r} does not hold the numbers {', '.join(BOX)}")
        return tuple(map(float, values))

    def score(self, left: Sequence[NDArray[np.uint8]], right: Sequence[NDArray[np.uint8]]) -> list[PairScore]:
        """One ``PairScore`` per pair of (H, W, 3) uint8 BGR images, by ``verify_url``."""
        if self.options.verify_url is None:
            raise BackendError(
                "backend.options.verify_url",
                got="no address is given",
                allowed="the verification service",
                todo="Set it",
            )
        return [self._pair(self.options.verify_url, a, b) for a, b in zip(left, right, strict=True)]

    def _pair(self, url: str, a: NDArray[np.uint8], b: NDArray[np.uint8]) -> PairScore:
        answer = self._service.post(url, {"source_image": a, "target_image": b})
        if isinstance(answer, tuple):
            return PairScore(answer[0], reason=answer[1])
        try:
            matches = answer[self.options.results][0]["face_matches"]
            boxes = [self._box(face) for face in matches]
            value = (
                matches[_choose(boxes, b.shape, self.options.face)][self.options.similarity] if matches else math.nan
            )
            if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
                raise ValueError("no finite number")
            value = float(value)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            return PairScore(Status.ERROR, reason=f"the answer is not understood ({type(error).__name__})")
        if len(matches) > 1 and self.options.face == "only":
            return PairScore(Status.MANY_FACES, reason=f"{len(matches)} faces found, and option face = 'only'")
        return (
            PairScore(Status.ACQUIRED, value)
            if math.isfinite(value)
            else PairScore(Status.NO_FACE, reason="no face found")
        )


def _choose(boxes: Sequence[tuple[float, ...] | None], shape: tuple[int, ...], choice: FaceChoice) -> int:
    """Index of the largest or most central face; the first where the service gives no boxes."""
    known = [box for box in boxes if box is not None]
    if len(known) < len(boxes):
        return 0
    if choice == "largest":
        return int(np.argmax([(box[2] - box[0]) * (box[3] - box[1]) for box in known]))
    return int(np.argmin([np.hypot(box[0] + box[2] - shape[1], box[1] + box[3] - shape[0]) for box in known]))
