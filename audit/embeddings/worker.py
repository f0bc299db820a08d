"""Inside a worker process: one backend, and an answer for every photograph that does not end the process.

In come batches of ``Task`` over a pipe; out go ``(row, Extraction)`` pairs. The one idea: nothing that the matcher
gives is believed. A template of another shape or type, NaN, zeros, one number repeated, too few answers and exceptions
become the status ERROR of that photo, with a reason that never holds its path or name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from audit.backends.contract import ContractError, answers_of, raised, sound
from audit.backends.protocol import Backend, Extraction, Status
from audit.base.errors import AuditError
from audit.base.photos import of_bytes, read
from audit.base.unexpected import frames

__all__ = ["Task", "answers", "serve"]


LOOK_SECONDS = 0.2
"""How often a worker looks at its memory."""


class Task(NamedTuple):
    """One photograph to do: its place in the caller's arrays, its file, the digest its bytes had, and the bytes where
    they come along.
    """

    row: int
    path: Path
    sha256: str
    content: bytes | None = None


def serve(connection: Connection[Any, Any], name: str, options: dict[str, Any], leak_bytes: int) -> None:
    """Make the backend, say "ready", then answer batches until the other end closes.

    Says one of ("ready", None), ("refused", parts of an error that ends the run), ("done", [(row, Extraction)]),
    ("retired", None) when its memory has grown by ``leak_bytes`` since its first batch.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the other end is gone: nobody to tell
        backend = _made(connection, name, options)
        if backend is not None:
            try:
                _serve(connection, backend, leak_bytes)
            except (EOFError, OSError):
                raise
            except Exception as error:  # multiprocessing would print it with its values
                print(f"face-audit: a worker failed.\n{frames(error)}", file=sys.stderr)
                os._exit(1)


def _made(connection: Connection[Any, Any], name: str, options: dict[str, Any]) -> Backend | None:
    """Make and load the backend, or say why not."""
    from audit.backends.registry import make

    with contextlib.suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)
    try:
        backend = make(name, options)
        getattr(backend, "load", lambda: None)()
    except AuditError as error:
        connection.send(("refused", _parts(error)))
        return None
    except Exception as error:
        got = f"it could not be loaded ({type(error).__name__}: {error})"
        connection.send(
            ("refused", {"where": f"backend {name!r}", "got": got, "todo": "Check its model files and options"})
        )
        return None
    connection.send(("ready", None))
    return backend


def _serve(connection: Connection[Any, Any], backend: Backend, leak_bytes: int) -> None:
    limit, looked = 0, 0.0
    while True:
        tasks = connection.recv()
        try:
            answer = answers(backend, tasks)
        except AuditError as error:
            connection.send(("refused", _parts(error)))
            return
        connection.send(("done", answer))
        if time.monotonic() > looked + LOOK_SECONDS or not limit:
            looked, used = time.monotonic(), _resident_bytes()
            limit = limit or used + leak_bytes
            if used > limit:
                connection.send(("retired", None))
                return


def _parts(error: AuditError) -> dict[str, str]:
    return {"where": error.where, "got": error.got, "allowed": error.allowed, "todo": error.todo}


def _resident_bytes() -> int:
    """Memory in use now. (The peak that getrusage gives would not do: on Linux it is inherited from the process that
    started this one.)
    """
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):  # no such file elsewhere: leaks go unnoticed there
        return 0


def answers(backend: Backend, tasks: list[Task]) -> list[tuple[int, Extraction]]:
    """Decode and extract one batch: (row, Extraction) for every task, whatever the matcher does short of ending the
    process.
    """
    out: list[tuple[int, Extraction]] = []
    images, whose, decode = [], [], []
    for task in tasks:
        start = time.perf_counter()
        photo = read(task.path) if task.content is None else of_bytes(task.content)
        if photo.sha256 != task.sha256:
            out.append((task.row, Extraction(Status.ERROR, reason="the file changed during the run")))
        elif photo.pixels is None:
            out.append((task.row, Extraction(Status.UNREADABLE, reason=photo.reason)))
        else:
            images.append(photo.pixels)
            whose.append(task)
            decode.append(time.perf_counter() - start)
    if not images:
        return out
    start = time.perf_counter()
    try:
        found = answers_of(backend.extract(images), len(images))
    except AuditError:  # the backend says that nothing will work: a wrong key, a program that is gone
        raise
    except Exception as error:
        if len(whose) > 1:
            return out + [pair for task in whose for pair in answers(backend, [task])]
        return [*out, (whose[0].row, Extraction(Status.ERROR, reason=_clean(_words(error), whose[0].path)))]
    each = (time.perf_counter() - start) / len(images)
    for task, extraction, spent in zip(whose, found, decode, strict=True):
        checked = sound(extraction, backend)
        steps = {"decode": spent, **_steps(extraction)}
        out.append(
            (
                task.row,
                replace(
                    checked, reason=_clean(checked.reason, task.path), seconds=checked.seconds or each, steps=steps
                ),
            )
        )
    return out


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ContractError) else raised(error)


def _steps(extraction: object) -> dict[str, float]:
    """The matcher's own seconds by step; what is no duration is left out, and so is "decode", which is done here."""
    steps = getattr(extraction, "steps", None)
    said = steps if isinstance(steps, dict) else {}
    return {str(name): float(value) for name, value in said.items() if name != "decode" and _is_duration(value)}


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and 0.0 <= value < float("inf")


def _clean(reason: str, path: Path) -> str:
    """Keep a reason short and free of the file's path and name, which may hold a person's name; a name like "11" hides
    nothing and is left.
    """
    for word in (str(path), path.name, path.stem):
        if any(letter.isalpha() for letter in word):
            reason = reason.replace(word, "the photo")
    return " ".join(reason.split())[:200]
