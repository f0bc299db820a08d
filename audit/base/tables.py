"""A table that somebody made in, every column as text out, or one refusal that says at which line of the file the
table stops being certain.

In: CSV (comma, semicolon or tab; UTF-8, or UTF-16 and UTF-32 with a byte order mark; gzip or not), or parquet. Out:
``Table``. Its one idea: a table is read where its meaning is certain and refused where it is not: a row with one cell
too many shifts every column after it, so no cell is ever moved, invented or renamed. A line number is the file's own:
blank and comment lines count.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.columnar import read_parquet
from audit.base.csv_lines import Lines, bad, cells_of, one_more, separator_of
from audit.base.errors import BenchmarkError
from audit.base.spreadsheet import OURS, unquoted
from audit.base.table_text import CHUNK, text_of
from audit.base.words import PERHAPS_NOTHING, is_alike, loose, sayable, trimmed, truth, unprintable

__all__ = ["NUMBER", "Table", "as_numbers", "read", "said_titles", "text_lines"]


NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""What is read as a number: no thousands, no decimal comma, no words, no hexadecimal."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was handed over.

    Attributes
    ----------
    name : str
        The file's name.
    sha256 : str
        Of its bytes.
    frame : DataFrame of str
        R rows; "" for an empty cell; cells and names without spaces at their ends, letters composed (NFC).
    lines : NDArray (R,) int64
        Where each row begins: the line of the file from 1, or the row from 1 in parquet.
    unit : str
        "line" or "row".
    """

    name: str
    sha256: str
    frame: pd.DataFrame
    lines: NDArray[np.int64]
    unit: str = "line"

    def at(self, row: int) -> str:
        """Say where a row (from 0) stands: "line 7"."""
        return f"{self.unit} {int(self.lines[row])}"

    @property
    def titles(self) -> str:
        """The header, for a message; not where it looks like a row, for then it holds a person's values: numbers,
        paths, its own column's words.
        """
        return said_titles(self.frame)

    def refuse(self, column: str, bad: NDArray[np.bool_], got: str, allowed: str, todo: str) -> None:
        """Raise ``BenchmarkError`` where any of R rows is bad, naming file, column and the first row by its line in
        the file.
        """
        if bad.any():
            first = int(self.lines[int(bad.argmax())])
            got = f"{got} in {int(bad.sum()):,} rows (first: row {first})"
            raise BenchmarkError(f"{self.name}, column {column}", got=got, allowed=allowed, todo=todo)

    def ids(self, columns: Sequence[str], how: str, key: str) -> dict[str, pd.Series[str]]:
        """Give columns of ids, all of one kind of thing.

        Parameters
        ----------
        columns : sequence of str
        how : {"ask", "different", "same"}
            What ids are that differ only in case, spaces, leading zeros or a trailing ".0": refused, different as
            written, or the same.
        key : str
            The config's key for ``how``.

        Raises
        ------
        BenchmarkError
            How is "ask" and there are such ids, or words such as "nan" or "unknown" that may be no id; ids are never
            printed.
        """
        found = {column: self.frame[column] for column in columns}
        every = pd.unique(pd.concat(list(found.values())))
        for column, values in found.items():
            self.refuse(
                column,
                values.map(unprintable).to_numpy(bool),
                "a line break or control character",
                "ids without one",
                "Take it out",
            )
        if how == "same":
            return {column: values.map(loose).astype("str") for column, values in found.items()}
        if how == "ask":
            twins, nobody = is_alike(every), {one for one in every if one and one.casefold() in PERHAPS_NOTHING}
            todo = (
                f'Write {key} = "different" if all ids are right as they are written, "same" if such spellings are one'
            )
            for column, values in found.items():
                said = "ids that differ from another only in case, spaces, leading zeros or a trailing .0"
                self.refuse(column, values.isin(twins).to_numpy(bool), said, "one spelling an id", todo)
                said = "a word that may stand for no id (nan, NA, unknown, ...)"
                self.refuse(
                    column,
                    values.isin(nobody).to_numpy(bool),
                    said,
                    "an id in every row",
                    f'Complete the ids, or write {key} = "different"',
                )
        return found

    def truth(
        self,
        column: str,
        key: str,
        *,
        pairs: bool = False,
        empty: bool = False,
        said: Mapping[str, bool] | None = None,
    ) -> NDArray[np.int8]:
        """Give a column of truth values (R,) int8: 1, 0, and -1 for an empty cell where ``empty`` is allowed;
        ``words.truth`` has the list.

        Raises
        ------
        BenchmarkError
            A value that is in no list; names those that are ``sayable``, and ``key``, which declares them.
        """
        values = self.frame[column]
        found, strange = truth(values.unique(), pairs=pairs, said=said)
        if empty and "" in strange:
            found[""] = -1
            strange.remove("")
        names = sayable(values, strange)
        todo = "Write 1 and 0" + (
            f', or declare the words: {key} = {{ "word" = true, "other" = false }}' if key else ""
        )
        self.refuse(
            column,
            values.isin(strange).to_numpy(bool),
            "a value other than 0 and 1",
            "1 for yes, 0 for no",
            f"Here: {names}. {todo}",
        )
        return np.array([found[one] for one in values], np.int8)


