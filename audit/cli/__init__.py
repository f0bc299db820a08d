"""The command line: words in, exit codes out. stdout carries data, stderr the log.

Exit codes: 0 done; 1 a limit that the user set failed; 2 usage or config; 3 bad data; 4 the matcher failed; 5 not
enough data for a required answer; 70 a defect of the program; 130 interrupted and 143 terminated, with the line that
resumes. Nothing heavy is imported until a command needs it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

__all__ = ["run_command_line"]

INTERRUPTED = 130
TERMINATED = 143
DEFECT = 70  # as EX_SOFTWARE of sysexits.h: never mistaken for a failed limit


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; every refusal is one paragraph on stderr."""
    import typer

    from audit.base.errors import AuditError
    from audit.cli.commands import app

    told: list[int] = []
    if any("\0" in word for word in arguments):  # no shell passes one on; a script that calls this may
        print(
            "face-audit: a word of the command line: it holds a NUL character. No file and no key has one.",
            file=sys.stderr,
        )
        return 2
    try:
        with _ending_tidily(told):
            result = app(args=list(arguments), standalone_mode=False, prog_name="face-audit")
    except AuditError as error:
        print(f"face-audit: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except typer.Exit as done:
        return int(done.exit_code)
    except (BrokenPipeError, SystemExit) as end:
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):
            raise
        # `| head` has read enough; what is still in the buffer must not fail when Python closes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        refused = _of_the_machine(error)
        if refused:
            print(f"face-audit: {refused}", file=sys.stderr)
            _kept(error, arguments)
            return AuditError.exit_code
        usage = _usage(error)
        if usage is None:
            _defect(error, arguments)
            return DEFECT
        print(usage, file=sys.stderr)
        return 2
    if result == INTERRUPTED:  # typer gives a Ctrl-C back as this code
        print("face-audit: interrupted; every template made so far is kept. Resume with:", file=sys.stderr)
        print(f"  face-audit {shlex.join(arguments)}", file=sys.stderr)
        result = TERMINATED if told else INTERRUPTED
    return int(result) if isinstance(result, int) else 0


@contextlib.contextmanager
def _ending_tidily(told: list[int]) -> Iterator[None]:
    """Take SIGTERM as Ctrl-C is taken, so that what was made is written; ``told`` then holds the signal. Threads that
    fail name nobody either.
    """
    from audit.base.unexpected import frames

    def end(number: int, frame: FrameType | None) -> None:
        if not told:  # a second one must not break off the writing
            told.append(number)
            raise KeyboardInterrupt

    def in_a_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and failed.exc_type is not SystemExit:
            print(f"face-audit: a thread failed.\n{frames(failed.exc_value)}", file=sys.stderr)

    mine = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGTERM")
    before = signal.signal(signal.SIGTERM, end) if mine else None
    hook, threading.excepthook = threading.excepthook, in_a_thread
    try:
        yield
    finally:
        threading.excepthook = hook
        if mine:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


_MACHINES = {
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EACCES,
    errno.EPERM,
    errno.ENOSPC,
    errno.EROFS,
    errno.EFBIG,
    errno.EIO,
}
_MACHINES |= {errno.EMFILE, errno.ENFILE, errno.ENXIO, errno.ENODEV, errno.ENOTDIR} | (
    {errno.EDQUOT} if hasattr(errno, "EDQUOT") else set()
)
"""What a system says of names, rights, space and devices, whatever program asks."""


def _of_the_machine(error: Exception) -> str:
    """Say what the system refused, without the path, which may be a photograph's; "" for anything else. A full disk is
    no defect.
    """
    if isinstance(error, MemoryError):
        return "the machine has too little memory for this. Use fewer samples (--limit), or close other programs."
    if not isinstance(error, OSError) or error.errno not in _MACHINES:
        return ""
    said = os.strerror(error.errno)
    return (
        f"the system refused a file or folder: {said}. Check the paths that were given, their "
        f"permissions, and the space on the disk."
    )


def _defect(error: Exception, arguments: Sequence[str]) -> None:
    """Say where it happened, without a value of the data, and where the full text is."""
    from audit.base.unexpected import frames

    print(frames(error), file=sys.stderr)
    _kept(error, arguments)
    print(
        "face-audit: this is a defect of face-audit, not of your input. Please report the lines "
        "above; they name no person.",
        file=sys.stderr,
    )


def _kept(error: BaseException, arguments: Sequence[str]) -> None:
    """Keep the full text for its owner, and say where."""
    from audit.base.unexpected import keep
    from audit.embeddings.store import Store

    with contextlib.suppress(RuntimeError, OSError, MemoryError):  # no home folder, no disk, no memory
        kept = keep(error, Store(_cache(arguments)).folder / "errors", f"face-audit {shlex.join(arguments)}")
        if kept is not None:
            print(
                f"face-audit: the full text, which may hold names, is in {kept}, readable by you only.",
                file=sys.stderr,
            )


def _cache(arguments: Sequence[str]) -> Path | None:
    """The folder after ``--cache``, if it was given."""
    for place, word in enumerate(arguments):
        if word == "--cache" and place + 1 < len(arguments):
            return Path(arguments[place + 1])
        if word.startswith("--cache="):
            return Path(word.removeprefix("--cache="))
    return None


def _usage(error: Exception) -> str | None:
    """Words of a mistake on the command line, if it is one."""
    format_message = getattr(error, "format_message", None)
    if format_message is None:
        return None
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # nothing was asked: the help itself, as it stands
        return str(format_message())
    hint = f" Try: {context.command_path} --help" if context is not None else ""
    return f"face-audit: {str(format_message()).rstrip('.')}.{hint}"
