"""Nothing outlives this process: not a program it started, not a photograph it wrote for one, even after ``kill -9``.

In come process groups and folders, by ``guard`` and ``release``; nothing comes out. The one idea: a pipe that only
this process holds open. A small process of its own, in its own session, reads the pipe's other end; when it closes,
for whatever reason, that one kills the groups and removes the folders it was told of. So it holds on every system with
pipes and process groups (Linux, macOS, BSD); where there are none (Windows) programs end when their stdin does, and a
folder that a kill leaves behind stays.

What it cannot do: end a program that leaves its process group (``setsid``), or do anything when it is killed itself at
the same moment.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from multiprocessing.connection import wait

__all__ = ["end_with_parent", "ended", "guard", "release"]

WATCH = """
import os, shutil, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
kept, rest, pipe = set(), b"", int(sys.argv[1])
while data := os.read(pipe, 65536):
    *words, rest = (rest + data).split(b"\\0")
    for word in words:
        kept.add(word[1:]) if word[:1] == b"+" else kept.discard(word[1:])
for word in kept:
    if word[:1] == b"g":
        try:
            os.killpg(int(word[1:]), signal.SIGKILL)
        except OSError:
            pass
for word in kept:
    if word[:1] == b"f":
        shutil.rmtree(word[1:], ignore_errors=True)
"""

_lock = threading.Lock()
_pipe: tuple[int, int] | None = None  # process that opened it, and its end for writing
_watcher: subprocess.Popen[bytes] | None = None


def guard(*, group: int | None = None, folder: str | None = None) -> None:
    """Have a process group killed, or a folder removed, should this process end before ``release``."""
    _say("+", group, folder)


def release(*, group: int | None = None, folder: str | None = None) -> None:
    """Forget a group or folder: it is gone, and its number or name may soon be another's."""
    _say("-", group, folder)


def _say(sign: str, group: int | None, folder: str | None) -> None:
    if not hasattr(os, "killpg"):
        return
    words = b"" if group is None else f"{sign}g{group}\0".encode()
    words += b"" if folder is None else sign.encode() + b"f" + os.fsencode(folder) + b"\0"
    with _lock, contextlib.suppress(OSError):  # the watcher was killed: programs still end with their stdin
        os.write(_opened(), words)


def _opened() -> int:
    """Give the pipe's end for writing; start the watcher where this process has none yet (a fork does not share its
    parent's).
    """
    global _pipe, _watcher
    if _pipe is not None and _pipe[0] == os.getpid():
        return _pipe[1]
    theirs, ours = os.pipe()
    command = [sys.executable, "-I", "-S", "-c", WATCH, str(theirs)]
    none = subprocess.DEVNULL
    _watcher = subprocess.Popen(
        command, stdin=none, stdout=none, stderr=none, pass_fds=[theirs], start_new_session=True, cwd="/"
    )
    os.close(theirs)
    if _pipe is None:
        atexit.register(_close)
    _pipe = os.getpid(), ours
    return ours


def _close() -> None:
    global _pipe
    if _pipe is not None and _pipe[0] == os.getpid():
        os.close(_pipe[1])
        _pipe = None
        if _watcher is not None:
            _watcher.wait()


def ended(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Give the exit code of a child that ends within ``seconds``, else None; it is left to be waited for, so its
    group's number stays its own.
    """
    end = time.monotonic() + seconds
    while child.returncode is None and hasattr(os, "waitid"):
        try:
            found = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # somebody waited for it
            break
        if found is not None:
            return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        if time.monotonic() >= end:
            return None
        time.sleep(0.002)
    try:
        return child.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


_watched = threading.Event()


def end_with_parent() -> None:
    """In a worker process, end it as soon as the process that started it is gone, whatever it is waiting for;
    elsewhere do nothing.
    """
    parent = multiprocessing.parent_process()
    if parent is None or _watched.is_set():
        return
    _watched.set()
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
