"""Which files a network in ONNX reads: its own, and the external data that any tensor in it names. A path in,
locations and their files out.

The one idea: an ONNX file is protocol buffers, and a walk over (field, value) pairs finds every tensor wherever it
hides: in the graph, in a node's attribute, in the branches of an If, in a function, in a sparse tensor. So whatever
can change a template can be hashed; what lies outside the model's folder, or is not there, is refused before anybody
opens it. Field numbers: onnx.proto of the ONNX project.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from audit.backends.options import file_sha256
from audit.base.errors import BackendError

__all__ = ["external_digests", "external_files"]

MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE, TRAINING, FUNCTION = range(8)

INSIDE: dict[int, dict[int, int]] = {
    MODEL: {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    TRAINING: {1: GRAPH, 2: GRAPH},
    FUNCTION: {7: NODE, 11: ATTRIBUTE},
}
"""Which fields of a message hold messages that may hold tensors."""

MOST_FIELDS = 5_000_000
"""A network has some thousands; this is read in seconds."""

Bytes = mmap.mmap | bytes


def _varint(data: Bytes, at: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at + place >= end:
            break
        byte = data[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("a number without end")


def _fields(data: Bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field, start, end) of each value; for a plain number, start is the number and end -1."""
    while at < end:
        key, at = _varint(data, at, end)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at, end)
            yield key >> 3, value, -1
            continue
        if kind == 2:
            size, at = _varint(data, at, end)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a value of kind {kind}")
        if size > end - at:
            raise ValueError("a value that is longer than the file")
        yield key >> 3, at, at + size
        at += size


def _locations(data: Bytes, size: int) -> set[bytes]:
    """Every location that a tensor with external data names; b"" for one that names none."""
    found: set[bytes] = set()
    todo, count = [(MODEL, 0, size)], 0
    while todo:
        kind, start, end = todo.pop()
        outside, location = False, b""
        for field, at, stop in _fields(data, start, end):
            count += 1
            if count > MOST_FIELDS:
                raise ValueError(f"more than {MOST_FIELDS} parts")
            if kind == TENSOR:
                if field == 14 and stop < 0:
                    outside = at == 1
                elif field == 13 and stop >= 0:
                    pair = {number: bytes(data[a:b]) for number, a, b in _fields(data, at, stop) if b >= 0}
                    location = pair.get(2, b"") if pair.get(1) == b"location" else location
            elif stop >= 0 and field in INSIDE[kind]:
                todo.append((INSIDE[kind][field], at, stop))
        if kind == TENSOR and outside:
            found.add(location)
    return found


def external_files(path: Path) -> dict[str, Path]:
    """Location -> file of all external data, sorted; empty for a network in one file.

    Raises
    ------
    BackendError
        The file is no protocol buffers message, or names a file that is absolute, above or outside the model's folder,
        absent or not a regular file.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise ValueError("it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found = _locations(data, size)
    except (ValueError, OSError) as error:
        raise BackendError(
            str(path), got=f"not an ONNX file ({error})", allowed="an ONNX network", todo="Fetch or export it again"
        ) from error
    return {location: file for location, file in sorted(_placed(path, location) for location in found)}


def _placed(path: Path, location: bytes) -> tuple[str, Path]:
    allowed = "external data in files beside the model or in folders below it"
    try:
        name = location.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]:
        raise BackendError(
            str(path),
            got=f"external data at {name[:200]!r}",
            allowed=allowed,
            todo="Export it again with its data beside it",
        )
    file = path.parent / name
    folders = {path.parent.resolve(), path.resolve().parent}  # a model cache may hold links to a folder of its own
    if not file.is_file():
        raise BackendError(
            str(path),
            got=f"external data at {name[:200]!r}, no such file",
            allowed=allowed,
            todo="Put the file beside the model",
        )
    if not any(file.resolve().is_relative_to(folder) for folder in folders):
        got = f"external data at {name[:200]!r}, a link that leads out of the folder"
        raise BackendError(str(path), got=got, allowed=allowed, todo="Put the file itself beside the model")
    return name, file


def external_digests(path: Path) -> dict[str, str]:
    """Location -> sha256 of all external data; empty for a network in one file."""
    return {location: file_sha256(file) for location, file in external_files(path).items()}
