"""How far whole score distributions lie apart, group against reference (``distributions.csv``).

In: histograms per pair of cells, and mated errors per person along the ladder of thresholds. Out: standardised
differences and Kolmogorov-Smirnov distances. Its one idea: a shift of the whole distribution is a simpler fact than a
rate in its tail, and shows where no error was seen.

What carries an interval and what does not: histograms count comparisons, of which one person holds many, so their rows
have none. Mated scores belong to one person each; along the ladder their distribution is known per person, so that row
has an interval from resampling people, and its distance is the largest at the ladder's thresholds. A non-mated score
belongs to two people; per person it is not kept. All rows are computed again from a results directory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import Group, coarser_reference, groups_of
from audit.base.sums import dot
from audit.comparisons.types import ScoreHistograms
from audit.observations.tallies import Labelling, PointTally, Tallies
from audit.stats.distributions import ks_distance, ks_interval
from audit.words import columns

__all__ = ["distributions", "moments"]

_BY_COMPARISONS = "counted by comparisons, of which a few people hold many: no interval"
_ON_LADDER = "largest distance at the thresholds of the curve"
_RESAMPLES = 499

Counts = NDArray[np.int64]


def moments(counts: Counts, middles: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of a histogram, each score taken at the middle of its bin; NaN where it is empty."""
    total = int(counts.sum())
    if not total:
        return math.nan, math.nan
    mean = dot(counts, middles) / total
    return mean, math.sqrt(max(0.0, dot(counts, (middles - mean) ** 2) / total))


def distributions(
    tallies: Tallies,
    histograms: ScoreHistograms | None,
    reference: str,
    *,
    confidence: float,
    seed: int,
    minimum: int = 2,
) -> pd.DataFrame:
    """Every group against its reference: rows of non-mated and mated scores by comparisons, and of mated scores by
    people.

    ``standardised_difference`` is (mean of group - mean of reference) / √((v_group + v_reference)/2): how many typical
    spreads more alike (for non-mated comparisons: more confusable) the group's scores are; scores are larger for more
    alike, also where the matcher gives distances.
    """
    labelling = tallies.labellings[0]
    rows: list[dict[str, object]] = []
    for group, other in _pairs(labelling, reference):
        here, there = np.isin(labelling.cell, group.cells), np.isin(labelling.cell, other.cells)
        if histograms is not None:
            rows += _from_histograms(histograms, group, other, tallies, here, there)
        rows += _from_people(tallies, group, other, here, there, confidence, seed, minimum)
    return columns.frame("distributions", rows)


def _pairs(labelling: Labelling, reference: str) -> Iterator[tuple[Group, Group]]:
    groups = {group.name: group for group in groups_of(labelling.cells)}
    for group in groups.values():
        other = groups.get(reference if group.finest else coarser_reference(group, reference))
        if group.order and other is not None and other.name != group.name:
            yield group, other


def _row(kind: str, weighting: str, group: Group, other: Group) -> dict[str, object]:
    return {"kind": kind, "weighting": weighting, "group": group.name, "reference": other.name}


def _from_histograms(
    histograms: ScoreHistograms,
    group: Group,
    other: Group,
    tallies: Tallies,
    here: NDArray[np.bool_],
    there: NDArray[np.bool_],
) -> list[dict[str, object]]:
    edges = histograms.axis.edges
    middles = (edges[:-1] + edges[1:]) / 2
    rows: list[dict[str, object]] = []
    for kind, people in (("non-mated", tallies.acquired > 0), ("mated", tallies.mated > 0)):
        a, b = (_counts(histograms, one, kind) for one in (group, other))
        (mean, spread), (other_mean, other_spread) = moments(a, middles), moments(b, middles)
        unit = math.sqrt((spread**2 + other_spread**2) / 2) if a.any() and b.any() else 0.0
        shift = (mean - other_mean) / unit if unit > 0 else math.nan
        distance = ks_distance(a, b) if a.any() and b.any() else math.nan
        rows.append(
            _row(kind, "comparisons", group, other)
            | {"comparisons": int(a.sum()), "subjects": int((people & here).sum())}
            | {
                "mean": mean,
                "standard_deviation": spread,
                "reference_mean": other_mean,
                "reference_standard_deviation": other_spread,
            }
            | {"standardised_difference": shift, "ks_distance": distance, "note": _BY_COMPARISONS}
        )
    return rows


def _counts(histograms: ScoreHistograms, group: Group, kind: str) -> Counts:
    """Comparisons within a group, all its cell pairs together."""
    if kind == "mated":
        return np.asarray(histograms.mated[list(group.cells)].sum(axis=0))
    inside = np.isin(histograms.pairs, group.cells).all(axis=1)
    return np.asarray(histograms.non_mated[inside].sum(axis=0))


def _from_people(
    tallies: Tallies,
    group: Group,
    other: Group,
    here: NDArray[np.bool_],
    there: NDArray[np.bool_],
    confidence: float,
    seed: int,
    minimum: int,
) -> list[dict[str, object]]:
    """The mated row by people: per person, how many mated scores lie between neighbouring thresholds."""
    points = sorted(
        (point for point in tallies.curve or tallies.points if math.isfinite(point.threshold)), key=_threshold
    )
    if not points:
        return []
    mated = tallies.mated
    below = np.stack([np.zeros_like(mated), *(point.f.astype(np.int64) for point in points), mated], axis=1)
    counts = np.diff(below, axis=1)
    a, b = counts[here & (mated > 0)], counts[there & (mated > 0)]
    row = _row("mated", "people", group, other) | {"comparisons": int(a.sum()), "subjects": len(a)}
    fewest = min(len(a), len(b))
    if fewest < max(2, minimum):
        return [row | {"note": f"too few people with two photos: {fewest}"}]
    found = ks_interval(a, b, "people", confidence=confidence, resamples=_RESAMPLES, seed=seed)
    # resampled by a matrix product, whose last bits depend on the machine
    row |= {name: round(value, 9) for name, value in zip(("ks_distance", "low", "high"), found[:3], strict=True)}
    return [row | {"interval": f"{found.method}, {confidence * 100:g} %", "note": _ON_LADDER}]


def _threshold(point: PointTally) -> float:
    return point.threshold
