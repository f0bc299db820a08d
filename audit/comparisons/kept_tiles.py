"""Answers of tiles that outlive the process: the same pass begun again goes on where it was.

In: a pass's job and the answers of its tiles. Out: those answers in a later run, by number of tile. Its one idea: an
answer depends on job and tile alone (``Job.digest``), so records of several tiles, counts added up, lie in a journal
under that digest, and whoever makes the same pass reads them.

A pass that takes less than ``FIRST_SECONDS`` is made again more quickly than it is kept: nothing is written, and where
nothing lies no digest is computed either. After that a record is written whenever a fiftieth of the time has gone by
since the last one: a kill loses two seconds or 2 %, and a pass of five hours leaves about 300 records, with each entry
of the tail once. Passes into a sink (``Sink``) keep nothing.
"""

from __future__ import annotations

import io
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.base.journal import Journal
from audit.comparisons.tiles import Job, Tile, TileAnswer

__all__ = ["FIRST_SECONDS", "Kept", "KeptPass", "packed", "unpacked"]

LOG = logging.getLogger(__name__)

FIRST_SECONDS: Final = 2.0
SHARE: Final = 50
"""A record whenever 1 / SHARE of the pass's time has gone by."""
COST: Final = 50
"""... and writing takes at most 1 / COST of the time."""
OLD_SECONDS: Final = 30 * 86400.0
"""Passes that nobody has gone on with for so long are removed by whoever keeps the next one."""
_TOO_LONG: Final = "too-long"
_NOTHING = np.zeros(0, np.int32)


