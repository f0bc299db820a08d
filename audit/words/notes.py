"""Notes of table rows: phrases joined by "; ", and the phrase that most rates weighted by people carry.

Its one idea: a phrase that one room writes and another leaves out is one constant here, so no page searches a sentence
for its words.
"""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["MEANS", "mean_over", "no_vote", "not_confirmed", "sources_of", "without"]


def mean_over(what: str, counted: str = "trials") -> str:
    """Say that a rate is no plain quotient: a mean over "people" or "pairs of people", not errors over what was
    ``counted``.
    """
    return f"rate is a mean over {what}, not errors / {counted}"


MEANS = frozenset(
    mean_over(what, counted) for what in ("people", "pairs of people") for counted in ("trials", "searches")
)
"""Every form of it, for pages that say it once above a table."""


def without(note: str, phrases: Collection[str]) -> str:
    """Give a note without these whole phrases; what only looks like one of them stays."""
    return "; ".join(part for part in note.split("; ") if part not in phrases)


_LOST, _SILENT = "not confirmed with the labels of ", "too few people or errors to judge with the labels of "


def not_confirmed(sources: Collection[str]) -> str:
    """Say that a gap was not confirmed under these label sources; "" for none."""
    return _LOST + ", ".join(sources) if sources else ""


def no_vote(sources: Collection[str]) -> str:
    """Say that these label sources hold too few people, or no error, to judge; "" for none."""
    return _SILENT + ", ".join(sources) if sources else ""


def sources_of(note: str) -> tuple[list[str], list[str]]:
    """Give the label sources that did not confirm, and those without a vote."""
    parts = note.split("; ")
    lost, silent = ([part[len(head) :] for part in parts if part.startswith(head)] for head in (_LOST, _SILENT))
    return [name for found in lost for name in found.split(", ")], [
        name for found in silent for name in found.split(", ")
    ]
