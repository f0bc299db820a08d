"""Search counts in, ``searches.csv`` out: how often a search of a gallery of N people returns a wrong person, or misses the right one, by group.

Its one idea: the gallery is drawn from everybody alike (their natural mix), every rate is the exact mean over all galleries of its size, and people,
who search and are enrolled at once, are the unit of its interval (a jackknife that leaves one person out on both sides).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, UNLABELLED, groups_of
from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import Tallies
from audit.stats.galleries import fnir, jackknife, people_mean
from audit.stats.intervals import Interval, wilson, zero_errors_by_subjects
from audit.words import columns

__all__ = ["gallery_sizes", "galleries"]

_FEW = "too few people"
_LEFT_OUT = "not searched: no one threshold for everybody, or more people reached than compute.memory_mb holds"
_UNSTUDIED = "no interval: no coverage study has shown yet that one holds"
_ALONE = "nobody has a second photo to be found by"


def gallery_sizes(people: int, asked: Sequence[int] = ()) -> tuple[int, ...]:
    """Sizes that can be drawn: those asked for, or 1, 2, 5, 10, 20, 50, ... up to two fewer than the people there are."""
    usual = sorted({lead * 10**k for k in range(9) for lead in (1, 2, 5)})
    return tuple(size for size in (asked or usual) if size <= people - 2)


def galleries(
    counts: SearchCounts, tallies: Tallies, *, sizes: Sequence[int] = (), confidence: float = 0.95, minimum: int = 1, limits: bool = False
) -> pd.DataFrame:
    """One row per operating point, measure, size of the gallery and group.

    FPIR: somebody not enrolled is searched for, and at least one person reaches the threshold. SEL: the expected number of such people. FNIR: an
    enrolled person is searched for, and is below the threshold or not first. Mean over the group's people of the mean over their photos.

    ``limits`` adds the jackknife's to FPIR. They are not published: no coverage study has shown yet that they hold.
    """
    labelling = tallies.labellings[0]
    name = np.array(labelling.cells)[labelling.cell]
    enrolled = np.flatnonzero((tallies.acquired > 0) & (name != UNLABELLED))
    place = np.full(len(tallies.acquired), -1)
    place[enrolled] = np.arange(len(enrolled))
    others, stratum = len(enrolled) - 1, labelling.cell[enrolled]
    who, E, P = place[counts.person], len(counts.mate_level), len(counts.person)
    rows = []
    for k, point in enumerate(counts.points):
        kept = counts.level > k
        hits = [(counts.probe[kept & (counts.enrolment == e)], place[counts.other[kept & (counts.enrolment == e)]]) for e in range(E)]
        reached = [np.bincount(probe, minlength=P) for probe, _ in hits]
        for size in gallery_sizes(len(enrolled), sizes):
            for group in groups_of(labelling.cells):
                inside = np.isin(labelling.cell[counts.person], group.cells)
                people = len(np.unique(who[inside]))
                start = {"operating_point": point, "gallery": size, "group": group.name, "enrolments": E}
                if people < max(2, minimum):
                    rows += [start | {"measure": one, "subjects": people, "note": _FEW} for one in ("FPIR", "SEL", "FNIR")]
                    continue
                found = [jackknife(reached[e], who, inside, *hits[e], stratum, size) for e in range(E)]
                rates = np.array([one.value for one in found])
                # Enrolments share their people, so a mean of variances is that of one of them; their own spread comes on top.
                spread = float(rates.std(ddof=1)) if E > 1 else math.nan
                variance = float(np.mean([one.variance for one in found])) + (spread**2 / E if E > 1 else 0.0)
                shown: dict[str, object] = {"spread": spread, "note": _UNSTUDIED}
                if limits:
                    found_limits = _limits(float(rates.mean()), variance, people, confidence)
                    shown |= {"low": found_limits.low, "high": found_limits.high, "interval": found_limits.method, "note": ""}
                rows.append(start | {"measure": "FPIR", "subjects": people, "rate": float(rates.mean())} | shown)
                candidates = [people_mean(size * reached[e][inside] / others, who[inside]) for e in range(E)]
                rows.append(start | {"measure": "SEL", "subjects": people, "rate": float(np.mean(candidates))})
                rows.append(start | _missed(counts, k, size, others, who, inside))
    rows += [
        {"operating_point": point.id, "measure": "FPIR", "group": ALL, "enrolments": E, "note": _LEFT_OUT}
        for point in tallies.points
        if point.id not in counts.points
    ]
    return columns.frame("searches", rows)


def _missed(counts: SearchCounts, k: int, size: int, others: int, who: NDArray[np.int64], inside: NDArray[np.bool_]) -> dict[str, object]:
    """FNIR at rank 1; the gallery holds the mate and ``size - 1`` of the others."""
    values, people = [], 0
    for level, above in zip(counts.mate_level, counts.above, strict=True):
        use = inside & (level >= 0)
        if use.any():
            rate = fnir(above[use, None], np.full((int(use.sum()), 1), others), [size - 1], 1, level[use] > k)
            values.append(people_mean(rate, who[use]))
            people = max(people, len(np.unique(who[use])))
    if not values:
        return {"measure": "FNIR", "subjects": 0, "note": _ALONE}
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return {"measure": "FNIR", "subjects": people, "rate": float(np.mean(values)), "spread": spread}


def _limits(rate: float, variance: float, people: int, confidence: float) -> Interval:
    if rate == 0:
        return zero_errors_by_subjects(people)
    if rate == 1:
        return Interval(1 - zero_errors_by_subjects(people).high, 1.0, zero_errors_by_subjects(people).method)
    n_eff = rate * (1 - rate) / max(variance, rate * (1 - rate) / people)
    return wilson(rate, n_eff, confidence, method="Wilson, jackknife over people")
