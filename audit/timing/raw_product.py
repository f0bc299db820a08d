"""The float32 matrix product alone: templates in, nothing out. Its one idea: what a float pipeline cannot pass is what
others are held against.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

__all__ = ["raw_product"]

TILE: Final = 512


def raw_product(vectors: NDArray[np.float32], threads: int) -> None:
    """Multiply the upper triangle's tiles of 512 x 512 in float32, do nothing with them: the floor under any float
    pipeline.
    """
    starts = range(0, len(vectors), TILE)
    tiles = [(i, j) for i in starts for j in starts if j >= i]

    def work(worker: int) -> None:
        buffer = np.empty((TILE, TILE), np.float32)
        for i, j in tiles[worker::threads]:
            a, b = vectors[i : i + TILE], vectors[j : j + TILE]
            np.dot(a, b.T, out=buffer if len(a) == len(b) == TILE else None)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
