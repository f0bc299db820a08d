"""One group, threshold, rate, ratio or outcome as pages show it, with its standing: may the number be shown, and how
sure is it?
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit.report.figures.row_marks import Style
from audit.words import wording

__all__ = ["Comparison", "Group", "Measured", "Outcome", "Point", "UNKNOWN", "anchor", "finite", "further"]

UNKNOWN = -1
"""Where outputs do not say who the people are, their number is not known."""


@dataclass(frozen=True)
class Group:
    """A demographic group as the pages show it."""

    name: str
    label: str
    words: str
    style: Style
    reference: bool
    people: int


@dataclass(frozen=True)
class Point:
    """An operating point."""

    id: str
    slug: str
    words: str
    row: dict[str, Any]
    headline: bool

    @property
    def exactly(self) -> str:
        """The threshold in full, which alone decides every score as it did; "" where there is none."""
        value = finite(self.row.get("threshold"))
        return wording.exact(value) if math.isfinite(value) else ""

    @property
    def short(self) -> str:
        """Its value alone, where the words that say who set it stand elsewhere: "distance 0.6"."""
        value, unit = finite(self.row.get("threshold")), str(self.row.get("unit") or "score").replace("_", " ")
        return f"{unit} {self.row.get('shown') or wording.exact(value)}" if math.isfinite(value) else self.words


@dataclass(frozen=True)
class Measured:
    """One rate and its standing: ok, none seen, too few, no trials, withheld or absent."""

    measure: str
    weighting: str
    group: str
    rate: float
    low: float
    high: float
    subjects: int
    standing: str
    key: str
    row: dict[str, Any]

    @property
    def counts(self) -> str:
        """Errors and trials behind a rate, " (63 of 3,000)", where nobody says how many people they come from; else
        "".
        """
        return (
            f" ({wording.whole(self.row['errors'])} of {wording.whole(self.row['trials'])})"
            if self.subjects < 0 and self.row
            else ""
        )


@dataclass(frozen=True)
class Comparison:
    """One ratio to a reference and its certainty, and the absolute gap beside it where it was computed; standing as
    for ``Measured``.
    """

    group: str
    reference: str
    ratio: float
    low: float
    high: float
    certainty: str
    standing: str
    key: str
    row: dict[str, Any]
    gap: tuple[float, float, float] = (math.nan, math.nan, math.nan)

    @property
    def more(self) -> bool:
        """Whether the group has more errors than the reference, as far as the numbers say."""
        return self.low > 1 or (not math.isnan(self.ratio) and self.ratio > 1)

    @property
    def inverse(self) -> tuple[float, float, float]:
        """The reference's rate over the group's, with its limits: for sentences about a reference that has more
        errors.
        """
        ratio, low, high = (1 / value if value > 0 else math.nan for value in (self.ratio, self.high, self.low))
        return ratio, low, high

    @property
    def inverse_gap(self) -> tuple[float, float, float]:
        """The reference's rate minus the group's, with its limits."""
        difference, low, high = self.gap
        return -difference, -high, -low


@dataclass(frozen=True)
class Outcome:
    """What all comparisons of one measure at one operating point say together.

    ``case``: more, less, likely_more, likely_less, alike, mixed, uncertain, none_seen, few, absent, or doubt: not
    judged. ``worst`` is the one to name: the surest, by the limit nearer to 1. ``larger`` is the one whose estimate
    lies further out all the same, to be named beside it, or None.
    """

    case: str
    worst: Comparison | None
    more: int
    less: int
    judged: int
    total: int
    few: tuple[str, ...]
    larger: Comparison | None = None


def anchor(key: str) -> str:
    """An id for the table row that an evidence key leads to: one key, one id, in whatever script the groups are
    written.
    """
    return f"row-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:12]}"


def further(worst: Comparison, judged: Sequence[Comparison]) -> Comparison | None:
    """The clear or likely gap in the same direction whose estimate is largest, if that is not the one named."""

    def size(row: Comparison) -> float:
        return (row.ratio if worst.more else -row.ratio) if math.isfinite(row.ratio) else -math.inf

    shown = [row for row in judged if row.certainty in (wording.CLEAR, wording.LIKELY) and row.more == worst.more]
    furthest = max(shown, key=lambda row: (size(row), row.group), default=worst)
    return furthest if math.isfinite(worst.ratio) and size(furthest) > size(worst) else None


def finite(value: Any) -> float:
    """A cell as a number; NaN where it is empty."""
    return float(value) if value is not None and value == value and value != "" else math.nan
