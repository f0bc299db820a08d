"""The machine an audit runs on: cores that may be used, versions, the clock. What goes into ``provenance.json`` and
changes no number.
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["Clock", "cores", "facts", "version"]


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores this process may use: those it is bound to, and no more than a container's quota (cgroup v2, "200000
    100000" is two).
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
        return max(1, min(bound, round(int(allowed) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or "max": no quota
        return bound


def version(package: str, absent: str = "") -> str:
    """Give the installed version, or ``absent``; another build of the same
    library (opencv-python) has another name.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return absent


def facts(packages: Iterable[str]) -> dict[str, Any]:
    """Python, platform, cores and versions."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": cores(),
        "packages": {name: version(name, "not installed under this name") for name in packages},
    }


class Clock:
    """Seconds per stage, for provenance."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC)
        self.stages: dict[str, float] = {}
        self._mark = time.perf_counter()

    def lap(self, stage: str) -> None:
        """End a stage and name it."""
        now = time.perf_counter()
        self.stages[stage] = round(now - self._mark, 3)
        self._mark = now

    def read(self) -> dict[str, Any]:
        """When it began, and the seconds of each stage."""
        return {"started": self.started.isoformat(timespec="seconds"), "seconds": self.stages}
