"""A table in, CSV out that a spreadsheet shows and does not calculate; and the way back to the very same words.

Its one idea: a text cell that a spreadsheet would take for a formula gets an apostrophe in front, and so does one that
already looks like that, so taking one apostrophe away gives every word back. Numbers stay numbers.
"""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["OURS", "quoted", "shown", "to_csv", "to_table", "unquoted"]

_FORMULA = re.compile("'*\\s*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20|%]")
"""How spreadsheets tell a formula (OWASP, CSV injection): = + - @ tab and line ends, in full width too, also after
blanks; old ones | and %."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def quoted(word: str) -> str:
    """The word, or the word behind an apostrophe where a spreadsheet would calculate it."""
    return f"'{word}" if _FORMULA.match(word) and not _NUMBER.fullmatch(word) else word


def unquoted(word: str) -> str:
    """What ``quoted`` was given."""
    return word[1:] if word.startswith("'") and _FORMULA.match(word[1:]) else word


OURS = "# face-audit: words that a spreadsheet would calculate stand behind an apostrophe"
"""First line of a table that ``audit.base.tables`` reads again and that holds such words; no other table's words are
touched."""


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, text cells and heads as ``quoted`` gives them."""
    out = frame.rename(columns={name: quoted(str(name)) for name in frame.columns})
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if not pd.api.types.is_numeric_dtype(column):
            out.isetitem(place, [quoted(value) if isinstance(value, str) else value for value in column])
    return out


def to_csv(frame: pd.DataFrame, *, float_format: str | None = None) -> bytes:
    """UTF-8 CSV of ``shown``; floats as the shortest text that reads back to the same number, unless a format is
    given.
    """
    return shown(frame).to_csv(index=False, lineterminator="\n", float_format=float_format).encode(errors="replace")


def to_table(frame: pd.DataFrame) -> bytes:
    """As ``to_csv``, for our own reader: where a word stands behind an apostrophe, ``OURS`` goes before the header,
    and every word comes back.
    """
    safe, plain = to_csv(frame), frame.to_csv(index=False, lineterminator="\n").encode(errors="replace")
    return safe if safe == plain else OURS.encode() + b"\n" + safe
