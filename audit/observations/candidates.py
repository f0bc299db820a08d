"""Searches that somebody else made in, what is kept of them out: ``search_counts.csv``, ``selectivity.csv``,
``false_candidates.csv``.

Its one idea: a search is one trial, and every question about it is a question about few numbers of its list, so what
is kept is how many people had so many errors in so many searches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import groups_of
from audit.words import columns

__all__ = ["Asked", "Searches", "acquisition", "false_candidates", "search_counts", "selectivity"]


@dataclass(frozen=True, eq=False)
class Searches:
    """P searches and their K candidates.

    Attributes
    ----------
    file : mapping
        ``input`` of audit.json: the table's name, its sha256 and how many rows it has.
    cells : tuple of C str
    cell : NDArray (P,) int64
    enrolled : NDArray (P,) bool
        The person searched for is in the gallery: a mated search.
    subject : NDArray (P,) int64 or None
        Who is searched for; None where the file does not say.
    mate_rank : NDArray (P,) float64
        Rank of the person searched for; inf where the list does not hold that person.
    mate_score : NDArray (P,) float64
        -inf there.
    length : NDArray (P,) int64
        Candidates returned.
    last : NDArray (P,) float64
        Lowest score of the list; inf for an empty one.
    search, score, wrong, candidate_cell : arrays (K,)
        Of every candidate: its search, its score (larger = more alike), whether it is a wrong person, and its cell (-1
        where unknown).
    """

    file: Mapping[str, Any]
    cells: tuple[str, ...]
    cell: NDArray[np.int64]
    enrolled: NDArray[np.bool_]
    subject: NDArray[np.int64] | None
    mate_rank: NDArray[np.float64]
    mate_score: NDArray[np.float64]
    length: NDArray[np.int64]
    last: NDArray[np.float64]
    search: NDArray[np.int64]
    score: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    candidate_cell: NDArray[np.int64]

    @property
    def top_wrong(self) -> NDArray[np.float64]:
        """(P,) best score of a wrong candidate; -inf where there is none."""
        out = np.full(len(self.cell), -np.inf)
        np.maximum.at(out, self.search[self.wrong], self.score[self.wrong])
        return out


@dataclass(frozen=True)
class Asked:
    """One operating point of searches: a threshold (score, larger = more alike), or a number of ranks without one.

    ``target`` is an FPIR over all labelled non-mated searches.
    """

    id: str
    protocol: str
    threshold: float
    rank: int | None = None
    target: float = math.nan


def _errors(searches: Searches, one: Asked) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Per measure: which searches count, and which of them went wrong."""
    missed = (searches.mate_score < one.threshold) | (searches.mate_rank > (one.rank or math.inf))
    out = {"FNIR": (searches.enrolled, missed)}
    if one.rank is None:
        out["FPIR"] = (~searches.enrolled, searches.top_wrong >= one.threshold)
    return out


def search_counts(searches: Searches, asked: Sequence[Asked]) -> pd.DataFrame:
    """Per operating point, measure and cell: how many people had so many errors in so many searches (a search is a
    person where nobody is known).
    """
    rows = []
    size = len(searches.cell)
    whom = np.arange(size) if searches.subject is None else searches.subject
    for one in asked:
        for measure, (trial, error) in _errors(searches, one).items():
            for k, cell in enumerate(searches.cells):
                here = trial & (searches.cell == k)
                g = np.bincount(whom[here], minlength=size)
                f = np.bincount(whom[here & error], minlength=size)
                pattern, people = np.unique(np.stack([g, f])[:, g > 0], axis=1, return_counts=True)
                start = {"operating_point": one.id, "measure": measure, "group": cell}
                rows += [
                    start | {"searches": int(a), "errors": int(b), "people": int(n)}
                    for (a, b), n in zip(pattern.T, people, strict=True)
                ]
    return columns.frame("search_counts", rows)


def selectivity(searches: Searches, asked: Sequence[Asked], list_length: int | None) -> pd.DataFrame:
    """SEL(T): mean candidates at or above T per non-mated search, refused where a full list may have cut some off."""
    rows = []
    for one in asked:
        if one.rank is not None:
            continue
        above = np.bincount(searches.search[searches.score >= one.threshold], minlength=len(searches.cell))
        cut = (
            (searches.length >= list_length) & (searches.last >= one.threshold)
            if list_length
            else np.zeros(len(above), bool)
        )
        for group in groups_of(searches.cells):
            here = ~searches.enrolled & np.isin(searches.cell, group.cells)
            count, total, full = int(here.sum()), int(above[here].sum()), int(cut[here].sum())
            note = (
                f"refused: {full} full lists may go on above the threshold; at least {total / count:.4g}"
                if full
                else ""
            )
            value = total / count if count and not full else math.nan
            row = {
                "operating_point": one.id,
                "group": group.name,
                "searches": count,
                "candidates": total,
                "selectivity": value,
            }
            rows.append(row | {"note": note if count else "no non-mated searches"})
    return columns.frame("selectivity", rows)


def acquisition(searches: Searches) -> pd.DataFrame:
    """``acquisition.csv``: people searched for per cell where known; photographs are not."""
    known = searches.subject
    rows = []
    for k, cell in enumerate(searches.cells):
        rows.append(
            {"group": cell} | ({} if known is None else {"subjects": len(np.unique(known[searches.cell == k]))})
        )
    return columns.frame("acquisition", rows)


def false_candidates(searches: Searches, asked: Sequence[Asked]) -> pd.DataFrame:
    """Wrong candidates of non-mated searches by group of the person searched for and of the candidate, where the file
    says the latter.
    """
    rows = []
    for one in asked:
        hit = (
            searches.wrong
            & (searches.score >= one.threshold)
            & (searches.candidate_cell >= 0)
            & ~searches.enrolled[searches.search]
        )
        if one.rank is not None or not hit.any():
            continue
        size = len(searches.cells)
        flat = np.bincount(
            searches.cell[searches.search[hit]] * size + searches.candidate_cell[hit], minlength=size * size
        )
        rows += [
            {
                "operating_point": one.id,
                "group": searches.cells[k // size],
                "candidate_group": searches.cells[k % size],
                "candidates": int(flat[k]),
            }
            for k in np.flatnonzero(flat)
        ]
    return columns.frame("false_candidates", rows)
