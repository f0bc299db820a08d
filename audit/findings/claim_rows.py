"""The tables of one audit in, the rows that one part of a claim speaks of out, with the verdict they give and its
words.

Its one idea: a verdict on rows is counted, not chosen: how many groups are clearly over, under or alike decides it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from audit.findings.finding import row_key
from audit.findings.register import Part
from audit.words import wording

__all__ = [
    "CANNOT_TELL",
    "Evidence",
    "NOT_SUPPORTED",
    "OUT_OF_SCOPE",
    "SUPPORTED",
    "alike_otherwise",
    "between",
    "headline",
    "key",
    "outcome",
]

SUPPORTED, NOT_SUPPORTED = "supported", "not supported"


CANNOT_TELL, OUT_OF_SCOPE = "cannot tell with these data", "out of scope"


@dataclass(frozen=True)
class Evidence:
    """What verdicts rest on: the tables of one audit, the headline operating point and the policy of its config."""

    point: str
    reference: str
    differentials: pd.DataFrame
    rates: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    much: float = 2.0
    minimum: int = 30
    backend: str = ""
    seconds: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    points: Mapping[str, str] = field(default_factory=dict)
    per: int = 1000
    """The denominator of every rate at the headline operating point (``one_denominator``)."""


def key(table: str, row: Any) -> str:
    """The key that leads to a row."""
    names = ("operating_point", "measure", "weighting", "group", "other_group", "reference")
    return row_key(table, **{name: str(getattr(row, name)) for name in names if hasattr(row, name)})


def headline(frame: pd.DataFrame, claim: Evidence, measure: str) -> pd.DataFrame:
    """Rows of a measure at the operating point judged, by people."""
    if frame.empty:
        return frame
    chosen = (
        (frame["measure"] == measure)
        & (frame["weighting"] == "people")
        & frame["operating_point"].isin([claim.point, ""])
    )
    return frame[chosen]


def _absolute(rows: pd.DataFrame, group: str, gaps: pd.DataFrame | None, per: int) -> str:
    """The gap in numbers beside a ratio: ", 290 more in 1,000 (240 to 340)"; "" where it was not computed."""
    if gaps is None or gaps.empty:
        return ""
    names = ["operating_point", "measure", "weighting", "group", "reference"]
    row = rows[rows["group"] == group].iloc[0]
    found = gaps[(gaps[names] == row[names]).all(axis=1)]
    if found.empty or not math.isfinite(float(found["difference"].iloc[0])):
        return ""
    gap = [float(found[name].iloc[0]) for name in ("difference", "low", "high")]
    return f", {wording.difference_in_words(gap[0], gap[1], gap[2], per)}"


def outcome(rows: pd.DataFrame, much: float, gaps: pd.DataFrame | None = None, per: int = 1000) -> tuple[str, str]:
    """Verdict and words on the rows of one part and one measure, by the rule ``differential``."""
    judged = rows[
        rows["certainty"].isin([wording.CLEAR, wording.LIKELY, wording.UNCERTAIN])
        | rows["certainty"].str.startswith("no difference")
    ]
    if judged.empty:
        few = (rows["certainty"] != "").any()
        return CANNOT_TELL, "too few people to compare" if few else "no errors were seen from which to compare"
    up = (judged["ratio"] > 1) | (judged["low"] > 1)
    clear, likely = judged["certainty"] == wording.CLEAR, judged["certainty"] == wording.LIKELY
    much_more, fewer = clear & up & (judged["low"] >= much), clear & ~up
    alike = judged["certainty"].str.startswith("no difference")
    total, least = len(judged), len(judged) / 2
    words = [
        (int(much_more.sum()), f"clearly more often, at least {wording.number(much)} times"),
        (int((clear & up & ~much_more).sum()), "clearly more often"),
        (int((likely & up).sum()), "likely more often"),
        (int(fewer.sum()), "clearly less often"),
        (int((likely & ~up).sum()), "likely less often"),
        (int(alike.sum()), "no difference larger than the margin"),
        (int((judged["certainty"] == wording.UNCERTAIN).sum()), "too uncertain to say"),
    ]
    said = f"of {wording.count(total, 'group')}, " + ", ".join(f"{n} {what}" for n, what in words if n)
    known = [
        (float(r), float(lo), float(hi), str(g))
        for r, lo, hi, g in zip(*(judged[c] for c in ("ratio", "low", "high", "group")), strict=True)
    ]
    furthest = max((entry for entry in known if entry[0] == entry[0]), default=None)
    if furthest:
        said += (
            f"; the highest ratio is that of {wording.group_label(furthest[3])}, "
            f"{wording.ratio_in_words(*furthest[:3])}"
        )
        said += _absolute(judged, furthest[3], gaps, per)
    if much_more.sum() >= least and not fewer.any():
        return SUPPORTED, said
    if not (up & (clear | likely)).any() and (fewer | alike).sum() >= least:
        return NOT_SUPPORTED, said
    return CANNOT_TELL, said


def alike_otherwise(part: Part, evidence: Evidence, measure: str) -> list[tuple[str, pd.DataFrame]]:
    """Rows between groups that differ in the part's attribute alone: as a whole, and within each group alike
    otherwise; words before each.
    """
    others = evidence.tables.get("references")
    frames = [(evidence.differentials, False), *([(others, True)] if others is not None else [])]
    found = [
        headline(frame, evidence, measure).assign(elsewhere=elsewhere) for frame, elsewhere in frames if len(frame)
    ]
    rows = pd.concat(found) if found else pd.DataFrame({"group": [], "reference": []}, dtype=str)
    alike = [part.held_against(str(g), str(r)) for g, r in zip(rows["group"], rows["reference"], strict=True)]
    rows = rows[pd.Series(alike, index=rows.index, dtype=bool).to_numpy()]
    rest = [
        name
        for name in (cell.split("=", 1)[0] for cell in evidence.reference.split("|"))
        if name.casefold() not in part.attribute
    ]
    whole = ~rows["group"].str.contains("|", regex=False)
    out = [(f"{part.words}, as a whole", rows[whole])]
    if rest:
        finest = rows["group"].str.count(r"\|") == evidence.reference.count("|")
        within = rows[finest & ~whole].drop_duplicates(["group", "reference"])
        out.append(
            (
                f"{part.words}, within each {wording.joined(name.replace('_', ' ') for name in rest)}",
                within.sort_values("group"),
            )
        )
    return out


def between(rows: pd.DataFrame, evidence: Evidence) -> tuple[str, str]:
    """Verdict on such rows, and every ratio in words."""
    if rows.empty:
        return CANNOT_TELL, ""
    verdict, said = outcome(rows, evidence.much, None)
    judged = [row for row in rows.itertuples() if row.certainty not in ("", "too few people")]
    if not judged:
        return verdict, said
    each = [f"{wording.group_label(str(r.group))} {_times(r)}, {r.certainty}" for r in judged]
    few = len(rows) - len(judged)
    return verdict, "; ".join(each) + (
        f"; {wording.count(few, 'pair')} of groups with too few people or errors" if few else ""
    )


def _times(row: Any) -> str:
    """A ratio with its interval; one of nothing is only bounded from above."""
    known = row.ratio > 0
    return wording.ratio_in_words(
        row.ratio if known else math.nan, row.low if known or row.low > 1 else math.nan, row.high
    )
