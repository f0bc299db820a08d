"""How far the scores of two photos of one person lie from those of two people: whether there is a matcher at all
(``separation.csv``).

In: histograms per pair of cells, and the curve's rates. Out: one row for all labelled people and one a cell: means,
spreads, range, d' and AUC. Its one idea: before any rate of a group is quoted, somebody must have looked whether the
scores tell people apart; everything here follows from what a run keeps, so ``verify`` looks again.

AUC is the chance that a random mated comparison scores higher than a random non-mated one, ties counted half; guessing
gives one half. It is the area under the curve through all known points: the edges of the histogram's bins and the
exact rates at the run's thresholds, which still see what lies inside a single bin. Its interval is Wilson's with as
many trials as Hanley & McNeil (1982) give it, where one person's mated scores are one observation (Kish's number of
equally photographed people) and of non-mated comparisons only those count that share nobody: wide on purpose, because
it is there so that a few people raise no doubt by chance. Where people are not known, comparisons count, and the note
says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, UNLABELLED
from audit.comparisons.types import ScoreHistograms
from audit.observations.tallies import Tallies
from audit.rates.distributions import moments
from audit.stats.intervals import wilson
from audit.words import columns

__all__ = ["area", "separation"]

_UNKNOWN = "people are not known: every comparison counts as one observation, which is too sure"
_METHOD = "Hanley-McNeil, people, Wilson"

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class _Known(NamedTuple):
    """How many observations stand behind the two kinds of scores, and how many people in all (NaN: not known)."""

    mated: float
    non_mated: float
    subjects: float


def area(false: Floats, true: Floats) -> float:
    """Area under the curve through the points (share of non-mated matched, share of mated matched), any order, ends
    added; ties count half.
    """
    order = np.lexsort((true, false))
    x, y = (
        np.concatenate([[0.0], false[order], [1.0]]),
        np.concatenate([[0.0], np.maximum.accumulate(true[order]), [1.0]]),
    )
    return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())


def _trials(auc: float, known: _Known) -> float:
    """Independent trials that the area is worth: A(1-A)/Var with the variance of Hanley & McNeil; at 0 and 1 the fewer
    of the two kinds.
    """
    m, n = known.mated, known.non_mated
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = (auc * (1 - auc) + (m - 1) * (one - auc * auc) + (n - 1) * (two - auc * auc)) / (m * n)
    return auc * (1 - auc) / variance if 0 < auc < 1 and variance > 0 else min(m, n)


def separation(
    histograms: ScoreHistograms | None,
    curve: pd.DataFrame,
    cells: Sequence[str],
    tallies: Tallies | None,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """``separation.csv``: all labelled people first, then every cell; a cell's non-mated comparisons are those inside
    it.

    Parameters
    ----------
    histograms : ScoreHistograms or None
        Without them there is no row.
    curve : DataFrame
        ``curves.csv``.
    cells : sequence of C str
        Names of the histograms' cells.
    tallies : Tallies or None
        None where people are not known.
    confidence : float
    """
    if histograms is None:
        return columns.empty("separation")
    labelled = [k for k, name in enumerate(cells) if name != UNLABELLED]
    rows = [_row(ALL, histograms, labelled, tallies, _exact(curve, ALL), confidence)]
    if len(labelled) > 1:
        rows += [_row(cells[k], histograms, [k], tallies, _exact(curve, cells[k]), confidence) for k in labelled]
    return columns.frame("separation", rows)


def _exact(curve: pd.DataFrame, group: str) -> tuple[Floats, Floats]:
    """Both shares of a group's comparisons that match, at every threshold that the run counted exactly."""
    rows = curve[(curve["group"] == group) & (curve["weighting"] == "comparisons")][["FMR", "FNMR"]].dropna()
    return rows["FMR"].to_numpy(np.float64), 1 - rows["FNMR"].to_numpy(np.float64)


def _known(tallies: Tallies | None, inside: Sequence[int], mated: int, non_mated: int) -> _Known:
    if tallies is None:
        return _Known(float(mated), float(non_mated), math.nan)
    here = np.isin(tallies.labellings[0].cell, list(inside))
    g = tallies.mated[here].astype(np.float64)
    people = int((here & (tallies.acquired > 0)).sum())
    return _Known(max(1.0, float(g.sum() ** 2 / max(1.0, (g**2).sum()))), float(max(1, people // 2)), float(people))


def _row(
    name: str,
    histograms: ScoreHistograms,
    inside: Sequence[int],
    tallies: Tallies | None,
    exact: tuple[Floats, Floats],
    confidence: float,
) -> dict[str, object]:
    edges = histograms.axis.edges
    middles = (edges[:-1] + edges[1:]) / 2
    mated: Counts = np.asarray(histograms.mated[list(inside)].sum(axis=0))
    non_mated: Counts = np.asarray(
        histograms.non_mated[np.isin(histograms.pairs, list(inside)).all(axis=1)].sum(axis=0)
    )
    known = _known(tallies, inside, int(mated.sum()), int(non_mated.sum()))
    (m_mean, m_spread), (n_mean, n_spread) = moments(mated, middles), moments(non_mated, middles)
    row: dict[str, object] = {
        "group": name,
        "subjects": known.subjects,
        "mated": int(mated.sum()),
        "non_mated": int(non_mated.sum()),
    }
    row |= {
        "mated_mean": m_mean,
        "mated_standard_deviation": m_spread,
        "non_mated_mean": n_mean,
        "non_mated_standard_deviation": n_spread,
    }
    row |= {"axis_low": float(edges[0]), "axis_high": float(edges[-1])}
    there = np.flatnonzero(mated + non_mated)
    if len(there):
        row |= {"lowest": float(edges[there[0]]), "highest": float(edges[there[-1] + 1])}
    if not (mated.any() and non_mated.any()):
        return row | {"note": f"no {'mated' if non_mated.any() else 'non-mated'} comparisons: nothing to tell apart"}
    spread = math.sqrt((m_spread**2 + n_spread**2) / 2)
    false, true = (1 - np.cumsum(counts) / counts.sum() for counts in (non_mated, mated))
    auc = min(1.0, max(0.0, area(np.append(false, exact[0]), np.append(true, exact[1]))))
    limits = wilson(auc, _trials(auc, known), confidence)
    return row | {
        "d_prime": (m_mean - n_mean) / spread if spread > 0 else math.nan,
        "auc": auc,
        "low": limits.low,
        "high": limits.high,
        "interval": f"{_METHOD}, {confidence * 100:g} %",
        "note": _UNKNOWN if tallies is None else "",
    }
