"""Parquet in, every column as the text that CSV would hold: text stays as it is, numbers as they round trip, truth as
1 and 0, nothing as "".

Its one idea: the file's own types say what a value is, so nothing is turned into a float on the way (a nullable whole
number stays whole).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.words import trimmed

__all__ = ["read_parquet"]


def read_parquet(raw: bytes, name: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a parquet file's columns as text; index columns that pandas wrote are columns like others.

    Raises
    ------
    BenchmarkError
        No parquet, a name twice, or a column of ``columns`` that holds lists or bytes (others of that kind are left
        out).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(raw)).read()
        names = [trimmed(str(one)) for one in table.column_names]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise BenchmarkError(
                name,
                got=f"column {', '.join(map(repr, twice))} twice",
                allowed="every name once",
                todo="Rename one of them",
            )
        out = {}
        for title, column in zip(names, table.columns, strict=True):
            if pa.types.is_dictionary(column.type):
                column = column.cast(column.type.value_type)
            said = _as_text(column.type, pa)
            if said is None:
                if title in columns:
                    raise BenchmarkError(
                        f"{name}, column {title}",
                        got=f"values of type {column.type}",
                        allowed="text or numbers",
                        todo="Convert them",
                    )
                continue
            out[title] = pd.Series(["" if one is None else said(one) for one in column.to_pylist()], dtype="str")
        return pd.DataFrame(out)
    except BenchmarkError:
        raise
    except Exception as error:  # arrow raises many kinds on damaged files
        raise BenchmarkError(
            name,
            got=f"a parquet file that cannot be read ({type(error).__name__})",
            allowed="parquet, or CSV in UTF-8 with a header",
            todo="Write it again",
        ) from error


def _as_text(kind: Any, pa: Any) -> Callable[[Any], str] | None:
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return lambda one: trimmed(one.replace("\0", "\ufffd"))
    if types.is_boolean(kind):
        return lambda one: "1" if one else "0"
    if types.is_floating(kind):
        return _float
    if types.is_integer(kind) or types.is_decimal(kind):
        return str
    if types.is_timestamp(kind) or types.is_date(kind):
        return lambda one: str(one).removesuffix(" 00:00:00")
    if types.is_null(kind):
        return lambda one: ""
    return None


def _float(one: float) -> str:
    """Give the shortest text that reads back to the same float64; whole numbers without a point; NaN is nothing."""
    return "" if one != one else repr(float(one)).removesuffix(".0")
