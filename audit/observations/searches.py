"""Searches of galleries drawn from the people of a benchmark: who was reached at each threshold, under numbers that
say nothing.

In: templates past the privacy line, and the thresholds of the run. Out: ``SearchCounts``. Its one idea: every photo
searches, one photo of every labelled person is enrolled (drawn several times, as people have several) or all are, and
what is kept is who reached which threshold: every rate at every gallery size and mix follows from that exactly, so no
gallery is ever drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from audit.base.mixes import mix_of, target_size
from audit.base.narrow import narrow
from audit.comparisons.compare import Path
from audit.comparisons.ranked import ranked
from audit.comparisons.ranked_answer import Ranked
from audit.comparisons.scores import scores_of
from audit.comparisons.types import OperatingPoint
from audit.config.identification import IdentificationConfig
from audit.embeddings.embedding_set import EmbeddingSet
from audit.observations.fpir_thresholds import Reached, threshold_for
from audit.observations.search_counts import FPIR_POINT, SearchCounts, renumbered_searches
from audit.observations.tallies import CURVE
from audit.stats.left_out import Gallery, any_drawn

__all__ = ["HIT_BYTES", "count_searches"]

HIT_BYTES: Final = 32
"""Of one person reached, while all enrolments are put together."""


def count_searches(
    embeddings: EmbeddingSet,
    points: Sequence[OperatingPoint],
    asked: IdentificationConfig,
    *,
    seed: int,
    threads: int | None = None,
    path: Path = "auto",
    memory_cap: int = 2**30,
    progress: Callable[[int, int], None] | None = None,
) -> SearchCounts:
    """Search with every photo of every labelled person, once for each enrolment.

    Operating points without one finite threshold for everybody, those at which more people are reached than
    ``memory_cap`` holds, and wanted FPIR that no threshold of these scores has are left out; rungs of the curve are
    where thresholds for a wanted FPIR are looked for.
    """
    room = _Room(embeddings, asked, seed, {"threads": threads, "path": path, "memory_cap": memory_cap})
    usable = [one for one in points if np.isfinite(one.threshold) and one.request.protocol != "per_group"]
    chosen = {
        one.id: float(one.threshold)
        for one in usable
        if not one.id.startswith(CURVE) and (not asked.points or one.id in asked.points)
    }
    rungs = sorted({float(one.threshold) for one in usable})
    tried = room.search(0, rungs, mates=False)
    fits = {
        t
        for k, t in enumerate(rungs)
        if tried.reached[:, k].sum(dtype=np.int64) * room.enrolments * HIT_BYTES <= memory_cap
    }
    chosen = {name: threshold for name, threshold in chosen.items() if threshold in fits}
    chosen |= room.for_targets([rung for rung in rungs if rung in fits], tried)
    order = sorted(chosen, key=lambda name: chosen[name])
    thresholds = np.array([chosen[name] for name in order])
    found = [room.search(e, thresholds.tolist(), hits=True, progress=progress) for e in range(room.enrolments)]
    return renumbered_searches(room.counts(tuple(order), thresholds, found), np.arange(embeddings.subjects))


class _Room:
    """Who searches, who is enrolled in each enrolment, and how searches are made."""

    def __init__(self, embeddings: EmbeddingSet, asked: IdentificationConfig, seed: int, how: dict[str, Any]) -> None:
        self.embeddings, self.asked, self.seed, self.how = embeddings, asked, seed, how
        self.rows = np.flatnonzero(embeddings.labelled[embeddings.cell])
        self.subject = embeddings.subject[self.rows].astype(np.int64)
        self.people, self.first, self.photos = np.unique(self.subject, return_index=True, return_counts=True)
        self.enrolments = asked.enrolments if asked.enrolment == "one" else 1

    def references(self, e: int) -> NDArray[np.int64]:
        """Rows enrolled."""
        if self.asked.enrolment == "all" or not len(self.people):
            return self.rows
        drawn: NDArray[np.int64] = self.first + np.random.default_rng([self.seed, 1, e]).integers(0, self.photos)
        return np.asarray(self.rows[drawn], np.int64)

    def search(self, e: int, thresholds: Sequence[float], **more: Any) -> Ranked:
        """One enrolment searched by everybody."""
        return ranked(self.embeddings, self.rows, self.references(e), thresholds=thresholds, **self.how, **more)

    def for_targets(self, rungs: Sequence[float], tried: Ranked) -> dict[str, float]:
        """Thresholds for the FPIR wanted, by id."""
        asked, people = self.asked, len(self.people)
        size = target_size(people, asked.target_gallery, asked.sizes)
        mix = mix_of(asked.target_mix, asked.quotas, self.embeddings.cells)
        cell = np.zeros(self.embeddings.subjects, np.int64)
        cell[self.subject] = self.embeddings.cell[self.rows]
        block = np.full(self.embeddings.subjects, -1, np.int64)
        block[self.people] = mix.block[cell[self.people]]
        gallery = Gallery(block, mix.sizes(size))
        out: dict[str, float] = {}
        if not size or not gallery.possible:
            return out
        weight = 1 / (
            people * np.bincount(self.subject)[self.subject]
        )  # rows lie by cell first, so people are not in order
        own = block[self.subject]
        places = [tried.thresholds.tolist().index(rung) for rung in rungs]
        K = [
            np.stack([tried.reached[:, k][:, mix.block == b].sum(axis=1) for b in range(len(mix.groups))]).astype(
                np.int64
            )
            for k in places
        ]
        fpir = [float((weight * any_drawn(one, own, gallery, mated=False).value).sum()) for one in K]
        for target in asked.target_fpir:
            # The strictest rung that is too loose for one enrolment; looser ones where it is not for all of them.
            for place in range(int((np.array(fpir) > target).sum()) - 1, -1, -1):
                try:
                    found = threshold_for(
                        target, gallery, self.reached(rungs[place]), self.subject, weight / self.enrolments
                    )
                except ValueError:
                    continue
                if found is not None:
                    out[f"{FPIR_POINT}{target:.12g}:{size}:{asked.target_mix}"] = found[0]
                break
        return out

    def reached(self, floor: float) -> Reached:
        """Everybody reached at a floor, with exact scores, in all enrolments."""
        parts = []
        for e in range(self.enrolments):
            found, references = self.search(e, [floor], mates=False, hits=True), self.references(e)
            references = references[np.argsort(self.embeddings.subject[references], kind="stable")]
            owner = self.embeddings.subject[references]
            begin, end = (
                np.searchsorted(owner, found.hit_subject, "left"),
                np.searchsorted(owner, found.hit_subject, "right"),
            )
            many = end - begin
            starts = np.cumsum(many) - many
            row = references[np.arange(int(many.sum())) - np.repeat(starts - begin, many)]
            score = scores_of(
                self.embeddings,
                np.repeat(self.rows[found.hit_probe], many),
                row,
                path="portable" if self.how["path"] == "portable" else "fast",
            )
            best = np.maximum.reduceat(score, starts) if len(starts) else score
            parts.append(
                (found.hit_probe + e * len(self.rows), found.hit_probe, found.hit_subject.astype(np.int64), best)
            )
        return Reached(*(np.concatenate(one) for one in zip(*parts, strict=True)))

    def counts(
        self, points: tuple[str, ...], thresholds: NDArray[np.float64], found: Sequence[Ranked]
    ) -> SearchCounts:
        """All enrolments put together."""
        E, P = len(found), len(self.rows)
        reached = [np.where(np.isnan(one.mate), -1, np.searchsorted(thresholds, one.mate, "right")) for one in found]
        level = narrow(reached, np.int16, "thresholds of searches")
        hits = [
            np.concatenate([getattr(one, name) for one in found])
            for name in ("hit_probe", "hit_subject", "hit_level", "hit_over")
        ]
        which = np.repeat(np.arange(E), [len(one.hit_probe) for one in found])
        return SearchCounts(
            points,
            thresholds,
            self.subject.astype(np.int32),
            level.reshape(E, P),
            np.array([one.above for one in found], np.int32).reshape(E, P, len(self.embeddings.cells)),
            narrow(which, np.int16, "enrolments"),
            hits[0].astype(np.int32),
            hits[1].astype(np.int32),
            narrow(hits[2], np.int16, "thresholds of searches"),
            hits[3].astype(np.bool_),
        )
