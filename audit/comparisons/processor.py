"""What this machine can run: asked once, told in provenance.

Out: whether Numba compiles here, and the widest micro-kernel its processor has. Its one idea: every path gives the same integers, so the
choice is only about speed.
"""

from __future__ import annotations

import os
from functools import lru_cache

__all__ = ["compiled", "cores"]


@lru_cache(maxsize=1)
def compiled() -> bool:
    """True where Numba imports and is not switched off (``NUMBA_DISABLE_JIT``)."""
    try:
        import numba
    except ImportError:  # a platform without llvmlite
        return False
    return not numba.config.DISABLE_JIT


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
