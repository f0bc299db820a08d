"""A results directory in, an ``AuditResult`` out, or a refusal in words: a
stranger may have written anything into it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from audit.base.errors import AuditError, ResultsError
from audit.config import parse_config
from audit.findings.finding import Finding
from audit.observations.search_counts import sound_searches
from audit.observations.sound import sound
from audit.results.arrays import histograms_of, searches_of, shift_of, tallies_of
from audit.results.content import content, unpack
from audit.results.place import settled
from audit.results.result import AuditResult
from audit.results.sums import CLOCK
from audit.words import columns

__all__ = ["CORE", "headline", "read", "runs", "usable"]

CORE = ("acquisition", "operating_points", "rates", "differentials")


def read(target: Path) -> AuditResult:
    """Read a results directory back; one that is replaced meanwhile is read again, so that all of it is of one run.

    Raises
    ------
    ResultsError
        Not a results directory, or a file in it cannot be read.
    """
    return settled(lambda: _read(target), target)


def _read(target: Path) -> AuditResult:
    if not (target / "audit.json").is_file():
        raise ResultsError(
            str(target),
            got="no audit.json",
            allowed="a results directory",
            todo="Give the path that `face-audit run` printed; see `face-audit ls runs`",
        )
    try:
        frames = {path.stem: columns.read(path.stem, content(path)) for path in sorted(target.glob("*.csv"))}
        packed = {
            name: unpack(target / f"{name}.npz")
            for name in ("dyads", "dyads_before", "histograms", "shift", "searches")
            if (target / f"{name}.npz").is_file()
        }
        tallies, before = (
            sound(tallies_of(packed[name])) if name in packed else None for name in ("dyads", "dyads_before")
        )
        histograms = histograms_of(packed["histograms"]) if "histograms" in packed else None
        shift = shift_of(packed["shift"]) if "shift" in packed else None
        searches = searches_of(packed["searches"]) if "searches" in packed else None
        if searches is not None and tallies is not None:
            labelling = tallies.labellings[0]
            sound_searches(searches, tallies.acquired.astype(np.int64), labelling.cell, len(labelling.cells))
        findings = tuple(
            Finding(**{**entry, "evidence": tuple(entry["evidence"]), "caveats": tuple(entry["caveats"])})
            for entry in _loaded(target / "findings.json")
        )
        provenance = _loaded(target / CLOCK) if (target / CLOCK).is_file() else {}
        about = _loaded(target / "audit.json")
        if not isinstance(about, dict) or not isinstance(provenance, dict):
            raise TypeError
        return AuditResult(
            config=parse_config(content(target / "config.toml").decode(), "config.toml"),
            about=about,
            provenance=provenance,
            histograms=histograms,
            tallies=tallies,
            findings=findings,
            tables={name: frame for name, frame in frames.items() if name not in CORE},
            before=before,
            shift=shift,
            searches=searches,
            register=content(target / "claims.toml").decode() if (target / "claims.toml").is_file() else None,
            **{name: frames[name] for name in CORE},
        )
    except ResultsError:
        raise
    # five parsers, and whatever a stranger may have written: no file of results ends a command in another way
    except Exception as error:
        raise ResultsError(
            str(target), got=f"a file that cannot be read ({type(error).__name__})", todo="Run the audit again"
        ) from error


def _loaded(path: Path) -> Any:
    return json.loads(content(path).decode())


@contextmanager
def usable(*folders: Path) -> Iterator[None]:
    """Turn whatever goes wrong while results are used into a refusal of these: a stranger may have written anything
    into them.
    """
    try:
        yield
    except (AuditError, OSError):
        raise
    except Exception as error:
        raise ResultsError(
            " and ".join(map(str, folders)),
            got=f"results that cannot be used ({type(error).__name__})",
            allowed="results as `face-audit run` writes them",
            todo="Run `face-audit verify`; if it finds nothing, please report it",
        ) from error


def headline(folder: Path, result: AuditResult) -> str:
    """The title of a run's report, one sentence; its first finding where no report was rendered."""
    path = folder / "report.json"
    said = json.loads(path.read_text(encoding="utf-8")).get("headline") if path.is_file() else None
    return str(said or result.findings[0].statement)


def runs(folder: Path) -> list[Path]:
    """Results directories below ``folder``, by name."""
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob("*/audit.json") if not path.parent.name.startswith("."))
