"""People's numbers in results: they follow from what is published beside them, and so say nothing more.

In: tallies (and the list of pairs to review) under any numbers. Out: numbers 0..S-1 in the order of each person's own
published data: cell, photos, misses, and then whom they are mistaken for, as often as it takes to tell two people
apart (colour refinement, Weisfeiler and Leman 1968). People who cannot be told apart by anything published are
interchangeable: whichever of them comes first, the same bytes are written. Its one idea: a number drawn with a public
seed is undone by whoever holds the list of names; a number that is a function of the row it stands for cannot be, and
the same inputs still give the same bytes. What the published data themselves tell an outsider is stated in
``results/README.md``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import PARTS, Labelling, Listed, PersonSums, PointTally, Strata, Tallies

__all__ = ["numbers", "renumbered"]

Codes = NDArray[np.uint64]
Places = NDArray[np.int64]
_ROUNDS = 64  # a path of 64 people who are told apart only by its ends does not occur; the rest is broken one by one


class _Links(NamedTuple):
    """Pairs of people (i, j) with what each end sees of the pair."""

    i: Places
    j: Places
    at_i: Codes
    at_j: Codes


def _mix(code: Any) -> Codes:
    """splitmix64 (Steele, Lea, Flood 2014), a bijection that scatters its bits."""
    z = np.asarray(code, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _word(*parts: object) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "little"))


def _bits(column: NDArray[Any]) -> Codes:
    """Every value as 64 bits, floats exactly."""
    if column.dtype.kind == "f":
        return np.ascontiguousarray(column, dtype=np.float64).view(np.uint64)
    return column.astype(np.int64).view(np.uint64)


def _own(tallies: Tallies) -> Codes:
    """(S,) everything published of a person alone."""
    columns: list[NDArray[Any]] = [tallies.attempted, tallies.acquired, tallies.mated]
    columns += [labelling.cell for labelling in tallies.labellings]
    columns += [] if tallies.strata is None else list(tallies.strata.level.T)
    for point in (*tallies.points, *tallies.curve):
        columns.append(point.f)
        columns += [column for sums in point.streamed for name in PARTS for column in getattr(sums, name).T]
    code = np.zeros(tallies.subjects, dtype=np.uint64)
    for column in columns:
        code = _mix(code ^ _mix(_bits(column)))
    return code


def _links(tallies: Tallies, review: pd.DataFrame | None) -> list[_Links]:
    """Everything published of pairs of people."""
    found = []
    for point in (*tallies.points, *tallies.curve):
        said = _mix(_bits(point.e) ^ _word("dyad", point.id))
        found.append(_Links(point.i.astype(np.int64), point.j.astype(np.int64), said, said))
    if tallies.listed is not None:
        said = _mix(_bits(tallies.listed.m) ^ _word("listed"))
        found.append(_Links(tallies.listed.i.astype(np.int64), tallies.listed.j.astype(np.int64), said, said))
    if review is not None and len(review):
        rows = list(zip(*(review[name] for name in ("kind", "photo_a", "photo_b", "score", "judged")), strict=True))
        said = np.array(
            [_word(kind, float(score).hex(), judged) for kind, _, _, score, judged in rows], dtype=np.uint64
        )
        ends = [_mix(said ^ _mix(_bits(review[name].to_numpy(np.int64)))) for name in ("photo_a", "photo_b")]
        found.append(
            _Links(review["subject_a"].to_numpy(np.int64), review["subject_b"].to_numpy(np.int64), ends[0], ends[1])
        )
    return [links for links in found if len(links.i)]


def _refined(code: Codes, links: Sequence[_Links]) -> Codes:
    """Colours until no round tells more people apart."""
    classes = len(np.unique(code))
    for _ in range(_ROUNDS):
        if classes == len(code):
            break
        told = _mix(code)
        for one in links:
            np.add.at(told, one.i, _mix(_mix(one.at_i) ^ _mix(code[one.j]) * np.uint64(3) ^ one.at_j))
            np.add.at(told, one.j, _mix(_mix(one.at_j) ^ _mix(code[one.i]) * np.uint64(3) ^ one.at_i))
        told = _mix(told ^ code)
        now = len(np.unique(told))
        if now == classes:
            break
        code, classes = told, now
    return code


def _parts(code: Codes, links: Sequence[_Links]) -> Places:
    """(S,) connected part of each person among those who are not yet told apart; everybody else is alone."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, back, count = np.unique(code, return_inverse=True, return_counts=True)
    tied = count[back] > 1
    i, j = (
        np.concatenate([getattr(one, end)[tied[one.i] & tied[one.j]] for one in links] or [np.zeros(0, np.int64)])
        for end in ("i", "j")
    )
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(len(code), len(code)))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _first_tied(code: Codes, part: Places) -> Places:
    """Of each part that holds several people of one colour, one of them, of its smallest such colour."""
    order = np.lexsort((np.arange(len(code)), code, part))
    same = (part[order[1:]] == part[order[:-1]]) & (code[order[1:]] == code[order[:-1]])
    found = order[:-1][same]
    _, first = np.unique(part[found], return_index=True)
    return np.asarray(found[first], dtype=np.int64)


