"""Searches in, ``search_counts.csv`` and ``selectivity.csv`` out; and those tables in, FPIR and FNIR with intervals and ratios out.

Its one idea: a search is one trial, and the person searched for is the unit of independence. Where the file says who that is, a rate has the
interval of people (Wilson where nobody is searched for twice); where it does not, the rate stands alone. Every search meets the same gallery,
which the interval does not cover; the note says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError, ConfigError
from audit.base.groups import UNLABELLED, Group, groups_of
from audit.config import AuditConfig, OperatingPointConfig
from audit.outputs.candidate_lists import Searches
from audit.outputs.options import CandidatesOptions
from audit.rates import differences as gaps
from audit.rates import differentials as ratios
from audit.rates.every_rate import Key, Rates
from audit.rates.every_rate import frame as rates_frame
from audit.rates.people_unknown import NO_INTERVAL
from audit.stats.fnmr import SubjectRate, fnmr
from audit.stats.thresholds import threshold_by_comparisons
from audit.words import columns
from audit.words.wording import UNCERTAIN

__all__ = [
    "Asked",
    "ask",
    "differences",
    "differentials",
    "operating_points",
    "own_threshold",
    "rates",
    "search_counts",
    "selectivity",
]

_GALLERY = "every search meets the same gallery, which the interval does not cover"


@dataclass(frozen=True)
class Asked:
    """One operating point of searches: a threshold (score, larger = more alike), or a number of ranks without one.

    ``target`` and ``achieved`` are FPIR over all labelled non-mated searches.
    """

    id: str
    protocol: str
    threshold: float
    rank: int | None = None
    target: float = math.nan
    achieved: float = math.nan


def own_threshold(point: OperatingPointConfig, options: CandidatesOptions) -> float:
    """The threshold a configured operating point names, as a score; NaN where it names none."""
    value = options.default_threshold if point.kind == "vendor_default" else point.threshold
    return math.nan if value is None else options.rule.to_score(value)


def ask(searches: Searches, config: AuditConfig, options: CandidatesOptions) -> list[Asked]:
    """Thresholds of the config, then thresholds by target FPIR, then ranks.

    Raises
    ------
    ConfigError
        A target FMR (searches are not comparisons), a default where there is none, a threshold below the floor, or a rank beyond the lists.
    BenchmarkError
        A target FPIR without non-mated searches, or one that would need scores below the floor or beyond the lists.
    """
    found: list[Asked] = []
    for index, point in enumerate(config.operating_points):
        where = f"operating_points.{index}"
        value = options.default_threshold if point.kind == "vendor_default" else point.threshold
        if point.kind == "target_fmr":
            raise ConfigError(
                where,
                got='kind = "target_fmr", for searches: a list of candidates does not hold the comparisons it was picked from',
                allowed='"fixed", "vendor_default", and backend.options.target_fpir and ranks',
                todo="Write target_fpir in backend.options",
            )
        if value is None:
            raise ConfigError(where, got='kind = "vendor_default" for a matcher without one', allowed="fixed", todo="Give default_threshold")
        if options.floor is not None and options.rule.to_score(value) < options.rule.to_score(options.floor):
            raise ConfigError(
                where,
                got=f"threshold {value:g}, below the floor {options.floor:g} under which the system returns nobody",
                allowed="a threshold at or above the floor",
                todo="What lies below cannot be known from these outputs",
            )
        found.append(Asked(point.id, point.kind, options.rule.to_score(value)))
    non = ~searches.enrolled & (searches.cell != _unlabelled(searches))
    top = searches.top_wrong[non]
    found += [_by_target(target, top) for target in options.target_fpir]
    for rank in options.ranks:
        if options.list_length is not None and rank > options.list_length:
            raise ConfigError(
                "backend.options.ranks",
                got=str(rank),
                allowed=f"1 to {options.list_length}, the longest list",
                todo="Further ranks were not returned",
            )
        found.append(Asked(f"rank={rank}", "rank", -math.inf, rank))
    return [replace(one, achieved=float((top >= one.threshold).mean())) if len(top) and one.rank is None else one for one in found]


def _by_target(target: float, top: NDArray[np.float64]) -> Asked:
    """Smallest observed best score whose FPIR does not exceed the target (the tie rules of METRICS 1, on searches)."""
    name = f"fpir={target:g}"
    if not len(top):
        raise BenchmarkError("backend.options.target_fpir", got="no labelled non-mated searches", allowed="a threshold", todo="Leave target_fpir out")
    returned = top[np.isfinite(top)]
    threshold = threshold_by_comparisons(returned, target, total=len(top))
    if threshold is None and len(returned) and math.isclose(len(returned) / len(top), target, rel_tol=1e-12):
        threshold = float(returned.min())  # the target is what all that was returned gives: nothing below is needed
    if threshold is None:
        raise BenchmarkError(
            "backend.options.target_fpir",
            got=f"{target:g}, but only {len(returned)} of {len(top)} non-mated searches returned anybody",
            allowed=f"up to {len(returned)} of {len(top)}, {len(returned) / len(top)!r}",
            todo="A looser threshold cannot be known from these outputs",
        )
    return Asked(name, "target_fpir", threshold, target=target)


def _unlabelled(searches: Searches) -> int:
    return searches.cells.index(UNLABELLED) if UNLABELLED in searches.cells else -1


def operating_points(asked: Sequence[Asked], options: CandidatesOptions) -> pd.DataFrame:
    """``operating_points.csv``; ``achieved_comparisons`` is the FPIR over all labelled non-mated searches."""
    rows = []
    for one in asked:
        score = one.threshold if math.isfinite(one.threshold) else math.nan
        on = "all labelled non-mated searches" if one.protocol == "target_fpir" else ""
        row = {"operating_point": one.id, "protocol": one.protocol, "target": one.target, "calibrated_on": on, "unit": options.unit}
        row |= {"threshold": options.rule.to_score(score), "score_threshold": score, "achieved_comparisons": one.achieved}
        rows.append(row)
    return columns.frame("operating_points", rows)


def _errors(searches: Searches, one: Asked) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Per measure: which searches count, and which of them went wrong."""
    missed = (searches.mate_score < one.threshold) | (searches.mate_rank > (one.rank or math.inf))
    out = {"FNIR": (searches.enrolled, missed)}
    if one.rank is None:
        out["FPIR"] = (~searches.enrolled, searches.top_wrong >= one.threshold)
    return out


