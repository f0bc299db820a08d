"""Tallies in, the tidy table of every rate out (``GroupErrorTable``, columns in ``words.columns``).

Its one idea: a rate is a set of pairs of people, a weighting and an operating point; everything else is the same for a
cell, a coarser group, a same-cell share or a cross-group cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.groups import Group, groups_of
from audit.observations.tallies import Labelling, PointTally, Tallies
from audit.rates.masks import masks_of
from audit.rates.misses import misses
from audit.stats.dyadic import Sums, rate, tabulate
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate, fnmr
from audit.stats.fta import fta
from audit.stats.listed_sums import tabulate_listed
from audit.stats.streamed import tabulate_streamed
from audit.words import columns
from audit.words.notes import mean_over

__all__ = [
    "NO_SUBJECT_IDS",
    "Key",
    "PairRates",
    "Rates",
    "compute",
    "frame",
    "missed",
]

Weighting = Literal["people", "comparisons"]
WEIGHTINGS: tuple[Weighting, Weighting] = ("people", "comparisons")
NO_SUBJECT_IDS = "no subject ids: a subject-clustered interval is not possible"
_NEARBY_ERRORS = 30  # METRICS 3: a design effect is borrowed from the nearest threshold with at least 30 errors


@dataclass(frozen=True, order=True)
class Key:
    """Which rate: operating point ("" for FTA), measure, weighting, group, other group ("" within a group)."""

    operating_point: str
    measure: str
    weighting: Weighting
    group: str
    other_group: str = ""

    def row(self, **more: object) -> dict[str, object]:
        """The columns that name a rate of a group, and ``more``."""
        named = {
            "operating_point": self.operating_point,
            "measure": self.measure,
            "weighting": self.weighting,
            "group": self.group,
        }
        return named | more


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of groups, each with what ratios need of it.

    Attributes
    ----------
    values : dict of Key to DyadicRate or SubjectRate
    groups : list of Group
    cells : tuple of str
    confidence : float
    minimum_subjects : int
    people_known : bool
        Whether it is known who the people are; where it is not, no rate has an interval and every comparison is too
        uncertain to say.
    """

    values: Mapping[Key, DyadicRate | SubjectRate]
    groups: list[Group]
    cells: tuple[str, ...] = field(repr=False)
    confidence: float
    minimum_subjects: int
    people_known: bool = field(default=True, kw_only=True)

    def too_few(self, key: Key) -> bool:
        """Fewer people contribute than the configuration asks for; never where nobody is known."""
        return self.people_known and self.values[key].subjects < self.minimum_subjects


@dataclass(frozen=True, eq=False)
class PairRates(Rates):
    """All rates of one labelling, computed from tallies of people and pairs of people, with the sums that contrasts
    and summaries need.

    Attributes
    ----------
    people : dict of str to int
        People with at least one acquired sample, by group.
    sums : dict of (operating point, weighting) to Sums
        Of the operating points, and of the curve's rungs.
    masks : dict of (measure, group, other group) to (C, C) bool
    thresholds : dict of operating point to float
        Scores; rungs included.
    tallies : Tallies
    cell : NDArray (S,) int16
        Each person's cell.
    """

    people: Mapping[str, int]
    sums: Mapping[tuple[str, str], Sums] = field(repr=False)
    masks: Mapping[tuple[str, str, str], NDArray[np.bool_]] = field(repr=False)
    thresholds: Mapping[str, float] = field(repr=False)
    tallies: Tallies = field(repr=False)
    cell: NDArray[np.int16] = field(repr=False)


def _tabulated(tallies: Tallies, which: int) -> dict[tuple[str, str], Sums]:
    labelling, listed = tallies.labellings[which], tallies.listed
    cells = len(labelling.cells)

    def sums(point: PointTally, weighting: Weighting) -> Sums:
        if point.streamed:
            return tabulate_streamed(tallies.acquired, labelling.cell, cells, point.streamed[which], weighting)
        if listed is None:
            return tabulate(tallies.acquired, labelling.cell, cells, point.i, point.j, point.e, weighting)
        return tabulate_listed(
            labelling.cell, cells, (listed.i, listed.j, listed.m), (point.i, point.j, point.e), weighting
        )

    return {
        (point.id, weighting): sums(point, weighting)
        for point in (*tallies.points, *tallies.curve)
        for weighting in WEIGHTINGS
    }


def _false_matches(
    tallies: Tallies,
    sums: Mapping[tuple[str, str], Sums],
    masks: Mapping[tuple[str, str, str], NDArray[np.bool_]],
    confidence: float,
) -> dict[Key, DyadicRate]:
    values: dict[Key, DyadicRate] = {}
    for point in tallies.points:
        for weighting in WEIGHTINGS:
            for (measure, group, other), mask in masks.items():
                values[Key(point.id, measure, weighting, group, other)] = rate(
                    sums[point.id, weighting], mask, confidence=confidence
                )
    for key, value in list(values.items()):
        if value.errors == 0 and value.trials:
            mask = masks[key.measure, key.group, key.other_group]
            near = _nearby(tallies, sums, key, mask)
            if near is not None:
                values[key] = rate(
                    sums[key.operating_point, key.weighting], mask, confidence=confidence, nearby_design_effect=near
                )
    return values


