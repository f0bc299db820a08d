"""Any program in any language as a matcher: it reads questions from stdin and writes answers to stdout, one JSON object a line (UTF-8).

Protocol 1
----------
::

    audit    {"hello": 1}
    program  {"hello": 1, "name": "acme", "version": "2.1", "dimensions": 128, "measure": "cosine"}

The greeting may also hold ``kind``, ``low``, ``high``, ``default_threshold``, ``unit`` (see ``ScoreRule``; bounds are needed unless the measure is
cosine), ``product``, ``licence``, ``training_data``. ``"dimensions": 0`` says that the program gives scores only. Then, for templates::

    audit    {"id": 7, "image": "/private/folder/7.png"}
    program  {"id": 7, "status": "ACQUIRED", "template": [0.1, -0.2, ...], "faces": 1, "quality": {"face_pixels": 96}}
    program  {"id": 8, "status": "NO_FACE", "reason": "no face found"}

``template`` may be ``template_base64`` instead: little-endian float32. And for scores of pairs::

    audit    {"id": 9, "images": ["/private/folder/9-a.png", "/private/folder/9-b.png"]}
    program  {"id": 9, "score": 0.71}

* Answers may come in any order. At most ``window`` questions are open at a time.
* ``status`` is one of ACQUIRED, UNREADABLE, NO_FACE, MANY_FACES, ERROR.
* Images are lossless PNG files (or, with ``format = "ppm"``, binary PPM, which needs no library to read) under meaningless names in a folder that
  only this user may read; all are deleted when the batch is answered.
* The program ends when its stdin does. ``examples/block_means.pl`` is a complete one. What it writes to stderr goes to the debug log.
* It is killed and started again if it is silent for ``timeout_seconds``, dies, or writes anything that is not such a line.
"""

from __future__ import annotations

import base64
import binascii
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from audit.backends.pairs import PairScore
from audit.backends.parts import Options, file_sha256, fingerprint_of, parse_options
from audit.backends.program import PROTOCOL, Program
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.errors import BackendError

__all__ = ["Process", "ProcessOptions", "make"]

BOUNDS: dict[str, tuple[float | None, float | None]] = {"cosine": (-1.0, 1.0), "euclidean": (None, 0.0), "inner": (None, None)}


class ProcessOptions(Options):
    """Options under ``[backend.options]``; ``revision`` is yours to raise when the program changes without saying so."""

    command: list[str] = Field(min_length=1)
    timeout_seconds: float = Field(default=60.0, gt=0)
    start_seconds: float = Field(default=300.0, gt=0)
    window: int = Field(default=4, ge=1, le=256)
    format: Literal["png", "ppm"] = "png"
    revision: str = ""


def make(options: Mapping[str, Any]) -> Backend:
    """Start the program once to hear its greeting; raises BackendError where it does not greet."""
    return Process(parse_options("process", ProcessOptions, options))


class Process:
    """See the module."""

    def __init__(self, options: ProcessOptions) -> None:
        self.options, self.batch = options, options.window
        self.patience_seconds = 2 * options.timeout_seconds + options.start_seconds  # asked in company, asked alone, a restart between
        self._program = Program(options.command, timeout_seconds=options.timeout_seconds, start_seconds=options.start_seconds, window=options.window)
        self._greeting = self._program.start()
        self._program.stop()
        self._running = False
        self.rule = _rule(self._greeting)
        self.name = "process"
        self.version = f"{self._greeting.get('name', 'unnamed')} {self._greeting.get('version', 'unversioned')}"
        self.dimensions = int(self._greeting.get("dimensions", 0))

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the greeting, the command, every file the command names, and ``revision``."""
        files = {word: file_sha256(Path(word)) for word in self.options.command if Path(word).is_file()}
        return fingerprint_of(
            name=self.name, protocol=PROTOCOL, greeting=self._greeting, command=self.options.command, files=files, revision=self.options.revision
        )

    def describe(self) -> dict[str, Any]:
        """What the program said of itself."""
        said = {key: self._greeting.get(key, "not stated") for key in ("product", "licence", "training_data")}
        return {**said, "version": self.version, "protocol": PROTOCOL, "command": Path(self.options.command[0]).name}

    def load(self) -> None:
        """Start the program, once; it is started again whenever it fails."""
        if not self._running:
            self._program.start()
            self._running = True

    def close(self) -> None:
        """End the program."""
        self._program.stop()
        self._running = False

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per (H, W, 3) uint8 BGR image, in order."""
        self.load()
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="face-audit-") as folder:
            questions = [{"image": _written(image, Path(folder) / f"{place}.{self.options.format}")} for place, image in enumerate(images)]
            answers = self._program.ask(questions)
        each = (time.perf_counter() - start) / max(1, len(images))
        return [_extraction(answer, each) for answer in answers]

    def score(self, left: Sequence[NDArray[np.uint8]], right: Sequence[NDArray[np.uint8]]) -> list[PairScore]:
        """One ``PairScore`` per pair of (H, W, 3) uint8 BGR images, in order."""
        self.load()
        with tempfile.TemporaryDirectory(prefix="face-audit-") as folder:
            questions = [
                {
                    "images": [
                        _written(a, Path(folder) / f"{place}-a.{self.options.format}"),
                        _written(b, Path(folder) / f"{place}-b.{self.options.format}"),
                    ]
                }
                for place, (a, b) in enumerate(zip(left, right, strict=True))
            ]
            return [_score(answer) for answer in self._program.ask(questions)]


