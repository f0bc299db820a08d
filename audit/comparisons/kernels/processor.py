"""What this machine can run: asked once, told in provenance.

Out: whether Numba compiles here, and the flavours of the kernel its processor has. Its one idea: every flavour gives
the same integers, so the choice is only about speed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

__all__ = ["FLAVOURS", "compiled", "flavours"]

FLAVOURS: Final = {"any": 1, "avx2": 2, "avx512": 3, "avx512vnni": 4}
"""Names of the kernel's flavours, slowest first, and their numbers."""
NEEDS: Final = {
    "any": (),
    "avx2": ("avx2",),
    "avx512": ("avx512f", "avx512bw", "avx512vl"),
    "avx512vnni": ("avx512f", "avx512bw", "avx512vl", "avx512vnni"),
}


@lru_cache(maxsize=1)
def compiled() -> bool:
    """True where Numba imports and is not switched off (``NUMBA_DISABLE_JIT``)."""
    try:
        import numba
    except ImportError:  # a platform without llvmlite
        return False
    return not numba.config.DISABLE_JIT


@lru_cache(maxsize=1)
def flavours() -> tuple[str, ...]:
    """Flavours that Numba may compile for on this machine, fastest first; empty where it does not compile."""
    if not compiled():
        return ()
    import numba
    from llvmlite import binding

    features = {name for name, on in binding.get_host_cpu_features().items() if on}
    if numba.config.CPU_NAME or numba.config.CPU_FEATURES:  # the user has told Numba to compile for less
        features = {name[1:] for name in str(numba.config.CPU_FEATURES or "").split(",") if name.startswith("+")}
    return tuple(name for name in reversed(FLAVOURS) if all(need in features for need in NEEDS[name]))
