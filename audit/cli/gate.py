"""The end of a command that was given limits: outcomes in; lines, a JUnit file and the exit code out.

The one idea: everything is said and written before the exit code is decided, so that a build server has the whole
picture of a build that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from audit.cli.junit import Case, write_junit
from audit.cli.limits import Limit, Outcome, one_by_one
from audit.cli.progress import log
from audit.results import AuditResult, plain

__all__ = ["Gate", "of_result", "rows"]


class Gate:
    """Limits of one command.

    Parameters
    ----------
    suite : str
        Name of the command and of what was checked.
    limits : sequence of Limit
    check : callable
        ``check_limits`` or ``check_comparison`` for what was made.
    """

    def __init__(self, suite: str, limits: Sequence[Limit], check: Callable[[Sequence[Limit]], list[Outcome]]) -> None:
        self.suite = suite
        self.outcomes, self._error = one_by_one(limits, check)

    @property
    def failed(self) -> list[str]:
        """What failed and for whom, one line each."""
        return [line for one in self.outcomes for line in one.failed]

    def plain(self) -> list[dict[str, Any]]:
        """All outcomes, for a script."""
        return [one.plain() for one in self.outcomes]

    def end(self, junit: Path | None, others: Sequence[Case] = ()) -> None:
        """Say each outcome, write the JUnit file, and end the command: exit code 1 where a limit failed, an error
        where one could not be judged.
        """
        for one in self.outcomes:
            if not one.failed:
                log(one.words())
            for line in one.failed:
                log(f"limit failed: {line}")
            if one.failed:
                log(f"  {one.read}" + (f"; not judged: {', '.join(one.not_judged)}" if one.not_judged else ""))
        if junit is not None:
            cases = [
                Case(one.limit, one.words(), one.failed, "" if one.held or one.failed else one.read)
                for one in self.outcomes
            ]
            write_junit(junit, self.suite, [*others, *cases])
        if self._error is not None:
            raise self._error
        if self.failed:
            raise typer.Exit(1)


def of_result(result: AuditResult) -> dict[str, Any]:
    """Rates, ratios and findings of an audit in whole, for a script; a number that is missing is null."""
    return {
        "rates": rows(result.rates),
        "ratios": rows(result.differentials),
        "operating_points": rows(result.operating_points),
        "findings": [plain(vars(one)) for one in result.findings],
    }


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as a list of rows."""
    return [plain(row) for row in table.to_dict(orient="records")]
