"""What lies in the cache folder, and how it goes: a folder in, rows of what is there out; named things removed.

Its one idea: only what this program wrote is ever removed: files of its own endings, in folders of its own names, and
no link is followed. All of it is made again when it is needed, but who is who in earlier runs and the errors' texts.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOR_GOOD", "KINDS", "Entry", "entries", "remove"]

KINDS = {
    "templates": "templates of photographs, one folder per matcher and its options: personal data",
    "quality": "measures of photographs",
    "tiles": "comparisons of runs that were cut short",
    "people": "who is who in runs that were made here: personal data, and what `face-audit review` of "
    "those runs needs",
    "errors": "full texts of unexpected errors, which may hold names",
}
"""Folders in the cache, and what they hold."""

FOR_GOOD = ("people",)
"""Kinds that are not made again; they go only when they are named."""

_ENDINGS = (".shard", ".npz", ".txt", ".tmp", ".part")


@dataclass(frozen=True)
class Entry:
    """One folder of records: its kind, its name ("" for the kind's own files), files, bytes and the time of the
    newest, seconds since 1970.
    """

    kind: str
    name: str
    files: int
    bytes: int
    newest: float
    paths: tuple[Path, ...]


def _files(folder: Path) -> tuple[Path, ...]:
    return tuple(
        sorted(
            path for path in folder.iterdir() if path.suffix in _ENDINGS and path.is_file() and not path.is_symlink()
        )
    )


def entries(cache: Path) -> list[Entry]:
    """Everything that this program keeps below ``cache``, by kind and name."""
    out = []
    for kind in KINDS:
        top = cache / kind
        if top.is_symlink() or not top.is_dir():
            continue
        for folder in (top, *sorted(path for path in top.iterdir() if path.is_dir() and not path.is_symlink())):
            paths = _files(folder)
            stats = [path.stat() for path in paths]
            if paths or folder != top:
                newest = max((one.st_mtime for one in stats), default=folder.stat().st_mtime)
                name = "" if folder == top else folder.name
                out.append(Entry(kind, name, len(paths), sum(one.st_size for one in stats), newest, (*paths, folder)))
    return out


def remove(chosen: list[Entry], older_than_days: float = 0.0) -> tuple[int, int]:
    """Remove the files of entries, those not written to for some days, and folders that are empty then; gives files
    and bytes that went.
    """
    files = size = 0
    limit = time.time() - older_than_days * 86400
    for entry in chosen:
        *paths, folder = entry.paths
        for path in paths:
            with contextlib.suppress(OSError):  # another process was faster
                found = path.stat()
                if older_than_days and found.st_mtime > limit:
                    continue
                path.unlink()
                files, size = files + 1, size + found.st_size
        with contextlib.suppress(OSError):  # not empty
            if entry.name:
                folder.rmdir()
    return files, size
