"""A results directory in, what is wrong with it out: every table, verdict and page made again from what the run kept,
and held against the files.

Its one idea: whatever can be made again must be there, byte for byte, and nothing else may be there. What only the run
could see (observations, configuration, card and matcher facts) is checked for sense; whether it is what the run saw,
only the digest can show.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit import results
from audit.base.errors import AuditError, ResultsError
from audit.findings.finding import Finding
from audit.observations.facts import FORMAT
from audit.report import render
from audit.runs.again import again

__all__ = ["verify"]

_TOLERANCE = 1e-9  # relative: another machine's mathematics library may differ in the last bits of a quantile
# absolute: a lower limit of 0 is a difference of two numbers below 1, and may come out as their rounding error
_NOISE = 1e-14
_APART = (results.SUMS, results.CLOCK, results.CLOCK_SUM)


def _differences(name: str, stored: pd.DataFrame, again: pd.DataFrame, same: Callable[[Any, Any], bool]) -> list[str]:
    if list(stored.columns) != list(again.columns):
        return [f"{name}: columns are {list(stored.columns)}, computed again they are {list(again.columns)}"]
    if len(stored) != len(again):
        return [f"{name}: {len(stored)} rows, computed again there are {len(again)}"]
    out = []
    for column in stored.columns:
        for row, (a, b) in enumerate(zip(stored[column], again[column], strict=True)):
            if not same(a, b):
                out.append(f"{name}, row {row + 2}, {column}: {a!r}, computed again it is {b!r}")
                break
    return out


def _close(a: Any, b: Any) -> bool:
    """Equal but for the last digits of numbers, in whatever they stand."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(_close(a[name], b[name]) for name in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_NOISE)
    return str("" if a is None or a != a else a) == str("" if b is None or b != b else b)


def _values(findings: tuple[Finding, ...]) -> Any:
    return json.loads(json.dumps([results.plain(vars(finding)) for finding in findings]))


def verify(folder: Path, *, last_digits: bool = False) -> dict[str, Any]:
    """Check sums; make every table, finding, verdict and page again, and hold the bytes against the files.

    Parameters
    ----------
    folder : Path
        A results directory.
    last_digits : bool
        Accept numbers that differ from this machine's by less than 1 in 10^9: a run of another machine, whose
        mathematics library rounds otherwise.

    Returns
    -------
    dict
        problems (list of sentences; empty if all agrees), files, rates, ratios, digest.

    Raises
    ------
    ResultsError
        Not a results directory, or something in it that no command should open.
    """
    return results.settled(lambda: _verify(folder, last_digits), folder)


def _verify(folder: Path, last_digits: bool) -> dict[str, Any]:
    problems = results.checksum_errors(folder)
    sums = results.files_of(folder)
    report: dict[str, Any] = {
        "problems": problems,
        "files": len(sums),
        "rates": 0,
        "ratios": 0,
        "digest": results.digest_of(sums),
    }
    try:
        stored = results.read(folder)
        if stored.about.get("format") != FORMAT:
            raise ResultsError(
                "audit.json",
                got=f"results of format {stored.about.get('format', 1)}",
                allowed=f"format {FORMAT}",
                todo="Run the audit again, or verify it with the version that wrote it",
            )
        made = again(stored)
        problems += _made_again(folder, stored, made, sums, last_digits)
        report |= {"rates": len(made.rates), "ratios": len(made.differentials)}
    except AuditError as error:
        problems.append(" ".join(str(error).split()))
    except (
        Exception
    ) as error:  # whatever a stranger wrote into the files: a problem of the directory, not of the command
        problems.append(f"the numbers cannot be computed again ({type(error).__name__})")
    return report


