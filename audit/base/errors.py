"""The ways an audit can be refused, each with the exit code the command line gives.

An error is raised at the door, where the data came in, and says four things: where, what was got, what is allowed,
what to do next. It never holds a person's name, image or template.
"""

from __future__ import annotations

__all__ = [
    "AuditError",
    "BackendError",
    "BenchmarkError",
    "ConfigError",
    "NotEnoughDataError",
    "NotEnoughMemoryError",
    "ResultsError",
]


class AuditError(Exception):
    """Something the person running the audit can mend.

    Parameters
    ----------
    where : str
        File, key, column or room in which it happened.
    got : str
        What was found there.
    allowed : str
        What would have been accepted.
    todo : str
        What to do next.
    """

    exit_code = 3

    def __init__(self, where: str, *, got: str, allowed: str = "", todo: str = "") -> None:
        self.where, self.got, self.allowed, self.todo = where, got, allowed, todo
        super().__init__(where, got, allowed, todo)

    def __str__(self) -> str:
        """One readable paragraph."""
        parts = [f"{self.where}: {self.got}", f"Allowed: {self.allowed}" if self.allowed else "", self.todo]
        return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)


class ConfigError(AuditError):
    """The configuration or the command line cannot be used (exit code 2)."""

    exit_code = 2


class BenchmarkError(AuditError):
    """The benchmark's files or labels cannot be used (exit code 3)."""

    exit_code = 3


class ResultsError(AuditError):
    """A results directory cannot be read or written (exit code 3)."""

    exit_code = 3


class BackendError(AuditError):
    """The matcher cannot be loaded, or gave something that is not a template (exit code 4)."""

    exit_code = 4


class NotEnoughMemoryError(AuditError):
    """The machine has too little memory for what was asked (exit code 3)."""

    exit_code = 3


class NotEnoughDataError(AuditError):
    """The data cannot answer a question that the configuration requires (exit code 5)."""

    exit_code = 5
