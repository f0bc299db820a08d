"""Searches in, FPIR beyond the people at hand out (``search_growth.csv``), with the hold-out that it stands on
(``search_holdout.csv``).

Its one idea: a model is asked first to predict what this run can measure, from half and from a quarter of its people;
where it fails nothing is printed. A gallery of a million is refused with the number of people that a test of it would
need.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import ALL, Group
from audit.base.mixes import gallery_sizes
from audit.rates.searching import Searching
from audit.stats.identification import subjects_needed
from audit.stats.left_out import none_drawn
from audit.stats.look_alikes import fit, fpir_by_law, near
from audit.words import columns

__all__ = ["REFUSED", "TIMES", "search_growth"]

TIMES = (2, 5, 10)
REFUSED = (1_000_000, 12_000_000, 3_000_000_000)
"""Galleries in the news: a large city, NIST's mugshots, a scraped one. FPIR .003 is the setting NIST publishes for
them."""
_USUAL_FPIR = 0.003
_PARTS = (0.5, 0.25)
_MODEL = "beta-binomial law of look-alikes, a model"
_FAILS = "refused: the law does not predict this run's own larger galleries from half and a quarter of its people"
_NOTHING = "refused: nobody, or everybody, is reached, so there is no law to fit"
_FEW = "refused: a quarter of the people are too few to try the law on"
_LARGE = "refused: thresholds used at this size have a false match rate that so few people cannot show"


def search_growth(searching: Searching, *, minimum: int = 1, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables, for the finest groups with enough people and for all labelled."""
    people = np.flatnonzero(searching.enrolled)
    order = np.random.default_rng([seed, 2]).permutation(people)
    groups = [group for group in searching.groups if group.finest or group.name == ALL]
    rows: list[dict[str, object]] = []
    tried: list[dict[str, object]] = []
    for k, point in enumerate(searching.counts.points):
        asking = searching.asking(k, "FPIR", 0)
        laws = _Laws(searching, asking.person, asking.hits, order)
        for group in groups:
            count = int(np.isin(searching.cell[people], group.cells).sum())
            if count < max(2, minimum):
                continue
            start = {"operating_point": point, "group": group.name, "subjects": count}
            held, note = _held_out(laws, searching, k, group, len(people), minimum)
            tried += [{"operating_point": point, "group": group.name} | row for row in held]
            fits = laws.bands(group) if not note else []
            for times in TIMES:
                size = times * len(people)
                rates = [fpir_by_law(law, size) for law in fits]
                known = (
                    {"rate": rates[0], "low": min(rates), "high": max(rates), "method": _MODEL}
                    if rates
                    else {"note": note}
                )
                rows.append(start | {"gallery": size} | known)
            if group.name == ALL:
                for size in REFUSED:
                    needed = subjects_needed(_USUAL_FPIR / size)
                    rows.append(start | {"gallery": size, "people_needed": needed, "note": _LARGE})
    return columns.frame("search_growth", rows), columns.frame("search_holdout", tried)


class _Laws:
    """Laws fitted to searches of parts of the people, who search and are enrolled at once."""

    def __init__(
        self,
        searching: Searching,
        person: NDArray[np.int64],
        hits: tuple[NDArray[np.int64], NDArray[np.int64]],
        order: NDArray[np.int64],
    ) -> None:
        self.person, self.hits, self.order = person, hits, order
        self.cell = searching.cell
        self.photos = np.bincount(person, minlength=len(self.cell)).astype(np.float64)
        self._reached: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._fitted: dict[tuple[str, int, int], tuple[float, float] | None] = {}

    def law(self, group: Group, first: int, end: int) -> tuple[float, float] | None:
        """The law of a group's searches among the people ``order[first:end]``; the hold-out and the band ask for some
        twice.
        """
        key = (group.name, first, end)
        if key not in self._fitted:
            self._fitted[key] = self._law(group, first, end)
        return self._fitted[key]

    def _law(self, group: Group, first: int, end: int) -> tuple[float, float] | None:
        inside = np.zeros(len(self.cell), bool)
        inside[self.order[first:end]] = True
        if (first, end) not in self._reached:
            use = inside[self.hits[1]]
            self._reached[first, end] = np.bincount(self.hits[0][use], minlength=len(self.person))
        mine = np.flatnonzero(inside[self.person] & np.isin(self.cell[self.person], group.cells))
        if not len(mine):
            return None
        return fit(self._reached[first, end][mine], end - first - 1, 1 / self.photos[self.person[mine]])

    def bands(self, group: Group) -> list[tuple[float, float]]:
        """The law of all people, then those of both halves and of the quarter."""
        n = len(self.order)
        found = [self.law(group, *part) for part in ((0, n), (0, n // 2), (n // 2, n), (0, n // 4))]
        return [law for law in found if law is not None]


def _held_out(
    laws: _Laws, searching: Searching, k: int, group: Group, people: int, minimum: int
) -> tuple[list[dict[str, object]], str]:
    """Predictions of half and a quarter of the people beside what all of them show; and why the law is refused, if it
    is.
    """
    rows: list[dict[str, object]] = []
    asking = searching.asking(k, "FPIR", 0)
    mine = np.flatnonzero(np.isin(searching.cell[asking.person], group.cells))
    K = np.bincount(asking.hits[0], minlength=len(asking.person))[mine]
    weight = 1 / laws.photos[asking.person[mine]]
    weight /= weight.sum()
    if not 0 < float((weight * K).sum()) < people - 1:
        return rows, _NOTHING
    for part in _PARTS:
        end = int(people * part)
        there = np.isin(searching.cell[laws.order[:end]], group.cells).sum()
        law = laws.law(group, 0, end) if there >= max(2, min(minimum, 10)) else None
        if law is None:
            return rows, _FEW
        for size in [one for one in gallery_sizes(people) if one > end] or [people - 2]:
            measured = float((weight * (1 - none_drawn(people - 1, size)[K])).sum())
            predicted = fpir_by_law(law, size)
            rows.append(
                {
                    "part": part,
                    "gallery": size,
                    "predicted": predicted,
                    "measured": measured,
                    "passes": near(predicted, measured),
                }
            )
    return rows, "" if all(row["passes"] for row in rows) else _FAILS
