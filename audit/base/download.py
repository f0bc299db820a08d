"""A file known by name and sha256 in, the same on disk out: resumed where a connection broke, never half taken for whole.

Its one idea: bytes land in ``<name>.part``; only when the sha256 of the whole is the known one is the file renamed, so a file under its own name is
whole.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from audit.base.errors import BenchmarkError

__all__ = ["Progress", "Remote", "download", "sha256_of"]

Progress = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all if known)."""

_CHUNK = 1 << 14  # small, as the last unfinished chunk of a broken connection is lost
_WINDOW, _SLOWEST = 60.0, 512
_MOST_BYTES = 1 << 38


class Remote(Protocol):
    """What is known of a file before it is here."""

    @property
    def name(self) -> str:
        """Under which it is kept."""

    @property
    def url(self) -> str:
        """Where it may be fetched."""

    @property
    def sha256(self) -> str:
        """Hex."""


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(
    file: Remote, folder: Path, *, offline: bool = False, attempts: int = 4, timeout: float = 30.0, progress: Progress | None = None
) -> Path:
    """Fetch one file, going on where an earlier attempt stopped.

    Parameters
    ----------
    file : Remote
    folder : Path
        Made if absent.
    offline : bool
        Refuse to use the network.
    attempts : int
        How often a broken connection is taken up again.
    timeout : float
        Seconds without a byte after which a connection counts as broken.
    progress : Progress, optional

    Raises
    ------
    BenchmarkError
        Offline, no network, the server refuses, or the whole is not the file that is known. Bytes of a broken connection are kept for the
        next attempt; bytes with the wrong sha256 are removed.
    """
    target, part = folder / file.name, folder / (file.name + ".part")
    if target.is_file():
        if sha256_of(target) == file.sha256:
            return target
        raise BenchmarkError(
            file.name,
            got=f"a file in the data directory with sha256 {sha256_of(target)[:16]}...",
            allowed=f"sha256 {file.sha256[:16]}...",
            todo="Move it away and run again to fetch it",
        )
    if offline:
        raise BenchmarkError(
            file.name,
            got="not in the data directory, and the network was not to be used",
            allowed=f"{file.name} with sha256 {file.sha256}",
            todo=f"Fetch {file.url} by other means into the data directory, or run without --offline",
        )
    folder.mkdir(parents=True, exist_ok=True)
    last = "no attempt"
    for _ in range(max(1, attempts)):
        done, last = _attempt(file, part, timeout, progress)
        if done:
            break
    else:
        kept = part.stat().st_size if part.exists() else 0
        raise BenchmarkError(
            file.name,
            got=f"no complete download from {file.url} ({last}; {kept:,} bytes kept)",
            allowed="a working connection",
            todo="Run again to go on from there, or fetch the file by other means into the data directory and use --data and --offline",
        )
    got = sha256_of(part)
    if got != file.sha256:
        part.unlink()
        raise BenchmarkError(
            file.name,
            got=f"a download with sha256 {got[:16]}..., which was thrown away",
            allowed=f"sha256 {file.sha256[:16]}..., the file that is known",
            todo="Run again; if it happens twice, the publisher changed the file: do not use it unchecked",
        )
    part.replace(target)
    return target


def _attempt(file: Remote, part: Path, timeout: float, progress: Progress | None) -> tuple[bool, str]:
    """Append what the server gives; whether the transfer ended as the server announced, and what happened."""
    import requests

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(file.url, headers=headers, stream=True, timeout=timeout) as reply:
            if reply.status_code == 416:  # nothing after what we have: whole, or longer than the file ever was; the sha256 decides
                return True, "complete"
            if reply.status_code not in (200, 206):
                return False, f"the server answered {reply.status_code}"
            begin = have if reply.status_code == 206 else 0
            if begin and not reply.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                part.unlink()
                return False, "the server sent another range than asked"
            length = reply.headers.get("Content-Length")
            total = begin + int(length) if length and re.fullmatch("[0-9]{1,15}", length) else None
            size = begin
            with part.open("ab" if begin else "wb") as stream:
                since, marked, most = time.monotonic(), size, getattr(file, "bytes", None) or _MOST_BYTES
                for chunk in reply.iter_content(_CHUNK):
                    stream.write(chunk)
                    size += len(chunk)
                    if size > most:
                        return False, f"the server sent more than {most:,} bytes"
                    if time.monotonic() - since > _WINDOW:
                        if size - marked < _WINDOW * _SLOWEST:
                            return False, f"fewer than {_SLOWEST:,} bytes a second came for {_WINDOW:g} seconds"
                        since, marked = time.monotonic(), size
                    if progress:
                        progress(file.name, size, total)
            if total is not None and size < total:
                return False, f"the connection broke after {size:,} of {total:,} bytes"
            return True, "complete"
    except requests.RequestException as error:
        return False, type(error).__name__
    except OSError as error:
        raise BenchmarkError(
            file.name,
            got=f"the disk takes no more ({error.strerror})",
            allowed="room for the whole file",
            todo="Make room and run again to go on from there",
        ) from error
