"""What wrong labels could do to each ratio (``label_error.csv``), in both directions.

In: rates and ratios, and a share of wrong labels that the config states. Out: a band per ratio. It is not an interval:
chance is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import UNLABELLED
from audit.rates.differentials import Differential
from audit.rates.every_rate import Key, PairRates
from audit.stats.dyadic import rate
from audit.stats.labels import LabelBand, misclassification_band, ratio_band
from audit.words import columns

__all__ = ["label_error"]


def label_error(rates: PairRates, found: Sequence[Differential], error: float) -> pd.DataFrame:
    """The band each FMR ratio could lie in if a share ``error`` of the people of each group were mislabelled, in
    either direction (METRICS 4).

    Parameters
    ----------
    rates : PairRates
    found : sequence of Differential
    error : float
        Share of a group's people with a wrong label, as the config states it.
    """
    labelled = np.array([name != UNLABELLED for name in rates.cells])
    rows: list[dict[str, object]] = []
    known: dict[tuple[str, str, str], LabelBand | None] = {}
    for one in found:
        key = one.key
        if key.measure != "FMR":
            continue
        for name in (key.group, one.reference):
            if (key.operating_point, key.weighting, name) not in known:
                known[key.operating_point, key.weighting, name] = _label_band(rates, key, name, labelled, error)
        bands = [known[key.operating_point, key.weighting, name] for name in (key.group, one.reference)]
        ratio = one.ratio.value if math.isfinite(one.ratio.value) else math.nan
        row: dict[str, object] = {
            "operating_point": key.operating_point,
            "weighting": key.weighting,
            "group": key.group,
            "reference": one.reference,
        }
        row |= {"label_error": error, "ratio": ratio}
        if bands[0] is None or bands[1] is None:
            rows.append(row | {"note": "no comparisons inside, across or among the others"})
            continue
        band = ratio_band(bands[0], bands[1])
        high = band.high if math.isfinite(band.high) else math.nan
        note = "" if math.isfinite(band.high) else "no upper end: the reference's rate could be 0"
        rows.append(row | {"low": band.low, "high": high, "note": note})
    return columns.frame("label_error", rows)


def _label_band(rates: PairRates, key: Key, name: str, labelled: NDArray[np.bool_], error: float) -> LabelBand | None:
    """Band of one group's true rate, from its rates inside, across to the other labelled people and among these."""
    sums = rates.sums[key.operating_point, key.weighting]
    inside = np.diagonal(rates.masks["FMR", name, ""]).copy()
    outside = labelled & ~inside
    across = np.outer(inside, outside)
    read = [
        rate(sums, mask).rate for mask in (rates.masks["FMR", name, ""], across | across.T, np.outer(outside, outside))
    ]
    return (
        None if any(math.isnan(value) for value in read) else misclassification_band(read[0], read[1], read[2], error)
    )
