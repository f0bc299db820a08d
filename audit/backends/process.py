"""Any program in any language as a matcher: it reads questions from stdin and writes answers to stdout, one JSON
object a line (UTF-8).

Protocol 1
----------
::

    audit    {"hello": 1}
    program  {"hello": 1, "name": "acme", "version": "2.1", "dimensions": 128, "measure": "cosine"}

The greeting may also hold ``kind``, ``low``, ``high``, ``default_threshold``, ``unit`` (see ``ScoreRule``; bounds are
needed unless the measure is
cosine), ``product``, ``licence``, ``training_data``. ``"dimensions": 0`` says that the program gives scores only.
Then, for templates::

    audit    {"id": 7, "image": "/private/folder/0.png"}
    program  {"id": 7, "status": "ACQUIRED", "template": [0.1, -0.2, ...], "faces": 1, "quality": {"face_pixels": 96}}
    program  {"id": 8, "status": "NO_FACE", "reason": "no face found"}

``template`` may be ``template_base64`` instead: little-endian float32. And for scores of pairs::

    audit    {"id": 9, "images": ["/private/folder/9-a.png", "/private/folder/9-b.png"]}
    program  {"id": 9, "score": 0.71}

* Answers may come in any order. At most ``window`` questions are open at a time.
* ``id`` is a whole number below 2**53, never used twice, and comes back as it was sent: not as a text, not as 7.0, and
  once. An answer to a question that is not open ends the program: the photographs of the batch are asked again, one by
  one, and where it happens again that photograph is an ERROR.
* ``status`` is one of ACQUIRED, UNREADABLE, NO_FACE, MANY_FACES, ERROR.
* JSON is what RFC 8259 says: no NaN, no Infinity, no key twice. A line holds at most 16 MB.
* Images are lossless PNG files (or, with ``format = "ppm"``, binary PPM, which needs no library to read) under
  meaningless names in a folder that only this user may read; all are deleted when the batch is answered, and after
  ``kill -9`` as well (see ``lifeline``).
* The program ends when its stdin does. ``examples/block_means.pl`` is a complete one. What it writes to stderr goes to
  the debug log, and its last lines into the message where it fails to start or ends.
* It is killed and started again if it is silent for ``timeout_seconds``, dies, or writes anything that is not such a
  line.
"""

from __future__ import annotations

import base64
import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from audit.backends import lifeline
from audit.backends.answers import shown, template_of, whole
from audit.backends.greeting import checked, rule
from audit.backends.options import Options, fingerprint_of, parse_options, tree_sha256
from audit.backends.pairs import PairScore
from audit.backends.program import PROTOCOL, Program
from audit.backends.protocol import Backend, Extraction, Status

__all__ = ["Process", "ProcessOptions", "make"]

MOST_FACES = 100_000
"""Faces that a program may say it found in one photograph."""


class ProcessOptions(Options):
    """Options under ``[backend.options]``; ``revision`` is yours to raise when
    the program changes without saying so.
    """

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
        self.patience_seconds = (
            2 * options.timeout_seconds + options.start_seconds
        )  # asked in company, asked alone, a restart between
        self._program = Program(
            options.command,
            timeout_seconds=options.timeout_seconds,
            start_seconds=options.start_seconds,
            window=options.window,
        )
        self._greeting = checked(self._program.start())
        self._program.stop()
        self._running = False
        self.rule = rule(self._greeting)
        self.name = "process"
        self.version = f"{self._greeting.get('name', 'unnamed')} {self._greeting.get('version', 'unversioned')}"
        self.dimensions = int(self._greeting.get("dimensions", 0))

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the greeting, the command, the program, every file and folder that the command names, and
        ``revision``.

        What the program reads beside these (a library it loads, a file whose name stands in its own code) is not known
        here: raise ``revision``.
        """
        said = {"greeting": self._greeting, "command": self.options.command, "files": _files(self.options.command)}
        return fingerprint_of(name=self.name, protocol=PROTOCOL, revision=2, **said, raised=self.options.revision)

    def describe(self) -> dict[str, Any]:
        """What the program said of itself."""
        said = {key: self._greeting.get(key, "not stated") for key in ("product", "licence", "training_data")}
        return {**said, "version": self.version, "protocol": PROTOCOL, "command": Path(self.options.command[0]).name}

    def load(self) -> None:
        """Start the program, once; it is started again whenever it fails, and ends with this process however that
        ends.
        """
        if not self._running:
            lifeline.end_with_parent()
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
        with _folder() as folder:
            questions = [
                {"image": _written(image, Path(folder) / f"{place}.{self.options.format}")}
                for place, image in enumerate(images)
            ]
            answers = self._program.ask(questions)
        each = (time.perf_counter() - start) / max(1, len(images))
        return [_extraction(answer, self.dimensions, each) for answer in answers]

    def score(self, left: Sequence[NDArray[np.uint8]], right: Sequence[NDArray[np.uint8]]) -> list[PairScore]:
        """One ``PairScore`` per pair of (H, W, 3) uint8 BGR images, in order."""
        self.load()
        with _folder() as folder:
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


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A folder that only this user may read, and that is removed even if this process is killed."""
    with tempfile.TemporaryDirectory(prefix="face-audit-") as folder:
        lifeline.guard(folder=folder)
        try:
            yield folder
        finally:
            lifeline.release(folder=folder)


