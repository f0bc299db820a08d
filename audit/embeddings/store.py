"""Templates once made are never made again: a content-addressed cache outside ``results/``.

In come a backend's fingerprint and ``Extraction``s under the sha256 of their image; out come the same on the next run. The one idea: append-only
shards, each written to a temporary file, flushed to disk and renamed, with a checksum in front. So Ctrl-C, kill -9 and a second process at the
same time can lose the last seconds, never damage what is there. No name and no path is kept; failures other than ERROR are kept too.

Templates are personal data: the folder is made readable by its owner only.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Extraction, Status
from audit.embeddings.images import DECODER
from audit.errors import AuditError

__all__ = ["Shelf", "Store"]

LOG = logging.getLogger(__name__)

FORMAT = "1"
"""Raise this when the shard's layout changes; other formats are left alone, not misread."""


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
        self.known: dict[str, Extraction] = {}
        self._fresh: dict[str, Extraction] = {}
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
        return len(self.known)

    def get(self, sha256: str) -> Extraction | None:
        """What was made of an image, or None."""
        return self.known.get(sha256)

    def add(self, sha256: str, extraction: Extraction) -> None:
        """Remember an extraction, and write a shard when it is time; an ERROR is not remembered, so the next run tries again."""
        if extraction.status == Status.ERROR or sha256 in self.known:
            return
        self.known[sha256] = self._fresh[sha256] = extraction
        now = time.monotonic()
        # Every 10 s, and later every 1 % of the time spent: a crash loses little, and a run of days does not leave 20,000 shards.
        if now - self._flushed > max(10.0, 0.01 * (now - self._opened)):
            self.flush()

    def flush(self) -> bool:
        """Write what is not yet on disk; False (and a warning, once per try) where the disk is full, and the run goes on uncached."""
        if not self._fresh:
            return True
        self._flushed = time.monotonic()
        body = _pack(self._fresh, self.dimensions)
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
            LOG.warning(
                "template cache: %d templates could not be saved (%s); the run goes on, a later one would make them again", len(self._fresh), why
            )
            return False
        self._fresh.clear()
        return True

    def _read(self, path: Path) -> None:
        try:
            data = path.read_bytes()
            if hashlib.sha256(data[32:]).digest() != data[:32]:
                raise ValueError("its checksum does not fit")
            found = _unpack(data[32:], self.dimensions)
        except (OSError, ValueError, KeyError) as error:
            LOG.warning("template cache: shard %s is ignored (%s); its templates are made again", path.name, error)
            return
        for sha256, extraction in found:
            self.known.setdefault(sha256, extraction)


def _pack(items: dict[str, Extraction], dimensions: int) -> bytes:
    """Lay extractions out as a npz: keys (n, 32) uint8, status, seconds, faces, vectors of the acquired rows only, quality (n, Q), reasons."""
    rows = list(items.values())
    names = sorted({name for row in rows for name in row.quality})
    vectors = [row.template for row in rows if row.template is not None]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        keys=np.frombuffer(b"".join(map(bytes.fromhex, items)), dtype=np.uint8).reshape(-1, 32),
        status=np.array([row.status for row in rows], dtype=np.int8),
        seconds=np.array([row.seconds for row in rows], dtype=np.float32),
        faces=np.array([row.faces for row in rows], dtype=np.int32),
        vectors=np.array(vectors, dtype=np.float32).reshape(-1, dimensions),
        quality=np.array([[row.quality.get(name, np.nan) for name in names] for row in rows], dtype=np.float32).reshape(len(rows), len(names)),
        quality_names=np.array(names, dtype=np.str_),
        reasons=np.array([row.reason for row in rows], dtype=np.str_),
    )
    return buffer.getvalue()


def _unpack(body: bytes, dimensions: int) -> Iterable[tuple[str, Extraction]]:
    """Undo ``_pack``; raises ValueError or KeyError on another layout."""
    with np.load(io.BytesIO(body), allow_pickle=False) as shard:
        keys, status, vectors, quality = shard["keys"], shard["status"], shard["vectors"], shard["quality"]
        names = [str(name) for name in shard["quality_names"]]
        seconds, faces, reasons = shard["seconds"], shard["faces"], shard["reasons"]
    if vectors.shape != (int((status == Status.ACQUIRED).sum()), dimensions):
        raise ValueError(f"templates of shape {vectors.shape}, not {dimensions} wide")
    place = np.cumsum(status == Status.ACQUIRED) - 1
    out = []
    for row, key in enumerate(keys):
        values: NDArray[np.float32] = quality[row]
        extraction = Extraction(
            Status(int(status[row])),
            reason=str(reasons[row]),
            faces=int(faces[row]),
            quality={name: float(value) for name, value in zip(names, values, strict=True) if not np.isnan(value)},
            seconds=float(seconds[row]),
        )
        if extraction.status == Status.ACQUIRED:
            extraction = replace(extraction, template=vectors[place[row]])
        out.append((key.tobytes().hex(), extraction))
    return out
