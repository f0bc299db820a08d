"""What searches of galleries leave: who was reached at each threshold, under numbers that say nothing.

In and out: plain arrays. Its one idea: every rate at every gallery size follows from who reached which threshold, so
that is all that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ResultsError

__all__ = ["FPIR_POINT", "SearchCounts", "renumbered_searches", "sound_searches"]


@dataclass(frozen=True, eq=False)
class SearchCounts:
    """What E enrolments of the same people gave: P probes, T operating points, H times somebody was reached.

    Attributes
    ----------
    points : tuple of T str
        Operating points, thresholds ascending (that of ties in the order asked); those of a wanted FPIR begin with
        ``FPIR_POINT``.
    thresholds : NDArray (T,) float64
        Scores.
    person : NDArray (P,) int32
        Whose photo searches; photos of one person in an order that says nothing.
    mate_level : NDArray (E, P) int16
        How many of the thresholds the probe's own enrolled photo reaches; -1 where the person has no other photo than
        this one.
    above : NDArray (E, P, C) int32
        Other people of each cell whose score is at least the mate's.
    enrolment, probe, other, level : NDArray (H,) int16, int32, int32, int16
        In which enrolment which probe reached which other person, and at how many of the thresholds.
    over : NDArray (H,) bool
        Whether that person's score is at least the mate's.
    """

    points: tuple[str, ...]
    thresholds: NDArray[np.float64]
    person: NDArray[np.int32]
    mate_level: NDArray[np.int16]
    above: NDArray[np.int32]
    enrolment: NDArray[np.int16]
    probe: NDArray[np.int32]
    other: NDArray[np.int32]
    level: NDArray[np.int16]
    over: NDArray[np.bool_]


FPIR_POINT = "fpir="
"""How the id of a threshold begins that was set for a share of searches which return somebody."""


def renumbered_searches(counts: SearchCounts, number: NDArray[np.int64]) -> SearchCounts:
    """The same under other numbers of people; a person's probes in the order of what they gave, so that it says
    nothing of the photos.
    """
    person = number[counts.person]
    reached = np.bincount(counts.probe, counts.level, len(person))
    size = np.bincount(counts.probe, (counts.level.astype(np.float64) ** 2), len(person))
    above = counts.above.transpose(0, 2, 1).reshape(-1, len(person))
    order = np.lexsort((size, reached, *above[::-1], *counts.mate_level[::-1], person))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    probe, other = place[counts.probe], number[counts.other]
    sort = np.lexsort((other, probe, counts.enrolment))
    return replace(
        counts,
        person=person[order].astype(np.int32),
        mate_level=counts.mate_level[:, order],
        above=counts.above[:, order],
        enrolment=counts.enrolment[sort],
        probe=probe[sort].astype(np.int32),
        other=other[sort].astype(np.int32),
        level=counts.level[sort],
        over=counts.over[sort],
    )


def sound_searches(
    counts: SearchCounts, acquired: NDArray[np.int64], cell: NDArray[np.integer], cells: int
) -> SearchCounts:
    """Check that counts somebody may have written by hand can be those of a run.

    Raises
    ------
    ResultsError
        They cannot.
    """
    P, T, E, S = len(counts.person), len(counts.points), len(counts.mate_level), len(acquired)
    key = (counts.enrolment.astype(np.int64) * max(P, 1) + counts.probe) * max(S, 1) + counts.other
    facts = (
        counts.mate_level.shape == (E, P) and counts.above.shape == (E, P, cells) and E > 0,
        counts.thresholds.shape == (T,)
        and bool(np.isfinite(counts.thresholds).all())
        and bool((np.diff(counts.thresholds) >= 0).all()),
        len({len(one) for one in (counts.enrolment, counts.probe, counts.other, counts.level, counts.over)}) == 1,
        P == 0 or (counts.person.min() >= 0 and counts.person.max() < S and (np.diff(counts.person) >= 0).all()),
        P == 0
        or (
            counts.mate_level.min() >= -1
            and counts.mate_level.max() <= T
            and counts.above.min() >= 0
            and counts.above.max() < S
        ),
        len(key) == 0
        or (counts.probe.min() >= 0 and counts.probe.max() < P and counts.other.min() >= 0 and counts.other.max() < S),
        len(key) == 0
        or (
            counts.enrolment.min() >= 0
            and counts.enrolment.max() < E
            and counts.level.min() >= 1
            and counts.level.max() <= T
        ),
        bool((np.diff(key) > 0).all()),
    )
    sound = all(map(bool, facts))
    if sound and len(key):
        sound = bool((counts.person[counts.probe] != counts.other).all()) and _over_fits(counts, cell, cells)
    if not sound:
        raise ResultsError(
            "searches.npz", got="counts that no run gives", allowed="searches of a run", todo="Run the audit again"
        )
    if (np.bincount(counts.person, minlength=S) > acquired).any():
        raise ResultsError(
            "searches.npz",
            got="more searches than photos of a person",
            allowed="searches of a run",
            todo="Run the audit again",
        )
    return counts


def _over_fits(counts: SearchCounts, cell: NDArray[np.integer], cells: int) -> bool:
    """Whether those listed who stand above a mate are as many as were counted: all of them where the mate is listed,
    at most so many elsewhere.
    """
    level = counts.mate_level[counts.enrolment, counts.probe]
    if (
        (counts.over & (level < 0)).any()
        or (counts.over & (counts.level < level)).any()
        or (~counts.over & (level >= 0) & (counts.level > level)).any()
    ):
        return False
    E, P = counts.mate_level.shape
    place = (counts.enrolment.astype(np.int64) * P + counts.probe) * cells + cell[counts.other]
    listed = np.bincount(place[counts.over], minlength=E * P * cells).reshape(E, P, cells)
    found = counts.mate_level >= 1
    return bool((listed[found] == counts.above[found]).all() and (listed <= counts.above).all())
