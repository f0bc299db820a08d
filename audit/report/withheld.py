"""An ``AuditResult`` in, the same with small groups blanked out: the rule ``report.suppress_below``.

Its one idea: what is withheld is withheld before any page is made, so no page can print it. Totals over groups are not
adjusted, and the report says so.
"""

from __future__ import annotations

from dataclasses import replace

from audit.findings.withheld import blanked, few
from audit.results import AuditResult

__all__ = ["published"]


def published(result: AuditResult) -> tuple[AuditResult, frozenset[str]]:
    """Blank every group with fewer people than ``report.suppress_below``; give the names of those groups too."""
    least = result.config.report.suppress_below
    if not least:
        return result, frozenset()
    small = few(result.acquisition, result.rates, least)
    names = [name.casefold() for name in small]
    findings = tuple(
        replace(
            finding,
            statement=f"Withheld for publishing: it rests on fewer than {least} people.",
            values={},
            caveats=(),
            certainty="",
        )
        if finding.kind != "claim" and any(name in f"{finding.evidence} {finding.values}".casefold() for name in names)
        else finding  # verdicts are judged on blanked tables
        for finding in result.findings
    )
    shown = replace(
        result,
        rates=blanked(result.rates, small, least),
        differentials=blanked(result.differentials, small, least),
        acquisition=blanked(result.acquisition, small, least),
        tables={name: blanked(frame, small, least) for name, frame in result.tables.items()},
        findings=findings,
        histograms=None,
    )
    return shown, small
