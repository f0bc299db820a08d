"""Rates in, the absolute gap to the reference out: rate minus rate, with its interval (``differences.csv``).

A table of its own beside ``differentials.csv``, row for row, whose columns stay as they are published: a gap is
defined where a ratio is not (no error in a group), it has another interval, and "how sure" is judged on the ratio
alone (METRICS 3.5), so a certainty must not stand in its row. Its one idea: groups without common people are put
together from their printed limits (MOVER, Newcombe's square-and-add), which keeps what those know about few errors and
about none; groups that share people, with their correlation too; and where the threshold was calibrated on people who
are compared, what that adds is one more square. Where a rate has no interval, or the threshold's movement cannot be
estimated, the gap stands alone and says why. Intervals are pointwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from audit.rates.calibration import UNKNOWN_SLOPE, Calibrated, added_variance
from audit.rates.differentials import PEOPLE_UNKNOWN, compared
from audit.rates.every_rate import Key, PairRates, Rates
from audit.stats.contrasts import Ratio, linear_contrast_people
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.stats.intervals import normal_quantile, t_quantile
from audit.stats.ratios import difference, limited_pair, mover_difference
from audit.words import columns

__all__ = ["differences", "gap"]


def gap(rates: Rates, key: Key, other: Key, confidence: float, calibrated: Calibrated | None = None) -> Ratio:
    """Rate of ``key`` minus rate of ``other``, and its limits.

    Parameters
    ----------
    rates : Rates
    key, other : Key
        Of one operating point, measure and weighting.
    confidence : float
    calibrated : mapping of operating point to names of cells
        Points whose threshold was set on these people (``calibration.calibration_sets``).
    """
    a, b = rates.values[key], rates.values[other]
    value, nan = a.rate - b.rate, math.nan
    if not math.isfinite(value):
        return Ratio(nan, nan, nan, "", "nothing to count in one of the groups")
    if not rates.people_known:
        return Ratio(value, nan, nan, "", PEOPLE_UNKNOWN)
    names = (calibrated or {}).get(key.operating_point)
    if _share_people(rates, key, other):
        return (
            Ratio(value, nan, nan, "", "the groups share people, on whom the threshold was set too")
            if names
            else _linear(rates, key, other, confidence)
        )
    if not all(math.isfinite(limit) for one in (a, b) for limit in (one.low, one.high)):
        return Ratio(value, nan, nan, "", "no interval: one of the rates has none")
    plain = mover_difference(*limited_pair(a, b, confidence))
    note = "no errors in one group: its limit is one-sided" if 0 in (a.errors, b.errors) else ""
    if not names or not isinstance(rates, PairRates):
        return plain._replace(note=note)
    added, df = added_variance(rates, key, other, names)
    if math.isnan(added):
        return Ratio(value, nan, nan, "", f"no interval: {UNKNOWN_SLOPE}")
    half = math.sqrt(added) * (normal_quantile(confidence) if df is None else t_quantile(df, confidence))
    low, high = value - math.hypot(value - plain.low, half), value + math.hypot(plain.high - value, half)
    return Ratio(value, max(-1.0, low), min(1.0, high), "MOVER, with the calibration of the threshold", note)


def _share_people(rates: Rates, key: Key, other: Key) -> bool:
    cells = {group.name: set(group.cells) for group in rates.groups}
    return bool(cells[key.group] & cells[other.group])


def _linear(rates: Rates, key: Key, other: Key, confidence: float) -> Ratio:
    a, b = rates.values[key], rates.values[other]
    if isinstance(rates, PairRates) and isinstance(a, DyadicRate):
        mine, theirs = (rates.masks[one.measure, one.group, one.other_group] for one in (key, other))
        return difference(rates.sums[key.operating_point, key.weighting], mine, theirs, confidence)
    assert isinstance(a, SubjectRate)
    assert isinstance(b, SubjectRate)
    if not (a.interval and b.interval):
        return Ratio(a.rate - b.rate, math.nan, math.nan, "", "no interval: one of the rates has none")
    found = linear_contrast_people([(a, 1.0), (b, -1.0)])
    half = math.sqrt(found.variance) * normal_quantile(confidence)
    return Ratio(found.value, found.value - half, found.value + half, "delta, z")


def differences(
    rates: Rates, reference: str, *, calibrated: Mapping[str, tuple[str, ...]] | None = None
) -> pd.DataFrame:
    """Give ``differences.csv``: every group against its reference, at every operating point, measure and weighting.

    Parameters
    ----------
    rates : Rates
        Of the headline labelling.
    reference : str
        The reference cell.
    calibrated : mapping of operating point to names of cells, optional
    """
    rows = []
    for key, other in compared(rates, reference):
        found = gap(rates, key, other, rates.confidence, calibrated)
        few = [one.group for one in (key, other) if rates.too_few(one)]
        note = "; ".join(filter(None, (found.note, f"too few people in {' and '.join(few)}" if few else "")))
        method = f"{found.method}, {rates.confidence * 100:g} %" if found.method else ""
        rows.append(
            key.row(
                reference=other.group,
                rate=rates.values[key].rate,
                reference_rate=rates.values[other].rate,
                difference=found.value,
                low=found.low,
                high=found.high,
                interval=method,
                note=note,
            )
        )
    return columns.frame("differences", rows)
