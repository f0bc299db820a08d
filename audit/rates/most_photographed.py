"""Tallies in, how much of each group's comparisons its most photographed people hold out (``most_photographed.csv``).

Its one idea: the two weightings differ because some people were photographed more than others, so the share of the ten
who weigh most says, group by group and under no name at all, who decides the weighting ``comparisons``.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import groups_of
from audit.observations.tallies import Tallies
from audit.words import columns

__all__ = ["MOST", "most_photographed"]

MOST = 10
_FEW = "ten people or fewer: they hold everything"


def most_photographed(tallies: Tallies) -> pd.DataFrame:
    """One row per group of the headline labelling: of its non-mated and of its mated comparisons, the share in which
    one of the ten takes part.

    The ten are those with most comparisons of that kind, which are those with most photos where every photo was
    compared with every other.
    """
    labelling, rows = tallies.labellings[0], []
    for group in groups_of(labelling.cells):
        inside = np.isin(labelling.cell, group.cells) & (tallies.acquired > 0)
        different, total_different = _different(tallies, inside)
        mated = np.where(inside, tallies.mated, 0)
        people, total_mated = int(inside.sum()), int(mated.sum())
        rows.append(
            {
                "group": group.name,
                "subjects": people,
                "non_mated": total_different,
                "share_of_non_mated": _share(different, total_different),
                "mated": total_mated,
                "share_of_mated": _share(int(np.sort(mated)[-MOST:].sum()), total_mated),
                "note": _FEW if people <= MOST else "",
            }
        )
    return columns.frame("most_photographed", rows)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _different(tallies: Tallies, inside: NDArray[np.bool_]) -> tuple[int, int]:
    """Non-mated comparisons of two people inside in which one of the ten takes part, and all of them."""
    if tallies.listed is None:
        n = np.sort(np.where(inside, tallies.acquired, 0).astype(np.int64))
        all_of_them, rest = _pairs(n), _pairs(n[:-MOST])
        return all_of_them - rest, all_of_them
    i, j, m = tallies.listed.i, tallies.listed.j, tallies.listed.m.astype(np.int64)
    here = inside[i] & inside[j]
    i, j, m = i[here], j[here], m[here]
    each = np.bincount(i, m, len(inside)) + np.bincount(j, m, len(inside))
    ten = np.zeros(len(inside), bool)
    ten[np.argsort(-each, kind="stable")[:MOST]] = True
    return int(m[ten[i] | ten[j]].sum()), int(m.sum())


def _pairs(n: NDArray[np.int64]) -> int:
    total = int(n.sum())
    return (total * total - int((n * n).sum())) // 2
