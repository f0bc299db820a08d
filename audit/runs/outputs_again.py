"""A kept audit of outputs in, every number and sentence again from the counts it keeps.

Its one idea: a run makes its own numbers through this door too, so what a results directory can prove and what it says are the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from audit.base.errors import ResultsError
from audit.base.groups import ALL, UNLABELLED
from audit.findings import outputs
from audit.findings.assess import Assessment, assess
from audit.observations import operating_points
from audit.outputs import known_people, refusals
from audit.outputs.options import CandidatesOptions, ScoresOptions
from audit.outputs.pair_scores import BEST
from audit.rates import people_unknown, searched
from audit.results import AuditResult
from audit.runs.outputs_facts import about_outputs, options_of
from audit.words import columns

__all__ = ["again"]


def again(stored: AuditResult) -> tuple[dict[str, Any], pd.DataFrame, Assessment]:
    """``audit.json``, ``acquisition.csv``, and every rate, ratio, further table and finding, from the counts that a result keeps.

    Parameters
    ----------
    stored : AuditResult
        Of backend ``scores`` or ``candidates``; only config, tables of counts, tallies, acquisition and thresholds by target are read.

    Raises
    ------
    ResultsError
        The counts are missing, or do not fit together.
    """
    options, known = options_of(stored.config)
    needed = "pair_counts" if isinstance(options, ScoresOptions) else "search_counts"
    if needed not in stored.tables or (isinstance(options, ScoresOptions) and known != (stored.tallies is not None)):
        raise ResultsError(needed, got="no counts in the results", allowed=f"{needed}.csv, and dyads.npz where people are known", todo="Run it again")
    given, counted = stored.about["input"], stored.about["counts"]
    if isinstance(options, CandidatesOptions):
        counted = _searches_counted(stored, options, known)
        return about_outputs(stored.config, stored.about["benchmark"], given, counted), stored.acquisition, _searches(stored, options, known)
    made, cells, first = _pairs(stored, options, known)
    acquisition = known_people.acquisition(cells) if stored.tallies is None else known_people.acquisition_again(stored.tallies)
    counted = _pairs_counted(stored, first, cells)
    return about_outputs(stored.config, stored.about["benchmark"], given, counted), acquisition, made


def _pairs(stored: AuditResult, options: ScoresOptions, known: bool) -> tuple[Assessment, tuple[str, ...], str]:
    config, dissimilarity = stored.config, options.kind == "dissimilarity"
    cells, points = people_unknown.counted(stored.tables["pair_counts"])
    further = {"decided": people_unknown.decided(points, cells, dissimilarity=dissimilarity)}
    if stored.tallies is not None:
        cells = stored.tallies.labellings[0].cells
    ids = [request.id for request in operating_points.requests(config, options.rule, cells)]
    lost = [name for name in ids if name not in points]
    if lost:
        raise ResultsError("pair_counts.csv", got="no counts at a configured operating point", allowed=", ".join(ids), todo="Run the audit again")
    frame = operating_points.frame(config, [(name, points[name].threshold) for name in ids], options.rule, cells)
    if BEST in points:
        score = points[BEST].threshold
        row = {"operating_point": BEST, "protocol": BEST, "threshold": options.rule.to_score(score), "unit": options.unit}
        frame = columns.frame("operating_points", [*_records(frame), row | {"score_threshold": score}])
        ids.append(BEST)
    if stored.tallies is not None:
        kept = {point.id: point.threshold for point in stored.tallies.points}
        if kept != {name: points[name].threshold for name in ids}:
            raise ResultsError("pair_counts.csv", got="other thresholds than dyads.npz", allowed="the same", todo="Run the audit again")
        done = assess(config, stored.tallies, known_people.acquisition_again(stored.tallies), frame)
        rates, differentials, frame, found = done.rates, done.differentials, done.operating_points, list(done.findings)
        further = done.tables | further
    else:
        rates = people_unknown.rates(cells, points, ids)
        frame = operating_points.with_achieved(frame, rates)
        differentials = people_unknown.differentials(rates, cells, config.groups.reference)
        further["differences"] = people_unknown.differences(rates, differentials)
        further["curves"] = people_unknown.curves(cells, points, ids, dissimilarity=dissimilarity)
        found = outputs.find(_said(stored, rates, differentials, frame, known), ("FMR", "FNMR"))
    further["refused"] = refusals.for_scores(rates, known=known)
    best = outputs.best(further["decided"], options.unit)
    found += [best] if best else []
    found.append(outputs.refused(further["refused"]))
    tables = {name: table for name, table in further.items() if len(table)}
    return Assessment(rates, differentials, frame, tuple(found), tables), cells, ids[0]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _pairs_counted(stored: AuditResult, first: str, cells: tuple[str, ...]) -> dict[str, Any]:
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
        "cells": len([name for name in cells if name != UNLABELLED]),
    }
    histograms = stored.histograms
    if histograms is None or int(histograms.non_mated.sum()) != total - mated:
        raise ResultsError("histograms.npz", got="other pairs than pair_counts.csv", allowed="the same", todo="Run the audit again")
    if stored.tallies is not None:
        out["subjects"] = stored.tallies.subjects
    return out | {name: value for name, value in stored.about["counts"].items() if name in ("unlabelled", "disputed_pairs")}


def _said(stored: AuditResult, rates: pd.DataFrame, differentials: pd.DataFrame, points: pd.DataFrame, known: bool) -> outputs.Said:
    config = stored.config
    policy = (config.groups.reference, config.uncertainty.much, config.uncertainty.confidence)
    return outputs.Said(rates, differentials, points, *policy, known)


def _searches(stored: AuditResult, options: CandidatesOptions, known: bool) -> Assessment:
    config, table = stored.config, stored.tables["search_counts"]
    rates, differentials = searched.rates(table, config, known), searched.differentials(table, config, known)
    points = _search_points(stored, options, rates)
    selectivity = stored.tables.get("selectivity", columns.empty("selectivity"))
    refused = refusals.for_candidates(options, rates, selectivity, known=known)
    further = {"differences": searched.differences(table, config, known), "refused": refused}
    found = outputs.find(_said(stored, rates, differentials, points, known), ("FPIR", "FNIR"))
    return Assessment(rates, differentials, points, (*found, outputs.refused(refused)), further)


def _search_points(stored: AuditResult, options: CandidatesOptions, rates: pd.DataFrame) -> pd.DataFrame:
    """``operating_points.csv``; only a threshold set by target FPIR is what the run saw."""
    config = stored.config
    seen = dict(zip(stored.operating_points["operating_point"], stored.operating_points["score_threshold"], strict=True))
    asked = [searched.Asked(point.id, point.kind, searched.own_threshold(point, options)) for point in config.operating_points]
    asked += [searched.Asked(f"fpir={one:g}", "target_fpir", float(seen[f"fpir={one:g}"]), target=one) for one in options.target_fpir]
    asked += [searched.Asked(f"rank={rank}", "rank", -math.inf, rank) for rank in options.ranks]
    points = searched.operating_points(asked, options)
    within = rates[(rates["measure"] == "FPIR") & (rates["weighting"] == "comparisons") & (rates["group"] == ALL) & (rates["other_group"] == "")]
    achieved = dict(zip(within["operating_point"], within["rate"], strict=True))
    return points.assign(achieved_comparisons=[float(achieved.get(name, np.nan)) for name in points["operating_point"]])


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
