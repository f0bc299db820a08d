"""Equity against accuracy on one plane (``equity.csv``): a summary without accuracy can be had by missing everybody
(METRICS 2).

In: rates and curves. Out: per operating point and weighting how unequal false matches are, how many people are missed,
and which points no other beats on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.base.groups import ALL
from audit.rates.every_rate import WEIGHTINGS, PairRates
from audit.rates.summaries import groupings, read, usable
from audit.stats.inequity import at_least, pareto
from audit.words import columns

__all__ = ["equity"]


def equity(rates: PairRates, curve: pd.DataFrame, points: Sequence[str]) -> pd.DataFrame:
    """Equity against accuracy on one plane: per operating point the highest group FMR over the typical one, beside the
    FNMR over all labelled people.

    Parameters
    ----------
    rates : PairRates
    curve : DataFrame
        ``curves.csv``: FNMR over all labelled people is read there.
    points : sequence of str

    Returns
    -------
    DataFrame
        ``best`` marks operating points that no other beats on both: smaller inequity and smaller FNMR.
    """
    rows = []
    for grouping, groups in groupings(rates).items():
        for weighting in WEIGHTINGS:
            everybody = curve[(curve.group == ALL) & (curve.weighting == weighting)].set_index("score_threshold")
            some: list[dict[str, Any]] = []
            for point in points:
                threshold = rates.thresholds[point]
                used = usable(rates, point, "FMR", weighting, groups)
                if len(used) < 2 or threshold not in everybody.index:
                    continue
                values = read(rates, point, "FMR", weighting, used)
                x, high = np.array([v.rate for v in values]), np.array([v.high for v in values])
                found = at_least("max_over_geometric_mean", x, high)
                row = {
                    "operating_point": point,
                    "weighting": weighting,
                    "score_threshold": threshold,
                    "grouping": grouping,
                    "groups": len(used),
                }
                row |= {"inequity": found.value, "FMR": everybody.FMR[threshold], "FNMR": everybody.FNMR[threshold]}
                some.append(row | {"best": False, "note": found.note})
            finite = [row for row in some if math.isfinite(row["inequity"]) and math.isfinite(row["FNMR"])]
            for row, best in zip(
                finite, pareto([row["inequity"] for row in finite], [row["FNMR"] for row in finite]), strict=True
            ):
                row["best"] = bool(best)
            rows += some
    return columns.frame("equity", rows)
