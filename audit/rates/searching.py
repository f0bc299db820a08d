"""What searches left, put so that any rate of any gallery can be read from it: one point, one measure, one gallery at
a time.

In: search counts and tallies. Out: ``CellSums`` per gallery, from which groups, limits and ratios follow. Its one
idea: a wrong candidate, a missed person and a wrong name are all "a gallery holds one of K people"; they differ in who
the K are and which probes ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.groups import UNLABELLED, Group, groups_of
from audit.base.mixes import Mix, mix_of
from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import Tallies
from audit.stats.left_out import CellSums, Gallery, Jack, Moved, added, any_drawn, by_group, expected_drawn, left_out

__all__ = ["MATED", "MEASURES", "Asking", "Searching", "Spread", "jacks", "mixes_of"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MEASURES = ("FPIR", "SEL", "FNIR", "wrong_name", "FPIR_with_failures", "FNIR_with_failures")
MATED = ("FNIR", "wrong_name", "FNIR_with_failures")


class Asking(NamedTuple):
    """Probes of one enrolment at one point for one measure: who asks, who is reached, and whose answer is an error
    whatever is drawn.
    """

    probes: Ints
    person: Ints
    hits: tuple[Ints, Ints]
    sure: NDArray[np.bool_]


class Spread(NamedTuple):
    """Sums over enrolments, and each enrolment's own rate per cell as (total, weight)."""

    sums: CellSums
    each: tuple[CellSums, ...]

    def between(self, cells: Sequence[int]) -> float:
        """Standard deviation between enrolments of the rate of a group of cells; NaN of one."""
        rates = np.array([one.total[list(cells)].sum() / one.weight[list(cells)].sum() for one in self.each])
        return float(rates.std(ddof=1)) if len(rates) > 1 else float("nan")


