"""Rates along the threshold: FMR(T) and FNMR(T) per group on the ladder of thresholds (``curves.csv``), in both weightings, with their intervals.

Its one idea: a curve is a row of ordinary rates, computed like every other from the dyads of its rung. So what has no interval in ``rates.csv`` has
none here: FNMR by comparisons (METRICS 3), and FMR by comparisons where a few people decide; ``note`` says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.observations.tallies import Tallies
from audit.rates.every_rate import WEIGHTINGS, Rates
from audit.stats.dyadic import rate
from audit.stats.fnmr import fnmr

__all__ = ["COLUMNS", "curves"]

COLUMNS = (
    ("group", "weighting", "threshold", "score_threshold")
    + ("FMR", "FMR_low", "FMR_high", "FMR_errors", "FNMR", "FNMR_low", "FNMR_high", "FNMR_errors", "subjects", "subjects_with_two")
    + ("note",)
)  # fmt: skip


def curves(rates: Rates, tallies: Tallies, *, dissimilarity: bool) -> pd.DataFrame:
    """One row per group, weighting and threshold, loosest threshold first.

    Parameters
    ----------
    rates : Rates
        Of the headline labelling.
    tallies : Tallies
    dissimilarity : bool
        Whether the matcher's own unit is the negated score.
    """
    cell, mated = tallies.labellings[0].cell, tallies.mated
    points = [point for point in sorted((*tallies.points, *tallies.curve), key=lambda found: found.threshold) if np.isfinite(point.threshold)]
    rows = []
    for group in rates.groups:
        inside = np.isin(cell, group.cells)
        mask = rates.masks["FMR", group.name, ""]
        for weighting in WEIGHTINGS:
            for point in points:
                a = rate(rates.sums[point.id, weighting], mask, confidence=rates.confidence)
                b = fnmr(np.where(inside, point.f, 0), np.where(inside, mated, 0), weighting, confidence=rates.confidence)
                own = -point.threshold if dissimilarity else point.threshold
                bare = [name for name, one in (("FMR", a), ("FNMR", b)) if one.trials and not one.interval]
                note = f"no interval for {' and '.join(bare)}: by comparisons a few people decide" if bare else ""
                first, second = (a.rate, a.low, a.high, a.errors), (b.rate, b.low, b.high, b.errors)
                rows.append((group.name, weighting, own, point.threshold, *first, *second, a.subjects, b.subjects, note))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.drop_duplicates(["group", "weighting", "score_threshold"]).reset_index(drop=True)
