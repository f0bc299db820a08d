"""One statement with its evidence, and the keys that lead to the rows it rests on.

Its one idea: a sentence that leads to no row cannot be made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Finding", "row_key"]


@dataclass(frozen=True)
class Finding:
    """One statement with its evidence.

    Attributes
    ----------
    key : str
        Stable name, e.g. ``false_positive_differential``.
    kind : str
        differential, level, acquisition, people, threshold, claim, or doubt: what must be said before all others.
    statement : str
        One to three plain sentences.
    evidence : tuple of str
        Keys of table rows.
    caveats : tuple of str
        What must be said with it.
    certainty : str
        One of the four phrases of METRICS 3.5, or "" where none applies.
    values : dict
        The numbers in the statement, for pages that print them in another form.
    """

    key: str
    kind: str
    statement: str
    evidence: tuple[str, ...]
    caveats: tuple[str, ...] = ()
    certainty: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def row_key(table: str, **columns: str) -> str:
    """Build an evidence key: ``rates:operating_point=...;measure=...;...``."""
    return f"{table}:" + ";".join(f"{name}={value}" for name, value in columns.items())
