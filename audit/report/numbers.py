"""One audit's tables in, single numbers of its pages out: groups in one order and look, rates and ratios with their
standing, one denominator.

Its one idea: whether a number may be shown (too few people, none seen, withheld for publishing) is decided here once,
so no figure, table or sentence can show it in another way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from audit.findings.finding import Finding, row_key
from audit.findings.looked_at import KIND, of_point
from audit.findings.not_judged import NOT_JUDGED
from audit.findings.one_denominator import one_denominator
from audit.report.figures.row_marks import Style
from audit.report.standing import UNKNOWN, Comparison, Group, Measured, Outcome, Point, finite, further
from audit.report.styles import styles_of
from audit.results import AuditResult
from audit.words import wording

__all__ = ["ALL", "UNLABELLED", "Numbers"]

ALL, UNLABELLED = "all labelled", "unlabelled"


class Numbers:
    """Everything pages read, from an ``AuditResult`` after ``withheld.published``."""

    def __init__(self, result: AuditResult, withheld: frozenset[str] = frozenset(), digest: str = "") -> None:
        self.result, self.withheld, self.digest = result, withheld, digest
        self.config, self.about = result.config, result.about
        self.minimum = result.config.groups.minimum_subjects
        self.confidence = result.config.uncertainty.confidence
        self.outputs = (result.about.get("matcher") or {}).get("backend") in (
            "scores",
            "candidates",
        )  # somebody else's, handed over
        self.people_known = bool(result.about.get("people_known", True))
        self.reference = result.config.groups.reference
        measures = set(result.rates["measure"])
        self.searched = not measures & {"FMR", "FNMR"} and bool(measures & {"FPIR", "FNIR"})
        self.wrong, self.missed = ("FPIR", "FNIR") if self.searched else ("FMR", "FNMR")
        by_people = (result.rates["measure"] == self.wrong) & (result.rates["weighting"] == "people")
        self.weighting = "people" if bool(by_people.any()) or not len(result.rates) else "comparisons"
        self.points = [
            Point(str(row["operating_point"]), f"p{k}", wording.operating_point_in_words(row), row, k == 0)
            for k, row in enumerate(self._thresholds(result.operating_points))
        ]
        self._rates = {
            (
                str(r["operating_point"]),
                str(r["measure"]),
                str(r["weighting"]),
                str(r["group"]),
                str(r["other_group"]),
            ): r
            for r in self._records(result.rates)
        }
        self._ratios: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for r in self._records(result.differentials) + self._records(
            result.tables.get("references", result.differentials.iloc[:0])
        ):
            self._ratios.setdefault((str(r["operating_point"]), str(r["measure"]), str(r["weighting"])), []).append(r)
        self._gaps = {
            (*(str(r[name]) for name in ("operating_point", "measure", "weighting", "group", "reference")),): r
            for r in self._records(result.tables.get("differences", pd.DataFrame()))
        }
        self.people = {
            str(name): int(np.nan_to_num(finite(people), nan=UNKNOWN))
            for name, people in zip(result.acquisition["group"], result.acquisition["subjects"], strict=True)
        }
        self._per: dict[str, int] = {}
        self.groups = self._groups()

    @classmethod
    def _thresholds(cls, frame: pd.DataFrame) -> list[dict[str, Any]]:
        records = cls._records(frame)
        return [row | {"shown": words} for row, words in zip(records, wording.shown_thresholds(records), strict=True)]

    @staticmethod
    def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
        return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]

    def _groups(self) -> list[Group]:
        table = self.result.acquisition
        cells = [str(name) for name in table["group"] if name != UNLABELLED]
        styles = styles_of(cells)
        made = [
            Group(
                name,
                wording.group_label(name),
                wording.group_in_words(name),
                styles[name],
                name == self.reference,
                self.people[name],
            )
            for name in cells
        ]

        def order(group: Group) -> tuple[float, float, str]:
            rate = self.rate(self.points[0], self.wrong, group.name) if self.points else None
            known = rate is not None and rate.standing in ("ok", "none seen")
            return (0.0, -rate.rate, group.name) if known and rate else (1.0, 0.0, group.name)

        made.sort(key=order)
        if UNLABELLED in set(table["group"]):
            words = wording.group_label(UNLABELLED), wording.group_in_words(UNLABELLED)
            made.append(Group(UNLABELLED, *words, Style(5, 0), False, self.people[UNLABELLED]))
        return made

    @property
    def labelled(self) -> list[Group]:
        """Finest groups, without the unlabelled."""
        return [group for group in self.groups if group.name != UNLABELLED]

    @property
    def headline(self) -> Point:
        """The first operating point."""
        return self.points[0]

    def group(self, name: str) -> Group:
        """A group of the pages, or one made for a coarser name."""
        found = next((group for group in self.groups if group.name == name), None)
        return found or Group(name, wording.group_label(name), wording.group_in_words(name), Style(5, 0), False, 0)

    def rate(self, point: Point, measure: str, group: str, weighting: str = "", other: str = "") -> Measured:
        """One rate with its standing; the weighting is the page's own unless given."""
        weighting = weighting or self.weighting
        at = "" if measure == "FTA" else point.id
        row = self._rates.get((at, measure, weighting, group, other))
        if row is None and other:
            row = self._rates.get((at, measure, weighting, other, group))
        key = row_key(
            "rates", operating_point=at, measure=measure, weighting=weighting, group=group, other_group=other
        )
        if row is None:
            return Measured(measure, weighting, group, math.nan, math.nan, math.nan, 0, "absent", key, {})
        subjects = int(np.nan_to_num(finite(row["subjects"]), nan=UNKNOWN))
        rate, low, high = (finite(row[name]) for name in ("rate", "low", "high"))
        if str(row["note"]).startswith("withheld"):
            standing = "withheld"
        elif not finite(row["trials"]) > 0 or math.isnan(rate):
            standing = "no trials"
        elif any(
            0 <= people < self.minimum
            for people in (subjects, *((self.people.get(name, subjects) for name in (group, other)) if other else ()))
        ):
            standing = "too few"
        else:
            standing = "none seen" if rate == 0 else "ok"
        return Measured(measure, weighting, group, rate, low, high, subjects, standing, key, row)

    @property
    def doubts(self) -> list[Finding]:
        """What must be said before anything of this audit is quoted, serious doubts first."""
        return [one for one in self.result.findings if one.kind == KIND]

    def doubted(self, point: Point) -> bool:
        """Whether a serious doubt stands at an operating point: nothing is then a finding about groups."""
        return bool(of_point(self.result.findings, point.id))

    def comparisons(self, point: Point, measure: str, weighting: str = "", *, reference: str = "") -> list[Comparison]:
        """Ratios of finest groups to the reference cell, in the pages' order."""
        weighting = weighting or self.weighting
        against = reference or self.reference
        found = {
            str(r["group"]): r
            for r in self._ratios.get((point.id, measure, weighting), [])
            if r["reference"] == against
        }
        out = []
        for group in self.labelled:
            row = found.get(group.name)
            if row is None:
                continue
            certainty = str(row["certainty"] or "")
            standing = (
                "withheld"
                if str(row["note"]).startswith("withheld")
                else "too few"
                if certainty == "too few people"
                else "ok"
            )
            mine = self.rate(point, measure, group.name, weighting)
            if standing == "ok" and mine.standing in ("too few", "no trials", "absent"):
                standing = mine.standing
            numbers = (finite(row["ratio"]), finite(row["low"]), finite(row["high"]))
            if standing == "ok" and (not certainty or not (numbers[0] > 0 or any(map(math.isfinite, numbers[1:])))):
                standing = "none seen"  # from which to compare
            if standing in ("ok", "none seen") and self.doubted(point):
                standing = NOT_JUDGED
            numbers = numbers if standing == "ok" else (math.nan,) * 3
            names = {
                "operating_point": point.id,
                "measure": measure,
                "weighting": weighting,
                "group": group.name,
                "reference": against,
            }
            beside = self._gaps.get(tuple(names.values()), {}) if standing in ("ok", "none seen") else {}
            gap = (finite(beside.get("difference")), finite(beside.get("low")), finite(beside.get("high")))
            out.append(
                Comparison(
                    group.name, against, *numbers, certainty, standing, row_key("differentials", **names), row, gap
                )
            )
        return out

    def outcome(self, point: Point, measure: str) -> Outcome:
        """What the comparisons say together, by fixed rules in a fixed order:
        clear before likely, more before less.
        """
        rows = self.comparisons(point, measure)
        few = tuple(row.group for row in rows if row.standing in ("too few", "withheld", "no trials"))
        if self.doubted(point):
            return Outcome("doubt", None, 0, 0, 0, len(rows), few)
        judged = [row for row in rows if row.standing == "ok"]
        reference = self.rate(point, measure, self.reference)
        for certainty, prefix in ((wording.CLEAR, ""), (wording.LIKELY, "likely_")):
            mine = [row for row in judged if row.certainty == certainty]
            more = sorted((row for row in mine if row.more), key=lambda row: (-np.nan_to_num(row.low), row.group))
            less = sorted(
                (row for row in mine if not row.more), key=lambda row: (np.nan_to_num(row.high, nan=1.0), row.group)
            )
            if more or less:
                worst = (more or less)[0]
                counted = (len(more), len(less), len(judged), len(rows))
                return Outcome(f"{prefix}{'more' if more else 'less'}", worst, *counted, few, further(worst, judged))
        alike = sum(row.certainty.startswith("no difference") for row in judged)
        if judged:
            case = "alike" if alike == len(judged) else "mixed" if alike else "uncertain"
        elif reference.standing == "absent" or reference.standing == "no trials":
            case = "absent"
        elif any(row.standing == "none seen" for row in rows):
            case = "none_seen"
        else:
            case = "few"
        return Outcome(case, None, 0, 0, alike if case == "mixed" else len(judged), len(rows), few)

    def measured(self, point: Point, measure: str) -> bool:
        """Whether anything of this measure was counted at this operating point."""
        return any(self.rate(point, measure, group.name).standing != "absent" for group in self.groups)

    def per(self, point: Point, measure: str, names: Sequence[str]) -> int:
        """The one denominator of a threshold, for every sentence, figure and table of both errors; where none was
        seen, ``names``' limits too.
        """
        common = self._per.get(point.id)
        if common is None:
            names_shown = {group.name for group in self.groups}
            common = one_denominator(
                self.result.rates, point.id, self.weighting, names_shown, self.minimum, searched=self.searched
            )
            self._per[point.id] = common
        if any(self.rate(point, measure, group.name).standing == "ok" for group in self.groups):
            return common
        limits = [
            item.high for item in (self.rate(point, measure, name) for name in names) if item.standing == "none seen"
        ]
        return max(common, wording.denominator(limits))

    def short(self, point: Point, measure: str, name: str, per: int) -> str:
        """A rate for a table: number and limits in ``per``, or why there is none."""
        item = self.rate(point, measure, name)
        if item.standing == "ok":
            limits = (
                f" ({wording.interval_in_words(item.low, item.high, per)})"
                if math.isfinite(item.low) and math.isfinite(item.high)
                else ""
            )
            return f"{wording.out_of(item.rate, per)}{limits or item.counts}"
        if item.standing == "none seen":
            return (
                f"none seen (up to {wording.out_of(item.high, per)})"
                if math.isfinite(item.high)
                else f"none seen{item.counts}"
            )
        return {"too few": "too few people to say", "withheld": "withheld"}.get(item.standing, "not measured")