@dataclass(frozen=True, eq=False)
class Searching:
    """Search counts beside the people they are of."""

    counts: SearchCounts
    tallies: Tallies
    _hits: dict[tuple[int, str, int], Asking] = field(default_factory=dict, repr=False)

    @cached_property
    def cell(self) -> Ints:
        """(S,) headline cell of each person."""
        return self.tallies.labellings[0].cell.astype(np.int64)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """Their names."""
        return self.tallies.labellings[0].cells

    @cached_property
    def groups(self) -> list[Group]:
        """Groups that rates are given for, of labelled people."""
        return [group for group in groups_of(self.cells) if group.name != UNLABELLED]

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """(S,) people with a label."""
        name = np.array([cell != UNLABELLED for cell in self.cells])
        return name[self.cell]

    @cached_property
    def enrolled(self) -> NDArray[np.bool_]:
        """(S,) people who can be in a gallery."""
        return self.labelled & (self.tallies.acquired > 0)

    @cached_property
    def photos(self) -> Ints:
        """(S,) templates of each person."""
        return self.tallies.acquired.astype(np.int64)

    def gallery(self, mix: Mix, size: int) -> Gallery | None:
        """Galleries of ``size`` by a mix; None where that many cannot be drawn."""
        block = np.where(self.enrolled, mix.block[self.cell], -1).astype(np.int64)
        found = Gallery(block, mix.sizes(size))
        return found if found.possible else None

    def people(self, measure: str, group: Group, gallery: Gallery) -> int:
        """People of a group whose searches count."""
        inside = np.isin(self.cell, group.cells)
        return int((inside & (self._own(measure, gallery) > 0)).sum())

    def asking(self, k: int, measure: str, e: int) -> Asking:
        """Probes of enrolment ``e`` at point ``k``."""
        kind = (
            "mated"
            if measure in ("FNIR", "FNIR_with_failures")
            else "wrong_name"
            if measure == "wrong_name"
            else "non-mated"
        )
        if (k, kind, e) not in self._hits:
            self._hits[k, kind, e] = self._asking(k, kind, e)
        return self._hits[k, kind, e]

    def _asking(self, k: int, kind: str, e: int) -> Asking:
        counts = self.counts
        mine = np.flatnonzero(counts.enrolment == e)
        probe, other = counts.probe[mine].astype(np.int64), counts.other[mine].astype(np.int64)
        reached, level = counts.level[mine] > k, counts.mate_level[e]
        if kind == "non-mated":
            return Asking(
                np.arange(len(level)),
                counts.person.astype(np.int64),
                (probe[reached], other[reached]),
                np.zeros(len(level), bool),
            )
        found = level > k
        probes = np.flatnonzero(level >= 0)
        place = np.full(len(level), -1, np.int64)
        place[probes] = np.arange(len(probes))
        # Found: those at or above the mate. Not found: a miss whoever is drawn; a wrong name where anybody reaches the
        # threshold.
        use = (
            counts.over[mine] & found[probe]
            if kind == "mated"
            else reached & (level[probe] >= 0) & (counts.over[mine] | ~found[probe])
        )
        sure = ~found[probes] if kind == "mated" else np.zeros(len(probes), bool)
        return Asking(probes, counts.person[probes].astype(np.int64), (place[probe[use]], other[use]), sure)

    def sums(self, k: int, measure: str, gallery: Gallery, weighting: str = "people", labelling: int = 0) -> Spread:
        """One measure at one point for galleries drawn as said, with every person left out.

        Parameters
        ----------
        k : int
            Which of the points.
        measure : str
            One of ``MEASURES``.
        gallery : Gallery
        weighting : {"people", "comparisons"}
            Every person alike, or every photo.
        labelling : int
            Whose cells the searchers are put in; galleries are always those of the headline.
        """
        cell, cells = (
            self.tallies.labellings[labelling].cell.astype(np.int64),
            len(self.tallies.labellings[labelling].cells),
        )
        own = self._own(measure, gallery) if weighting == "people" else self._photos(measure, gallery)
        parts = []
        for e in range(len(self.counts.mate_level)):
            asking = self.asking(k, measure, e)
            mine = gallery.block[asking.person]
            K = np.stack(
                [
                    np.bincount(asking.hits[0][gallery.block[asking.hits[1]] == b], minlength=len(mine))
                    for b in range(len(gallery.sizes))
                ]
            )
            moved = (
                expected_drawn(K, mine, gallery)
                if measure == "SEL"
                else any_drawn(K, mine, gallery, mated=measure in MATED)
            )
            if asking.sure.any():
                moved = Moved(*(np.where(asking.sure, 1.0, part) for part in moved))
            weight, constant = self._weights(measure, asking, own, weighting)
            known = gallery.block[asking.hits[1]] >= 0
            hits = (asking.hits[0][known], asking.hits[1][known])
            parts.append(left_out(moved, gallery, asking.person, weight, cell, cells, hits, own, constant))
        return Spread(added(parts), tuple(parts))

    def _own(self, measure: str, gallery: Gallery) -> Floats:
        """(S,) 1 for whoever counts: somebody with a template, or two where a mate is searched for; with failures
        those photographed so often.
        """
        least = 2 if measure in MATED else 1
        tried = self.tallies.attempted if measure.endswith("with_failures") else self.tallies.acquired
        counts = self.labelled & (tried >= least)
        if measure in MATED:  # the mate has to be in the gallery: a group that the mix leaves out has none
            block = np.full(len(self.cells), -1, np.int64)
            np.maximum.at(block, self.cell, gallery.block)
            counts &= (block >= 0)[self.cell] & (gallery.sizes[block] > 0)[self.cell]
        return counts.astype(np.float64)

    def _photos(self, measure: str, gallery: Gallery) -> Floats:
        """(S,) searches of each person in an enrolment; as many in every one."""
        searches = self.counts.mate_level[0] >= 0 if measure in MATED else np.ones(len(self.counts.person), bool)
        return self._own(measure, gallery) * np.bincount(self.counts.person[searches], minlength=len(self.cell))

    def _weights(self, measure: str, asking: Asking, own: Floats, weighting: str) -> tuple[Floats, Floats | None]:
        """What each probe counts, and what people add besides: a photo without a template finds nobody, right or
        wrong.
        """
        person = asking.person
        searches = np.bincount(person, minlength=len(own)).astype(np.float64)
        n, a = self.tallies.attempted.astype(np.float64), self.tallies.acquired.astype(np.float64)
        share = np.divide(own, searches, out=np.zeros_like(own), where=searches > 0)
        if measure == "FPIR_with_failures":
            return (share * np.divide(a, n, out=np.zeros_like(a), where=n > 0))[person], None
        if measure == "FNIR_with_failures":
            pairs = n * (n - 1)
            both = np.divide(a * (a - 1), pairs, out=np.zeros_like(a), where=pairs > 0)
            return (share * both)[person], own * (1 - both)
        return share[person], None


def jacks(spread: Spread, searching: Searching, group: Group, labelling: int = 0) -> Jack:
    """A group's rate with its variance; strata are the headline's cells, by which people were drawn."""
    cell = searching.tallies.labellings[labelling].cell.astype(np.int64)
    return by_group(spread.sums, cell, group.cells, searching.cell)


def mixes_of(names: Sequence[str], quotas: Mapping[str, Mapping[str, float]], cells: Sequence[str]) -> list[Mix]:
    """The mixes of a configuration, by name."""
    return [mix_of(name, quotas, cells) for name in names]
