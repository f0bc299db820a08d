"""A kept audit of outputs in, every number and sentence again from the counts it keeps.

Its one idea: a run makes its own numbers through this door too, so what a results directory can prove and what it says
are the same.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from audit.base.errors import ResultsError
from audit.base.groups import UNLABELLED
from audit.findings import outputs
from audit.findings.assess import assess
from audit.findings.assess_rates import assess_rates
from audit.findings.assessment import Assessment
from audit.findings.finding import Finding
from audit.observations import known_people, operating_points
from audit.observations.candidates import Asked
from audit.observations.pairs import BEST, counted
from audit.observations.tallies import CURVE
from audit.outputs import candidate_points, refusals
from audit.outputs.options import CandidatesOptions, ScoresOptions
from audit.rates.curves import curves
from audit.rates.people_unknown import decided, rates_of_pairs
from audit.rates.searched import rates_of_searches
from audit.results import AuditResult
from audit.runs.outputs_facts import about_outputs, options_of
from audit.words import columns

__all__ = ["again"]


def again(stored: AuditResult) -> tuple[dict[str, Any], pd.DataFrame, Assessment]:
    """``audit.json``, ``acquisition.csv``, and every rate, ratio, further table and finding, from the counts that a
    result keeps.

    Parameters
    ----------
    stored : AuditResult
        Of backend ``scores`` or ``candidates``; only config, tables of counts, tallies, acquisition and thresholds by
        target are read.

    Raises
    ------
    ResultsError
        The counts are missing, or do not fit together.
    """
    options, known = options_of(stored.config)
    needed = "pair_counts" if isinstance(options, ScoresOptions) else "search_counts"
    if needed not in stored.tables or (isinstance(options, ScoresOptions) and known != (stored.tallies is not None)):
        raise ResultsError(
            needed,
            got="no counts in the results",
            allowed=f"{needed}.csv, and dyads.npz where people are known",
            todo="Run it again",
        )
    given = stored.about["input"]
    if isinstance(options, CandidatesOptions):
        counts = _searches_counted(stored, options, known)
        return (
            about_outputs(stored.config, stored.about["benchmark"], given, counts),
            stored.acquisition,
            _searches(stored, options, known),
        )
    made, acquisition, first = _pairs(stored, options, known)
    counts = _pairs_counted(stored, first, acquisition)
    return about_outputs(stored.config, stored.about["benchmark"], given, counts), acquisition, made


def _pairs(stored: AuditResult, options: ScoresOptions, known: bool) -> tuple[Assessment, pd.DataFrame, str]:
    """All that follows from counts of pairs, ``acquisition.csv``, and the first operating point."""
    config, tallies = stored.config, stored.tallies
    counted_cells, points = counted(stored.tables["pair_counts"])
    cells = counted_cells if tallies is None else tallies.labellings[0].cells
    acquisition = known_people.acquisition(cells) if tallies is None else known_people.acquisition_again(tallies)
    ids = [request.id for request in operating_points.requests(config, options.rule, cells)]
    lost = [name for name in ids if name not in points]
    if lost:
        raise ResultsError(
            "pair_counts.csv",
            got="no counts at a configured operating point",
            allowed=", ".join(ids),
            todo="Run the audit again",
        )
    frame = operating_points.frame(config, [(name, points[name].threshold) for name in ids], options.rule, cells)
    if BEST in points:
        score = points[BEST].threshold
        row = {
            "operating_point": BEST,
            "protocol": BEST,
            "threshold": options.rule.to_score(score),
            "unit": options.unit,
        }
        frame = columns.frame("operating_points", [*_records(frame), row | {"score_threshold": score}])
        ids.append(BEST)
    if tallies is not None:
        if {point.id: point.threshold for point in tallies.points} != {name: points[name].threshold for name in ids}:
            raise ResultsError(
                "pair_counts.csv",
                got="other thresholds than dyads.npz",
                allowed="the same",
                todo="Run the audit again",
            )
        made = assess(config, tallies, acquisition, frame)
    else:
        confidence = config.uncertainty.confidence
        rates = rates_of_pairs(cells, {name: points[name] for name in ids}, confidence)
        made = assess_rates(config, rates, acquisition, frame, searched=False)
        ladder = {name: points[name] for name in (*ids, *(rung for rung in points if rung.startswith(CURVE)))}
        along = rates_of_pairs(cells, ladder, confidence)
        thresholds = {name: one.threshold for name, one in ladder.items()}
        made.tables["curves"] = curves(along, thresholds, dissimilarity=options.kind == "dissimilarity")
    best = decided(points, counted_cells, dissimilarity=options.kind == "dissimilarity")
    refused = refusals.for_scores(made.rates, known=known)
    said = [outputs.best(best, options.unit), outputs.refused(refused)]
    return _with(made, {"decided": best, "refused": refused}, said), acquisition, ids[0]


def _with(made: Assessment, tables: dict[str, pd.DataFrame], findings: list[Finding | None]) -> Assessment:
    """What only an audit of outputs has, added."""
    kept = {name: table for name, table in (made.tables | tables).items() if len(table)}
    return replace(made, tables=kept, findings=(*made.findings, *filter(None, findings)))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _pairs_counted(stored: AuditResult, first: str, acquisition: pd.DataFrame) -> dict[str, Any]:
    """Totals of the file, and what was disputed in it."""
    table = stored.tables["pair_counts"]
    rows = table[table["operating_point"] == first]
    total, mated = int(rows["trials"].sum()), int(rows["trials"][rows["mated"] == 1].sum())
    beside = rows[(rows["group"] == UNLABELLED) | (rows["other_group"] == UNLABELLED)]
    out: dict[str, Any] = {
        "comparisons": total,
        "mated": mated,
        "non_mated": total - mated,
        "unlabelled_pairs": int(beside["trials"].sum()),
        "cells": len([name for name in acquisition["group"] if name != UNLABELLED]),
    }
    histograms = stored.histograms
    if histograms is None or int(histograms.non_mated.sum()) != total - mated:
        raise ResultsError(
            "histograms.npz", got="other pairs than pair_counts.csv", allowed="the same", todo="Run the audit again"
        )
    if stored.tallies is not None:
        out["subjects"] = stored.tallies.subjects
    return out | {
        name: value for name, value in stored.about["counts"].items() if name in ("unlabelled", "disputed_pairs")
    }


def _searches(stored: AuditResult, options: CandidatesOptions, known: bool) -> Assessment:
    rates = rates_of_searches(stored.tables["search_counts"], stored.config, known)
    made = assess_rates(stored.config, rates, stored.acquisition, _search_points(stored, options), searched=True)
    selectivity = stored.tables.get("selectivity", columns.empty("selectivity"))
    refused = refusals.for_candidates(options, made.rates, selectivity, known=known)
    return _with(made, {"refused": refused}, [outputs.refused(refused)])


def _search_points(stored: AuditResult, options: CandidatesOptions) -> pd.DataFrame:
    """``operating_points.csv``; only a threshold set by target FPIR is what the run saw."""
    seen = dict(
        zip(stored.operating_points["operating_point"], stored.operating_points["score_threshold"], strict=True)
    )
    asked = [
        Asked(point.id, point.kind, candidate_points.own_threshold(point, options))
        for point in stored.config.operating_points
    ]
    asked += [
        Asked(f"fpir={one:g}", "target_fpir", float(seen[f"fpir={one:g}"]), target=one) for one in options.target_fpir
    ]
    asked += [Asked(f"rank={rank}", "rank", -math.inf, rank) for rank in options.ranks]
    return candidate_points.operating_points(asked, options)


def _searches_counted(stored: AuditResult, options: CandidatesOptions, known: bool) -> dict[str, Any]:
    table = stored.tables["search_counts"]
    first = str(table["operating_point"].iloc[0])
    rows = table[table["operating_point"] == first]
    total = {measure: int((one["searches"] * one["people"]).sum()) for measure, one in rows.groupby("measure")}
    mated = total.get("FNIR", 0)
    non_mated = total.get("FPIR", 0) if "FPIR" in total else int(stored.about["counts"].get("non_mated_searches", 0))
    cells = [str(name) for name in stored.acquisition["group"] if name != UNLABELLED]
    out = {"searches": mated + non_mated, "mated_searches": mated, "non_mated_searches": non_mated}
    out |= {"candidates": int(stored.about["counts"]["candidates"]), "gallery": options.gallery, "cells": len(cells)}
    return out | ({"subjects": int(stored.about["counts"]["subjects"])} if known else {})
