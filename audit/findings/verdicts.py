"""The tables of one audit and its register in, the verdicts at one operating point out.

Its one idea: a verdict is a rule over rows, so it can be read at every threshold of a run; findings hold those of the
headline, pages show the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from audit.config import AuditConfig
from audit.findings import claims, not_judged
from audit.findings.claim_rows import Evidence
from audit.findings.finding import Finding
from audit.findings.one_denominator import one_denominator
from audit.findings.register import load
from audit.findings.withheld import blanked, few
from audit.words.wording import operating_point_in_words, shown_thresholds

__all__ = ["in_words", "verdicts"]


def in_words(operating_points: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, each with its threshold as sentences print it (``shown``)."""
    rows = [{str(name): value for name, value in row.items()} for row in operating_points.to_dict("records")]
    return [row | {"shown": words} for row, words in zip(rows, shown_thresholds(rows), strict=True)]


def verdicts(
    config: AuditConfig,
    rates: pd.DataFrame,
    differentials: pd.DataFrame,
    operating_points: pd.DataFrame,
    acquisition: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    register: str | None,
    point: str = "",
    findings: tuple[Finding, ...] = (),
) -> tuple[Finding, ...]:
    """One finding of kind ``claim`` per claim of the register.

    Parameters
    ----------
    config : AuditConfig
    rates, differentials, operating_points, acquisition : DataFrame
        As written to results; what is withheld from publishing is blanked here.
    tables : mapping of str to DataFrame
        Further tables by file stem.
    register : str or None
        Text of the user's own register; None for one inside the package.
    point : str
        The operating point; the headline where empty.
    findings : tuple of Finding
        Those made so far: where a serious doubt stands at the point, claims that speak of groups or levels are not
        judged.
    """
    least = config.report.suppress_below
    small = few(acquisition, rates, least)
    points = in_words(operating_points)
    point = point or str(points[0]["operating_point"])
    evidence = Evidence(
        point,
        config.groups.reference,
        blanked(differentials, small, least),
        blanked(rates, small, least),
        {name: blanked(table, small, least) for name, table in tables.items()},
        config.uncertainty.much,
        config.groups.minimum_subjects,
        config.backend.name,
        limits={str(measure): limit for measure, limit in config.report.limits.items()},
        points={str(row["operating_point"]): operating_point_in_words(row) for row in points},
        per=one_denominator(
            rates, point, "people", set(acquisition["group"].astype(str)), config.groups.minimum_subjects
        ),
    )
    return not_judged.claims_after(findings, point, claims.judge(load(config.report.claims, register), evidence))
