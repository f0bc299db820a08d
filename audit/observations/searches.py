"""Searches of galleries drawn from the people of a benchmark: who was reached at each threshold, under numbers that say nothing.

In: templates past the privacy line, and the thresholds of the run. Out: ``SearchCounts``. Its one idea: every photo searches, one photo of every
labelled person is enrolled (drawn several times, as people have several), and what is kept is who reached which threshold: every rate at every
gallery size follows from that exactly, so no gallery is ever drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.base.narrow import narrow
from audit.comparisons.compare import Path
from audit.comparisons.ranked import Ranked, ranked
from audit.comparisons.types import OperatingPoint
from audit.embeddings.embedding_set import EmbeddingSet
from audit.observations.search_counts import SearchCounts, renumbered_searches
from audit.observations.tallies import CURVE

__all__ = ["HIT_BYTES", "count_searches"]

HIT_BYTES: Final = 32
"""Of one person reached, while all enrolments are put together."""


def count_searches(
    embeddings: EmbeddingSet,
    points: Sequence[OperatingPoint],
    *,
    enrolments: int,
    seed: int,
    threads: int | None = None,
    path: Path = "auto",
    memory_cap: int = 2**30,
    progress: Callable[[int, int], None] | None = None,
) -> SearchCounts:
    """Search with every photo of every labelled person, ``enrolments`` times.

    Operating points without one finite threshold for everybody, those at which more people are reached than ``memory_cap`` holds, and rungs of the
    curve are left out.
    """
    asked = [one for one in points if np.isfinite(one.threshold) and one.request.protocol != "per_group" and not one.id.startswith(CURVE)]
    order = sorted(range(len(asked)), key=lambda k: asked[k].threshold)
    thresholds = np.array([asked[k].threshold for k in order])
    rows = np.flatnonzero(embeddings.labelled[embeddings.cell])
    subject = embeddings.subject[rows]
    people, first, photos = np.unique(subject, return_index=True, return_counts=True)

    def references_of(e: int) -> NDArray[np.int64]:
        return rows[first + np.random.default_rng([seed, 1, e]).integers(0, photos)] if len(people) else rows

    # How many are reached at each threshold, before anybody is kept: looser ones are left out, and the table says so.
    tried = ranked(embeddings, rows, references_of(0), thresholds=thresholds.tolist(), mates=False, threads=threads, path=path, memory_cap=memory_cap)
    fits = tried.reached.sum(axis=(0, 2), dtype=np.int64) * enrolments * HIT_BYTES <= memory_cap
    thresholds, order = thresholds[fits], [k for k, one in zip(order, fits.tolist(), strict=True) if one]
    found: list[Ranked] = []
    for e in range(enrolments):
        references = references_of(e)
        found.append(
            ranked(
                embeddings,
                rows,
                references,
                thresholds=thresholds.tolist(),
                hits=True,
                threads=threads,
                path=path,
                memory_cap=memory_cap,
                progress=progress,
            )  # fmt: skip
        )
    reached = [np.where(np.isnan(one.mate), -1, np.searchsorted(thresholds, one.mate, "right")) for one in found]
    level = narrow(reached, np.int16, "thresholds of searches")
    hits = [np.concatenate(part) for part in zip(*((one.hit_probe, one.hit_subject, one.hit_level) for one in found), strict=True)]
    which = np.repeat(np.arange(enrolments), [len(one.hit_probe) for one in found])
    counts = SearchCounts(
        tuple(asked[k].id for k in order),
        subject.astype(np.int32),
        level.reshape(enrolments, len(rows)),
        np.array([one.above.sum(axis=1) for one in found], np.int32).reshape(enrolments, len(rows)),
        narrow(which, np.int16, "enrolments"),
        hits[0].astype(np.int32),
        hits[1].astype(np.int32),
        narrow(hits[2], np.int16, "thresholds of searches"),
    )
    return renumbered_searches(counts, np.arange(embeddings.subjects))
