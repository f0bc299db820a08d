"""Pages that stand over more than one run: two runs compared, and the list of all runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from audit import wording
from audit.report.environment import page, say
from audit.report.facts import Facts
from audit.report.tables import Table
from audit.report.withheld import published
from audit.results import AuditResult

__all__ = ["compare_page", "index_page"]


def _at(facts: Facts, ident: str) -> str:
    return next((point.words for point in facts.points if point.id == ident), ident)


def _changed_rate(record: Mapping[Any, Any], first: Facts) -> tuple[str, ...]:
    """One row: both rates in one denominator, and the second over the first."""
    rates = [float(record[name]) for name in ("rate_a", "rate_b")]
    per = wording.denominator(rates)
    shown = [wording.out_of(rate, per) if rate == rate else "not measured" for rate in rates]
    ratio, low, high = (float(record[name]) for name in ("ratio", "low", "high"))
    measure = wording.capital(wording.measure_in_words(str(record["measure"])))
    words = wording.ratio_in_words(ratio if ratio > 0 else math.nan, low, high)
    where = _at(first, str(record["operating_point"]))
    return wording.group_label(str(record["group"])), measure, where, f"{per:,}", *shown, words, str(record["certainty"])


def _changed_gaps(comparison: pd.DataFrame, first: Facts, names: Sequence[str]) -> Table | None:
    """Whether each group's ratio to the reference changed; None where that was not computed."""
    if "change" not in comparison.columns:
        return None
    rows = []
    for record in comparison.dropna(subset=["change"]).to_dict("records"):
        change = wording.ratio_in_words(*(float(record[name]) for name in ("change", "change_low", "change_high")))
        both = [f"×{wording.number(float(record[name]))}" for name in ("differential_a", "differential_b")]
        rows.append(
            (wording.group_label(str(record["group"])), wording.capital(wording.measure_in_words(str(record["measure"]))))
            + (_at(first, str(record["operating_point"])), *both, change, str(record["change_certainty"]))
        )
    heads = ("Group", "Error", "Threshold", *names, "Second gap over first", "How sure")
    return Table("Each group’s rate over its reference, in both runs", heads, tuple(rows), (), True, frozenset({3, 4})) if rows else None


def compare_page(a: AuditResult, b: AuditResult, comparison: pd.DataFrame) -> bytes:
    """What changed between two audits, beyond chance.

    Parameters
    ----------
    a, b : AuditResult
        Before and after, or two matchers, on the same people.
    comparison : DataFrame
        Columns operating_point, measure, group, rate_a, rate_b, ratio, low, high, certainty: ``ratio`` is rate_b over rate_a. Where they are
        there too, reference, differential_a, differential_b, change, change_low, change_high, change_certainty say how the gap changed.
    """
    first, second = Facts(*published(a)), Facts(*published(b))
    small = first.withheld | second.withheld
    comparison = comparison[~comparison["group"].isin(small)]
    if "weighting" in comparison.columns:
        comparison = comparison[comparison["weighting"] == first.weighting]
    rows = [_changed_rate(record, first) for record in comparison.to_dict("records")]
    changed = comparison[comparison["certainty"] == wording.CLEAR]
    names = [str(say().matcher(facts)) for facts in (first, second)]
    heads = ("Group", "Error", "Threshold", "In", *names, "Second over first", "How sure")
    gaps = _changed_gaps(comparison, first, names)
    table = Table(f"{names[0]} and {names[1]}, group by group", heads, tuple(rows), (), True, frozenset({3, 4, 5}))
    more, fewer = (int(((changed["ratio"] > 1) == up).sum()) for up in (True, False))
    return page(
        "compare.html.j2",
        first=first,
        second=second,
        names=names,
        table=table,
        gaps=gaps,
        more=more,
        fewer=fewer,
        total=len(comparison),
        facts=second,
    )


def index_page(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """All runs with their first finding.

    Parameters
    ----------
    entries : sequence of mapping
        Each with ``name`` (the folder), ``title`` (benchmark and matcher), ``finding`` (the headline) and optional ``limited`` and ``date``.
    """
    return page("index.html.j2", entries=[{"limited": "", "date": "", **entry} for entry in entries])
