"""Records on disk that a kill, a full disk or a second process can cut short but never damage.

In: a folder and bytes. Out: the same bytes, in a later run. Its one idea: append only. Each record is a file of its
own, written under a hidden name, flushed to disk and renamed, with the sha256 of its body in front; a record that does
not fit its sum is not read, and what it held is made again. No locks: two processes may write one journal, and each
reads what the other has finished.

What is kept here may be personal data, so folders are made 0700 and files 0600, also where they exist wider.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["Journal", "private_folder", "write_private"]

LOG = logging.getLogger(__name__)

_LEFT_OVER_SECONDS = 3600.0
"""A hidden file that nobody has written to for so long is what a killed run left; it is removed."""


def private_folder(folder: Path) -> None:
    """Make a folder, or narrow one that exists, so that only its owner looks in; raises OSError where it cannot be
    made.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(OSError):  # on a read-only disk it stays as it is
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)


def write_private(path: Path, body: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all: hidden, flushed to disk, renamed; raises
    OSError.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
        ) as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


class Journal:
    """The records of one kind of work.

    Parameters
    ----------
    folder : Path
        Made if absent; its name should be a digest of everything that the records depend on.
    what : str
        What the records hold, in the words of a warning, e.g. "template cache".
    suffix : str
        Ending of the records' names.

    Attributes
    ----------
    writable : bool
        False on a read-only disk, where what is there is still read. Where there is nothing to read either, OSError is
        raised.
    """

    def __init__(self, folder: Path, what: str, suffix: str = ".shard") -> None:
        self.folder, self.what, self.suffix = folder, what, suffix
        self.writable = True
        try:
            private_folder(folder)
            probe = folder / f".{uuid.uuid4().hex}.tmp"
            probe.touch(0o600)
            probe.unlink()
        except OSError as error:
            if error.errno != errno.ENOSPC:  # a full disk may have room again when there is something to write
                if not folder.is_dir() or not any(folder.glob(f"*{suffix}")):
                    raise
                self.writable = False
                return
        for path in folder.glob(".*.tmp"):
            with contextlib.suppress(OSError):  # another process may be at it
                if time.time() - path.stat().st_mtime > _LEFT_OVER_SECONDS:
                    path.unlink()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Name and body of every record that is whole, by name; the others are passed over with a warning."""
        for path in sorted(self.folder.glob(f"*{self.suffix}")):
            body = self.read(path.stem)
            if body is not None:
                yield path.stem, body

    def read(self, name: str) -> bytes | None:
        """Body of one record; None where there is none, or (with a warning) one that is damaged."""
        path = self.folder / f"{name}{self.suffix}"
        try:
            data = path.read_bytes()
            if self.writable and path.stat().st_mode & 0o077:
                path.chmod(0o600)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.ignore(name, error.strerror or type(error).__name__)
            return None
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            self.ignore(name, "its checksum does not fit")
            return None
        return data[32:]

    def ignore(self, name: str, why: object) -> None:
        """Warn of a record that cannot be used."""
        LOG.warning("%s: shard %s is ignored (%s); what it held is made again", self.what, f"{name}{self.suffix}", why)

    def write(self, body: bytes, name: str = "") -> str:
        """Keep a record, under a name of its own where none is given; its name, or "" (and a warning) where the disk
        is full or read-only.
        """
        name = name or uuid.uuid4().hex
        try:
            if not self.writable:
                raise OSError(errno.EROFS, "it is read-only")
            write_private(self.folder / f"{name}{self.suffix}", hashlib.sha256(body).digest() + body)
        except OSError as error:
            why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
            LOG.warning(
                "%s: %d bytes could not be saved (%s); the run goes on without saving them", self.what, len(body), why
            )
            return ""
        return name

    def remove(self, names: Iterable[str]) -> None:
        """Take records away, after one that holds all of theirs was written."""
        for name in names:
            with contextlib.suppress(OSError):
                (self.folder / f"{name}{self.suffix}").unlink()
