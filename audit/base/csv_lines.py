"""The text of a CSV file in, its records with the line each begins on out.

Its one idea: a quote that is not closed, or a row with more cells than the header, is refused by its line and never
read as something else.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.words import trimmed

__all__ = ["Lines", "bad", "cells_of", "one_more", "separator_of"]

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


_COUNTS = re.compile(
    r"(?i)^$|(^|[^a-z])(id|ids|idx|index|no|nr|num|number|row|n|i|pair|probe|sample|search|trial|subject|person|identity|people|key)([^a-z]|$)|_?id$"
)
"""Titles of a first column that may itself hold 1, 2, 3, ..."""


def bad(
    name: str, got: str, allowed: str = "CSV in UTF-8 with a header, or parquet", todo: str = "Write it again"
) -> BenchmarkError:
    """The error of a table that cannot be read."""
    return BenchmarkError(name, got=got, allowed=allowed, todo=todo)


class Lines:
    """The lines of a text, counted; which records they make; blank lines and comments passed over between records,
    never inside quotes.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.number = self.first = 0
        self.comments: list[str] = []
        self.quoted, self.bare = True, False  # do all records begin with a quote; is a cell of any of them without
        self._stream = io.StringIO(text, newline="")

    def header(self) -> str:
        """Give the first line that is neither blank nor a comment."""
        for line in self._stream:
            self.number += 1
            if line.strip() and not line.startswith("#"):
                self.first, self.quoted = self.number, line.startswith('"')
                return line.rstrip("\r\n")
            if line.strip():
                self.comments.append(line)
        raise bad(
            self.name,
            f"a table that cannot be read ({'no header' if self.number else 'an empty file'})",
            todo="Write a header and its rows",
        )

    def records(self, separator: str, width: int) -> Iterator[tuple[int, list[str]]]:
        """Give (line, cells) of every record; all have ``width`` cells, or all have one more.

        Raises
        ------
        BenchmarkError
            A record of another length, an open quote, or a comment that may be a row.
        """
        begin, raw, last, hashed, kept, usual, marked, first_marked = 0, "", "", 0, 0, 0, 0, 0

        def plain() -> Iterator[str]:
            nonlocal begin, raw, hashed, last
            for line in self._stream:
                self.number += 1
                if not begin:
                    if not line.strip() or (
                        line[0] == "#" and len(cells_of(line, separator)) not in (width, usual or width)
                    ):
                        hashed = hashed or (self.number if line.strip() else 0)
                        continue
                    begin, raw = self.number, line
                last = line
                yield line

        reader: Iterator[list[str]]
        try:
            reader = (
                (line.split() for line in plain())
                if not separator
                else csv.reader(plain(), delimiter=separator, strict=True, skipinitialspace=True)
            )
            for cells in reader:
                start, line, begin = begin, raw, 0
                if width > 1 and not any(map(str.strip, cells)):
                    continue  # separators alone say nothing
                if (
                    start != self.number
                    and len(cells_of(line, separator)) >= width > 1
                    and len(cells_of(last, separator)) >= width
                ):
                    raise self._refuse(
                        start,
                        "a quote that may swallow the lines after it",
                        "quotes in pairs",
                        "Close or double the quote",
                    )
                usual = usual or len(cells)
                if len(cells) != usual or usual not in (width, width + 1):
                    at, count = (start, len(cells)) if usual == width else (self.first_row, usual)
                    raise self._refuse(
                        at,
                        f"{count} cells under a header of {width}",
                        f"{width} cells in every row",
                        "Complete the row; quote cells that hold a separator",
                    )
                if not kept and usual:
                    self.first_row = start
                kept += 1
                self.quoted &= line.startswith('"')
                self.bare |= usual > width and line.count('"') < 2 * usual
                if line.startswith("#"):
                    marked, first_marked = marked + 1, first_marked or start
                yield start, cells
            if marked and (hashed or marked < kept):
                said = "a line that begins with # and may be a comment or a row"
                raise self._refuse(
                    hashed or first_marked,
                    said,
                    "comments, or ids that begin with #",
                    "Quote such ids, or remove the comments",
                )
        except csv.Error as error:
            said = (
                "a quote that is never closed"
                if "end of data" in str(error)
                else "a cell that is too long"
                if "limit" in str(error)
                else "a quote inside a quoted cell"
            )
            raise self._refuse(
                begin or self.number, said, "quotes around whole cells, doubled inside", "Mend the quote"
            ) from error

    first_row = 0

    def _refuse(self, line: int, got: str, allowed: str, todo: str) -> BenchmarkError:
        return bad(f"{self.name}, line {line or self.number}", got, allowed, todo)


def cells_of(line: str, separator: str) -> list[str]:
    """Split one line; quotes that it leaves open do not matter."""
    if not separator:
        return line.split()
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def separator_of(name: str, line: int, head: str, columns: Sequence[str]) -> str:
    """Tell it by the header: the one that splits it, or the one that gives the names asked for."""
    found = {one: [trimmed(cell) for cell in cells_of(head, one)] for one in _SEPARATORS}
    splits = [one for one, cells in found.items() if len(cells) > 1]
    named = [one for one in splits if columns and set(columns) <= set(found[one])]
    if len(splits) > 1 and len(named) != 1:
        said = " and ".join(_SEPARATORS[one] for one in splits)
        raise bad(
            f"{name}, line {line}",
            f"a header with {said}",
            "one separator: comma, semicolon or tab",
            "Quote names that hold another one",
        )
    return (named or splits or [","])[0]


def one_more(name: str, lines: Lines, width: int, title: str, texts: list[pd.Series[str]]) -> list[pd.Series[str]]:
    """Every row has one cell more than the header: take R's row names or an empty last column away, where it is
    certainly one of them.
    """
    first = list(texts[0])
    counted = len(first) > 1 and any(
        all(cell == str(k) for k, cell in enumerate(first, start=begin)) for begin in (0, 1)
    )
    # A quoted number beside bare ones is a name. Quoted words may be ids whose table lacks its last title: they prove
    # nothing, nor does 1, 2, 3, ... under a title that numbers rows or people.
    numbered = (
        lines.quoted
        and lines.bare
        and len(set(first)) == len(first)
        and all(cell.isascii() and cell.isdigit() for cell in first)
    )
    named = numbered or (counted and not _COUNTS.search(title))
    ended = not (texts[-1] != "").any()
    if named != ended:
        return texts[1:] if named else texts[:-1]
    raise bad(
        f"{name}, line {lines.first_row}",
        f"{width + 1} cells under a header of {width}, as in every row",
        "a name for every column (R's row names, 1, 2, 3, ..., beside columns that are no ids need none)",
        "Write the missing name into the header",
    )
