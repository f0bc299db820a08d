"""What follows from what a run kept: the tables and findings that results write and pages print."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from audit.findings.finding import Finding

__all__ = ["Assessment"]


@dataclass(frozen=True, eq=False)
class Assessment:
    """What follows from what a run saw.

    Attributes
    ----------
    rates, differentials, operating_points : DataFrame
        As written to results.
    findings : tuple of Finding
    tables : dict of str to DataFrame
        Further tables by file stem.
    """

    rates: pd.DataFrame
    differentials: pd.DataFrame
    operating_points: pd.DataFrame
    findings: tuple[Finding, ...]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
