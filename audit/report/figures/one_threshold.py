"""Facts in, figures out: each with its finding as title, its numbers as a table, and what it counts.

Its one idea: a figure is a title, a drawing, a table and a box "Which number is this?", made from the same rows, so
they cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from audit.findings.not_judged import NOT_JUDGED
from audit.report.boxes import Box, which_number
from audit.report.facts import Facts
from audit.report.figures import row_marks
from audit.report.figures.canvas import linear_scale, log_scale
from audit.report.figures.figure import Figure
from audit.report.printed import Table
from audit.report.standing import Comparison, Group, Measured, Point
from audit.words import wording

__all__ = ["Panels"]


class Panels:
    """Makes figures. ``say`` holds the phrases of the template ``phrases.j2``."""

    def __init__(self, facts: Facts, say: Any) -> None:
        self.facts, self.say = facts, say

    def _words(self, phrase: str, *values: Any) -> str:
        macro: Callable[..., Any] = getattr(self.say, phrase)
        return " ".join(str(macro(*values)).split())

    def _standing(self, item: Measured, per: int, between: str = " ") -> str:
        if item.standing == "none seen":
            return (
                f"none seen, up to {wording.out_of(item.high, per)}"
                if math.isfinite(item.high)
                else f"none seen{item.counts}"
            )
        if item.standing == "ok":
            known = math.isfinite(item.low) and math.isfinite(item.high)
            limits = f"{between}({wording.interval_in_words(item.low, item.high, per)})" if known else ""
            return f"{wording.out_of(item.rate, per)}{limits or item.counts}"
        return {
            "too few": f"too few people ({item.subjects})",
            "no trials": "nothing to count",
            "withheld": "withheld",
        }.get(item.standing, "not measured")

    def rates(
        self, point: Point, measure: str, *, weighting: str = "", only: Sequence[Group] | None = None, pitch: int = 46
    ) -> Figure:
        """Rows of marks: one measure, every group, at one threshold."""
        groups, weighting = list(only or self.facts.groups), weighting or self.facts.weighting
        found = [self.facts.rate(point, measure, group.name, weighting) for group in groups]
        shown = [item for item in found if item.standing in ("ok", "none seen")]
        own = weighting == self.facts.weighting and measure != "FTA"
        per = (
            self.facts.per(point, measure, [group.name for group in groups])
            if own
            else wording.denominator(item.rate for item in shown)
        )
        positive = [value for item in shown for value in (item.rate, item.high) if value > 0]
        lows = [max(item.low, item.rate / 10) for item in shown if item.rate > 0 and item.low > 0]
        scale = linear_scale(positive) if measure == "FTA" else log_scale([*positive, *lows])
        rows = []
        for group, item in zip(groups, found, strict=True):
            label = group.label + (" (reference)" if group.reference else "")
            words = self._standing(item, per)
            drawn = item.standing in ("ok", "none seen")
            numbers = (item.rate, item.low, item.high) if drawn else (math.nan,) * 3
            rows.append(row_marks.Row(label, words, group.style, *numbers, bold=group.reference))
        unit = wording.compared_in_words(measure, weighting)
        axis = f"in {per:,} {wording.counted_in_words(measure, weighting)}"
        ticks = [wording.out_of(tick, per) if tick else "0" for tick in scale.ticks]
        draw = row_marks.rows_of_marks(rows, scale, ticks, axis, pitch=pitch)
        title = (
            self._words("title_of", self.facts, point, measure)
            if measure != "FTA"
            else self._words("title_fta", self.facts, found)
        )
        described = f"{title} Of {per:,} {unit}: " + "; ".join(f"{row.label}, {row.words}" for row in rows) + "."
        caption = self._words("caption_rates", self.facts, point, measure, per, weighting)
        confidence = wording.percent(self.facts.confidence)
        table = Table(
            caption,
            ("Group", "People" if self.facts.people_known else "Gone wrong", f"In {per:,}", f"Interval, {confidence}"),
            tuple(self._rate_row(group, item, per) for group, item in zip(groups, found, strict=True)),
            numeric=frozenset({1, 2, 3}),
        )
        slug = f"{measure.lower().replace('_', '-')}-{point.slug}" if measure != "FTA" else "fta"
        return Figure(slug, measure, title, described, self._box(point, measure), draw, table, point)

    def _rate_row(self, group: Group, item: Measured, per: int) -> tuple[str, ...]:
        label = group.label + (" (reference)" if group.reference else "")
        people = (
            ""
            if item.standing == "withheld"
            else wording.whole(item.subjects)
            if item.subjects >= 0
            else item.counts.strip(" ()")
        )
        if item.standing == "ok":
            both = math.isfinite(item.low) and math.isfinite(item.high)
            limits = wording.interval_in_words(item.low, item.high, per) if both else "none given"
            return label, people, wording.out_of(item.rate, per), limits
        if item.standing == "none seen":
            limit = f"up to {wording.out_of(item.high, per)}, one-sided" if math.isfinite(item.high) else "none given"
            return label, people, "none seen", limit
        words = {
            "too few": wording.too_few_in_words(item.subjects, self.facts.minimum),
            "withheld": "withheld for publishing",
        }
        return label, people, "", words.get(item.standing, "nothing to count")

    def _box(self, point: Point, measure: str) -> Box:
        return which_number(self.facts, point, measure)

    def gaps(self, point: Point, measure: str, *, reference: str = "") -> Figure:
        """Ratios to the reference with the null band and detectable ratios, where those were computed."""
        rows = self.facts.comparisons(point, measure, reference=reference)
        detectable = {} if reference else self._detectable(point, measure)
        per = self.facts.per(point, measure, [row.group for row in rows])
        band = self._band(point, measure)
        limits = [
            value for row in rows for value in (row.ratio, row.low, row.high) if math.isfinite(value) and value > 0
        ]
        scale = log_scale([*(min(max(value, 1e-3), 1e3) for value in limits), 0.5, 2.0, *(band or ())])
        drawn = []
        for row in rows:
            group = self.facts.group(row.group)
            tick = detectable.get(row.group, math.nan) if row.standing == "ok" else math.nan
            more = self._absolute(row, per, " ")
            numbers = (row.ratio, row.low, row.high)
            drawn.append(
                row_marks.Row(
                    group.label,
                    self._gap_words(row),
                    group.style,
                    *numbers,
                    tick=tick,
                    more=more,
                    sure=self._sure(row),
                )
            )
        against = self.facts.group(reference or self.facts.reference)
        axis = f"times the rate of {against.label}"
        absolute = any(row.more for row in drawn)
        below = f"\nbelow: more or fewer in {per:,}" if absolute else ""
        draw = row_marks.rows_of_marks(
            drawn, scale, [f"×{wording.number(tick)}" for tick in scale.ticks], axis + below, line_at=1.0, band=band
        )
        title = self._words("title_gaps", self.facts, point, measure, rows, against)
        named = "; ".join(
            ", ".join(
                [
                    row.label,
                    row.words,
                    *([row.sure] if row.sure else []),
                    *([f"{row.more} in {per:,}"] if row.more else []),
                ]
            )
            for row in drawn
        )
        described = f"{title} {axis.capitalize()}: {named}."
        heads = ["Group", "Times the reference", f"Interval, {wording.percent(self.facts.confidence)}", "How sure"]
        if absolute:
            heads.insert(3, f"Gap in {per:,}")
        if detectable:
            heads.append("Smallest gap usually seen")
        body = tuple(self._gap_row(row, detectable) for row in rows)
        if absolute:
            body = tuple(
                (*cells[:3], self._absolute(row, per, "\n"), *cells[3:]) for cells, row in zip(body, rows, strict=True)
            )
        caption = self._words(
            "caption_gaps", self.facts, point, measure, against, band, bool(detectable), per if absolute else 0
        )
        slug = f"gaps-{measure.lower()}-{point.slug}" + (f"-vs{self._index(reference)}" if reference else "")
        table = Table(caption, tuple(heads), body, wide=absolute, numeric=frozenset({1, 2, 3} if absolute else {1, 2}))
        return Figure(slug, f"gaps-{measure}", title, described, self._box(point, measure), draw, table, point)

    @staticmethod
    def _absolute(row: Comparison, per: int, between: str) -> str:
        """The gap in numbers, "290 more (240 to 340)"; "" where it was not computed."""
        gap, limits = wording.gap_in_figures(*row.gap, per) if math.isfinite(row.gap[0]) else ("", "")
        return f"{gap}{between}({limits or wording.NO_INTERVAL})" if gap else ""

    def _index(self, reference: str) -> int:
        return next((k for k, group in enumerate(self.facts.groups) if group.name == reference), 0)

    @staticmethod
    def _ratio(row: Comparison) -> tuple[str, str]:
        """Number and limits as mark and table print them; a ratio of 0 means that none was seen, and only its upper
        limit says something.
        """
        known = row.ratio > 0
        return wording.ratio_in_figures(
            row.ratio if known else math.nan, row.low if known or row.low >= 0.01 else math.nan, row.high
        )

    @staticmethod
    def _sure(row: Comparison) -> str:
        return row.certainty if row.standing == "ok" else ""

    def _gap_words(self, row: Comparison) -> str:
        if row.standing != "ok":
            return {"too few": "too few people", "withheld": "withheld", NOT_JUDGED: NOT_JUDGED}.get(
                row.standing, "none seen"
            )
        number, limits = self._ratio(row)
        return f"{number} ({limits})" if limits else number

    def _gap_row(self, row: Comparison, detectable: dict[str, float]) -> tuple[str, ...]:
        label = self.facts.group(row.group).label
        known = row.group in detectable and row.standing == "ok"
        seen = (f"×{wording.factor(detectable[row.group])}" if known else "",) if detectable else ()
        if row.standing != "ok":
            words = {
                "too few": "too few people to say",
                "withheld": "withheld for publishing",
                "none seen": "none seen from which to compare",
            }
            words |= {NOT_JUDGED: NOT_JUDGED}
            return (label, "", "", words.get(row.standing, "nothing to compare"), *seen)
        number, limits = self._ratio(row)
        return (
            label,
            number,
            limits or ("one-sided" if number and not row.ratio > 0 else "none given"),
            row.certainty,
            *seen,
        )

    def _detectable(self, point: Point, measure: str) -> dict[str, float]:
        frame = self.facts.result.tables.get("power")
        if frame is None:
            return {}
        chosen = frame[
            (frame["operating_point"] == point.id)
            & (frame["measure"] == measure)
            & (frame["weighting"] == self.facts.weighting)
        ]
        return {
            str(g): float(r)
            for g, r in zip(chosen["group"], chosen["detectable_ratio"], strict=True)
            if math.isfinite(float(r))
        }

    def _band(self, point: Point, measure: str) -> tuple[float, float] | None:
        frame = self.facts.result.tables.get("summaries")
        if frame is None or "null_high" not in frame.columns:
            return None
        wanted = (
            (frame["operating_point"] == point.id) & (frame["measure"] == measure) & (frame["weighting"] == "people")
        )
        if "grouping" in frame.columns:
            wanted &= frame["grouping"].isin(["cells", "|".join(self.facts.config.groups.attributes)])
        rows = frame[wanted & frame["summary"].isin(["ratio", "max_over_min"])]
        high = float(rows["null_high"].iloc[0]) if len(rows) else math.nan
        return (1 / high, high) if math.isfinite(high) and high >= 1 else None
