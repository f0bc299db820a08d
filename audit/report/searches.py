"""Tables of searches in, what pages say of galleries out: a sentence, and tables by group, size, candidates and use.

Its one idea: every cell is a row of the published tables in words, and a rate without limits says why in its own
place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from audit.report.facts import Facts
from audit.report.printed import Table
from audit.words import wording

__all__ = ["Searches"]

_WORDS = {
    "FPIR": "Somebody not in the gallery is searched for: a wrong person is returned",
    "FNIR": "Somebody in the gallery is searched for: that person is not returned first",
    "wrong_name": "Somebody in the gallery is searched for: another person is returned first",
}


class Searches:
    """Searches of galleries drawn from the benchmark's people; ``there`` is False where the run made none."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.rates: Any = facts.result.tables.get("searches", pd.DataFrame())
        rows = self.rates[self.rates["weighting"] == "people"] if len(self.rates) else self.rates
        self.mix = str(rows["mix"].iloc[0]) if len(rows) else ""
        self.people = rows[rows["mix"] == self.mix] if len(rows) else rows
        spoken = self.people[self.people["measure"] == "wrong_name"] if len(self.people) else self.people
        sizes = sorted(set(spoken["gallery"].astype(int))) if len(spoken) else []
        limited = set(self.people.loc[self.people["interval"] != "", "gallery"].astype(int)) if len(spoken) else set()
        known = [size for size in sizes if size in limited] or sizes
        self.size = 1000 if 1000 in known else max(known, default=0)
        self.sizes = sizes
        self.points = (
            [point for point in facts.points if point.id in set(self.people["operating_point"])]
            if len(self.people)
            else []
        )
        self.there = bool(self.size and self.points)

    def _row(self, point: str, measure: str, group: str, size: int) -> Any:
        table = self.people
        here = (
            (table["operating_point"] == point)
            & (table["measure"] == measure)
            & (table["group"] == group)
            & (table["gallery"] == size)
        )
        found = table[here]
        return found.iloc[0] if len(found) else None

    @staticmethod
    def _cell(row: Any, per: int) -> str:
        if row is None:
            return ""
        if math.isnan(row.rate):
            return str(row.note)
        if math.isfinite(row.low):
            if row.rate == 0:
                return f"none seen; up to {wording.out_of(row.high, per)}"
            return f"{wording.out_of(row.rate, per)} ({wording.interval_in_words(row.low, row.high, per)})"
        return f"{wording.out_of(row.rate, per)} ({str(row.note).partition(':')[0] or 'no interval'})"

    def _table(self, caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
        known = [row.rate for line in rows for row in line[1:] if row is not None and row.rate > 0]
        per = max(100, wording.denominator(known)) if known else 100
        cells = tuple((str(line[0]), *(self._cell(row, per) for row in line[1:])) for line in rows)
        return Table(
            f"{caption} In {per:,} searches.",
            ("Group", *heads),
            cells,
            wide=True,
            numeric=frozenset(range(1, len(heads) + 1)),
        )

    def sentence(self) -> str:
        """Of 100 searches for people who are not in a gallery of so many: the group with most and the reference, at
        the headline threshold.
        """
        point = self.points[0]
        rows = [(group, self._row(point.id, "FPIR", group.name, self.size)) for group in self.facts.labelled]
        known = [
            (group, row)
            for group, row in rows
            if row is not None and math.isfinite(row.rate) and math.isfinite(row.low)
        ]
        if not known:
            return ""
        per = max(100, wording.denominator([row.rate for _, row in known if row.rate > 0]))
        most = max(known, key=lambda one: (one[1].rate, one[0].name))
        named = [most, *(one for one in known if one[0].reference and one[0].name != most[0].name)]
        said = [f"{self._cell(row, per)} for {wording.group_in_words(group.name)}" for group, row in named]
        return (
            f"Of {per:,} searches for people who are not in a gallery of {self.size:,} at "
            f"{point.words}, a wrong person is returned in "
            f"{' and in '.join(said)}."
        )

    def by_group(self) -> list[Table]:
        """Rates at the gallery of which sentences speak, a column a threshold."""
        heads = [wording.capital(point.short) for point in self.points]
        return [
            self._table(
                f"{words}; gallery of {self.size:,}, mix {self.mix}.",
                heads,
                [
                    (group.label, *(self._row(point.id, measure, group.name, self.size) for point in self.points))
                    for group in self.facts.labelled
                ],
            )
            for measure, words in _WORDS.items()
        ]

    def growth(self) -> Table:
        """FPIR at every size, at the first threshold searched at."""
        point = self.points[0]
        sizes = sorted(set(self.people.loc[self.people["measure"] == "FPIR", "gallery"].dropna().astype(int)) - {0})
        rows = [
            (group.label, *(self._row(point.id, "FPIR", group.name, size) for size in sizes))
            for group in self.facts.labelled
        ]
        return self._table(
            f"A wrong person is returned, by people in the gallery, at {point.words}.",
            [f"{size:,} people" for size in sizes],
            rows,
        )

    def doors(self) -> list[Table]:
        """Rosters: let in, locked out, let in under another's name."""
        point, asked = self.points[0], self.facts.config.identification
        sizes = [size for size in self.sizes if asked is not None and size in asked.doors]
        heads = ("A stranger is let in", "Locked out, or taken for another", "Let in under another’s name")
        return [
            self._table(
                f"A door whose roster holds {size:,} people, at {point.words}.",
                heads,
                [
                    (group.label, *(self._row(point.id, measure, group.name, size) for measure in _WORDS))
                    for group in self.facts.labelled
                ],
            )
            for size in sizes
        ]

    def use(self) -> Table | None:
        """Searches with a wrong person per 1,000, at the first threshold searched at."""
        table: Any = self.facts.result.tables.get("search_use", pd.DataFrame())
        here = (
            table[(table["operating_point"] == self.points[0].id) & table["wrong_per_1000"].notna()]
            if len(table)
            else table
        )
        labels = {group.name: group.label for group in self.facts.labelled}
        here = here[here["group"].isin(labels)] if len(here) else here
        if not len(here):
            return None
        rows = tuple(
            (
                labels[str(row.group)],
                wording.percent(row.mated_share),
                wording.out_of(row.wrong_per_1000 / 1000, 1000),
                wording.percent(row.right_share),
            )
            for row in here.itertuples()
            if row.right_share == row.right_share
        )
        heads = (
            "Group",
            "Searches whose person is in the gallery",
            "Wrong person in 1,000 searches",
            "Of those who come back first, right",
        )
        caption = f"At {self.points[0].words}, gallery of {int(here['gallery'].iloc[0]):,}, mix {here['mix'].iloc[0]}."
        return Table(caption, heads, rows, wide=True, numeric=frozenset({1, 2, 3}))
