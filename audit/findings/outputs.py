"""Tables that only an audit of outputs has in, its two further findings out: the best threshold of the file, and what
is refused by name.
"""

from __future__ import annotations

import pandas as pd

from audit.base.groups import ALL, UNLABELLED
from audit.findings.finding import Finding, row_key
from audit.words import wording as say

__all__ = ["best", "refused"]


def best(decided: pd.DataFrame, unit: str) -> Finding | None:
    """The threshold that decides most pairs rightly, and what that share is per group; None without it."""
    if decided.empty:
        return None
    total = decided[decided["group"] == ALL].iloc[0]
    groups = decided[(decided["group"] != ALL) & (decided["group"] != UNLABELLED) & decided["own_share_right"].notna()]
    ordered = groups.sort_values(["share_right", "group"])
    each = "; ".join(f"{say.group_label(str(row.group))} {row.share_right:.4f}" for row in ordered.itertuples())
    sentence = (
        f"At the {unit} that decides most pairs of this file rightly "
        f"({say.exact(total.threshold)}), {total.share_right:.4f} of "
        f"{say.whole(total.pairs)} pairs are decided rightly" + (f": {each}." if each else ".")
    )
    caveats = (
        "The threshold was chosen on these very pairs, so this share flatters the matcher. It "
        "mixes two errors that must be read apart.",
    )
    return Finding("best_threshold", "level", sentence, (row_key("decided", group=ALL),), caveats)


def refused(table: pd.DataFrame) -> Finding:
    """What the outputs cannot tell, by name."""
    names = [str(name)[:1].lower() + str(name)[1:] for name in table["what"]]
    sentence = f"From these outputs alone the audit refuses to state: {'; '.join(names)}."
    return Finding("refused", "limits", sentence, tuple(row_key("refused", what=str(name)) for name in table["what"]))
