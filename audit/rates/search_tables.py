"""Searches of a run in, all their tables by file stem out.

Its one idea: whatever a reader asks of searches follows from the same counts, so a table is one line here.
"""

from __future__ import annotations

import pandas as pd

from audit.config import AuditConfig
from audit.config.identification import IdentificationConfig
from audit.rates.galleries import galleries
from audit.rates.search_growth import search_growth
from audit.rates.search_lists import search_hubs, search_lists
from audit.rates.search_ratios import search_ratios
from audit.rates.search_thresholds import search_thresholds
from audit.rates.search_use import search_use
from audit.rates.searching import Searching

__all__ = ["searched"]


def searched(
    config: AuditConfig, searching: Searching, asked: IdentificationConfig, operating_points: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Every table of searches, as ``words.columns`` states them.

    Parameters
    ----------
    config : AuditConfig
    searching : Searching
    asked : IdentificationConfig
        Its section.
    operating_points : DataFrame
        As written to results: says how a score reads in the matcher's own unit.
    """
    level, minimum, seed = config.uncertainty.confidence, config.groups.minimum_subjects, config.uncertainty.seed
    negated = bool((operating_points["threshold"] * operating_points["score_threshold"] < 0).any())
    unit = str(operating_points["unit"].iloc[0]) if len(operating_points) else ""
    rates = galleries(searching, asked, confidence=level, minimum=minimum)
    growth, holdout = search_growth(searching, minimum=minimum, seed=seed)
    return {
        "searches": rates,
        "search_ratios": search_ratios(
            searching,
            asked,
            config.groups.reference,
            confidence=level,
            minimum=minimum,
            k=config.uncertainty.equivalence,
            seed=seed,
        ),
        "search_thresholds": search_thresholds(
            searching, asked, (lambda score: -score) if negated else (lambda score: score), unit
        ),
        "search_lists": search_lists(searching, minimum=minimum),
        "search_hubs": search_hubs(searching, minimum=minimum),
        "search_use": search_use(rates, int(searching.enrolled.sum()), asked, config.mated_share),
        "search_growth": growth,
        "search_holdout": holdout,
    }
