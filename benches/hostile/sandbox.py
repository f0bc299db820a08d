"""A command line in, what became of it out: run by the command line's own entry in a fork of its own, with bounds on
memory, time and files.

The one idea: everything heavy is imported once, before the first fork, so that ten thousand whole commands are
affordable; each still has a process, a session, a working folder, a home, a cache and a temporary folder to itself,
and all of these are looked at when it has ended.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MEMORY_MB", "SECONDS", "Outcome", "Place", "run", "warm"]

MEMORY_MB = 2000
"""More than this at any moment, in any process of the command, is a fault."""

SECONDS = 90.0
"""A command that takes longer is a hang; the machine is shared."""

_ADDRESSES = 4 << 30
"""Bytes of address space: what libraries map counts too, so the true bound is ``MEMORY_MB`` of memory in use."""


@dataclass(frozen=True)
class Place:
    """The folders of one trial: ``inside`` for inputs, ``out`` to stand in, ``cache``, ``home``, ``tmp``."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        """Give one of them."""
        return self.folder / name

    def put(self, name: str, data: bytes) -> Path:
        """Write an input."""
        path = self.folder / "inside" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    @classmethod
    def new(cls, folder: Path) -> Place:
        """Make all of them, empty."""
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("inside", "out", "cache", "home", "tmp"):
            (folder / name).mkdir(parents=True)
        return cls(folder)

    def files(self) -> set[str]:
        """Every file, folder and link below, by its path from here."""
        return {
            str(Path(root, name).relative_to(self.folder))
            for root, folders, names in os.walk(self.folder)
            for name in folders + names
        }


@dataclass
class Outcome:
    """What became of one command.

    Attributes
    ----------
    code : int
        Exit code; -9 where it was killed at the end of its time.
    out, err : str
        What it printed.
    seconds, peak_mb : float
        Peak of the largest of its processes.
    strays : list of str
        Files that it left where nothing belongs.
    """

    code: int
    out: str
    err: str
    seconds: float
    peak_mb: int
    strays: list[str] = field(default_factory=list)

    @property
    def hung(self) -> bool:
        """Whether it ended by our signal."""
        return self.code == -signal.SIGKILL and self.seconds > SECONDS


def warm() -> None:
    """Import every module of the product, as a command would one after the other, and run one small audit so that page
    templates are compiled.
    """
    import audit

    for module in pkgutil.walk_packages(audit.__path__, "audit."):
        if module.name != "audit.__main__":
            importlib.import_module(module.name)
    for name in ("pyarrow.parquet", "scipy.stats", "PIL.Image", "cv2"):
        importlib.import_module(name)


def run(
    arguments: Sequence[str], place: Place, *, allowed: Sequence[str] = (), environment: dict[str, str] | None = None
) -> Outcome:
    """Run one command there.

    Parameters
    ----------
    arguments : sequence of str
        As after ``face-audit``.
    place : Place
    allowed : sequence of str
        Files, and folders with all below, that it may write apart from the cache and ``out/results``.
    environment : dict, optional
        Added to the command's own.
    """
    before, start = place.files(), time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _child(list(arguments), place, environment or {})
    code, used = _wait(pid, start)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)  # whatever it left running
    fine = ("cache", "out/results", "out.txt", "err.txt", *allowed)
    strays = sorted(
        one for one in place.files() - before if not any(one == good or one.startswith(good + "/") for good in fine)
    )
    out, err = ((place.folder / name).read_bytes().decode("utf-8", "replace") for name in ("out.txt", "err.txt"))
    return Outcome(code, out, err, time.monotonic() - start, int(used.ru_maxrss) >> 10, strays)


def _wait(pid: int, start: float) -> tuple[int, resource.struct_rusage]:
    """Wait for the end, or make it."""
    handle = os.pidfd_open(pid)
    try:
        if not select.select([handle], [], [], max(0.0, start + SECONDS - time.monotonic()))[0]:
            os.killpg(pid, signal.SIGKILL)
    finally:
        os.close(handle)
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used


def _child(arguments: list[str], place: Place, environment: dict[str, str]) -> None:
    """Never return."""
    code = 99
    try:
        os.setsid()
        os.chdir(place.out)
        folders = {
            "HOME": place.home,
            "TMPDIR": place.tmp,
            "FACE_AUDIT_CACHE": place.cache,
            "XDG_CACHE_HOME": place.cache / "xdg",
        }
        os.environ.update({name: str(path) for name, path in folders.items()} | environment)
        tempfile.tempdir = None
        for place_of, number in (("out.txt", 1), ("err.txt", 2)):
            os.dup2(os.open(place.folder / place_of, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        from audit.cli import run_command_line

        try:
            code = run_command_line(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as error:
        os.write(2, f"\nescaped: {type(error).__name__}\n".encode())
        code = 71
    finally:
        os._exit(code)
