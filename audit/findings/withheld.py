"""Which groups are withheld for publishing (``report.suppress_below``), and tables without them.

In: tables of one audit. Out: the same with every number of a small group blanked. Its one idea: what is withheld is
withheld before any verdict is judged and any page is made, so neither can print it.
"""

from __future__ import annotations

import pandas as pd

__all__ = ["blanked", "few"]

_KEPT = {"threshold", "score_threshold", "target", "label_error"}
"""Numbers that say nothing of a group; every other number in a withheld group's row goes, in whatever table."""


def few(acquisition: pd.DataFrame, rates: pd.DataFrame, least: int) -> frozenset[str]:
    """Groups with fewer than ``least`` people."""
    if not least:
        return frozenset()
    small = set(acquisition.loc[acquisition["subjects"] < least, "group"])
    sizes = rates[(rates["measure"] == "FTA") & (rates["other_group"] == "")]
    return frozenset(small | set(sizes.loc[sizes["subjects"] < least, "group"]))


def blanked(frame: pd.DataFrame, small: frozenset[str], least: int) -> pd.DataFrame:
    """A table without the numbers of the groups ``small``, or of rows that rest on fewer than ``least`` people."""
    if not least:
        return frame
    hit = pd.Series(False, index=frame.index)
    for column in ("group", "other_group", "reference"):
        if column in frame.columns:
            hit |= frame[column].isin(small)
    if "subjects" in frame.columns:
        hit |= (frame["subjects"] < least) & (frame["subjects"] > 0)
    out = frame.copy()
    for column in set(out.columns) - _KEPT:
        if pd.api.types.is_numeric_dtype(out[column]) and not pd.api.types.is_bool_dtype(out[column]):
            out[column] = out[column].astype(float).where(~hit)
    for column in ("interval", "certainty", "outcome"):
        if column in out.columns:
            out[column] = out[column].where(~hit, "")
    if "note" in out.columns:
        out["note"] = out["note"].where(~hit, f"withheld: fewer than {least} people")
    return out
