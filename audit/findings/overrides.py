"""What people judged of the benchmark's own pairs, and whether it changes the answer: ``overrides.csv`` and counts in,
one finding out.

Its one idea: a corrected benchmark is a choice somebody made, so the answer is said with and without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from audit.findings.finding import Finding, row_key
from audit.words import wording as say

__all__ = ["find_corrected"]

CAVEAT = "Who looked, and why, is in the override file, which is not part of these results; its sum is in audit.json."


def find_corrected(table: pd.DataFrame, facts: Mapping[str, Any], point: Any, reference: str) -> Finding | None:
    """Say what was corrected and what the largest gap to the reference is with and without; None where there is no
    such table.

    Parameters
    ----------
    table : DataFrame
        ``overrides.csv``.
    facts : mapping
        ``overrides`` of ``audit.json``: counts.
    point : mapping or Series
        The row of the headline operating point.
    reference : str
    """
    wanted = (
        (table["operating_point"] == point["operating_point"])
        & (table["measure"] == "FMR")
        & (table["weighting"] == "people")
    )
    here = table[wanted & (table["reference"] == reference)]
    if here.empty:
        return None
    merged, excluded = int(facts.get("pairs_of_people_merged", 0)), int(facts.get("samples_excluded", 0))
    looked = say.count(int(facts.get("pairs_looked_at", 0)), "pair")
    done = (
        [say.count(merged, "pair") + " of people turned out to be one person" + (" each" if merged > 1 else "")]
        if merged
        else []
    )
    done += [say.count(excluded, "photo") + (" was" if excluded == 1 else " were") + " taken out"] if excluded else []
    sentence = f"People looked at {looked} of this benchmark's photos: {' and '.join(done) or 'nothing was changed'}."
    known = here[here["ratio"].map(math.isfinite) & here["low"].map(math.isfinite)]
    evidence: tuple[str, ...] = ()
    both = known.groupby("group").filter(lambda rows: len(rows) == 2)
    if len(both):
        after = both[both["overrides"] == "with"]
        group = str(after.loc[after["ratio_low"].fillna(0).idxmax(), "group"])
        rows = both[both["group"] == group].set_index("overrides")
        words = {
            name: say.ratio_in_words(
                *(float(rows.loc[name, column]) for column in ("ratio", "ratio_low", "ratio_high"))
            )
            for name in rows.index
        }
        sentence += (
            f" At {say.operating_point_in_words(point)}, the rate of wrong-person errors for "
            f"{say.group_in_words(group)} is {words['with']} that for "
            f"{say.group_in_words(reference)}; without these corrections it would be {words['without']}."
        )
        names = ("operating_point", "measure", "weighting", "group")
        keys = {name: str(both[both["group"] == group][name].iloc[0]) for name in names}
        evidence = tuple(row_key("overrides", overrides=which, **keys) for which in ("without", "with"))
    both = int(facts.get("people_in_both_parts_before", 0))
    parted = (
        "had been filed among those who set thresholds and among those who are measured; they stand on one side now."
    )
    moved = (f"{say.people(both)} {parted}",) if both else ()
    return Finding("overrides", "overrides", sentence, evidence, (CAVEAT, *moved))
