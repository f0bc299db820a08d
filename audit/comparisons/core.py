"""The comparison room's one call.

In: an EmbeddingSet and the operating points asked for. Out: ``Comparisons``: histograms, every mated score, the exact tail, exact thresholds.
Its one idea: everything is counted on a fixed-point grid, and what lies within the rounding bound of a threshold is decided in float64, so
every count equals the float64 definition of METRICS 1 at a fraction of its cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from audit.comparisons.floors import guess_floor
from audit.comparisons.grid import Grid, quantise
from audit.comparisons.layout import Layout, lay_out
from audit.comparisons.listed import scores_of
from audit.comparisons.processor import cores
from audit.comparisons.scope import Scope, scope_of
from audit.comparisons.sweep import ENTRY_BYTES, Progress, TailTooLongError, sweep
from audit.comparisons.tail import TailBuilder, Unreached
from audit.comparisons.types import Comparisons, Mated, OperatingPointRequest, ScoreHistograms
from audit.embeddings.embedding_set import EmbeddingSet
from audit.errors import ConfigError

__all__ = ["MEMORY_CAP", "Path", "compare"]

Path = Literal["auto", "fast", "portable"]
MEMORY_CAP: Final = 2**30
"""Bytes of tail held at most unless told otherwise: 67 million pairs."""


def compare(
    embeddings: EmbeddingSet,
    *,
    operating_points: Sequence[OperatingPointRequest],
    bins: int = 4096,
    threads: int | None = None,
    path: Path = "auto",
    progress: Progress | None = None,
    memory_cap: int = MEMORY_CAP,
    histograms: bool = True,
) -> Comparisons:
    """Compare every sample with every other, once.

    Parameters
    ----------
    embeddings : EmbeddingSet
    operating_points : sequence of OperatingPointRequest
        Thresholds, or target false match rates in either weighting.
    bins : int
        Bins of the histograms over ``[rule.low, rule.high]``, 2 to 65,536.
    threads : int, optional
        Default: the cores this process may use. Changes no result.
    path : {"auto", "fast", "portable"}
        Compiled or NumPy only. Changes no result.
    progress : callable, optional
        ``progress(done, total)`` in comparisons.
    memory_cap : int
        Bytes of tail (16 per pair) held at most.
    histograms : bool
        False: only the tail and the mated scores.

    Returns
    -------
    Comparisons
        ``threshold`` is ``inf`` and both achieved rates NaN for a target without any non-mated comparison in its scope. Without operating points
        the tail is empty (floor ``inf``).

    Raises
    ------
    ConfigError
        A request that makes no sense, or a tail that breaks ``memory_cap``.
    """
    requests = tuple(operating_points)
    _check(embeddings, requests, bins, path)
    workers = cores() if threads is None else max(1, int(threads))
    layout, grid = lay_out(embeddings), quantise(embeddings, bins)
    scopes = [scope_of(request, layout, embeddings.labelled) for request in requests]

    def exact(i: NDArray[np.int32], j: NDArray[np.int32]) -> NDArray[np.float64]:
        return scores_of(embeddings, i, j, threads=workers, path=path)

    counts: NDArray[np.int64] | None = None
    deeper, passes = 0, 0
    while True:
        floors = [_floor(grid, layout, request, scope, deeper) for request, scope in zip(requests, scopes, strict=True)]
        floor = min(floors, default=math.inf)
        limit = None if floor == math.inf else grid.limit(floor)
        try:
            swept = sweep(
                grid,
                layout,
                limit=limit,
                histograms=histograms and counts is None,
                threads=workers,
                memory_cap=memory_cap,
                progress=progress,
            )
        except TailTooLongError:
            raise _too_long(requests[floors.index(floor)], memory_cap) from None
        passes += 1
        counts = swept.counts if counts is None else counts
        builder = TailBuilder(swept.i, swept.j, grid.scores(swept.x), floor, grid.bound, exact)
        try:
            tail, points = builder.finish(requests, scopes)
            break
        except Unreached:
            deeper += 1
    mated_i, mated_j = layout.mated_pairs()
    mated = Mated(mated_i, mated_j, exact(mated_i, mated_j))
    for array in (mated.i, mated.j, mated.score):
        array.flags.writeable = False
    how: dict[str, str | int | float] = {
        "path": "portable",
        "threads": workers,
        "bound": grid.bound,
        "rechecked": builder.rechecked,
        "passes": passes,
        "comparisons": len(embeddings) * (len(embeddings) - 1) // 2,
    }
    return Comparisons(None if counts is None else _histograms(grid, layout, counts, mated), mated, tail, points, how)


def _floor(grid: Grid, layout: Layout, request: OperatingPointRequest, scope: Scope, deeper: int) -> float:
    if request.threshold is not None:
        return request.threshold
    if scope.comparisons == 0:
        return math.inf
    return guess_floor(grid, layout, scope, float(request.target or 0.0), request.weighting or "people", deeper)


def _histograms(grid: Grid, layout: Layout, counts: NDArray[np.int64], mated: Mated) -> ScoreHistograms:
    """Take the mated comparisons out of the diagonal cell pairs: all of it on integers, so subtraction is safe."""
    own = np.zeros((layout.cells, grid.axis.bins), np.int64)
    cell = np.searchsorted(layout.cell_starts, mated.i, "right") - 1
    for start in range(0, len(mated.i), 16_384):
        part = slice(start, start + 16_384)
        i, j = mated.i[part], mated.j[part]
        x = np.einsum("kd,kd->k", grid.codes[i], grid.codes[j], dtype=np.int64)
        if grid.measure == "euclidean":
            x = grid.squares[i].astype(np.int64) + grid.squares[j] - 2 * x
        np.add.at(own, (cell[part], grid.bins(x)), 1)
    for c in range(layout.cells):
        counts[layout.pair(c, c)] -= own[c]
    occurring = layout.non_mated_per_pair() > 0
    g, h = np.triu_indices(layout.cells)
    pairs = np.stack([g, h], axis=1)[occurring].astype(np.int16)
    table = counts if occurring.all() else counts[occurring]
    for array in (pairs, table, own):
        array.flags.writeable = False
    return ScoreHistograms(grid.axis, pairs, table, own)


def _check(embeddings: EmbeddingSet, requests: tuple[OperatingPointRequest, ...], bins: int, path: str) -> None:
    rule = embeddings.rule
    if not 2 <= bins <= 65_536:
        raise ConfigError("bins", got=str(bins), allowed="2 to 65,536", todo="4096 suits every matcher seen so far")
    if path not in ("auto", "fast", "portable"):
        raise ConfigError("path", got=repr(path), allowed="auto, fast, portable")
    if not (math.isfinite(rule.low) and math.isfinite(rule.high) and rule.low < rule.high):
        raise ConfigError("score rule", got=f"low={rule.low}, high={rule.high}", allowed="finite, low < high", todo="Mend the backend's rule")
    if len({request.id for request in requests}) < len(requests):
        raise ConfigError("operating points", got="the same id twice", allowed="unique ids", todo="Rename one")
    for request in requests:
        where = f"operating point '{request.id}'"
        if request.protocol in ("vendor_default", "fixed"):
            if request.threshold is None or math.isnan(request.threshold):
                raise ConfigError(where, got="no threshold", allowed="a score, larger = more alike", todo="Give the threshold")
            continue
        if request.threshold is not None or request.target is None or not 0 <= request.target <= 1:
            raise ConfigError(where, got=f"target {request.target}, threshold {request.threshold}", allowed="a target from 0 to 1 and no threshold")
        if request.weighting not in ("people", "comparisons"):
            raise ConfigError(where, got=f"weighting {request.weighting!r}", allowed="people or comparisons", todo="Say in which the target is meant")
        if request.cells is not None and any(not 0 <= c < len(embeddings.cells) for c in request.cells):
            raise ConfigError(where, got=f"cells {request.cells}", allowed=f"0 to {len(embeddings.cells) - 1}", todo="Name cells that exist")


def _too_long(request: OperatingPointRequest, memory_cap: int) -> ConfigError:
    asked = f"threshold {request.threshold}" if request.threshold is not None else f"target {request.target}"
    return ConfigError(
        f"operating point '{request.id}'",
        got=f"{asked} is reached by more than {memory_cap // ENTRY_BYTES:,} non-mated comparisons, {memory_cap:,} bytes at {ENTRY_BYTES} each",
        allowed="a tail that fits memory_cap",
        todo="Ask for a stricter operating point, or raise memory_cap",
    )
