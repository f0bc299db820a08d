"""What a run kept in, the whole result out: every rate, ratio, further table, finding and verdict, made again.

Its one idea: a run makes its own numbers through this door too, so what a results directory can prove and what it says
are the same. Everything that only the run could see is taken as it stands; everything else of the result given is
overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from audit.backends.protocol import ScoreRule
from audit.base.errors import ResultsError
from audit.findings.assess import Assessment, Observed, assess, with_verdicts
from audit.findings.doubts import find_doubts
from audit.findings.looked_at import Looked
from audit.findings.not_judged import certainties, findings_after
from audit.observations import operating_points
from audit.observations.facts import sums
from audit.observations.own_protocol import summary
from audit.observations.tallies import Tallies
from audit.rates.separation import separation
from audit.results import AuditResult
from audit.runs import from_outputs, outputs_again
from audit.words import columns

__all__ = ["again", "kept_tables"]

_KEPT = ("review", "photo_quality", "pair_counts", "search_counts", "selectivity", "false_candidates")


def kept_tables(result: AuditResult) -> dict[str, pd.DataFrame]:
    """The further tables that only a run can make."""
    return {name: table for name, table in result.tables.items() if name in _KEPT}


def again(kept: AuditResult) -> AuditResult:
    """Make everything that follows from what a run kept.

    Parameters
    ----------
    kept : AuditResult
        Of a run, or read from a results directory.

    Raises
    ------
    ResultsError
        Something that the configuration needs is not there.
    """
    config, tables = kept.config, kept_tables(kept)
    if config.backend.name in from_outputs.NAMES:
        about, acquisition, made = outputs_again.again(replace(kept, tables=tables))
    else:
        about, acquisition = _about(kept), kept.acquisition
        made = _assessed(kept)
    made = _doubted(kept, made, about, acquisition)
    made = with_verdicts(config, made, acquisition, tables, kept.register)
    return replace(
        kept,
        about=about,
        acquisition=acquisition,
        operating_points=made.operating_points,
        rates=made.rates,
        differentials=made.differentials,
        findings=made.findings,
        tables=tables | made.tables,
    )


def _doubted(kept: AuditResult, made: Assessment, about: Mapping[str, Any], acquisition: pd.DataFrame) -> Assessment:
    """How far mated and non-mated scores lie apart, and doubts first: while a serious one stands, nothing is a finding
    about groups.
    """
    config, curve = kept.config, made.tables.get("curves", columns.empty("curves"))
    cells = [str(name) for name in acquisition["group"]]
    apart = separation(kept.histograms, curve, cells, kept.tallies, confidence=config.uncertainty.confidence)
    looked = Looked(
        apart, made.rates, made.operating_points, curve, acquisition, about["matcher"], config.backend.name
    )
    doubts = find_doubts(looked)
    tables = {name: certainties(table, doubts) for name, table in made.tables.items()}
    return replace(
        made,
        differentials=certainties(made.differentials, doubts),
        findings=findings_after(doubts, made.findings, str(made.operating_points["operating_point"].iloc[0])),
        tables=tables | ({"separation": apart} if len(apart) else {}),
    )


def _need(there: bool, name: str) -> None:
    """Refuse results without something that their configuration needs; there is no rate without what it is computed
    from.
    """
    if not there:
        raise ResultsError(
            name, got="nothing", allowed="what a run of this configuration keeps", todo="Run the audit again"
        )


def _assessed(kept: AuditResult) -> Any:
    config, tallies, matcher = kept.config, kept.tallies, kept.about["matcher"]
    _need(tallies is not None and tallies.listed is None, "dyads.npz")
    _need(kept.histograms is not None, "histograms.npz")
    _need(kept.shift is not None, "shift.npz")
    _need((kept.searches is not None) == (config.identification is not None), "searches.npz")
    _need("review" in kept.tables, "review.csv")
    _need((kept.before is not None) == (config.benchmark.exclude is not None), "dyads_before.npz")
    assert tallies is not None
    _need((tallies.strata is None) or "photo_quality" in kept.tables, "photo_quality.csv")
    rule = ScoreRule(
        matcher["measure"], matcher["kind"], -np.inf, np.inf, matcher["default_threshold"], matcher["unit"]
    )
    points = operating_points.frame(
        config, [(point.id, point.threshold) for point in tallies.points], rule, tallies.labellings[0].cells
    )
    observed = Observed(
        review=kept.tables["review"],
        histograms=kept.histograms,
        before=kept.before,
        quality=kept.tables.get("photo_quality"),
        shift=kept.shift,
        searches=kept.searches,
        judged=kept.about.get("overrides") or {},
    )
    return assess(config, tallies, _acquisition(kept.acquisition, tallies), points, observed)


def _acquisition(table: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """``acquisition.csv``, held to the tallies: why a sample failed is known from the run alone, how many there were
    is not.

    Raises
    ------
    ResultsError
        People, samples or outcomes do not add up.
    """
    cells, cell = tallies.labellings[0].cells, tallies.labellings[0].cell
    size, n = len(cells), tallies.acquired.astype(np.int64)
    counted = {
        "subjects": np.bincount(cell[tallies.attempted > 0], minlength=size),
        "subjects_with_two": np.bincount(cell[n >= 2], minlength=size),
        "samples": np.bincount(cell, tallies.attempted, minlength=size).astype(np.int64),
        "acquired": np.bincount(cell, n, minlength=size).astype(np.int64),
    }
    names = ["acquired", "unreadable", "no_face", "many_faces", "error"]
    fits = list(table["group"]) == list(cells) and all((table[name] == value).all() for name, value in counted.items())
    if not fits or (table[names] < 0).any(axis=None) or not (table[names].sum(axis=1) == table["samples"]).all():
        raise ResultsError(
            "acquisition.csv",
            got="counts that do not add up to dyads.npz",
            allowed="the counts of the run",
            todo="Run it again",
        )
    return table


def _about(kept: AuditResult) -> dict[str, Any]:
    """``audit.json`` with everything in it that follows from something else."""
    about = dict(kept.about)
    tallies, histograms = kept.tallies, kept.histograms
    _need(tallies is not None and histograms is not None, "dyads.npz")
    assert tallies is not None
    assert histograms is not None
    counted = sums(tallies.attempted, tallies.acquired, tallies.labellings[0].cells)
    about |= {"name": kept.config.name, "counts": counted | {"unlabelled": about["counts"]["unlabelled"]}}
    about["matcher"] = about["matcher"] | {"backend": kept.config.backend.name}
    if about.get("protocol"):
        about["protocol"] = about["protocol"] | summary(about["protocol"]["by_fold"])
    if (histograms.total(), int(histograms.mated.sum())) != (counted["comparisons"], counted["mated"]):
        raise ResultsError(
            "histograms.npz",
            got="other comparisons than dyads.npz",
            allowed="N(N-1)/2 of them",
            todo="Run the audit again",
        )
    return about
