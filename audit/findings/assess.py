"""What a run kept in, everything that is computed from it out: rates, ratios, further tables, findings, verdicts.

Its one idea: this is the part of the corridor that needs no template and no photograph, so ``run`` and ``verify``
share it to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from audit.base.groups import UNLABELLED
from audit.comparisons.types import ScoreHistograms
from audit.config import AuditConfig
from audit.findings.assessment import Assessment
from audit.findings.every_finding import find
from audit.findings.evidence import Tables
from audit.findings.finding import Finding
from audit.findings.overrides import find_corrected
from audit.findings.quality import find_matched
from audit.findings.verdicts import in_words, verdicts
from audit.observations.kept import ScoreSums
from audit.observations.operating_points import with_achieved
from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import Tallies
from audit.rates import differentials as ratios
from audit.rates import every_rate, unreviewed
from audit.rates.calibration import Calibrated, at_exactly, calibration_sets
from audit.rates.curves import curves
from audit.rates.differences import differences
from audit.rates.distributions import distributions
from audit.rates.equity import equity
from audit.rates.label_error import label_error
from audit.rates.label_sensitivity import label_sensitivity, power
from audit.rates.most_photographed import most_photographed
from audit.rates.non_mated_shift import non_mated_shift
from audit.rates.quality import quality_table
from audit.rates.quality_matched import quality_matched
from audit.rates.search_tables import searched
from audit.rates.searching import Searching
from audit.rates.summaries import summaries
from audit.rates.with_overrides import with_and_without

__all__ = ["Assessment", "Observed", "assess", "with_verdicts"]


@dataclass(frozen=True, eq=False)
class Observed:
    """What else a run saw and a results directory keeps, beside tallies and acquisition; each as in
    ``observations.kept.Seen``.

    Attributes
    ----------
    review : DataFrame or None
    histograms : ScoreHistograms or None
    before : Tallies or None
    quality : DataFrame or None
    shift : ScoreSums or None
    searches : SearchCounts or None
    judged : mapping
        Counts of what people judged (``overrides`` of ``audit.json``).
    """

    review: pd.DataFrame | None = None
    histograms: ScoreHistograms | None = None
    before: Tallies | None = None
    quality: pd.DataFrame | None = None
    shift: ScoreSums | None = None
    searches: SearchCounts | None = None
    judged: Mapping[str, Any] = field(default_factory=dict)


def assess(
    config: AuditConfig,
    tallies: Tallies,
    acquisition: pd.DataFrame,
    operating_points: pd.DataFrame,
    observed: Observed | None = None,
) -> Assessment:
    """Compute all rates, intervals, ratios and findings; verdicts on claims are judged from them (``with_verdicts``).

    Parameters
    ----------
    config : AuditConfig
    tallies : Tallies
    acquisition : DataFrame
    operating_points : DataFrame
        As ``rates.operating_points.frame`` gives it; what was achieved is filled in.
    observed : Observed, optional
    """
    observed = observed or Observed()
    level, minimum, reference = config.uncertainty.confidence, config.groups.minimum_subjects, config.groups.reference
    headline = every_rate.compute(tallies, confidence=level, minimum_subjects=minimum)
    rate_frame = every_rate.frame(headline)
    operating_points = with_achieved(operating_points, rate_frame)
    first = in_words(operating_points)[0]
    others = {
        labelling.name: every_rate.compute(tallies, confidence=level, minimum_subjects=minimum, labelling=k)
        for k, labelling in enumerate(tallies.labellings)
        if k
    }
    calibrated = calibration_sets(operating_points)
    found = ratios.differentials(
        headline,
        reference,
        k=config.uncertainty.equivalence,
        alternatives=others,
        calibrated=calibrated,
        seed=config.uncertainty.seed,
    )
    warned = unreviewed.unreviewed(operating_points, observed.review)
    rates, differentials = unreviewed.annotate(at_exactly(rate_frame, calibrated), warned), ratios.frame(found, level)
    further: dict[str, pd.DataFrame] = {"differences": differences(headline, reference, calibrated=calibrated)}
    if observed.shift is not None:
        further["non_mated_shift"] = non_mated_shift(
            observed.shift, tallies.labellings[0].cells, reference, confidence=level, minimum=minimum
        )
    if observed.searches is not None and config.identification is not None:
        further |= searched(config, Searching(observed.searches, tallies), config.identification, operating_points)
    if observed.quality is not None:
        further["quality"] = quality_table(observed.quality, tallies.labellings[0].cells, reference, level)
    quality = None
    if tallies.strata is not None:
        further["quality_matched"] = quality_matched(tallies, reference, level, minimum)
        quality = find_matched(further["quality_matched"], first, reference)
    corrections = None
    if observed.before is not None:
        further["overrides"] = with_and_without(
            observed.before, tallies, reference=reference, confidence=level, minimum_subjects=minimum
        )
        corrections = find_corrected(further["overrides"], observed.judged, first, reference)
    frames = {
        "rates": rates,
        "differentials": differentials,
        "acquisition": acquisition,
        "operating_points": operating_points,
    }
    frames["differences"] = further["differences"]
    findings = find(
        Tables.of(config, headline, **frames),
        tuple(filter(None, (quality, corrections))),
    )
    further |= {
        "curves": curves(headline, headline.thresholds, dissimilarity=_negated(operating_points)),
        "most_photographed": most_photographed(tallies),
        "power": power(found, headline),
        "distributions": distributions(
            tallies, observed.histograms, reference, confidence=level, seed=config.uncertainty.seed, minimum=minimum
        ),
    }
    further["references"] = _other_references(
        config, headline, others, calibrated, [str(name) for name in operating_points.operating_point]
    )
    alike = [str(row.operating_point) for row in operating_points.itertuples() if row.protocol != "per_group"]
    further["summaries"] = summaries(
        headline, alike, draws=config.uncertainty.replicates, seed=config.uncertainty.seed
    )
    further["equity"] = equity(headline, further["curves"], alike)
    further["label_error"] = label_error(headline, found, config.uncertainty.label_error)
    if others:
        further["label_sensitivity"] = label_sensitivity(found, _headline_source(config), others)
    return Assessment(rates, differentials, operating_points, _with_caveat(findings, warned), further)


def with_verdicts(
    config: AuditConfig,
    made: Assessment,
    acquisition: pd.DataFrame,
    kept: Mapping[str, pd.DataFrame],
    register: str | None,
) -> Assessment:
    """Add the verdicts on the claims of the register, judged from the tables as published.

    Parameters
    ----------
    config : AuditConfig
    made : Assessment
    acquisition : DataFrame
    kept : mapping of str to DataFrame
        Tables that are not made here but were kept by the run.
    register : str or None
        Text of the user's own register; None for one inside the package.
    """
    tables = {**kept, **made.tables}
    judged = verdicts(
        config,
        made.rates,
        made.differentials,
        made.operating_points,
        acquisition,
        tables,
        register,
        findings=made.findings,
    )
    return replace(made, findings=(*made.findings, *judged))


def _with_caveat(findings: tuple[Finding, ...], warned: set[str]) -> tuple[Finding, ...]:
    """Say beside every finding at an operating point in ``warned`` that identity errors were not reviewed."""

    def touched(finding: Finding) -> bool:
        return any(f"operating_point={point};" in key for point in warned for key in finding.evidence)

    return tuple(replace(one, caveats=(*one.caveats, unreviewed.CAVEAT)) if touched(one) else one for one in findings)


def _other_references(
    config: AuditConfig,
    headline: every_rate.PairRates,
    others: Mapping[str, every_rate.Rates],
    calibrated: Calibrated,
    points: Sequence[str],
) -> pd.DataFrame:
    """Ratios to every other cell with enough people (``references.csv``): the reference is a ruler, not a norm.

    At the first operating point those of every group; at the others those of groups that differ from that cell in one
    attribute alone, such as women and men of one race.
    """
    frames = []
    for group in headline.groups:
        chosen = group.finest and group.name not in (UNLABELLED, config.groups.reference)
        enough = chosen and headline.people[group.name] >= config.groups.minimum_subjects
        for point in points if enough else ():
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
            frame = frame[(frame.reference == group.name) & (frame.weighting == "people")]
            if point != points[0]:
                frame = frame[[_next_to(str(name), group.name, config.groups.reference) for name in frame.group]]
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else ratios.frame([], config.uncertainty.confidence)


def _next_to(group: str, other: str, reference: str) -> bool:
    """Whether two cells differ in one attribute alone, in which ``other`` is like the reference."""
    mine, theirs, ruler = (name.split("|") for name in (group, other, reference))
    apart = [k for k, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b]
    return len(mine) == len(theirs) == len(ruler) and len(apart) == 1 and theirs[apart[0]] == ruler[apart[0]]


def _negated(operating_points: pd.DataFrame) -> bool:
    """Whether the matcher's own unit is a distance: its thresholds are the scores' negatives."""
    return bool((operating_points.threshold * operating_points.score_threshold < 0).any())


def _headline_source(config: AuditConfig) -> str:
    return ", ".join(config.groups.attributes.values())
