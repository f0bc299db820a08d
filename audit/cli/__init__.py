"""The command line: words in, exit codes out. stdout carries data, stderr the log.

Exit codes: 0 done; 1 a limit that the user set failed; 2 usage or config; 3 bad data; 4 the matcher failed; 5 not enough data for a required
answer; 70 a defect of the program; 130 interrupted, with the line that resumes. Nothing heavy is imported until a command needs it.
"""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Sequence

__all__ = ["run_command_line"]

INTERRUPTED = 130
DEFECT = 70  # as EX_SOFTWARE of sysexits.h: never mistaken for a failed limit


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; every refusal is one paragraph on stderr."""
    import typer

    from audit.cli.commands import app
    from audit.errors import AuditError

    try:
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
        usage = _usage(error)
        if usage is None:
            traceback.print_exc()
            print(
                "face-audit: this is a defect of face-audit, not of your input. Please report the lines above; they name no person.", file=sys.stderr
            )
            return DEFECT
        print(usage, file=sys.stderr)
        return 2
    if result == INTERRUPTED:  # typer gives a Ctrl-C back as this code
        print("face-audit: interrupted; every template made so far is kept. Resume with:", file=sys.stderr)
        print(f"  face-audit {shlex.join(arguments)}", file=sys.stderr)
    return int(result) if isinstance(result, int) else 0


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
