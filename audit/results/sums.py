"""Sums of a results directory: every file with its sha256, the digest over everything that is no page, and what
differs from ``SHA256SUMS``.

Its one idea: pages show the digest of what they are made from, so a page can be held against a directory.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from audit.base.errors import ResultsError
from audit.results.content import text

__all__ = [
    "CLOCK",
    "CLOCK_SUM",
    "SUMS",
    "checksum_errors",
    "digest_of",
    "files_of",
    "folder_digest",
    "is_page",
    "lines_of",
    "sums_of",
]

SUMS, CLOCK, CLOCK_SUM = "SHA256SUMS", "provenance.json", "PROVENANCE.sha256"
_MOST_FILES = 5000


def is_page(name: str) -> bool:
    """Whether a file of a results directory is made from the others for people
    to read; all others make up the digest.
    """
    return name.startswith(("figures/", "tables/")) or name in (
        "report.html",
        "summary.html",
        "guide.html",
        "report.json",
        "report.pdf",
    )


def _listed(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def digest_of(sums: Mapping[str, str]) -> str:
    """One short name for everything that is not a page: 80 bits of the sum of its sums, in fours."""
    kept = {
        name: digest for name, digest in sums.items() if not is_page(name) and name not in (SUMS, CLOCK, CLOCK_SUM)
    }
    text = hashlib.sha256(_listed(kept)).hexdigest()[:20]
    return "-".join(text[k : k + 4] for k in range(0, 20, 4))


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a results directory with its sha256, by relative path, sorted.

    Raises
    ------
    ResultsError
        Something that is no regular file (a link, a pipe), or more than results hold.
    """
    out: dict[str, str] = {}
    for place, folders, names in os.walk(folder):
        for name in sorted([*names, *(one for one in folders if Path(place, one).is_symlink())]):
            path = Path(place, name)
            shown = path.relative_to(folder).as_posix()
            if not stat.S_ISREG(path.lstat().st_mode):
                raise ResultsError(
                    str(folder),
                    got=f"{shown!r}, which is no ordinary file",
                    allowed="ordinary files",
                    todo="Do not trust it",
                )
            if len(out) >= _MOST_FILES:
                raise ResultsError(
                    str(folder),
                    got=f"more than {_MOST_FILES} files",
                    allowed="a results directory",
                    todo="Give its path",
                )
            with path.open("rb") as file:
                out[shown] = hashlib.file_digest(file, "sha256").hexdigest()
    return dict(sorted(out.items()))


def folder_digest(folder: Path) -> str:
    """The digest of a results directory as it lies there."""
    return digest_of(files_of(folder))


def sums_of(folder: Path) -> bytes:
    """``SHA256SUMS`` of a folder as it lies there."""
    return _listed({name: digest for name, digest in files_of(folder).items() if name not in (SUMS, CLOCK, CLOCK_SUM)})


def lines_of(folder: Path, names: Iterable[str]) -> bytes:
    """Lines of sums of some of its files."""
    return _listed({name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names})


def checksum_errors(target: Path) -> list[str]:
    """What differs from ``SHA256SUMS``: one sentence a file; empty if all is as it was written.

    Raises
    ------
    ResultsError
        There are no sums, or something is there that is no ordinary file.
    """
    if not (target / SUMS).is_file():
        raise ResultsError(
            str(target),
            got=f"no {SUMS}",
            allowed="a results directory",
            todo="Give the path that `face-audit run` printed",
        )
    found = files_of(target)
    stated: dict[str, str] = {}
    errors = []
    for name in (SUMS, CLOCK_SUM):
        for number, line in enumerate(text(target / name).splitlines() if name in found else [], start=1):
            value, space, said = line.partition("  ")
            if not space or not re.fullmatch(r"[0-9a-f]{64}", value) or said in stated or said in (SUMS, CLOCK_SUM):
                errors.append(f"{name}, line {number} is no line of sums, or names a file twice")
            else:
                stated[said] = value
    errors += [f"{name} is missing" for name in stated if name not in found]
    errors += [f"{name} differs from its sum" for name, value in stated.items() if found.get(name, value) != value]
    return errors + [
        f"{name} is not in {SUMS}" for name in found if name not in stated and name not in (SUMS, CLOCK_SUM)
    ]
