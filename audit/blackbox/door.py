"""A config whose backend is ``scores`` or ``candidates`` in, an ordinary ``AuditResult`` out.

Its one idea: the file is read once and becomes counts; every rate, ratio, curve and sentence is made from those counts alone (``again``).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.blackbox import candidates, counts, people
from audit.blackbox.again import again
from audit.blackbox.options import CandidatesOptions, Options, ScoresOptions, parse
from audit.blackbox.pairs import BEST, Pairs, read_pairs, resolve, rungs
from audit.blackbox.readers import Given, Words
from audit.blackbox.searches import Searches, read_searches
from audit.comparisons.types import OperatingPoint, ScoreHistograms
from audit.config import AuditConfig
from audit.errors import ConfigError
from audit.rates import operating_points
from audit.rates.groups import UNLABELLED
from audit.rates.tallies import Tallies
from audit.results import AuditResult
from audit.vocabulary import TABLES

__all__ = ["NAMES", "Handed", "run"]

NAMES = ("scores", "candidates")


@dataclass(frozen=True)
class Handed:
    """What the corridor hands to this room.

    Attributes
    ----------
    benchmark : dict
        Facts of the card: title, licence, labels and who made them.
    words : Words
        Per label column, how its values are read.
    folder : Path or None
        The ``--data`` folder.
    numbers : callable
        (S, seed) -> (S,) opaque numbers.
    """

    benchmark: dict[str, Any]
    words: Words
    folder: Path | None
    numbers: Callable[[int, int], NDArray[np.int64]]


def run(config: AuditConfig, handed: Handed) -> AuditResult:
    """Audit a matcher from its outputs.

    Raises
    ------
    ConfigError
        An option, or a question of the config that outputs cannot answer, by name.
    BenchmarkError
        The file cannot be used.
    """
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    _refuse_questions(config)
    made = _scores(config, handed) if config.backend.name == "scores" else _candidates(config, handed)
    if config.report.suppress_below and not made.about["people_known"]:
        raise ConfigError(
            "report.suppress_below",
            got=f"{config.report.suppress_below}, for a file without subject ids: how many people a group has is not known",
            allowed="0",
            todo="Leave it out, or ask for subject ids",
        )
    found = again(made)
    names = ("numpy", "scipy", "pandas", "face-audit")
    provenance = {
        "started": started.isoformat(timespec="seconds"),
        "seconds": {"outputs": round(time.perf_counter() - clock, 3)},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in names},
    }
    return replace(
        made,
        provenance=provenance,
        rates=found.rates,
        differentials=found.differentials,
        findings=found.findings,
        tables=made.tables | found.tables,
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed under this name"


def _refuse_questions(config: AuditConfig) -> None:
    """Questions that need photographs or templates."""
    asked = (
        ("groups.alternatives", bool(config.groups.alternatives), "other label sources", "one label column per attribute"),
        ("groups.bins", bool(config.groups.bins), "numbers to be put into bins", "a column that holds the bins"),
        ("uncertainty.calibration_share", config.uncertainty.calibration_share > 0, "people set apart for calibration", "0"),
        ("benchmark.exclude", config.benchmark.exclude is not None, "an override file, whose ids are photographs", "a file without those rows"),
    )
    for where, wanted, got, allowed in asked:
        if wanted:
            raise ConfigError(where, got=f"{got}, for an audit of outputs alone", allowed=allowed, todo="Remove it")


def _facts(config: AuditConfig, handed: Handed, options: Options, given: Given, known: bool, limited: str) -> dict[str, Any]:
    source = json.dumps({"file": given.sha256, **options.model_dump(mode="json")}, sort_keys=True)
    return {
        "name": config.name,
        "benchmark": handed.benchmark,
        "matcher": {
            "backend": config.backend.name,
            "product": options.product or "a matcher known by its outputs",
            "version": options.version,
            "description": options.description,
            "fingerprint": hashlib.sha256(source.encode()).hexdigest(),
            "measure": options.measure,
            "kind": options.kind,
            "unit": options.unit,
            "default_threshold": options.default_threshold,
        },
        "input": {"file": given.name, "sha256": given.sha256, "rows": len(given.frame)},
        "people_known": known,
        "weighting": "people" if known else "comparisons",
        "limited": limited,
        "protocol": None,
    }


def _empty(name: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(TABLES[name]))


def _result(
    config: AuditConfig,
    facts: dict[str, Any],
    points: pd.DataFrame,
    acquisition: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    histograms: ScoreHistograms | None = None,
    tallies: Tallies | None = None,
) -> AuditResult:
    nothing = (_empty("rates.csv"), _empty("differentials.csv"))
    return AuditResult(config, facts, {}, acquisition, points, *nothing, histograms, tallies, (), tables)


def _scores(config: AuditConfig, handed: Handed) -> AuditResult:
    options = parse(ScoresOptions, config.backend.options)
    pairs = read_pairs(options, config, handed.words, handed.folder)
    known = pairs.people is not None
    points = resolve(pairs, config, options)
    curve = rungs(pairs, config.report.curve)
    shown = [point for point in points if not point.id.startswith(f"{BEST}:")]
    limited = "This audit was made from scores alone. Nobody here saw a photo or ran the matcher." + (
        "" if known else " The file does not say who the people are, so no interval can be given."
    )
    facts = _facts(config, handed, options, pairs.file, known, limited) | {"counts": _pair_totals(pairs)}
    return _result(
        config,
        facts,
        _points_frame(config, shown, options, pairs),
        people.acquisition(pairs),
        {"pair_counts": counts.pair_counts(pairs, [*points, *(() if known else curve)])},
        counts.histograms(pairs, config.compute.bins),
        people.tallies(pairs, shown, curve, handed.numbers(pairs.subjects, config.uncertainty.seed)) if known else None,
    )


def _points_frame(config: AuditConfig, points: Sequence[OperatingPoint], options: ScoresOptions, pairs: Pairs) -> pd.DataFrame:
    asked = operating_points.frame(config, [point for point in points if point.id != BEST], options.rule, pairs.cells)
    rows = [
        (BEST, BEST, "", np.nan, "", options.rule.to_score(p.threshold), options.unit, p.threshold, p.achieved_people, p.achieved_comparisons)
        for p in points
        if p.id == BEST
    ]
    extra = pd.DataFrame(rows, columns=asked.columns)
    return pd.concat([asked, extra], ignore_index=True) if rows else asked


def _pair_totals(pairs: Pairs) -> dict[str, Any]:
    total, mated = len(pairs.mated), int(pairs.mated.sum())
    out: dict[str, Any] = {
        "comparisons": total,
        "mated": mated,
        "non_mated": total - mated,
        "unlabelled_pairs": int((~pairs.labelled).sum()),
        "cells": len([name for name in pairs.cells if name != UNLABELLED]),
    }
    if pairs.people is not None:
        nobody = pairs.cells.index(UNLABELLED) if UNLABELLED in pairs.cells else -1
        missing = int((pairs.cell == nobody).sum()) - pairs.disputed
        out |= {"subjects": pairs.subjects, "unlabelled": {"missing": missing, "disputed": pairs.disputed}}
    else:
        out["disputed_pairs"] = pairs.disputed
    return out


def _candidates(config: AuditConfig, handed: Handed) -> AuditResult:
    options = parse(CandidatesOptions, config.backend.options)
    searches = read_searches(options, config, handed.words, handed.folder)
    known = searches.subject is not None
    asked = candidates.ask(searches, config, options)
    limited = "This audit was made from lists of candidates alone. Nobody here saw a photo or ran the matcher." + (
        "" if known else " The file does not say who is searched for, so no interval can be given."
    )
    facts = _facts(config, handed, options, searches.file, known, limited)
    facts["counts"] = {
        "searches": len(searches.cell),
        "mated_searches": int(searches.enrolled.sum()),
        "non_mated_searches": int((~searches.enrolled).sum()),
        "candidates": len(searches.score),
        "gallery": options.gallery,
        "cells": len([name for name in searches.cells if name != UNLABELLED]),
    }
    if searches.subject is not None:
        facts["counts"]["subjects"] = int(searches.subject.max()) + 1
    tables = {
        "search_counts": candidates.search_counts(searches, asked),
        "selectivity": candidates.selectivity(searches, asked, options),
        "false_candidates": _false_candidates(searches, asked),
    }
    tables = {name: table for name, table in tables.items() if len(table)}
    return _result(config, facts, candidates.operating_points(asked, options), _searched(searches), tables)


def _searched(searches: Searches) -> pd.DataFrame:
    """``acquisition.csv``: people searched for per cell where known; photographs are not."""
    rows = []
    for k, cell in enumerate(searches.cells):
        here = searches.cell == k
        subjects = float("nan") if searches.subject is None else len(np.unique(searches.subject[here]))
        rows.append((cell, subjects, *([float("nan")] * (len(TABLES["acquisition.csv"]) - 2))))
    return pd.DataFrame(rows, columns=list(TABLES["acquisition.csv"]))


def _false_candidates(searches: Searches, asked: Sequence[candidates.Asked]) -> pd.DataFrame:
    """Wrong candidates of non-mated searches by group of the person searched for and of the candidate, where the file says the latter."""
    rows = []
    for one in asked:
        hit = searches.wrong & (searches.score >= one.threshold) & (searches.candidate_cell >= 0) & ~searches.enrolled[searches.search]
        if one.rank is not None or not hit.any():
            continue
        size = len(searches.cells)
        flat = np.bincount(searches.cell[searches.search[hit]] * size + searches.candidate_cell[hit], minlength=size * size)
        rows += [(one.id, searches.cells[k // size], searches.cells[k % size], int(flat[k])) for k in np.flatnonzero(flat)]
    return pd.DataFrame(rows, columns=["operating_point", "group", "candidate_group", "candidates"])