def _files(command: Sequence[str]) -> dict[str, str]:
    """sha256 of the program and of what the command's words name: files, folders with all that lies in them, and
    ``--model=file``.
    """
    found = {command[0]: Path(which(command[0]) or command[0])}
    for word in command[1:]:
        found |= {
            part: Path(part)
            for part in (word, word.partition("=")[2])
            if part and len(part) < 4096 and "\0" not in part and Path(part).exists()
        }
    return {word: tree_sha256(path) for word, path in found.items() if path.exists()}


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
    if not isinstance(status, str) or status not in Status.__members__:
        return (
            Status.ERROR,
            f"the program gave the unknown status {shown(repr(status), 40)}, not one of "
            f"{', '.join(Status.__members__)}",
        )
    if status != "ACQUIRED" and ({"template", "template_base64", "score"} & set(answer)):
        return Status.ERROR, f"the program said {status} and gave a result as well"
    reason = answer.get("reason", "")
    return (
        None
        if status == "ACQUIRED"
        else (Status[status], (reason if isinstance(reason, str) else "")[:200] or f"the program said {status}")
    )


def _extraction(answer: dict[str, Any] | str, width: int, seconds: float) -> Extraction:
    failed = _failure(answer)
    try:
        faces = whole(answer.get("faces", 0), most=MOST_FACES) if isinstance(answer, dict) else 0
        if failed or isinstance(answer, str):
            status, reason = failed or (Status.ERROR, str(answer))
            return Extraction(status, reason=reason, faces=faces, seconds=seconds)
        template, quality = _template(answer, width), _quality(answer.get("quality", {}))
    except ValueError as error:
        return Extraction(Status.ERROR, reason=f"the program's answer cannot be used: {error}", seconds=seconds)
    return Extraction(Status.ACQUIRED, template, faces=faces or 1, quality=quality, seconds=seconds)


def _template(answer: dict[str, Any], width: int) -> NDArray[np.float32]:
    if ("template" in answer) == ("template_base64" in answer):
        raise ValueError(
            f"it holds {'both' if 'template' in answer else 'neither'} template "
            f"{'and' if 'template' in answer else 'nor'} template_base64"
        )
    if "template" in answer:
        return template_of(answer["template"], width)
    packed = answer["template_base64"]
    if not isinstance(packed, str):
        raise ValueError("template_base64 is not a text")
    try:
        data = base64.b64decode(packed, validate=True)
    except ValueError:
        raise ValueError("template_base64 is not base64") from None
    if len(data) != 4 * width:
        raise ValueError(
            f"template_base64 holds {len(data)} bytes in place of {4 * width}: {width} numbers of float32"
        )
    values = np.frombuffer(data, dtype="<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("NaN or infinity in the template")
    return values


def _quality(values: Any) -> dict[str, float]:
    if not isinstance(values, dict) or len(values) > 100:
        raise ValueError("quality is not an object of at most 100 names and numbers")
    if any(
        isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30 for value in values.values()
    ):
        raise ValueError("quality holds something that is no number below 1e30")
    return {str(name)[:60]: float(value) for name, value in values.items()}


def _score(answer: dict[str, Any] | str) -> PairScore:
    if failed := _failure(answer):
        return PairScore(failed[0], reason=failed[1])
    value = answer.get("score") if isinstance(answer, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        return PairScore(
            Status.ERROR, reason=f"the program's answer holds no finite score but {shown(repr(value), 40)}"
        )
    return PairScore(Status.ACQUIRED, float(value))