def _nearby(tallies: Tallies, sums: Mapping[tuple[str, str], Sums], key: Key, mask: NDArray[np.bool_]) -> float | None:
    """Design effect of the same rate at the nearest threshold of the curve with enough errors.

    Errors are pairs of people, so that the same evidence again is not more; and the operating points have no say, so
    that one more of them changes no other row.
    """
    here = next(point.threshold for point in tallies.points if point.id == key.operating_point)
    for rung in sorted(tallies.curve, key=lambda one: (abs(one.threshold - here), one.id)):
        value = rate(sums[rung.id, key.weighting], mask)
        if (
            value.evidence is not None
            and value.evidence.errors > _NEARBY_ERRORS - 1e-6
            and math.isfinite(value.design_effect)
        ):
            return value.design_effect
    return None


def _by_person(
    tallies: Tallies, labelling: Labelling, groups: list[Group], confidence: float
) -> dict[Key, SubjectRate]:
    values: dict[Key, SubjectRate] = {}
    measures = (
        ("FNMR",) if tallies.listed is not None else ("FNMR", "FNMR_with_failures")
    )  # else photos without a template are not known
    for group in groups:
        inside = np.isin(labelling.cell, group.cells)
        for weighting in WEIGHTINGS:
            if tallies.listed is None:
                tried, lost = tallies.attempted, tallies.attempted - tallies.acquired
                values[Key("", "FTA", weighting, group.name)] = fta(
                    np.where(inside, tried, 0), np.where(inside, lost, 0), weighting, confidence=confidence
                )
            for point in tallies.points:
                for measure in measures:
                    f, g = misses(tallies, point, measure)
                    values[Key(point.id, measure, weighting, group.name)] = fnmr(
                        np.where(inside, f, 0), np.where(inside, g, 0), weighting, confidence=confidence
                    )
    return values


def missed(rates: PairRates, key: Key) -> SubjectRate:
    """FNMR (with failures) at any threshold of the tallies, rungs of the curve included."""
    point = next(one for one in (*rates.tallies.points, *rates.tallies.curve) if one.id == key.operating_point)
    group = next(one for one in rates.groups if one.name == key.group)
    f, g = (np.where(np.isin(rates.cell, group.cells), part, 0) for part in misses(rates.tallies, point, key.measure))
    return fnmr(f, g, key.weighting, confidence=rates.confidence)


def compute(tallies: Tallies, *, confidence: float = 0.95, minimum_subjects: int = 0, labelling: int = 0) -> PairRates:
    """Every rate of one labelling at every operating point, both weightings.

    Parameters
    ----------
    tallies : Tallies
    confidence : float
        Level of two-sided intervals; one-sided bounds are 95 %.
    minimum_subjects : int
        Groups with fewer people are marked, not dropped.
    labelling : int
        Index into ``tallies.labellings``; 0 is the headline.
    """
    chosen = tallies.labellings[labelling]
    groups = groups_of(chosen.cells)
    values: dict[Key, DyadicRate | SubjectRate] = {}
    sums, masks = _tabulated(tallies, labelling), masks_of(groups, len(chosen.cells))
    values.update(_false_matches(tallies, sums, masks, confidence))
    values.update(_by_person(tallies, chosen, groups, confidence))
    thresholds = {point.id: point.threshold for point in (*tallies.points, *tallies.curve)}
    people = {group.name: int((np.isin(chosen.cell, group.cells) & (tallies.acquired > 0)).sum()) for group in groups}
    return PairRates(
        values,
        groups,
        chosen.cells,
        confidence,
        minimum_subjects,
        people,
        sums,
        masks,
        thresholds,
        tallies,
        chosen.cell,
    )


def _note(rates: Rates, key: Key, value: DyadicRate | SubjectRate, counted: str) -> str:
    notes = [value.note] if value.note else []
    if value.trials and rates.too_few(key):
        notes.append(f"too few people: {value.subjects}, the configured minimum is {rates.minimum_subjects}")
    if key.weighting == "people" and key.measure != "FTA" and value.trials:
        notes.append(mean_over("pairs of people" if isinstance(value, DyadicRate) else "people", counted))
    return "; ".join(notes)


def frame(rates: Rates, counted: str = "trials") -> pd.DataFrame:
    """``rates.csv``: tidy rows in a fixed order; empty where there is no number. ``counted`` names what errors are
    counted in.
    """
    rows = []
    for key, value in rates.values.items():
        level = "one-sided 95 %" if "one-sided" in value.note else f"{value.confidence * 100:g} %"
        interval = (
            f"{value.interval}, {level}" if value.interval and "one-sided" not in value.interval else value.interval
        )
        rows.append(
            key.row(
                other_group=key.other_group,
                errors=value.errors,
                trials=value.trials,
                subjects=value.subjects if rates.people_known else math.nan,
                rate=value.rate,
                low=value.low,
                high=value.high,
                interval=interval if value.trials else "",
                design_effect=value.design_effect,
                note=_note(rates, key, value, counted),
            )
        )
    return columns.frame("rates", rows)
