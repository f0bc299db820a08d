"""Rates and fixed rules in, findings out: what may be said, how surely, and which table rows say it.

Its one idea: a sentence is generated from numbers by a written rule (METRICS 3.5), never chosen. ``kind`` tells which question the finding
answers; ``evidence`` holds keys ``table:column=value,...`` that lead to the rows it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """One statement with its evidence.

    Attributes
    ----------
    key : str
        Stable name, e.g. ``false_positive_differential``.
    kind : str
        headline, differential, level, acquisition, sample, labels, claim.
    statement : str
        One or two plain sentences.
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
