"""A config whose backend is ``scores`` or ``candidates`` in, an ``AuditResult`` that is still to be judged out.

Its one idea: the file is read once and becomes counts; every rate, ratio, curve and sentence is made from those counts
alone (``again``), later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audit.base import machine
from audit.base.errors import ConfigError
from audit.base.groups import UNLABELLED
from audit.base.machine import Clock
from audit.config import AuditConfig
from audit.findings.register import text_of
from audit.observations import candidates, known_people
from audit.observations.pairs import BEST, histograms, pair_counts
from audit.outputs import candidate_points
from audit.outputs.candidate_lists import read_searches
from audit.outputs.options import CandidatesOptions, ScoresOptions, parse
from audit.outputs.pair_scores import read_pairs, resolve, rungs
from audit.outputs.read import Words
from audit.results import AuditResult
from audit.runs.outputs_facts import about_outputs

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
    """

    benchmark: dict[str, Any]
    words: Words
    folder: Path | None


def run(config: AuditConfig, handed: Handed) -> AuditResult:
    """What outputs tell of a matcher: counts, before any rate.

    Raises
    ------
    ConfigError
        An option, or a question of the config that outputs cannot answer, by name.
    BenchmarkError
        The file cannot be used.
    """
    clock = Clock()
    _refuse_questions(config)
    made = _scores(config, handed) if config.backend.name == "scores" else _candidates(config, handed)
    if config.report.suppress_below and not made.about["people_known"]:
        raise ConfigError(
            "report.suppress_below",
            got=f"{config.report.suppress_below}, for a file without subject ids: how many people a group "
            f"has is not known",
            allowed="0",
            todo="Leave it out, or ask for subject ids",
        )
    clock.lap("outputs")
    return replace(made, provenance=clock.read() | machine.facts(("numpy", "scipy", "pandas", "face-audit")))


def _refuse_questions(config: AuditConfig) -> None:
    """Questions that need photographs or templates."""
    asked = (
        (
            "groups.alternatives",
            bool(config.groups.alternatives),
            "other label sources",
            "one label column per attribute",
        ),
        ("groups.bins", bool(config.groups.bins), "numbers to be put into bins", "a column that holds the bins"),
        (
            "uncertainty.calibration_share",
            config.uncertainty.calibration_share > 0,
            "people set apart for calibration",
            "0",
        ),
        (
            "benchmark.exclude",
            config.benchmark.exclude is not None,
            "an override file, whose ids are photographs",
            "a file without those rows",
        ),
    )
    for where, wanted, got, allowed in asked:
        if wanted:
            raise ConfigError(where, got=f"{got}, for an audit of outputs alone", allowed=allowed, todo="Remove it")


def _scores(config: AuditConfig, handed: Handed) -> AuditResult:
    options = parse(ScoresOptions, config.backend.options)
    pairs = read_pairs(options, config, handed.words, handed.folder)
    if pairs.people is not None and not options.subject_a:
        config = _said(config, {"subject_a": "subject_a", "subject_b": "subject_b"})
    points = resolve(pairs, config, options)
    curve = rungs(pairs, config.report.curve)
    shown = [point for point in points if not point.id.startswith(f"{BEST}:")]
    known = pairs.people is not None
    disputed: dict[str, Any] = {"disputed_pairs": pairs.disputed}
    if known:
        nobody = pairs.cells.index(UNLABELLED) if UNLABELLED in pairs.cells else -1
        disputed = {
            "unlabelled": {"missing": int((pairs.cell == nobody).sum()) - pairs.disputed, "disputed": pairs.disputed}
        }
    return AuditResult.unjudged(
        config,
        about_outputs(config, handed.benchmark, pairs.file, disputed),
        known_people.acquisition(pairs.cells),
        tables={"pair_counts": pair_counts(pairs, [*points, *(() if known else curve)])},
        histograms=histograms(pairs, config.compute.bins),
        tallies=known_people.tallies(pairs, shown, curve) if known else None,
        register=text_of(config.report.claims),
    )


def _said(config: AuditConfig, found: Mapping[str, str]) -> AuditConfig:
    """Write columns found by their documented names into the config: what a result was made from stands in it, and is
    made again from it.
    """
    backend = config.backend.model_copy(update={"options": {**config.backend.options, **found}})
    return config.model_copy(update={"backend": backend})


def _candidates(config: AuditConfig, handed: Handed) -> AuditResult:
    options = parse(CandidatesOptions, config.backend.options)
    searches = read_searches(options, config, handed.words, handed.folder)
    if searches.subject is not None and not options.subject:
        config = _said(config, {"subject": "subject"})
    asked = candidate_points.ask(searches, config, options)
    tables = {
        "search_counts": candidates.search_counts(searches, asked),
        "selectivity": candidates.selectivity(searches, asked, options.list_length),
        "false_candidates": candidates.false_candidates(searches, asked),
    }
    counted: dict[str, Any] = {"candidates": len(searches.score)}
    if searches.subject is not None:
        counted["subjects"] = int(searches.subject.max()) + 1
    return AuditResult.unjudged(
        config,
        about_outputs(config, handed.benchmark, searches.file, counted),
        candidates.acquisition(searches),
        operating_points=candidate_points.operating_points(asked, options),
        tables={name: table for name, table in tables.items() if len(table)},
        register=text_of(config.report.claims),
    )
