"""The same audit with and without what people judged (``overrides.csv``).

In: tallies of the benchmark as it was handed out and after its overrides. Out: rates and ratios of both, side by side.
Its one idea: a correction that changes the answer must be seen to change it. A run keeps both tallies (``dyads.npz``,
``dyads_before.npz``).
"""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from audit.observations.tallies import Tallies
from audit.rates.differentials import differentials
from audit.rates.every_rate import compute
from audit.words import columns

__all__ = ["with_and_without"]

_MEASURES = ("FMR", "FNMR")


def with_and_without(
    without: Tallies, corrected: Tallies, *, reference: str, confidence: float, minimum_subjects: int
) -> pd.DataFrame:
    """Rates and ratios in both weightings at every operating point, rows "without" before rows "with".

    Each is an audit of its own: a target threshold is set anew, on the people set apart for that where there are any
    (the same ones in both, see ``observations.observe``), so a correction among these moves the threshold, which
    ``score_threshold`` shows. Ratios are MOVER from the printed limits in both, so that they compare; where a
    threshold was calibrated on the people measured, ``differentials.csv`` has the interval that accounts for it.
    """
    rows = []
    for name, tallies in (("without", without), ("with", corrected)):
        rates = compute(replace(tallies, curve=()), confidence=confidence, minimum_subjects=minimum_subjects)
        ratios = {one.key: one for one in differentials(rates, reference, measures=_MEASURES)}
        for key, value in rates.values.items():
            if key.measure not in _MEASURES or key.other_group:
                continue
            row = key.row(overrides=name, score_threshold=rates.thresholds[key.operating_point])
            row |= {"errors": value.errors, "trials": value.trials, "subjects": value.subjects}
            row |= {"rate": value.rate, "low": value.low, "high": value.high}
            one = ratios.get(key)
            if one is not None:
                limits = zip(("ratio", "ratio_low", "ratio_high"), one.ratio[:3], strict=True)
                row |= {"reference": one.reference} | {
                    part: limit if math.isfinite(limit) else math.nan for part, limit in limits
                }
            rows.append(row)
    return columns.frame("overrides", rows)
