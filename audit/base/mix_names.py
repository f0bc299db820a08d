"""Names of the mixes that need no quotas: everybody labelled alike, and as many of every finest group.

Apart from ``mixes``, so that reading a configuration needs no numpy.
"""

from __future__ import annotations

__all__ = ["EQUAL", "NATURAL"]

NATURAL, EQUAL = "natural", "equal"
