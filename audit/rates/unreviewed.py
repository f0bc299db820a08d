"""What may not be said before somebody looked at the extreme pairs (``review.csv``).

In: operating points, the list of pairs and what was judged of them. Out: which rates need a warning. Its one idea:
name variants, wrong photos and twins own the extreme tail, unequally (METRICS 4), so a rate that rests on it says that
nobody looked until somebody did.
"""

from __future__ import annotations

import pandas as pd

from audit.base.groups import APART

__all__ = ["CAVEAT", "EXTREME", "NOTE", "annotate", "unreviewed"]

EXTREME = 1e-5
"""METRICS 4: below this false match rate a threshold rests on pairs that may be errors of the benchmark."""
NOTE = "identity errors not reviewed"
CAVEAT = (
    "At so strict a setting, a few wrongly filed photos can make most of the false matches; "
    "the most alike pairs were not all looked at by a person."
)


def unreviewed(operating_points: pd.DataFrame, review: pd.DataFrame | None) -> set[str]:
    """Operating points below ``EXTREME`` whose rates need a warning: all of them, unless every pair of the list was
    judged.

    A threshold set on people apart keeps its warning: their pairs are not compared with the others', and are not in
    the list.
    """
    strict = operating_points["achieved_people"] < EXTREME
    if review is not None and len(review) and (review["judged"] != "").all():
        strict &= operating_points["calibrated_on"].astype(str).str.startswith(APART)
    return set(operating_points.loc[strict, "operating_point"].astype(str))


def annotate(rates: pd.DataFrame, warned: set[str]) -> pd.DataFrame:
    """Add ``NOTE`` to the false match rates of the operating points in ``warned``."""
    hit = rates["operating_point"].isin(warned) & rates["measure"].str.startswith("FMR") & (rates["trials"] > 0)
    if not hit.any():
        return rates
    said = rates["note"].where(rates["note"] == "", rates["note"] + "; ") + NOTE
    return rates.assign(note=rates["note"].where(~hit, said))
