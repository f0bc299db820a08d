"""stdout belongs to the answer: a command's words in, and nothing that a matcher or its libraries print beside them.

The one idea: while code of others may run, the descriptor of stdout leads to stderr (for that code, its threads, its C
libraries and its child processes alike), and only ``say`` knows where the real one is. So ``--json`` is JSON whatever
a plugin prints.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any, ParamSpec, TypeVar

__all__ = ["answers_only", "print_json", "say", "seal"]

P = ParamSpec("P")
R = TypeVar("R")

_answers: list[IO[str]] = []
"""The real stdout, while it is guarded."""


def say(text: object = "", *, end: str = "\n") -> None:
    """Write to stdout what the user asked for."""
    print(text, end=end, file=_answers[0] if _answers else sys.stdout)


def print_json(value: Any) -> None:
    """Write a value to stdout as JSON; anything that JSON has no word for is written as text."""
    say(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def answers_only(command: Callable[P, R]) -> Callable[P, R]:
    """Guard stdout while a command runs that calls matchers: what is not said by ``say`` goes to stderr."""

    @functools.wraps(command)
    def guarded(*arguments: P.args, **named: P.kwargs) -> R:
        with _guarded():
            return command(*arguments, **named)

    return guarded


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    shown = sys.stdout
    if _answers or shown is None:  # one command called by another, or no stdout at all
        yield
        return
    try:
        place = shown.fileno()
    except (OSError, ValueError, AttributeError):  # a buffer of the caller's: nothing but Python writes there
        place = None
    shown.flush()
    kept = shown if place is None else os.fdopen(os.dup(place), "w", encoding=shown.encoding, errors=shown.errors)
    _answers.append(kept)
    sys.stdout = sys.stderr
    if place is not None:
        os.dup2(sys.__stderr__.fileno() if sys.__stderr__ is not None else os.open(os.devnull, os.O_WRONLY), place)
    try:
        yield
        kept.flush()
    finally:
        _flush_libraries()
        sys.stdout = shown
        _answers.clear()
        if place is not None:
            os.dup2(kept.fileno(), place)
            with contextlib.suppress(OSError):
                kept.close()


def _flush_libraries() -> None:
    """Have the C library write what others' code printed, while it still goes to stderr."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


def seal() -> None:
    """Send what is printed from here on, by threads and by functions that run at exit, to stderr; for the end of the
    program.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        sys.stdout = sys.stderr
