"""TOML text and a key in, the line on which it stands out: so that a refusal can name it.

A scan of headers and keys, right for what people write; strings over several lines are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["line_of", "names"]

_PART = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"


_DOTTED = rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*"


def names(dotted: str) -> tuple[str, ...]:
    """Parts of a dotted key, quotes taken off."""
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def line_of(text: str, location: Sequence[int | str]) -> int | None:
    """Line (from 1) of the TOML text at which a key stands, or else the innermost table or value around it; None where
    nothing of it is there.

    A scan of headers and keys, right for what people write; strings over several lines are not followed.
    """
    wanted = tuple(part for part in location if isinstance(part, str))
    index = {
        tuple(p for p in location[:k] if isinstance(p, str)): part
        for k, part in enumerate(location)
        if isinstance(part, int)
    }
    table: tuple[str, ...] = ()
    seen: dict[tuple[str, ...], int] = {}
    inside, best, found = True, 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.fullmatch(rf"\s*(\[\[?){_DOTTED}\]\]?\s*(#.*)?", line)
        key = None if header else re.match(rf"{_DOTTED}=", line)
        if header:
            table = names(header[2])
            if header[1] == "[[":
                seen[table] = seen.get(table, -1) + 1
            inside = all(index.get(name, count) == count for name, count in seen.items() if table[: len(name)] == name)
        path = table + names(key[1]) if key else table
        if (header or key) and inside and wanted[: len(path)] == path and len(path) > best:
            best, found = len(path), number
    return found
