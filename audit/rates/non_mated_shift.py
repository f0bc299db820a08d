"""How far groups' non-mated scores lie apart, with people as the unit (``non_mated_shift.csv``).

In: sums over the scores of pairs of people, one photo each (``shift.npz``). Out: per group the mean, spread and
Kolmogorov-Smirnov distance to the reference, each with an interval. Its one idea: a statistic of pairs has the dyadic
variance of METRICS 3 (S - Q over M squared), and every such sum is a polynomial in sums that were kept.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import kolmogi

from audit.base.groups import coarser_reference, groups_of
from audit.observations.kept import ScoreSums
from audit.stats.intervals import normal_quantile, t_quantile, zero_errors_by_disjoint_pairs
from audit.words import columns

__all__ = ["non_mated_shift"]


class _Part(NamedTuple):
    """Variance of a mean over pairs, and its degrees of freedom (None: normal)."""

    variance: float
    df: float | None


class _One(NamedTuple):
    """The sums of one group."""

    people: int
    moments: NDArray[np.float64]
    person: NDArray[np.float64]
    pairs: NDArray[np.int64]
    below: NDArray[np.int64]

    @property
    def total(self) -> int:
        """M, pairs of people."""
        return self.people * (self.people - 1) // 2


def _part(S: float, Q: float, fourth: float, M: int) -> _Part:
    """METRICS 3: max(S - Q, Q)/M squared, with t where people cluster; ``fourth`` is the sum of R to the fourth."""
    if not Q > 0:
        return _Part(0.0, None)
    return _Part(max(S - Q, Q) / M**2, max(2.0, S * S / fourth - 1) if S - Q > Q else None)


def _of_mean(one: _One, alpha: float, beta: float) -> _Part:
    """Of the mean over pairs of α(s - mean) + β((s - mean)² - variance)."""
    _, m2, m3, m4 = (float(value) for value in one.moments)
    aa, ab, bb, a4, a3b, a2b2, ab3, b4 = (float(value) for value in one.person)
    S = alpha**2 * aa + 2 * alpha * beta * ab + beta**2 * bb
    Q = one.total * (alpha**2 * m2 + 2 * alpha * beta * m3 + beta**2 * (m4 - m2**2))
    fourth = (
        alpha**4 * a4
        + 4 * alpha**3 * beta * a3b
        + 6 * alpha**2 * beta**2 * a2b2
        + 4 * alpha * beta**3 * ab3
        + beta**4 * b4
    )
    return _part(S, Q, fourth, one.total)


def _of_share(one: _One, edge: int) -> _Part:
    """Of the share of pairs below an inner edge; exact integers until the end."""
    n, M, below = one.people, one.total, int(one.pairs[: edge + 1].sum())
    two, three, four = (int(value) for value in one.below[edge])
    mean = Fraction(2 * below, n)  # of C over people
    S = two - mean * 2 * below
    fourth = four - 4 * mean * three + 6 * mean**2 * two - 3 * n * mean**4
    return _part(float(S), float(Fraction(below * (M - below), M)), float(fourth), M)


def _half_width(parts: tuple[_Part, _Part], confidence: float) -> float:
    total = sum(part.variance for part in parts)
    spread = sum(part.variance**2 / part.df for part in parts if part.df is not None)
    quantile = t_quantile(max(2.0, total**2 / spread), confidence) if spread > 0 else normal_quantile(confidence)
    return quantile * math.sqrt(total)


def _largest(a: _One, b: _One, confidence: float) -> float:
    """Bound of the largest difference of two groups' noise over all edges.

    Kolmogorov's quantile (1.358 for .95) is that of the largest of a process whose standard deviation is at most 1/2;
    here it is put to the largest standard deviation seen. A person's share of pairs below a score moves more smoothly
    with the score than one score's step from 0 to 1 does, so the bound errs outwards. Never below 1 - .05^(1/⌊n/2⌋) of
    the smaller group: no spread seen is not known to be none.
    """
    widest = max(_half_width((_of_share(a, edge), _of_share(b, edge)), confidence) for edge in range(len(a.below)))
    floor = zero_errors_by_disjoint_pairs(min(a.people, b.people)).high
    return max(floor, widest * 2 * float(kolmogi(1 - confidence)) / normal_quantile(confidence))


def non_mated_shift(
    sums: ScoreSums, cells: tuple[str, ...], reference: str, *, confidence: float, minimum: int
) -> pd.DataFrame:
    """Every group against its reference; each person's first acquired photo.

    ``ks_distance`` is the largest distance of the two distribution functions over the inner edges of the bins. A
    distance picked as the largest is too large where groups are alike: an interval of the difference at that score
    excludes 0 in a third of equal groups. It never errs by more than the largest difference of the noise itself does,
    so its limits are that far away (``_largest``). ``standardised_difference`` as in ``distributions``.
    """
    groups = {group.name: group for group in groups_of(cells) if group.order}
    made = {
        name: _One(int(sums.people[k]), sums.moments[k], sums.person[k], sums.pairs[k], sums.below[k])
        for k, name in enumerate(sums.groups)
    }
    rows: list[dict[str, object]] = []
    for group in groups.values():
        against = reference if group.finest else coarser_reference(group, reference)
        if against not in groups or against == group.name:
            continue
        a, b = made[group.name], made[against]
        row: dict[str, object] = {
            "group": group.name,
            "reference": against,
            "subjects": a.people,
            "reference_subjects": b.people,
        }
        if min(a.people, b.people) < max(3, minimum):
            rows.append(row | {"note": f"too few people: {min(a.people, b.people)}"})
            continue
        rows.append(row | _compared(a, b, sums, confidence))
    return columns.frame("non_mated_shift", rows)


_LEAST = 1e-36
"""Typical spread of scores whose eighth power, which an interval needs, float64 still holds."""

_FAR = "no interval of the difference: scores so small or large leave float64 when they are raised to the eighth power"


def _compared(a: _One, b: _One, sums: ScoreSums, confidence: float) -> dict[str, object]:
    (mean, v_a), (other, v_b) = ((float(one.moments[0]), float(one.moments[1])) for one in (a, b))
    unit = math.sqrt((v_a + v_b) / 2)
    d = (mean - other) / unit if unit > 0 else math.nan
    half = math.nan
    held = _LEAST < unit < 1 / _LEAST
    if held:  # one pair's influence on d: through the mean, and through the unit
        beta = -d / (4 * unit**2)
        half = _half_width((_of_mean(a, 1 / unit, beta), _of_mean(b, -1 / unit, beta)), confidence)
    gap = np.cumsum(a.pairs)[:-1] / a.total - np.cumsum(b.pairs)[:-1] / b.total
    at = int(np.abs(gap).argmax())
    distance = float(abs(gap[at]))
    wide = _largest(a, b, confidence)
    drawn = "" if max(a.people, b.people) < sums.most else f"at most {sums.most} people a group, drawn at random"
    return {
        "mean": mean,
        "reference_mean": other,
        "standardised_difference": d,
        "difference_low": d - half,
        "difference_high": d + half,
        "ks_distance": distance,
        "ks_low": max(0.0, distance - wide),
        "ks_high": min(1.0, distance + wide),
        "at_score": sums.low + (sums.high - sums.low) * (at + 1) / len(a.pairs),
        "interval": f"dyadic cluster-robust, one photo a person, {confidence * 100:g} %",
        "note": _FAR if unit > 0 and not held else drawn,
    }
