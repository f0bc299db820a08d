"""Limits that the user sets for a run, a check or a comparison: ``--fail-on 'FMR ratio>5'``. The tool has none of its
own.

    MEASURE [at POINT] [by comparisons] [ratio | change] [upper] > X

``MEASURE > X`` fails where a group's rate is shown to be above X (the lower end of its interval is); ``ratio`` reads
its ratio to the reference. ``upper`` asks for more: it fails unless every group that can be judged is shown to be at
or below X (the upper end is). ``POINT`` is an operating point's id, or ``any`` for all of them; the headline where
absent. In ``compare``, ``ratio`` is rate B over rate A, and ``change`` what became of the group's ratio to the
reference. The one idea: a limit reads the end of the interval that is sure, and says what it read, held or failed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from audit.base.errors import AuditError, ConfigError, NotEnoughDataError
from audit.base.groups import UNLABELLED
from audit.base.nearest import nearest
from audit.rates.differentials import TOO_FEW
from audit.results import AuditResult
from audit.words.columns import MEASURES

__all__ = ["ANY", "Limit", "Outcome", "check_comparison", "check_limits", "one_by_one", "parse_limit", "points_known"]

HELD = (*MEASURES, "FPIR", "FNIR")
"""Measures that a limit may name."""

ANY = "any"
_FORM = re.compile(
    r"\s*(\w+)(?:\s+at\s+(\S+))?(?:\s+by\s+(people|comparisons))?(?:\s+(ratio|change))?(?:\s+(upper))?\s*>\s*([0-9.eE+-]+)\s*"
)


@dataclass(frozen=True)
class Limit:
    """``measure`` at ``point`` ("": the headline), its rate, ``ratio`` or ``change``, lower or ``upper`` end, >
    ``bound``.
    """

    measure: str
    ratio: bool
    bound: float
    text: str
    point: str = ""
    weighting: str = "people"
    change: bool = False
    upper: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one limit: whether it held, for whom it failed, and what the decisive reading was."""

    limit: str
    held: bool
    failed: tuple[str, ...]
    read: str
    judged: int
    not_judged: tuple[str, ...] = ()

    def words(self) -> str:
        """One line for a person."""
        rest = f"; not judged: {', '.join(self.not_judged)}" if self.not_judged else ""
        return f"limit {'held' if self.held else 'failed'}: {self.limit}: {self.read}{rest}"

    def plain(self) -> dict[str, Any]:
        """The same for a script."""
        return asdict(self)


def parse_limit(text: str, *, comparing: bool = False) -> Limit:
    """Read one limit.

    Raises
    ------
    ConfigError
        Not of the form in this module's head.
    """
    match, near = _FORM.fullmatch(text), ""
    if match:
        measure, point, weighting, kind, upper, number = match.groups()
        try:
            bound = float(number)
        except ValueError:
            bound = math.nan
        fits = kind is not None if comparing else kind != "change"
        if measure in HELD and math.isfinite(bound) and fits:
            return Limit(
                measure,
                kind == "ratio",
                bound,
                text.strip(),
                point or "",
                weighting or "people",
                kind == "change",
                bool(upper),
            )
        near = nearest(measure, HELD) if measure not in HELD else ""
    form = (
        "'MEASURE [at POINT] ratio>X' or 'MEASURE [at POINT] change>X'"
        if comparing
        else "'MEASURE ratio>X' or 'MEASURE>X'"
    )
    raise ConfigError(
        "--fail-on",
        got=repr(text),
        allowed=f"{form}, with 'upper' before > for what must be shown to be below; measures {', '.join(HELD)}",
        todo=near or "e.g. --fail-on 'FMR ratio>5', --fail-on 'FMR at any upper>1e-3'",
    )


def check_limits(limits: Sequence[Limit], result: AuditResult) -> list[Outcome]:
    """Say of each limit whether it held, and for whom not.

    Raises
    ------
    ConfigError
        A limit names an operating point that this audit does not have.
    NotEnoughDataError
        No group at all has enough people, or errors, to be held to a limit: that it did not fail would say nothing.
    """
    points = [str(one) for one in result.operating_points.operating_point]

    def table(limit: Limit) -> pd.DataFrame:
        if limit.ratio:
            return result.differentials
        rates = result.rates
        if (
            limit.measure not in set(rates.measure) and "searches" in result.tables
        ):  # searches of galleries drawn from the benchmark
            rates = result.tables["searches"].assign(weighting=limit.weighting, other_group="")
        return rates[(rates.other_group == "") & (rates.group != UNLABELLED)]

    return [_outcome(limit, _rows(limit, table(limit), points), ("low", "high")) for limit in limits]


