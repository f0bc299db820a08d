"""A table of candidates that searches returned in, one row a search out: its group, whether its person is enrolled,
best wrong score, mate.

Its one idea: every question about a search is a question about few numbers of its list, so lists are read once and
then forgotten.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.config import AuditConfig
from audit.observations.candidates import Searches
from audit.outputs.options import CandidatesOptions
from audit.outputs.read import (
    Given,
    Words,
    about,
    asked_twice,
    codes,
    flags,
    labels,
    locate,
    nearly_documented,
    numbers,
    read,
)

__all__ = ["read_searches"]


def read_searches(options: CandidatesOptions, config: AuditConfig, words: Words, folder: Path | None) -> Searches:
    """Read and check lists of candidates.

    Raises
    ------
    BenchmarkError
        A value that cannot be used, or lists that contradict themselves: ranks that are not 1, 2, ..., a score above
        that of a better rank, two labels, two flags or two subjects for one search, a mate in the list of a search
        whose person is not enrolled, two mates in one list.
    """
    path = locate(options.path, folder)
    subject = [options.subject] if options.subject else []
    attributes = config.groups.attributes
    given = read(
        path,
        [options.probe, options.rank, options.score, options.mate, options.enrolled, *subject, *attributes.values()],
    )
    frame = given.frame
    asked_twice(given, [options.probe, options.rank, options.score, options.mate, options.enrolled, *subject])
    if not subject and "subject" not in frame:
        nearly_documented(given, "subject")
    if not subject and "subject" in frame:  # the documented name
        options, subject = options.model_copy(update={"subject": "subject"}), ["subject"]
    probe = given.ids([options.probe], options.ids, "backend.options.ids")[options.probe]
    given.refuse(
        options.probe, (probe == "").to_numpy(bool), "no id", "the id of a search in every row", "Complete it"
    )
    _, first, search = np.unique(probe.to_numpy(str), return_index=True, return_inverse=True)
    search = search.astype(np.int64)
    rank, score = numbers(given, options.rank, empty=True), numbers(given, options.score, empty=True)
    mate, enrolled = (
        flags(given, options.mate, empty=True, said=options.truth),
        flags(given, options.enrolled, said=options.truth) == 1,
    )
    score = -score if options.kind == "dissimilarity" else score
    empty = np.isnan(rank) & np.isnan(score) & (mate < 0)
    given.refuse(
        f"{options.rank}, {options.score}, {options.mate}",
        ~empty & (np.isnan(rank) | np.isnan(score) | (mate < 0)),
        "only some of a candidate's three values",
        "all three, or none of them for a search that returned nobody",
        "Complete them",
    )
    same = "one value for all rows of a search"
    given.refuse(
        options.enrolled,
        enrolled != enrolled[first][search],
        "another value than in the search's first row",
        same,
        "Mend it",
    )
    here = labels(given, attributes, words)
    cells, (cell,) = codes(here)
    given.refuse(
        ", ".join(attributes.values()),
        cell != cell[first][search],
        "another group than in the search's first row",
        same,
        "Mend it",
    )
    whom = _subjects(given, options, first, search) if subject else None
    _check_lists(given, options, search, rank, score, mate, enrolled, empty)
    count = len(first)
    found = mate == 1
    mate_rank, mate_score, last = np.full(count, np.inf), np.full(count, -np.inf), np.full(count, np.inf)
    mate_rank[search[found]], mate_score[search[found]] = rank[found], score[found]
    np.minimum.at(last, search[~empty], score[~empty])
    suffix = "_candidate"
    other = np.full(len(frame), -1, np.int64)
    if all(column + suffix in frame for column in attributes.values()):
        theirs = labels(given, attributes, words, suffix)
        cells, (cell, other) = codes(here, theirs)
    return Searches(
        about(given),
        cells,
        cell[first],
        enrolled[first],
        whom,
        mate_rank,
        mate_score,
        np.bincount(search[~empty], minlength=count).astype(np.int64),
        last,
        search[~empty],
        score[~empty],
        mate[~empty] == 0,
        other[~empty],
    )


def _subjects(
    given: Given, options: CandidatesOptions, first: NDArray[np.int64], search: NDArray[np.int64]
) -> NDArray[np.int64]:
    ids = given.ids([options.subject], options.ids, "backend.options.ids")[options.subject].to_numpy(str)
    given.refuse(
        options.subject,
        ids == "",
        "no id",
        "an id in every row, or no subject column at all",
        "Complete it, or leave the column out",
    )
    given.refuse(
        options.subject,
        ids != ids[first][search],
        "another subject than in the search's first row",
        "one subject a search",
        "Mend it",
    )
    return np.unique(ids[first], return_inverse=True)[1].astype(np.int64)


def _check_lists(
    given: Given,
    options: CandidatesOptions,
    search: NDArray[np.int64],
    rank: NDArray[np.float64],
    score: NDArray[np.float64],
    mate: NDArray[np.int8],
    enrolled: NDArray[np.bool_],
    empty: NDArray[np.bool_],
) -> None:
    """Every list is 1, 2, ..., with scores that do not rise, at most one mate, and only of an enrolled person."""
    order = np.lexsort((np.where(empty, 0, rank), search))
    s, r, v, none = search[order], rank[order], score[order], empty[order]
    new = np.r_[True, s[1:] != s[:-1]]
    starts = np.flatnonzero(new)
    place = np.arange(len(s)) - starts[np.cumsum(new) - 1] + 1

    def back(bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
        out = np.zeros(len(bad), bool)
        out[order] = bad
        return out

    alone = none & ~(new & np.r_[new[1:], True])
    given.refuse(
        options.rank,
        back(alone),
        "an empty row beside candidates",
        "an empty row only where a search returned nobody",
        "Remove it",
    )
    given.refuse(
        options.rank, back(~none & (r != place)), "a rank out of turn", "1, 2, 3, ... in every list", "Mend the ranks"
    )
    rising = ~new & (v > np.r_[np.inf, v[:-1]])
    given.refuse(
        options.score,
        back(rising),
        "a candidate more alike than the one ranked before it",
        "scores that fall with the rank",
        "Check ranks and kind",
    )
    given.refuse(
        options.mate,
        (mate == 1) & ~enrolled,
        "a mate of a person who is not enrolled",
        "1 only where enrolled is 1",
        "Mend one of them",
    )
    hits = np.bincount(search[mate == 1], minlength=int(search.max()) + 1)
    given.refuse(
        options.mate,
        (mate == 1) & (hits[search] > 1),
        "two mates in one list",
        "one: the best",
        "Keep the best ranked of a person",
    )
    if options.list_length is not None:
        given.refuse(
            options.rank,
            ~empty & (np.nan_to_num(rank) > options.list_length),
            "a rank beyond list_length",
            f"1 to {options.list_length}",
            "Mend it",
        )
    if options.floor is not None:
        floor = -options.floor if options.kind == "dissimilarity" else options.floor
        given.refuse(
            options.score,
            ~empty & (np.nan_to_num(score) < floor),
            "a score below floor",
            "scores the system would return",
            "Mend floor",
        )
    if (~empty).sum() > 0 and rank[~empty].max() > options.gallery:
        raise BenchmarkError(
            "backend.options.gallery",
            got=str(options.gallery),
            allowed="at least the longest list",
            todo="Give the gallery's size",
        )
