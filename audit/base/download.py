"""A file known by name and sha256 in, the same on disk out: resumed where a connection broke, never half taken for
whole.

Its one idea: bytes land in ``<name>.part``; only when the sha256 of the whole is the known one is the file renamed, so
a file under its own name is whole.
"""

from __future__ import annotations

import errno
import hashlib
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from audit.base.errors import BenchmarkError

__all__ = ["Progress", "Remote", "check_name", "download", "sha256_of"]

Progress = Callable[[str, int, int | None], None]
"""Called with (file name, bytes so far, bytes in all if known)."""

_CHUNK = 1 << 14  # small, as the last unfinished chunk of a broken connection is lost
_WINDOW, _SLOWEST = 60.0, 512
"""Seconds and bytes a second: what comes more slowly for so long is given up."""
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
    file: Remote,
    folder: Path,
    *,
    offline: bool = False,
    attempts: int = 4,
    timeout: float = 30.0,
    progress: Progress | None = None,
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
        Offline, no network, the server refuses, or the whole is not the file that is known. Bytes of a broken
        connection are kept for the next attempt; bytes with the wrong sha256 are removed.
    """
    check_name(file.name)
    try:
        return _fetched(file, folder, offline, attempts, timeout, progress)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise BenchmarkError(
            file.name,
            got="the disk takes no more"
            if full
            else f"it cannot be kept in the data directory ({error.strerror or type(error).__name__})",
            allowed="room for the whole file" if full else "a folder that can be written",
            todo="Make room and run again to go on from there" if full else "Check the folder",
        ) from error


def check_name(name: str) -> None:
    """Refuse a name that is no plain file name: it would land elsewhere.

    Raises
    ------
    BenchmarkError
        A path, a name of dots, control characters, or more than 200 bytes.
    """
    if (
        not name.strip(". ")
        or len(name.encode(errors="replace")) > 200
        or any(one in "/\\:" or not one.isprintable() for one in name)
    ):
        raise BenchmarkError(
            "name of a file to fetch", got="no plain file name", allowed="a name without folders", todo="Mend the card"
        )


def _fetched(
    file: Remote, folder: Path, offline: bool, attempts: int, timeout: float, progress: Progress | None
) -> Path:
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
            todo="Run again to go on from there, or fetch the file by other means into the data directory "
            "and use --data and --offline",
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


@dataclass(frozen=True)
class _Head:
    """What a server answered before the bytes: status, and the headers that matter."""

    status: int
    length: str
    range: str


class _Reply:
    """A server's answer, read by a thread of its own: whoever drips bytes, in the headers too, is waited for no longer
    than a window.
    """

    def __init__(self, url: str, have: int, timeout: float) -> None:
        self._said: queue.Queue[_Head | bytes | str | None] = queue.Queue(maxsize=64)
        self._over = threading.Event()
        threading.Thread(target=self._read, args=(url, have, timeout), daemon=True).start()

    def _put(self, one: _Head | bytes | str | None) -> bool:
        while not self._over.is_set():
            try:
                self._said.put(one, timeout=0.5)
                return True
            except queue.Full:
                continue
        return False

    def _read(self, url: str, have: int, timeout: float) -> None:
        import requests

        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=timeout) as reply:
                self._put(
                    _Head(
                        reply.status_code,
                        reply.headers.get("Content-Length", ""),
                        reply.headers.get("Content-Range", ""),
                    )
                )
                for chunk in reply.iter_content(_CHUNK):
                    if not self._put(chunk):
                        return
            self._put(None)
        except Exception as error:  # requests lets errors of urllib3 and of address parsers through
            self._put(type(error).__name__)

    def next(self, seconds: float) -> _Head | bytes | str | None:
        """Give the head, then bytes, then None; or the name of an error; raises ``queue.Empty`` where nothing comes in
        time.
        """
        return self._said.get(timeout=max(seconds, 0.01))

    def close(self) -> None:
        """Let the thread end at its next byte."""
        self._over.set()


def _attempt(file: Remote, part: Path, timeout: float, progress: Progress | None) -> tuple[bool, str]:
    """Append what the server gives; whether the transfer ended as the server announced, and what happened."""
    have = part.stat().st_size if part.exists() else 0
    most = getattr(file, "bytes", None) or _MOST_BYTES
    reply = _Reply(file.url, have, timeout)
    try:
        head = reply.next(_WINDOW)
        if not isinstance(head, _Head):
            return False, str(head)
        if (
            head.status == 416
        ):  # nothing after what we have: whole, or longer than the file ever was; the sha256 decides
            return True, "complete"
        if head.status not in (200, 206):
            return False, f"the server answered {head.status}"
        begin = have if head.status == 206 else 0
        if head.status == 206 and not head.range.startswith(f"bytes {begin}-"):
            part.unlink(missing_ok=True)
            return False, "the server sent another range than asked"
        total = begin + int(head.length) if re.fullmatch("[0-9]{1,15}", head.length) else None
        size = marked = begin
        since = time.monotonic()
        with part.open("ab" if begin else "wb") as stream:
            while (chunk := reply.next(since + _WINDOW - time.monotonic())) is not None:
                if not isinstance(chunk, bytes):
                    return False, str(chunk)
                stream.write(chunk)
                size += len(chunk)
                if size > most:
                    break
                if time.monotonic() - since > _WINDOW / 2 and size - marked >= _WINDOW * _SLOWEST:
                    since, marked = time.monotonic(), size
                if progress:
                    progress(file.name, size, total)
        if size > most:
            part.unlink()
            return False, f"the server sent more than {most:,} bytes"
        if total is not None and size < total:
            return False, f"the connection broke after {size:,} of {total:,} bytes"
        return True, "complete"
    except queue.Empty:
        return False, f"fewer than {_SLOWEST:,} bytes a second came for {_WINDOW:g} seconds"
    finally:
        reply.close()