def _written(image: NDArray[np.uint8], path: Path) -> str:
    import cv2

    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_PNG_COMPRESSION, 1] if path.suffix == ".png" else []):
        raise OSError("the image could not be written for the program")
    return str(path)


def _failure(answer: dict[str, Any] | str) -> tuple[Status, str] | None:
    """Status and reason of an answer that is not a success, else None."""
    if isinstance(answer, str):
        return Status.ERROR, answer
    status = answer.get("status", "ACQUIRED")
    if status not in Status.__members__:
        return Status.ERROR, f"the program gave the unknown status {str(status)[:40]!r}"
    return None if status == "ACQUIRED" else (Status[status], str(answer.get("reason", ""))[:200] or f"the program said {status}")


def _extraction(answer: dict[str, Any] | str, seconds: float) -> Extraction:
    failed = _failure(answer)
    faces = answer.get("faces", 0) if isinstance(answer, dict) else 0
    faces = faces if isinstance(faces, int) else 0
    if failed or isinstance(answer, str):
        status, reason = failed or (Status.ERROR, str(answer))
        return Extraction(status, reason=reason, faces=faces, seconds=seconds)
    try:
        if "template_base64" in answer:
            template = np.frombuffer(base64.b64decode(answer["template_base64"], validate=True), dtype="<f4").astype(np.float32)
        else:
            template = np.array(answer["template"], dtype=np.float32)
        quality = {str(key): float(value) for key, value in dict(answer.get("quality", {})).items()}
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        return Extraction(Status.ERROR, reason=f"the program's answer holds no template ({type(error).__name__})", faces=faces, seconds=seconds)
    return Extraction(Status.ACQUIRED, template, faces=faces or 1, quality=quality, seconds=seconds)


def _score(answer: dict[str, Any] | str) -> PairScore:
    if failed := _failure(answer):
        return PairScore(failed[0], reason=failed[1])
    value = answer.get("score") if isinstance(answer, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return PairScore(Status.ERROR, reason="the program's answer holds no finite score")
    return PairScore(Status.ACQUIRED, float(value))


def _rule(greeting: dict[str, Any]) -> ScoreRule:
    measure = greeting.get("measure")
    if measure not in BOUNDS:
        raise BackendError("the program's greeting", got=f"measure {measure!r}", allowed=", ".join(BOUNDS), todo="Add it to the greeting")
    try:
        low, high = (
            float(value) if value is not None else None
            for value in (greeting.get(k, d) for k, d in zip(("low", "high"), BOUNDS[measure], strict=True))
        )
        threshold = None if greeting.get("default_threshold") is None else float(greeting["default_threshold"])
        dimensions = int(greeting.get("dimensions", 0))
    except (TypeError, ValueError):
        low = high = None
        threshold, dimensions = None, -1
    if low is None or high is None or not low < high or dimensions < 0:
        got = f"low {greeting.get('low')!r}, high {greeting.get('high')!r}, dimensions {greeting.get('dimensions')!r}"
        raise BackendError(
            "the program's greeting", got=got, allowed="low < high (of the score, larger = more alike), dimensions >= 0", todo="Add them"
        )
    kind = greeting.get("kind", "dissimilarity" if measure == "euclidean" else "similarity")
    if kind not in {"similarity", "dissimilarity"}:
        raise BackendError("the program's greeting", got=f"kind {kind!r}", allowed="similarity, dissimilarity", todo="Correct it")
    return ScoreRule(measure, kind, low, high, threshold, str(greeting.get("unit", "distance" if kind == "dissimilarity" else "similarity")))
