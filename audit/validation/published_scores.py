"""Real pair scores that somebody else published (RFW, four matchers, four groups), read at the threshold of best
overall accuracy.

In: the csv of pair scores (columns ethnicity, mated, and one per matcher; cosine, larger = more alike). Out: one row
per matcher and group, with the summaries of METRICS 2. Its one idea: these numbers can be recounted by anyone from the
same file; tests/validation does, line by line. The pairs are hard-mined and carry no subject ids, so no rate here has
an interval, and none is a rate among random people.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from audit.base.tables import as_numbers, read
from audit.stats.inequity import SUMMARIES, summarise
from audit.stats.thresholds import best_threshold

__all__ = ["at_best_accuracy"]


def at_best_accuracy(path: Path) -> pd.DataFrame:
    """Columns matcher, threshold, accuracy, group, FMR, FNMR, then each combined summary (the same on all rows of a
    matcher).
    """
    table = read(path, ["ethnicity", "mated"]).frame
    mated = (table["mated"] == "1").to_numpy()
    rows = []
    for matcher in [name for name in table.columns if name not in ("ethnicity", "mated")]:
        score = as_numbers(table[matcher])
        threshold = best_threshold(score, mated)
        match = score >= threshold
        accuracy = float((match == mated).mean())
        groups = sorted(table["ethnicity"].unique())
        inside = [(table["ethnicity"] == group).to_numpy() for group in groups]
        fmr = [float(match[own & ~mated].mean()) for own in inside]
        fnmr = [float((~match)[own & mated].mean()) for own in inside]
        both = {
            which: float(summarise(which, fmr, fnmr))
            for which, summary in SUMMARIES.items()
            if summary.both is not None
        }
        for group, wrong, missed in zip(groups, fmr, fnmr, strict=True):
            rows.append(
                {
                    "matcher": matcher,
                    "threshold": threshold,
                    "accuracy": accuracy,
                    "group": group,
                    "FMR": wrong,
                    "FNMR": missed,
                    **both,
                }
            )
    return pd.DataFrame(rows)
