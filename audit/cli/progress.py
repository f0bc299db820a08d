"""Progress for people: bars on a terminal, one line every ten seconds elsewhere. Everything goes to stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["ProgressLog", "log"]

_EVERY_SECONDS = 10.0
_UNITS = {"templates": "photos", "comparisons": "million comparisons", "fetch": "MB"}
_SCALE = {"comparisons": 1e6, "fetch": 1e6}


def log(text: str) -> None:
    """One line for a person, on stderr."""
    print(text, file=sys.stderr, flush=True)


class ProgressLog:
    """Calls of (stage, done, total) to a bar with rate and time left, or to lines."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self._began: dict[str, tuple[float, int]] = {}
        self._said: dict[str, float] = {}
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> ProgressLog:
        if self._terminal:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take one report."""
        now = time.monotonic()
        began, first = self._began.setdefault(stage, (now, done))
        text = self._text(stage, done, total, (done - first) / (now - began) if now > began else 0.0)
        if self._bar is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bar.add_task(stage, total=total or None, text=text)
            self._bar.update(self._tasks[stage], completed=done, total=total or None, text=text)
        elif now - self._said.get(stage, began) >= _EVERY_SECONDS or (total and done >= total and stage in self._said):
            self._said[stage] = now
            log(f"{stage}: {text}")

    @staticmethod
    def _text(stage: str, done: int, total: int, rate: float) -> str:
        scale, unit = _SCALE.get(stage, 1.0), _UNITS.get(stage, "")
        digits = 1 if scale > 1 else 0
        of = f" of {total / scale:,.{digits}f}" if total else ""
        left = f", {(total - done) / rate:,.0f} s left" if rate > 0 and total > done else ""
        return f"{done / scale:,.{digits}f}{of} {unit} ({rate / scale:,.1f} a second{left})"
