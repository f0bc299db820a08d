"""The pairs a person should look at (``review.csv``), and the way from the list to the photographs.

In: comparisons. Out: per cell the non-mated pairs of people that are most alike and the people whose own photos are
least alike, under opaque numbers. Its one idea: name variants, wrong photos and twins own the extreme tail, unequally
(METRICS 4), so the list is blind to group and equally deep for each: rows are shuffled, sides are swapped, and no row
says which cell it comes from. One row a pair of people (or a person), so that one much-photographed person does not
fill the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import ResultsError
from audit.benchmark.manifest import Benchmark
from audit.benchmark.on_disk import LEFT_OUT
from audit.benchmark.same_bytes import CONFLICTING, DUPLICATE
from audit.comparisons.scores import scores_of
from audit.comparisons.types import Comparisons
from audit.embeddings import EmbeddingSet
from audit.words import columns

__all__ = ["MATED", "NON_MATED", "Located", "chosen", "locate", "mark", "shuffled"]

NON_MATED, MATED = "non-mated", "mated"

Indices = NDArray[np.int64]


def chosen(embeddings: EmbeddingSet, comparisons: Comparisons, photo: NDArray[np.int64], depth: int) -> pd.DataFrame:
    """Choose the pairs.

    Parameters
    ----------
    embeddings : EmbeddingSet
    comparisons : Comparisons
        Only non-mated pairs in its tail can be listed: everything above the loosest threshold whose pairs were not too
        many to list.
    photo : NDArray (N,) int64
        For each row of ``embeddings``, which of its person's photos it is, counted from 1 in order of sample id.
    depth : int
        Pairs per cell and kind; as many again, once, for pairs of people from two cells.

    Returns
    -------
    DataFrame
        ``review.csv``, ``judged`` empty, not yet shuffled; scores float64 as METRICS 1 defines them.
    """
    tail, mated, cell = comparisons.tail, comparisons.mated, embeddings.cell
    first, second = cell[tail.i], cell[tail.j]
    within = first == second
    strata = [np.flatnonzero(within & (first == code)) for code in range(len(embeddings.cells))] + [
        np.flatnonzero(~within)
    ]
    subjects = int(embeddings.subject.max()) + 1 if len(embeddings) else 0

    def dyad(rows: Indices) -> Indices:
        a, b = embeddings.subject[tail.i[rows]].astype(np.int64), embeddings.subject[tail.j[rows]].astype(np.int64)
        return np.minimum(a, b) * subjects + np.maximum(a, b)

    def person(rows: Indices) -> Indices:
        return embeddings.subject[mated.i[rows]].astype(np.int64)

    pairs: list[tuple[str, int, int]] = []
    for rows in strata:
        chosen = _extreme(-tail.score, rows, dyad, depth)
        pairs += [(NON_MATED, int(tail.i[k]), int(tail.j[k])) for k in chosen]
    for code in range(len(embeddings.cells)):
        chosen = _extreme(mated.score, np.flatnonzero(cell[mated.i] == code), person, depth)
        pairs += [(MATED, int(mated.i[k]), int(mated.j[k])) for k in chosen]
    i, j = np.array([p[1] for p in pairs], np.int32), np.array([p[2] for p in pairs], np.int32)
    scores = scores_of(embeddings, i, j) if pairs else np.zeros(0)
    subject = embeddings.subject
    rows_out = [
        {"review": 0, "kind": kind, "score": float(score)}
        | {
            "subject_a": int(subject[a]),
            "photo_a": int(photo[a]),
            "subject_b": int(subject[b]),
            "photo_b": int(photo[b]),
        }
        for (kind, a, b), score in zip(pairs, scores, strict=True)
    ]
    return columns.frame("review", rows_out)


def shuffled(review: pd.DataFrame, number: NDArray[np.int64], seed: int) -> pd.DataFrame:
    """Rows in a random order, sides tossed, people under the numbers of the results.

    Parameters
    ----------
    review : DataFrame
        As ``chosen`` gives it, perhaps judged.
    number : NDArray (S,) int64
        Each person's number.
    seed : int
        Of the order of rows and sides, which depend on scores and on nothing that leads to a group or a name.
    """
    rows = []
    for record in review.to_dict("records"):
        row: dict[str, Any] = {str(name): value for name, value in record.items()}
        one, two = sorted((int(number[row[f"subject_{side}"]]), int(row[f"photo_{side}"])) for side in "ab")
        said = f"{seed}:{row['kind']}:{float(row['score']).hex()}:{sorted((one[1], two[1]))}"
        mix = hashlib.sha256(said.encode()).digest()
        one, two = (two, one) if mix[0] & 1 else (one, two)
        sides = {"subject_a": one[0], "photo_a": one[1], "subject_b": two[0], "photo_b": two[1]}
        rows.append((mix, one, two, row | sides))
    return columns.frame(
        "review",
        (row | {"review": place} for place, (*_, row) in enumerate(sorted(rows, key=lambda row: row[:3]), start=1)),
    )


def _extreme(score: NDArray[np.float64], rows: Indices, unit: Callable[[Indices], Indices], depth: int) -> Indices:
    """The lowest-scoring row of each of the ``depth`` units that reach lowest, lowest first; ties by row."""
    take = min(len(rows), 64 * depth)
    while True:
        limit = np.partition(score[rows], take - 1)[take - 1] if take else np.inf
        near = rows[score[rows] <= limit]
        near = near[np.lexsort((near, score[near]))]
        _, place = np.unique(unit(near), return_index=True)
        if len(place) >= depth or take == len(rows):
            return near[np.sort(place)[:depth]]
        take = min(len(rows), 4 * take)


@dataclass(frozen=True)
class Located:
    """One row of the list with its samples: benchmark ids and paths, left and right."""

    review: int
    kind: str
    samples: tuple[str, str]
    paths: tuple[Path, Path]


def locate(
    review: pd.DataFrame,
    benchmark: Benchmark,
    person: NDArray[np.int64],
    attempted: NDArray[np.int32],
    left_out: int = 0,
) -> list[Located]:
    """Find the samples behind numbers.

    Parameters
    ----------
    review : DataFrame
        ``review.csv`` of a run.
    benchmark : Benchmark
        The benchmark as that run used it, its overrides applied.
    person : NDArray (S,) int64
        For each number, the person's place in the sorted subject ids (``way_back``).
    attempted : NDArray (S,) int32
        The run's samples per number (0 for people set apart): the check that this is the same benchmark.
    left_out : int
        Samples that the run left out as one photograph or one template; what this benchmark marks itself is among
        them, shared templates are not.

    Raises
    ------
    ResultsError
        Other people or other photos than the run had.
    """
    code = benchmark.subject_code
    marks = (
        benchmark.samples[LEFT_OUT].to_numpy(object)
        if LEFT_OUT in benchmark.samples
        else np.full(len(code), "", dtype=object)
    )
    here = np.bincount(code[marks == ""], minlength=int(code.max()) + 1)
    fits = len(here) == len(person) == len(attempted)
    more = (here[person] - attempted)[attempted > 0] if fits else np.array([-1])
    if (more < 0).any() or more.sum() > max(0, left_out - int(np.isin(marks, (DUPLICATE, CONFLICTING)).sum())):
        raise ResultsError(
            "face-audit review",
            got=f"a benchmark of {len(here):,} people, which are not the {len(attempted):,} people of this "
            f"run, or have other photos",
            allowed="the photographs, the limit and the override file of the run",
            todo="Give the same --data and --limit as for the run",
        )
    start = np.searchsorted(code, np.arange(len(person)))
    ids, paths = benchmark.samples["sample_id"].to_numpy(), benchmark.samples["path"].to_numpy()
    out = []
    columns = review[["review", "subject_a", "photo_a", "subject_b", "photo_b"]].to_numpy(np.int64).tolist()
    for kind, (name, *sides) in zip(review["kind"].astype(str), columns, strict=True):
        left, right = (int(start[person[subject]]) + photo - 1 for subject, photo in (sides[:2], sides[2:]))
        out.append(Located(name, kind, (str(ids[left]), str(ids[right])), (Path(paths[left]), Path(paths[right]))))
    return out


def mark(
    review: pd.DataFrame,
    benchmark: Benchmark,
    person: NDArray[np.int64],
    attempted: NDArray[np.int32],
    judged: Mapping[tuple[str, str], str],
) -> pd.DataFrame:
    """Fill the list's column ``judged`` with what the override file says of each pair ("" where nobody looked)."""
    samples = (row.samples for row in locate(review, benchmark, person, attempted))
    return review.assign(judged=[judged.get((min(pair), max(pair)), "") for pair in samples])
