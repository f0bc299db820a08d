"""One rate in, the words of it that a sentence holds out: in the one denominator of its threshold, with what stands
behind it.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from audit.findings.evidence import Tables
from audit.findings.one_denominator import one_denominator
from audit.words import wording as say

__all__ = ["QUESTION", "denominator_of", "noun", "point_in_words", "rate_words", "shorter"]

QUESTION = {
    "FMR": ("false_positive_differential", "wrong person"),
    "FNMR": ("false_negative_differential", "missed person"),
    "FPIR": ("false_positive_differential", "wrong person"),
    "FNIR": ("false_negative_differential", "missed person"),
}


def noun(measure: str) -> str:
    """The plain name of an error: "wrong person"."""
    return QUESTION[measure][1]


def rate_words(row: pd.Series[Any], per: int, tables: Tables) -> str:
    """One rate with what stands behind it: its interval and people, or its counts where nobody says who the people
    are.
    """
    if not tables.people_known:
        unit = say.compared_in_words(row.measure, tables.weighting)
        if not row.errors:
            return f"none seen in {say.whole(row.trials)} {unit}"
        return (
            f"about {say.out_of(row.rate, per)} of {per:,} {unit} ({say.whole(row.errors)} of {say.whole(row.trials)})"
        )
    if (
        row.measure == "FMR" and row.rate == 0 and tables.handed_over
    ):  # a list of pairs: not all pairs of people are in it
        limit = f"{say.out_of(row.high, say.denominator([row.high]))} in {say.denominator([row.high]):,}"
        return (
            f"none seen in {say.whole(row.trials)} photo pairs of {say.people(row.subjects)}; the true "
            f"rate could be up to {limit} (one-sided 95 %)"
        )
    return say.rate_in_words(
        row.rate, row.low, row.high, row.subjects, measure=row.measure, per=per, confidence=tables.confidence
    )


def shorter(row: pd.Series[Any], per: int, tables: Tables) -> str:
    """The second rate of a sentence: what is counted has just been said."""
    if not tables.people_known and row.errors:
        return f"about {say.out_of(row.rate, per)} of {per:,} ({say.whole(row.errors)} of {say.whole(row.trials)})"
    if not row.rate > 0 or math.isnan(row.low):
        return rate_words(row, per, tables)
    return (
        f"about {say.out_of(row.rate, per)} of {per:,} "
        f"({say.interval_in_words(row.low, row.high, per)}; {say.people(row.subjects)})"
    )


def denominator_of(tables: Tables, point: str) -> int:
    """The one denominator of a threshold."""
    groups = set(tables.acquisition.group.astype(str))
    return one_denominator(
        tables.rates, point, tables.weighting, groups, tables.minimum_subjects, searched=tables.searched
    )


def point_in_words(point: pd.Series[Any]) -> str:
    """A threshold as sentences name it."""
    return say.operating_point_in_words({str(name): value for name, value in point.items()})
