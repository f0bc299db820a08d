"""Rates of one operating point in, the one denominator of every sentence, figure and table about it out.

Its one idea: a reader compares numbers across a page, so wrong and missed person, every group and every gap at a
threshold stand in one denominator.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from audit.words.numbers import denominator

__all__ = ["one_denominator"]

_MEASURES = ("FMR", "FNMR", "FPIR", "FNIR")


def one_denominator(
    rates: pd.DataFrame, point: str, weighting: str, groups: Collection[str], minimum: int, *, searched: bool = False
) -> int:
    """The smallest power of ten in which every rate that may be shown is a whole number at two digits.

    Parameters
    ----------
    rates : DataFrame
        ``rates.csv``.
    point, weighting : str
    groups : collection of str
        Those that pages show: the finest cells.
    minimum : int
        People that a group needs to be shown; groups whose people are not known are shown.
    searched : bool
        Of searches, not of comparisons.
    """
    chosen = (
        (rates["operating_point"] == point)
        & (rates["weighting"] == weighting)
        & (rates["other_group"] == "")
        & rates["group"].isin(groups)
    )
    rows = rates[chosen & rates["measure"].isin(_MEASURES[2:] if searched else _MEASURES[:2])]
    rows = rows[
        (rows["trials"] > 0) & ~(rows["subjects"] < minimum) & ~rows["note"].astype(str).str.startswith("withheld")
    ]
    return denominator(float(rate) for rate in rows["rate"] if rate > 0)
