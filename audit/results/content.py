"""Files of results as bytes: none of a stranger fills the memory, and JSON and npz are written in one way.

In: a path, arrays or plain values. Out: bytes, arrays, values. Its one idea: equal content gives equal bytes, and no
archive is unpickled or believed about its size.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ResultsError

__all__ = ["as_json", "content", "npz", "plain", "text", "unpack"]

_LONGEST = {".npz": 2**32, ".csv": 2**28, ".json": 2**26, ".toml": 2**22, "": 2**22}
"""Bytes of a file of results at most, by its ending: a hostile directory is refused before it fills the memory."""
_UNPACKED, _RATIO = (
    2**28,
    400,
)  # an archive that unpacks to more than this, by more than this factor, is made to fill the memory


def content(path: Path) -> bytes:
    """The bytes of a file of results; raises ResultsError where there are more than such a file can hold."""
    longest = _LONGEST.get(path.suffix, 2**26)
    if path.stat().st_size > longest:
        raise ResultsError(
            str(path), got=f"{path.stat().st_size} bytes", allowed=f"at most {longest}", todo="Do not trust it"
        )
    return path.read_bytes()


def text(path: Path) -> str:
    """The same as text."""
    return content(path).decode(errors="replace")


def plain(value: Any) -> Any:
    """Numpy scalars as Python's; a number that is missing or unlimited as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_json(value: Any) -> bytes:
    """JSON as every file of results is written."""
    return (json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Bytes of a compressed npz; numpy stamps every member 1980-01-01, so equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an npz, without unpickling and without more memory than its size can mean."""
    with zipfile.ZipFile(io.BytesIO(content(path))) as archive:
        members = archive.infolist()
        unpacked, packed = sum(one.file_size for one in members), path.stat().st_size
        if len({one.filename for one in members}) < len(members) or (
            unpacked > _UNPACKED and unpacked > _RATIO * packed
        ):
            raise ResultsError(
                str(path),
                got=f"an archive of {unpacked} bytes in {packed}",
                allowed="arrays of a run",
                todo="Do not trust it",
            )
        out = {}
        for one in members:
            data = archive.read(one)
            head = io.BytesIO(data)
            version = np.lib.format.read_magic(head)
            shape, _, dtype = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )(head)
            if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - head.tell():
                raise ValueError
            out[one.filename.removesuffix(".npy")] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return out
