"""A stored result of outputs in, every number and sentence again from the counts it keeps.

Its one idea: a run makes its own numbers through this door too, so what a results directory can prove and what it says are the same.
"""

from __future__ import annotations

import pandas as pd

from audit.assess import Assessment, assess
from audit.blackbox import candidates, counts, refusals, statements
from audit.blackbox.options import CandidatesOptions, ScoresOptions, parse
from audit.errors import ResultsError
from audit.results import AuditResult

__all__ = ["again"]


def again(stored: AuditResult) -> Assessment:
    """Every rate, ratio, further table and finding, from the counts that a result keeps.

    Parameters
    ----------
    stored : AuditResult
        Of backend ``scores`` or ``candidates``; only config, tables of counts, tallies, acquisition and operating points are read.

    Raises
    ------
    ResultsError
        The counts are missing.
    """
    config, known = stored.config, bool(stored.about.get("people_known"))
    needed = "pair_counts" if config.backend.name == "scores" else "search_counts"
    if needed not in stored.tables or (config.backend.name == "scores" and known and stored.tallies is None):
        raise ResultsError(needed, got="no counts in the results", allowed=f"{needed}.csv, and dyads.npz where people are known", todo="Run it again")
    if config.backend.name == "candidates":
        return _searches_again(stored, known)
    dissimilarity = parse(ScoresOptions, config.backend.options).kind == "dissimilarity"
    cells, points = counts.counted(stored.tables["pair_counts"])
    further = {"decided": counts.decided(points, cells, dissimilarity=dissimilarity)}
    unit = parse(ScoresOptions, config.backend.options).unit
    ids = [str(name) for name in stored.operating_points["operating_point"]]
    if any(name not in points or points[name].threshold != t for name, t in zip(ids, stored.operating_points["score_threshold"], strict=True)):
        raise ResultsError("operating_points.csv", got="other thresholds than pair_counts.csv", allowed="the same", todo="Run the audit again")
    if stored.tallies is not None:
        done = assess(config, stored.tallies, stored.acquisition, stored.operating_points)
        rates, differentials, found = done.rates, done.differentials, list(done.findings)
        further = done.tables | further
    else:
        rates = counts.rates(cells, points, ids)
        differentials = counts.differentials(rates, cells, config.groups.reference)
        further["differences"] = counts.differences(rates, differentials)
        further["curves"] = counts.curves(cells, points, ids, dissimilarity=dissimilarity)
        found = statements.find(_said(stored, rates, differentials, known), ("FMR", "FNMR"))
    further["refused"] = refusals.for_scores(rates, known=known)
    best = statements.best(further["decided"], unit)
    found += [best] if best else []
    found.append(statements.refused(further["refused"]))
    return Assessment(rates, differentials, tuple(found), {name: table for name, table in further.items() if len(table)})


def _said(stored: AuditResult, rates: pd.DataFrame, differentials: pd.DataFrame, known: bool) -> statements.Said:
    config = stored.config
    policy = (config.groups.reference, config.uncertainty.much, config.uncertainty.confidence)
    return statements.Said(rates, differentials, stored.operating_points, *policy, known)


def _searches_again(stored: AuditResult, known: bool) -> Assessment:
    config, table = stored.config, stored.tables["search_counts"]
    options = parse(CandidatesOptions, config.backend.options)
    rates, differentials = candidates.rates(table, config, known), candidates.differentials(table, config, known)
    selectivity = stored.tables.get("selectivity", pd.DataFrame(columns=list(candidates.SELECTIVITY_COLUMNS)))
    refused = refusals.for_candidates(options, rates, selectivity, known=known)
    further = {"differences": candidates.differences(table, config, known), "refused": refused}
    found = statements.find(_said(stored, rates, differentials, known), ("FPIR", "FNIR"))
    return Assessment(rates, differentials, (*found, statements.refused(refused)), further)
