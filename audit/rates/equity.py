"""Equity against accuracy on one plane (``equity.csv``): a summary without accuracy can be had by missing everybody (METRICS 2).

In: rates and curves. Out: per operating point and weighting how unequal false matches are, how many people are missed, and which points no other
beats on both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audit.base.groups import ALL
from audit.rates.every_rate import WEIGHTINGS, Rates
from audit.rates.summaries import groupings, read, usable
from audit.stats.inequity import at_least, pareto

__all__ = ["EQUITY_COLUMNS", "equity"]

EQUITY_COLUMNS = ("operating_point", "weighting", "score_threshold", "grouping", "groups", "inequity", "FMR", "FNMR", "best", "note")


def equity(rates: Rates, curve: pd.DataFrame, points: Sequence[str]) -> pd.DataFrame:
    """Equity against accuracy on one plane: per operating point the highest group FMR over the typical one, beside the FNMR over all labelled people.

    Parameters
    ----------
    rates : Rates
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
            some = []
            for point in points:
                threshold = rates.thresholds[point]
                used = usable(rates, point, "FMR", weighting, groups)
                if len(used) < 2 or threshold not in everybody.index:
                    continue
                values = read(rates, point, "FMR", weighting, used)
                x, high = np.array([v.rate for v in values]), np.array([v.high for v in values])
                found = at_least("max_over_geometric_mean", x, high)
                seen = (found.value, everybody.FMR[threshold], everybody.FNMR[threshold])
                some.append((point, weighting, threshold, grouping, len(used), *seen, found.note))
            finite = [row for row in some if math.isfinite(float(row[5])) and math.isfinite(float(row[7]))]
            front = pareto([row[5] for row in finite], [row[7] for row in finite])
            best = dict(zip((row[0] for row in finite), front, strict=True))
            rows += [(*row[:8], bool(best.get(row[0], False)), row[8]) for row in some]
    return pd.DataFrame(rows, columns=list(EQUITY_COLUMNS))
