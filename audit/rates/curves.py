"""Rates along the threshold: FMR(T) and FNMR(T) per group on the ladder of thresholds (``curves.csv``), in both
weightings, with their intervals.

Its one idea: a curve is a row of ordinary rates, computed like every other from the dyads of its rung. So what has no
interval in ``rates.csv`` has none here: FNMR by comparisons (METRICS 3), and FMR by comparisons where a few people
decide; ``note`` says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from audit.rates.every_rate import NO_SUBJECT_IDS, WEIGHTINGS, Key, PairRates, Rates, Weighting, missed
from audit.stats.dyadic import rate
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.words import columns

__all__ = ["curves"]


def curves(rates: Rates, thresholds: Mapping[str, float], *, dissimilarity: bool) -> pd.DataFrame:
    """One row per group, weighting and threshold, loosest threshold first.

    Parameters
    ----------
    rates : Rates
        Of the headline labelling; where people are not known, with the rungs among its values.
    thresholds : mapping of operating point or rung to float
        Scores.
    dissimilarity : bool
        Whether the matcher's own unit is the negated score.
    """
    points = [(name, at) for name, at in sorted(thresholds.items(), key=lambda one: one[1]) if math.isfinite(at)]
    rows = []
    for group in rates.groups:
        for weighting in WEIGHTINGS if rates.people_known else WEIGHTINGS[1:]:
            for name, threshold in points:
                both = _both(rates, group.name, weighting, name)
                own = -threshold if dissimilarity else threshold
                row = {
                    "group": group.name,
                    "weighting": weighting,
                    "threshold": own,
                    "score_threshold": threshold,
                    "note": _note(rates, both),
                }
                for measure, one in both.items():
                    row |= {
                        measure: one.rate,
                        f"{measure}_low": one.low,
                        f"{measure}_high": one.high,
                        f"{measure}_errors": one.errors,
                    }
                if rates.people_known:
                    row |= {"subjects": both["FMR"].subjects, "subjects_with_two": both["FNMR"].subjects}
                rows.append(row)
    frame = columns.frame("curves", rows)
    return frame.drop_duplicates(["group", "weighting", "score_threshold"]).reset_index(drop=True)


def _both(rates: Rates, group: str, weighting: Weighting, name: str) -> dict[str, DyadicRate | SubjectRate]:
    """Both errors at any threshold, rungs included."""
    if not isinstance(rates, PairRates):
        return {measure: rates.values[Key(name, measure, weighting, group)] for measure in ("FMR", "FNMR")}
    wrong = rate(rates.sums[name, weighting], rates.masks["FMR", group, ""], confidence=rates.confidence)
    return {"FMR": wrong, "FNMR": missed(rates, Key(name, "FNMR", weighting, group))}


def _note(rates: Rates, both: Mapping[str, DyadicRate | SubjectRate]) -> str:
    if not rates.people_known:
        return NO_SUBJECT_IDS
    bare = [name for name, one in both.items() if one.trials and not one.interval]
    return f"no interval for {' and '.join(bare)}: by comparisons a few people decide" if bare else ""
