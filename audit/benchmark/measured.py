"""Simple measures of every photograph, read once and remembered.

In: paths, and the sha256 of each file's bytes. Out: sharpness, brightness, contrast and size of each whole photograph. Its one idea: the measures
depend on the bytes alone, so they are kept under the digest of all digests, outside ``results/``; no path is kept.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from audit.benchmark.quality import MEASURES, measure_files

__all__ = ["PREFIX", "measured"]

PREFIX = "photo_"
"""Measures of the whole photograph, so that they are not mistaken for the matcher's own measures of the face."""
_FORMAT = "1"  # raise when MEASURES change


def measured(
    paths: Sequence[Path], sha256: Sequence[str], cache: Path, *, jobs: int | None = None, progress: Callable[[int, int], None] | None = None
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
    key = hashlib.sha256("\n".join((_FORMAT, *names, *sha256)).encode()).hexdigest()[:32]
    path = cache / f"{key}.npz"
    try:
        with np.load(path, allow_pickle=False) as data:
            values = data["values"]
        if values.shape == (len(paths), len(names)):
            return pd.DataFrame(values, columns=names)
    except (OSError, ValueError, KeyError):
        pass  # not there, or damaged: measured again
    table, _, _ = measure_files(paths, jobs=jobs or 2, progress=progress)
    values = table.to_numpy(np.float32)
    temporary = cache / f".{uuid.uuid4().hex}.tmp"
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        with temporary.open("wb") as file:
            np.savez(file, values=values)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
    return pd.DataFrame(values, columns=names)