def check_comparison(limits: Sequence[Limit], table: pd.DataFrame) -> list[Outcome]:
    """The same for the table of ``compare``; raises as ``check_limits``."""
    points = list(dict.fromkeys(map(str, table.operating_point)))
    ends = {True: ("change_low", "change_high"), False: ("low", "high")}
    return [_outcome(limit, _rows(limit, table, points), ends[limit.change]) for limit in limits]


def points_known(limits: Sequence[Limit], points: Sequence[str]) -> None:
    """Refuse a limit at an operating point that is not among ``points``; raises ConfigError."""
    for limit in limits:
        if limit.point not in ("", ANY, *points):
            raise ConfigError(
                f"--fail-on {limit.text!r}",
                got=f"operating point {limit.point!r}, which this audit does not have",
                allowed=", ".join([*points, ANY]),
                todo=nearest(limit.point, points, "Name one of these"),
            )


def _rows(limit: Limit, table: pd.DataFrame, points: Sequence[str]) -> pd.DataFrame:
    """The rows that a limit is about."""
    points_known([limit], points)
    wanted = [""] if limit.measure == "FTA" else list(points) if limit.point == ANY else [limit.point or points[0]]
    rows = table[(table.measure == limit.measure) & (table.weighting == limit.weighting)]
    if limit.measure != "FTA" and not limit.point and not rows.empty and points[0] not in set(rows.operating_point):
        wanted = [str(rows.operating_point.iloc[0])]  # searches are made at points of their own
    return rows[rows.operating_point.isin(wanted)]


def _outcome(limit: Limit, rows: pd.DataFrame, ends: tuple[str, str]) -> Outcome:
    low, high = ends
    known = rows[low].notna() | rows[high].notna()
    few = pd.Series([TOO_FEW in str(note) for note in rows.note], index=rows.index, dtype=bool)
    judged = rows[known & ~few]
    if judged.empty:
        raise NotEnoughDataError(
            f"--fail-on {limit.text!r}",
            got=f"no group with enough people and errors to judge ({len(rows)} rows, none with an "
            f"interval); the results are written",
            allowed="at least one",
            todo="Use a larger benchmark, another measure, or leave the limit out",
        )
    # An end that is not known is as bad as it can be: no lower limit shows nothing, no upper limit rules out nothing.
    value = judged[high].fillna(math.inf) if limit.upper else judged[low].fillna(-math.inf)

    def name(row: Any) -> str:
        return f"{row.group}{f' at {row.operating_point}' if limit.point == ANY and row.operating_point else ''}"

    said = "is not shown to be below" if limit.upper else "is at least"
    failed = tuple(
        f"{limit.text}: {name(row)} {said} {limit.bound:.3g} (up to {end:.3g})"
        if limit.upper
        else f"{limit.text}: {name(row)} {said} {end:.3g}"
        for row, end in zip(judged.itertuples(), value, strict=True)
        if end > limit.bound
    )
    worst = next(row for row, end in zip(judged.itertuples(), value, strict=True) if end == value.max())
    reading = (
        f"the highest {'upper' if limit.upper else 'lower'} limit of {len(judged)} is "
        f"{float(value.max()):.3g} ({name(worst)})"
    )
    if failed:
        reading = f"{len(failed)} of {len(judged)} fail; {reading}"
    left = tuple(dict.fromkeys(name(row) for row in rows[~(known & ~few)].itertuples()))
    return Outcome(limit.text, not failed, failed, reading, len(judged), left)


def one_by_one(
    limits: Sequence[Limit], check: Callable[[Sequence[Limit]], list[Outcome]]
) -> tuple[list[Outcome], AuditError | None]:
    """Check limits one by one, so that what held is known where another cannot be judged; the first error, if any, is
    the caller's to raise.
    """
    out: list[Outcome] = []
    first: AuditError | None = None
    for limit in limits:
        try:
            out += check([limit])
        except AuditError as error:
            first = first or error
            out.append(Outcome(limit.text, False, (), f"not judged: {error.got}", 0))
    return out, first