def search_counts(searches: Searches, asked: Sequence[Asked]) -> pd.DataFrame:
    """Per operating point, measure and cell: how many people had so many errors in so many searches (a search is a person where nobody is known)."""
    rows = []
    size = len(searches.cell)
    whom = np.arange(size) if searches.subject is None else searches.subject
    for one in asked:
        for measure, (trial, error) in _errors(searches, one).items():
            for k, cell in enumerate(searches.cells):
                here = trial & (searches.cell == k)
                g = np.bincount(whom[here], minlength=size)
                f = np.bincount(whom[here & error], minlength=size)
                pattern, people = np.unique(np.stack([g, f])[:, g > 0], axis=1, return_counts=True)
                start = {"operating_point": one.id, "measure": measure, "group": cell}
                rows += [start | {"searches": int(a), "errors": int(b), "people": int(n)} for (a, b), n in zip(pattern.T, people, strict=True)]
    return columns.frame("search_counts", rows)


def selectivity(searches: Searches, asked: Sequence[Asked], options: CandidatesOptions) -> pd.DataFrame:
    """SEL(T): mean candidates at or above T per non-mated search, refused where a full list may have cut some off."""
    rows = []
    for one in asked:
        if one.rank is not None:
            continue
        above = np.bincount(searches.search[searches.score >= one.threshold], minlength=len(searches.cell))
        cut = (searches.length >= options.list_length) & (searches.last >= one.threshold) if options.list_length else np.zeros(len(above), bool)
        for group in groups_of(searches.cells):
            here = ~searches.enrolled & np.isin(searches.cell, group.cells)
            count, total, full = int(here.sum()), int(above[here].sum()), int(cut[here].sum())
            note = f"refused: {full} full lists may go on above the threshold; at least {total / count:.4g}" if full else ""
            value = total / count if count and not full else math.nan
            row = {"operating_point": one.id, "group": group.name, "searches": count, "candidates": total, "selectivity": value}
            rows.append(row | {"note": note if count else "no non-mated searches"})
    return columns.frame("selectivity", rows)


