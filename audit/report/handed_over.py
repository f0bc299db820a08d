"""Facts of an audit of somebody else's outputs in, the tables out that no other audit has; None where there is nothing
of the kind.

Its one idea: these stand in the ordinary page, each in the section that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from audit.report.facts import Facts
from audit.report.printed import Table, cell
from audit.words import wording

__all__ = ["decided", "false_candidates", "refused", "selectivity"]


def _table(facts: Facts, name: str, caption: str, heads: Mapping[str, str]) -> Table | None:
    found = facts.result.tables.get(name)
    if found is None or found.empty:
        return None
    points = {point.id: point.short for point in facts.points}

    def words(column: str, value: Any) -> str:
        if column in ("group", "candidate_group"):
            return wording.group_label(str(value))
        return points.get(str(value), str(value)) if column == "operating_point" else cell(column, value)

    numeric = frozenset(k for k, column in enumerate(heads) if pd.api.types.is_numeric_dtype(found[column]))
    rows = tuple(tuple(words(column, row[column]) for column in heads) for row in found.to_dict("records"))
    return Table(caption, tuple(heads.values()), rows, (), True, numeric)


def refused(facts: Facts) -> Table | None:
    """What an audit of outputs alone cannot say, why, and what it would need."""
    return _table(
        facts,
        "refused",
        "What these outputs cannot say",
        {"what": "What", "why": "Why", "needs": "What it would need"},
    )


def decided(facts: Facts) -> Table | None:
    """Of each group's pairs, the share decided rightly."""
    heads = {"group": "Group", "pairs": "Pairs", "share_right": "Decided rightly"}
    heads |= {"own_threshold": "Own best threshold", "own_share_right": "At its own best"}
    return _table(facts, "decided", "Pairs decided rightly, at one threshold and at each group’s own best", heads)


def selectivity(facts: Facts) -> Table | None:
    """How many candidates one search returns."""
    heads = {
        "group": "Group",
        "operating_point": "Threshold",
        "searches": "Searches",
        "selectivity": "Candidates a search",
        "note": "Note",
    }
    return _table(facts, "selectivity", "Candidates of one search (SEL)", heads)


def false_candidates(facts: Facts) -> Table | None:
    """Wrong candidates by the group of the person searched for and their own."""
    heads = {
        "group": "Searched for",
        "candidate_group": "Returned",
        "operating_point": "Threshold",
        "candidates": "Wrong candidates",
    }
    return _table(facts, "false_candidates", "Wrong candidates, by group", heads)
