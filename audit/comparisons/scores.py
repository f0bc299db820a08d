"""Exact float64 scores of listed pairs: the definition that everything in this room is held to.

In: templates and two lists of rows. Out: one score per pair. Its one idea: float64 sums depend on their order, so the
order is part of the definition: products (or squared differences) are added one by one, d = 0, 1, ..., D-1, starting
from 0.0, each operation rounded once, no fused multiply-add (METRICS 1, "d in index order"). The compiled loop and the
NumPy columns below give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.backends.protocol import Measure
from audit.embeddings.embedding_set import EmbeddingSet, Vectors

__all__ = ["portable_scores", "scores_of", "squared_norms"]

CHUNK = 16_384
SMALL_CHUNK = 1_024
"""Pairs of which both templates, as float64 columns, stay in the cache."""


def scores_of(
    embeddings: EmbeddingSet,
    i: ArrayLike,
    j: ArrayLike,
    *,
    threads: int = 1,
    path: Literal["auto", "fast", "portable"] = "auto",
) -> NDArray[np.float64]:
    """Score of each pair of rows ``(i[k], j[k])``, larger = more alike.

    Parameters
    ----------
    embeddings : EmbeddingSet
    i, j : array (K,) of int
        Rows of ``embeddings``.
    threads : int
        Used by the compiled loop; changes no bit.
    path : {"auto", "fast", "portable"}
        Compiled by Numba, or NumPy only; "auto" is compiled where Numba works.

    Returns
    -------
    NDArray (K,) float64
        cosine ``a.b / sqrt(a.a * b.b)``, inner ``a.b``, euclidean ``-sqrt(sum((a - b)**2))``; sums in d index order.

    Source: METRICS 1.
    """
    left, right = np.ascontiguousarray(i, dtype=np.int64), np.ascontiguousarray(j, dtype=np.int64)
    if path != "portable":
        from audit.comparisons.kernels.processor import compiled

        if compiled() or path == "fast":
            return _fast_scores(embeddings, left, right, threads)
    return portable_scores(embeddings.vectors, left, right, embeddings.rule.measure, threads=threads)


def squared_norms(vectors: Vectors) -> NDArray[np.float64]:
    """``sum(a_d**2)`` per row, added in d index order. (N, D) -> (N,) float64."""
    total = np.zeros(len(vectors), dtype=np.float64)
    for start in range(0, len(vectors), CHUNK):
        columns = vectors[start : start + CHUNK].T.astype(np.float64, order="C")
        part = total[start : start + CHUNK]
        for column in columns:
            part += column * column
    return total


def portable_scores(
    vectors: Vectors, i: NDArray[np.integer], j: NDArray[np.integer], measure: Measure, *, threads: int = 1
) -> NDArray[np.float64]:
    """As ``scores_of``, with NumPy alone: one addition per column for all pairs of a chunk at once."""
    out = np.zeros(len(i), dtype=np.float64)
    squares = np.zeros(len(vectors))
    if measure == "cosine":
        rows = np.unique(np.concatenate([i, j]))
        squares[rows] = squared_norms(vectors[rows])

    def chunk(start: int) -> None:
        stop = start + SMALL_CHUNK
        a = vectors[i[start:stop]].T.astype(np.float64, order="C")
        b = vectors[j[start:stop]].T.astype(np.float64, order="C")
        part = out[start:stop]
        if measure == "euclidean":
            a -= b
            a *= a
            for column in a:
                part += column
            np.negative(np.sqrt(part), out=part)
            return
        a *= b
        for column in a:
            part += column
        if measure == "cosine":
            part /= np.sqrt(squares[i[start:stop]] * squares[j[start:stop]])

    _in_chunks(chunk, range(0, len(i), SMALL_CHUNK), threads)
    return out


def _in_chunks(chunk: Callable[[int], None], starts: range, threads: int) -> None:
    """Call ``chunk`` for every start, in threads where there is more than one of both; chunks write to places of their
    own.
    """
    if threads > 1 and len(starts) > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(chunk, starts))
    else:
        for start in starts:
            chunk(start)


def _fast_scores(
    embeddings: EmbeddingSet, i: NDArray[np.int64], j: NDArray[np.int64], threads: int
) -> NDArray[np.float64]:
    from audit.comparisons.kernels import scores_compiled

    vectors, measure = embeddings.vectors, embeddings.rule.measure
    if len(i) and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= len(vectors)):
        raise IndexError(f"rows must lie in 0..{len(vectors) - 1}")
    out, squares = np.empty(len(i), dtype=np.float64), np.zeros(len(vectors))
    if measure == "cosine":
        used = np.zeros(len(vectors), bool)
        used[i] = used[j] = True
        rows = np.flatnonzero(used)
        step = _step(len(rows), threads)
        _in_chunks(
            lambda start: scores_compiled.norms(vectors, rows[start : start + step], squares),
            range(0, len(rows), step),
            threads,
        )
    run = scores_compiled.distances if measure == "euclidean" else scores_compiled.products
    size = _step(len(i), threads)

    def chunk(start: int) -> None:
        stop = start + size
        run(vectors, i[start:stop], j[start:stop], out[start:stop])
        if measure == "cosine":
            out[start:stop] /= np.sqrt(squares[i[start:stop]] * squares[j[start:stop]])

    _in_chunks(chunk, range(0, len(i), size), threads)
    return out


def _step(length: int, threads: int) -> int:
    """Size of chunks: small enough that every thread gets a few."""
    return max(256, min(CHUNK, -(-length // (4 * threads))))
