"""Templates once made are never made again: a content-addressed cache outside ``results/``.

In come a backend's fingerprint and ``Extraction``s under the sha256 of their image; out come the same on the next run.
The one idea: a journal (``audit.base.journal``) of shards, written every few seconds and merged as they grow in
number. So Ctrl-C, TERM, kill -9 and a second process at the same time can lose the last seconds, never damage what is
there. No name and no path is kept; failures of the matcher other than ERROR are kept too, files that cannot be read
are not: looking again costs no matcher.

Templates are personal data: folder and files are readable by their owner only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from audit.backends.protocol import Extraction, Status
from audit.base.errors import AuditError
from audit.base.journal import Journal, private_folder
from audit.base.photos import DECODER
from audit.embeddings.shards import Shard, pack, unpack

__all__ = ["Shelf", "Store"]

FORMAT = "1"
"""Raise this when the shard's layout changes; other formats are left alone, not misread."""


FLUSH_SECONDS = 2.0
"""A shard is written this often: what a crash loses at most."""

MERGED = 16
"""So many shards of one size become one, so that a run of days leaves some dozens and not 50,000."""


class Store:
    """A folder of shelves, one per backend fingerprint.

    Parameters
    ----------
    folder : Path, optional
        Default: the environment variable FACE_AUDIT_CACHE, else ``~/.cache/face-audit``.
    fresh : bool
        Believe nothing that is there: what is asked for is made again and takes the place of what was kept. Other
        photographs' templates stay.
    """

    def __init__(self, folder: Path | None = None, *, fresh: bool = False) -> None:
        chosen = folder or os.environ.get("FACE_AUDIT_CACHE") or Path.home() / ".cache" / "face-audit"
        self.folder, self.fresh = Path(chosen).expanduser(), fresh

    def shelf(self, fingerprint: str, dimensions: int) -> Shelf:
        """Open the shelf of one backend; raises AuditError where the folder cannot be written."""
        key = hashlib.sha256(f"format {FORMAT} decoder {DECODER} backend {fingerprint}".encode()).hexdigest()[:32]
        with contextlib.suppress(OSError):  # told by the shelf
            private_folder(self.folder / "templates")
        return Shelf(self.folder / "templates" / key, dimensions, fresh=self.fresh)


class Shelf:
    """All cached extractions of one backend, keyed by image sha256 (hex).

    Parameters
    ----------
    folder : Path
    dimensions : int
        Width of a template; a shard of another width is ignored with a warning.
    fresh : bool
        As of ``Store``.

    Attributes
    ----------
    writable : bool
        False for a cache on a read-only disk: what it holds is used, and nothing can be added.
    """

    def __init__(self, folder: Path, dimensions: int, *, fresh: bool = False) -> None:
        self.folder, self.dimensions, self.fresh = folder, dimensions, fresh
        self._shards: list[Shard] = []
        self._names: list[str] = []
        self._where: dict[bytes, tuple[int, int]] = {}
        self._new: dict[bytes, Extraction] = {}
        self._unsaved: dict[bytes, Extraction] = {}
        self._own: list[
            tuple[int, str, list[bytes]]
        ] = []  # level, name and keys of the shards that this process wrote
        self._flushed = time.monotonic()
        try:
            self._journal = Journal(folder, "template cache")
        except OSError as error:
            raise self.refusal(error.strerror or str(error)) from error
        self.writable = self._journal.writable
        for name, body in self._journal:
            self._read(name, body)

    def refusal(self, why: str) -> AuditError:
        """Say that this cache cannot be written, and what to do."""
        return AuditError(
            str(self.folder),
            got=f"the template cache cannot be written ({why})",
            allowed="a folder that this user may write",
            todo="Point the environment variable FACE_AUDIT_CACHE elsewhere",
        )

    def __len__(self) -> int:
        """Images known."""
        return len(self._where) + len(self._new)

    def get(self, sha256: str) -> Extraction | None:
        """What was made of an image, or None."""
        key = bytes.fromhex(sha256)
        if key in self._new:
            return self._new[key]
        where = None if self.fresh else self._where.get(key)
        return None if where is None else self._shards[where[0]].row(where[1])

    def add(self, sha256: str, extraction: Extraction) -> None:
        """Remember an extraction, and write a shard when it is time; an ERROR is not remembered, so the next run tries
        again.
        """
        key = bytes.fromhex(sha256)
        if extraction.status == Status.ERROR or key in self._new or (key in self._where and not self.fresh):
            return
        self._new[key] = self._unsaved[key] = extraction
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> bool:
        """Write what is not yet on disk; False (and a warning, once per try) where the disk is full, and the run goes
        on uncached.
        """
        if not self._unsaved:
            return True
        self._flushed = time.monotonic()
        name = self._journal.write(pack(self._unsaved, self.dimensions))
        if not name:
            return False
        self._own.append((0, name, list(self._unsaved)))
        self._unsaved.clear()
        self._merge()
        return True

    def settle(self) -> None:
        """Take out of the older shards what was made afresh; a shard that holds other photographs is written again
        without these.
        """
        if not self.fresh or not self.flush():
            return
        for name, shard in zip(self._names, self._shards, strict=True):
            keys = [key.tobytes() for key in shard.keys]
            kept = {key: shard.row(row) for row, key in enumerate(keys) if key not in self._new}
            if len(kept) < len(set(keys)) and (not kept or self._journal.write(pack(kept, self.dimensions))):
                self._journal.remove([name])

    def _merge(self) -> None:
        """Where the last ``MERGED`` shards of this process are of one level, write them as one of the next; the parts
        go when the whole is there.
        """
        while len(self._own) >= MERGED and self._own[-MERGED][0] == self._own[-1][0]:
            parts = self._own[-MERGED:]
            keys = [key for _, _, own in parts for key in own]
            name = self._journal.write(pack({key: self._new[key] for key in keys}, self.dimensions))
            if not name:
                return
            self._journal.remove(part for _, part, _ in parts)
            self._own[-MERGED:] = [(parts[0][0] + 1, name, keys)]

    def _read(self, name: str, body: bytes) -> None:
        try:
            shard = unpack(body, self.dimensions)
        except Exception as error:  # the sum fits, so it was written by something else
            self._journal.ignore(name, error if isinstance(error, ValueError) else type(error).__name__)
            return
        number = len(self._shards)
        self._shards.append(shard)
        self._names.append(name)
        for row, key in enumerate(shard.keys):
            self._where.setdefault(key.tobytes(), (number, row))
