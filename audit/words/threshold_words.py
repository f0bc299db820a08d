"""Thresholds in, how sentences print them out: one that was given as it was given, a computed one as short as tells it
apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.words.numbers import (
    exact,
    told_apart,
)

__all__ = ["MISSING", "shown_thresholds", "text"]

MISSING = float("nan")


def text(value: Any, default: str) -> str:
    """A cell of text, or what stands for an empty one."""
    return value if isinstance(value, str) and value else default


_GIVEN = ("vendor_default", "fixed")
"""Thresholds that somebody wrote down; all others were computed, to the last bit."""


def shown_thresholds(points: Iterable[Mapping[Any, Any]]) -> list[str]:
    """How sentences print the threshold of each row of operating_points.csv: one that was given as it was given, a
    computed one shorter.

    A computed threshold gets "about" and as many digits as tell it from every other of the run; two that differ never
    print alike.
    """
    rows = list(points)
    values = [float(row.get("threshold", MISSING)) for row in rows]
    return [
        exact(value) if row.get("protocol") in _GIVEN else told_apart(value, values)
        for value, row in zip(values, rows, strict=True)
    ]
