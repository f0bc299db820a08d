"""A word that is not allowed in, the nearest one that is out: the last sentence of a refusal."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: str, allowed: Iterable[str], otherwise: str = "") -> str:
    """Say ``Did you mean 'x'?``, or ``otherwise`` where no allowed word is near.

    Examples
    --------
    >>> nearest("cofidence", ["confidence", "seed"])
    "Did you mean 'confidence'?"
    """
    found = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f"Did you mean {found[0]!r}?" if found else otherwise
