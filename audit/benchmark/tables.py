"""Small tables and identifiers that every adapter needs.

In: paths and text. Out: frames of text, hashed identifiers. Its one idea: a name never becomes an identifier; its hash
does.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.base.spreadsheet import to_table
from audit.base.tables import Table, as_numbers, read

__all__ = [
    "IMAGES",
    "age_on",
    "ages_on",
    "folds",
    "half_labelled",
    "key",
    "once",
    "photographs_in",
    "read_table",
    "write_table",
]

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def key(text: str) -> str:
    """Give the first 16 hex digits of sha256(text): a million names collide with probability below 1e-7."""
    try:
        return hashlib.sha256(text.encode()).hexdigest()[:16]
    except UnicodeEncodeError:
        got = "a file name that is not UTF-8"
        raise BenchmarkError(
            "data directory", got=got, allowed="names in UTF-8", todo="Rename it (`convmv` does whole folders)"
        ) from None


def photographs_in(root: Path, depth: Sequence[int] = (2,)) -> list[str]:
    """List the image files at the given depths below ``root`` as sorted relative paths ("person/photo.jpg" has depth
    2); hidden ones left out.
    """
    found: list[str] = []
    unfit = 0
    for levels in depth:
        for path in root.glob("/".join("*" * levels)):
            name = path.relative_to(root).as_posix()
            if (
                path.suffix.lower() in IMAGES
                and not any(part.startswith(".") for part in name.split("/"))
                and path.is_file()
            ):
                fit = name.isprintable() or not any(
                    "\ud800" <= letter <= "\udfff" or letter in "\n\r" for letter in name
                )
                unfit += not fit
                found += [name] * fit
    if unfit:
        raise BenchmarkError(
            "data directory",
            got=f"{unfit:,} photographs whose names are not UTF-8 or hold a line break",
            allowed="names in UTF-8 on one line",
            todo="Rename them, e.g. with convmv",
        )
    odd = sum(not one.isascii() and any("\ud800" <= letter <= "\udfff" for letter in one) for one in found)
    if odd:
        got = f"{odd:,} photographs whose names are not UTF-8"
        raise BenchmarkError(
            "data directory", got=got, allowed="names in UTF-8", todo="Rename them (`convmv` does whole folders)"
        )
    return sorted(found)


def read_table(path: Path, *, columns: Sequence[str] = (), spaces: bool = False) -> pd.DataFrame:
    """Read a table, all columns as text, "" for empty, as ``audit.base.tables.read`` does and with its errors."""
    return read(path, columns, spaces=spaces).frame


def folds(table: Table, column: str = "fold") -> NDArray[np.int64]:
    """Give a column of folds (R,) int64: whole numbers from 0 ("3.0" is 3, as tools write it); 0 is no fold.

    Raises
    ------
    BenchmarkError
        Text, an empty cell, a part of a fold, or one above a million.
    """
    values = as_numbers(table.frame[column])
    fine = (values >= 0) & (values <= 1e6) & (values == np.floor(values))
    table.refuse(column, ~fine, "no fold", "1, 2, 3, ..., or 0 for a pair outside the folds", "Number the folds")
    return values.astype(np.int64)


LEAST_LABELLED = 0.05
"""A label table that knows fewer than one person in twenty is another
benchmark's, or its ids are written otherwise."""


def half_labelled(wanted: pd.Series[str], known: pd.Series[str], what: str, table: str) -> tuple[str, ...]:
    """Say how many of ``wanted`` a label table knows; nothing where it knows all.

    Raises
    ------
    BenchmarkError
        It knows fewer than ``LEAST_LABELLED`` of them.
    """
    every = set(wanted)
    found = len(every & set(known))
    if every and found < LEAST_LABELLED * len(every):
        raise BenchmarkError(
            table,
            got=f"labels of {found:,} of {len(every):,} {what}",
            allowed=f"labels of {LEAST_LABELLED:.0%} at least",
            todo="Check that its ids are written as in the names of files and folders",
        )
    return (
        (f"{table} knows {found:,} of {len(every):,} {what}; the others are unlabelled.",)
        if found < len(every)
        else ()
    )


def once(whole: Table, rows: pd.DataFrame, column: str, name: str) -> None:
    """Refuse rows of a table that say different things of one ``column``; ids are never printed."""
    twice = np.zeros(len(whole.frame), bool)
    twice[rows.index[rows[column].duplicated()]] = True
    whole.refuse(
        name,
        twice,
        "an id that an earlier row describes otherwise",
        "one row each, or equal ones",
        "Keep the right one",
    )


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as csv.gz with the same bytes every time (no clock in the gzip header); ``read_table`` gives every
    word back.
    """
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9) as stream,
    ):
        stream.write(to_table(frame))


def ages_on(births: Sequence[str], taken: Sequence[str], lines: Sequence[int] = ()) -> list[str]:
    """Give ``age_on`` of every row; an error says in which row (or at which of ``lines``), never the date.

    Raises
    ------
    BenchmarkError
        As ``age_on``.
    """
    out = []
    for row, (birth, when) in enumerate(zip(births, taken, strict=True)):
        try:
            out.append(age_on(birth, when))
        except BenchmarkError as error:
            at = f"line {lines[row]}" if len(lines) else f"row {row + 1}"
            raise BenchmarkError(
                f"dates of birth and of photos, {at}", got=error.got, allowed=error.allowed, todo=error.todo
            ) from None
    return out


def age_on(birth: str, taken: str) -> str:
    """Give the age in whole years on the day a photo was taken, as text; "" where a date is missing.

    Dates are "YYYY-MM-DD", or "YYYY" for a year alone, which is read as its middle (1 July): the age is then right to
    within a year.

    Raises
    ------
    BenchmarkError
        Not a date, or a photo before birth.
    """
    if not birth or not taken:
        return ""
    (y1, *rest1), (y2, *rest2) = _date(birth), _date(taken)
    age = y2 - y1 - (rest2 < rest1)
    if age < 0:
        raise BenchmarkError(
            "dates",
            got="a photo taken before its subject was born",
            allowed="birth, then photo",
            todo="Correct the dates",
        )
    return str(age)


def _date(text: str) -> tuple[int, int, int]:
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})-(\d{2}))?", text, re.ASCII)
    year, month, day = (int(found[1]), int(found[2] or 7), int(found[3] or 1)) if found else (0, 0, 0)
    try:
        datetime.date(year, month, day)
    except ValueError:
        raise BenchmarkError(
            "dates", got="no date of the calendar", allowed="YYYY-MM-DD or YYYY", todo="Correct the date"
        ) from None
    return year, month, day
