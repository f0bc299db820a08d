"""Templates once made are never made again: a content-addressed cache outside ``results/``.

In come a backend's fingerprint and ``Extraction``s under the sha256 of their image; out come the same on the next run. The one idea: append-only
shards, each written to a temporary file, flushed to disk and renamed, with a checksum in front. So Ctrl-C, kill -9 and a second process at the
same time can lose the last seconds, never damage what is there. No name and no path is kept; failures other than ERROR are kept too.

Templates are personal data: the folder is made readable by its owner only.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
import uuid
from pathlib import Path

from audit.backends.protocol import Extraction, Status
from audit.embeddings.images import DECODER
from audit.embeddings.shards import Shard, pack, unpack
from audit.errors import AuditError

__all__ = ["Shelf", "Store"]

LOG = logging.getLogger(__name__)

FORMAT = "1"
"""Raise this when the shard's layout changes; other formats are left alone, not misread."""


FLUSH_SECONDS = 10.0
"""A shard is written this often, and later every 1 % of the time spent: a crash loses little, and a run of days does not leave 20,000 shards."""


class Store:
    """A folder of shelves, one per backend fingerprint.

    Parameters
    ----------
    folder : Path, optional
        Default: the environment variable FACE_AUDIT_CACHE, else ``~/.cache/face-audit``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        chosen = folder or os.environ.get("FACE_AUDIT_CACHE") or Path.home() / ".cache" / "face-audit"
        self.folder = Path(chosen).expanduser()

    def shelf(self, fingerprint: str, dimensions: int) -> Shelf:
        """Open the shelf of one backend; raises AuditError where the folder cannot be written."""
        key = hashlib.sha256(f"format {FORMAT} decoder {DECODER} backend {fingerprint}".encode()).hexdigest()[:32]
        return Shelf(self.folder / "templates" / key, dimensions)


class Shelf:
    """All cached extractions of one backend, keyed by image sha256 (hex).

    Parameters
    ----------
    folder : Path
    dimensions : int
        Width of a template; a shard of another width is ignored with a warning.
    """

    def __init__(self, folder: Path, dimensions: int) -> None:
        self.folder, self.dimensions = folder, dimensions
        self._shards: list[Shard] = []
        self._where: dict[bytes, tuple[int, int]] = {}
        self._new: dict[bytes, Extraction] = {}
        self._unsaved: dict[bytes, Extraction] = {}
        self._opened = self._flushed = time.monotonic()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = folder / f".{uuid.uuid4().hex}.tmp"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise AuditError(
                str(folder),
                got=f"the template cache cannot be written ({error.strerror or error})",
                allowed="a folder that this user may write",
                todo="Point the environment variable FACE_AUDIT_CACHE elsewhere",
            ) from error
        for path in sorted(folder.glob("*.shard")):
            self._read(path)

    def __len__(self) -> int:
        """Images known."""
        return len(self._where) + len(self._new)

    def get(self, sha256: str) -> Extraction | None:
        """What was made of an image, or None."""
        key = bytes.fromhex(sha256)
        if key in self._new:
            return self._new[key]
        where = self._where.get(key)
        return None if where is None else self._shards[where[0]].row(where[1])

    def add(self, sha256: str, extraction: Extraction) -> None:
        """Remember an extraction, and write a shard when it is time; an ERROR is not remembered, so the next run tries again."""
        key = bytes.fromhex(sha256)
        if extraction.status == Status.ERROR or key in self._new or key in self._where:
            return
        self._new[key] = self._unsaved[key] = extraction
        now = time.monotonic()
        if now - self._flushed > max(FLUSH_SECONDS, 0.01 * (now - self._opened)):
            self.flush()

    def flush(self) -> bool:
        """Write what is not yet on disk; False (and a warning, once per try) where the disk is full, and the run goes on uncached."""
        if not self._unsaved:
            return True
        self._flushed = time.monotonic()
        body = pack(self._unsaved, self.dimensions)
        name = uuid.uuid4().hex
        temporary = self.folder / f".{name}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.folder / f"{name}.shard")
        except OSError as error:
            temporary.unlink(missing_ok=True)
            why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
            LOG.warning("template cache: %d templates could not be saved (%s); the run goes on without saving them", len(self._unsaved), why)
            return False
        self._unsaved.clear()
        return True

    def _read(self, path: Path) -> None:
        try:
            data = path.read_bytes()
            if hashlib.sha256(data[32:]).digest() != data[:32]:
                raise ValueError("its checksum does not fit")
            shard = unpack(data[32:], self.dimensions)
        except (OSError, ValueError, KeyError) as error:
            LOG.warning("template cache: shard %s is ignored (%s); its templates are made again", path.name, error)
            return
        number = len(self._shards)
        self._shards.append(shard)
        for row, key in enumerate(shard.keys):
            self._where.setdefault(key.tobytes(), (number, row))
