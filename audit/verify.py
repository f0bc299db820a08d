"""A results directory in, what is wrong with it out: sums, and every published number computed again from ``dyads.npz``."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from audit import results
from audit.assess import Observed, assess

__all__ = ["verify"]

_TOLERANCE = 1e-9  # relative: another machine's mathematics library may differ in the last bits of a quantile


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
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=1e-300)
    return str("" if a is None or a != a else a) == str("" if b is None or b != b else b)


def _observed(stored: results.AuditResult) -> Observed:
    """What a results directory keeps of a run beside the tallies."""
    return Observed(review=stored.tables.get("review"))


def verify(folder: Path) -> dict[str, Any]:
    """Check sums and recompute rates, ratios, further tables and findings.

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
    stored = results.read(folder)
    if stored.tallies is not None:
        again = assess(stored.config, stored.tallies, stored.acquisition, stored.operating_points, _observed(stored))
        problems += _differences("rates.csv", stored.rates, again.rates)
        problems += _differences("differentials.csv", stored.differentials, again.differentials)
        for name, frame in again.tables.items():
            problems += _differences(f"{name}.csv", stored.tables.get(name, pd.DataFrame()), frame)
        before, after = [asdict(f) for f in stored.findings], [asdict(f) for f in again.findings]
        if [f["statement"] for f in before] != [f["statement"] for f in after]:
            problems.append("findings.json: a statement differs from the one computed again")
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    return {"problems": problems, "files": files, "rates": len(stored.rates), "ratios": len(stored.differentials)}