def read(path: Path, columns: Sequence[str] = (), *, spaces: bool = False, verbatim: Sequence[str] = ()) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Names that must be there; they also help to tell the separator.
    spaces : bool
        Cells are separated by runs of spaces or tabs instead.
    verbatim : sequence of str
        Columns of paths: a file's name may end in a space, so nothing is taken off.

    Raises
    ------
    BenchmarkError
        Not readable, in another encoding, cut off, a row longer or shorter than the header, a name twice, a separator
        that is not certain, or a column missing. R's row names (every row has one cell more than the header, and the
        first cells are quoted numbers, or 1, 2, 3, ... where the first title is none that may number rows) are left
        out.
    """
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        raise bad(path.name, f"a file that cannot be read ({type(error).__name__})", todo="Check the file") from error
    digest = hashlib.sha256(raw).hexdigest()
    if raw[:4] == b"PAR1" or path.suffix == ".parquet":
        frame = read_parquet(raw, path.name, columns)
        table = Table(path.name, digest, frame, np.arange(1, len(frame) + 1), "row")
    else:
        table = _csv(path.name, digest, text_of(raw, path.name), columns, spaces, verbatim)
    lacking = [column for column in columns if column not in table.frame]
    if lacking:
        raise BenchmarkError(
            path.name,
            got=f"no column {', '.join(lacking)}",
            allowed=table.titles,
            todo="Check the header, or name the columns in the config",
        )
    _refuse_renamed(table)
    return table


def said_titles(frame: pd.DataFrame) -> str:
    """As ``Table.titles``, of a frame of text."""
    for place, title in enumerate(map(str, frame.columns)):
        a_path = "/" in title or "\\" in title or "@" in title or re.search(r"\.[A-Za-z]{2,4}$", title)
        if not title or a_path or len(title) > 60 or NUMBER.fullmatch(title) or (frame.iloc[:, place] == title).any():
            return f"a header; the first line looks like a row of the table ({frame.shape[1]} cells)"
    return ", ".join(map(str, frame.columns))[:500]


def text_lines(path: Path) -> list[tuple[int, str]]:
    """Give the lines of a list that is no table, with their numbers from 1, blank ones passed over; refused as
    ``read`` refuses what is no text.

    Raises
    ------
    BenchmarkError
        Not readable, or in another encoding.
    """
    try:
        text = text_of(path.read_bytes(), path.name)
    except OSError as error:
        raise bad(
            path.name, f"a file that cannot be read ({type(error).__name__})", "text in UTF-8", "Check the file"
        ) from error
    return [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1) if line.strip()]


def _refuse_renamed(table: Table) -> None:
    """Refuse "x.1" beside an "x" that says something else: so pandas writes the second of two columns of one name."""
    for column in table.frame.columns:
        base = str(column).removesuffix(".1")
        if base != column and base in table.frame and not table.frame[base].equals(table.frame[column]):
            if not table.titles.startswith(str(table.frame.columns[0])):
                raise bad(table.name, "two columns whose names differ in .1 only", table.titles, "Write a header")
            raise bad(
                table.name,
                f"columns {base!r} and {column!r}, which say different things: so a tool renames the "
                f"second of two columns of one name",
                "every name once",
                "Remove or rename the one that is wrong",
            )


def as_numbers(values: Iterable[str]) -> NDArray[np.float64]:
    """Read text as float64, each the nearest to what is written (round trip); NaN where ``NUMBER`` does not fit."""
    fits = NUMBER.fullmatch
    return np.array([float(one) if fits(one) else np.nan for one in values], np.float64)


def _csv(name: str, digest: str, text: str, columns: Sequence[str], spaces: bool, verbatim: Sequence[str]) -> Table:
    """Tell the separator by the header, read all rows, and hold each against the header."""
    lines = Lines(name, text)
    head = lines.header()
    told = re.fullmatch(r"sep=([,;\t])\s*", head)  # Excel's own way to say it
    if told:
        head = lines.header()
    separator = "" if spaces else told[1] if told else separator_of(name, lines.number, head, columns)
    titles = [trimmed(cell) for cell in cells_of(head, separator)]
    comments = [one.rstrip(" \r\n,;\t") for one in lines.comments]  # a spreadsheet fills a line with separators
    ours = OURS in comments
    if any(not one.startswith(OURS) and len(cells_of(one, separator)) == len(titles) > 1 for one in lines.comments):
        raise bad(
            name,
            "a comment line above the header that has as many cells as the header",
            "one header",
            "Remove one of the two",
        )
    starts, parts, rows = [], [], []
    raw = [k for k, title in enumerate(titles) if title in verbatim]
    for start, cells in lines.records(separator, len(titles)):
        starts.append(start)
        rows.append(cells)
        if len(rows) == CHUNK:
            parts.append(_trim(rows, raw))
            rows = []
    if rows:
        parts.append(_trim(rows, raw))
    width = len(parts[0]) if parts else len(titles)
    empty = pd.Series([], dtype="str")
    texts = [pd.concat([part[k] for part in parts], ignore_index=True) if parts else empty for k in range(width)]
    if width > len(titles):
        texts = one_more(name, lines, len(titles), titles[0], texts)
    blank = [
        k
        for k, title in enumerate(titles)
        if not title and (k > 0 or not len(texts[k])) and not (texts[k] != "").any()
    ]
    if ours:
        titles, texts = list(map(unquoted, titles)), [column.map(unquoted).astype("str") for column in texts]
    named = [(title, column) for k, (title, column) in enumerate(zip(titles, texts, strict=True)) if k not in blank]
    twice = sorted(title for title, count in Counter(title for title, _ in named).items() if count > 1)
    if twice:
        shown = pd.concat([column.rename(title) for title, column in named], axis=1)
        said = (
            f"column {', '.join(map(repr, twice))} twice"
            if said_titles(shown).startswith(titles[0])
            else f"{len(twice)} columns twice"
        )
        raise bad(
            f"{name}, line {lines.first}", said, "every name once", "Rename or remove one of them, or write a header"
        )
    return Table(name, digest, pd.DataFrame(dict(named)), np.array(starts, np.int64))


def _trim(rows: list[list[str]], raw: Sequence[int]) -> list[pd.Series[str]]:
    """Rows into columns, cells trimmed but in the columns ``raw``."""
    columns = enumerate(zip(*rows, strict=True))
    return [pd.Series(list(column) if k in raw else list(map(trimmed, column)), dtype="str") for k, column in columns]
