"""Notes of table rows: phrases joined by "; ", and the phrase that most rates weighted by people carry.

Its one idea: a phrase that one room writes and another leaves out is one constant here, so no page searches a sentence for its words.
"""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["MEANS", "mean_over", "without"]


def mean_over(what: str, counted: str = "trials") -> str:
    """Say that a rate is no plain quotient: a mean over "people" or "pairs of people", not errors over what was ``counted``."""
    return f"rate is a mean over {what}, not errors / {counted}"


MEANS = frozenset(mean_over(what, counted) for what in ("people", "pairs of people") for counted in ("trials", "searches"))
"""Every form of it, for pages that say it once above a table."""


def without(note: str, phrases: Collection[str]) -> str:
    """Give a note without these whole phrases; what only looks like one of them stays."""
    return "; ".join(part for part in note.split("; ") if part not in phrases)
