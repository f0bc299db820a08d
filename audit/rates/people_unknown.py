"""Counts of pairs whose people are not known in, ``Rates`` without intervals out.

Its one idea: without subject ids a comparison cannot be told from the next, so a rate is a count over a count and has
no interval: none that treats pairs as independent covers (METRICS 3.2: naive intervals hold the true rate in 49 to 96
of 100 audits). Ratios, differences and curves follow from such rates as from any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import UNLABELLED, Group, groups_of
from audit.observations.pairs import BEST, Counted
from audit.rates.every_rate import NO_SUBJECT_IDS, Key, Rates
from audit.stats.fnmr import SubjectRate, without_people
from audit.words import columns

__all__ = ["decided", "rates_of_pairs"]


def _inside(group: Group, size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    mask[list(group.cells)] = True
    return mask


def _tallied(one: Counted, group: Group) -> dict[str, tuple[int, int]]:
    """Errors and trials of each measure inside a group."""
    inside = _inside(group, len(one.mated))
    both = np.triu(np.outer(inside, inside))
    out = {"FMR": (int(one.false_matches[both].sum()), int(one.non_mated[both].sum()))}
    if not group.finest:
        same = np.diag(inside)
        out["FMR_same_cell"] = (int(one.false_matches[same].sum()), int(one.non_mated[same].sum()))
    return out | {"FNMR": (int(one.misses[inside].sum()), int(one.mated[inside].sum()))}


def rates_of_pairs(cells: tuple[str, ...], points: Mapping[str, Counted], confidence: float) -> Rates:
    """Every rate by comparisons, at every point; of two groups where such pairs were compared.

    Parameters
    ----------
    cells : tuple of C str
    points : mapping of operating point to Counted
        Rungs of the curve included.
    confidence : float
        Of the run; no rate has an interval.
    """
    groups = groups_of(cells)
    finest = [group for group in groups if group.finest]
    values: dict[Key, SubjectRate] = {}

    def add(point: str, measure: str, group: str, other: str, errors: int, trials: int) -> None:
        note = NO_SUBJECT_IDS if trials else "no comparisons"
        values[Key(point, measure, "comparisons", group, other)] = without_people(errors, trials, note, confidence)

    for name, one in points.items():
        for group in groups:
            for measure, (errors, trials) in _tallied(one, group).items():
                add(name, measure, group.name, "", errors, trials)
        for n, g in enumerate(finest):
            for h in finest[n + 1 :]:
                place = (g.cells[0], h.cells[0])
                if one.non_mated[place]:
                    add(name, "FMR", g.name, h.name, int(one.false_matches[place]), int(one.non_mated[place]))
    return Rates(values, groups, cells, confidence, 0, people_known=False)


def decided(points: Mapping[str, Counted], cells: tuple[str, ...], *, dissimilarity: bool) -> pd.DataFrame:
    """``decided.csv``: of each group's pairs, the share decided rightly at the file's best threshold and at the
    group's own best.
    """
    if BEST not in points:
        return columns.empty("decided")
    sign, rows = (-1.0 if dissimilarity else 1.0), []
    for group in groups_of(cells):
        if group.name == UNLABELLED:
            continue
        right, pairs = _right(points[BEST], group)
        own = points.get(f"{BEST}:{group.name}") if group.finest else None
        row = {
            "group": group.name,
            "pairs": pairs,
            "threshold": sign * points[BEST].threshold,
            "share_right": _share(right, pairs),
        }
        mine = (
            {}
            if own is None
            else {"own_threshold": sign * own.threshold, "own_share_right": _share(*_right(own, group))}
        )
        rows.append(row | mine)
    return columns.frame("decided", rows)


def _right(one: Counted, group: Group) -> tuple[int, int]:
    tallied = _tallied(one, group)
    errors, pairs = (sum(tallied[measure][k] for measure in ("FMR", "FNMR")) for k in (0, 1))
    return pairs - errors, pairs


def _share(right: int, pairs: int) -> float:
    return right / pairs if pairs else math.nan
