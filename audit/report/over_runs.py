"""Pages that stand over more than one run: two runs compared, and the list of all runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.report.facts import Facts
from audit.report.figures import row_marks
from audit.report.figures.canvas import log_scale
from audit.report.fill import page, say
from audit.report.printed import Table
from audit.report.withheld import published
from audit.results import AuditResult
from audit.words import wording

__all__ = ["compare_page", "index_page"]

Record = Mapping[Any, Any]


@dataclass(frozen=True)
class Change:
    """One error at one threshold in two runs: a drawing, the table under it, and
    whether gaps between groups changed.
    """

    words: str
    title: str
    svg: str
    table: Table
    gaps: Table | None


def _few(record: Record) -> bool:
    return str(record["certainty"]) == "too few people"


def _ratio(record: Record, *names: str) -> str:
    ratio, low, high = (float(record[name]) for name in names)
    return wording.ratio_in_words(ratio if ratio > 0 else math.nan, low, high)


def _rows(records: Sequence[Record], names: Sequence[str], caption: str) -> Table:
    """Both rates in one denominator, and the second over the first; too few people are shown and not estimated."""
    known = [float(record[name]) for record in records if not _few(record) for name in ("rate_a", "rate_b")]
    per = wording.denominator(known)
    rows: list[tuple[str, ...]] = []
    for record in records:
        label = wording.group_label(str(record["group"]))
        if _few(record):
            rows.append((label, "", "", "", "too few people to say"))
            continue
        rates = [float(record[name]) for name in ("rate_a", "rate_b")]
        shown = [wording.out_of(rate, per) if rate == rate else "not measured" for rate in rates]
        rows.append((label, *shown, _ratio(record, "ratio", "low", "high"), str(record["certainty"])))
    heads = ("Group", *(f"{name}, in {per:,}" for name in names), "Second over first", "How sure")
    return Table(caption, heads, tuple(rows), (), True, frozenset({1, 2}))


def _gaps(records: Sequence[Record], names: Sequence[str]) -> Table | None:
    """Whether each group's ratio to the reference changed; None where that was not computed."""
    rows = []
    for record in records:
        if _few(record) or not math.isfinite(float(record.get("change", math.nan))):
            continue
        both = [f"×{wording.factor(float(record[name]))}" for name in ("differential_a", "differential_b")]
        words = _ratio(record, "change", "change_low", "change_high")
        rows.append((wording.group_label(str(record["group"])), *both, words, str(record["change_certainty"])))
    heads = ("Group", *names, "Second gap over first", "How sure")
    return (
        Table(
            "Did the gap change? Each group’s rate over its reference, in both runs",
            heads,
            tuple(rows),
            (),
            True,
            frozenset({1, 2}),
        )
        if rows
        else None
    )


def _drawing(records: Sequence[Record], facts: Facts, ident: str, title: str, names: Sequence[str]) -> str:
    rows, limits = [], [0.5, 2.0]
    for record in records:
        group = facts.group(str(record["group"]))
        if _few(record):
            rows.append(row_marks.Row(group.label, "too few people", group.style))
            continue
        ratio, low, high = (float(record[name]) for name in ("ratio", "low", "high"))
        limits += [min(max(value, 0.01), 100.0) for value in (ratio, low, high) if math.isfinite(value) and value > 0]
        number, ends = wording.ratio_in_figures(ratio if ratio > 0 else math.nan, low, high)
        words = (f"{number} ({ends})" if ends else number) or "no ratio can be given"
        rows.append(row_marks.Row(group.label, words, group.style, ratio, low, high, sure=str(record["certainty"])))
    scale = log_scale(limits)
    ticks = [f"×{wording.number(tick)}" for tick in scale.ticks]
    draw = row_marks.rows_of_marks(rows, scale, ticks, "times the first run’s rate", line_at=1.0)
    described = f"{title} {names[1]} over {names[0]}: " + "; ".join(f"{row.label}, {row.words}" for row in rows) + "."
    return draw(None).svg(ident, title, described)


