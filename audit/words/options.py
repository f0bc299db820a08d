"""What each option of a backend means: a backend's name in, option to sentence
out. Stated once, in ``options.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

__all__ = ["meanings"]


@cache
def _all() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files("audit.words") / "options.toml").read_text(encoding="utf-8"))


def meanings(backend: str) -> Mapping[str, str]:
    """Option to sentence; nothing for a backend of somebody else's.

    Examples
    --------
    >>> meanings("process")["window"]
    'Questions that are open at a time.'
    """
    return _all().get(backend, {})
