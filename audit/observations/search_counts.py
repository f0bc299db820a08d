"""What searches of galleries leave: who was reached at each threshold, under numbers that say nothing.

In and out: plain arrays. Its one idea: every rate at every gallery size follows from who reached which threshold, so that is all that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ResultsError

__all__ = ["SearchCounts", "renumbered_searches", "sound_searches"]


@dataclass(frozen=True, eq=False)
class SearchCounts:
    """What E enrolments of the same people gave: P probes, T operating points, H times somebody was reached.

    Attributes
    ----------
    points : tuple of T str
        Operating points, thresholds ascending (that of ties in the order asked).
    person : NDArray (P,) int32
        Whose photo searches; photos of one person in an order that says nothing.
    mate_level : NDArray (E, P) int16
        How many of the thresholds the probe's own enrolled photo reaches; -1 where the person has no other photo than this one.
    above : NDArray (E, P) int32
        Other people whose score is at least the mate's.
    enrolment, probe, other, level : NDArray (H,) int16, int32, int32, int16
        In which enrolment which probe reached which other person, and at how many of the thresholds.
    """

    points: tuple[str, ...]
    person: NDArray[np.int32]
    mate_level: NDArray[np.int16]
    above: NDArray[np.int32]
    enrolment: NDArray[np.int16]
    probe: NDArray[np.int32]
    other: NDArray[np.int32]
    level: NDArray[np.int16]


def renumbered_searches(counts: SearchCounts, number: NDArray[np.int64]) -> SearchCounts:
    """The same under other numbers of people; a person's probes in the order of what they gave, so that it says nothing of the photos."""
    person = number[counts.person]
    reached = np.bincount(counts.probe, counts.level, len(person))
    size = np.bincount(counts.probe, (counts.level.astype(np.float64) ** 2), len(person))
    order = np.lexsort((size, reached, *counts.above[::-1], *counts.mate_level[::-1], person))
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
    )


def sound_searches(counts: SearchCounts, acquired: NDArray[np.int64]) -> SearchCounts:
    """Check that counts somebody may have written by hand can be those of a run.

    Raises
    ------
    ResultsError
        They cannot.
    """
    P, T, E, S = len(counts.person), len(counts.points), len(counts.mate_level), len(acquired)
    key = (counts.enrolment.astype(np.int64) * max(P, 1) + counts.probe) * max(S, 1) + counts.other
    facts = (
        counts.mate_level.shape == counts.above.shape == (E, P) and E > 0,
        len({len(one) for one in (counts.enrolment, counts.probe, counts.other, counts.level)}) == 1,
        P == 0 or (counts.person.min() >= 0 and counts.person.max() < S and (np.diff(counts.person) >= 0).all()),
        P == 0 or (counts.mate_level.min() >= -1 and counts.mate_level.max() <= T and counts.above.min() >= 0 and counts.above.max() < S),
        len(key) == 0 or (counts.probe.min() >= 0 and counts.probe.max() < P and counts.other.min() >= 0 and counts.other.max() < S),
        len(key) == 0 or (counts.enrolment.min() >= 0 and counts.enrolment.max() < E and counts.level.min() >= 1 and counts.level.max() <= T),
        bool((np.diff(key) > 0).all()),
    )
    if not all(map(bool, facts)) or (len(key) and (counts.person[counts.probe] == counts.other).any()):
        raise ResultsError("searches.npz", got="counts that no run gives", allowed="searches of a run", todo="Run the audit again")
    if (np.bincount(counts.person, minlength=S) > acquired).any():
        raise ResultsError("searches.npz", got="more searches than photos of a person", allowed="searches of a run", todo="Run the audit again")
    return counts
