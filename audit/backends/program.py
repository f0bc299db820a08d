"""A program in any language, spoken to by JSON lines: questions go to its stdin, answers come from its stdout, one
object a line.

In come a command and questions; out come answers, in the order of the questions. The one idea: the program is not
trusted to answer. Every question has a deadline and an id that was never used before and cannot be guessed; at most
``window`` are open at a time (back-pressure: a slow program is never flooded, and what it writes is read only when it
is wanted); and a program that dies, hangs or talks nonsense is ended and started again.

A line that answers no open question (unknown, repeated, late, unasked) means that the program and this process no
longer speak of the same photograph. Then all that this program answered in the batch is asked again, one question at a
time, of a program started anew; a question for which that happens alone is given up. So an answer can be lost, and
never be given to another photograph.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from audit.backends import lifeline
from audit.backends.answers import line_shown, read_json, shown
from audit.base.errors import BackendError

__all__ = ["PROTOCOL", "Program"]

LOG = logging.getLogger(__name__)

PROTOCOL = 1

LONGEST_LINE = 16 * 2**20
"""Bytes. A template of 65,536 numbers fits; a program that never ends its line is stopped."""

MOST_BLANK = 65_536
"""Bytes of blank lines between two others; more is a program that does nothing else."""

QUIET_SECONDS = 0.005
"""How long a program must be silent after the last answer of a batch: one that answers twice does so at once."""

LOST_AT_START = 20
"""If the first 20 questions asked alone are all lost, it is the program that is broken, not the photographs."""

KEPT_STDERR = 2000
"""Last bytes of stderr that messages may show."""

SHOWN_LINES = 5
"""Last lines of it that a message shows."""

MOST_TOLD = 3
"""So many faults of one program are told with its last words while a run goes on."""


class _Fault(str):
    """Why there is no answer; ``mixed`` where earlier answers of the same program are in doubt as well."""

    mixed = False


class _Mixed(_Fault):
    mixed = True


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
        self.command, self.timeout_seconds, self.start_seconds, self.window = (
            list(command),
            timeout_seconds,
            start_seconds,
            window,
        )
        self._child: subprocess.Popen[bytes] | None = None
        self._used: set[int] = set()
        self._lost, self._answered, self._told = 0, False, 0
        self.restarts = 0

    def start(self) -> dict[str, Any]:
        """Start the program and exchange greetings; gives its greeting.

        Raises
        ------
        BackendError
            It cannot be started, or its first line is not a greeting of this protocol.
        """
        self.stop()
        pipe = subprocess.PIPE
        try:
            # A session of its own, so that it can be ended together with what it started.
            child = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        except (OSError, ValueError) as error:
            got = f"{self.command[0]!r} cannot be started ({getattr(error, 'strerror', None) or error})"
            raise BackendError(
                "backend.options.command",
                got=got,
                allowed="a program and its arguments",
                todo="Check the path and permissions",
            ) from error
        lifeline.guard(group=child.pid)
        self._attach(child)
        self._send({"hello": PROTOCOL})
        greeting = self._receive(self.start_seconds)
        hello = None if isinstance(greeting, str) else greeting.get("hello")
        if isinstance(greeting, str) or isinstance(hello, bool) or hello != PROTOCOL:
            said = self._last_words()
            self.stop()
            got = (
                str(greeting)
                if isinstance(greeting, str)
                else f'a first answer without "hello": {PROTOCOL}: {line_shown(json.dumps(greeting))}'
            )
            where, todo = (
                f"program {self.command[0]!r}",
                "Run it by hand: it reads one JSON object a line and answers one",
            )
            raise BackendError(where, got=got + said, allowed="a greeting (see audit/backends/process.py)", todo=todo)
        return greeting

    def _attach(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self._in, self._out, self._err = child.stdin.fileno(), child.stdout.fileno(), child.stderr.fileno()
        self._selector = selectors.DefaultSelector()
        for place in (self._in, self._out, self._err):
            os.set_blocking(place, False)
        for place in (self._out, self._err):
            self._selector.register(place, selectors.EVENT_READ)
        self._unsent, self._part, self._stderr = bytearray(), bytearray(), bytearray()
        self._lines: deque[bytes] = deque()
        self._blank, self._ended = 0, False

    def stop(self) -> None:
        """End the program: close its stdin, wait a moment, then kill it and what it started."""
        child, self._child = self._child, None
        if child is None:
            return
        self._selector.close()
        with contextlib.suppress(OSError):
            if child.stdin:
                child.stdin.close()
        lifeline.ended(child, 0.5)
        with contextlib.suppress(OSError):
            os.killpg(
                child.pid, signal.SIGKILL
            )  # before the child is waited for: until then nobody else can have its number
        child.wait()
        lifeline.release(group=child.pid)
        for stream in (child.stdout, child.stderr):
            if stream:
                stream.close()

    def __del__(self) -> None:
        """End a program that nobody closed."""
        with contextlib.suppress(Exception):
            self.stop()

    def ask(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any] | str]:
        """Ask all questions; an answer is what the program said, or a str: the reason why there is none."""
        answers: list[dict[str, Any] | str] = ["the program gave no answer"] * len(questions)
        alone: deque[int] = deque()
        here: list[int] = []  # answered in this batch by the program that runs now
        waiting, opened = deque(range(len(questions))), dict[int, int]()
        if self._child is not None and (
            said := self._spoke(0.0)
        ):  # it ended, or spoke between two batches: nothing was lost, but it goes
            LOG.warning("the program is started again: %s", said)
            self.stop()
        while waiting or opened or alone:
            if self._child is None:
                self.restarts += 1
                self.start()
                here.clear()
            if not opened and not waiting:  # questions of a broken batch, one at a time
                self._open(alone.popleft(), questions, opened)
            while waiting and len(opened) < self.window:
                self._open(waiting.popleft(), questions, opened)
            answer = self._answer(opened)
            if not isinstance(answer, str):
                place = opened.pop(answer["id"])
                answers[place] = answer
                here.append(place)
                self._answered = True
                if opened or waiting:
                    continue
                said = self._spoke(QUIET_SECONDS)
                if said is None or not said.mixed:
                    here.clear()  # the program was asked and answered, and is silent: what it gave so far stands
                    continue
                answer = said
            self._sort(answer, opened, here, alone, answers)
        return answers

    def _sort(
        self,
        fault: _Fault,
        opened: dict[int, int],
        here: list[int],
        alone: deque[int],
        answers: list[dict[str, Any] | str],
    ) -> None:
        """End the program that failed, and decide what is asked again alone and what is given up."""
        said = self._last_words()
        if said and self._told < MOST_TOLD:
            self._told += 1
            LOG.warning("%s%s", fault, said)
        self.stop()
        doubtful = [*here, *opened.values()] if fault.mixed else list(opened.values())
        if len(doubtful) == 1:
            answers[doubtful[0]] = str(fault) + (
                said if "ended" in fault else ""
            )  # of a program that lives on, what it says is a matter of time
            self._lost += 1
            if self._lost >= LOST_AT_START and not self._answered:
                got = f"its first {self._lost} questions were all lost ({fault}{said})"
                raise BackendError(
                    f"program {self.command[0]!r}",
                    got=got,
                    todo="Run it by hand; audit/backends/process.py says how it is spoken to",
                )
        else:
            for place in doubtful:
                answers[place] = "the program gave no answer"
            alone.extend(doubtful)
        here.clear()
        opened.clear()

    def _open(self, place: int, questions: Sequence[dict[str, Any]], opened: dict[int, int]) -> None:
        """Send one question under an id that this process never used, and that nobody can know beforehand."""
        while (name := secrets.randbits(52) | 1 << 52) in self._used:  # 53 bits: exact in every language's numbers
            continue
        self._used.add(name)
        opened[name] = place
        self._send({"id": name, **questions[place]})

    def _answer(self, opened: dict[int, int]) -> dict[str, Any] | _Fault:
        """Give the next line, if it answers an open question, else what is wrong with it."""
        answer = self._receive(self.timeout_seconds)
        if isinstance(answer, str):
            return answer
        if "id" not in answer:
            return _Mixed(f"the program gave an answer without an id: {line_shown(json.dumps(answer))}")
        name = answer["id"]
        if isinstance(name, bool) or not isinstance(name, int):
            return _Mixed(f"the program gave the id {shown(repr(name), 30)}, not the whole number it was asked under")
        if name in opened:
            return answer
        again = (
            "answered a question twice, or after its time"
            if name in self._used
            else "answered a question that was never asked"
        )
        return _Mixed(f"the program {again}")

    def _spoke(self, seconds: float) -> _Fault | None:
        """Look whether the program ends, or says anything, though nothing is open."""
        end = time.monotonic() + seconds
        while True:
            self._turn(max(0.0, end - time.monotonic()))
            if any(line.strip() for line in self._lines) or self._part.strip():
                return _Mixed("the program wrote a line that no question asked for")
            if self._blank > MOST_BLANK or self._ended or time.monotonic() >= end:
                break
        return _Fault("the program ended") if self._ended else None

    def _send(self, message: dict[str, Any]) -> None:
        self._unsent += json.dumps(message).encode() + b"\n"
        self._write()

    def _write(self) -> None:
        """Write what fits; the rest goes when the program reads. A dead program is noticed at the next answer."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self._in, self._unsent[:65536])]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()
        wanted, known = bool(self._unsent), self._in in self._selector.get_map()
        if wanted and not known:
            self._selector.register(self._in, selectors.EVENT_WRITE)
        elif known and not wanted:
            self._selector.unregister(self._in)

    def _receive(self, seconds: float) -> dict[str, Any] | _Fault:
        """Wait for a line that is not blank, and read it."""
        end = time.monotonic() + seconds
        while True:
            while self._lines:
                line = self._lines.popleft()
                if line.strip():
                    self._blank = 0
                    return _message(line)
                self._blank += len(line) + 1
            if self._blank > MOST_BLANK:
                return _Fault("the program wrote blank lines without end")
            if len(self._part) > LONGEST_LINE:
                return _Fault(f"the program wrote a line of more than {LONGEST_LINE >> 20} MB")
            if self._ended:
                return _Fault(self._ending())
            left = end - time.monotonic()
            if left <= 0:
                return _Fault(f"the program gave no answer within {seconds:g} s")
            self._turn(left)

    def _turn(self, seconds: float) -> None:
        """Wait once for the program, and take at most 64 KB of what it says."""
        if self._ended:
            return
        for key, _ in self._selector.select(seconds):
            if key.fd == self._in:
                self._write()
                continue
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._selector.unregister(key.fd)
            if key.fd == self._err:
                self._stderr += data
                del self._stderr[:-KEPT_STDERR]
                LOG.debug("program %s: %s", self.command, shown(data, 500))
            elif data:
                first, *others = data.split(b"\n")
                self._part += first
                for other in others:
                    self._lines.append(bytes(self._part))
                    self._part = bytearray(other)
            else:
                if self._part.strip():
                    self._lines.append(bytes(self._part))
                self._part.clear()
                self._ended = True

    def _ending(self) -> str:
        assert self._child is not None
        code = lifeline.ended(self._child, 1.0)
        if code is None:
            return "the program closed its stdout: it ended without ending"
        named = {int(number): number.name for number in signal.Signals}
        return f"the program ended ({named.get(-code, f'signal {-code}') if code < 0 else f'exit code {code}'})"

    def _last_words(self) -> str:
        """Give the last lines of stderr, for a message, or nothing."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            for _ in range(16):
                self._stderr += os.read(self._err, 65536)
                del self._stderr[:-KEPT_STDERR]
        lines = [line.strip() for line in self._stderr.decode("utf-8", "replace").splitlines() if line.strip()][
            -SHOWN_LINES:
        ]
        text = " | ".join(line_shown(line, 100)[1:-1] for line in lines)
        return f"; last on its stderr: {text!r}" if text else ""


def _message(line: bytes) -> dict[str, Any] | _Fault:
    try:
        message = read_json(line)
    except ValueError as error:
        return _Fault(f"the program wrote a line that cannot be used: {error}: {line_shown(line)}")
    return (
        message
        if isinstance(message, dict)
        else _Fault(f"the program wrote JSON that is not an object: {line_shown(line)}")
    )
