"""Do gaps between groups remain at equal image quality? (``quality_matched.csv``; claim C3: association, not cause.)

In: tallies with quality strata. Out: ratios before and after matching. Its one idea is direct standardisation, with
people as the unit: each person of the group is weighted so that the group's people lie in the quality strata as the
reference's do; a pair of people weighs the product, so pairs lie as the reference's pairs do. Strata in which only one
of the groups has people cannot be matched and are left out of both, and how many people are left is printed.

The interval is the linearised one of METRICS 3, with what estimating the weights adds: a group's influences are taken
from their stratum's mean (the weights adapt to the people drawn), and the reference's people move the target too. It
agrees with resampling people (a test), needs no draws, and gives none where few errors are left. Matching on coarse
strata leaves differences inside a stratum: ``quality.csv`` says how large.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, UNLABELLED, coarser_reference, groups_of
from audit.base.sums import dot, power
from audit.observations.tallies import PointTally, Strata, Tallies
from audit.rates.every_rate import Key
from audit.stats.contrasts import Contrast, Ratio
from audit.words import columns

__all__ = ["AWAY", "REMAINS", "Matched", "matched_fmr", "matched_fnmr", "quality_matched"]

REMAINS, AWAY = (
    "remains after matching",
    "too uncertain to say after matching",
)  # audit.findings.quality puts them into words
OF_SKIN = (
    "the brightness of a face depends on skin as well as on light: matching on it may match the groups themselves away"
)
_FEW = 10  # pairs of people (or people) with errors on either side, below which a linearised interval is not printed

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Matched(NamedTuple):
    """A ratio at equal quality: ``contrast`` is ln(rate of group / rate of
    reference), influences over all S people.
    """

    contrast: Contrast
    group: Mask
    reference: Mask
    effective_people: float
    errors: int
    unit: str = "pairs of people"

    def ratio(self, confidence: float) -> Ratio:
        """The ratio with its interval, or without one where few errors are left."""
        found = self.contrast.ratio(confidence)
        if self.errors < _FEW and found.method:
            return Ratio(
                found.value, math.nan, math.nan, "", f"only {self.errors} {self.unit} with errors: no interval"
            )
        return found


def _weights(group: Mask, reference: Mask, stratum: NDArray[np.int64]) -> tuple[Mask, Mask, Floats, Floats]:
    """People in strata that both have; the group's weights (mean 1, 0 outside); the reference's share per stratum."""
    size = max(1, int(stratum.max(initial=0)) + 1)
    group, reference = group & (stratum >= 0), reference & (stratum >= 0)
    n_a, n_b = np.bincount(stratum[group], minlength=size), np.bincount(stratum[reference], minlength=size)
    both = np.append((n_a > 0) & (n_b > 0), False)  # the last answers for stratum -1
    group, reference = group & both[stratum], reference & both[stratum]
    share = np.where(both[:-1], n_b, 0) / max(1, int(reference.sum()))
    weight = np.zeros(len(stratum))
    weight[group] = (share * int(group.sum()) / np.maximum(n_a, 1))[stratum[group]]
    return group, reference, weight, share


def _none(group: Mask, reference: Mask, weight: Floats, errors: int, note: str) -> Matched:
    return Matched(
        Contrast(math.nan, math.nan, None, np.zeros(len(weight)), note), group, reference, _effective(weight), errors
    )


def _effective(weight: Floats) -> float:
    """Kish's effective number of people."""
    square = float((weight**2).sum())
    return float(weight.sum()) ** 2 / square if square else 0.0


