"""What doubts are found in, and how one is written down.

Its one idea: a doubt is a finding like any other, with the rows it rests on; it also says whether it is serious, and
at which operating points it stands (none named: at all of them).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from audit.base.groups import ALL
from audit.findings.finding import Finding

__all__ = ["FEW", "KIND", "Looked", "doubt", "of_point", "polarity", "serious"]

KIND = "doubt"

FEW = 20
"""Comparisons, searches or photos below which "all" or "none" of them may be chance."""

_POLARITY = {
    "scores": "backend.options.kind (similarity or dissimilarity), or the column of backend.options.mated",
    "candidates": "backend.options.kind (similarity or dissimilarity)",
    "templates": "backend.options.measure",
    "onnx": "backend.options.measure",
}


class Looked(NamedTuple):
    """Tables as in results, what is known of the matcher (``matcher`` of ``audit.json``), and the backend's name."""

    separation: pd.DataFrame
    rates: pd.DataFrame
    operating_points: pd.DataFrame
    curve: pd.DataFrame
    acquisition: pd.DataFrame
    matcher: Mapping[str, Any]
    backend: str

    def everybody(self) -> Any:
        """The separation of all labelled people's scores, or None."""
        rows = self.separation[self.separation["group"] == ALL]
        return None if rows.empty or not rows["lowest"].notna().iloc[0] else rows.iloc[0]

    def span(self) -> str:
        """From which score to which, in the matcher's own unit; "" where that is not known."""
        row = self.everybody()
        if row is None:
            return ""
        ends = (
            (-row.highest, -row.lowest) if self.matcher.get("kind") == "dissimilarity" else (row.lowest, row.highest)
        )
        return f"{ends[0]:.6g} to {ends[1]:.6g}"


def doubt(
    name: str, statement: str, evidence: tuple[str, ...], *, grave: bool = True, points: tuple[str, ...] = ()
) -> Finding:
    """A doubt; ``grave``: while it stands, nothing is a finding about groups at ``points`` (all of them where none is
    named).
    """
    return Finding(f"doubt:{name}", KIND, statement, evidence, (), "", {"serious": grave, "points": list(points)})


def polarity(backend: str) -> str:
    """Which key says whether larger scores mean more alike."""
    return _POLARITY.get(backend, "the rule that the matcher states (measure, kind)")


def serious(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The doubts that leave nothing to be said about groups, at some operating point or at all of them."""
    return tuple(one for one in findings if one.kind == KIND and one.values.get("serious"))


def of_point(findings: tuple[Finding, ...], point: str) -> tuple[Finding, ...]:
    """The serious doubts that stand at an operating point."""
    return tuple(one for one in serious(findings) if not one.values["points"] or point in one.values["points"])