def _changes(comparison: pd.DataFrame, facts: Facts, names: Sequence[str]) -> list[Change]:
    order = {group.name: k for k, group in enumerate(facts.groups)}
    out: list[Change] = []
    for point in facts.points:
        for measure in (facts.wrong, facts.missed, "FNMR_with_failures"):
            chosen = comparison[(comparison["operating_point"] == point.id) & (comparison["measure"] == measure)]
            records = sorted(
                chosen.to_dict("records"),
                key=lambda record: (order.get(str(record["group"]), len(order)), str(record["group"])),
            )
            if not records:
                continue
            clear = [record for record in records if record["certainty"] == wording.CLEAR]
            more = sum(float(record["ratio"]) > 1 for record in clear)
            judged = sum(not _few(record) for record in records)
            noun = wording.capital(wording.measure_in_words(measure))
            title = (
                f"{noun}: of {wording.count(judged, 'group')}, {more} rose and {len(clear) - more} fell beyond chance."
            )
            finest = [record for record in records if str(record["group"]) in order]
            svg = _drawing(finest or records, facts, f"change-{len(out)}", title, names)
            out.append(
                Change(
                    point.words, title, svg, _rows(records, names, f"{noun}, at {point.words}"), _gaps(records, names)
                )
            )
    return out


def compare_page(a: AuditResult, b: AuditResult, comparison: pd.DataFrame) -> bytes:
    """What changed between two audits, beyond chance.

    Parameters
    ----------
    a, b : AuditResult
        Before and after, or two matchers, on the same people.
    comparison : DataFrame
        Columns operating_point, measure, group, rate_a, rate_b, ratio, low, high, certainty: ``ratio`` is rate_b over
        rate_a. Where they are there too, reference, differential_a, differential_b, change, change_low, change_high,
        change_certainty say how the gap changed.
    """
    first, second = Facts(*published(a)), Facts(*published(b))
    comparison = comparison[~comparison["group"].isin(first.withheld | second.withheld)]
    if "weighting" in comparison.columns:
        comparison = comparison[comparison["weighting"] == first.weighting]
    whole = [str(say().matcher(facts)) for facts in (first, second)]
    short = [
        str((facts.about.get("matcher") or {}).get("product") or name)
        for facts, name in zip((first, second), whole, strict=True)
    ]
    names = short if short[0] != short[1] else whole  # versions stand in the title only where they tell the two apart
    if names[0] == names[1]:
        names = [f"{name} ({facts.config.name})" for name, facts in zip(names, (first, second), strict=True)]
    groups = {group.name for group in first.labelled}
    shared = list(
        dict.fromkeys(comparison["operating_point"])
    )  # the second run may lack the first's own headline threshold
    point = first.headline.id if first.headline.id in shared else shared[0]
    here = comparison[(comparison["operating_point"] == point) & comparison["group"].isin(groups)]
    counts = {}
    for noun, measure in (("wrong", first.wrong), ("missed", first.missed)):
        mine = here[(here["measure"] == measure) & (here["certainty"] != "too few people")]
        clear = mine[mine["certainty"] == wording.CLEAR]
        counts[noun] = (int((clear["ratio"] > 1).sum()), int((clear["ratio"] < 1).sum()), len(mine))
    return page(
        "compare.html.j2",
        first=first,
        second=second,
        names=names,
        changes=_changes(comparison, first, names),
        counts=counts,
        facts=second,
    )


def index_page(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """All runs with their first finding.

    Parameters
    ----------
    entries : sequence of mapping
        Each with ``name`` (the folder), ``title`` (benchmark and matcher), ``finding`` (the headline) and optional
        ``limited`` and ``date``.
    """
    return page("index.html.j2", entries=[{"limited": "", "date": "", **entry} for entry in entries])
