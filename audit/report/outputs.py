"""An audit of outputs alone in, the figures, tables and sentences of its pages out.

In: facts of a result whose backend is ``scores`` or ``candidates``. Its one idea: such a file may not say who the people are; then there is no
interval anywhere, and every place that would hold one says so instead. What cannot be told at all stands in a table of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.report.facts import Facts, Group, Measured, Point
from audit.report.figures import kinds
from audit.report.figures.canvas import linear_scale, log_scale
from audit.report.figures.one_threshold import Figure
from audit.report.printed import Table, cell, plain
from audit.results import AuditResult
from audit.words import wording

__all__ = ["DECIDED", "FALSE_CANDIDATES", "SELECTIVITY", "Outputs", "of_outputs"]

FOUND, WRONG = 100, 100_000
_NO_RANGE = "none given"
DECIDED = {
    "group": "Group",
    "pairs": "Pairs",
    "share_right": "Decided rightly",
    "own_threshold": "Own best threshold",
    "own_share_right": "At its own best",
}
SELECTIVITY = {"group": "Group", "operating_point": "Threshold", "searches": "Searches", "selectivity": "Candidates a search", "note": "Note"}
FALSE_CANDIDATES = {"group": "Searched for", "candidate_group": "Returned", "operating_point": "Threshold", "candidates": "Wrong candidates"}


def of_outputs(result: AuditResult) -> bool:
    """Whether the result comes from somebody else's outputs."""
    return (result.about.get("matcher") or {}).get("backend") in ("scores", "candidates")


@dataclass(frozen=True)
class Measure:
    """How a measure is said: its name, its acronym in full, what it is counted in, short and long, and what went wrong."""

    noun: str
    acronym: str
    short: str
    unit: str
    happened: str
    who: str


_OF = {
    "FMR": Measure("Wrong person", "false match rate, FMR", "pairs of different people", "photo pairs of different people",
                   "were called the same person", "Pairs of different people that are in the file."),
    "FNMR": Measure("Missed person", "false non-match rate, FNMR", "pairs of one person", "photo pairs of one person",
                    "were not seen as one person", "Pairs of photos of one person that are in the file."),
    "FPIR": Measure("Wrong person", "false positive identification rate, FPIR", "searches for somebody not in the gallery",
                    "searches for somebody who is not in the gallery", "returned at least one wrong person", "People who are not in the gallery."),
    "FNIR": Measure("Missed person", "false negative identification rate, FNIR", "searches for somebody in the gallery",
                    "searches for somebody who is in the gallery", "did not return the right person", "People who are in the gallery."),
}  # fmt: skip


