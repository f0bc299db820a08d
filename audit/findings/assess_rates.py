"""Rates alone in, everything that is computed from them out: what an audit can say where there are no pairs of people
to count.

Its one idea: searches that somebody else made, and pairs whose people nobody knows, go through the ordinary ratios,
gaps and findings; only the tables that need pairs of people (null bands, power, label sensitivity and the like) are
not made.
"""

from __future__ import annotations

import pandas as pd

from audit.config import AuditConfig
from audit.findings.assessment import Assessment
from audit.findings.every_finding import find
from audit.findings.evidence import Tables
from audit.observations.operating_points import with_achieved
from audit.rates import differentials as ratios
from audit.rates import every_rate
from audit.rates.differences import differences
from audit.rates.every_rate import Rates

__all__ = ["assess_rates"]


def assess_rates(
    config: AuditConfig, rates: Rates, acquisition: pd.DataFrame, operating_points: pd.DataFrame, *, searched: bool
) -> Assessment:
    """Compute ratios, gaps and findings; verdicts on claims are judged from them (``assess.with_verdicts``).

    Parameters
    ----------
    config : AuditConfig
    rates : Rates
    acquisition : DataFrame
    operating_points : DataFrame
        What was achieved is filled in.
    searched : bool
        Of searches: errors are counted in searches, and a threshold is judged by FPIR.
    """
    reference = config.groups.reference
    frame = every_rate.frame(rates, "searches" if searched else "trials")
    points = with_achieved(operating_points, frame, "FPIR" if searched else "FMR")
    found = ratios.frame(
        ratios.differentials(rates, reference, k=config.uncertainty.equivalence, seed=config.uncertainty.seed),
        rates.confidence,
    )
    gaps = differences(rates, reference)
    frames = {
        "rates": frame,
        "differentials": found,
        "acquisition": acquisition,
        "operating_points": points,
        "differences": gaps,
    }
    return Assessment(frame, found, points, find(Tables.of(config, rates, **frames)), {"differences": gaps})
