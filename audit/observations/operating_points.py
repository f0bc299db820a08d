"""Configured operating points in, requests to the comparison room out; and the answers back as
``operating_points.csv``.

Its one idea: one threshold serves everybody, and its calibration (which comparisons, which weighting) is part of its
name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from audit.backends.protocol import ScoreRule
from audit.base.errors import BenchmarkError, ConfigError
from audit.base.groups import ALL, APART, UNLABELLED
from audit.comparisons.types import OperatingPointRequest
from audit.config import AuditConfig
from audit.observations.tallies import CURVE
from audit.words import columns

__all__ = ["check_reference", "frame", "ladder", "requests", "with_achieved"]

_LADDER_PAIRS = 20_000_000  # a rung whose tail would be longer is left out, to bound memory and dyads.npz


def check_reference(config: AuditConfig, cells: Sequence[str]) -> None:
    """Refuse a reference in which nobody is recorded, before hours are spent on templates; raises BenchmarkError."""
    if config.groups.reference not in cells:
        raise BenchmarkError(
            "groups.reference",
            got=f"{config.groups.reference!r}, in which nobody is recorded",
            allowed=", ".join(name for name in cells if name != UNLABELLED) or "(no labelled cell at all)",
            todo="Choose a cell that occurs",
        )


def requests(config: AuditConfig, rule: ScoreRule, cells: Sequence[str]) -> tuple[OperatingPointRequest, ...]:
    """What the comparison room is asked for.

    Raises
    ------
    ConfigError
        The vendor's default is asked for but the matcher has none.
    BenchmarkError
        The reference cell does not occur.
    """
    check_reference(config, cells)
    labelled = [k for k, name in enumerate(cells) if name != UNLABELLED]
    out: list[OperatingPointRequest] = []
    for point in config.operating_points:
        if point.kind == "vendor_default":
            if rule.default_threshold is None:
                raise ConfigError(
                    "operating_points",
                    got='kind = "vendor_default" for a matcher without one',
                    allowed="fixed or target_fmr",
                    todo="Name a threshold",
                )
            out.append(
                OperatingPointRequest(point.id, "vendor_default", threshold=rule.to_score(rule.default_threshold))
            )
        elif point.kind == "fixed" and point.threshold is not None:
            out.append(OperatingPointRequest(point.id, "fixed", threshold=rule.to_score(point.threshold)))
        elif point.over == "all":
            out.append(OperatingPointRequest(point.id, "target_fmr", target=point.target, weighting=point.weighting))
        elif point.over == "reference":
            cell = (list(cells).index(config.groups.reference),)
            out.append(
                OperatingPointRequest(
                    point.id, "target_fmr_reference", target=point.target, weighting=point.weighting, cells=cell
                )
            )
        else:
            out += [
                OperatingPointRequest(
                    f"{point.id}:{cells[k]}", "per_group", target=point.target, weighting=point.weighting, cells=(k,)
                )
                for k in labelled
            ]
    return tuple(out)


def ladder(config: AuditConfig, samples: int) -> tuple[OperatingPointRequest, ...]:
    """Rungs for curves: thresholds at which given shares of random pairs of
    labelled people match (``report.curve``).
    """
    pairs = samples * (samples - 1) / 2
    rungs = [target for target in sorted(config.report.curve, reverse=True) if target * pairs <= _LADDER_PAIRS]
    return tuple(
        OperatingPointRequest(f"{CURVE}{target:g}", "target_fmr", target=target, weighting="people")
        for target in rungs
    )


def frame(
    config: AuditConfig, points: Iterable[tuple[str, float]], rule: ScoreRule, cells: Sequence[str]
) -> pd.DataFrame:
    """One row an operating point (id, threshold as a score), the threshold in the matcher's own unit too; what was
    asked is read from the config.

    What was achieved is not yet known, see ``with_achieved``.
    """
    asked = {request.id: request for request in requests(config, rule, cells)}
    rows = []
    for name, threshold in points:
        request = asked[name]
        names = (
            ""
            if request.target is None
            else ALL
            if request.cells is None
            else ", ".join(cells[k] for k in request.cells)
        )
        if names and config.uncertainty.calibration_share:
            names = f"{APART}{names}"
        rows.append(
            {
                "operating_point": name,
                "protocol": request.protocol,
                "weighting": request.weighting,
                "target": request.target,
                "calibrated_on": names,
                "threshold": rule.to_score(threshold),
                "unit": rule.unit,
                "score_threshold": threshold,
            }
        )
    return columns.frame("operating_points", rows)


def with_achieved(points: pd.DataFrame, rates: pd.DataFrame, measure: str = "FMR") -> pd.DataFrame:
    """Fill in the false match rate of the comparisons each threshold was set on (all labelled people where it was
    not), as ``rates.csv`` has it.
    """
    within = rates[(rates["measure"] == measure) & (rates["other_group"] == "")]
    found = dict(
        zip(
            zip(within["operating_point"], within["weighting"], within["group"], strict=True),
            within["rate"],
            strict=True,
        )
    )
    groups = [str(name).removeprefix(APART) or ALL for name in points["calibrated_on"]]
    out = points.copy()
    for weighting in ("people", "comparisons"):
        keys = zip(points["operating_point"], groups, strict=True)
        out[f"achieved_{weighting}"] = [float(found.get((point, weighting, group), math.nan)) for point, group in keys]
    return out
