"""Planted truth for searches of galleries: people who search and are enrolled, some of them everybody's look-alike.

In: photos per person, cells, FMR per pair of cells, gallery size, the person's share of a score. Out: rows of the
coverage study. Its one idea: given a probe's own part of the score, strangers are independent, so FPIR and FNIR of
such people are integrals that need no simulation.

Z = √(ρ/2)(a_i + a_j) + √(φ/2)(b_ik + b_jl) + √δ d_ij + noise: a the person, b the photo, d the pair; of hubs, a share
of people, a is larger. The mated score is √τ m_i + √(1-τ) noise above ``mated``. One photo of each person is enrolled,
three times; limits are the product's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import hypergeom

from audit.stats.left_out import CellSums, Gallery, Jack, Moved, added, any_drawn, by_group, expected_drawn, left_out
from audit.stats.search_limits import Limits, difference_of, limits_of, mean_limits, ratio_of
from audit.validation.study import Answer, Key, Row

__all__ = ["SearchWorld", "search_row", "search_rows"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
PHOTO, PAIR, TAU, ENROLMENTS = 0.1, 0.1, 0.5, 3
_METHOD = "printed"


@dataclass(frozen=True, eq=False)
class SearchWorld:
    """People of one or two cells and what their searches find.

    Attributes
    ----------
    photos, cell : (S,) int64
    fmr : (C, C) float64
        Of people who are no hubs.
    size : int
        People in the gallery, natural mix.
    rho : float
        Share of the person in a score's variance.
    hub : pair of float
        Share of people who are hubs, and how much higher their part of every score is.
    mated : float
        Mean of the mated scores.
    """

    photos: Ints
    cell: Ints
    fmr: Floats
    size: int
    rho: float
    hub: tuple[float, float] = (0.0, 0.0)
    mated: float = 4.0

    @cached_property
    def person(self) -> Ints:
        """(P,) whose photo each is."""
        return np.repeat(np.arange(len(self.photos)), self.photos)

    @cached_property
    def cut(self) -> Floats:
        """(C, C) thresholds."""
        return np.asarray(-ndtri(np.asarray(self.fmr, np.float64)))

    @cached_property
    def truth(self) -> tuple[tuple[float, float, float], ...]:
        """FPIR, SEL and FNIR of each cell."""
        return tuple(self._truth(g) for g in range(len(self.fmr)))

    def _chance(self, base: Floats, limit: Floats | float) -> Floats:
        """P(a stranger's score with a probe whose own part is ``base`` reaches ``limit``)."""
        spread, (share, more) = math.sqrt(1 - self.rho / 2 - PHOTO / 2), self.hub
        return np.asarray((1 - share) * ndtr((base - limit) / spread) + share * ndtr((base + more - limit) / spread))

    def _none(self, g: int, chances: Sequence[Floats], drawn: int) -> Floats:
        """P(nobody among ``drawn`` people, of everybody but the searcher, is reached)."""
        people = np.bincount(self.cell, minlength=len(self.cut)).astype(int)
        people[g] -= 1
        if len(people) == 1:
            return np.asarray((1 - chances[0]) ** drawn)
        x = np.arange(drawn + 1)
        mass = hypergeom.pmf(x, people.sum(), people[0], drawn)
        first, second = (np.log1p(-one)[..., None] for one in chances)
        return np.asarray((mass * np.exp(x * first + (drawn - x) * second)).sum(-1))

    def _truth(self, g: int) -> tuple[float, float, float]:
        people = np.bincount(self.cell, minlength=len(self.cut)).astype(float)
        people[g] -= 1
        scale = math.sqrt(self.rho / 2 + PHOTO / 2)
        fine, coarse = (ndtri((np.arange(n) + 0.5) / n) for n in (2000, 300))
        fpir = sel = fnir = 0.0
        for share, more in ((1 - self.hub[0], 0.0), self.hub):
            base = fine * scale + more
            chances = [self._chance(base, float(limit)) for limit in self.cut[g]]
            fpir += share * float((1 - self._none(g, chances, self.size)).mean())
            each = sum(one * count for one, count in zip(chances, people, strict=True)) / people.sum()
            sel += share * self.size * float(np.mean(each))
            own, mate = np.meshgrid(coarse * scale + more, self.mated + coarse)
            chances = [self._chance(own, mate)] * len(self.cut)
            fnir += share * (
                1 - float(np.where(mate >= self.cut[g, g], self._none(g, chances, self.size - 1), 0.0).mean())
            )
        return fpir, sel, fnir

    def draw(self, rng: np.random.Generator) -> dict[str, CellSums]:
        """Searches of people drawn once: sums of FPIR, SEL and FNIR."""
        S, P, (share, more) = len(self.photos), len(self.person), self.hub
        a = math.sqrt(self.rho / 2) * rng.standard_normal(S) + np.where(rng.random(S) < share, more, 0.0)
        own = a[self.person] + math.sqrt(PHOTO / 2) * rng.standard_normal(P)
        noise, pair = (np.triu(rng.standard_normal((n, n)), 1) for n in (P, S))
        Z = own[:, None] + own[None, :] + math.sqrt(1 - self.rho - PHOTO - PAIR) * (noise + noise.T)
        Z += math.sqrt(PAIR) * (pair + pair.T)[np.ix_(self.person, self.person)]
        mate = math.sqrt(TAU) * rng.standard_normal(S)
        gallery, first = Gallery(np.zeros(S, np.int64), np.array([self.size])), np.cumsum(self.photos) - self.photos
        parts: dict[str, list[CellSums]] = {"FPIR": [], "SEL": [], "FNIR": []}
        for _ in range(ENROLMENTS):
            reference = first + rng.integers(0, self.photos)
            score = Z[:, reference]
            hit = score >= self.cut[self.cell[self.person]][:, self.cell]
            hit[np.arange(P), self.person] = False
            K, block = hit.sum(axis=1)[None], np.zeros(P, np.int64)
            every: tuple[Floats, Ints, int] = (1 / self.photos[self.person], self.cell, len(self.cut))
            for name, moved in (
                ("FPIR", any_drawn(K, block, gallery, mated=False)),
                ("SEL", expected_drawn(K, block, gallery)),
            ):
                parts[name].append(left_out(moved, gallery, self.person, *every, _places(hit), np.ones(S)))
            probes = np.flatnonzero(reference[self.person] != np.arange(P))
            who = self.person[probes]
            v = self.mated + mate[who] + math.sqrt(1 - TAU) * rng.standard_normal(len(probes))
            found = v >= np.diagonal(self.cut)[self.cell[who]]
            over = (score[probes] >= v[:, None]) & found[:, None]
            over[np.arange(len(probes)), who] = False
            moved = Moved(
                *(
                    np.where(found, one, 1.0)
                    for one in any_drawn(over.sum(axis=1)[None], block[probes], gallery, mated=True)
                )
            )
            weight = 1 / (self.photos[who] - 1)
            parts["FNIR"].append(
                left_out(
                    moved,
                    gallery,
                    who,
                    weight,
                    self.cell,
                    len(self.cut),
                    _places(over),
                    (self.photos > 1).astype(float),
                )
            )
        return {name: added(found) for name, found in parts.items()}


def _places(where: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    i, j = np.nonzero(where)
    return i.astype(np.int64), j.astype(np.int64)


def search_row(name: str, about: str, world: SearchWorld) -> Row:
    """Limits of FPIR, SEL and FNIR of each cell, and of the ratio and gap of the first to the second."""
    there, C = len(world.photos), len(world.fmr)
    people = {
        measure: np.bincount(world.cell[world.photos >= least], minlength=C)
        for measure, least in (("FPIR", 1), ("SEL", 1), ("FNIR", 2))
    }

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        out: dict[Key, Answer] = {}
        for place, (measure, sums) in enumerate(world.draw(rng).items()):
            jacks = [by_group(sums, world.cell, [g], world.cell) for g in range(C)]
            found = [
                mean_limits(jack, there, world.size)
                if measure == "SEL"
                else limits_of(jack, int(people[measure][g]), there, world.size)
                for g, jack in enumerate(jacks)
            ]
            for g, (jack, limits) in enumerate(zip(jacks, found, strict=True)):
                which = measure if C == 1 else f"{measure}, {'AB'[g]}"
                out[Key(which, "people", _METHOD, True)] = _answer(jack, limits, world.truth[g][place])
            if C == 2 and measure != "SEL":
                truth = world.truth[0][place], world.truth[1][place]
                few = min(found, key=lambda one: one.effective if math.isfinite(one.effective) else 0.0).effective
                ratio = ratio_of(jacks[0], jacks[1], found[0], found[1], world.cell)[0]
                gap = difference_of(jacks[0], jacks[1], found[0], found[1])
                out[Key(f"{measure} ratio", "people", _METHOD, True)] = Answer(
                    ratio.value, ratio.low, ratio.high, truth[0] / truth[1], few, jacks[0].rate
                )
                out[Key(f"{measure} gap", "people", _METHOD, True)] = Answer(
                    gap.value, gap.low, gap.high, truth[0] - truth[1], few, jacks[0].rate
                )
        return out

    return Row(name, about, draw)


def _answer(jack: Jack, limits: Limits, truth: float) -> Answer:
    return Answer(jack.rate, limits.low, limits.high, truth, limits.effective, jack.rate)


def search_rows() -> list[Row]:
    """Worlds of searches: few look-alikes and many, small galleries and half of the people, hubs, two groups of which
    one is small.
    """

    def uneven(people: int) -> Ints:
        """Photos: one, one, two, two, six ... of every five people."""
        return np.array([1, 2, 2, 1, 6], np.int64)[np.arange(people) % 5]

    two = np.repeat([0, 1], [60, 200]).astype(np.int64)
    apart = np.array([[1e-2, 1e-3], [1e-3, 1e-3]])
    alike = np.full((2, 2), 2e-3)
    hub = (0.03, 1.0)
    words = "people, one to six photos, three enrolments"
    rows = []
    for name, people, fmr, size, rho, hubs in [
        ("search-rare", 200, 1e-4, 10, 0.3, (0.0, 0.0)),
        ("search-small", 200, 1e-3, 20, 0.2, (0.0, 0.0)),
        ("search-half", 200, 2e-3, 100, 0.4, (0.0, 0.0)),
        ("search-most", 200, 3e-2, 100, 0.2, (0.0, 0.0)),
        ("search-unlike", 200, 1e-3, 50, 0.6, (0.0, 0.0)),
        ("search-hubs", 200, 1e-3, 50, 0.2, hub),
        ("search-hubs-rare", 200, 2e-4, 20, 0.2, hub),
        ("held-search-few-people", 80, 5e-3, 40, 0.3, (0.0, 0.0)),
        ("held-search-hubs-few", 80, 2e-3, 30, 0.3, (0.05, 1.2)),
    ]:
        told = f"; one in {1 / hubs[0]:.0f} is everybody's look-alike" if hubs[0] else ""
        about = f"{people} {words}, gallery {size}, FMR {fmr:g}, rho {rho:g}{told}"
        rows.append(
            search_row(
                name,
                about,
                SearchWorld(uneven(people), np.zeros(people, np.int64), np.array([[fmr]]), size, rho, hubs),
            )
        )
    for name, table, size, rho, hubs in [
        ("search-groups", apart, 50, 0.3, (0.0, 0.0)),
        ("search-groups-hubs", apart, 100, 0.3, hub),
        ("held-search-groups-equal", alike, 60, 0.4, (0.0, 0.0)),
        ("held-search-groups-hubs", alike, 30, 0.2, (0.05, 1.0)),
    ]:
        told = f"; one in {1 / hubs[0]:.0f} is everybody's look-alike" if hubs[0] else ""
        about = (
            f"60 (A) and 200 (B) {words}, gallery {size}, FMR {table[0, 0]:g} and {table[1, 1]:g}, rho {rho:g}{told}"
        )
        rows.append(search_row(name, about, SearchWorld(uneven(260), two, table, size, rho, hubs)))
    return rows
