"""What follows from a serious doubt: findings, ratios and verdicts that are not judged, each in its place and with its
reason.

Its one idea: numbers stay (they are what was counted), and everything that would speak about groups says that it was
not judged.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from audit.findings.finding import Finding
from audit.findings.looked_at import of_point, serious

__all__ = ["NOT_JUDGED", "WHY", "certainties", "claims_after", "findings_after"]

NOT_JUDGED = "not judged"
WHY = "a doubt stands that must be settled first"

_GROUPS = {"differential", "threshold", "quality", "overrides"}
_RULES = {"differential", "power", "matched", "levels", "limits"}
_ERRORS = {"false_positive_differential": "wrong person errors", "false_negative_differential": "missed person errors"}


def certainties(table: pd.DataFrame, doubts: tuple[Finding, ...]) -> pd.DataFrame:
    """A table of ratios whose certainty (where there is one) is ``NOT_JUDGED`` at the operating points in doubt."""
    if "certainty" not in table or "operating_point" not in table or table.empty or not serious(doubts):
        return table
    hit = pd.Series(
        [bool(of_point(doubts, str(point))) for point in table["operating_point"]], index=table.index
    ) & table["certainty"].ne("")
    return table.assign(certainty=table["certainty"].where(~hit, NOT_JUDGED))


def findings_after(doubts: tuple[Finding, ...], findings: tuple[Finding, ...], headline: str) -> tuple[Finding, ...]:
    """Doubts first; then the findings, those about groups not judged where a serious doubt stands."""

    def after(one: Finding) -> Finding:
        point = one.key.removeprefix("at:") if one.kind == "threshold" else headline
        if not of_point(doubts, point):
            return one
        if one.kind == "acquisition":  # the group with most failures is not named
            return replace(one, statement=str(one.values.get("total", one.statement)), evidence=(), values={})
        if one.kind not in _GROUPS:
            return one
        what = (
            f"whether {_ERRORS[one.key]} differ between groups"
            if one.key in _ERRORS
            else "what this operating point says of groups"
        )
        what = {
            "quality": "what becomes of gaps at matched image quality",
            "overrides": "what corrections change",
        }.get(one.kind, what)
        return replace(one, statement=f"Not judged: {what}; {WHY}.", caveats=(), certainty=NOT_JUDGED, values={})

    return (*doubts, *map(after, findings))


def claims_after(doubts: tuple[Finding, ...], point: str, judged: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Verdicts at an operating point, those that rest on its rates not judged where a serious doubt stands there."""
    if not of_point(doubts, point):
        return judged
    return tuple(_unjudged(one) if one.values["rule"] in _RULES else one for one in judged)


def _unjudged(claim: Finding) -> Finding:
    names = list(claim.values["verdicts"])
    said = {"verdicts": dict.fromkeys(names, NOT_JUDGED), "reasons": dict.fromkeys(names, WHY), "more": ""}
    return replace(claim, statement=f"{NOT_JUDGED.capitalize()}: {WHY}.", values=claim.values | said)
