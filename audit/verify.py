"""A results directory in, what is wrong with it out: sums, and every published number again from ``dyads.npz`` or counts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit import blackbox, results
from audit.assess import Assessment, Observed, assess
from audit.errors import ResultsError
from audit.rates.groups import ALL, APART
from audit.rates.tallies import Tallies

__all__ = ["verify"]

_TOLERANCE = 1e-9  # relative: another machine's mathematics library may differ in the last bits of a quantile
_NOISE = 1e-14  # absolute: a lower limit of 0 is a difference of two numbers below 1, and may come out as their rounding error


def _differences(name: str, stored: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    if list(stored.columns) != list(again.columns):
        return [f"{name}: columns are {list(stored.columns)}, computed again they are {list(again.columns)}"]
    if len(stored) != len(again):
        return [f"{name}: {len(stored)} rows, computed again there are {len(again)}"]
    out = []
    for column in stored.columns:
        for row, (a, b) in enumerate(zip(stored[column], again[column], strict=True)):
            if not _same(a, b):
                out.append(f"{name}, row {row + 2}, {column}: {a!r}, computed again it is {b!r}")
                break
    return out


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_NOISE)
    return str("" if a is None or a != a else a) == str("" if b is None or b != b else b)


def _observed(stored: results.AuditResult) -> Observed:
    """What a results directory keeps of a run beside the tallies."""
    return Observed(
        review=stored.tables.get("review"),
        histograms=stored.histograms,
        overrides=stored.tables.get("overrides"),
        judged=stored.about.get("overrides") or {},
    )


def _counted(stored: results.AuditResult, tallies: Tallies) -> list[str]:
    """What people, photos and comparisons add up to, in acquisition.csv, audit.json and histograms.npz."""
    labelling, cell = tallies.labellings[0], tallies.labellings[0].cell
    size, present, n = len(labelling.cells), tallies.attempted > 0, tallies.acquired.astype(np.int64)
    counted = {
        "group": list(labelling.cells),
        "subjects": np.bincount(cell[present], minlength=size),
        "subjects_with_two": np.bincount(cell[n >= 2], minlength=size),
        "samples": np.bincount(cell, tallies.attempted, minlength=size).astype(np.int64),
        "acquired": np.bincount(cell, n, minlength=size).astype(np.int64),
    }
    table = stored.acquisition
    out = _differences("acquisition.csv", table[[name for name in counted if name in table]], pd.DataFrame(counted))
    outcomes = [name for name in ("acquired", "unreadable", "no_face", "many_faces", "error") if name in table]
    if not (table[outcomes].sum(axis=1) == table.samples).all():
        out.append("acquisition.csv: what became of the samples does not add up to the samples")
    total, mated = int(n.sum()), int((n * (n - 1) // 2).sum())
    pairs = total * (total - 1) // 2
    sums = {"samples": int(tallies.attempted.sum()), "acquired": total, "comparisons": pairs, "mated": mated, "non_mated": pairs - mated}
    said = stored.about.get("counts", {})
    out += [f"audit.json, counts.{name}: {said[name]}, counted again it is {value}" for name, value in sums.items() if said.get(name, value) != value]
    if stored.histograms is not None and (stored.histograms.total(), int(stored.histograms.mated.sum())) != (pairs, mated):
        out.append(f"histograms.npz: {stored.histograms.total()} comparisons, N(N-1)/2 is {pairs}; {mated} of them mated")
    return out


def _thresholds(stored: results.AuditResult, tallies: Tallies, rates: pd.DataFrame) -> list[str]:
    """Thresholds and achieved rates of operating_points.csv, against dyads.npz and the rates computed again."""
    points = stored.operating_points
    if list(points.operating_point) != [point.id for point in tallies.points]:
        return ["operating_points.csv: other operating points than dyads.npz has"]
    within = rates[(rates.measure == "FMR") & (rates.other_group == "")].set_index(["operating_point", "weighting", "group"]).rate
    again = points.copy()
    again["score_threshold"] = [point.threshold for point in tallies.points]
    for weighting in ("people", "comparisons"):
        groups = [name.removeprefix(APART) or ALL for name in points.calibrated_on]
        keys = [(point, weighting, group) for point, group in zip(points.operating_point, groups, strict=True)]
        again[f"achieved_{weighting}"] = [within.get(key, math.nan) for key in keys]
    return _differences("operating_points.csv", points, again)


def verify(folder: Path) -> dict[str, Any]:
    """Check sums; compute rates, ratios, further tables, findings, counts, thresholds and achieved rates again.

    Returns
    -------
    dict
        problems (list of sentences; empty if all agrees), files, rates, ratios.

    Raises
    ------
    ResultsError
        Not a results directory.
    """
    problems = results.checksum_errors(folder)
    try:
        stored = results.read(folder)
    except ResultsError as error:
        if not problems:
            raise
        return {"problems": [*problems, str(error)], "files": _files(folder), "rates": 0, "ratios": 0}
    outputs = stored.config.backend.name in blackbox.NAMES
    if outputs or stored.tallies is not None:
        try:
            again = _again(stored)
        except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
            if not problems:
                raise
            problems.append(f"the numbers cannot be computed again ({type(error).__name__})")
            return _report(folder, stored, problems)
        problems += _differences("rates.csv", stored.rates, again.rates)
        problems += _differences("differentials.csv", stored.differentials, again.differentials)
        for name, frame in again.tables.items():
            problems += _differences(f"{name}.csv", stored.tables.get(name, pd.DataFrame()), frame)
        if stored.tallies is not None and stored.tallies.listed is None:
            problems += _counted(stored, stored.tallies) + _thresholds(stored, stored.tallies, again.rates)
        before, after = ([replace(finding, values={}) for finding in found] for found in (stored.findings, again.findings))
        if before != after:
            problems.append("findings.json: a finding differs from the one computed again")
    return _report(folder, stored, problems)


def _again(stored: results.AuditResult) -> Assessment:
    """The numbers again, from what the run kept: people, or the counts of somebody else's outputs."""
    if stored.config.backend.name in blackbox.NAMES:
        return blackbox.again(stored)
    assert stored.tallies is not None
    return assess(stored.config, stored.tallies, stored.acquisition, stored.operating_points, _observed(stored))


def _files(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file())


def _report(folder: Path, stored: results.AuditResult, problems: list[str]) -> dict[str, Any]:
    return {"problems": problems, "files": _files(folder), "rates": len(stored.rates), "ratios": len(stored.differentials)}
