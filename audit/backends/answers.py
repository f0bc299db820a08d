"""What a program or service outside said, read without believing it: bytes in, plain JSON values and finite numbers
out, or a ValueError in words.

The one idea: JSON as RFC 8259 has it and nothing more. NaN and Infinity, numbers beyond float64, one key twice in an
object and nesting without end are not data but a fault of whoever sent them; Python's reader would pass the first four
on and stop with other errors at the last.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WIDEST", "line_shown", "read_json", "shown", "template_of", "whole"]

WIDEST = 65_536
"""Numbers in a template, at most."""

LONGEST_NUMBER = 400
"""Digits of one number, at most: 309 reach the end of float64."""


def read_json(data: bytes | str) -> Any:
    """Read one JSON value; raises ValueError that says what is wrong, whatever the bytes are."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        return json.loads(
            text, parse_constant=_constant, parse_float=_float, parse_int=_int, object_pairs_hook=_object
        )
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg} at character {error.pos})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _constant(word: str) -> Any:
    raise ValueError(f"it holds {word}, which is no number in JSON")


def _float(word: str) -> float:
    value = float(word) if len(word) <= LONGEST_NUMBER else math.inf
    if math.isinf(value):
        raise ValueError(f"it holds the number {word[:12]}..., which is too large or too long")
    return value


def _int(word: str) -> int:
    if len(word) > LONGEST_NUMBER:
        raise ValueError(f"it holds a number of {len(word)} digits")
    return int(word)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):  # which of the two is meant cannot be known
        raise ValueError("it holds one key twice in one object")
    return out


def shown(value: bytes | str, most: int = 80) -> str:
    """Show the beginning of what was sent, on one line and without control characters."""
    text = value[: 4 * most].decode("utf-8", "replace") if isinstance(value, bytes) else value
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * most]).strip()
    return repr(text if len(text) <= most else text[:most] + "...")


_LIST = re.compile(r"\[[-+0-9.eNaInfity\s]+,[-+0-9.eNaInfity,\s]*(\]|\Z)")
_PACKED = re.compile(r"[A-Za-z0-9+/_=-]{48,}")


def line_shown(line: bytes | str, most: int = 120) -> str:
    r"""Show a line that cannot be used, for whoever wrote the program: without templates, which describe a person.

    Examples
    --------
    >>> line_shown(b'{"id": 7, "template": [0.12, -0.5, 0.25, 0.75, 0.5, 0.1], "faces": 1')
    '\'{"id": 7, "template": [...], "faces": 1\''
    """
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    return shown(_PACKED.sub("...", _LIST.sub("[...]", text)), most)


def whole(value: Any, *, most: int) -> int:
    """Give an integer from 0 to ``most``; raises ValueError for anything else, True and 1.0 among it."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{shown(repr(value), 30)} in place of a whole number from 0 to {most}")
    return value


def template_of(values: Any, width: int) -> NDArray[np.float32]:
    """Give (width,) float32 for a list of finite numbers; raises ValueError that says what came in its place and what
    was expected.
    """
    if not isinstance(values, list):
        raise ValueError(f"{_kind(values)} in place of a list of {width} numbers")
    if len(values) != width:
        raise ValueError(f"{len(values)} numbers in place of {width}")
    return as_float32(values)


def as_float32(values: Iterable[Any]) -> NDArray[np.float32]:
    """Round finite numbers to float32; raises ValueError where one is no number or does not fit."""
    rows = list(values)
    for place, value in enumerate(rows):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{_kind(value)} in place of number {place} of the template")
    try:
        exact = np.array(rows, dtype=np.float64)
    except OverflowError:
        exact = np.full(len(rows), math.inf)
    with np.errstate(over="ignore", under="ignore"):
        out = exact.astype(np.float32)
    if not np.isfinite(out).all():
        raise ValueError("numbers that are not finite or lie beyond float32 (3.4e38)")
    if exact.any() and not out.any():
        raise ValueError("numbers that all lie below the smallest of float32 (1.4e-45)")
    return out


def _kind(value: Any) -> str:
    names = {bool: "true or false", str: "a text", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "a number")
