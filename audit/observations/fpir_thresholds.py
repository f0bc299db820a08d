"""Scores of who was reached in, the threshold for a wanted FPIR out.

In: a gallery, and for each enrolment which probe reached whom with which score, down to a floor. Out: the smallest
observed score at which the share of searches that return somebody is at most the target. Its one idea: FPIR changes
only where somebody is reached, so one walk down the sorted scores, adding what each changes, gives FPIR at every
threshold exactly (IDENTIFICATION 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.stats.left_out import Gallery, any_drawn

__all__ = ["Reached", "threshold_for"]


class Reached(NamedTuple):
    """Who was reached, all enrolments one below the other: (H,) each.

    ``search`` numbers probes and enrolments together, ``probe`` the photo, ``other`` the person.
    """

    search: NDArray[np.int64]
    probe: NDArray[np.int64]
    other: NDArray[np.int64]
    score: NDArray[np.float64]


def threshold_for(
    target: float, gallery: Gallery, reached: Reached, person: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[float, float] | None:
    """The threshold and the FPIR it has, or None where more than the target is reached at the highest score already.

    Parameters
    ----------
    target : float
        Most that FPIR may be.
    gallery : Gallery
    reached : Reached
        Everybody at or above a floor at which FPIR is above the target.
    person, weight : (P,)
        Whose photo each probe is, and what it weighs; all enrolments' weights together add up to 1.

    Raises
    ------
    ValueError
        FPIR does not exceed the target at the floor, so that what lies below it was not seen.
    """
    order = np.lexsort((reached.other, -reached.score, reached.search))
    search, probe, other, score = (one[order] for one in reached)
    block = gallery.block[other]
    first = np.concatenate([[True], search[1:] != search[:-1]]) if len(search) else np.zeros(0, bool)
    K = np.stack([_within(np.where(block == b, 1, 0), first) for b in range(len(gallery.sizes))]).astype(np.int64)
    value = any_drawn(K, gallery.block[person[probe]], gallery, mated=False).value
    before = np.where(first, 0.0, np.concatenate([[0.0], value[:-1]])) if len(value) else value
    down = np.lexsort((search, -score))
    risen = np.cumsum((weight[probe] * (value - before))[down])
    sorted_score = score[down]
    last = (
        np.flatnonzero(np.append(sorted_score[1:] != sorted_score[:-1], True)) if len(score) else np.zeros(0, np.int64)
    )
    within = last[risen[last] <= target]
    if len(within) == len(last):
        raise ValueError("threshold_for: FPIR does not exceed the target at the floor. Allowed: a lower floor.")
    return (float(sorted_score[within[-1]]), float(risen[within[-1]])) if len(within) else None


def _within(values: NDArray[np.int64], first: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Running totals that begin again wherever ``first`` says."""
    total = np.cumsum(values)
    starts = np.flatnonzero(first)
    before = total[starts] - values[starts]
    out: NDArray[np.int64] = total - np.repeat(before, np.diff(np.append(starts, len(values))))
    return out