def _made_again(
    folder: Path, stored: results.AuditResult, made: results.AuditResult, sums: Mapping[str, str], last_digits: bool
) -> list[str]:
    """What differs between the files and those that the kept observations give."""
    problems: list[str] = []
    if last_digits:
        made, problems = _as_stored(stored, made)
    files = results.to_files(made)
    kept = {name: content for name, content in files.items() if name != results.CLOCK}
    wrong = {name for name, content in kept.items() if name in sums and not _same_file(folder / name, content)}
    named = [line for name in sorted(wrong) for line in _named(name, stored, made)]
    problems += [
        line
        for line in named
        if line.partition(",")[0].partition(":")[0] not in {one.partition(",")[0] for one in problems}
    ]
    pages = _pages(made, sums)
    problems += [
        f"{name}: not the page that these results give"
        for name, content in pages.items()
        if name in sums and not _is(sums[name], content)
    ]
    expected = {*kept, *pages}
    problems += [f"{name} is missing: these results give it" for name in sorted(expected - set(sums))]
    problems += [f"{name}: these results give no such file" for name in sorted(set(sums) - expected - set(_APART))]
    problems += [f"{name} is missing" for name in _APART if name not in sums]
    clock = folder / results.CLOCK
    if results.CLOCK in sums and results.as_json(json.loads(clock.read_bytes())) != clock.read_bytes():
        problems.append(f"{results.CLOCK}: not as a run writes it")
    return problems


def _is(digest: str, content: bytes) -> bool:
    import hashlib

    return hashlib.sha256(content).hexdigest() == digest


def _same_file(path: Path, content: bytes) -> bool:
    """Equal bytes; of an archive, equal arrays under equal names: how hard it is packed depends on a library."""
    if path.suffix != ".npz":
        return path.read_bytes() == content
    with tempfile.TemporaryDirectory() as place:
        twin = Path(place, path.name)
        twin.write_bytes(content)
        a, b = results.unpack(path), results.unpack(twin)
    return list(a) == list(b) and all(
        a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f")
        for name in a
    )


def _named(name: str, stored: results.AuditResult, made: results.AuditResult) -> list[str]:
    """Where a file differs: row and column of a table, if they can be named."""
    before, after = (_table(one, name.removesuffix(".csv")) for one in (stored, made))
    if name.endswith(".csv") and before is not None and after is not None:
        far = _differences(name, before, after, _close)
        if far:
            return far
        near = _differences(name, before, after, lambda a, b: a == b or (a != a and b != b) or str(a) == str(b))
        hint = (
            "; in the last digits only: --last-digits accepts what another machine's mathematics "
            "library rounds otherwise"
        )
        return [line + hint for line in near] or [f"{name}: other bytes than these numbers give"]
    if name == "findings.json":
        return [f"{name}: a finding or a verdict differs from the one computed again"]
    if name == "audit.json":
        keys = sorted(
            key for key in {*stored.about, *made.about} if not _close(stored.about.get(key), made.about.get(key))
        )
        return [f"audit.json, {', '.join(keys) or 'bytes'}: not what the other files give"]
    return [f"{name}: not as a run writes it"]


def _table(result: results.AuditResult, name: str) -> pd.DataFrame | None:
    frame = getattr(result, name) if name in results.CORE else result.tables.get(name)
    return frame if isinstance(frame, pd.DataFrame) else None


def _as_stored(stored: results.AuditResult, made: results.AuditResult) -> tuple[results.AuditResult, list[str]]:
    """The stored tables and findings where they agree with those made again but for last digits; what does not, as
    problems.
    """
    problems: list[str] = []

    def chosen(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        before = _table(stored, name)
        found = [f"{name}.csv is missing"] if before is None else _differences(f"{name}.csv", before, frame, _close)
        problems.extend(found)
        return frame if found or before is None else before

    core: dict[str, Any] = {name: chosen(name, getattr(made, name)) for name in results.CORE}
    tables = {name: chosen(name, frame) for name, frame in made.tables.items()}
    findings = made.findings
    if _close(_values(stored.findings), _values(made.findings)):
        findings = stored.findings
    about = stored.about if _close(dict(stored.about), dict(made.about)) else made.about
    return replace(made, tables=tables, findings=findings, about=about, **core), problems


def _pages(made: results.AuditResult, sums: Mapping[str, str]) -> dict[str, bytes]:
    """The pages, for whom they were rendered: an auditor's report has its tables
    open; and the PDF where one was made.
    """
    asked: dict[str, Any] = {"digest": results.digest_of(sums), "pdf": "report.pdf" in sums}
    pages = render(made, **asked)
    if "report.html" in sums and not _is(sums["report.html"], pages["report.html"]):
        for_auditors = render(made, audience="auditor", **asked)
        if _is(sums["report.html"], for_auditors["report.html"]):
            return for_auditors
    return pages