def matched_fmr(
    point: PointTally, acquired: NDArray[np.int32], group: Mask, reference: Mask, stratum: NDArray[np.int64]
) -> Matched:
    """FMR of ``group`` over FMR of ``reference`` (``people`` weighting), the group weighted to the reference's strata.

    With weights w_i = π_k n_A / n_Ak, θ = Σ w_i w_j e_ij/m_ij / Σ w_i w_j over the pairs of A; π_k is the reference's
    share of stratum k.

    Parameters
    ----------
    point : PointTally
    acquired : NDArray (S,) int32
    group, reference : NDArray (S,) bool
        Disjoint sets of people.
    stratum : NDArray (S,) int64
        -1: unknown, left out.
    """
    taken = acquired > 0
    group, reference, weight, share = _weights(group & taken, reference & taken, stratum)
    x = point.e / (acquired[point.i].astype(np.float64) * acquired[point.j])
    a = _side(point, x, weight)
    b = _side(point, x, reference.astype(np.float64))
    errors = min(a.dyads, b.dyads)
    if not (a.rate > 0 and b.rate > 0):
        return _none(group, reference, weight, errors, "no errors, or nobody to compare, in one of the groups")
    size = len(share)
    n_a = np.bincount(stratum[group], minlength=size)
    of_stratum = np.bincount(stratum[group], a.R[group], size)
    influence = np.zeros(len(weight))
    influence[group] = (a.R[group] - (of_stratum / np.maximum(n_a, 1))[stratum[group]]) / (a.M * a.rate)
    # The reference's people set the target shares: dθ/dπ_k = Σ_{i in k} R_i / (π_k M), and one of n_B people moves π_k
    # by 1/n_B.
    moved = np.divide(of_stratum, share * a.M, out=np.zeros(size), where=share > 0)
    influence[reference] = moved[stratum[reference]] / (int(reference.sum()) * a.rate) - b.R[reference] / (
        b.M * b.rate
    )
    square = a.Q / (a.M * a.rate) ** 2 + b.Q / (b.M * b.rate) ** 2
    guard = a.guard / a.rate**2 + b.guard / b.rate**2
    return Matched(
        _contrast(math.log(a.rate / b.rate), influence, square, guard), group, reference, _effective(weight), errors
    )


class _Side(NamedTuple):
    """One group's weighted rate and the sums its variance is made of (METRICS 3, with m_ij = w_i w_j)."""

    rate: float
    M: float
    R: Floats
    Q: float
    guard: float
    dyads: int


def _side(point: PointTally, x: Floats, weight: Floats) -> _Side:
    inside = (weight[point.i] > 0) & (weight[point.j] > 0)
    i, j, x = point.i[inside], point.j[inside], x[inside]
    m = weight[i] * weight[j]
    total, two, four = float(weight.sum()), float((weight**2).sum()), float(power(weight, 4).sum())
    M, M2 = (total**2 - two) / 2, (two**2 - four) / 2
    if not M > 0:
        return _Side(math.nan, 0.0, np.zeros(len(weight)), 0.0, 0.0, 0)
    rate = float((m * x).sum()) / M
    people = len(weight)
    E = np.bincount(i, m * x, people) + np.bincount(j, m * x, people)
    R = E - rate * weight * (total - weight)
    Q = float(dot(m * x, m * x) - 2 * rate * (m**2 * x).sum() + rate**2 * M2)
    return _Side(rate, M, R, max(0.0, Q), rate * (1 - rate) * M2 / M**2, len(x))


def _contrast(value: float, influence: Floats, square: float, guard: float) -> Contrast:
    """Variance and quantile by the rules of METRICS 3."""
    total = float((influence**2).sum())
    variance = max(total - square, square, guard)
    clustered = total - square > square and total - square >= guard
    return Contrast(
        value, variance, max(2.0, total**2 / float(power(influence, 4).sum()) - 1) if clustered else None, influence
    )


def matched_fnmr(
    point: PointTally, mated: NDArray[np.int64], group: Mask, reference: Mask, stratum: NDArray[np.int64]
) -> Matched:
    """FNMR of ``group`` over FNMR of ``reference``, each a mean over people with mated comparisons, the group weighted
    as in ``matched_fmr``.
    """
    group, reference, weight, _ = _weights(group & (mated > 0), reference & (mated > 0), stratum)
    y = np.divide(point.f, mated, out=np.zeros(len(mated)), where=mated > 0)
    errors = min(int((y[group] > 0).sum()), int((y[reference] > 0).sum()))
    if not group.any() or not reference.any():
        return _none(group, reference, weight, errors, "nobody to compare in one of the groups")
    a, b = float((weight * y).sum() / weight.sum()), float(y[reference].mean())
    if not (a > 0 and b > 0):
        return _none(group, reference, weight, errors, "no errors in one of the groups")
    k = stratum[group]
    mean = np.bincount(k, y[group]) / np.maximum(np.bincount(k), 1)
    influence = np.zeros(len(y))
    influence[group] = weight[group] * (y[group] - mean[k]) / (weight.sum() * a)
    influence[reference] = ((mean[stratum[reference]] - a) / a - (y[reference] - b) / b) / int(reference.sum())
    effective = _effective(weight)
    guard = (1 - a) / (a * effective) + (1 - b) / (b * int(reference.sum()))
    return Matched(_contrast(math.log(a / b), influence, 0.0, guard), group, reference, effective, errors, "people")


