"""Limits that the user sets for a run: ``--fail-on 'FMR ratio>5'``. The tool has none of its own.

A limit is ``MEASURE ratio>X`` (any group's ratio to the reference, at its lower limit, above X) or ``MEASURE>X`` (any group's rate, at its lower
limit, above X), read at the headline operating point in people weighting, over groups with enough people. Limits use the end of the interval that
is sure: a limit fails only where the data show it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from audit.base.errors import ConfigError, NotEnoughDataError
from audit.base.groups import UNLABELLED
from audit.rates.differentials import TOO_FEW
from audit.results import AuditResult
from audit.words.columns import MEASURES

__all__ = ["Limit", "check_limits", "parse_limit"]


@dataclass(frozen=True)
class Limit:
    """``measure`` [ratio] > ``bound``."""

    measure: str
    ratio: bool
    bound: float
    text: str


def parse_limit(text: str) -> Limit:
    """Read one limit.

    Raises
    ------
    ConfigError
        Not of the form ``MEASURE ratio>X`` or ``MEASURE>X``.
    """
    match = re.fullmatch(r"\s*(\w+)(\s+ratio)?\s*>\s*([0-9.eE+-]+)\s*", text)
    try:
        if match and match.group(1) in MEASURES:
            return Limit(match.group(1), bool(match.group(2)), float(match.group(3)), text)
    except ValueError:
        pass
    allowed = f"'MEASURE ratio>X' or 'MEASURE>X', measures {', '.join(MEASURES)}"
    raise ConfigError("--fail-on", got=repr(text), allowed=allowed, todo="e.g. --fail-on 'FMR ratio>5'")


def check_limits(limits: list[Limit], result: AuditResult) -> list[str]:
    """Say which limits failed, and for whom.

    Raises
    ------
    NotEnoughDataError
        No group at all has enough people, or errors, to be held to a limit: that it did not fail would say nothing.
    """
    headline = str(result.operating_points.operating_point.iloc[0])
    out = []
    for limit in limits:
        table = result.differentials if limit.ratio else result.rates[(result.rates.other_group == "") & (result.rates.group != UNLABELLED)]
        point = "" if limit.measure == "FTA" else headline
        rows = table[(table.measure == limit.measure) & (table.weighting == "people") & (table.operating_point == point) & table.low.notna()]
        rows = rows[[TOO_FEW not in note for note in rows.note]]
        if rows.empty:
            raise NotEnoughDataError(
                f"--fail-on {limit.text!r}",
                got="no group with enough people and errors to judge; the results are written",
                allowed="at least one",
                todo="Use a larger benchmark, or leave the limit out",
            )
        out += [f"{limit.text}: {row.group} is at least {row.low:.3g}" for row in rows[rows.low > limit.bound].itertuples()]
    return out
