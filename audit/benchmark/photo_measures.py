"""Simple measures of a photograph that need no face: is it sharp, bright, contrasted, large?

In: pixels or files. Out: a few numbers per photograph. Its one idea: an error rate that differs between groups may
come from their photographs, so they are measured, in ways that anybody can recompute; pose and the size of the face
come from the matcher's own detector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.photos import read

__all__ = ["BITS", "MEASURES", "fingerprint", "measure", "measure_files"]

MEASURES = {
    "width": "pixels",
    "height": "pixels",
    "sharpness": "variance of the Laplacian of the luma (Pech-Pacheco et al., ICPR 2000); depends on size "
    "and noise, so compare like with like",
    "brightness": "mean luma, 0 to 255 (ITU-R BT.601 weights)",
    "contrast": "standard deviation of the luma, 0 to 127.5 (RMS contrast: Peli, J. Opt. Soc. Am. A 7, 1990)",
}
"""What ``measure`` gives, in words."""

BITS = 256
"""Bits of a fingerprint."""


def measure(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Measure one photograph, (H, W, 3) BGR uint8; keys as in ``MEASURES``."""
    import cv2

    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return {
        "width": float(pixels.shape[1]),
        "height": float(pixels.shape[0]),
        "sharpness": float(np.asarray(cv2.Laplacian(luma, cv2.CV_64F)).var()),
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
    }


def fingerprint(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Perceptual hash of 256 bits, packed into (32,) uint8: two versions of one photograph differ in few of them.

    The luma is shrunk to 17 x 16 by area averaging; a bit says whether a cell is brighter than its left neighbour
    (difference hash, "dHash"; after N. Krawetz, 2013, with 16 x 16 instead of 8 x 8 because aligned faces are much
    alike).
    """
    import cv2

    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(luma, (17, 16), interpolation=cv2.INTER_AREA), dtype=np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1])


def measure_files(
    paths: Sequence[Path],
    *,
    sha256: Sequence[str] = (),
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, NDArray[np.uint8], NDArray[np.bool_]]:
    """Measure and fingerprint N files on several threads; the result does not depend on their number.

    Where ``sha256`` is given, a file whose bytes are no longer those counts as unreadable.

    Returns
    -------
    (DataFrame (N rows), NDArray (N, 32) uint8, NDArray (N,) bool)
        Measures (NaN where unreadable), fingerprints (zeros where unreadable), which files could be read.
    """

    def one(path: Path, digest: str) -> tuple[dict[str, float], NDArray[np.uint8]] | None:
        photo = read(path)
        changed = bool(digest) and photo.sha256 != digest
        return None if photo.pixels is None or changed else (measure(photo.pixels), fingerprint(photo.pixels))

    found: list[tuple[dict[str, float], NDArray[np.uint8]] | None] = []
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for done in pool.map(one, paths, sha256 or ("",) * len(paths)):
            found.append(done)
            if progress:
                progress(len(found), len(paths))
    nothing = dict.fromkeys(MEASURES, float("nan"))
    table = pd.DataFrame(
        [nothing if item is None else item[0] for item in found], columns=list(MEASURES), dtype="float64"
    )
    prints = np.array(
        [np.zeros(BITS // 8, np.uint8) if item is None else item[1] for item in found], dtype=np.uint8
    ).reshape(len(paths), BITS // 8)
    return table, prints, np.array([item is not None for item in found], dtype=bool)
