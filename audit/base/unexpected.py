"""An unexpected error in, words that name nobody out: frames and types on the screen, the full text in a file that
only its owner reads.

Its one idea: Python's messages quote values, and here values are ids, labels and paths of photographs. So the screen
shows where in the code it happened and what kind of error it was; the rest goes to the cache folder, 0600, for the
owner to read and to decide on.
"""

from __future__ import annotations

import traceback
import uuid
from pathlib import Path

from audit.base.journal import private_folder, write_private

__all__ = ["frames", "keep"]

_CHAIN = 8  # errors in a chain that are shown; a chain may be endless


def frames(error: BaseException) -> str:
    """Every frame and the kinds of the error and of those that led to it,
    without any message, value or path of data.
    """
    lines: list[str] = []
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen and len(seen) < _CHAIN:
        seen.add(id(one))
        stack = [
            f'  File "{_code(frame.filename)}", line {frame.lineno}, in {frame.name}'
            for frame in traceback.extract_tb(one.__traceback__)
        ]
        kind = type(one)
        number = f" [errno {one.errno}]" if isinstance(one, OSError) and isinstance(one.errno, int) else ""
        lines[:0] = [
            *stack,
            f"{kind.__module__}.{kind.__qualname__}{number}".removeprefix("builtins."),
            *(["which led to:"] if lines else []),
        ]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(lines)


def _code(name: str) -> str:
    """A code file by what follows the folder of packages; a plugin's own file by its name alone."""
    path = Path(name)
    for mark in ("site-packages", "lib"):
        if mark in path.parts:
            return "/".join(path.parts[len(path.parts) - path.parts[::-1].index(mark) :])
    if "audit" in path.parts:
        return "/".join(path.parts[path.parts.index("audit") :])
    return path.name if path.suffix == ".py" else "<code>"


def keep(error: BaseException, folder: Path, heading: str) -> Path | None:
    """Write the full text below ``heading`` into a new file of ``folder``, readable by its owner only; its path, or
    None where that cannot be.
    """
    text = f"{heading}\n\n" + "".join(traceback.format_exception(error))
    try:
        private_folder(folder)
        path = folder / f"{uuid.uuid4().hex[:12]}.txt"
        write_private(path, text.encode("utf-8", "backslashreplace"))
    except OSError:
        return None
    return path
