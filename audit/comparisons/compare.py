"""The comparison room's one call.

In: an EmbeddingSet and the operating points asked for. Out: ``Comparisons``: histograms, every mated score, the exact
tail, exact thresholds. Its one idea: everything is counted on a fixed-point grid, and what lies within the rounding
bound of a threshold is decided in float64, so every count equals the float64 definition of METRICS 1 at a fraction of
its cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.errors import ConfigError, NotEnoughMemoryError
from audit.base.machine import cores
from audit.base.narrow import narrow
from audit.comparisons.collect import Sink
from audit.comparisons.kept_tiles import Kept
from audit.comparisons.kernels.grid import Grid, quantise
from audit.comparisons.kernels.processor import flavours
from audit.comparisons.layout import Layout, lay_out
from audit.comparisons.mated import mated_comparisons
from audit.comparisons.person_sums import Grouping, groupings_of
from audit.comparisons.run_tiles import Progress, Swept, sweep
from audit.comparisons.scores import scores_of
from audit.comparisons.thresholds.resolve import resolve
from audit.comparisons.thresholds.scope import scope_of
from audit.comparisons.tiles import Job, Side
from audit.comparisons.types import Comparisons, OperatingPointRequest, ScoreHistograms
from audit.embeddings.embedding_set import EmbeddingSet

__all__ = ["MEMORY_CAP", "Path", "compare", "flavour_of"]

Path = Literal["auto", "fast", "portable", "any", "avx2", "avx512", "avx512vnni"]
SMALL: Final = 2_048
"""Up to so many samples, NumPy is done before Numba is loaded."""
MEMORY_CAP: Final = 2**30
"""Bytes of tail held at most unless told otherwise: 67 million pairs."""
LESS: Final = 4
"""A pass that runs out of memory is tried again with a share of it this many times smaller, in one thread..."""
TRIES: Final = 3
"""... and so many times in all."""


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
    groupings: Sequence[tuple[ArrayLike, int]] | None = None,
    keep: Kept | None = None,
    cluster: str | None = None,
) -> Comparisons:
    """Compare every sample with every other, once.

    Parameters
    ----------
    embeddings : EmbeddingSet
    operating_points : sequence of OperatingPointRequest
        Thresholds, or target false match rates in either weighting.
    bins : int
        Bins of the histograms over ``[rule.low, rule.high]``, 2 to 65,535.
    threads : int, optional
        Default: the cores this process may use. Changes no result.
    path : {"auto", "fast", "portable"} or a flavour of ``processor.flavours()``
        Compiled or NumPy only; "auto" compiles where that works and pays. Changes no result.
    progress : callable, optional
        ``progress(done, total)`` in comparisons.
    memory_cap : int
        Bytes of tail (16 per pair) held at most. Operating points that more pairs reach, loosest first, are left out
        of the tail; each person's sums are added up instead while further passes go on (``Comparisons.streamed``).
    histograms : bool
        False: only the tail and the mated scores.
    groupings : sequence of ((S,) cell of each person, C), optional
        Labels under which those sums are kept; default: the embeddings' own cells.
    keep : Kept, optional
        Where a pass that takes long keeps its tiles, so that the same call after a kill goes on. Changes no result.
    cluster : str, optional
        Address of a dask scheduler whose workers answer the tiles of passes that take long. Changes no result.

    Returns
    -------
    Comparisons
        ``threshold`` is ``inf`` and both achieved rates NaN for a target without any non-mated comparison in its
        scope. Without operating points the tail is empty (floor ``inf``).

    Raises
    ------
    ConfigError
        A request that makes no sense, or one for which even the sums break ``memory_cap``.
    BenchmarkError
        ``groupings`` that do not fit the people.
    BackendError
        The cluster cannot be reached, or is lost on the way.
    NotEnoughMemoryError
        The machine has too little memory, also for less than ``memory_cap``; ``how["memory_cap"]`` says what was left
        of it where less was enough.
    """
    requests = tuple(operating_points)
    _check(embeddings, requests, bins)
    people = groupings_of(embeddings, groupings)
    workers = cores() if threads is None else max(1, int(threads))
    flavour = flavour_of(path, len(embeddings))
    cap = memory_cap
    for trial in range(TRIES):
        if trial:  # outside the handler, so that what the failed trial held is free again
            cap, workers = cap // LESS, 1
        try:
            return _compared(
                embeddings, requests, people, bins, workers, flavour, progress, cap, histograms, keep, cluster
            )
        except MemoryError:
            continue
        except RuntimeError as error:
            if "can't start new thread" not in str(error):  # no room for a thread's stack is no memory too
                raise
    raise NotEnoughMemoryError(
        "comparisons",
        got=f"the machine's memory ran out {TRIES} times, at last with {cap:,} bytes for lists of "
        f"pairs and one thread",
        allowed=f"about {_least(embeddings, bins) / 2**20:,.0f} MB and what the lists take",
        todo="Free memory, lower compute.memory_mb or compute.bins, or use a machine with more",
    )


def _least(embeddings: EmbeddingSet, bins: int) -> int:
    """Bytes without which no pass can be made: templates, their codes twice, and the histograms."""
    cells = len(embeddings.cells)
    return embeddings.vectors.nbytes + 4 * embeddings.vectors.size + 8 * bins * cells * (cells + 1) // 2


def _compared(
    embeddings: EmbeddingSet,
    requests: tuple[OperatingPointRequest, ...],
    people: list[Grouping],
    bins: int,
    workers: int,
    flavour: str | None,
    progress: Progress | None,
    memory_cap: int,
    histograms: bool,
    keep: Kept | None,
    cluster: str | None,
) -> Comparisons:
    fast = flavour is not None
    layout, grid = lay_out(embeddings), quantise(embeddings, bins, fast=fast, threads=workers)
    scopes = [scope_of(request, layout, embeddings.labelled) for request in requests]

    def exact(i: NDArray[np.int32], j: NDArray[np.int32]) -> NDArray[np.float64]:
        return scores_of(embeddings, i, j, threads=workers, path="fast" if fast else "portable")

    side = Side(grid, layout)

    def one_pass(floor: float, sink: Sink | None, counted: bool) -> Swept:
        limits = None if floor == math.inf else np.full(len(embeddings), grid.limit(floor), np.int32)
        job = Job(side, limits=limits, histograms=counted)
        return sweep(
            job,
            threads=workers,
            memory_cap=memory_cap,
            flavour=flavour,
            progress=progress,
            sink=sink,
            keep=keep,
            cluster=cluster,
        )

    found = resolve(
        requests,
        scopes,
        one_pass,
        grid,
        layout,
        people,
        exact,
        histograms=histograms,
        memory_cap=memory_cap,
        fast=fast,
    )
    mated, own = mated_comparisons(embeddings, grid, layout, threads=workers, fast=fast)
    how: dict[str, str | int | float] = {
        "path": "portable" if flavour is None else f"fast:{flavour}{':narrow' if found.narrow else ''}",
        "threads": workers,
        "bound": grid.bound,
        "rechecked": found.rechecked,
        "passes": found.passes,
        "comparisons": len(embeddings) * (len(embeddings) - 1) // 2,
        "points_without_a_list_of_pairs": len(found.sums),
        "memory_cap": memory_cap,
    }
    tables = None if found.counts is None else _histograms(grid, layout, found.counts, own)
    return Comparisons(tables, mated, found.tail, found.points, how, found.sums)


def flavour_of(path: str, n: int) -> str | None:
    """Flavour of the kernel to run; None for NumPy."""
    if path == "portable" or (path == "auto" and n <= SMALL):
        return None
    here = flavours()
    if path == "auto":
        return here[0] if here else None
    if path == "fast" and here:
        return here[0]
    if path not in here:
        raise ConfigError(
            "path",
            got=repr(path),
            allowed=", ".join(("auto", "portable", *(("fast",) if here else ()), *here)),
            todo="Choose one of these",
        )
    return path


def _histograms(grid: Grid, layout: Layout, counts: NDArray[np.int64], own: NDArray[np.int64]) -> ScoreHistograms:
    """Take the mated comparisons out of the diagonal cell pairs: all of it on integers, so subtraction is safe."""
    for c in range(layout.cells):
        counts[layout.pair(c, c)] -= own[c]
    occurring = layout.non_mated_per_pair() > 0
    g, h = np.triu_indices(layout.cells)
    pairs = narrow(np.stack([g, h], axis=1)[occurring], np.int16, "groups")
    table = counts if occurring.all() else counts[occurring]
    for array in (pairs, table, own):
        array.flags.writeable = False
    return ScoreHistograms(grid.axis, pairs, table, own)


def _check(embeddings: EmbeddingSet, requests: tuple[OperatingPointRequest, ...], bins: int) -> None:
    rule = embeddings.rule
    if not 2 <= bins <= 65_535:
        raise ConfigError("bins", got=str(bins), allowed="2 to 65,535", todo="4096 suits every matcher seen so far")
    if not (math.isfinite(rule.low) and math.isfinite(rule.high) and rule.low < rule.high):
        raise ConfigError(
            "score rule",
            got=f"low={rule.low}, high={rule.high}",
            allowed="finite, low < high",
            todo="Mend the backend's rule",
        )
    if len({request.id for request in requests}) < len(requests):
        raise ConfigError("operating points", got="the same id twice", allowed="unique ids", todo="Rename one")
    for request in requests:
        where = f"operating point '{request.id}'"
        if request.protocol in ("vendor_default", "fixed"):
            if request.threshold is None or math.isnan(request.threshold):
                raise ConfigError(
                    where, got="no threshold", allowed="a score, larger = more alike", todo="Give the threshold"
                )
            continue
        if request.threshold is not None or request.target is None or not 0 <= request.target <= 1:
            raise ConfigError(
                where,
                got=f"target {request.target}, threshold {request.threshold}",
                allowed="a target from 0 to 1 and no threshold",
            )
        if request.weighting not in ("people", "comparisons"):
            raise ConfigError(
                where,
                got=f"weighting {request.weighting!r}",
                allowed="people or comparisons",
                todo="Say in which the target is meant",
            )
        if request.cells is not None and any(not 0 <= c < len(embeddings.cells) for c in request.cells):
            raise ConfigError(
                where,
                got=f"cells {request.cells}",
                allowed=f"0 to {len(embeddings.cells) - 1}",
                todo="Name cells that exist",
            )
