"""How far groups' non-mated scores lie apart, with people as the unit (``non_mated_shift.csv``).

In: templates under opaque people. Out: per group the mean, spread and Kolmogorov-Smirnov distance to the reference, each with an interval. Its one
idea: one photo a person makes every pair of people one score, and a statistic of pairs has the dyadic variance of METRICS 3 (S - Q over M squared),
whatever the statistic. Computed in the run: scores of single pairs are not kept, so this table cannot be computed again from results alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.comparisons.scores import scores_of
from audit.embeddings import EmbeddingSet
from audit.rates.groups import coarser_reference, groups_of
from audit.stats.intervals import normal_quantile, t_quantile

__all__ = ["COLUMNS", "MOST", "non_mated_shift"]

COLUMNS = (
    ("group", "reference", "subjects", "reference_subjects", "mean", "reference_mean", "standardised_difference", "difference_low")
    + ("difference_high", "ks_distance", "ks_low", "ks_high", "at_score", "interval", "note")
)  # fmt: skip
MOST = 1500
"""People per group at most: the lowest opaque numbers, which are a random draw. Bounds the pairs at a million a group."""
_BINS = 512

Floats = NDArray[np.float64]


class _Scores(NamedTuple):
    """Scores of all pairs of n people, one photo each; i and j are places 0..n-1."""

    people: int
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    score: Floats
    place: NDArray[np.int64]

    def below(self) -> Floats:
        """(bins - 1,) share of pairs below each inner edge."""
        counts = np.bincount(self.place, minlength=_BINS)
        return np.asarray(np.cumsum(counts)[:-1] / len(self.score), np.float64)


class _Part(NamedTuple):
    """Variance of a mean over pairs, and its degrees of freedom (None: normal)."""

    variance: float
    df: float | None


def _variance(scores: _Scores, x: Floats) -> _Part:
    """Of the mean of ``x`` (K,) over pairs, by METRICS 3: max((S - Q), Q)/M squared, with t where people cluster."""
    r = x - x.mean()
    R = np.bincount(scores.i, r, scores.people) + np.bincount(scores.j, r, scores.people)
    S, Q, M = float((R**2).sum()), float((r**2).sum()), len(x)
    if not Q > 0:
        return _Part(0.0, None)
    return _Part(max(S - Q, Q) / M**2, max(2.0, S * S / float((R**4).sum()) - 1) if S - Q > Q else None)


def _half_width(parts: tuple[_Part, _Part], confidence: float) -> float:
    total = sum(part.variance for part in parts)
    spread = sum(part.variance**2 / part.df for part in parts if part.df is not None)
    quantile = t_quantile(max(2.0, total**2 / spread), confidence) if spread > 0 else normal_quantile(confidence)
    return quantile * math.sqrt(total)


def _scores(embeddings: EmbeddingSet, rows: NDArray[np.int64]) -> _Scores:
    a, b = np.triu_indices(len(rows), 1)
    score = scores_of(embeddings, rows[a], rows[b])
    low, high = embeddings.rule.low, embeddings.rule.high
    place = np.clip(((score - low) / (high - low) * _BINS).astype(np.int64), 0, _BINS - 1)
    return _Scores(len(rows), a.astype(np.int64), b.astype(np.int64), score, place)


def non_mated_shift(embeddings: EmbeddingSet, reference: str, *, confidence: float, minimum: int) -> pd.DataFrame:
    """Every group against its reference; each person's first acquired photo.

    ``ks_distance`` is the largest distance of the two distribution functions over 511 scores, and its interval that of the difference at that
    score: a distance picked as the largest is a little too large where groups are alike. ``standardised_difference`` as in ``distributions``.
    """
    _, first = np.unique(embeddings.subject, return_index=True)  # sorted by person
    cell = embeddings.cell[first]
    groups = {group.name: group for group in groups_of(embeddings.cells)}
    made: dict[str, _Scores] = {}

    def scores(name: str) -> _Scores:
        if name not in made:
            made[name] = _scores(embeddings, first[np.isin(cell, groups[name].cells)][:MOST].astype(np.int64))
        return made[name]

    rows: list[tuple[object, ...]] = []
    for group in groups.values():
        against = reference if group.finest else coarser_reference(group, reference)
        if not group.order or against not in groups or against == group.name:
            continue
        a, b = scores(group.name), scores(against)
        start = (group.name, against, a.people, b.people)
        if min(a.people, b.people) < max(3, minimum):
            rows.append((*start, *(math.nan,) * 9, "", f"too few people: {min(a.people, b.people)}"))
            continue
        rows.append((*start, *_compared(a, b, embeddings, confidence)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _compared(a: _Scores, b: _Scores, embeddings: EmbeddingSet, confidence: float) -> tuple[object, ...]:
    mean, other, v_a, v_b = (float(value) for value in (a.score.mean(), b.score.mean(), a.score.var(), b.score.var()))
    unit = math.sqrt((v_a + v_b) / 2)
    d = (mean - other) / unit if unit > 0 else math.nan
    half = math.nan
    if unit > 0:  # one pair's influence on d: through the mean, and through the unit
        psi = [(sign * one.score / unit - d / (4 * unit**2) * (one.score - one.score.mean()) ** 2) for one, sign in ((a, 1.0), (b, -1.0))]
        half = _half_width((_variance(a, psi[0]), _variance(b, psi[1])), confidence)
    gap = a.below() - b.below()
    at = int(np.abs(gap).argmax())
    distance = float(abs(gap[at]))
    parts = (_variance(a, (a.place <= at).astype(np.float64)), _variance(b, (b.place <= at).astype(np.float64)))
    wide = _half_width(parts, confidence)
    low, high = embeddings.rule.low, embeddings.rule.high
    edge = low + (high - low) * (at + 1) / _BINS
    method = f"dyadic cluster-robust, one photo a person, {confidence * 100:g} %"
    return (
        (mean, other, d, d - half, d + half, distance, max(0.0, distance - wide), min(1.0, distance + wide), edge, method)
        + ("" if max(a.people, b.people) < MOST else f"at most {MOST} people a group, drawn by their opaque numbers",)
    )  # fmt: skip
