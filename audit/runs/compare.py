"""Two results of one benchmark in, what changed out: two matchers, or one before and after an update.

Its one idea: the same people, the same benchmark and the same kind of threshold, so what the two matchers share
cancels person by person (``stats.paired``); where a threshold was set on these people, its movement is in the
interval. Only people with a template from both take part. Everything comes from the two ``dyads.npz``: no template, no
photograph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import NotEnoughDataError, ResultsError
from audit.base.groups import UNLABELLED, Group, coarser_reference, groups_of
from audit.findings.finding import Finding
from audit.findings.not_judged import NOT_JUDGED, certainties
from audit.observations.tallies import Tallies
from audit.rates import every_rate
from audit.rates.calibration import UNKNOWN_SLOPE, calibration_sets
from audit.results import AuditResult
from audit.runs.compare_reading import Mask, Reading, same_benchmark
from audit.stats.contrasts import Contrast
from audit.stats.multiplicity import bonferroni_level, family_confidence
from audit.words import columns
from audit.words.wording import CLEAR, LIKELY, UNCERTAIN, no_larger_than

__all__ = ["compare"]


def _certainty(found: Contrast, level: float, family: int, k: float) -> str:
    for phrase, at in ((CLEAR, bonferroni_level(family, family_confidence(level))), (LIKELY, level)):
        ratio = found.ratio(at)
        if ratio.low > 1 or ratio.high < 1:
            return phrase
    ratio = found.ratio(0.90)
    return no_larger_than(k) if ratio.low >= 1 / k and ratio.high <= k else UNCERTAIN


def _readings(a: AuditResult, b: AuditResult, left: Tallies, right: Tallies, both: Mask) -> Iterator[Reading]:
    others = {point.id: point for point in right.points}
    rates = every_rate.compute(left), every_rate.compute(right)
    sets = tuple(calibration_sets(one.operating_points) for one in (a, b))
    for one in left.points:
        two = others.get(one.id)
        if (
            two is None
            or one.streamed
            or two.streamed
            or not (math.isfinite(one.threshold) and math.isfinite(two.threshold))
        ):
            continue
        yield Reading(left, right, both, (one, two), rates, (sets[0].get(one.id, ()), sets[1].get(one.id, ())))


def compare(a: AuditResult, b: AuditResult, number: NDArray[np.int64]) -> pd.DataFrame:
    """What changed from ``a`` to ``b`` at every operating point that both have.

    Parameters
    ----------
    a, b : AuditResult
        Of one benchmark, with the same labels.
    number : NDArray (S,) int64
        For each person of ``a`` their number in ``b`` (``who_is_who``).

    Returns
    -------
    DataFrame
        ``comparison`` of ``words.columns``: per group both rates (people weighting, people with templates from both),
        ratio b/a with its interval and certainty; and the change of the group's differential, (b_g / b_ref) / (a_g /
        a_ref). Certainty by the rules of METRICS 3.5, Bonferroni over groups.

    Raises
    ------
    ResultsError
        Not the same people, or no common operating point.
    NotEnoughDataError
        Fewer than two people have a template from both.
    """
    left, right = same_benchmark(a, b, number)
    both = (left.acquired > 0) & (right.acquired > 0)
    if int(both.sum()) < 2:
        raise NotEnoughDataError(
            "compare",
            got=f"{int(both.sum())} people with templates from both",
            allowed="at least two",
            todo="Look at acquisition",
        )
    level, k, minimum = (
        a.config.uncertainty.confidence,
        a.config.uncertainty.equivalence,
        a.config.groups.minimum_subjects,
    )
    groups = {group.name: group for group in groups_of(left.labellings[0].cells) if group.name != UNLABELLED}
    rows = []
    for reading in _readings(a, b, left, right, both):
        for measure in ("FMR", "FNMR"):
            enough = {name: reading.people(measure, group) >= minimum for name, group in groups.items()}
            family = max(1, sum(enough[name] for name, group in groups.items() if group.finest))
            for group in groups.values():
                reference = (
                    a.config.groups.reference if group.finest else coarser_reference(group, a.config.groups.reference)
                )
                against = groups.get(reference) if reference != group.name else None
                rows.append(_row(reading, measure, group, against, enough[group.name], (level, family, k)))
    if not rows:
        raise ResultsError(
            "compare",
            got="no operating point that both have, with its pairs of people",
            allowed="equal ids in operating_points.csv",
            todo="Use the same points",
        )
    return _undoubted(columns.frame("comparison", rows).replace([np.inf, -np.inf], np.nan), (*a.findings, *b.findings))


def _undoubted(table: pd.DataFrame, findings: tuple[Finding, ...]) -> pd.DataFrame:
    """Nothing is judged at an operating point at which a serious doubt stands about either run."""
    table = certainties(table, findings)
    hit = table["certainty"].eq(NOT_JUDGED) & table["change_certainty"].ne("")
    return table.assign(change_certainty=table["change_certainty"].where(~hit, NOT_JUDGED))


def _row(
    reading: Reading, measure: str, group: Group, against: Group | None, enough: bool, rule: tuple[float, int, float]
) -> dict[str, object]:
    level, family, k = rule
    rates = reading.both_rates(measure, group)
    found = reading.contrast(measure, [group], (1.0,))
    ratio, people = (
        _limits(found, rates[1] / rates[0] if rates[0] > 0 else math.nan, level),
        reading.people(measure, group),
    )
    said = _certainty(found, level, family, k) if math.isfinite(ratio["low"]) else UNCERTAIN
    notes = [] if enough else [f"too few people: {people}"]
    notes += [found.note] if found.note and enough else []
    if enough and math.isfinite(ratio["low"]) and reading.unknown(measure, [group], (1.0,)):
        notes.append(f"{UNKNOWN_SLOPE}: the interval leaves it out")
    row = {
        "operating_point": reading.points[0].id,
        "measure": measure,
        "weighting": "people",
        "group": group.name,
        "subjects": people,
    }
    row |= {
        "rate_a": rates[0],
        "rate_b": rates[1],
        "certainty": said if enough else "too few people",
        "note": "; ".join(notes),
    } | ratio
    if against is None:
        return row
    shift = reading.contrast(measure, [group, against], (1.0, -1.0))
    base = reading.both_rates(measure, against)
    own = tuple(x / y if y > 0 else math.nan for x, y in zip(rates, base, strict=True))
    change = _limits(shift, own[1] / own[0] if own[0] > 0 else math.nan, level)
    changed = _certainty(shift, level, max(1, family - 1), k) if math.isfinite(change["low"]) else UNCERTAIN
    row |= {
        "reference": against.name,
        "differential_a": own[0],
        "differential_b": own[1],
        "change_certainty": changed if enough else "",
    }
    return row | {"change": change["ratio"], "change_low": change["low"], "change_high": change["high"]}


def _limits(found: Contrast, value: float, level: float) -> dict[str, float]:
    ratio = found.ratio(level)
    return {"ratio": value, "low": ratio.low, "high": ratio.high}