def _of_searches(searches: SearchCounts, people: int) -> tuple[Codes, _Links]:
    """(S,) what each person's photos gave as probes, whichever order they stand in; and whom they reached."""
    code = np.zeros(len(searches.person), dtype=np.uint64)
    for row in (*searches.mate_level, *searches.above.transpose(0, 2, 1).reshape(-1, len(searches.person))):
        code = _mix(code ^ _mix(_bits(row)))
    own = np.zeros(people, dtype=np.uint64)
    np.add.at(own, searches.person, _mix(code))
    said = _mix(_bits(searches.level * 2 + searches.over) ^ _mix(_bits(searches.enrolment)) ^ _word("search"))
    probing = _mix(said ^ _mix(code)[searches.probe])
    from_, to = searches.person[searches.probe].astype(np.int64), searches.other.astype(np.int64)
    return own, _Links(from_, to, probing, _mix(probing ^ _word("reached")))


def numbers(tallies: Tallies, review: pd.DataFrame | None = None, searches: SearchCounts | None = None) -> Places:
    """Each person's number in results.

    Parameters
    ----------
    tallies : Tallies
        Under any numbers.
    review : DataFrame, optional
        ``review.csv`` under the same numbers.
    searches : SearchCounts, optional
        Of the same people.

    Returns
    -------
    NDArray (S,) int64
        A permutation. Renumbering the input does not change what is published under the output (but for regular
        structures that colour refinement cannot see through, which real scores do not have).
    """
    links = _links(tallies, review)
    own = _own(tallies)
    if searches is not None:
        given, reached = _of_searches(searches, tallies.subjects)
        own, links = _mix(own ^ _mix(given)), [*links, *([reached] if len(reached.i) else [])]
    code = _refined(own, links)
    while True:
        part = _parts(code, links)
        chosen = _first_tied(code, part)
        if not len(chosen):
            break
        code = code.copy()
        code[chosen] = _mix(code[chosen] ^ _word("first of its part"))
        code = _refined(code, links)
    order = np.lexsort((part, code, tallies.acquired, tallies.attempted, tallies.labellings[0].cell))
    out = np.empty(len(order), dtype=np.int64)
    out[order] = np.arange(len(order))
    return out


def renumbered(tallies: Tallies, number: Places) -> Tallies:
    """The same tallies under other numbers, dyads lexicographic again."""
    order = np.argsort(number)

    def dyads(i: NDArray[np.int32], j: NDArray[np.int32], *values: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
        a, b = number[i], number[j]
        low, high = np.minimum(a, b).astype(np.int32), np.maximum(a, b).astype(np.int32)
        place = np.lexsort((high, low))
        yield from (column[place] for column in (low, high, *values))

    def point(one: PointTally) -> PointTally:
        i, j, e = dyads(one.i, one.j, one.e)
        streamed = tuple(PersonSums(*(getattr(sums, name)[order] for name in PARTS)) for sums in one.streamed)
        return PointTally(one.id, one.threshold, i, j, e, one.f[order], streamed)

    listed, strata = tallies.listed, tallies.strata
    if listed is not None:
        i, j, m = dyads(listed.i, listed.j, listed.m)
        listed = Listed(i, j, m, listed.g[order])
    return replace(
        tallies,
        attempted=tallies.attempted[order],
        acquired=tallies.acquired[order],
        labellings=tuple(Labelling(one.name, one.cells, one.cell[order]) for one in tallies.labellings),
        points=tuple(map(point, tallies.points)),
        curve=tuple(map(point, tallies.curve)),
        listed=listed,
        strata=None if strata is None else Strata(strata.names, strata.edges, strata.level[order]),
    )
