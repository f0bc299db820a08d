"""The pairs a person should look at (``review.csv``), and what may not be said before somebody did.

In: comparisons. Out: per cell the non-mated pairs of people that are most alike and the people whose own photos are least alike, under opaque
numbers. Its one idea: name variants, wrong photos and twins own the extreme tail, unequally (METRICS 4), so the list is blind to group and equally
deep for each: rows are shuffled, sides are swapped, and no row says which cell it comes from. One row a pair of people (or a person), so that
one much-photographed person does not fill the list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.comparisons.scores import scores_of
from audit.comparisons.types import Comparisons
from audit.embeddings import EmbeddingSet
from audit.rates.groups import APART

__all__ = ["CAVEAT", "COLUMNS", "EXTREME", "MATED", "NON_MATED", "NOTE", "annotate", "listing", "unreviewed"]

NON_MATED, MATED = "non-mated", "mated"
COLUMNS = ("review", "kind", "subject_a", "photo_a", "subject_b", "photo_b", "score", "judged")
EXTREME = 1e-5
"""METRICS 4: below this false match rate a threshold rests on pairs that may be errors of the benchmark."""
NOTE = "identity errors not reviewed"
CAVEAT = (
    "At so strict a setting, a few wrongly filed photos can make most of the false matches; the most alike pairs were not all looked at by a person."
)

Indices = NDArray[np.int64]


def listing(embeddings: EmbeddingSet, comparisons: Comparisons, photo: NDArray[np.int64], depth: int, seed: int) -> pd.DataFrame:
    """Choose and shuffle the pairs.

    Parameters
    ----------
    embeddings : EmbeddingSet
    comparisons : Comparisons
        Only non-mated pairs in its tail can be listed: everything above the loosest threshold whose pairs were not too many to list.
    photo : NDArray (N,) int64
        For each row of ``embeddings``, which of its person's photos it is, counted from 1 in order of sample id.
    depth : int
        Pairs per cell and kind; as many again, once, for pairs of people from two cells.
    seed : int
        Of the order of rows and sides.

    Returns
    -------
    DataFrame
        ``COLUMNS``, ``judged`` empty; scores float64 as METRICS 1 defines them.
    """
    tail, mated, cell = comparisons.tail, comparisons.mated, embeddings.cell
    first, second = cell[tail.i], cell[tail.j]
    within = first == second
    strata = [np.flatnonzero(within & (first == code)) for code in range(len(embeddings.cells))] + [np.flatnonzero(~within)]
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
    rows_out = []
    for (kind, a, b), score in zip(pairs, scores, strict=True):
        one = (int(embeddings.subject[a]), int(photo[a]))
        two = (int(embeddings.subject[b]), int(photo[b]))
        mix = hashlib.sha256(f"{seed}:{kind}:{sorted((one, two))}".encode()).digest()
        one, two = sorted((one, two), reverse=bool(mix[0] & 1))
        rows_out.append((mix, (kind, *one, *two, float(score), "")))
    table = [(number, *row) for number, (_, row) in enumerate(sorted(rows_out), start=1)]
    return pd.DataFrame(table, columns=list(COLUMNS))


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


def unreviewed(operating_points: pd.DataFrame, review: pd.DataFrame | None) -> set[str]:
    """Operating points below ``EXTREME`` whose rates need a warning: all of them, unless every pair of the list was judged.

    A threshold set on people apart keeps its warning: their pairs are not compared with the others', and are not in the list.
    """
    strict = operating_points["achieved_people"] < EXTREME
    if review is not None and len(review) and (review["judged"] != "").all():
        strict &= operating_points["calibrated_on"].astype(str).str.startswith(APART)
    return set(operating_points.loc[strict, "operating_point"].astype(str))


def annotate(rates: pd.DataFrame, warned: set[str]) -> pd.DataFrame:
    """Add ``NOTE`` to the false match rates of the operating points in ``warned``."""
    hit = rates["operating_point"].isin(warned) & rates["measure"].str.startswith("FMR") & (rates["trials"] > 0)
    if not hit.any():
        return rates
    said = rates["note"].where(rates["note"] == "", rates["note"] + "; ") + NOTE
    return rates.assign(note=rates["note"].where(~hit, said))
