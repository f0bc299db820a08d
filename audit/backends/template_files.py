"""Files of ready-made templates: npy, npz or parquet in; the numbers as they were given and a table of ids, status and
reason out.

Its one idea: nothing in the file is believed before it is counted. Sizes that a header declares must be those of the
bytes that follow, what is packed is measured before it is unpacked, objects are never loaded; and what float32 would
round stays float64.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.answers import WIDEST
from audit.base.errors import AuditError, BackendError

__all__ = ["Vectors", "read"]

Vectors = NDArray[np.float32] | NDArray[np.float64]

SMALL_BYTES = 64 * 2**20
"""What unpacks to no more than this is unpacked, however small it is packed."""

MOST_PACKED = 100
"""Beyond, unpacked bytes per packed byte: templates hardly pack at all, texts ten times."""

COLUMNS = ("status", "reason")


def _refuse(
    path: Path, got: str, allowed: str = "see audit/backends/templates.py", todo: str = "Write it again"
) -> NoReturn:
    raise BackendError(str(path), got=got, allowed=allowed, todo=todo)


def read(path: Path, samples: Path | None, ids: str) -> tuple[Vectors, pd.DataFrame]:
    """Read a file of templates.

    Parameters
    ----------
    path : Path
        .npy, .npz or .parquet.
    samples : Path or None
        For .npy: the table with one row per vector.
    ids : str
        Name of the column, or array, of ids.

    Returns
    -------
    vectors : NDArray (N, D) float32, or float64 where the file holds more than float32
    table : DataFrame of N rows
        ``sample_id`` (text), and ``status`` and ``reason`` (text) where the file has them.

    Raises
    ------
    BackendError
        Anything else than such a file, whatever its bytes are.
    """
    try:
        if path.suffix == ".npy":
            if samples is None:
                _refuse(path, "no option 'samples'", f"a CSV with column {ids}, one row per vector", "Set it")
            vectors, columns = _array(path.read_bytes(), path), _from_csv(samples, ids)
        elif path.suffix == ".npz":
            vectors, columns = _npz(path, ids)
        elif path.suffix == ".parquet":
            vectors, columns = _parquet(path, ids)
        else:
            _refuse(path, f"a file ending in {path.suffix!r}", ".npy, .npz, .parquet", "Convert it")
    except AuditError:
        raise
    except MemoryError:
        _refuse(
            path, "more than the memory of this machine holds", todo="Write it in parts, or check what it declares"
        )
    except Exception as error:  # numpy, zipfile and arrow raise many kinds for damaged files
        said = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise BackendError(
            str(path),
            got=f"it cannot be read ({said})",
            allowed="see audit/backends/templates.py",
            todo="Write it again",
        ) from error
    if ids not in columns:
        _refuse(
            samples or path,
            f"no column {ids!r} among {', '.join(map(repr, columns)) or 'none'}",
            "the column that holds the ids",
            "Set option 'id'",
        )
    out = pd.DataFrame(
        {"sample_id": columns[ids], **{name: columns[name] for name in COLUMNS if name in columns and name != ids}},
        dtype=object,
    )
    if len(out) != len(vectors):
        _refuse(samples or path, f"{len(vectors)} vectors, a table of {len(out)} rows", "one row per vector")
    return _real(vectors, path), out


def _real(vectors: NDArray[Any], path: Path) -> Vectors:
    """(N, D) float32 as they are, everything else as float64 unless that would round."""
    if vectors.ndim != 2 or not 0 < vectors.shape[1] <= WIDEST or vectors.dtype.kind not in "fiu":
        got = f"vectors of shape {vectors.shape} and type {vectors.dtype}"
        _refuse(path, got, f"real numbers of shape (samples, dimensions), at most {WIDEST} dimensions")
    if vectors.dtype.kind == "f" and vectors.dtype.itemsize <= 4:
        return np.ascontiguousarray(vectors, dtype=np.float32)
    out = np.ascontiguousarray(vectors, dtype=np.float64)
    if vectors.dtype.kind != "f" and vectors.size and max(abs(int(vectors.max())), abs(int(vectors.min()))) > 2**53:
        _refuse(path, "whole numbers beyond 2**53", "numbers that float64 holds exactly", "Scale them")
    if not np.array_equal(out, vectors, equal_nan=True):
        _refuse(path, f"{vectors.dtype} that float64 would round", "float32 or float64", "Round them yourself")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = out.astype(np.float32)
    return rounded if np.array_equal(rounded, out, equal_nan=True) else out


def _array(data: bytes, path: Path) -> NDArray[Any]:
    """Read one array whose header declares as many bytes as follow it."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if header is None:
        _refuse(path, f"an array of format {version}", "format 1.0 or 2.0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a header of Python 2 is as good
        shape, fortran, dtype = header(stream)
    if dtype.hasobject:
        _refuse(path, "an array of Python objects", "numbers and texts")
    if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        _refuse(
            path,
            f"an array that declares shape {shape} of {dtype} and holds {len(data) - stream.tell()} bytes",
            "a whole file",
        )
    values = np.frombuffer(data, dtype, offset=stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")


def _npz(path: Path, ids: str) -> tuple[NDArray[Any], dict[str, list[str]]]:
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        if len(set(names)) < len(names):
            _refuse(path, "an array twice", "every name once")
        arrays = {}
        for name, member in zip(names, members, strict=True):
            if name not in ("vectors", ids, *COLUMNS):
                continue
            if member.file_size > max(SMALL_BYTES, MOST_PACKED * member.compress_size):
                _refuse(
                    path,
                    f"array {name!r} unpacks to {member.file_size >> 20} MB from {member.compress_size >> 10} KB",
                    "templates, not a bomb",
                )
            arrays[name] = _array(file.read(member), path)  # the whole member: its checksum is looked at
    if "vectors" not in arrays:
        _refuse(
            path, f"no array 'vectors' among {', '.join(map(repr, names[:20])) or 'none'}", "arrays vectors and " + ids
        )
    vectors = arrays.pop("vectors")
    for name, values in arrays.items():
        if values.shape != vectors.shape[:1] or values.dtype.kind not in "USiufb":
            _refuse(
                path,
                f"array {name!r} of shape {values.shape} and type {values.dtype}",
                "one text or number per vector",
            )
    return vectors, {name: [_text(value, path) for value in values.tolist()] for name, values in arrays.items()}


def _text(value: Any, path: Path) -> str:
    """Text as it is, whole numbers as they are written; anything else cannot be an id or a status."""
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        _refuse(path, f"a {type(value).__name__} among ids, status or reasons", "texts or whole numbers")
    return str(value).strip()


def _from_csv(path: Path, ids: str) -> dict[str, list[str]]:
    from audit.base.tables import read as read_table

    frame = read_table(path, [ids]).frame
    return {str(name): [str(value) for value in frame[name]] for name in frame}


def _parquet(path: Path, ids: str) -> tuple[NDArray[Any], dict[str, list[str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    names = list(file.schema_arrow.names)
    if len(set(names)) < len(names):
        _refuse(path, "a column twice", "every name once")
    packed, unpacked = (
        path.stat().st_size,
        sum(file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups)),
    )
    if max(unpacked, file.metadata.num_rows) > max(SMALL_BYTES, MOST_PACKED * packed):
        _refuse(path, f"{file.metadata.num_rows} rows in {packed >> 10} KB", "templates, not a bomb")
    numbered = [name for name in names if name[:1] == "v" and name[1:].isdecimal()]
    wanted = ["vector"] if "vector" in names else numbered
    if wanted != ["vector"] and sorted(wanted) != sorted(f"v{place}" for place in range(len(wanted))):
        _refuse(path, f"columns {', '.join(sorted(wanted)[:5])} ...", "v0, v1, ... without a gap")
    if not wanted:
        _refuse(path, f"columns {', '.join(names[:20])}", "a column vector (lists), or columns v0, v1, ...")
    table = file.read(columns=[*wanted, *(name for name in (ids, *COLUMNS) if name in names)])
    table.validate(full=True)
    if wanted == ["vector"]:
        vectors = _lists(table.column("vector").combine_chunks(), path)
    else:
        columns = [table.column(f"v{place}") for place in range(len(wanted))]
        if not all(pa.types.is_floating(one.type) or pa.types.is_integer(one.type) for one in columns):
            _refuse(path, "columns v0, v1, ... that hold no numbers", "real numbers")
        vectors = np.stack([one.to_numpy() for one in columns], axis=1)
    return vectors, {
        name: [_text(value, path) for value in table.column(name).to_pylist()]
        for name in (ids, *COLUMNS)
        if name in names
    }


def _lists(column: Any, path: Path) -> NDArray[Any]:
    """Lists of one length as rows; a row that is null is NaN, for it may be a failure's."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        _refuse(path, f"a column vector of {kind}", "lists of numbers")
    if not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        _refuse(path, f"a column vector with lists of {kind.value_type}", "lists of numbers")
    there = column.is_valid().to_numpy(zero_copy_only=False)
    sizes = np.asarray(
        pc.list_value_length(column.filter(pa.array(there))).to_numpy(zero_copy_only=False), dtype=np.int64
    )
    width = int(sizes[0]) if len(sizes) else 0
    if (sizes != width).any():
        row, first = int(np.flatnonzero(there)[int((sizes != width).argmax())]), int(there.argmax())
        got = f"row {row} has a vector of shape ({int(sizes[(sizes != width).argmax()])},), row {first} one of {width}"
        _refuse(path, got, "one width for all", "Check what made this row")
    values = np.asarray(pc.list_flatten(column.filter(pa.array(there))).to_numpy(zero_copy_only=False))
    if there.all():
        return values.reshape(len(sizes), width)
    out = np.full((len(there), width), np.nan, dtype=values.dtype if values.dtype.kind == "f" else np.float64)
    out[there] = values.reshape(len(sizes), width)
    return out
