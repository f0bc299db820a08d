"""Every column of every table, stated once: name, kind, unit, meaning (``columns.toml``).

Its one idea: whoever makes a table gives rows by name (``frame``), whoever reads one gets the very same kinds back
(``read``), and the description of published tables and the glossary are made from the same statement, so a column
cannot be written in one way and read or explained in another.

Kinds: ``text``; ``whole`` (int64, or float64 where a number is missing); ``number`` (float64, missing is NaN);
``truth``. Units: share (0 to 1), ratio, spreads (typical spreads of people), score (larger = more alike), own (the
matcher's or measure's own), and what is counted.
"""

from __future__ import annotations

import io
import math
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from audit.base.spreadsheet import to_csv, unquoted

__all__ = ["MEASURES", "TABLES", "Column", "csv_bytes", "empty", "frame", "read"]

MEASURES = ("FMR", "FMR_same_cell", "FNMR", "FNMR_with_failures", "FTA")

Kind = Literal["text", "whole", "number", "truth"]


class Column(NamedTuple):
    """One column of a table."""

    name: str
    kind: Kind
    unit: str
    meaning: str


def _stated() -> dict[str, dict[str, Column]]:
    text = resources.files("audit.words").joinpath("columns.toml").read_text(encoding="utf-8")
    return {
        f"{table}.csv": {name: Column(name, *entry) for name, entry in columns.items()}
        for table, columns in tomllib.loads(text).items()
    }


TABLES: Mapping[str, Mapping[str, Column]] = _stated()
"""File name -> column name -> column, in the order in which they are written."""


def _typed(column: Column, values: list[Any]) -> pd.Series[Any]:
    """Values as the column's kind; None and NaN are "missing"."""
    if column.kind == "text":
        return pd.Series(["" if value is None or value != value else str(value) for value in values], dtype=object)
    if column.kind == "truth":
        return pd.Series([bool(value) for value in values], dtype=bool)
    numbers = np.array([math.nan if value is None or value == "" else value for value in values], dtype=np.float64)
    if column.kind == "whole" and np.isfinite(numbers).all():
        return pd.Series([int(value) for value in values], dtype=np.int64)
    return pd.Series(numbers)


def frame(table: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows by name as a table with every column in its order and kind; a column that a row leaves out is missing
    there.

    Parameters
    ----------
    table : str
        Stem of the file's name, e.g. ``rates``.
    rows : iterable of mapping

    Raises
    ------
    KeyError
        No such table, or a row with a column that it does not have.

    Examples
    --------
    >>> frame("refused", [{"what": "FTA", "needs": "photos"}]).to_dict("records")
    [{'what': 'FTA', 'why': '', 'needs': 'photos'}]
    """
    columns, given = TABLES[f"{table}.csv"], list(rows)
    unknown = {name for row in given for name in row} - set(columns)
    if unknown:
        raise KeyError(f"{table} has no column {', '.join(sorted(map(str, unknown)))}")
    return pd.DataFrame({name: _typed(column, [row.get(name) for row in given]) for name, column in columns.items()})


def empty(table: str) -> pd.DataFrame:
    """A table without rows."""
    return frame(table, ())


def csv_bytes(table: pd.DataFrame) -> bytes:
    """UTF-8 CSV; floats as the shortest text that reads back to the same number, words that a spreadsheet would
    calculate behind an apostrophe.
    """
    return to_csv(table)


def read(table: str, content: bytes) -> pd.DataFrame:
    """Read a table as ``csv_bytes`` wrote it: text stays text, every number is the one that was written.

    Raises
    ------
    ValueError
        No such table, other columns, or a value that is not of its column's kind.
    """
    columns = TABLES.get(f"{table}.csv")
    found = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    if columns is None or list(found.columns) != list(columns):
        message = "no such table, or other columns than are stated"
        raise ValueError(message)
    return pd.DataFrame(
        {name: _typed(column, [_value(column.kind, text) for text in found[name]]) for name, column in columns.items()}
    )


def _value(kind: Kind, text: str) -> Any:
    if kind == "text":
        return unquoted(text)
    if text == "":
        return None
    if kind == "truth":
        if text not in ("True", "False"):
            message = "neither True nor False"
            raise ValueError(message)
        return text == "True"
    return int(text) if kind == "whole" and text.lstrip("-").isdigit() else float(text)