def _rate(g: NDArray[np.int64], f: NDArray[np.int64], weighting: str, known: bool, config: AuditConfig) -> SubjectRate:
    """A rate of searches, with the interval of people where they are known.

    Where nobody is searched for twice both weightings are one number and have its interval; otherwise by searches there is none.
    """
    single = known and bool((g <= 1).all())
    made = fnmr(f, g, "people" if single or weighting == "people" else "comparisons", confidence=config.uncertainty.confidence)
    notes = {"nobody has two samples": "no searches"}
    if not known:
        note = NO_INTERVAL if made.trials else "no searches"
        nan = math.nan
        return replace(made, low=nan, high=nan, interval="", n_eff=nan, design_effect=nan, note=note, weighting="comparisons")
    if made.interval == "" and made.trials:
        note = "no interval: some people are searched for more often than others"
    elif made.errors == 0 and made.trials:
        note = f"none seen: a one-sided 95 % upper bound; {_GALLERY}"
    elif made.errors == made.trials and made.trials:
        note = f"every search went wrong: a one-sided 95 % lower bound; {_GALLERY}"
    else:
        note = notes.get(made.note, _GALLERY)
    return replace(made, note=note, weighting="people" if weighting == "people" else "comparisons")


def _computed(table: pd.DataFrame, config: AuditConfig, known: bool) -> Rates:
    cells = tuple(sorted(set(table["group"].astype(str)) - {UNLABELLED})) + ((UNLABELLED,) if (table["group"] == UNLABELLED).any() else ())
    values: dict[Key, SubjectRate] = {}
    groups: list[Group] = groups_of(cells)
    for (point, measure), rows in table.groupby(["operating_point", "measure"], sort=False):
        for weighting in ("people", "comparisons") if known else ("comparisons",):
            for group in groups:
                mine = rows[rows["group"].isin([cells[k] for k in group.cells])]
                g, f = (np.repeat(mine[name].to_numpy(np.int64), mine["people"].to_numpy(np.int64)) for name in ("searches", "errors"))
                values[Key(str(point), str(measure), weighting, group.name)] = _rate(g, f, weighting, known, config)
    minimum = config.groups.minimum_subjects if known else 0
    return Rates(dict(values), groups, cells, config.uncertainty.confidence, minimum)


def rates(table: pd.DataFrame, config: AuditConfig, known: bool) -> pd.DataFrame:
    """``rates.csv`` from ``search_counts.csv``; errors and trials are searches."""
    made = _computed(table, config, known)
    out = rates_frame(made, "searches")
    if not known:
        out["subjects"] = math.nan
    return out


def differentials(table: pd.DataFrame, config: AuditConfig, known: bool) -> pd.DataFrame:
    """``differentials.csv``: MOVER on logs where people are known; ratios alone, too uncertain to say, where they are not."""
    made = _computed(table, config, known)
    if known:
        return ratios.frame(ratios.differentials(made, config.groups.reference, k=config.uncertainty.equivalence), made.confidence)
    rows = []
    for d in ratios.differentials(made, config.groups.reference):
        a, b = made.values[d.key], made.values[replace(d.key, group=d.reference)]
        ratio = a.rate / b.rate if b.rate > 0 else math.nan
        certainty = UNCERTAIN if a.trials and b.trials else ""
        note = f"{NO_INTERVAL}, so the difference may be chance" if certainty else "no searches in one of the groups"
        rows.append(d.key.row(weighting="comparisons", reference=d.reference, ratio=ratio, certainty=certainty, note=note))
    return columns.frame("differentials", rows)


def differences(table: pd.DataFrame, config: AuditConfig, known: bool) -> pd.DataFrame:
    """``differences.csv``: MOVER where people are known; rate minus rate alone where they are not."""
    return gaps.differences(_computed(table, config, known), config.groups.reference)