class Outputs:
    """Figures, tables and sentences."""

    def __init__(self, facts: Facts, source: str) -> None:
        self.facts, self.source = facts, source
        self.known = bool(facts.about.get("people_known"))

    @staticmethod
    def noun(measure: str) -> str:
        """A measure's plain name."""
        return _OF[measure].noun

    def unit(self, measure: str) -> str:
        """What a rate counts, in the headline's weighting."""
        by_people = self.known and not self.facts.searched
        return wording.compared_in_words(measure, "people") if by_people else _OF[measure].unit

    def shown(self, point: Point, measure: str) -> list[tuple[Group, Measured]]:
        """Labelled groups whose rate may be shown."""
        found = [(group, self.facts.rate(point, measure, group.name)) for group in self.facts.labelled]
        return [(group, item) for group, item in found if item.standing in ("ok", "none seen")]

    def has(self, point: Point, measure: str) -> bool:
        """Whether there is anything to count."""
        return any(item.standing not in ("absent", "no trials") for item in (self.facts.rate(point, measure, g.name) for g in self.facts.labelled))

    def per(self, items: Sequence[Measured]) -> int:
        """The one denominator of these rates."""
        return wording.denominator(item.rate if item.rate > 0 else item.high for item in items)

    def number(self, item: Measured, per: int) -> str:
        """A rate with what stands behind it: its range, or its counts."""
        if item.standing in ("too few", "withheld", "no trials", "absent"):
            return {"too few": f"too few people ({item.subjects})", "withheld": "withheld"}.get(item.standing, "nothing to count")
        counts = f"{wording.whole(item.row['errors'])} of {wording.whole(item.row['trials'])}"
        if item.standing == "none seen":
            return f"none seen (up to {wording.out_of(item.high, per)})" if math.isfinite(item.high) else f"none ({counts})"
        limits = f"{wording.interval_in_words(item.low, item.high, per)}" if math.isfinite(item.low) and math.isfinite(item.high) else counts
        return f"{wording.out_of(item.rate, per)} ({limits})"

    def title(self, point: Point, measure: str) -> str:
        """The finding, as far as the file goes."""
        said, rows = _OF[measure], self.shown(point, measure)
        if not rows:
            return f"{said.noun}: this file cannot show it."
        per = self.per([item for _, item in rows])
        ordered = sorted(rows, key=lambda row: (row[1].rate, row[0].name))
        (least, low), (most, high) = ordered[0], ordered[-1]
        span = f"{wording.out_of(low.rate, per)} ({least.label}) to {wording.out_of(high.rate, per)} ({most.label}) in {per:,} {said.short}"
        if len(rows) == 1:
            return f"{said.noun}: about {wording.out_of(low.rate, per)} in {per:,} {said.short}; there is one group only."
        if not self.known:
            return f"{said.noun}: about {span}. Whether groups differ is too uncertain to say: the file names no people."
        outcome = self.facts.outcome(point, measure)
        sure = {"more": wording.CLEAR, "less": wording.CLEAR, "likely_more": wording.LIKELY, "likely_less": wording.LIKELY}.get(outcome.case)
        if outcome.case == "alike":
            sure = wording.no_larger_than(self.facts.config.uncertainty.equivalence)
        return f"{said.noun}: about {span}; {sure or 'whether groups differ is too uncertain to say'}."

    def sentences(self, point: Point, measure: str) -> list[str]:
        """The answer for one error, in short sentences: the group with most errors, the reference, and how sure."""
        said, rows = _OF[measure], self.shown(point, measure)
        if not rows:
            return [f"This file holds no {said.unit}, so it cannot show this error." if not self.has(point, measure) else "Too few people to say."]
        most = max(rows, key=lambda row: (row[1].rate, row[0].name))
        pair = [most, *(row for row in rows if row[0].reference and row[0].name != most[0].name)]
        if len(pair) == 1 and len(rows) > 1:
            pair.append(min(rows, key=lambda row: (row[1].rate, row[0].name)))
        per = self.per([item for _, item in pair])
        out = []
        for group, item in pair:
            whom = f"{self.unit(measure)}, {wording.recorded_as(group.name)}"
            counts = f"{wording.whole(item.row['errors'])} of {wording.whole(item.row['trials'])} {'searches' if self.facts.searched else 'pairs'}"
            behind = counts
            if self.known and math.isfinite(item.high):
                span = wording.interval_in_words(item.low, item.high, per)
                behind = f"{span}, {wording.percent(self.facts.confidence)}; {wording.people(item.subjects)}"
            number = f"about {wording.out_of(item.rate, per)}" if item.rate > 0 else "none"
            out.append(f"Of {per:,} {whom}, {number} {said.happened} ({behind}).")
        return out

    def rates(self, point: Point, measure: str, *, pitch: int = 46) -> Figure | None:
        """Rows of marks; None where the file holds nothing of the kind."""
        if not self.has(point, measure):
            return None
        said = _OF[measure]
        found = [(group, self.facts.rate(point, measure, group.name)) for group in self.facts.groups]
        found = [(group, item) for group, item in found if item.standing not in ("absent", "no trials")]
        shown = [item for _, item in found if item.standing in ("ok", "none seen")]
        per = self.per(shown)
        scale = log_scale([value for item in shown for value in (item.rate, item.high, max(item.low, item.rate / 10)) if value > 0])
        drawn = []
        for group, item in found:
            visible = item.standing in ("ok", "none seen")
            numbers = (item.rate, item.low, item.high) if visible else (math.nan,) * 3
            label = group.label + (" (reference)" if group.reference else "")
            drawn.append(kinds.Row(label, self.number(item, per), group.style, *numbers, bold=group.reference))
        ticks = [wording.out_of(tick, per) for tick in scale.ticks]
        title = self.title(point, measure)
        described = f"{title} In {per:,} {self.unit(measure)}: " + "; ".join(f"{row.label}, {row.words}" for row in drawn) + "."
        caption = f"{said.noun} ({said.acronym}): how many of {per:,} {self.unit(measure)}, at {point.words}. "
        caption += "" if self.known else "In brackets: the counts. No range can be given without ids of the people. "
        draw = kinds.rows_of_marks(drawn, scale, ticks, f"in {per:,} {said.short}", pitch=pitch)
        heads = ("Group", "Searches gone wrong" if self.facts.searched else "Pairs gone wrong", f"In {per:,}", "Range")
        rows = tuple((group.label, self._counts(item), self._share(item, per), self._range(item, per)) for group, item in found)
        table = Table(caption + self.source, heads, rows, (), False, frozenset({1, 2, 3}))
        return Figure(f"{measure.lower()}-{point.slug}", measure, title, described, self._box(point, measure), draw, table, point)

    @staticmethod
    def _counts(item: Measured) -> str:
        return f"{wording.whole(item.row['errors'])} of {wording.whole(item.row['trials'])}" if item.standing in ("ok", "none seen") else ""

    @staticmethod
    def _share(item: Measured, per: int) -> str:
        return wording.out_of(item.rate, per) if item.standing in ("ok", "none seen") else ""

    def _range(self, item: Measured, per: int) -> str:
        if item.standing == "too few":
            return wording.too_few_in_words(item.subjects, self.facts.minimum)
        if item.standing == "withheld":
            return "withheld for publishing"
        return wording.interval_in_words(item.low, item.high, per) if math.isfinite(item.low) and math.isfinite(item.high) else _NO_RANGE

    def _box(self, point: Point, measure: str) -> tuple[tuple[str, str], ...]:
        said, gallery = _OF[measure], (self.facts.about.get("counts") or {}).get("gallery")
        task = "One photo searched for among many. Lists of candidates were handed over." if self.facts.searched else (
            "One photo compared with one other photo. Scores were handed over; no search through a gallery.")  # fmt: skip
        faces = f"{gallery:,} faces, the same for all searches." if gallery else "None. A gallery of many faces gives more wrong persons than this."
        threshold = f"{wording.capital(point.words)}, {'its own for each group' if point.row.get('protocol') == 'per_group' else 'the same for all'}."
        error = f"{said.noun} ({said.acronym}): {said.unit} that {said.happened}."
        return (("Task", task), ("Error", error), ("Threshold", threshold), ("Gallery", faces), ("Who", said.who))

    def gaps(self, point: Point, measure: str) -> Table | None:
        """Each group over the reference."""
        rows, per = [], self.facts.per(point, measure, [group.name for group in self.facts.labelled])
        for row in self.facts.comparisons(point, measure, self.facts.weighting):
            known = math.isfinite(row.low) and math.isfinite(row.high)
            limits = wording.limits_in_words(row.low, row.high) if known else _NO_RANGE
            ratio = f"×{wording.factor(row.ratio)}" if math.isfinite(row.ratio) else "not defined"
            label = self.facts.group(row.group).label
            few = row.standing in ("too few", "withheld")
            gap, range_ = wording.gap_in_figures(*row.gap, per) if math.isfinite(row.gap[0]) else ("", "")
            gap = f"{gap} ({range_})" if range_ else gap
            rows.append((label, "" if few else ratio, "" if few else limits, gap, row.certainty or "nothing to compare"))
        said = _OF[measure]
        caption = f"{said.noun}: times the rate of {self.facts.group(self.facts.reference).label}, at {point.words}"
        heads = ("Group", "Times", "Range", f"Gap in {per:,}", "How sure")
        return Table(caption, heads, tuple(rows), (), True, frozenset({1, 2, 3})) if rows else None

    def four(self) -> Table:
        """Four numbers: both errors of the group with most wrong persons, and of the reference."""
        point, names = self.facts.headline, [group.name for group in self.facts.labelled]
        kept = [name for name in dict.fromkeys([*names[:1], self.facts.reference, *names[1:2]]) if name in names][:2]
        columns = []
        for measure in (self.facts.wrong, self.facts.missed):
            items = [self.facts.rate(point, measure, name) for name in kept]
            per = self.per([item for item in items if item.standing in ("ok", "none seen")])
            columns.append((f"{_OF[measure].noun}, in {per:,} {_OF[measure].short}", [self.number(item, per) for item in items]))
        labels = [self.facts.group(name).label + (" (reference)" if name == self.facts.reference else "") for name in kept]
        caption = "Four numbers, with their ranges" if self.known else "Four numbers, with the counts behind them; no range can be given"
        return Table(caption, ("Group", *(head for head, _ in columns)), tuple(zip(labels, *(cells for _, cells in columns), strict=True)))

    def tradeoff(self) -> Figure | None:
        """Found of 100 against wrong of 100,000 along the threshold, per group; None without both errors at several thresholds."""
        lines, rows = [], []
        values: list[tuple[float, float]] = []
        wrong, missed = (_OF[measure] for measure in (self.facts.wrong, self.facts.missed))
        for group in self.facts.labelled:
            track = self._track(group.name)
            pairs = tuple((x * WRONG, (1 - y) * FOUND) for _, x, y in track if x > 0)
            if len(pairs) > 1:
                lines.append(kinds.Curve(group.label, group.style, pairs, tuple(range(len(pairs)))))
                values += pairs
            rows += [(group.label, wording.exact(t), wording.out_of(1 - y, FOUND), wording.out_of(x, WRONG)) for t, x, y in track]
        if not values:
            return None
        across, up = log_scale([x for x, _ in values], 5), linear_scale([y for _, y in values], 100)
        axis = f"wrong of {WRONG:,} {wrong.short}"
        draw = kinds.curves(lines, across, up, [wording.number(t) for t in across.ticks], [f"{t:g}" for t in up.ticks], axis, f"found of {FOUND}")
        title = "A stricter threshold gives fewer wrong persons and more missed ones, in every group, and not equally."
        described = f"{title} Each mark is one threshold for one group; the table below gives every number."
        caption = f"Found: of {FOUND} {missed.unit}, those that came out right. Wrong: of {WRONG:,} {wrong.unit}. No ranges are drawn. {self.source}"
        unit = str((self.facts.about.get("matcher") or {}).get("unit") or "score")
        heads = ("Group", f"Threshold ({unit})", f"Found of {FOUND}", f"Wrong of {WRONG:,}")
        table = Table(caption, heads, tuple(rows), (), True, frozenset({1, 2, 3}))
        box = (*self._box(self.facts.headline, self.facts.wrong)[:1], ("Error", "Both: wrong person and missed person."),
               ("Threshold", "Several, each the same for all groups."), self._box(self.facts.headline, self.facts.wrong)[3],
               ("Who", "Everybody in the file, inside each group."))  # fmt: skip
        return Figure("tradeoff", "tradeoff", title, described, box, draw, table)

    def _track(self, group: str) -> list[tuple[float, float, float]]:
        """(threshold, wrong, missed) along the curve; at the operating points where there is no curve."""
        frame: pd.DataFrame | None = self.facts.result.tables.get("curves")
        if frame is not None and not self.facts.searched:
            mine = frame[(frame["group"] == group) & frame["FMR"].notna() & frame["FNMR"].notna()]
            return [(float(t), float(x), float(y)) for t, x, y in zip(mine["threshold"], mine["FMR"], mine["FNMR"], strict=True)]
        out = []
        for point in self.facts.points:
            wrong, missed = (self.facts.rate(point, measure, group) for measure in (self.facts.wrong, self.facts.missed))
            if all(item.standing in ("ok", "none seen") for item in (wrong, missed)):
                out.append((float(point.row["threshold"]), wrong.rate, missed.rate))
        return out

    def frame(self, name: str, caption: str, heads: dict[str, str]) -> Table | None:
        """A further table of the result under plain heads."""
        found = self.facts.result.tables.get(name)
        if found is None or found.empty:
            return None
        numeric = frozenset(k for k, column in enumerate(heads) if pd.api.types.is_numeric_dtype(found[column]))
        rows = tuple(tuple(self._cell(column, row[column]) for column in heads) for row in found.to_dict("records"))
        return Table(caption, tuple(heads.values()), rows, (), True, numeric)

    @staticmethod
    def _cell(column: str, value: Any) -> str:
        return wording.group_label(str(value)) if column in ("group", "candidate_group") else cell(column, value)

    def across(self) -> Table | None:
        """Wrong matches of pairs from two groups, at the headline, where such pairs were compared."""
        r, point = self.facts.result.rates, self.facts.headline
        found = r[(r["operating_point"] == point.id) & (r["other_group"] != "") & (r["weighting"] == self.facts.weighting) & (r["trials"] > 0)]
        if found.empty:
            return None
        rows = tuple(
            (
                wording.group_label(str(row["group"])),
                wording.group_label(str(row["other_group"])),
                *map(plain, (row["errors"], row["trials"], row["rate"])),
            )
            for row in found.to_dict("records")
        )
        return Table(f"Pairs of people from two groups, at {point.words}", ("Group", "Other group", "Wrong", "Pairs", "Rate"), rows, (), True,
                     frozenset({2, 3, 4}))  # fmt: skip

    def tested(self) -> Table:
        """What was handed over."""
        matcher, bench, given = (self.facts.about.get(name) or {} for name in ("matcher", "benchmark", "input"))
        counts = self.facts.about.get("counts") or {}
        named = {"comparisons": "Pairs", "mated": "Of these, of one person", "non_mated": "Of these, of two people", "searches": "Searches",
                 "mated_searches": "Of these, for people in the gallery", "non_mated_searches": "Of these, for people not in it",
                 "candidates": "Candidates returned", "gallery": "Faces in the gallery"}  # fmt: skip
        pairs = [
            ("Matcher, as it was named", matcher.get("product")),
            ("Version", matcher.get("version")),
            ("How the file was made", matcher.get("description")),
            ("Score", f"{matcher.get('unit') or ''}, larger means {'more' if matcher.get('kind') == 'similarity' else 'less'} alike"),
            ("The vendor’s own threshold", matcher.get("default_threshold")),
            ("File", given.get("file")),
            ("Its sha256", given.get("sha256")),
            ("Photos behind it", bench.get("title")),
            ("How they were chosen", bench.get("how_made")),
            ("People", counts.get("subjects") if self.known else "not known: the file has no ids"),
            *((words, counts.get(name)) for name, words in named.items()),
            ("Licence and permitted use", " ".join(str(bench[name]) for name in ("licence", "permitted_use") if bench.get(name))),
        ]
        rows = tuple((name, plain(value)) for name, value in pairs if value not in (None, "", [], {}))
        return Table("What was handed over", ("What", "Answer"), rows)

    def appendix(self) -> list[Table]:
        """Rates and ratios in full, at the headline; the rest stands in the files."""
        result, point = self.facts.result, self.facts.headline
        out = []
        for name, caption, columns in (
            ("rates", "Rates", ["group", "other_group", "measure", "weighting", "errors", "trials", "rate", "low", "high", "interval", "note"]),
            ("differentials", "Ratios", ["group", "reference", "measure", "weighting", "ratio", "low", "high", "certainty", "note"]),
        ):
            frame = getattr(result, name)
            frame = frame[frame["operating_point"] == point.id]
            rows = tuple(tuple(plain(row[column]) for column in columns) for row in frame.to_dict("records"))
            numeric = frozenset(k for k, column in enumerate(columns) if pd.api.types.is_numeric_dtype(frame[column]))
            out.append(Table(f"{caption} at {point.words}", tuple(c.replace("_", " ") for c in columns), rows, (), True, numeric))
        return [table for table in out if table.rows]
