"""Counts of searches in, FPIR and FNIR as ``Rates`` out.

Its one idea: a search is one trial, and the person searched for is the unit of independence. Where the file says who
that is, a rate has the interval of people (Wilson where nobody is searched for twice); where it does not, the rate
stands alone. Every search meets the same gallery, which the interval does not cover; the note says so.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import UNLABELLED, groups_of
from audit.config import AuditConfig
from audit.rates.every_rate import NO_SUBJECT_IDS, Key, Rates
from audit.stats.fnmr import SubjectRate, fnmr, without_people

__all__ = ["rates_of_searches"]

_GALLERY = "every search meets the same gallery, which the interval does not cover"


def _rate(g: NDArray[np.int64], f: NDArray[np.int64], weighting: str, known: bool, config: AuditConfig) -> SubjectRate:
    """A rate of searches, with the interval of people where they are known.

    Where nobody is searched for twice both weightings are one number and have its interval; otherwise by searches
    there is none.
    """
    if not known:
        return without_people(
            int(f.sum()), int(g.sum()), NO_SUBJECT_IDS if len(g) else "no searches", config.uncertainty.confidence
        )
    single = bool((g <= 1).all())
    made = fnmr(
        f, g, "people" if single or weighting == "people" else "comparisons", confidence=config.uncertainty.confidence
    )
    notes = {"nobody has two samples": "no searches"}
    if made.interval == "" and made.trials:
        note = "no interval: some people are searched for more often than others"
    elif made.errors == 0 and made.trials:
        note = f"none seen: a one-sided 95 % upper bound; {_GALLERY}"
    elif made.errors == made.trials and made.trials:
        note = f"every search went wrong: a one-sided 95 % lower bound; {_GALLERY}"
    else:
        note = notes.get(made.note, _GALLERY)
    return replace(made, note=note, weighting="people" if weighting == "people" else "comparisons")


def rates_of_searches(table: pd.DataFrame, config: AuditConfig, known: bool) -> Rates:
    """Every rate at every point; errors and trials are searches.

    Parameters
    ----------
    table : DataFrame
        ``search_counts.csv``.
    config : AuditConfig
    known : bool
        Whether the file says who is searched for.
    """
    cells = tuple(sorted(set(table["group"].astype(str)) - {UNLABELLED})) + (
        (UNLABELLED,) if (table["group"] == UNLABELLED).any() else ()
    )
    values: dict[Key, SubjectRate] = {}
    groups = groups_of(cells)
    for (point, measure), rows in table.groupby(["operating_point", "measure"], sort=False):
        for weighting in ("people", "comparisons") if known else ("comparisons",):
            for group in groups:
                mine = rows[rows["group"].isin([cells[k] for k in group.cells])]
                g, f = (
                    np.repeat(mine[name].to_numpy(np.int64), mine["people"].to_numpy(np.int64))
                    for name in ("searches", "errors")
                )
                values[Key(str(point), str(measure), weighting, group.name)] = _rate(g, f, weighting, known, config)
    minimum = config.groups.minimum_subjects if known else 0
    return Rates(dict(values), groups, cells, config.uncertainty.confidence, minimum, people_known=known)
