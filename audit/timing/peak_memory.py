"""How much memory a process took at its highest: /proc in, bytes out; None where the system keeps no such file.

Its one idea: Linux keeps the peak of the memory a process has now (VmHWM), which, unlike getrusage's, begins at zero
when a program starts, and can be set back to what is in use, so each round has a peak of its own.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

__all__ = ["forget_peak", "peak_bytes"]

PROC = Path("/proc")


def peak_bytes(process: int | None = None) -> int | None:
    """Highest resident memory of a process (default this one) since it began or ``forget_peak`` was called; pages it
    shares are counted in full.
    """
    try:
        text = (PROC / str(process or "self") / "status").read_text()
    except OSError:  # another system, or the process is gone
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def forget_peak(process: int | None = None) -> None:
    """Set the peak back to what is in use now, where the system lets us (proc(5), clear_refs)."""
    with contextlib.suppress(OSError):
        (PROC / str(process or "self") / "clear_refs").write_text("5")
