"""The contract suite in a process of its own, for a backend that is not trusted to survive it.

In comes what ``check.check`` takes; out come its rows, sent one by one, and a last one: whether the backend survived.
The one idea: the rows that were sent before a crash say what it was doing.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.backends.check import Check, Known, rows_of

__all__ = ["check_apart"]


def check_apart(
    name: str,
    options: Mapping[str, Any],
    *,
    photos: Sequence[Path] = (),
    huge: bool = True,
    known: Known = (),
    timeout_seconds: float = 600.0,
) -> list[Check]:
    """Run ``check`` in a process of its own, so that a backend that crashes or hangs gives a row in place of ending
    the caller.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_send, args=(theirs, name, dict(options), list(photos), huge, list(known)), daemon=True
    )
    process.start()
    theirs.close()
    rows: list[Check] = []
    ending = f"it was silent for {timeout_seconds:g} s"
    try:
        while ours.poll(timeout_seconds):
            row = ours.recv()
            if row is None:
                ending = ""
                break
            rows.append(Check(*row))
    except EOFError:
        process.join()
        code = process.exitcode or 0
        ending = f"its process ended ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"
    finally:
        process.kill()
        process.join()
        ours.close()
    last = rows[-1].check if rows else "the first check"
    return [*rows, Check("it survives", not ending, f"{ending} after: {last}" if ending else "no crash")]


def _send(
    connection: Any, name: str, options: dict[str, Any], photos: list[Path], huge: bool, known: list[tuple[Path, str]]
) -> None:
    for row in rows_of(name, options, photos, huge, known):
        connection.send(tuple(row))
    connection.send(None)
