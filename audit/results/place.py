"""How a finished directory takes its place: in one step, by one run at a time, and what a killed run left is put right
by the next one.

In: a target. Out: its claim, while the caller works on it. Its one idea: an exchange of two names is one operation of
the kernel, so there is no moment without a whole target; where there is none, the old directory waits under a hidden
name that says whose it is, and goes back.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from audit.base.errors import AuditError, ResultsError

try:
    import fcntl
except ImportError:  # Windows: a lock file that was not closed cannot be removed there, which is as good
    fcntl = None  # type: ignore[assignment]

__all__ = ["claim", "hidden", "put_right", "settled", "take_place"]

_HIDDEN = re.compile(r"\.(.+)\.face-audit-(?:(new|old)-[a-z0-9_]{8}|lock)")
"""Names that nobody else gives: what has one may be removed."""
_AT_FDCWD, _EXCHANGE = -100, 2
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
"""What kernels and file systems without an exchange of names answer."""
_CLAIMED: dict[Path, int] = {}
_CLAIMING = threading.Lock()
_GAP_SECONDS, _READS = 2.0, 50
_T = TypeVar("_T")


def hidden(target: Path, kind: str) -> Path:
    """Make a directory beside a target for what is to become it ("new") or was it ("old")."""
    return Path(tempfile.mkdtemp(prefix=f".{target.name}.face-audit-{kind}-", dir=target.parent))


@contextmanager
def claim(target: Path) -> Iterator[Path]:
    """Hold a target for one run, put right what others left beside it, and give its own path (links followed).

    The lock is a hidden file beside it with the process's id, which the kernel frees when the process ends in whatever
    way; it is gone afterwards. A thread that holds a target may claim it again.

    Raises
    ------
    ResultsError
        Another run holds it, or the folder cannot be written.
    """
    target = Path(os.path.realpath(target))
    with _CLAIMING:
        mine = _CLAIMED.get(target)
        if mine is None:
            _CLAIMED[target] = threading.get_ident()
    if mine is not None:
        if mine != threading.get_ident():
            raise _held(target, f"another thread of process {os.getpid()}")
        yield target
        return
    try:
        with _locked(target):
            put_right(target.parent, target)
            yield target
    finally:
        with _CLAIMING:
            del _CLAIMED[target]


def put_right(folder: Path, held: Path | None = None) -> None:
    """Give back targets that a kill between two renames took away, and remove hidden leftovers, of all targets that
    nobody holds but the caller.
    """
    names = {match[1] for entry in _entries(folder) if (match := _HIDDEN.fullmatch(entry.name))}
    for name in sorted(names):
        target = folder / name
        if held is not None and target == held:
            _restore(target)
        elif target not in _CLAIMED:
            with contextlib.suppress(AuditError, OSError), _locked(target):
                _restore(target)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _restore(target: Path) -> None:
    found = [
        (match[2], entry)
        for entry in _entries(target.parent)
        if (match := _HIDDEN.fullmatch(entry.name)) and match[1] == target.name
    ]
    for kind, entry in found:
        if kind == "old" and (entry / "was").is_dir() and not target.exists():
            (entry / "was").rename(target)
    for kind, entry in found:
        if kind and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    path = target.with_name(f".{target.name}.face-audit-lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = _opened(path, target)
    except OSError as error:
        raise ResultsError(
            str(target.parent),
            got=f"cannot be written ({error.strerror})",
            allowed="a writable folder",
            todo="Choose another --results folder",
        ) from error
    try:
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()} {socket.gethostname()}\n".encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # still held, so whoever waits for it sees that this is not the file of that name any more
        os.close(file)


def _opened(path: Path, target: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if not _lock(file):
                words = os.read(file, 200).decode(errors="replace").split()
                where = f" on {words[1]}" if len(words) > 1 and words[1] != socket.gethostname() else ""
                raise _held(target, f"another run (process {words[0] if words else 'unknown'}{where})")
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(file).st_ino == path.stat().st_ino:
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        return not _alive(
            os.read(file, 200).decode(errors="replace").split()
        )  # a file system without locks: who wrote it, and is it there?
    return True


def _alive(words: list[str]) -> bool:
    if len(words) < 2 or not words[0].isdigit() or int(words[0]) == os.getpid():
        return False
    if words[1] != socket.gethostname():
        return True
    try:
        os.kill(int(words[0]), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _held(target: Path, who: str) -> ResultsError:
    return ResultsError(
        str(target),
        got=f"{who} is writing it",
        allowed="one run of a name at a time",
        todo="Wait until it ends, or choose another name or folder",
    )


def take_place(temporary: Path, target: Path) -> None:
    """Put a finished directory where it belongs, durably; what was there goes only after that. The caller holds the
    target.
    """
    for place, _, names in os.walk(temporary):
        for name in names:
            _flush(Path(place, name))
        _flush(Path(place))
    if not target.exists():
        temporary.rename(target)
    elif not _exchanged(temporary, target):
        _by_two_renames(temporary, target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    """Ask that it is on the disk before the next step; where folders cannot be opened (Windows) or asked (some network
    disks), it is as it is.
    """
    with contextlib.suppress(PermissionError, IsADirectoryError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
                raise
        finally:
            os.close(file)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where that cannot be done here."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(os.fsencode(one), os.fsencode(other), ctypes.c_uint(_EXCHANGE))
        else:
            failed = library.renameat2(
                _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_EXCHANGE)
            )
    except (OSError, AttributeError, TypeError):  # another system, or an older C library
        return False
    if failed and ctypes.get_errno() not in _NOT_HERE:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return not failed


def _by_two_renames(temporary: Path, target: Path) -> None:
    old = hidden(target, "old")
    try:
        target.rename(old / "was")
        temporary.rename(target)
    except BaseException:  # Ctrl-C too: what was there goes back
        if (old / "was").exists() and not target.exists():
            (old / "was").rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)


def settled(work: Callable[[], _T], *folders: Path) -> _T:
    """Do what reads results, again if one of them was replaced meanwhile: what was read may be half of one and half of
    the other.
    """
    for _ in range(_READS):
        before = [_identity(folder) for folder in folders]
        try:
            found = work()
        except Exception:
            if [_identity(folder) for folder in folders] == before:
                raise
            continue
        if [_identity(folder) for folder in folders] == before:
            return found
    return work()


def _identity(folder: Path) -> tuple[int, int, int] | None:
    """Which directory has this name now. A name that two renames leave free for a moment is waited for."""
    until = time.monotonic() + _GAP_SECONDS
    while True:
        try:
            found = folder.stat()
            return found.st_dev, found.st_ino, found.st_mtime_ns
        except OSError:
            real = Path(os.path.realpath(folder))
            if time.monotonic() > until or not any(
                real.parent.glob(f".{real.name.replace('[', '[[]')}.face-audit-old-*/was")
            ):
                return None
            time.sleep(0.01)
