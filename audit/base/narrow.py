"""Whole numbers in, the same numbers in fewer bits out, or a refusal: 40,000 in 16 bits would be -25,536, and somebody
else's group.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.errors import ConfigError

__all__ = ["narrow"]

Kind = TypeVar("Kind", bound=np.integer[Any])


def narrow(values: ArrayLike, kind: type[Kind], what: str) -> NDArray[Kind]:
    """Give ``values``, of any shape, as ``kind``.

    Raises
    ------
    ConfigError
        A number that does not fit, named by ``what`` it counts: groups, thresholds, ...

    Examples
    --------
    >>> narrow([1, 32767], np.int16, "groups").dtype
    dtype('int16')
    """
    given = np.asarray(values)
    most, least = np.iinfo(kind).max, np.iinfo(kind).min
    fits = given.dtype.kind in "iub"
    if given.size and not (fits and given.max() <= most and given.min() >= least):
        got = f"numbers up to {int(given.max()):,}" if fits else f"numbers of type {given.dtype}"
        raise ConfigError(what, got=got, allowed=f"whole numbers up to {most:,}", todo="Use fewer of them")
    return given.astype(kind)
