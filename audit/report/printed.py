"""Tables: as the pages print them, and as files with a description that a program can read (``datapackage.json``).

In: frames as in ``words.columns``. Out: rows of plain text, CSV bytes, JSON. Its one idea: a printed row carries the
id that evidence keys lead to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from audit.findings.finding import row_key
from audit.report.facts import Facts
from audit.report.published import LOCAL
from audit.report.standing import Measured, anchor
from audit.words import wording
from audit.words.columns import TABLES
from audit.words.notes import MEANS, without

__all__ = ["Table", "appendix", "cell", "plain", "listed"]


@dataclass(frozen=True)
class Table:
    """A table as printed: the first cell of each row is its head. ``wide`` scrolls on a narrow page."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ids: tuple[str, ...] = ()
    wide: bool = False
    numeric: frozenset[int] = field(default=frozenset())


def plain(value: Any) -> str:
    """A value of a results table as an auditor reads it: four significant digits, empty where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{int(value):,}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def listed(value: Any) -> str:
    """A value, or several behind one another."""
    return "; ".join(str(item) for item in value) if isinstance(value, (list, tuple)) else plain(value)


_EXACT = ("threshold", "score_threshold", "own_threshold", "default_threshold")


def cell(column: str, value: Any) -> str:
    """``plain``, but thresholds in full: a rounded one decides other scores than it did."""
    return (
        wording.exact(value)
        if column in _EXACT and isinstance(value, float) and math.isfinite(value)
        else plain(value)
    )


def _frame_table(frame: pd.DataFrame, caption: str, columns: Sequence[str], name: str, keys: Sequence[str]) -> Table:
    present = [column for column in columns if column in frame.columns]
    records = frame.to_dict("records")
    rows = tuple(tuple(cell(column, record[column]) for column in present) for record in records)
    ids = (
        tuple(anchor(row_key(name, **{key: str(record[key]) for key in keys if key in record})) for record in records)
        if keys
        else ()
    )
    numeric = frozenset(k for k, column in enumerate(present) if pd.api.types.is_numeric_dtype(frame[column]))
    heads = tuple(column.replace("_", " ") for column in present)
    return Table(caption, heads, rows, ids, True, numeric)


def appendix(facts: Facts) -> list[Table]:
    """The tables that evidence keys lead to: rates within groups, ratios, acquisition, operating points, and whatever
    further tables came.
    """
    result = facts.result
    said_once = (
        f"The rates are means over pairs of people (or people), not errors / "
        f"{'searches' if facts.searched else 'trials'}."
    )
    keys = ("operating_point", "measure", "weighting", "group", "other_group", "reference")
    rates = result.rates
    inside = rates[
        (rates["other_group"] == "") & ((rates["weighting"] == facts.weighting) | (rates["measure"] == "FTA"))
    ].copy()
    inside["note"] = [without(str(note), MEANS) for note in inside["note"]]
    columns = [
        "group",
        "measure",
        "operating_point",
        "rate",
        "low",
        "high",
        "subjects",
        "errors",
        "trials",
        "design_effect",
        "interval",
        "note",
    ]
    fta = [*columns[:2], "weighting", *columns[3:]]
    out = [
        _frame_table(
            inside[inside["measure"] != "FTA"],
            f"Rates within groups, weighted by {facts.weighting}. "
            f"{said_once if facts.weighting == 'people' else ''}".strip(),
            columns,
            "rates",
            keys[:5],
        ),
        _frame_table(
            inside[inside["measure"] == "FTA"], "Failure to acquire, both weightings", fta, "rates", keys[:5]
        ),
    ]
    ratios = result.differentials
    ratios = ratios[ratios["weighting"] == facts.weighting]
    heads = [
        "group",
        "reference",
        "measure",
        "operating_point",
        "ratio",
        "low",
        "high",
        "certainty",
        "interval",
        "note",
    ]
    out.append(
        _frame_table(
            ratios,
            f"Ratios to the reference, weighted by {facts.weighting}",
            heads,
            "differentials",
            (*keys[:4], "reference"),
        )
    )
    out.append(
        _frame_table(
            result.acquisition, "Photos tried and acquired", list(TABLES["acquisition.csv"]), "acquisition", ("group",)
        )
    )
    out.append(
        _frame_table(
            result.operating_points, "Operating points", list(TABLES["operating_points.csv"]), "operating_points", ()
        )
    )
    gaps = result.tables.get("differences")
    if gaps is not None:
        heads = [
            "group",
            "reference",
            "measure",
            "operating_point",
            "rate",
            "reference_rate",
            "difference",
            "low",
            "high",
            "interval",
            "note",
        ]
        caption = f"Rate minus the reference’s rate, weighted by {facts.weighting}"
        out.append(
            _frame_table(
                gaps[gaps["weighting"] == facts.weighting], caption, heads, "differences", (*keys[:4], "reference")
            )
        )
    for name, frame in sorted(result.tables.items()):
        if name in (*LOCAL, "curves", "differences", "references", "refused"):
            continue
        both = "weighting" in frame and frame["weighting"].nunique() > 1
        shown = frame[frame["weighting"] == facts.weighting] if both else frame
        said = f", weighted by {facts.weighting}" if both else ""
        if len(shown) <= 200:
            out.append(
                _frame_table(shown, f"Further table: {name.replace('_', ' ')}{said}", list(frame.columns), name, keys)
            )
    return [table for table in out if table.rows]


def weightings(facts: Facts) -> Table:
    """Both weightings side by side at the headline operating point: rate, interval, design effect, and what the ten
    most photographed hold.
    """
    point, names = facts.headline, [group.name for group in facts.groups]
    per = {measure: facts.per(point, measure, names) for measure in ("FMR", "FNMR")}
    frame = facts.result.tables.get("most_photographed")
    held = {} if frame is None else {str(row["group"]): row for row in frame.to_dict("records")}
    rows = []
    for group in facts.groups:
        row = [group.label]
        for measure, share in (("FMR", "share_of_non_mated"), ("FNMR", "share_of_mated")):
            found = [facts.rate(point, measure, group.name, weighting) for weighting in ("people", "comparisons")]
            row += [_with_effect(facts, item, per[measure]) for item in found]
            if held:
                known = all(item.standing in ("ok", "none seen") for item in found) and group.name in held
                row.append(wording.percent(float(f"{held[group.name][share]:.2g}")) if known else "")
        rows.append(tuple(row))
    heads = ["Group"]
    for noun, measure in (("Wrong person", "FMR"), ("Missed person", "FNMR")):
        heads += [f"{noun} in {per[measure]:,}, by people", f"{noun} in {per[measure]:,}, by comparisons"]
        heads += ["Held by ten people"] if held else []
    caption = (
        f"Two questions, two weightings, at {point.words}; interval, "
        f"{wording.percent(facts.confidence)}, and design effect below each rate"
    )
    caption += (
        ". Held by ten people: share of those comparisons in which one of the group’s ten most photographed takes part"
        if held
        else ""
    )
    return Table(caption, tuple(heads), tuple(rows), (), True, frozenset(range(1, len(heads))))


def _with_effect(facts: Facts, item: Measured, per: int) -> str:
    """A rate with its interval and design effect, a line each, or why there is none."""
    if item.standing not in ("ok", "none seen"):
        return {"too few": "too few people", "withheld": "withheld", "no trials": "nothing to count"}.get(
            item.standing, "not measured"
        )
    if item.standing == "none seen":
        return f"none seen\n(up to {wording.out_of(item.high, per)})" if math.isfinite(item.high) else "none seen"
    known = math.isfinite(item.low) and math.isfinite(item.high)
    limits = (
        f"({wording.interval_in_words(item.low, item.high, per)})".replace(" ", "\N{NO-BREAK SPACE}")
        if known
        else "(no interval)"
    )
    effect = float(item.row.get("design_effect") or math.nan)
    return f"{wording.out_of(item.rate, per)}\n{limits}" + (
        f"\neffect\N{NO-BREAK SPACE}{wording.number(effect)}" if math.isfinite(effect) else ""
    )
