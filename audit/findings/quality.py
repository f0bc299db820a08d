"""``quality_matched.csv`` in, one finding out: whether gaps remain between people whose photographs are alike (claim
C3).

Its one idea: matching shows what does not go away with the measures at hand. It never explains a gap and names no
cause, and the words say so.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from audit.findings.finding import Finding, row_key
from audit.words import wording as say

__all__ = ["AWAY", "CAVEAT", "MEASURES_IN_WORDS", "REMAINS", "find_matched"]

REMAINS, AWAY = "remains after matching", "too uncertain to say after matching"
"""Outcomes in the table, as ``rates.matching`` writes them."""
CAVEAT = (
    "This is an association, not a cause: people were matched on coarse measures of their "
    "photos, and groups may still differ in what was not "
    "measured."
)
SKIN = (
    "The brightness of a face depends on skin as well as on light: matching on it may match "
    "the groups themselves away."
)
MEASURES_IN_WORDS = {
    "face_pixels": "size of the face",
    "eye_pixels": "distance of the eyes",
    "photo_sharpness": "sharpness of the photo",
    "photo_brightness": "brightness of the photo",
    "photo_contrast": "contrast of the photo",
    "brightness": "brightness of the face",
    "contrast": "contrast in the face",
    "detector_confidence": "the detector's confidence",
    "turn": "turn of the head",
    "roll_degrees": "tilt of the head",
}


def find_matched(table: pd.DataFrame, point: Any, reference: str) -> Finding | None:
    """Say of the finest groups what becomes of their false match gap, matched on everything chosen at once; None where
    nothing was judged.

    Parameters
    ----------
    table : DataFrame
        ``quality_matched.csv``.
    point : mapping or Series
        The row of the headline operating point.
    reference : str
    """
    here = table[
        (table["operating_point"] == point["operating_point"])
        & (table["measure"] == "FMR")
        & (table["reference"] == reference)
    ]
    if here.empty:
        return None
    way = str(here["matched_on"].iloc[0])  # all measures at once come first
    rows = here[(here["matched_on"] == way) & (here["outcome"] != "")]
    if rows.empty:
        return None
    names = way.split(" and ")
    what = say.joined(MEASURES_IN_WORDS.get(name, name.replace("_", " ")) for name in names)
    sentence = f"groups were compared again at matched {what}."
    stay, gone = rows[rows["outcome"] == REMAINS], rows[rows["outcome"] == AWAY]
    if len(stay):
        first = stay.loc[stay["ratio"].idxmax()]
        sentence += (
            f" The gap in wrong-person errors remains after matching for "
            f"{say.groups_in_words(map(str, stay['group']))}"
        )
        sentence += (
            f": for {say.group_in_words(str(first['group']))} it is {_ratio(first, '')}, and was "
            f"{_ratio(first, '_before')} before."
        )
    if len(gone):
        sentence += f" It is too uncertain to say after matching for {say.groups_in_words(map(str, gone['group']))}."
    keys = ("operating_point", "measure", "weighting", "group", "reference", "matched_on")
    evidence = tuple(
        row_key("quality_matched", **{name: str(row[name]) for name in keys}) for _, row in rows.iterrows()
    )
    caveats = (CAVEAT, SKIN) if {"brightness", "contrast"} & set(names) else (CAVEAT,)
    stated = f"At {say.operating_point_in_words(point)}, {sentence}"
    return Finding("quality", "quality", stated, evidence, caveats, values={"found": say.capital(sentence)})


def _ratio(row: pd.Series[Any], which: str) -> str:
    value, low, high = (
        float(row[name])
        for name in (("ratio", "low", "high") if not which else ("ratio_before", "low_before", "high_before"))
    )
    return say.ratio_in_words(value, low, high) if math.isfinite(value) else "not defined"
