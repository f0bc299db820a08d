"""Searches in, what they mean at the reader's own use out (``search_use.csv``): wrong candidates per 1,000 searches
and a year, share that is right.

Its one idea: rates of a benchmark become a department's errors only with its own gallery, its own number of searches
and its own share of searches whose person is in the gallery. Nobody's share is guessed: without the reader's own there
is a table over several.
"""

from __future__ import annotations

import math

import pandas as pd

from audit.base.mixes import gallery_sizes, headline_size
from audit.config.identification import IdentificationConfig
from audit.words import columns

__all__ = ["SHARES", "search_use", "use_gallery"]

SHARES = (0.01, 0.1, 0.5, 0.9)
"""Shares of mated searches shown where nobody said their own."""
_BEYOND = "no gallery of that size can be drawn from these people: see search_growth.csv"
_NO_MATES = "no rate for people who are enrolled: too few with a second photo"
_PART = "one of the rates has no interval"


def use_gallery(people: int, asked: IdentificationConfig) -> int:
    """People in the gallery that the table is about: the reader's own, or the one of which sentences speak."""
    return asked.use.gallery or headline_size(people, asked.sizes)


def search_use(
    rates: pd.DataFrame, people: int, asked: IdentificationConfig, mated_share: float | None
) -> pd.DataFrame:
    """One row per operating point, finest or coarser group, and share of mated searches.

    Parameters
    ----------
    rates : DataFrame
        ``searches.csv``.
    people : int
        People who can be enrolled.
    asked : IdentificationConfig
    mated_share : float or None
        The reader's own; a table over ``SHARES`` where None.

    A search for somebody not enrolled goes wrong where anybody is returned (FPIR); one for somebody enrolled where
    somebody else comes first at or above the threshold (wrong_name). Right: an enrolled person first at or above the
    threshold, 1 - FNIR.
    """
    size, mix = use_gallery(people, asked), asked.use.mix
    shares = (mated_share,) if mated_share is not None else SHARES
    rows: list[dict[str, object]] = []
    if size not in gallery_sizes(people, (*asked.sizes, size) if size else (), asked.doors):
        rows = [{"gallery": size, "mix": mix, "mated_share": mated_share, "note": _BEYOND}] if size else []
        return columns.frame("search_use", rows)
    table = rates[
        (rates["gallery"] == size)
        & (rates["mix"] == mix)
        & (rates["weighting"] == "people")
        & (rates["operating_point"] != "")
    ]
    found = {(str(r.operating_point), str(r.group), str(r.measure)): r for r in table.itertuples()}
    for (point, group, measure), wrong in found.items():
        if measure != "FPIR":
            continue
        name, missed = found.get((point, group, "wrong_name")), found.get((point, group, "FNIR"))
        for share in shares:
            row: dict[str, object] = {
                "operating_point": point,
                "group": group,
                "mix": mix,
                "gallery": size,
                "mated_share": share,
            }
            row["subjects"] = wrong.subjects
            if math.isnan(float(str(wrong.rate))):
                rows.append(row | {"note": wrong.note})
                continue
            if name is None or missed is None or math.isnan(float(str(name.rate))):
                rows.append(row | {"note": _NO_MATES})
                continue
            each = {
                part: 1000 * ((1 - share) * float(str(getattr(wrong, part))) + share * float(str(getattr(name, part))))
                for part in ("rate", "low", "high")
            }
            right = share * (1 - float(str(missed.rate)))
            returned = right + each["rate"] / 1000
            rows.append(
                row
                | {
                    "wrong_per_1000": each["rate"],
                    "wrong_per_1000_low": each["low"],
                    "wrong_per_1000_high": each["high"],
                    "wrong_a_year": each["rate"] / 1000 * asked.use.searches_a_year
                    if asked.use.searches_a_year
                    else None,
                    "right_share": right / returned if returned > 0 else None,
                    "note": _PART if math.isnan(each["low"]) else "",
                }
            )
    return columns.frame("search_use", rows)
