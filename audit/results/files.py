"""An ``AuditResult`` in, a results directory out: written to a temporary sibling that takes its place, so it is whole
or absent.

The same inputs give the same bytes; ``provenance.json`` alone holds clock and machine, and is summed apart
(``PROVENANCE.sha256``).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from audit.base.errors import ResultsError
from audit.results.arrays import dyads, searches, shift
from audit.results.content import as_json, npz
from audit.results.place import claim, hidden, take_place
from audit.results.reading import read
from audit.results.result import AuditResult
from audit.results.sums import CLOCK, CLOCK_SUM, SUMS, checksum_errors, digest_of, lines_of, sums_of
from audit.words.columns import csv_bytes

__all__ = ["check_target", "digest", "held", "put", "sibling", "to_files", "write", "write_rendered"]


def to_files(result: AuditResult) -> dict[str, bytes]:
    """Every file of a results directory except the rendered pages and the sums, by relative path."""
    files = {
        "config.toml": result.config.to_toml().encode(),
        "audit.json": as_json(result.about),
        CLOCK: as_json(result.provenance),
        "acquisition.csv": csv_bytes(result.acquisition),
        "operating_points.csv": csv_bytes(result.operating_points),
        "rates.csv": csv_bytes(result.rates),
        "differentials.csv": csv_bytes(result.differentials),
        "findings.json": as_json([asdict(finding) for finding in result.findings]),
    }
    for name, tallies in (("dyads.npz", result.tallies), ("dyads_before.npz", result.before)):
        if tallies is not None:
            files[name] = npz(dyads(tallies))
    if result.shift is not None:
        files["shift.npz"] = npz(shift(result.shift))
    if result.searches is not None:
        files["searches.npz"] = npz(searches(result.searches))
    if result.register is not None:
        files["claims.toml"] = result.register.encode()
    if result.histograms is not None:
        axis = result.histograms.axis
        files["histograms.npz"] = npz(
            {
                "axis": np.array([axis.low, axis.high, axis.bins], dtype=np.float64),
                "pairs": result.histograms.pairs,
                "non_mated": result.histograms.non_mated,
                "mated": result.histograms.mated,
            }
        )
    for name, frame in sorted(result.tables.items()):
        files[f"{name}.csv"] = csv_bytes(frame)
    return files


def digest(result: AuditResult) -> str:
    """The digest of the directory that ``write`` makes of a result; pages carry it, so that a page can be held against
    a directory.
    """
    return digest_of({name: hashlib.sha256(content).hexdigest() for name, content in to_files(result).items()})


def check_target(target: Path, *, replace: bool) -> None:
    """Refuse early, before hours of work: the directory exists, or its parent cannot be written."""
    if target.exists() and not replace:
        raise ResultsError(
            str(target),
            got="a results directory that already exists",
            allowed="a new name",
            todo="Give --replace, or another name",
        )
    if (
        target.exists()
        and not (target / "audit.json").exists()
        and not (target.is_dir() and next(target.iterdir(), None) is None)
    ):
        raise ResultsError(
            str(target), got="something else than results", allowed="a results directory", todo="Choose another name"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise ResultsError(
            str(target.parent),
            got=f"cannot be written ({error.strerror})",
            allowed="a writable folder",
            todo="Choose another --results folder",
        ) from error


@contextmanager
def held(target: Path, *, replace: bool) -> Iterator[None]:
    """Hold a target from before the first hour of work until its results are written.

    Raises
    ------
    ResultsError
        Another run is at it; and as ``check_target``.
    """
    with claim(target):  # first: what a killed run took away is back before anybody asks whether it is there
        check_target(target, replace=replace)
        yield


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by relative path."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextmanager
def sibling(
    target: Path, todo: str = "Nothing was changed; make room or choose another folder and run again"
) -> Iterator[Path]:
    """Give a temporary directory beside ``target``, which is held meanwhile; once filled it is summed and takes
    target's place, whole or not at all.

    Raises
    ------
    ResultsError
        It cannot be written, or another run is at it.
    """
    with claim(target) as own:
        temporary: Path | None = None
        try:
            temporary = hidden(own, "new")
            yield temporary
            (temporary / SUMS).write_bytes(sums_of(temporary))
            temporary.chmod(0o755)
            take_place(temporary, own)
        except OSError as error:
            raise ResultsError(
                str(target), got=f"could not be written ({error.strerror or error})", todo=todo
            ) from error
        finally:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)  # half of the new one, or the old one after the exchange


def write(result: AuditResult, target: Path, rendered: Mapping[str, bytes], *, replace: bool = False) -> None:
    """Write a whole results directory, or nothing.

    Raises
    ------
    ResultsError
        It exists and ``replace`` is false, it cannot be written, or the disk is full; nothing half-written is left.
    """
    with held(target, replace=replace), sibling(target) as temporary:
        put(temporary, to_files(result) | dict(rendered))
        (temporary / CLOCK_SUM).write_bytes(lines_of(temporary, [CLOCK]))


def write_rendered(target: Path, rendered: Mapping[str, bytes]) -> None:
    """Replace all rendered pages of an existing results directory, numbers untouched, and its sums; pages that are
    made no more go.
    """
    with claim(target):
        errors = checksum_errors(target)
        if errors:
            raise ResultsError(
                str(target),
                got=errors[0],
                allowed="files as they were written",
                todo="Run `face-audit verify`, then the audit again",
            )
        with sibling(target) as temporary:
            for name in (*to_files(read(target)), CLOCK_SUM):
                if (target / name).is_file():
                    (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(target / name, temporary / name)
            put(temporary, rendered)
