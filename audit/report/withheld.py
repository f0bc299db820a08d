"""An ``AuditResult`` in, the same with small groups blanked out: the rule ``report.suppress_below``.

Its one idea: what is withheld is withheld before any page is made, so no page can print it. Totals over groups are not adjusted, and the report
says so.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from audit.results import AuditResult

__all__ = ["published"]

_KEPT = {"threshold", "score_threshold", "target", "label_error"}
"""Numbers that say nothing of a group; every other number in a withheld group's row goes, in whatever table."""


def _few(frame: pd.DataFrame, names: set[str]) -> pd.Series[bool]:
    hit = pd.Series(False, index=frame.index)
    for column in ("group", "other_group", "reference"):
        if column in frame.columns:
            hit |= frame[column].isin(names)
    return hit


def published(result: AuditResult) -> tuple[AuditResult, frozenset[str]]:
    """Blank every group with fewer people than ``report.suppress_below``; give the names of those groups too."""
    least = result.config.report.suppress_below
    if not least:
        return result, frozenset()
    small = set(result.acquisition.loc[result.acquisition["subjects"] < least, "group"])
    sizes = result.rates[(result.rates["measure"] == "FTA") & (result.rates["other_group"] == "")]
    small |= set(sizes.loc[sizes["subjects"] < least, "group"])
    note = f"withheld: fewer than {least} people"

    def blank(frame: pd.DataFrame) -> pd.DataFrame:
        hit = _few(frame, small)
        if "subjects" in frame.columns:
            hit |= (frame["subjects"] < least) & (frame["subjects"] > 0)
        out = frame.copy()
        for column in set(out.columns) - _KEPT:
            if pd.api.types.is_numeric_dtype(out[column]) and not pd.api.types.is_bool_dtype(out[column]):
                out[column] = out[column].astype(float).where(~hit)
        for column in ("interval", "certainty", "outcome"):
            if column in out.columns:
                out[column] = out[column].where(~hit, "")
        if "note" in out.columns:
            out["note"] = out["note"].where(~hit, note)
        return out

    tables = {name: blank(frame) for name, frame in result.tables.items()}
    names = [name.casefold() for name in small]
    findings = tuple(
        replace(finding, statement=f"Withheld for publishing: it rests on fewer than {least} people.", values={}, caveats=(), certainty="")
        if finding.kind != "claim" and any(name in f"{finding.evidence} {finding.values}".casefold() for name in names)
        else finding
        for finding in result.findings
    )
    shown = replace(
        result,
        rates=blank(result.rates),
        differentials=blank(result.differentials),
        acquisition=blank(result.acquisition),
        tables=tables,
        findings=findings,
        histograms=None,
    )
    return shown, frozenset(small)
