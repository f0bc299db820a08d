"""A model file is tried in a process of its own before it is loaded here: what it is able to do to a process, it does
to that one.

In come the name of a trial and its arguments; out come what the trial found, or a refusal. The one idea: a file from
somebody else may crash its reader, ask for any memory and never end, and no look at the file tells. A process with a
limit on memory and time tells.

Memory is limited where the system does so (Linux: RLIMIT_DATA; elsewhere only the time is).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from audit.base.errors import BackendError

__all__ = ["SPARE_BYTES", "limit_memory", "tried"]

SPARE_BYTES = 3 * 2**29
"""Memory that a model may take beside four times its files: 1.5 GB."""

SECONDS = 60
"""For loading a model and running it once."""


def limit_memory(extra: int) -> None:
    """Keep this process from allocating more than ``extra`` bytes beyond what it holds now (Linux; elsewhere nothing
    is done).
    """
    if not sys.platform.startswith("linux"):
        return
    import resource

    with contextlib.suppress(OSError, ValueError, IndexError):
        held = next(
            int(line.split()[1]) << 10
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmData")
        )
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (held + extra, hard))


def tried(
    where: str, trial: str, arguments: Mapping[str, Any], *, files: Mapping[str, str], size: int
) -> dict[str, Any]:
    """Run ``module:function`` of this package, which gives a dict, in a process of its own; once per ``files`` (name
    -> sha256) and arguments.

    Parameters
    ----------
    where : str
        What is tried, for messages.
    trial : str
    arguments : mapping of plain JSON values
    files : mapping
        Digests of all files that are tried.
    size : int
        Their bytes together.

    Raises
    ------
    BackendError
        What the trial raises; or it crashed, took more memory than ``SPARE_BYTES`` and four times ``size``, or longer
        than ``SECONDS``.
    """
    packed = json.dumps(
        {"trial": trial, "arguments": dict(arguments), "memory": SPARE_BYTES + 4 * size}, sort_keys=True
    )
    found = json.loads(_outcome(packed, json.dumps(dict(files), sort_keys=True)))
    if "refused" in found:
        said = found["refused"]
        raise BackendError(said["where"] or where, got=said["got"], allowed=said["allowed"], todo=said["todo"])
    if "ended" in found:
        allowed = f"a model that is loaded and run within {SECONDS} s and {(SPARE_BYTES + 4 * size) / 2**30:.1f} GB"
        raise BackendError(where, got=found["ended"], allowed=allowed, todo="Fetch or export it again")
    return dict(found["fine"])


@lru_cache(maxsize=64)
def _outcome(packed: str, files: str) -> str:
    """What the trial wrote; ``files`` is here so that a changed file is tried again."""
    path = os.pathsep.join([*(place or os.getcwd() for place in sys.path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", f"from {__name__} import _serve; _serve()"]
    none, pipe = subprocess.DEVNULL, subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=none, env={**os.environ, "PYTHONPATH": path}
    ) as child:
        try:
            out, _ = child.communicate(packed.encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            return json.dumps({"ended": f"it was not loaded and run within {SECONDS} s"})
        except BaseException:
            child.kill()
            raise
    if child.returncode == 0 and out:
        return out.decode()
    names = {int(number): number.name for number in signal.Signals}
    how = (
        names.get(-child.returncode, str(child.returncode))
        if child.returncode < 0
        else f"exit code {child.returncode}"
    )
    return json.dumps({"ended": f"it ended the process that tried it ({how})"})


def _serve() -> None:
    """In the child: run the trial that stdin describes and write what came of it."""
    from audit.base.errors import AuditError

    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    asked = json.loads(sys.stdin.read())
    module, _, function = asked["trial"].partition(":")
    run = getattr(import_module(f"{__package__}.{module}"), function)
    limit_memory(asked["memory"])
    try:
        found = {"fine": run(**asked["arguments"])}
    except AuditError as error:
        found = {"refused": {"where": error.where, "got": error.got, "allowed": error.allowed, "todo": error.todo}}
    except MemoryError:
        found = {"ended": "it takes more memory than a model may"}
    answer.write(json.dumps(found))
    answer.close()
    os._exit(0)  # libraries may hang or crash on their way out
