"""A matcher's outputs, handed over: there are no samples to read, and ``read`` says so. The room ``outputs`` reads the
table itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from audit.base.errors import BenchmarkError
from audit.benchmark.card import Card

__all__ = ["read"]


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> NoReturn:
    """Refuse: there are no samples."""
    raise BenchmarkError(
        f"benchmark {card.name}",
        got="a table of outputs",
        allowed="photographs or templates",
        todo='Use backend "scores" or "candidates"',
    )
