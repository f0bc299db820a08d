"""A file that somebody handed over in, checked columns out, or one refusal that says which row is wrong and what is
allowed.

Its one idea: a table made by somebody else is believed in nothing. A value that is not what the column must hold ends
the run, with the line of the file it stands on and without printing an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.base.groups import MOST_GROUPS, UNLABELLED
from audit.base.tables import Table, as_numbers
from audit.base.tables import read as table
from audit.base.words import doubts, example, settle, unprintable

__all__ = [
    "Given",
    "Label",
    "Words",
    "about",
    "asked_twice",
    "codes",
    "flags",
    "labels",
    "locate",
    "nearly_documented",
    "numbers",
    "read",
]


class Label(NamedTuple):
    """A label column: native value to the audit's word ("" for no label, None where the card does not know the value),
    and its categories.
    """

    word: Callable[[str], str | None]
    allowed: str
    known: frozenset[str] = frozenset()


Words = Mapping[str, Label]
"""By column."""

UNDECIDED = "(undecided)"
"""A word that stands for several: such people are unlabelled."""


Given = Table
"""A table as it was handed over: every column as text, "" for empty, and what identifies the file."""


def about(given: Given) -> dict[str, Any]:
    """``input`` of ``audit.json``: what identifies the table, and its rows."""
    return {"file": given.name, "sha256": given.sha256, "rows": len(given.frame)}


def locate(path: str, folder: Path | None) -> Path:
    """Find the table: in the ``--data`` folder, else as a path of its own.

    Raises
    ------
    BenchmarkError
        It is in neither place.
    """
    places = ([folder / path] if folder is not None else []) + [Path(path)]
    for place in places:
        try:
            if place.is_file():
                return place
        except (OSError, ValueError):  # a name that no file can have
            break
    raise BenchmarkError(
        "backend.options.path",
        got=f"{path[:100]!r}, which is no file" + (" in the --data folder" if folder is not None else ""),
        allowed="CSV, csv.gz or parquet",
        todo="Check the path, or give its folder with --data",
    )


def read(path: Path, columns: Sequence[str]) -> Given:
    """Read a table and check that it has rows and the columns named.

    Raises
    ------
    BenchmarkError
        As ``audit.base.tables.read``, or no rows.
    """
    given = table(path, columns)
    if not len(given.frame):
        raise BenchmarkError(
            given.name, got="a header and no rows", allowed="one row at least", todo="Ask for the outputs again"
        )
    return given


def asked_twice(given: Given, columns: Sequence[str]) -> None:
    """Refuse one column that shall answer two questions.

    Raises
    ------
    BenchmarkError
        A name twice among ``columns``.
    """
    twice = sorted({one for one in columns if columns.count(one) > 1})
    if twice:
        raise BenchmarkError(
            "backend.options",
            got=f"column {twice[0]!r} of {given.name} for two things",
            allowed="a column each",
            todo="Correct the names",
        )


def nearly_documented(given: Given, *names: str) -> None:
    """Refuse columns that are a documented name but for case, spaces and hyphens: whether people are known decides
    what can be said.

    Raises
    ------
    BenchmarkError
        There is one.
    """
    near = [
        column
        for column in given.frame.columns
        if re.sub(r"[\s_.-]", "", column).casefold() in {one.replace("_", "") for one in names}
    ]
    if near:
        said = ", ".join(f'{name} = "{column}"' for name, column in zip(names, near, strict=False))
        raise BenchmarkError(
            f"{given.name}, line 1" if given.unit == "line" else given.name,
            got=f"columns {', '.join(map(repr, near))}, which look like {' and '.join(names)}",
            allowed="the documented names, or names in the config",
            todo=f"Write {said} in [backend.options], or rename the columns",
        )


def numbers(given: Given, column: str, *, empty: bool = False) -> NDArray[np.float64]:
    """A column of finite numbers; NaN for an empty cell where ``empty`` is allowed.

    Raises
    ------
    BenchmarkError
        A value is no finite number.
    """
    text = given.frame[column]
    values = as_numbers(text)
    bad = ~np.isfinite(values)
    if empty:
        bad &= (text != "").to_numpy(bool)
    comma = text.str.fullmatch(r"[+-]?[0-9]*,[0-9]+").to_numpy(bool)
    given.refuse(
        column,
        bad & comma,
        "a number with a comma",
        "numbers with a decimal point",
        "Write 0.5 for 0,5, and 1234 for 1,234",
    )
    given.refuse(
        column,
        bad,
        "no finite number",
        "a finite number" + (", or nothing" if empty else ""),
        "Leave such rows out, and say how many",
    )
    return values


def flags(
    given: Given, column: str, *, empty: bool = False, pairs: bool = False, said: Mapping[str, bool] | None = None
) -> NDArray[np.int8]:
    """A column of truth values (``audit.base.words.truth``); -1 for an empty cell where ``empty`` is allowed.

    Raises
    ------
    BenchmarkError
        Any other value.
    """
    return given.truth(column, "backend.options.truth", pairs=pairs, empty=empty, said=said)


def labels(given: Given, attributes: Mapping[str, str], words: Words, suffix: str = "") -> list[str]:
    """One cell name a row: ``role=word|role=word``, "unlabelled" where a label is empty or undecided.

    Parameters
    ----------
    given : Given
    attributes : mapping of role to column
        ``column + suffix`` is read where it is there, else ``column``.
    words : Words

    Raises
    ------
    BenchmarkError
        A value that is not on the card, or that cannot name a group.
    """
    whole = np.ones(len(given.frame), bool)
    parts = []
    for role, column in attributes.items():
        name = column + suffix if column + suffix in given.frame else column
        native = given.frame[name]
        both = {
            one
            for end in ("", "_a", "_b", "_candidate")
            if column + end in given.frame
            for one in given.frame[column + end].unique()
        }
        doubt = doubts(both, words[column].known) if not words[column].allowed else ""
        if doubt:
            raise BenchmarkError(
                f"{given.name}, column {name}", got=doubt, allowed="one spelling of every label", todo=settle(column)
            )
        known = {str(value): words[column].word(str(value)) for value in native.unique()}
        strange = native.map(
            lambda value, known=known: (
                known[value] is None or unprintable(value) or any(mark in str(known[value]) for mark in "|=")
            )
        ).to_numpy(bool)
        if strange.any():
            said = example(str(native[int(strange.argmax())]), native)
            given.refuse(
                name,
                strange,
                f"a group that is not on the card{said}",
                words[column].allowed,
                "Mend it, or declare it",
            )
        word = native.map(known)
        whole &= ~word.isin(["", UNDECIDED]).to_numpy(bool)
        parts.append((role + "=" + word.astype("str")).tolist())
    return [
        "|".join(cell) if fine else UNLABELLED
        for cell, fine in zip(zip(*parts, strict=True), whole.tolist(), strict=True)
    ]


def codes(*columns: Sequence[str]) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Cell names in order, "unlabelled" last, and each column as indices into them."""
    found = set().union(*(set(column) for column in columns))
    if len(found) > MOST_GROUPS:
        raise BenchmarkError(
            "groups.attributes",
            got=f"{len(found):,} groups",
            allowed=f"{MOST_GROUPS:,} at most",
            todo="Name label columns, not ids or scores",
        )
    names = tuple(sorted(found - {UNLABELLED})) + ((UNLABELLED,) if UNLABELLED in found else ())
    place = {name: k for k, name in enumerate(names)}
    return names, [np.array([place[name] for name in column], np.int64) for column in columns]