def _ways(strata: Strata) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """All measures at once first, then one by one."""
    if len(strata.names) > 1:
        yield " and ".join(strata.names), strata.joint(range(len(strata.names)))
    for k, name in enumerate(strata.names):
        yield name, strata.single(k)


def quality_matched(tallies: Tallies, reference: str, confidence: float, minimum: int) -> pd.DataFrame:
    """``quality_matched.csv``: every group against its reference, before and after matching, at every operating point.

    ``outcome`` is ``REMAINS`` where the interval excludes 1 on the same side before and after, ``AWAY`` where it does
    so only before, and empty where there was no clear gap to begin with or fewer than ``minimum`` effective people
    could be matched. Nothing is ever "explained". Operating points whose pairs of people were too many to list are
    left out.
    """
    rows: list[dict[str, object]] = []
    strata, labelling = tallies.strata, tallies.labellings[0]
    groups = {group.name: group for group in groups_of(labelling.cells)} if strata is not None else {}
    for point in tallies.points:
        if point.streamed:
            continue
        for group in groups.values():
            against = groups.get(reference if group.finest else coarser_reference(group, reference))
            if strata is None or against is None or against.name == group.name or group.name in (ALL, UNLABELLED):
                continue
            here, there = np.isin(labelling.cell, group.cells), np.isin(labelling.cell, against.cells)
            of_these = _only(point, here, there)
            unmatched: dict[bytes, tuple[Matched, Matched]] = {}
            for way, stratum in _ways(strata):
                known = np.where(stratum >= 0, 0, -1)
                found = unmatched.get(known.tobytes())
                if found is None:
                    found = (
                        matched_fmr(of_these, tallies.acquired, here, there, known),
                        matched_fnmr(point, tallies.mated, here, there, known),
                    )
                    unmatched[known.tobytes()] = found
                after = (
                    matched_fmr(of_these, tallies.acquired, here, there, stratum),
                    matched_fnmr(point, tallies.mated, here, there, stratum),
                )
                for measure, then, now in zip(("FMR", "FNMR"), found, after, strict=True):
                    key = Key(point.id, measure, "people", group.name)
                    rows.append(
                        key.row(reference=against.name, matched_on=way, **_row(then, now, way, confidence, minimum))
                    )
    return columns.frame("quality_matched", rows)


def _only(point: PointTally, here: Mask, there: Mask) -> PointTally:
    """The dyads within either of two groups."""
    keep = (here[point.i] & here[point.j]) | (there[point.i] & there[point.j])
    return replace(point, i=point.i[keep], j=point.j[keep], e=point.e[keep])


def _row(before: Matched, after: Matched, way: str, confidence: float, minimum: int) -> dict[str, object]:
    people, others = int(after.group.sum()), int(after.reference.sum())
    few = after.effective_people < minimum or others < minimum
    was, now = before.ratio(confidence), after.ratio(confidence)
    outcome = ""
    skin = OF_SKIN if {"brightness", "contrast"} & set(way.split(" and ")) else ""
    if not few and _side_of_one(was):
        outcome = REMAINS if _side_of_one(now) == _side_of_one(was) else AWAY
    note = "; ".join(
        filter(
            None,
            (
                now.note,
                f"too few people who can be matched (effective: {after.effective_people:.0f})" if few else "",
                skin,
            ),
        )
    )
    return {
        "people": people,
        "reference_people": others,
        "share_matched": people / max(1, int(before.group.sum())),
        "reference_share_matched": others / max(1, int(before.reference.sum())),
        "effective_people": after.effective_people,
        "ratio_before": was.value,
        "low_before": was.low,
        "high_before": was.high,
        "ratio": now.value,
        "low": now.low,
        "high": now.high,
        "interval": f"{now.method}, strata, {confidence * 100:g} %" if now.method else "",
        "outcome": outcome,
        "note": note,
    }


def _side_of_one(ratio: Ratio) -> int:
    """1 or -1 where the interval lies above or below 1, else 0."""
    return int(ratio.low > 1) - int(ratio.high < 1)
