"""Simple measures of every photograph, read once and remembered.

In: paths, and the sha256 of each file's bytes. Out: sharpness, brightness, contrast and size of each whole photograph.
Its one idea: the measures depend on the bytes alone, so each photograph's are kept under its digest, outside
``results/``, in the same kind of journal as templates (``audit.base.journal``): a kill loses seconds, a damaged record
is measured again. No path is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.journal import Journal, private_folder
from audit.benchmark.photo_measures import MEASURES, measure_files

__all__ = ["PREFIX", "measured"]

PREFIX = "photo_"
"""Measures of the whole photograph, so that they are not mistaken for the matcher's own measures of the face."""
_FORMAT = "2"  # raise when MEASURES change
_CHUNK = 512  # photographs per record: seconds of work


def measured(
    paths: Sequence[Path],
    sha256: Sequence[str],
    cache: Path,
    *,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Measure N photographs, or find what was measured before.

    Parameters
    ----------
    paths : sequence of N Path
    sha256 : sequence of N str
        Hex digests of the files' bytes; "" where there are none.
    cache : Path
        Folder; made if absent. Where it cannot be written, nothing is kept.
    jobs : int, optional
        Threads; changes no number.
    progress : callable, optional
        (done, total).

    Returns
    -------
    DataFrame of N rows, float32
        ``photo_sharpness``, ``photo_brightness``, ...; NaN where a photograph cannot be read.
    """
    names = [PREFIX + name for name in MEASURES]
    journal = _journal(cache, names)
    known = _known(journal, len(names))
    todo = {digest: path for path, digest in zip(paths, sha256, strict=True) if digest and digest not in known}
    waiting = list(todo.items())
    for at in range(0, len(waiting), _CHUNK):
        chunk = waiting[at : at + _CHUNK]
        say = None if progress is None else _from(len(paths) - len(waiting) + at, len(paths), progress)
        digests = [digest for digest, _ in chunk]
        table, _, readable = measure_files([path for _, path in chunk], sha256=digests, jobs=jobs or 2, progress=say)
        values, digests = (
            table.to_numpy(np.float32)[readable],
            [digest for digest, fine in zip(digests, readable, strict=True) if fine],
        )
        known |= dict(
            zip(digests, values, strict=True)
        )  # what cannot be read today may be tomorrow, so only the others are kept
        if journal is not None and journal.writable and digests:
            journal.write(_pack(digests, values))
    nothing = np.full(len(names), np.nan, dtype=np.float32)
    rows = [known.get(digest, nothing) for digest in sha256]
    return pd.DataFrame(np.array(rows, dtype=np.float32).reshape(len(paths), len(names)), columns=names)


def _from(start: int, total: int, progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    return lambda done, _: progress(start + done, total)


def _journal(cache: Path, names: Sequence[str]) -> Journal | None:
    key = hashlib.sha256("\n".join((_FORMAT, *names)).encode()).hexdigest()[:32]
    with contextlib.suppress(OSError):
        private_folder(cache)
        return Journal(cache / key, "photo measures")
    return None


def _known(journal: Journal | None, width: int) -> dict[str, NDArray[np.float32]]:
    """Measures by digest, of every record that is whole."""
    out: dict[str, NDArray[np.float32]] = {}
    for name, body in journal or ():
        try:
            with np.load(io.BytesIO(body), allow_pickle=False) as data:
                keys, values = data["keys"], data["values"]
            if (
                keys.shape != (len(values), 32)
                or values.shape[1:] != (width,)
                or values.dtype != np.float32
                or keys.dtype != np.uint8
            ):
                raise ValueError("of another shape")
        except Exception as error:  # the sum fits, so it was written by something else
            if journal is not None:
                journal.ignore(name, type(error).__name__)
            continue
        out |= {key.tobytes().hex(): row for key, row in zip(keys, values, strict=True)}
    return out


def _pack(digests: Sequence[str], values: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer, keys=np.frombuffer(bytes.fromhex("".join(digests)), dtype=np.uint8).reshape(-1, 32), values=values
    )
    return buffer.getvalue()