class Kept:
    """What one run keeps; ``forget`` when its results are written.

    Parameters
    ----------
    folder : Path
        Made when there is something to keep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.used: set[Path] = set()

    def of(self, job: Job, cap: int) -> KeptPass:
        """Give what is kept of one pass, which holds ``cap`` entries at most."""
        return KeptPass(self, job, cap)

    def forget(self) -> None:
        """Remove the passes of this run."""
        for folder in self.used:
            shutil.rmtree(folder, ignore_errors=True)
        self.used.clear()

    def open(self, job: Job, *, make: bool) -> Journal | None:
        """The journal of a job; None where there is none and none can be, or shall be, made."""
        if not make and not (self.folder.is_dir() and any(self.folder.iterdir())):
            return None
        folder = self.folder / job.digest[:32]
        if not make and not folder.is_dir():
            return None
        try:
            if make:
                self._clear()
            found = Journal(folder, "comparisons that are kept")
        except OSError as error:
            LOG.warning(
                "comparisons cannot be kept (%s); the run goes on, and begins again if it is cut short",
                error.strerror or error,
            )
            return None
        self.used.add(folder)
        return found

    def _clear(self) -> None:
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.is_dir() and not folder.is_symlink() and folder not in self.used:
                newest = max((one.stat().st_mtime for one in (folder, *folder.iterdir())), default=0.0)
                if time.time() - newest > OLD_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


class KeptPass:
    """One pass: what is there of it, and what is added.

    Attributes
    ----------
    too_long : bool
        An earlier run found that more entries reach the limits than ``cap``.
    """

    def __init__(self, kept: Kept, job: Job, cap: int) -> None:
        self._kept, self._job, self._cap = kept, job, cap
        self._begun = self._last = time.monotonic()
        self._cost = 0.0
        self._waiting: list[TileAnswer] = []
        self._lock, self._dead = Lock(), False
        self._journal = kept.open(job, make=False)
        self.too_long = False
        if self._journal is not None:
            body = self._journal.read(_TOO_LONG)
            self.too_long = body is not None and int(body) >= cap

    def answers(self, tiles: Sequence[Tile]) -> dict[int, TileAnswer]:
        """What is there, by place in ``tiles``; the counts of a record stand with one of its tiles.

        Records of tiles that were cut otherwise are passed over.
        """
        found: dict[int, TileAnswer] = {}
        if self._journal is None:
            return found
        place = {tile: k for k, tile in enumerate(tiles)}
        for name, body in self._journal:
            if name == _TOO_LONG:
                continue
            try:
                record = unpacked(body, self._job)
            except Exception as error:  # whatever a damaged file gives
                self._journal.ignore(name, type(error).__name__)
                continue
            if all(one.tile in place and place[one.tile] not in found for one in record):
                found |= {place[one.tile]: one for one in record}
        return found

    def add(self, answer: TileAnswer) -> None:
        """Take an answer that was just made; safe from any thread."""
        with self._lock:
            self._waiting.append(answer)
            now = time.monotonic()
            due = max(FIRST_SECONDS, (now - self._begun) / SHARE, COST * self._cost)
            if now - self._last < due:
                return
            self._last = now
            taken, self._waiting = self._waiting, []
        self._write(taken)

    def end(self, *, whole: bool) -> None:
        """The pass has ended; what was kept of one that was too long is of no more use, but that it was."""
        if self._journal is None and time.monotonic() - self._begun < FIRST_SECONDS:
            return
        if whole:
            self._write(self._waiting)
            self._waiting = []
        elif self._journal is not None:
            self._journal.remove([path.stem for path in self._journal.folder.glob(f"*{self._journal.suffix}")])
            self._journal.write(str(self._cap).encode(), _TOO_LONG)

    def _write(self, taken: list[TileAnswer]) -> None:
        if not taken or self._dead:
            return
        begun = time.monotonic()
        if self._journal is None:
            self._journal = self._kept.open(self._job, make=True)
        # once it could not be written, it is said once and the run goes on
        self._dead = self._journal is None or not self._journal.write(packed(taken, self._job))
        self._cost = time.monotonic() - begun


def packed(taken: Sequence[TileAnswer], job: Job) -> bytes:
    """Answers as one record: tiles (T, 4), entries per tile (T,), entries, and the counts added up by cell pair."""
    pairs = np.unique(np.concatenate([one.pairs for one in taken]))
    counts = np.zeros((len(pairs) if job.histograms else 0, job.left.grid.axis.bins), np.int64)
    if job.histograms:
        for one in taken:
            counts[np.searchsorted(pairs, one.pairs)] += one.counts
    out = io.BytesIO()
    i, j, x = (np.concatenate([one[k] for one in taken]) for k in (3, 4, 5))
    lengths = np.array([len(one.i) for one in taken], np.int64)
    np.savez(
        out,
        tiles=np.array([tuple(one.tile) for one in taken], np.int64),
        lengths=lengths,
        pairs=pairs,
        counts=counts,
        i=i,
        j=j,
        x=x,
    )
    return out.getvalue()


def unpacked(body: bytes, job: Job) -> list[TileAnswer]:
    """Read what ``packed`` gave, tile by tile; the counts of all of them stand with the first. Raises ValueError for
    what does not fit the job.
    """
    with np.load(io.BytesIO(body), allow_pickle=False) as kept:
        found: dict[str, NDArray[np.int64]] = {
            name: kept[name] for name in ("tiles", "lengths", "pairs", "counts", "i", "j", "x")
        }
    counts = found["counts"]
    if job.histograms and (
        counts.shape != (len(found["pairs"]), job.left.grid.axis.bins) or found["pairs"].max(initial=0) >= job.pairs()
    ):
        raise ValueError("counts of another job")
    ends = np.cumsum(found["lengths"])
    if not len(found["i"]) == len(found["j"]) == len(found["x"]) == (int(ends[-1]) if len(ends) else 0):
        raise ValueError("entries of another job")
    out = []
    for k, (row, end, length) in enumerate(
        zip(found["tiles"].tolist(), ends.tolist(), found["lengths"].tolist(), strict=True)
    ):
        part = slice(end - length, end)
        pairs, own = (found["pairs"].astype(np.int32), counts) if k == 0 else (_NOTHING, counts[:0])
        out.append(
            TileAnswer(Tile(*row), pairs, own, *(found[name][part].astype(np.int32) for name in ("i", "j", "x")))
        )
    return out
