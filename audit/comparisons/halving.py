"""Small parts of a search of probes: rows checked, and tiles halved until they fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.errors import ConfigError
from audit.comparisons.run_tiles import Engine
from audit.comparisons.tiles import Tile, TileAnswer

__all__ = ["Halving", "rows_of"]


class Halving:
    """Answers tiles; one with too many entries for memory is answered in halves, which are handed on as they come."""

    def __init__(self, engine: Engine, take: Callable[[TileAnswer], object]) -> None:
        self.engine, self.take, self.rows, self.by_cell = engine, take, engine.rows, engine.by_cell

    def run(self, tile: Tile, cap: int, stop_now: NDArray[np.uint8]) -> TileAnswer | None:
        """As ``Engine.run``; the answer of the last part."""
        answer = self.engine.run(tile, cap, stop_now)
        if answer is not None or stop_now[0] or tile.end - tile.first <= 32:
            return answer
        middle = tile.first + max(32, (tile.end - tile.first) // 64 * 32)
        first = self.run(tile._replace(end=middle), cap, stop_now)
        if first is None:
            return None
        self.take(first)
        return self.run(tile._replace(first=middle), cap, stop_now)


def rows_of(rows: ArrayLike, n: int, name: str) -> NDArray[np.int64]:
    """Rows that the caller names, checked: whole numbers of templates that are there."""
    out = np.asarray(rows)
    if out.ndim != 1 or (len(out) and (not np.issubdtype(out.dtype, np.integer) or out.min() < 0 or out.max() >= n)):
        raise ConfigError(
            name,
            got=f"shape {out.shape}, dtype {out.dtype}",
            allowed=f"rows from 0 to {n - 1}",
            todo="Name rows of the templates",
        )
    if len(np.unique(out)) < len(out):
        raise ConfigError(
            name,
            got=f"{len(out) - len(np.unique(out))} rows twice",
            allowed="each row once",
            todo="Name each photo once",
        )
    return out.astype(np.int64)
