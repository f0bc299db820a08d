"""Numbers that have a template's shape and describe no face: a template in, what is wrong with it out.

Its one idea: a matcher or an export that fails often fails to a constant, and two constants match perfectly; so each
is an error of its sample before it can be a comparison.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Measure

__all__ = ["CONSTANT", "useless"]

CONSTANT = 8
"""A template of so many numbers, all of them the same, describes no face; of fewer it may be chance."""


def useless(template: NDArray[np.floating], measure: Measure) -> str:
    """Say what is wrong with a template (D,), finite, any real dtype; "" if nothing is.

    Examples
    --------
    >>> useless(np.zeros(128, np.float32), "euclidean")
    'zeros only'
    >>> useless(np.ones(128, np.float32), "inner")
    'one number repeated'
    """
    if not template.any():
        if measure == "cosine":
            return "zeros only, for which cosine has no value"
        return "zeros only" if len(template) >= CONSTANT else ""
    return "one number repeated" if len(template) >= CONSTANT and bool((template == template[0]).all()) else ""
