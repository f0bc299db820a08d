"""A matcher made slower by a planted share: every call spins on for SLOWED (environment) times what it took. The steps
it gives grow alike.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from audit.backends.protocol import Extraction
from audit.backends.registry import make as make_backend

__all__ = ["make", "spun"]


def spun(call: Callable[[], Any], share: float) -> Any:
    """What the call gives, after spinning for ``share`` of its time; the processor works, as a slower program would
    make it.
    """
    start = time.perf_counter()
    out = call()
    end = time.perf_counter() + share * (time.perf_counter() - start)
    while time.perf_counter() < end:
        pass
    return out


class Slowed:
    """Another backend and its options, slower."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        chosen = dict(options)
        self._backend: Any = make_backend(chosen.pop("backend"), chosen)

    def __getattr__(self, name: str) -> Any:
        if name == "_backend":
            raise AttributeError(name)
        return getattr(self._backend, name)

    def extract(self, images: Sequence[Any]) -> list[Extraction]:
        """One ``Extraction`` per image."""
        share = float(os.environ.get("SLOWED", "0"))
        rows: list[Extraction] = spun(lambda: self._backend.extract(images), share)
        longer = 1 + share
        return [
            replace(
                row, seconds=row.seconds * longer, steps={step: spent * longer for step, spent in row.steps.items()}
            )
            for row in rows
        ]


def make(options: Mapping[str, Any]) -> Slowed:
    """``backend`` names the other one; the rest of the options are its own."""
    return Slowed(options)
