"""The same audit with and without what people judged (``overrides.csv``).

In: tallies of the benchmark as it was handed out and after its overrides. Out: rates and ratios of both, side by side. Its one idea: a correction
that changes the answer must be seen to change it. A run keeps both tallies (``dyads.npz``, ``dyads_before.npz``).
"""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from audit.observations.tallies import Tallies
from audit.rates.differentials import differentials
from audit.rates.every_rate import compute

__all__ = ["COLUMNS", "with_and_without"]

COLUMNS = (
    ("overrides", "operating_point", "score_threshold", "measure", "weighting", "group", "errors", "trials", "subjects", "rate", "low", "high")
    + ("reference", "ratio", "ratio_low", "ratio_high")
)  # fmt: skip
_MEASURES = ("FMR", "FNMR")


def with_and_without(without: Tallies, corrected: Tallies, *, reference: str, confidence: float, minimum_subjects: int) -> pd.DataFrame:
    """Rates and ratios in both weightings at every operating point, rows "without" before rows "with".

    Each is an audit of its own: a target threshold is set anew, on the people set apart for that where there are any (the same ones in both,
    see ``observations.observe``), so a correction among these moves the threshold, which ``score_threshold`` shows. Ratios are MOVER from the
    printed limits in both, so that they compare; where a threshold was calibrated on the people measured, ``differentials.csv`` has the interval
    that accounts for it.
    """
    rows = []
    for name, tallies in (("without", without), ("with", corrected)):
        rates = compute(replace(tallies, curve=()), confidence=confidence, minimum_subjects=minimum_subjects)
        ratios = {one.key: one for one in differentials(rates, reference, measures=_MEASURES)}
        for key, value in rates.values.items():
            if key.measure not in _MEASURES or key.other_group:
                continue
            one = ratios.get(key)
            ratio = (math.nan,) * 3 if one is None else tuple(v if math.isfinite(v) else math.nan for v in one.ratio[:3])
            rows.append(
                (
                    name,
                    key.operating_point,
                    rates.thresholds[key.operating_point],
                    key.measure,
                    key.weighting,
                    key.group,
                    value.errors,
                    value.trials,
                    value.subjects,
                )
                + (value.rate, value.low, value.high, "" if one is None else one.reference, *ratio)
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))
