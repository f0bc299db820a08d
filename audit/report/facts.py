"""One audit's numbers in, what pages say of several together out: over thresholds, between groups alike otherwise,
under other labels.

Its one idea: a sentence that needs more than one number asks for it here, by rule, so that pages only word it.
"""

from __future__ import annotations

import numpy as np

from audit.findings.finding import row_key
from audit.report.numbers import ALL, UNLABELLED, Numbers
from audit.report.standing import Comparison, Point, finite
from audit.words import wording
from audit.words.notes import sources_of

__all__ = ["ALL", "UNLABELLED", "Facts"]


class Facts(Numbers):
    """Everything pages read, from an ``AuditResult`` after ``withheld.published``."""

    def four_groups(self, point: Point | None = None) -> list[str]:
        """The two groups of the table of four numbers: the one the answer names, and the reference."""
        outcomes = [self.outcome(point or self.headline, measure) for measure in (self.wrong, self.missed)]
        named = next((outcome.worst.group for outcome in outcomes if outcome.worst), None)
        others = [group.name for group in self.labelled if not group.reference]
        return [name for name in (named or (others[0] if others else None), self.reference) if name]

    def over_thresholds(self) -> tuple[str, list[tuple[Point, Comparison]]]:
        """The ratio of the headline's worst group for wrong persons at every threshold that all groups share,
        strictest last; "" without one.
        """
        worst = self.outcome(self.headline, self.wrong).worst
        if worst is None:
            return "", []
        found = []
        for point in self.points:
            row = next((row for row in self.comparisons(point, self.wrong) if row.group == worst.group), None)
            if point.row.get("protocol") != "per_group" and row is not None and row.standing == "ok" and row.ratio > 0:
                found.append((point, row))
        found.sort(key=lambda one: finite(one[0].row.get("score_threshold")))
        return worst.group, found

    def alone(self, point: Point, measure: str, attribute: str) -> tuple[list[Comparison], list[Comparison]]:
        """Comparisons of groups that differ in one attribute alone: as a whole,
        and within each group alike otherwise.
        """
        if self.doubted(point):
            return [], []
        mine = dict(part.split("=", 1) for part in self.reference.split("|") if "=" in part).get(attribute)
        whole, within = [], {}
        for r in self._ratios.get((point.id, measure, self.weighting), []):
            group, other = (
                dict(part.split("=", 1) for part in str(r[name]).split("|") if "=" in part)
                for name in ("group", "reference")
            )
            apart = [name for name in group if group[name] != other.get(name)]
            if list(group) != list(other) or apart != [attribute] or other[attribute] != mine or not r["certainty"]:
                continue
            if str(r["certainty"]) == "too few people" or str(r["note"]).startswith("withheld"):
                continue
            numbers = (finite(r["ratio"]), finite(r["low"]), finite(r["high"]))
            names = {"operating_point": point.id, "measure": measure, "weighting": self.weighting}
            names |= {"group": str(r["group"]), "reference": str(r["reference"])}
            made = Comparison(
                str(r["group"]),
                str(r["reference"]),
                *numbers,
                str(r["certainty"]),
                "ok",
                row_key("differentials", **names),
                r,
            )
            if len(group) == 1:
                whole.append(made)
            elif "|".join(group) == "|".join(dict(part.split("=", 1) for part in self.reference.split("|"))):
                within[made.group] = made
        return whole, [within[name] for name in sorted(within)]

    @property
    def sex(self) -> str:
        """The attribute that holds what was recorded as sex, if one does."""
        named = [name for name in self.config.groups.attributes if name.casefold() in ("sex", "gender")]
        return named[0] if named and "=" in self.reference else ""

    def others(self, attribute: str) -> list[str]:
        """The other attributes of groups, in words."""
        return [name.replace("_", " ") for name in self.config.groups.attributes if name != attribute]

    def only_likely(self, point: Point, measure: str) -> list[str]:
        """Why differences of this measure are only likely: which label sources did not confirm which groups, and which
        hold only by themselves.
        """
        rows = [
            row for row in self.comparisons(point, measure) if row.certainty == wording.LIKELY and row.standing == "ok"
        ]
        titles = self.label_titles()
        doubted: dict[str, list[str]] = {}
        alone = []
        for row in rows:
            lost, _ = sources_of(str(row.row.get("note", "")))
            for source in lost:
                doubted.setdefault(source, []).append(row.group)
            if not lost:
                alone.append(row.group)
        out = [
            f"{titles.get(source, source)} does not confirm it for {wording.groups_in_words(groups)}"
            for source, groups in doubted.items()
        ]
        if alone:
            out.append(
                f"for {wording.groups_in_words(alone)} it holds for that group alone, not for all groups at once"
            )
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
        groups = {
            group.name for group in self.labelled if self.rate(self.headline, self.wrong, group.name).standing == "ok"
        }
        rows = frame[
            (frame["operating_point"] == self.headline.id)
            & (frame["measure"] == self.wrong)
            & frame["group"].isin(groups)
        ]
        return bool((rows["subjects"] < self.minimum).any())

    def with_two(self, name: str) -> str:
        """People of a group with two or more photos, of all: "40 of 120"."""
        table = self.result.acquisition
        row = table[table["group"] == name]
        if row.empty or not np.isfinite(float(row["subjects_with_two"].iloc[0])):
            return ""
        return f"{wording.whole(row['subjects_with_two'].iloc[0])} of {wording.whole(row['subjects'].iloc[0])}"
