"""Rates along the threshold: FMR(T) and FNMR(T) per group on the ladder of thresholds (``curves.csv``), each with its interval.

Its one idea: a curve is a row of ordinary rates, computed like every other from the dyads of its rung.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.rates.tables import Rates
from audit.rates.tallies import Tallies
from audit.stats.dyadic import rate
from audit.stats.fnmr import fnmr

__all__ = ["COLUMNS", "curves"]

COLUMNS = (
    ("group", "weighting", "threshold", "score_threshold")
    + ("FMR", "FMR_low", "FMR_high", "FMR_errors", "FNMR", "FNMR_low", "FNMR_high", "FNMR_errors", "subjects", "subjects_with_two")
)  # fmt: skip


def curves(rates: Rates, tallies: Tallies, *, dissimilarity: bool) -> pd.DataFrame:
    """One row per group and threshold, ``people`` weighting, loosest threshold first.

    Parameters
    ----------
    rates : Rates
        Of the headline labelling.
    tallies : Tallies
    dissimilarity : bool
        Whether the matcher's own unit is the negated score.
    """
    cell, mated = tallies.labellings[0].cell, tallies.mated
    rows = []
    for group in rates.groups:
        inside = np.isin(cell, group.cells)
        mask = rates.masks["FMR", group.name, ""]
        for point in sorted((*tallies.points, *tallies.curve), key=lambda found: found.threshold):
            if not np.isfinite(point.threshold):
                continue
            a = rate(rates.sums[point.id, "people"], mask, confidence=rates.confidence)
            b = fnmr(np.where(inside, point.f, 0), np.where(inside, mated, 0), confidence=rates.confidence)
            own = -point.threshold if dissimilarity else point.threshold
            rows.append(
                (group.name, "people", own, point.threshold, a.rate, a.low, a.high, a.errors, b.rate, b.low, b.high, b.errors, a.subjects, b.subjects)
            )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.drop_duplicates(["group", "score_threshold"]).reset_index(drop=True)
