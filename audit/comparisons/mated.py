"""Every mated comparison: its float64 score, and where it sits in the histograms.

In: templates, grid, layout. Out: ``Mated`` and counts per cell. Its one idea: subjects are runs of rows, so their
pairs are written straight to their sorted places.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.scores import portable_scores
from audit.comparisons.types import Mated
from audit.embeddings.embedding_set import EmbeddingSet

__all__ = ["mated_comparisons"]

CHUNK = 16_384


def mated_comparisons(
    embeddings: EmbeddingSet, grid: Grid, layout: Layout, *, threads: int, fast: bool
) -> tuple[Mated, NDArray[np.int64]]:
    """All pairs i < j of one subject.

    Returns
    -------
    mated : Mated
    counts : NDArray (C, bins) int64
    """
    if fast:
        i, j, score, x = _compiled(embeddings, grid, layout, threads)
    else:
        i, j = layout.mated_pairs()
        score = portable_scores(embeddings.vectors, i, j, grid.measure, threads=threads)
        x = np.empty(len(i), np.int32)
        for start in range(0, len(i), CHUNK):
            part = slice(start, start + CHUNK)
            # Exact in float64, in any order: sums stay below 2**53.
            product = np.vecdot(grid.codes[i[part]].astype(np.float64), grid.codes[j[part]].astype(np.float64)).astype(
                np.int64
            )
            x[part] = (
                product
                if grid.measure != "euclidean"
                else grid.squares[i[part]].astype(np.int64) + grid.squares[j[part]] - 2 * product
            )
    bins = grid.axis.bins
    counts = np.zeros((layout.cells, bins), np.int64)
    # Pairs are sorted by row, rows by cell: each cell's pairs are one slice.
    ends = np.searchsorted(i, layout.cell_starts)
    for c in range(layout.cells):
        if ends[c + 1] > ends[c]:
            counts[c] = np.bincount(grid.bins(x[ends[c] : ends[c + 1]]), minlength=bins)
    for array in (i, j, score, counts):
        array.flags.writeable = False
    return Mated(i, j, score), counts


def _compiled(
    embeddings: EmbeddingSet, grid: Grid, layout: Layout, threads: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]:
    from audit.comparisons.kernels import loops

    sizes = np.diff(layout.subject_starts)
    ends = np.concatenate([[0], np.cumsum(sizes * (sizes - 1) // 2)])
    total = int(ends[-1])
    i, j, score, x = (
        np.empty(total, np.int32),
        np.empty(total, np.int32),
        np.empty(total, np.float64),
        np.empty(total, np.int32),
    )
    measure = {"inner": 0, "euclidean": 1, "cosine": 2}[grid.measure]
    cuts = np.unique(np.searchsorted(ends, np.append(np.arange(0, total, CHUNK), total)))

    def chunk(k: int) -> None:
        first, last = int(cuts[k]), int(cuts[k + 1])
        part = slice(int(ends[first]), int(ends[last]))
        loops.mated(
            embeddings.vectors,
            grid.codes,
            layout.subject_starts,
            first,
            last,
            measure,
            i[part],
            j[part],
            score[part],
            x[part],
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(chunk, range(len(cuts) - 1)))
    return i, j, score, x
