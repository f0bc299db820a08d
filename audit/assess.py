"""Tallies in, everything that is computed from them out: rates, ratios, further tables, findings.

Its one idea: this is the part of the corridor that needs no template and no photograph, so ``run`` and ``verify`` share it to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from audit.comparisons.types import ScoreHistograms
from audit.config import AuditConfig
from audit.corrected import find_corrected
from audit.findings import Finding, Tables, find
from audit.matched import find_matched
from audit.rates import differentials as ratios
from audit.rates import identity, tables
from audit.rates.calibration import Calibrated, calibration_sets
from audit.rates.curves import curves
from audit.rates.differences import differences
from audit.rates.distributions import distributions
from audit.rates.dominance import most_photographed
from audit.rates.equity import equity
from audit.rates.groups import UNLABELLED
from audit.rates.label_error import label_error
from audit.rates.matching import quality_matched
from audit.rates.sensitivity import label_sensitivity, power
from audit.rates.summaries import summaries
from audit.rates.tallies import Tallies

__all__ = ["Assessment", "Observed", "assess"]


@dataclass(frozen=True, eq=False)
class Assessment:
    """What follows from tallies, acquisition and operating points alone."""

    rates: pd.DataFrame
    differentials: pd.DataFrame
    findings: tuple[Finding, ...]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Observed:
    """What else a run saw and a results directory keeps.

    Attributes
    ----------
    review : DataFrame or None
        ``review.csv``: the pairs a person should look at, and what was judged of them.
    histograms : ScoreHistograms or None
    overrides : DataFrame or None
        ``overrides.csv``: the audit with and without what people judged.
    judged : mapping
        Counts of what they judged.
    """

    review: pd.DataFrame | None = None
    histograms: ScoreHistograms | None = None
    overrides: pd.DataFrame | None = None
    judged: Mapping[str, Any] = field(default_factory=dict)


def assess(
    config: AuditConfig, tallies: Tallies, acquisition: pd.DataFrame, operating_points: pd.DataFrame, observed: Observed | None = None
) -> Assessment:
    """Compute all rates, intervals, ratios and findings.

    Parameters
    ----------
    config : AuditConfig
    tallies : Tallies
    acquisition, operating_points : DataFrame
        As written to results.
    observed : Observed, optional
    """
    observed = observed or Observed()
    level, minimum = config.uncertainty.confidence, config.groups.minimum_subjects
    headline = tables.compute(tallies, confidence=level, minimum_subjects=minimum)
    others = {
        labelling.name: tables.compute(tallies, confidence=level, minimum_subjects=minimum, labelling=k)
        for k, labelling in enumerate(tallies.labellings)
        if k
    }
    calibrated = calibration_sets(operating_points)
    found = ratios.differentials(
        headline, config.groups.reference, k=config.uncertainty.equivalence, alternatives=others, calibrated=calibrated, seed=config.uncertainty.seed
    )
    warned = identity.unreviewed(operating_points, observed.review)
    rates, differentials = identity.annotate(tables.frame(headline), warned), ratios.frame(found, level)
    further: dict[str, pd.DataFrame] = {"differences": differences(headline, config.groups.reference, calibrated=calibrated)}
    quality = None
    if tallies.strata is not None:
        further["quality_matched"] = quality_matched(tallies, config.groups.reference, level, minimum)
        quality = find_matched(further["quality_matched"], operating_points.iloc[0], config.groups.reference)
    corrections = None
    if observed.overrides is not None:
        corrections = find_corrected(observed.overrides, observed.judged, operating_points.iloc[0], config.groups.reference)
    findings = find(
        Tables(
            rates=rates,
            differentials=differentials,
            acquisition=acquisition,
            operating_points=operating_points,
            reference=config.groups.reference,
            much=config.uncertainty.much,
            minimum_subjects=minimum,
            confidence=level,
            differences=further["differences"],
        ),
        tuple(filter(None, (quality, corrections))),
    )
    further |= {
        "curves": curves(headline, tallies, dissimilarity=_negated(operating_points)),
        "most_photographed": most_photographed(tallies),
        "power": power(found, headline),
        "distributions": distributions(
            tallies, observed.histograms, config.groups.reference, confidence=level, seed=config.uncertainty.seed, minimum=minimum
        ),
    }
    further["references"] = _other_references(config, headline, others, calibrated, str(operating_points.operating_point.iloc[0]))
    alike = [str(row.operating_point) for row in operating_points.itertuples() if row.protocol != "per_group"]
    further["summaries"] = summaries(headline, alike, draws=config.uncertainty.replicates, seed=config.uncertainty.seed)
    further["equity"] = equity(headline, further["curves"], alike)
    further["label_error"] = label_error(headline, found, config.uncertainty.label_error)
    if others:
        further["label_sensitivity"] = label_sensitivity(found, _headline_source(config), others)
    return Assessment(rates, differentials, _with_caveat(findings, warned), further)


def _with_caveat(findings: tuple[Finding, ...], warned: set[str]) -> tuple[Finding, ...]:
    """Say beside every finding at an operating point in ``warned`` that identity errors were not reviewed."""

    def touched(finding: Finding) -> bool:
        return any(f"operating_point={point};" in key for point in warned for key in finding.evidence)

    return tuple(replace(one, caveats=(*one.caveats, identity.CAVEAT)) if touched(one) else one for one in findings)


def _other_references(
    config: AuditConfig, headline: tables.Rates, others: Mapping[str, tables.Rates], calibrated: Calibrated, point: str
) -> pd.DataFrame:
    """Ratios at the headline operating point to every other cell with enough people (``references.csv``): the reference is a ruler, not a norm."""
    frames = []
    for group in headline.groups:
        chosen = group.finest and group.name not in (UNLABELLED, config.groups.reference)
        if chosen and headline.people[group.name] >= config.groups.minimum_subjects:
            found = ratios.differentials(
                headline,
                group.name,
                k=config.uncertainty.equivalence,
                alternatives=others,
                calibrated=calibrated,
                measures=("FMR", "FNMR"),
                seed=config.uncertainty.seed,
                point=point,
            )
            frame = ratios.frame(found, config.uncertainty.confidence)
            frames.append(frame[(frame.reference == group.name) & (frame.weighting == "people")])
    return pd.concat(frames, ignore_index=True) if frames else ratios.frame([], config.uncertainty.confidence)


def _negated(operating_points: pd.DataFrame) -> bool:
    """Whether the matcher's own unit is a distance: its thresholds are the scores' negatives."""
    return bool((operating_points.threshold * operating_points.score_threshold < 0).any())


def _headline_source(config: AuditConfig) -> str:
    return ", ".join(config.groups.attributes.values())
