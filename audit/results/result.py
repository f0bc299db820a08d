"""Everything one audit found, as one value.

Its one idea: what a run kept (observations) and what follows from it stand side by side, so that the second can be
made again from the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from audit.comparisons.types import ScoreHistograms
from audit.config import AuditConfig
from audit.findings.finding import Finding
from audit.observations.kept import ScoreSums
from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import Tallies

__all__ = ["AuditResult"]


@dataclass(frozen=True, eq=False)
class AuditResult:
    """Everything one audit found.

    Attributes
    ----------
    config : AuditConfig
    about : dict
        ``audit.json``: what was tested and on whom, without clock: keys ``benchmark`` (card facts: title, licence,
        labels and who made them, defects, variant, label_agreement), ``matcher`` (product, version, rule, model
        hashes), ``counts`` (subjects, samples, acquired, comparisons, mated, missing and disputed labels), ``limited``
        (words, or ""), ``protocol`` (the benchmark's own result, or absent).
    provenance : dict
        Clock, machine, versions, which path ran, seconds per stage and per group.
    acquisition, operating_points, rates, differentials : DataFrame
        Columns as stated in ``words.columns``.
    histograms : ScoreHistograms or None
    tallies : Tallies or None
        None where only scores were given and no people are known.
    findings : tuple of Finding
    tables : dict of str to DataFrame
        Further tables by file stem: summaries, power, curves, label_sensitivity, quality, ...
    before : Tallies or None
        The benchmark as handed out, where the configuration names overrides.
    shift : ScoreSums or None
    searches : SearchCounts or None
        Where the configuration asks for searches of galleries.
    register : str or None
        The text of the user's own register of claims; None for one inside the package.
    """

    config: AuditConfig
    about: dict[str, Any]
    provenance: dict[str, Any]
    acquisition: pd.DataFrame
    operating_points: pd.DataFrame
    rates: pd.DataFrame
    differentials: pd.DataFrame
    histograms: ScoreHistograms | None
    tallies: Tallies | None
    findings: tuple[Finding, ...]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    before: Tallies | None = None
    shift: ScoreSums | None = None
    searches: SearchCounts | None = None
    register: str | None = None

    @classmethod
    def unjudged(
        cls, config: AuditConfig, about: dict[str, Any], acquisition: pd.DataFrame, **kept: Any
    ) -> AuditResult:
        """What a run saw, before any rate: the tables that follow from it are empty."""
        none = pd.DataFrame()
        made: dict[str, Any] = {"operating_points": none, "histograms": None, "tallies": None} | kept
        return cls(config, about, {}, acquisition, rates=none, differentials=none, findings=(), **made)
