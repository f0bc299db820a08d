"""The tables that findings are made from, rows looked up in them, and the keys that lead back to these rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.config import AuditConfig
from audit.findings.finding import row_key
from audit.rates.every_rate import Rates

__all__ = ["ROW", "Tables", "difference_row", "differential_key", "rate_key", "rate_row", "record"]


@dataclass(frozen=True, eq=False)
class Tables:
    """What findings are made from; columns as in ``words.columns``, frames as written to results."""

    rates: pd.DataFrame
    differentials: pd.DataFrame
    acquisition: pd.DataFrame
    operating_points: pd.DataFrame
    reference: str
    much: float
    minimum_subjects: int
    confidence: float
    differences: pd.DataFrame | None = None
    people_known: bool = True

    @classmethod
    def of(cls, config: AuditConfig, made_from: Rates, **frames: pd.DataFrame) -> Tables:
        """The tables of one audit under the policy of its config; ``frames`` by field."""
        much, reference = config.uncertainty.much, config.groups.reference
        people = {"minimum_subjects": made_from.minimum_subjects, "people_known": made_from.people_known}
        return cls(**frames, reference=reference, much=much, confidence=made_from.confidence, **people)  # type: ignore[arg-type]

    @property
    def searched(self) -> bool:
        """Whether the rates are of searches of a gallery, not of comparisons."""
        return self.measures == ("FPIR", "FNIR")

    @property
    def measures(self) -> tuple[str, str]:
        """The wrong person's measure and the missed person's."""
        found = set(self.rates.measure)
        return ("FPIR", "FNIR") if found & {"FPIR", "FNIR"} and not found & {"FMR", "FNMR"} else ("FMR", "FNMR")

    @property
    def weighting(self) -> str:
        """The headline's: people, where they are known."""
        return "people" if self.people_known else "comparisons"

    @property
    def handed_over(self) -> bool:
        """Whether somebody else made the comparisons: then how many photos there were is not known."""
        return bool(self.acquisition["samples"].isna().all())


def rate_key(row: pd.Series[Any]) -> str:
    """Key of a row of rates.csv."""
    return row_key(
        "rates",
        **{name: str(row[name]) for name in ("operating_point", "measure", "weighting", "group", "other_group")},
    )


ROW = ("operating_point", "measure", "weighting", "group", "reference")


def differential_key(row: pd.Series[Any]) -> str:
    """Key of a row of differentials.csv."""
    return row_key("differentials", **{name: str(row[name]) for name in ROW})


def difference_row(tables: Tables, row: pd.Series[Any]) -> pd.Series[Any] | None:
    """The absolute gap beside a ratio."""
    frame = tables.differences
    if frame is None:
        return None
    found = frame[(frame[list(ROW)] == row[list(ROW)]).all(axis=1)]
    return found.iloc[0] if len(found) else None


def record(row: pd.Series[Any]) -> dict[str, Any]:
    """The numbers of a row, those that are missing as None."""
    return {
        str(name): (None if isinstance(value, float) and not math.isfinite(value) else value)
        for name, value in row.items()
    }


def rate_row(tables: Tables, point: str, measure: str, group: str) -> pd.Series[Any] | None:
    """The row of a group's rate in the headline's weighting; None where there is none."""
    rates = tables.rates
    wanted = (rates.operating_point == point) & (rates.measure == measure) & (rates.weighting == tables.weighting)
    found = rates[wanted & (rates.group == group) & (rates.other_group == "")]
    return found.iloc[0] if len(found) else None
