"""Do the photographs of groups differ, and who could be compared with whom at equal quality? (``quality.csv``)

In: moments of simple measures per group (``photo_quality.csv``). Out: how far each group's photographs lie from the
reference's, with an interval. Its one idea: the person is the unit, and four moments of a group are all that a
standardised difference and its interval need.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, UNLABELLED, coarser_reference, groups_of
from audit.base.sums import power as raised_to
from audit.stats.intervals import normal_quantile
from audit.words import columns

__all__ = ["Moments", "quality_table", "standardised"]


class Moments(NamedTuple):
    """Of a measure over n people: the mean, and the second to fourth moments about it."""

    people: int
    mean: float
    second: float
    third: float
    fourth: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """Moments of a set of people."""
        centred = values - values.mean()
        return cls(
            len(values), float(values.mean()), *(float(raised_to(centred, power).mean()) for power in (2, 3, 4))
        )


def quality_table(kept: pd.DataFrame, cells: tuple[str, ...], reference: str, confidence: float) -> pd.DataFrame:
    """``quality.csv``: one row per group and measure.

    ``standardised_difference`` is (mean of group - mean of reference) / √((v_group + v_reference)/2) over people
    (Cohen 1988; Austin 2009, Stat. Med. 28), its interval linearised, people as the unit. ``after_matching`` is the
    same with people weighted as in ``matching`` (all chosen measures at once), in the same unit: what matching leaves,
    which should be near 0.
    """
    names = ("people", "mean", "variance", "third", "fourth")
    found = {
        (str(row["group"]), str(row["measure"])): (
            Moments(int(row["people"]), *(float(row[name]) for name in names[1:])),
            row,
        )
        for row in kept.to_dict("records")
    }
    groups = {group.name: group for group in groups_of(cells)}
    rows: list[dict[str, object]] = []
    for (name, measure), (own, row) in found.items():
        group = groups[name]
        against = reference if group.finest else coarser_reference(group, reference)
        said = {"group": name, "measure": measure, "people": own.people, "mean": own.mean, "median": row["median"]}
        if name in (ALL, UNLABELLED) or against not in groups or against == name:
            rows.append(said)
            continue
        other = found.get((against, measure))
        d, low, high, unit = (math.nan,) * 4 if other is None else standardised(own, other[0], confidence)
        left = float(row["matched_shift"]) / unit if unit > 0 else math.nan
        said |= {"reference": against, "standardised_difference": d, "low": low, "high": high, "after_matching": left}
        rows.append(said | {"note": "" if unit > 0 else "too few people, or no spread"})
    return columns.frame("quality", rows)


def standardised(a: Moments, b: Moments, confidence: float) -> tuple[float, float, float, float]:
    """Standardised difference of two sets of people, its limits, and the unit it is measured in; NaN with fewer than
    two people or no spread.
    """
    if min(a.people, b.people) < 2:
        return math.nan, math.nan, math.nan, math.nan
    unit = math.sqrt((a.second + b.second) / 2)
    if not unit > 0:
        return math.nan, math.nan, math.nan, math.nan
    d = (a.mean - b.mean) / unit
    half = normal_quantile(confidence) * math.sqrt(_influence(a, 1, d, unit) + _influence(b, -1, d, unit))
    return d, d - half, d + half, unit


def _influence(one: Moments, sign: int, d: float, unit: float) -> float:
    """Σψ² of a side: one person's influence on d goes through the mean (± z/n) and through the unit (- d/4 (z² -
    v)/n), z the centred measure.
    """
    z2, z3, z4 = one.second / unit**2, one.third / unit**3, one.fourth / unit**4
    return max(0.0, z2 - sign * d / 2 * z3 + d**2 / 16 * (z4 - z2**2)) / one.people
