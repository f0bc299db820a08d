"""The first line of a program or service in, what kind of matcher it says it is out.

Its one idea: a greeting is checked whole before any question is asked.
"""

from __future__ import annotations

from typing import Any

from audit.backends.answers import WIDEST, shown
from audit.backends.protocol import ScoreRule
from audit.base.errors import BackendError
from audit.base.nearest import nearest

__all__ = ["checked", "rule"]

BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "cosine": (-1.0, 1.0),
    "euclidean": (None, 0.0),
    "inner": (None, None),
}


GREETING = (
    "hello",
    "name",
    "version",
    "dimensions",
    "measure",
    "kind",
    "low",
    "high",
    "default_threshold",
    "unit",
    "product",
    "licence",
    "training_data",
)
"""Keys that a greeting may hold."""


def checked(greeting: dict[str, Any]) -> dict[str, Any]:
    """Give the greeting back if every key of it is known and holds what it should; raises BackendError that names the
    key.
    """
    for key, value in greeting.items():
        if key not in GREETING:
            raise BackendError(
                "the program's greeting",
                got=f"unknown key {shown(key)}",
                allowed=", ".join(GREETING),
                todo=nearest(key, GREETING),
            )
        wanted = ""
        if key == "dimensions":
            fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= WIDEST
            wanted = f"a whole number from 0 (scores only) to {WIDEST}"
        elif key in ("low", "high", "default_threshold"):
            fine = value is None or (
                isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
            )
            wanted = "a finite number"
        elif key == "version":
            fine, wanted = isinstance(value, str | int | float), "a text"
        else:
            fine, wanted = key == "hello" or isinstance(value, str), "a text"
        if not fine or len(str(value)) > 2000:
            raise BackendError(
                "the program's greeting", got=f"{key} {shown(repr(value))}", allowed=wanted, todo="Correct it"
            )
    return greeting


def rule(greeting: dict[str, Any]) -> ScoreRule:
    """The score rule that a greeting states."""
    measure = greeting.get("measure")
    if measure not in BOUNDS:
        raise BackendError(
            "the program's greeting",
            got=f"measure {measure!r}",
            allowed=", ".join(BOUNDS),
            todo="Add it to the greeting",
        )
    given = (greeting.get(key, default) for key, default in zip(("low", "high"), BOUNDS[measure], strict=True))
    low, high = (None if value is None else float(value) for value in given)
    threshold = None if greeting.get("default_threshold") is None else float(greeting["default_threshold"])
    if low is None or high is None or not low < high:
        got = f"low {greeting.get('low')!r}, high {greeting.get('high')!r}"
        raise BackendError(
            "the program's greeting",
            got=got,
            allowed="low < high, of the score (larger = more alike; a distance of 2 is -2)",
            todo="Add them",
        )
    kind = greeting.get("kind", "dissimilarity" if measure == "euclidean" else "similarity")
    if kind not in {"similarity", "dissimilarity"}:
        raise BackendError(
            "the program's greeting", got=f"kind {kind!r}", allowed="similarity, dissimilarity", todo="Correct it"
        )
    return ScoreRule(
        measure,
        kind,
        low,
        high,
        threshold,
        str(greeting.get("unit", "distance" if kind == "dissimilarity" else "similarity")),
    )
