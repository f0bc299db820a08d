"""Searches in; whom wrong candidates are, and how few searches cause how many of them, out (``search_lists.csv``,
``search_hubs.csv``).

Its one idea: in a gallery of the natural mix everybody reached is as likely to be drawn, so shares of wrong candidates
are the same at every size.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from audit.base.groups import ALL
from audit.rates.galleries import FEW
from audit.rates.searching import Searching
from audit.words import columns

__all__ = ["OWN", "search_hubs", "search_lists"]

OWN = "own group"
_NOBODY = "no wrong candidate was returned"


def search_lists(searching: Searching, *, minimum: int = 1) -> pd.DataFrame:
    """Shares of the wrong candidates of each group's searches, by the candidates' group; own group, and the same value
    of each attribute.
    """
    cells, cell = searching.cells, searching.cell
    finest = [group for group in searching.groups if group.finest]
    named = [dict(part.split("=", 1) for part in group.name.split("|") if "=" in part) for group in finest]
    attributes = list(named[0]) if named else []
    people = np.bincount(cell[searching.enrolled], minlength=len(cells)).astype(np.float64)
    rows: list[dict[str, object]] = []
    for k, point in enumerate(searching.counts.points):
        counted = _by_cells(searching, k)  # (searcher's cell, candidate's cell)
        for group in searching.groups:
            inside = list(group.cells)
            start: dict[str, object] = {
                "operating_point": point,
                "group": group.name,
                "subjects": int(people[inside].sum()),
            }
            if people[inside].sum() < max(2, minimum):
                rows.append(start | {"candidate_group": OWN, "note": FEW})
                continue
            from_group = counted[inside].sum(axis=0)
            total = float(from_group.sum())
            # Whom a searcher of each cell can meet: everybody but him- or herself.
            own = people[inside]
            expected = np.zeros(len(cells))
            for c, count in zip(inside, own, strict=True):
                there = people.copy()
                there[c] = max(there[c] - 1, 0)
                expected += count * there / max(there.sum(), 1)
            expected /= own.sum()
            asked: list[tuple[str, list[tuple[list[int], list[int]]]]] = []
            if group.name != ALL:
                asked.append((OWN, [(inside, inside)]))
            for name in attributes if len(attributes) > 1 or group.name == ALL else ():
                values: dict[str, list[int]] = {}
                for other, parts in zip(finest, named, strict=True):
                    values.setdefault(parts[name], []).extend(other.cells)
                asked.append(
                    (f"same {name}", [([c for c in inside if c in block], block) for block in values.values()])
                )
            for other in finest:
                asked.append((other.name, [(inside, list(other.cells))]))
            for name, blocks in asked:
                got = float(sum(counted[np.ix_(mine, theirs)].sum() for mine, theirs in blocks))
                fair = (
                    _fair(people, inside, blocks)
                    if name.startswith("same ") or name == OWN
                    else float(expected[blocks[0][1]].sum())
                )
                found: dict[str, object] = {"share": got / total} if total > 0 else {"note": _NOBODY}
                rows.append(start | {"candidate_group": name, "gallery_share": fair} | found)
    return columns.frame("search_lists", rows)


def _fair(people: np.ndarray, inside: list[int], blocks: list[tuple[list[int], list[int]]]) -> float:
    """The share of a gallery that blocks of cells make for searchers of other blocks, mean over the searchers."""
    total = float(people.sum())
    own = float(people[inside].sum())
    return float(
        sum(people[mine].sum() * (people[theirs].sum() - 1) for mine, theirs in blocks if len(mine))
        / own
        / max(total - 1, 1)
    )


def _by_cells(searching: Searching, k: int) -> np.ndarray:
    """(C, C) candidates, each search weighing as its person's photos do, mean over enrolments."""
    size = len(searching.cells)
    out = np.zeros((size, size))
    photos = np.bincount(searching.counts.person, minlength=len(searching.cell)).astype(np.float64)
    for e in range(len(searching.counts.mate_level)):
        asking = searching.asking(k, "FPIR", e)
        probe, other = asking.hits
        who = asking.person[probe]
        out += np.bincount(searching.cell[who] * size + searching.cell[other], 1 / photos[who], size * size).reshape(
            size, size
        )
    return out / len(searching.counts.mate_level)


def search_hubs(searching: Searching, *, minimum: int = 1) -> pd.DataFrame:
    """Look-alikes per group: how many people a search reaches, and how much of it a few searches and a few people
    cause.
    """
    cell, E = searching.cell, len(searching.counts.mate_level)
    rows: list[dict[str, object]] = []
    for k, point in enumerate(searching.counts.points):
        asked = [searching.asking(k, "FPIR", e) for e in range(E)]
        person = searching.counts.person.astype(np.int64)
        K = np.stack([np.bincount(one.hits[0], minlength=len(person)) for one in asked])  # (E, P)
        photos = np.bincount(person, minlength=len(cell))
        for group in searching.groups:
            inside = np.isin(cell[person], group.cells)
            people = len(np.unique(person[inside]))
            start = {"operating_point": point, "group": group.name, "subjects": people}
            if people < max(2, minimum):
                rows.append(start | {"note": FEW})
                continue
            mine, who = K[:, inside], person[inside]
            by_person = np.bincount(who, mine.sum(axis=0), len(cell))
            each = by_person[np.unique(who)] / (E * photos[np.unique(who)])
            total = float(mine.sum())
            reached = np.zeros(len(cell))
            for one in asked:
                reached += np.bincount(one.hits[1][inside[one.hits[0]]], minlength=len(cell))
            top = max(1, math.ceil(mine.size / 100))
            hubs = max(1, math.ceil(int(searching.enrolled.sum()) / 100))
            more = {
                "top_searches": float(np.sort(mine.ravel())[::-1][:top].sum()) / total,
                "top_people": float(np.sort(reached)[::-1][:hubs].sum()) / total,
            } if total else {"note": _NOBODY}  # fmt: skip
            rows.append(
                start
                | {"nobody": float((each == 0).mean()), "mean": float(each.mean()), "most": int(mine.max(initial=0))}
                | more
            )
    return columns.frame("search_hubs", rows)
