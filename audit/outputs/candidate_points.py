"""Searches and a config in, the thresholds and ranks at which they are read out (``operating_points.csv``).

Its one idea: what a list cannot answer (a target FMR, a threshold below the floor, a rank beyond the list) is refused
before anything is counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError, ConfigError
from audit.base.groups import ALL, UNLABELLED
from audit.config import AuditConfig, OperatingPointConfig
from audit.observations.candidates import Asked, Searches
from audit.outputs.options import CandidatesOptions
from audit.stats.thresholds import threshold_by_comparisons
from audit.words import columns

__all__ = ["ask", "operating_points", "own_threshold"]


def own_threshold(point: OperatingPointConfig, options: CandidatesOptions) -> float:
    """The threshold a configured operating point names, as a score; NaN where it names none."""
    value = options.default_threshold if point.kind == "vendor_default" else point.threshold
    return math.nan if value is None else options.rule.to_score(value)


def ask(searches: Searches, config: AuditConfig, options: CandidatesOptions) -> list[Asked]:
    """Thresholds of the config, then thresholds by target FPIR, then ranks.

    Raises
    ------
    ConfigError
        A target FMR (searches are not comparisons), a default where there is none, a threshold below the floor, or a
        rank beyond the lists.
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
                got='kind = "target_fmr", for searches: a list of candidates does not hold the comparisons it '
                "was picked from",
                allowed='"fixed", "vendor_default", and backend.options.target_fpir and ranks',
                todo="Write target_fpir in backend.options",
            )
        if value is None:
            raise ConfigError(
                where,
                got='kind = "vendor_default" for a matcher without one',
                allowed="fixed",
                todo="Give default_threshold",
            )
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
    return found


def _by_target(target: float, top: NDArray[np.float64]) -> Asked:
    """Smallest observed best score whose FPIR does not exceed the target (the tie rules of METRICS 1, on searches)."""
    name = f"fpir={target:g}"
    if not len(top):
        raise BenchmarkError(
            "backend.options.target_fpir",
            got="no labelled non-mated searches",
            allowed="a threshold",
            todo="Leave target_fpir out",
        )
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
    """``operating_points.csv``; what was achieved is an FPIR over all labelled
    non-mated searches (``with_achieved``).
    """
    rows = []
    for one in asked:
        score = one.threshold if math.isfinite(one.threshold) else math.nan
        on = ALL if one.protocol == "target_fpir" else ""
        row = {
            "operating_point": one.id,
            "protocol": one.protocol,
            "target": one.target,
            "calibrated_on": on,
            "unit": options.unit,
        }
        row |= {"threshold": options.rule.to_score(score), "score_threshold": score}
        rows.append(row)
    return columns.frame("operating_points", rows)
