"""A program in any language, spoken to by JSON lines: questions go to its stdin, answers come from its stdout, one object a line.

In come a command and questions; out come answers, in the order of the questions. The one idea: the program is not trusted to answer. Every question
has a deadline, at most ``window`` are open at a time (back-pressure: a slow program is never flooded), and a program that dies, hangs or talks
nonsense is ended and started again; the questions that were open are then asked one by one, and one that fails alone is given up.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from audit.errors import BackendError

__all__ = ["PROTOCOL", "Program"]

LOG = logging.getLogger(__name__)

PROTOCOL = 1

LONGEST_LINE = 16 * 2**20
"""Characters. A template of 100,000 numbers fits; a program that never ends its line is stopped."""


class Program:
    """A child process that answers.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; no shell is involved.
    timeout_seconds : float
        For each answer; ``start_seconds`` for the first, the greeting.
    window : int
        Questions open at a time.
    """

    def __init__(self, command: Sequence[str], *, timeout_seconds: float, start_seconds: float, window: int) -> None:
        self.command, self.timeout_seconds, self.start_seconds, self.window = list(command), timeout_seconds, start_seconds, window
        self._child: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.restarts = 0

    def start(self) -> dict[str, Any]:
        """Start the program and exchange greetings; gives its greeting.

        Raises
        ------
        BackendError
            It cannot be started, or its first line is not a greeting of this protocol.
        """
        self.stop()
        try:
            child = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that it can be ended together with what it started
            )
        except OSError as error:
            got = f"{self.command[0]!r} cannot be started ({error.strerror})"
            raise BackendError(
                "backend.options.command", got=got, allowed="a program and its arguments", todo="Check the path and permissions"
            ) from error
        self._child, self._lines = child, queue.SimpleQueue()
        threading.Thread(target=_read, args=(child, self._lines), daemon=True).start()
        threading.Thread(target=_log_errors, args=(child,), daemon=True).start()
        self._send({"hello": PROTOCOL})
        greeting = self._receive(self.start_seconds)
        if isinstance(greeting, str) or greeting.get("hello") != PROTOCOL:
            self.stop()
            got = greeting if isinstance(greeting, str) else f'a first answer without "hello": {PROTOCOL}'
            raise BackendError(f"program {self.command[0]!r}", got=got, allowed="a greeting (see audit/backends/process.py)", todo="Run it by hand")
        return greeting

    def stop(self) -> None:
        """End the program: close its stdin, wait a moment, then kill it and what it started."""
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(OSError):
            if child.stdin:
                child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.5)
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def ask(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any] | str]:
        """Ask all questions; an answer is what the program said, or a str: the reason why there is none."""
        answers: list[dict[str, Any] | str] = ["the program gave no answer"] * len(questions)
        alone: deque[int] = deque()
        waiting, opened = deque(range(len(questions))), deque[int]()
        while waiting or opened or alone:
            if self._child is None:
                self.restarts += 1
                self.start()
            if not opened and not waiting:  # questions of a broken batch, one at a time
                opened.append(alone.popleft())
                self._send({"id": opened[0], **questions[opened[0]]})
            while waiting and len(opened) < self.window:
                opened.append(waiting.popleft())
                self._send({"id": opened[-1], **questions[opened[-1]]})
            answer = self._receive(self.timeout_seconds)
            if not isinstance(answer, str) and answer.get("id") not in opened:
                answer = "the program answered a question that was not open"
            if isinstance(answer, str):
                self.stop()
                if len(opened) == 1:
                    answers[opened[0]] = answer
                else:
                    alone.extend(opened)
                opened.clear()
            else:
                opened.remove(answer["id"])
                answers[answer["id"]] = answer
        return answers

    def _send(self, message: dict[str, Any]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # a dead program is noticed at the next answer
            self._child.stdin.write(json.dumps(message) + "\n")
            self._child.stdin.flush()

    def _receive(self, seconds: float) -> dict[str, Any] | str:
        end = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return f"the program gave no answer within {seconds:g} s"
            if line is None:
                assert self._child is not None
                code = self._child.wait()
                return f"the program ended ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"
            if line.strip():
                break
        try:
            message = json.loads(line)
        except ValueError:
            return "the program wrote a line that is not JSON"
        return message if isinstance(message, dict) else "the program wrote JSON that is not an object"


def _read(child: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert child.stdout is not None
    with child.stdout as stream, contextlib.suppress(OSError, ValueError):
        while line := stream.readline(LONGEST_LINE):
            lines.put(line)
    lines.put(None)


def _log_errors(child: subprocess.Popen[str]) -> None:
    assert child.stderr is not None
    with child.stderr as stream, contextlib.suppress(OSError, ValueError):
        for line in stream:
            LOG.debug("program %s: %s", child.args, line.rstrip())
