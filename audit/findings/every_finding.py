"""Tables of one audit in, every finding out, the answer first.

Its one idea: what is said and in which order is one list for every audit, of photographs, of pairs and of searches
alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from audit.base.groups import ALL
from audit.findings.evidence import Tables, rate_key, rate_row
from audit.findings.finding import Finding, row_key
from audit.findings.gaps import FAMILY_CAVEAT, beside_intervals, differential, exactly
from audit.findings.said_of_rates import noun, point_in_words, rate_words
from audit.words import wording as say

__all__ = ["find"]


def _level(tables: Tables, point: pd.Series[Any]) -> Finding | None:
    """Both errors over everybody."""
    name = str(point.operating_point)
    rows = [
        (measure, row)
        for measure in tables.measures
        if (row := rate_row(tables, name, measure, ALL)) is not None and row.trials
    ]
    if not rows:
        return None
    parts = [f"{noun(measure)}, {rate_words(row, say.denominator([row.rate]), tables)}" for measure, row in rows]
    sentence = f"At {point_in_words(point)}, over all labelled people: {'; '.join(parts)}." + exactly(tables, name)
    caveat = (
        f"A rate over everybody hides the mix of groups in "
        f"{'these outputs' if tables.handed_over else 'this benchmark'}."
    )
    caveats = (caveat, FAMILY_CAVEAT) if tables.people_known else (caveat,)
    return Finding("level", "level", sentence, tuple(rate_key(row) for _, row in rows), caveats)


def _acquisition(tables: Tables) -> Finding:
    if tables.handed_over:
        sentence = (
            "These outputs do not say how many photos there were, nor from which of them the matcher made no template."
        )
        return Finding("acquisition", "acquisition", sentence, ())
    total = tables.acquisition[["samples", "acquired"]].sum()
    lost = int(total.samples - total.acquired)
    fta = tables.rates[(tables.rates.measure == "FTA") & (tables.rates.weighting == "comparisons")]
    cells = fta[
        fta.group.str.contains("=")
        & (fta.subjects >= tables.minimum_subjects)
        & fta.group.isin(set(tables.acquisition.group))
    ]
    tried = sentence = f"The matcher made no template from {say.whole(lost)} of {say.count(total.samples, 'photo')}."
    evidence: tuple[str, ...] = tuple(rate_key(row) for _, row in cells.iterrows())
    if lost and len(cells):
        worst = cells.sort_values(["rate", "group"], ascending=[False, True]).iloc[0]
        words = say.rate_in_words(
            worst.rate,
            worst.low,
            worst.high,
            worst.subjects,
            measure="FTA",
            weighting="comparisons",
            confidence=tables.confidence,
        )
        sentence += f" The share was highest for {say.group_in_words(str(worst.group))}: {words}."
    return Finding("acquisition", "acquisition", sentence, evidence, values={"total": tried})


def _people(tables: Tables) -> Finding:
    table = tables.acquisition
    evidence = tuple(row_key("acquisition", group=str(group)) for group in table.group)
    labelled = table[table.group != "unlabelled"]
    groups = say.count(len(labelled), "group")
    if not tables.people_known:
        return Finding(
            "people",
            "people",
            f"These outputs do not say how many people there are; their labels name {groups}.",
            evidence,
        )
    unlabelled = int(table.loc[table.group == "unlabelled", "subjects"].sum())
    few = labelled[labelled.subjects < tables.minimum_subjects]
    how = "were compared with each other"
    if tables.handed_over:
        how = (
            "were searched for, by somebody else"
            if tables.searched
            else "were compared, in pairs that somebody else chose"
        )
    sentence = f"{say.people(labelled.subjects.sum())} with labels in {groups} {how}."
    if unlabelled:
        sentence += f" {say.people(unlabelled)} without one agreed label are counted apart.".replace(
            "1 person without one agreed label are", "1 person without one agreed label is"
        )
    if len(few):
        named = say.groups_in_words(str(group) for group in few.group)
        sentence += f" Groups too small to judge (under {tables.minimum_subjects} people): {named}."
    return Finding("people", "people", sentence, evidence)


def _thresholds(tables: Tables, points: pd.DataFrame) -> list[Finding]:
    """What each further operating point says about the reference and the worst
    cell, with its price in missed people.
    """
    out = []
    for _, point in points.iloc[1:].iterrows():
        if point.protocol == "per_group":
            continue
        found = differential(tables, point, tables.measures[1] if point.protocol == "rank" else tables.measures[0])
        out.append(
            Finding(
                f"at:{point.operating_point}",
                "threshold",
                found.statement,
                found.evidence,
                found.caveats,
                found.certainty,
                found.values,
            )
        )
    return out


def find(tables: Tables, sensitivity: Sequence[Finding] = ()) -> tuple[Finding, ...]:
    """Every finding, the answer first.

    Parameters
    ----------
    tables : Tables
    sensitivity : sequence of Finding
        Findings of other rooms (labels, quality) to put before the level.
    """
    points = tables.operating_points
    points = points.assign(shown=say.shown_thresholds(points.to_dict("records")))
    headline = points.iloc[0]
    found = [differential(tables, headline, measure) for measure in tables.measures]
    level = _level(tables, headline)
    whole = (
        *found,
        *sensitivity,
        *([level] if level else []),
        _acquisition(tables),
        _people(tables),
        *_thresholds(tables, points),
    )
    return beside_intervals(whole) if tables.people_known else whole
