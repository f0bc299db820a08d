"""Tallies that somebody may have written by hand in, the same tallies out, or a refusal: the arrays can be what a run
counts.

Its one idea: everything after this may index and add without looking again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ResultsError
from audit.observations.tallies import PARTS, Listed, PointTally, Tallies

__all__ = ["sound"]


def _hold(fact: Any, what: str) -> None:
    if not bool(fact):
        raise ResultsError("dyads.npz", got=what, allowed="counts of a run", todo="Run the audit again")


def _dyads(one: PointTally | Listed, count: NDArray[np.int32], people: int) -> None:
    i, j = one.i.astype(np.int64), one.j.astype(np.int64)
    _hold(i.shape == j.shape == count.shape and i.ndim == 1, "pairs of people of different lengths")
    _hold(not len(i) or (i.min() >= 0 and j.max() < people and (i < j).all()), "pairs of people who are not there")
    _hold(
        (np.diff(i * people + j) > 0).all() and (count > 0).all(),
        "a pair of people twice, out of order or without a count",
    )


def sound(tallies: Tallies) -> Tallies:
    """Check that people, pairs and counts can be those of a run.

    Raises
    ------
    ResultsError
        Lengths, numbers of people, cells or counts that no run gives.
    """
    people = len(tallies.acquired)
    _hold(people and tallies.attempted.shape == tallies.acquired.shape == (people,), "people of different lengths")
    for column in (tallies.attempted, tallies.acquired):
        _hold(column.dtype.kind in "iu" and column.min() >= 0 and column.max() < 2**31, "samples that are no counts")
    _hold((tallies.acquired <= tallies.attempted).all(), "more samples acquired than attempted")
    _hold(tallies.labellings and tallies.points, "no labels, or no operating point")
    for labelling in tallies.labellings:
        cell = labelling.cell
        _hold(
            cell.shape == (people,) and len(set(labelling.cells)) == len(labelling.cells), "cells of different lengths"
        )
        _hold(cell.min() >= 0 and cell.max() < len(labelling.cells), "people in cells that have no name")
    mated, n = tallies.mated, tallies.acquired.astype(np.int64)
    _hold(mated.shape == (people,), "mated comparisons of other people")
    if tallies.listed is not None:
        _dyads(tallies.listed, tallies.listed.m, people)
        key = tallies.listed.i.astype(np.int64) * people + tallies.listed.j
    for point in (*tallies.points, *tallies.curve):
        _dyads(point, point.e, people)
        _hold(
            point.f.shape == (people,) and (point.f >= 0).all() and (point.f <= mated).all(),
            "misses that are more than comparisons",
        )
        if tallies.listed is None:
            _hold((point.e <= n[point.i] * n[point.j]).all(), "more false matches than comparisons")
        else:
            place = np.searchsorted(key, point.i.astype(np.int64) * people + point.j)
            _hold(
                (place < len(key)).all() and (key[place] == point.i.astype(np.int64) * people + point.j).all(),
                "pairs never compared",
            )
            _hold((point.e <= tallies.listed.m[place]).all(), "more false matches than comparisons")
        _hold(not point.streamed or len(point.streamed) == len(tallies.labellings), "sums of other labels")
        for sums, labelling in zip(point.streamed, tallies.labellings, strict=False):
            shape = (people, len(labelling.cells))
            _hold(
                all(getattr(sums, name).shape == shape and (getattr(sums, name) >= 0).all() for name in PARTS),
                "sums of other people",
            )
    strata = tallies.strata
    if strata is not None:
        _hold(
            strata.level.shape == (people, len(strata.names)) and len(strata.edges) == len(strata.names),
            "strata of other people",
        )
        _hold((strata.level >= -1).all() and (strata.level <= 3).all(), "strata that are no quarters")
    return tallies
