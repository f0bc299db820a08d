"""PairRates along the threshold: FMR(T) and FNMR(T) per group on the ladder of thresholds (``curves.csv``), in both weightings, with their intervals.

Its one idea: a curve is a row of ordinary rates, computed like every other from the dyads of its rung. So what has no interval in ``rates.csv`` has
none here: FNMR by comparisons (METRICS 3), and FMR by comparisons where a few people decide; ``note`` says so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.observations.tallies import Tallies
from audit.rates.every_rate import WEIGHTINGS, PairRates
from audit.stats.dyadic import rate
from audit.stats.fnmr import fnmr
from audit.words import columns

__all__ = ["curves"]


def curves(rates: PairRates, tallies: Tallies, *, dissimilarity: bool) -> pd.DataFrame:
    """One row per group, weighting and threshold, loosest threshold first.

    Parameters
    ----------
    rates : PairRates
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
                row = {"group": group.name, "weighting": weighting, "threshold": own, "score_threshold": point.threshold, "note": note}
                for name, one in (("FMR", a), ("FNMR", b)):
                    row |= {name: one.rate, f"{name}_low": one.low, f"{name}_high": one.high, f"{name}_errors": one.errors}
                rows.append(row | {"subjects": a.subjects, "subjects_with_two": b.subjects})
    frame = columns.frame("curves", rows)
    return frame.drop_duplicates(["group", "weighting", "score_threshold"]).reset_index(drop=True)
