"""One audit's tables in, what a page may say out: groups in one order and look, each number with its standing, each comparison with its outcome.

Its one idea: whether a number may be shown (too few people, none seen, withheld for publishing) is decided here once, so no figure, table or
sentence can show it in another way.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.findings.finding import Finding, row_key
from audit.findings.looked_at import KIND, of_point
from audit.findings.not_judged import NOT_JUDGED
from audit.findings.one_denominator import one_denominator
from audit.report.figures.kinds import Style
from audit.results import AuditResult
from audit.words import wording
from audit.words.notes import sources_of

__all__ = ["Comparison", "Facts", "Group", "Measured", "Outcome", "Point", "anchor"]

ALL, UNLABELLED = "all labelled", "unlabelled"
UNKNOWN = -1
"""Where outputs do not say who the people are, their number is not known."""


@dataclass(frozen=True)
class Group:
    """A demographic group as the pages show it."""

    name: str
    label: str
    words: str
    style: Style
    reference: bool
    people: int


@dataclass(frozen=True)
class Point:
    """An operating point."""

    id: str
    slug: str
    words: str
    row: dict[str, Any]
    headline: bool

    @property
    def exactly(self) -> str:
        """The threshold in full, which alone decides every score as it did; "" where there is none."""
        value = _number(self.row.get("threshold"))
        return wording.exact(value) if math.isfinite(value) else ""

    @property
    def short(self) -> str:
        """Its value alone, where the words that say who set it stand elsewhere: "distance 0.6"."""
        value, unit = _number(self.row.get("threshold")), str(self.row.get("unit") or "score").replace("_", " ")
        return f"{unit} {self.row.get('shown') or wording.exact(value)}" if math.isfinite(value) else self.words


@dataclass(frozen=True)
class Measured:
    """One rate and its standing: ok, none seen, too few, no trials, withheld or absent."""

    measure: str
    weighting: str
    group: str
    rate: float
    low: float
    high: float
    subjects: int
    standing: str
    key: str
    row: dict[str, Any]

    @property
    def counts(self) -> str:
        """Errors and trials behind a rate, " (63 of 3,000)", where nobody says how many people they come from; else ""."""
        return f" ({wording.whole(self.row['errors'])} of {wording.whole(self.row['trials'])})" if self.subjects < 0 and self.row else ""


@dataclass(frozen=True)
class Comparison:
    """One ratio to a reference and its certainty, and the absolute gap beside it where it was computed; standing as for ``Measured``."""

    group: str
    reference: str
    ratio: float
    low: float
    high: float
    certainty: str
    standing: str
    key: str
    row: dict[str, Any]
    gap: tuple[float, float, float] = (math.nan, math.nan, math.nan)

    @property
    def more(self) -> bool:
        """Whether the group has more errors than the reference, as far as the numbers say."""
        return self.low > 1 or (not math.isnan(self.ratio) and self.ratio > 1)

    @property
    def inverse(self) -> tuple[float, float, float]:
        """The reference's rate over the group's, with its limits: for sentences about a reference that has more errors."""
        ratio, low, high = (1 / value if value > 0 else math.nan for value in (self.ratio, self.high, self.low))
        return ratio, low, high

    @property
    def inverse_gap(self) -> tuple[float, float, float]:
        """The reference's rate minus the group's, with its limits."""
        difference, low, high = self.gap
        return -difference, -high, -low


@dataclass(frozen=True)
class Outcome:
    """What all comparisons of one measure at one operating point say together.

    ``case``: more, less, likely_more, likely_less, alike, mixed, uncertain, none_seen, few, absent, or doubt (not judged because a serious doubt
    stands). ``worst`` is the comparison to name: the surest, by the limit nearer to 1. ``larger`` is the one whose estimate lies further out all the
    same, to be named beside it, or None.
    """

    case: str
    worst: Comparison | None
    more: int
    less: int
    judged: int
    total: int
    few: tuple[str, ...]
    larger: Comparison | None = None


def anchor(key: str) -> str:
    """An id for the table row that an evidence key leads to: one key, one id, in whatever script the groups are written."""
    return f"row-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:12]}"


def _parts(name: str) -> tuple[str, str]:
    first, _, rest = name.partition("|")
    return first, rest


def _styles(cells: Sequence[str]) -> dict[str, Style]:
    firsts = list(dict.fromkeys(_parts(name)[0] for name in cells))
    rests = list(dict.fromkeys(_parts(name)[1] for name in cells))
    if rests == [""]:
        return {name: Style(k, k) for k, name in enumerate(cells)}
    out = {}
    for name in cells:
        first, rest = (values.index(part) for values, part in zip((firsts, rests), _parts(name), strict=True))
        out[name] = Style(first % 5, rest + len(rests) * (first // 5))  # a sixth value takes the first colour again, with other shapes
    return out


def _further(worst: Comparison, judged: Sequence[Comparison]) -> Comparison | None:
    """The clear or likely gap in the same direction whose estimate is largest, if that is not the one named."""

    def size(row: Comparison) -> float:
        return (row.ratio if worst.more else -row.ratio) if math.isfinite(row.ratio) else -math.inf

    shown = [row for row in judged if row.certainty in (wording.CLEAR, wording.LIKELY) and row.more == worst.more]
    furthest = max(shown, key=lambda row: (size(row), row.group), default=worst)
    return furthest if math.isfinite(worst.ratio) and size(furthest) > size(worst) else None


def _number(value: Any) -> float:
    return float(value) if value is not None and value == value and value != "" else math.nan


class Facts:
    """Everything pages read, from an ``AuditResult`` after ``withheld.published``."""

    def __init__(self, result: AuditResult, withheld: frozenset[str] = frozenset(), digest: str = "") -> None:
        self.result, self.withheld, self.digest = result, withheld, digest
        self.config, self.about = result.config, result.about
        self.minimum = result.config.groups.minimum_subjects
        self.confidence = result.config.uncertainty.confidence
        self.outputs = (result.about.get("matcher") or {}).get("backend") in ("scores", "candidates")  # somebody else's, handed over
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
            (str(r["operating_point"]), str(r["measure"]), str(r["weighting"]), str(r["group"]), str(r["other_group"])): r
            for r in self._records(result.rates)
        }
        self._ratios: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for r in self._records(result.differentials) + self._records(result.tables.get("references", result.differentials.iloc[:0])):
            self._ratios.setdefault((str(r["operating_point"]), str(r["measure"]), str(r["weighting"])), []).append(r)
        self._gaps = {
            (*(str(r[name]) for name in ("operating_point", "measure", "weighting", "group", "reference")),): r
            for r in self._records(result.tables.get("differences", pd.DataFrame()))
        }
        self.people = {
            str(name): int(np.nan_to_num(_number(people), nan=UNKNOWN))
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
        styles = _styles(cells)
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
        key = row_key("rates", operating_point=at, measure=measure, weighting=weighting, group=group, other_group=other)
        if row is None:
            return Measured(measure, weighting, group, math.nan, math.nan, math.nan, 0, "absent", key, {})
        subjects = int(np.nan_to_num(_number(row["subjects"]), nan=UNKNOWN))
        rate, low, high = (_number(row[name]) for name in ("rate", "low", "high"))
        if str(row["note"]).startswith("withheld"):
            standing = "withheld"
        elif not _number(row["trials"]) > 0 or math.isnan(rate):
            standing = "no trials"
        elif any(
            0 <= people < self.minimum for people in (subjects, *((self.people.get(name, subjects) for name in (group, other)) if other else ()))
        ):
            standing = "too few"
        else:
            standing = "none seen" if rate == 0 else "ok"
        return Measured(measure, weighting, group, rate, low, high, subjects, standing, key, row)

    def comparisons(self, point: Point, measure: str, weighting: str = "", *, reference: str = "") -> list[Comparison]:
        """Ratios of finest groups to the reference cell, in the pages' order."""
        weighting = weighting or self.weighting
        against = reference or self.reference
        found = {str(r["group"]): r for r in self._ratios.get((point.id, measure, weighting), []) if r["reference"] == against}
        out = []
        for group in self.labelled:
            row = found.get(group.name)
            if row is None:
                continue
            certainty = str(row["certainty"] or "")
            standing = "withheld" if str(row["note"]).startswith("withheld") else "too few" if certainty == "too few people" else "ok"
            mine = self.rate(point, measure, group.name, weighting)
            if standing == "ok" and mine.standing in ("too few", "no trials", "absent"):
                standing = mine.standing
            numbers = (_number(row["ratio"]), _number(row["low"]), _number(row["high"]))
            if standing == "ok" and (not certainty or not (numbers[0] > 0 or any(map(math.isfinite, numbers[1:])))):
                standing = "none seen"  # from which to compare
            if standing in ("ok", "none seen") and self.doubted(point):
                standing = NOT_JUDGED
            numbers = numbers if standing == "ok" else (math.nan,) * 3
            names = {"operating_point": point.id, "measure": measure, "weighting": weighting, "group": group.name, "reference": against}
            beside = self._gaps.get(tuple(names.values()), {}) if standing in ("ok", "none seen") else {}
            gap = (_number(beside.get("difference")), _number(beside.get("low")), _number(beside.get("high")))
            out.append(Comparison(group.name, against, *numbers, certainty, standing, row_key("differentials", **names), row, gap))
        return out

    def outcome(self, point: Point, measure: str) -> Outcome:
        """What the comparisons say together, by fixed rules in a fixed order: clear before likely, more before less."""
        rows = self.comparisons(point, measure)
        few = tuple(row.group for row in rows if row.standing in ("too few", "withheld", "no trials"))
        if self.doubted(point):
            return Outcome("doubt", None, 0, 0, 0, len(rows), few)
        judged = [row for row in rows if row.standing == "ok"]
        reference = self.rate(point, measure, self.reference)
        for certainty, prefix in ((wording.CLEAR, ""), (wording.LIKELY, "likely_")):
            mine = [row for row in judged if row.certainty == certainty]
            more = sorted((row for row in mine if row.more), key=lambda row: (-np.nan_to_num(row.low), row.group))
            less = sorted((row for row in mine if not row.more), key=lambda row: (np.nan_to_num(row.high, nan=1.0), row.group))
            if more or less:
                worst = (more or less)[0]
                counted = (len(more), len(less), len(judged), len(rows))
                return Outcome(f"{prefix}{'more' if more else 'less'}", worst, *counted, few, _further(worst, judged))
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
        """The one denominator of a threshold, for every sentence, figure and table of both errors; where none was seen, ``names``' limits too."""
        common = self._per.get(point.id)
        if common is None:
            names_shown = {group.name for group in self.groups}
            common = one_denominator(self.result.rates, point.id, self.weighting, names_shown, self.minimum, searched=self.searched)
            self._per[point.id] = common
        if any(self.rate(point, measure, group.name).standing == "ok" for group in self.groups):
            return common
        limits = [item.high for item in (self.rate(point, measure, name) for name in names) if item.standing == "none seen"]
        return max(common, wording.denominator(limits))

    def short(self, point: Point, measure: str, name: str, per: int) -> str:
        """A rate for a table: number and limits in ``per``, or why there is none."""
        item = self.rate(point, measure, name)
        if item.standing == "ok":
            limits = f" ({wording.interval_in_words(item.low, item.high, per)})" if math.isfinite(item.low) and math.isfinite(item.high) else ""
            return f"{wording.out_of(item.rate, per)}{limits or item.counts}"
        if item.standing == "none seen":
            return f"none seen (up to {wording.out_of(item.high, per)})" if math.isfinite(item.high) else f"none seen{item.counts}"
        return {"too few": "too few people to say", "withheld": "withheld"}.get(item.standing, "not measured")

    def four_groups(self, point: Point | None = None) -> list[str]:
        """The two groups of the table of four numbers: the one the answer names, and the reference."""
        outcomes = [self.outcome(point or self.headline, measure) for measure in (self.wrong, self.missed)]
        named = next((outcome.worst.group for outcome in outcomes if outcome.worst), None)
        others = [group.name for group in self.labelled if not group.reference]
        return [name for name in (named or (others[0] if others else None), self.reference) if name]

    def over_thresholds(self) -> tuple[str, list[tuple[Point, Comparison]]]:
        """The ratio of the headline's worst group for wrong persons at every threshold that all groups share, strictest last; "" without one."""
        worst = self.outcome(self.headline, self.wrong).worst
        if worst is None:
            return "", []
        found = []
        for point in self.points:
            row = next((row for row in self.comparisons(point, self.wrong) if row.group == worst.group), None)
            if point.row.get("protocol") != "per_group" and row is not None and row.standing == "ok" and row.ratio > 0:
                found.append((point, row))
        found.sort(key=lambda one: _number(one[0].row.get("score_threshold")))
        return worst.group, found

    def alone(self, point: Point, measure: str, attribute: str) -> tuple[list[Comparison], list[Comparison]]:
        """Comparisons of groups that differ in one attribute alone: as a whole, and within each group alike otherwise."""
        if self.doubted(point):
            return [], []
        mine = dict(part.split("=", 1) for part in self.reference.split("|") if "=" in part).get(attribute)
        whole, within = [], {}
        for r in self._ratios.get((point.id, measure, self.weighting), []):
            group, other = (dict(part.split("=", 1) for part in str(r[name]).split("|") if "=" in part) for name in ("group", "reference"))
            apart = [name for name in group if group[name] != other.get(name)]
            if list(group) != list(other) or apart != [attribute] or other[attribute] != mine or not r["certainty"]:
                continue
            if str(r["certainty"]) == "too few people" or str(r["note"]).startswith("withheld"):
                continue
            numbers = (_number(r["ratio"]), _number(r["low"]), _number(r["high"]))
            names = {"operating_point": point.id, "measure": measure, "weighting": self.weighting}
            names |= {"group": str(r["group"]), "reference": str(r["reference"])}
            made = Comparison(str(r["group"]), str(r["reference"]), *numbers, str(r["certainty"]), "ok", row_key("differentials", **names), r)
            if len(group) == 1:
                whole.append(made)
            elif "|".join(group) == "|".join(dict(part.split("=", 1) for part in self.reference.split("|"))):
                within[made.group] = made
        return whole, [within[name] for name in sorted(within)]

    @property
    def doubts(self) -> list[Finding]:
        """What must be said before anything of this audit is quoted, serious doubts first."""
        return [one for one in self.result.findings if one.kind == KIND]

    def doubted(self, point: Point) -> bool:
        """Whether a serious doubt stands at an operating point: nothing is then a finding about groups."""
        return bool(of_point(self.result.findings, point.id))

    @property
    def sex(self) -> str:
        """The attribute that holds what was recorded as sex, if one does."""
        named = [name for name in self.config.groups.attributes if name.casefold() in ("sex", "gender")]
        return named[0] if named and "=" in self.reference else ""

    def others(self, attribute: str) -> list[str]:
        """The other attributes of groups, in words."""
        return [name.replace("_", " ") for name in self.config.groups.attributes if name != attribute]

    def only_likely(self, point: Point, measure: str) -> list[str]:
        """Why differences of this measure are only likely: which label sources did not confirm which groups, and which hold only by themselves."""
        rows = [row for row in self.comparisons(point, measure) if row.certainty == wording.LIKELY and row.standing == "ok"]
        titles = self.label_titles()
        doubted: dict[str, list[str]] = {}
        alone = []
        for row in rows:
            lost, _ = sources_of(str(row.row.get("note", "")))
            for source in lost:
                doubted.setdefault(source, []).append(row.group)
            if not lost:
                alone.append(row.group)
        out = [f"{titles.get(source, source)} does not confirm it for {wording.groups_in_words(groups)}" for source, groups in doubted.items()]
        if alone:
            out.append(f"for {wording.groups_in_words(alone)} it holds for that group alone, not for all groups at once")
        return out

    def label_titles(self) -> dict[str, str]:
        """Label columns by their titles."""
        entries = (self.about.get("benchmark") or {}).get("labels", [])
        return {str(entry.get("column")): str(entry.get("title") or entry.get("column")) for entry in entries}

    def thin_source(self) -> bool:
        """Whether another source of labels holds too few people of some compared group to be judged by itself."""
        frame = self.result.tables.get("label_sensitivity")
        if frame is None or frame.empty:
            return False
        groups = {group.name for group in self.labelled if self.rate(self.headline, self.wrong, group.name).standing == "ok"}
        rows = frame[(frame["operating_point"] == self.headline.id) & (frame["measure"] == self.wrong) & frame["group"].isin(groups)]
        return bool((rows["subjects"] < self.minimum).any())

    def with_two(self, name: str) -> str:
        """People of a group with two or more photos, of all: "40 of 120"."""
        table = self.result.acquisition
        row = table[table["group"] == name]
        if row.empty or not np.isfinite(float(row["subjects_with_two"].iloc[0])):
            return ""
        return f"{wording.whole(row['subjects_with_two'].iloc[0])} of {wording.whole(row['subjects'].iloc[0])}"
