"""Ratios in, further words about gaps out: which way they go, and how often chance alone would call one likely."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.findings.evidence import Tables
from audit.words import wording as say

__all__ = ["by_chance", "in_both_directions", "is_much"]


def is_much(row: pd.Series[Any], much: float) -> bool:
    """Whether a gap is "much": at least ``much`` times, at the limit nearer to 1."""
    return bool(row.low >= much or (0 < row.high <= 1 / much))


def by_chance(tables: Tables, row: pd.Series[Any], measure: str) -> str:
    """How often one of so many groups would be called likely by chance alone: its interval holds for one group at a
    time.
    """
    table = tables.differentials
    alike = (table.operating_point == row.operating_point) & (table.measure == measure) & (table.weighting == "people")
    judged = int(
        (
            alike
            & (table.reference == tables.reference)
            & table.certainty.ne("")
            & table.certainty.ne("too few people")
        ).sum()
    )
    error = 1 - tables.confidence
    if judged < 2:
        return (
            f"A {say.LIKELY} would be called by chance alone in about {error * 100:g} of 100 tests of "
            f"two equal groups."
        )
    several = 100 * (1 - tables.confidence**judged)
    return (
        f"A {say.LIKELY} is judged one group at a time: were all {judged} groups equal to the "
        f"reference, at least one of them would be called so by "
        f"chance alone in up to {several:.0f} of 100 tests."
    )


def in_both_directions(rows: pd.DataFrame, more: bool) -> str:
    """Groups in words; with the direction of their gap where it is not that of the sentence (``more``) for all of
    them.
    """
    sides = [(rows[rows.low > 1], "more often"), (rows[~(rows.low > 1)], "less often")]
    parts = [(say.groups_in_words(str(group) for group in side.group), words) for side, words in sides if len(side)]
    if parts == [(parts[0][0], "more often" if more else "less often")]:
        return parts[0][0]
    return " and for ".join(f"{who} ({words})" for who, words in parts)
