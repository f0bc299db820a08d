"""Probes against a gallery, by group: how many people reach a threshold, how many stand above the mate, who stands
first.

In: templates, which rows search and which are enrolled. Out: integers per probe and group, exact (decided in float64
wherever the grid cannot tell), and short lists. Its one idea: every probe has a limit of its own (the lowest of the
thresholds asked for, its mate's score, and what its list needs), below which nothing can change any answer; the kernel
lists the rest, tile by tile, and each tile is counted and let go.

Nobody is identified here: probes, references and people are rows and opaque numbers, and what leaves are counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from audit.base.errors import ConfigError
from audit.base.machine import cores
from audit.comparisons.compare import MEMORY_CAP, Path, flavour_of
from audit.comparisons.halving import rows_of
from audit.comparisons.kernels.grid import quantise
from audit.comparisons.probe_search import Search
from audit.comparisons.ranked_answer import Ranked
from audit.comparisons.run_tiles import Progress
from audit.embeddings.embedding_set import EmbeddingSet

__all__ = ["ranked"]


def ranked(
    embeddings: EmbeddingSet,
    probes: ArrayLike,
    gallery: ArrayLike,
    *,
    thresholds: Sequence[float] = (),
    mates: bool = True,
    top: int = 0,
    hits: bool = False,
    threads: int | None = None,
    path: Path = "auto",
    progress: Progress | None = None,
    memory_cap: int = MEMORY_CAP,
) -> Ranked:
    """Search a gallery with every probe.

    Parameters
    ----------
    embeddings : EmbeddingSet
    probes, gallery : arrays of rows of it
        Who searches, and who is enrolled: each once. One photo of a person or several; a photo may be both and never
        meets itself.
    thresholds : sequence of T scores
    mates : bool
        Whether to find each probe's mate and count who stands above.
    top : int
        L: people on each list; 0 for no lists.
    hits : bool
        Whether to keep who reaches the thresholds, not only how many.
    threads, path, progress
        As in ``compare``; they change no result.
    memory_cap : int
        Bytes of pairs held at once, about.

    Raises
    ------
    ConfigError
        Rows that are not there or named twice, thresholds that are not finite, a negative ``top``.
    """
    asked, enrolled = rows_of(probes, len(embeddings), "probes"), rows_of(gallery, len(embeddings), "gallery")
    points = np.asarray(thresholds, np.float64)
    if not np.isfinite(points).all() or top < 0:
        raise ConfigError(
            "searches",
            got=f"thresholds {list(thresholds)}, top {top}",
            allowed="finite scores, and a list length from 0",
        )
    workers, flavour = (
        cores() if threads is None else max(1, int(threads)),
        flavour_of(path, len(asked) + len(enrolled)),
    )
    order, references = np.argsort(asked, kind="stable"), np.sort(enrolled)
    rows, grid = asked[order], quantise(embeddings, 2, fast=flavour is not None, threads=workers)
    search = Search(embeddings, rows, references, grid, points, top, workers, flavour)
    search.keep_hits = hits
    if mates:
        search.find_mates()
    if top:
        search.guess_lists()
    search.run(memory_cap, progress)
    return search.finish(order)
