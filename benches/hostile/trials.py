"""What one trial is, and the small things that several kinds of trial share: names that nobody else uses, folders, a
reader that knows nothing.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from benches.hostile.sandbox import Outcome, Place

__all__ = ["SECRET", "Kind", "Trial", "nothing", "plain_rows", "rates", "secrets_in"]

SECRET = "vqx"
"""Stands in every id, name and path of a person's row that a seed holds; no message may hold it."""


def nothing(outcome: Outcome) -> list[str]:
    """No numbers to hold against anything."""
    return []


@dataclass
class Trial:
    """One command.

    Attributes
    ----------
    arguments : list of str
    inputs : int
        Damaged inputs that it meets.
    check : callable
        Of the outcome: every number that is not what a reader of its own counts.
    allowed : tuple of str
        Files that the command is asked to write.
    environment : dict
    """

    arguments: list[str]
    inputs: int = 1
    check: Callable[[Outcome], list[str]] = nothing
    allowed: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


class Kind(NamedTuple):
    """A kind of hostile input: how many inputs by default, and what makes one trial of it."""

    name: str
    inputs: int
    make: Callable[[random.Random, Place], Trial]
    room: str = ""
    """Trials of one room share their folders: cheap where the inputs are few files that are written again."""


def secrets_in(outcome: Outcome) -> bool:
    """Whether a message holds anything of a person's row."""
    return SECRET in outcome.err.casefold()


def plain_rows(body: bytes, wanted: tuple[str, ...]) -> list[dict[str, str]] | None:
    """Rows of a table that needs no judgement; None where it does: odd letters, quotes, comments, other separators,
    names twice, ragged rows.
    """
    if b'"' in body or b"#" in body or b"\0" in body or not body.isascii() or b"\r" in body:
        return None
    rows = [
        row for row in csv.reader(io.StringIO(body.decode("ascii"), newline="")) if any(cell.strip() for cell in row)
    ]
    if not rows:
        return None
    head = [cell.strip() for cell in rows[0]]
    if (
        len(set(head)) < len(head)
        or any(name not in head for name in wanted)
        or any(len(row) != len(head) for row in rows)
    ):
        return None
    if any(not cell.strip().isprintable() for row in rows for cell in row):
        return None
    return [dict(zip(head, (cell.strip() for cell in row), strict=True)) for row in rows[1:]]


def rates(place: Place, name: str) -> dict[tuple[str, str, str, str], tuple[int, int, float]]:
    """(operating point, measure, weighting, group) to errors, trials and rate, read from rates.csv by a reader that
    knows nothing.
    """
    text = (place.out / "results" / name / "rates.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["trials"] and not row["other_group"]:
            key = (row["operating_point"], row["measure"], row["weighting"], row["group"])
            found[key] = (int(row["errors"]), int(row["trials"]), float(row["rate"] or "nan"))
    return found
