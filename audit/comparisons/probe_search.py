"""Probes in row order against a gallery, panel by panel: who is reached, where the mate stands, and the shortest list
that is certain.

Its one idea: a first guess of each list's floor keeps the exact work small; a guess that was too high is halved until
it is not.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.base.narrow import narrow
from audit.comparisons.collect import to_scores
from audit.comparisons.halving import Halving
from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import lay_out
from audit.comparisons.ranked_answer import Ranked
from audit.comparisons.run_tiles import Progress, engine_of, run_tiles
from audit.comparisons.scores import scores_of
from audit.comparisons.tiles import Job, Side, TileAnswer, tiles_of
from audit.embeddings.embedding_set import EmbeddingSet

__all__ = [
    "Search",
]

PAIR_BYTES: Final = 96
"""Of a pair while its tile is counted."""

SAMPLE: Final = 2_048
"""References by which a probe's list is guessed; the guess decides nothing."""


SEED: Final = 14


SHORT: Final = 2e-3
"""Share of probes whose guess may be too high, and that are searched again."""


GUESSED: Final = 256
"""Probes that are guessed at together."""


class Search:
    """Probes in row order, what they ask for, and what has been counted so far."""

    def __init__(
        self,
        embeddings: EmbeddingSet,
        rows: NDArray[np.int64],
        references: NDArray[np.int64],
        grid: Grid,
        points: NDArray[np.float64],
        top: int,
        workers: int,
        flavour: str | None,
    ) -> None:
        self.embeddings, self.rows, self.references, self.grid = embeddings, rows, references, grid
        self.points, self.top, self.workers, self.flavour = points, top, workers, flavour
        self.cells, probes = len(embeddings.cells), len(rows)
        self.subject, self.cell = embeddings.subject[references], embeddings.cell[references].astype(np.int64)
        self.right = Side(grid.take(references), lay_out(embeddings, references))
        self.reached = np.zeros((probes, len(points), self.cells), np.int32)
        self.above = np.zeros((probes, self.cells), np.int32)
        self.mate, self.rechecked = np.full(probes, math.nan), 0
        self.floor = np.full(probes, points.min(initial=math.inf))
        self.list_floor = np.full(probes, math.inf)
        self.keep_hits, self.hits = (
            False,
            list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int16], NDArray[np.bool_]]](),
        )
        self.lists: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def exact(self, i: NDArray[np.integer], j: NDArray[np.integer]) -> NDArray[np.float64]:
        """Float64 scores of probes i (places in ``rows``) with references j; in the thread that asks."""
        return scores_of(
            self.embeddings, self.rows[i], self.references[j], path="portable" if self.flavour is None else "fast"
        )

    def find_mates(self) -> None:
        """Best score of each probe with an enrolled photo of its own person, other than itself."""
        size = max(self.embeddings.subjects, 1)
        count = np.bincount(self.subject, minlength=size)
        first = np.full(size, 0, np.int64)
        first[self.subject[::-1]] = np.arange(len(self.subject))[::-1]  # a person's references lie side by side
        own = self.embeddings.subject[self.rows]
        many = count[own]
        i = np.repeat(np.arange(len(own)), many)
        j = np.arange(len(i)) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first[own], many)
        other = self.references[j] != self.rows[i]
        i, j = i[other], j[other]
        if len(i):
            score = self.exact(i, j)
            starts = np.flatnonzero(np.diff(i, prepend=-1))
            self.mate[i[starts]] = np.maximum.reduceat(score, starts)
        self.floor = np.fmin(self.floor, self.mate)

    def guess_lists(self) -> None:
        """How deep each probe must look for its list, very likely: from its scores with a sample of the references."""
        size = len(self.references)
        if self.top >= size or size <= SAMPLE:
            self.list_floor[:] = -math.inf
        else:
            chosen = np.sort(np.random.default_rng(SEED).choice(size, SAMPLE, replace=False))
            place = _rank(self.top, SAMPLE / size)
            sample, squares = (
                self.right.grid.codes[chosen].astype(np.float32),
                self.right.grid.squares[chosen].astype(np.float32),
            )
            for start in range(0, len(self.rows), GUESSED):
                rows = self.rows[start : start + GUESSED]
                x = self.grid.codes[rows].astype(np.float32) @ sample.T
                if self.grid.measure == "euclidean":
                    x = 2 * x - squares - self.grid.squares[rows, None].astype(np.float32)
                picked = np.partition(x, SAMPLE - place, axis=1)[:, SAMPLE - place].astype(np.float64)
                self.list_floor[start : start + GUESSED] = self.grid.scores(
                    np.maximum(-picked, 0) if self.grid.measure == "euclidean" else picked
                )
        self.floor = np.minimum(self.floor, self.list_floor)

    def run(self, memory_cap: int, progress: Progress | None) -> None:
        """Search with everybody; then again, as deep as it goes, with those whose list was guessed too short."""
        asking = np.flatnonzero(self.floor < math.inf)
        self._pass(asking, memory_cap, progress, counting=True)
        short = np.array([k for k in asking.tolist() if self.top and k not in self.lists], np.int64)
        if len(short):
            self.list_floor[short] = self.floor[short] = -math.inf
            self._pass(short, memory_cap, None, counting=False)

    def _pass(self, asking: NDArray[np.int64], memory_cap: int, progress: Progress | None, *, counting: bool) -> None:
        if not len(asking) or not len(self.references):
            for k in asking.tolist() if self.top else ():
                self.lists[k] = (np.zeros(0, np.int64), np.zeros(0))
            return
        left = Side(self.grid.take(self.rows[asking]), lay_out(self.embeddings, self.rows[asking]))
        job = Job(left, self.right, limits=_limits(self.grid, self.floor[asking]))
        engine = engine_of(job, self.flavour, self.workers)
        most = max(memory_cap // (PAIR_BYTES * self.workers), 32 * len(self.references))

        def take(place: int, answer: TileAnswer) -> bool:
            self._count(asking, answer, counting)
            return True

        tiles = tiles_of(job, engine.rows, by_cell=engine.by_cell)
        run_tiles(
            job,
            Halving(engine, lambda answer: take(0, answer)),
            tiles,
            take,
            cap=most,
            threads=self.workers,
            progress=progress,
        )

    def _count(self, asking: NDArray[np.int64], answer: TileAnswer, counting: bool) -> None:
        """What one tile says of its probes; tiles never share one."""
        i, j, score = asking[answer.i], answer.j, np.empty(len(answer.i))
        to_scores(self.grid, answer.x, score, fast=self.flavour is not None)
        bound = self.grid.bound + np.abs(score).max(initial=0.0) * 2.0**-48
        if counting:
            near = np.zeros(len(i), np.bool_)
            for threshold in self.points.tolist():
                near |= np.abs(score - threshold) <= bound
            with np.errstate(invalid="ignore"):
                near |= np.abs(score - self.mate[i]) <= bound
            self._decide(near, i, j, score)
        # A person's references lie side by side, so his or her best score is that of a run.
        key = i * (int(self.subject.max(initial=0)) + 1) + self.subject[j]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        best, who, cell = np.maximum.reduceat(score, starts) if len(starts) else score, i[starts], self.cell[j[starts]]
        first, last = (int(asking[answer.tile.first]), int(asking[answer.tile.end - 1]) + 1) if len(asking) else (0, 0)
        if counting:
            place, size = (who - first) * self.cells + cell, (last - first) * self.cells
            for k, threshold in enumerate(self.points.tolist()):
                self.reached[first:last, k] += (
                    np.bincount(place[best >= threshold], minlength=size).reshape(-1, self.cells).astype(np.int32)
                )
            with np.errstate(invalid="ignore"):
                over = best >= self.mate[who]
            self.above[first:last] += np.bincount(place[over], minlength=size).reshape(-1, self.cells).astype(np.int32)
            if self.keep_hits and len(self.points):
                level = narrow(
                    np.searchsorted(np.sort(self.points), best, "right"), np.int16, "thresholds of searches"
                )
                some = np.flatnonzero(level)
                self.hits.append((who[some], self.subject[j[starts[some]]], level[some], over[some]))
        if self.top:
            self._list(asking[answer.tile.first : answer.tile.end], who, best, i, j, score, bound)

    def _list(
        self,
        probes: NDArray[np.int64],
        who: NDArray[np.int64],
        best: NDArray[np.float64],
        i: NDArray[np.int64],
        j: NDArray[np.int32],
        score: NDArray[np.float64],
        bound: float,
    ) -> None:
        """Lists of a tile's probes: the L best on the grid, and all that lie within twice the bound of the last, in
        float64.
        """
        ends = np.searchsorted(who, probes, "right")
        begins = np.searchsorted(who, probes, "left")
        cut = np.full(len(probes), -math.inf)
        for place, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            if end - begin > self.top:
                cut[place] = np.partition(best[begin:end], end - begin - self.top)[end - begin - self.top] - 2 * bound
        floors = self.floor[probes]
        # Everything from the cut up was listed, or there is nothing below.
        settled = (np.isneginf(floors)) | ((ends - begins > self.top) & (cut >= floors))
        wanted = score >= np.repeat(cut, np.searchsorted(i, probes, "right") - np.searchsorted(i, probes, "left"))
        wi, wj = i[wanted], j[wanted]
        exact = self.exact(wi, wj)
        order = np.lexsort((wj, -exact, wi))
        wi, wj, exact = wi[order], wj[order], exact[order]
        begins, ends = np.searchsorted(wi, probes, "left"), np.searchsorted(wi, probes, "right")
        for probe, fine, begin, end in zip(
            probes.tolist(), settled.tolist(), begins.tolist(), ends.tolist(), strict=True
        ):
            if fine:
                people = self.subject[wj[begin:end]]
                once = np.sort(np.unique(people, return_index=True)[1])  # each person's best photo
                values, references = exact[begin:end][once], wj[begin:end][once]
                kept = (
                    len(once)
                    if len(once) <= self.top
                    else int(np.searchsorted(-values, -values[self.top - 1], "right"))
                )
                self.lists[probe] = (self.references[references[:kept]], values[:kept])

    def _decide(
        self, near: NDArray[np.bool_], i: NDArray[np.int64], j: NDArray[np.int32], score: NDArray[np.float64]
    ) -> None:
        places = np.flatnonzero(near)
        if len(places):
            score[places] = self.exact(i[places], j[places])
            self.rechecked += len(places)

    def finish(self, order: NDArray[np.intp]) -> Ranked:
        """Results in the order the probes were asked in."""
        back = np.argsort(order, kind="stable")
        nothing = (np.zeros(0, np.int64), np.zeros(0))
        lists = [self.lists.get(k, nothing) for k in back.tolist()]
        starts = np.concatenate([[0], np.cumsum([len(one[0]) for one in lists])]).astype(np.int64)
        reference, score = (np.concatenate([nothing[part], *(one[part] for one in lists)]) for part in range(2))
        how: dict[str, str | int | float] = {
            "path": "portable" if self.flavour is None else f"fast:{self.flavour}",
            "bound": self.grid.bound,
            "rechecked": self.rechecked,
        }
        kinds = (np.int64, np.int32, np.int16, np.bool_)
        probe, subject, level, over = (
            np.concatenate([np.zeros(0, kind), *(one[part] for one in self.hits)]) for part, kind in enumerate(kinds)
        )
        probe = order[probe]
        place = np.lexsort((subject, probe))
        hits = (probe[place], subject[place], level[place], over[place])
        return Ranked(
            self.points, self.reached[back], self.mate[back], self.above[back], starts, reference, score, *hits, how
        )


def _limits(grid: Grid, floors: NDArray[np.float64]) -> NDArray[np.int32]:
    """``Grid.limit`` of each floor."""
    values, place = np.unique(floors, return_inverse=True)
    return np.array([grid.limit(floor) for floor in values.tolist()], np.int32)[place]


def _rank(top: int, share: float) -> int:
    """Which place of a sample is below the L-th of all but for a few: the least r with P(Binomial(L, share) >= r) <=
    SHORT.
    """
    tail, r = 1.0, 0
    mass = (1 - share) ** top
    while tail > SHORT and r < min(top, SAMPLE - 1):
        tail -= mass
        mass *= (top - r) / (r + 1) * share / (1 - share)
        r += 1
    return max(r, 1)
