"""Two results of one benchmark in, what changed out: two matchers, or one before and after an update.

Its one idea: the same people, the same benchmark and the same kind of threshold, so people are resampled once and both matchers are read on each
draw; what they share cancels. Only people with a template from both take part. Everything comes from the two ``dyads.npz``: no template, no
photograph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import NotEnoughDataError, ResultsError
from audit.base.groups import UNLABELLED, Group, coarser_reference, groups_of
from audit.base.sums import log, product
from audit.observations import way_back
from audit.observations.numbering import renumbered
from audit.observations.tallies import PointTally, Tallies
from audit.results.files import AuditResult, comparison_people
from audit.stats.intervals import normal_quantile
from audit.words.wording import CLEAR, LIKELY, UNCERTAIN, no_larger_than

__all__ = ["COLUMNS", "compare", "who_is_who"]

COLUMNS = (
    ("operating_point", "measure", "weighting", "group", "subjects", "rate_a", "rate_b", "ratio", "low", "high", "certainty")
    + ("reference", "differential_a", "differential_b", "change", "change_low", "change_high", "change_certainty", "note")
)  # fmt: skip
_CHUNK = 4_000_000  # products held at once


@dataclass(frozen=True, eq=False)
class _Draws:
    """A rate of both matchers on every draw of people; index 0 is the data themselves."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]

    def log_ratio(self) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(log(self.b) - log(self.a))


def _listed_people(result: AuditResult) -> Tallies:
    if result.tallies is None:
        raise ResultsError("compare", got="a result without people", allowed="two results with dyads.npz", todo="Compare runs that know who is who")
    if result.tallies.listed is not None:
        raise ResultsError(
            "compare",
            got="scores of pairs that somebody else chose",
            allowed="two runs that compared every photo with every other",
            todo="Read both reports",
        )
    return result.tallies


def who_is_who(a: AuditResult, b: AuditResult, cache: Path, comparison: Path) -> NDArray[np.int64]:
    """(S,) for each person of ``a`` their number in ``b``.

    Results say nothing of who is who. This machine's cache does where it made both runs; and a comparison that somebody published holds the two
    numberings side by side, which names nobody either.

    Raises
    ------
    ResultsError
        Neither is there, or the runs are of different people.
    """
    left, right = _listed_people(a), _listed_people(b)
    kept = [way_back.find(cache, tallies) for tallies in (left, right)]
    if kept[0] is not None and kept[1] is not None:
        return way_back.link(kept[0], kept[1])
    number = comparison_people(comparison)
    if number is not None and len(number) == left.subjects == right.subjects:
        return number
    raise ResultsError(
        "compare",
        got=f"who in {a.config.name} is who in {b.config.name}: results do not say it, and this machine's cache does not know it",
        allowed="two runs made on this machine, or a published comparison of the two",
        todo=way_back.TODO,
    )


def _same_benchmark(a: AuditResult, b: AuditResult, number: NDArray[np.int64]) -> tuple[Tallies, Tallies]:
    left, right = _listed_people(a), _listed_people(b)
    same = a.about["benchmark"]["name"] == b.about["benchmark"]["name"] and left.subjects == right.subjects == len(number)
    if same:
        inverse = np.empty(len(number), dtype=np.int64)
        inverse[number] = np.arange(len(number))
        right = renumbered(right, inverse)
        same = np.array_equal(left.attempted, right.attempted) and left.labellings[0].cells == right.labellings[0].cells
        same = same and np.array_equal(left.labellings[0].cell, right.labellings[0].cell)
    if not same:
        raise ResultsError(
            "compare",
            got=f"{a.config.name} and {b.config.name}, which are not of the same people with the same labels",
            allowed="two runs of one benchmark with equal groups and exclusions",
            todo="Run both with the same [benchmark] and [groups]",
        )
    return left, right


def _weights(cell: NDArray[np.int16], both: NDArray[np.bool_], replicates: int, seed: int) -> NDArray[np.float32]:
    """(replicates + 1, S): how often each person is drawn, people resampled inside their cell; the first row is the data, 1 each."""
    rng = np.random.default_rng(seed)
    out = np.zeros((replicates + 1, len(cell)), dtype=np.float32)
    out[0, both] = 1
    for code in np.unique(cell[both]):
        people = np.flatnonzero(both & (cell == code))
        out[1:, people] = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=replicates)
    return out


def _false_match(tallies: Tallies, point: PointTally, draws: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """People-weighted FMR within the people ``inside`` on every draw."""
    keep = inside[point.i] & inside[point.j]
    i, j = point.i[keep], point.j[keep]
    n = tallies.acquired.astype(np.float64)
    share = (point.e[keep] / (n[i] * n[j])).astype(np.float64)
    chosen = draws[:, inside].astype(np.float64)
    pairs = (chosen.sum(axis=1) ** 2 - (chosen**2).sum(axis=1)) / 2
    errors = np.zeros(len(draws))
    step = max(1, _CHUNK // max(1, len(i)))
    for start in range(0, len(draws), step):
        part = draws[start : start + step]
        errors[start : start + step] = ((part[:, i] * part[:, j]).astype(np.float64) * share).sum(axis=1)
    return np.asarray(np.divide(errors, pairs, out=np.full(len(draws), np.nan), where=pairs > 0))


def _false_non_match(tallies: Tallies, point: PointTally, draws: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    n = tallies.acquired.astype(np.int64)
    g = n * (n - 1) // 2
    who = np.flatnonzero(inside & (g > 0))
    chosen = draws[:, who].astype(np.float64)
    total = chosen.sum(axis=1)
    return np.asarray(np.divide(product(chosen, point.f[who] / g[who]), total, out=np.full(len(draws), np.nan), where=total > 0))


def _interval(logs: NDArray[np.float64], level: float) -> tuple[float, float, float]:
    """exp(ln ratio) with limits from the spread of the draws that have a ratio; missing where more than 5 in 100 have none."""
    value, spread = float(logs[0]), logs[1:][np.isfinite(logs[1:])]
    if not math.isfinite(value) or len(spread) < 0.95 * (len(logs) - 1):
        return (math.exp(value) if math.isfinite(value) else math.nan), math.nan, math.nan
    half = normal_quantile(level) * float(spread.std(ddof=1))
    return math.exp(value), math.exp(value - half), math.exp(value + half)


def _certainty(logs: NDArray[np.float64], level: float, family: int, k: float) -> str:
    for phrase, at in ((CLEAR, 1 - (1 - level) / family), (LIKELY, level)):
        _, low, high = _interval(logs, at)
        if low > 1 or high < 1:
            return phrase
    _, low, high = _interval(logs, 0.90)
    return no_larger_than(k) if low >= 1 / k and high <= k else UNCERTAIN


def _readings(left: Tallies, right: Tallies, draws: NDArray[np.float32], groups: list[Group]) -> Iterator[tuple[str, str, dict[str, _Draws]]]:
    cell = left.labellings[0].cell
    others = {point.id: point for point in right.points}
    both = draws[0] > 0
    for a in left.points:
        b = others.get(a.id)
        if b is None or a.streamed or b.streamed or not (math.isfinite(a.threshold) and math.isfinite(b.threshold)):
            continue
        for measure, rate in (("FMR", _false_match), ("FNMR", _false_non_match)):
            found = {}
            for group in groups:
                inside = both & np.isin(cell, group.cells)
                found[group.name] = _Draws(rate(left, a, draws, inside), rate(right, b, draws, inside))
            yield a.id, measure, found


def compare(a: AuditResult, b: AuditResult, number: NDArray[np.int64], *, replicates: int = 1000, seed: int = 0) -> pd.DataFrame:
    """What changed from ``a`` to ``b`` at every operating point that both have.

    Parameters
    ----------
    a, b : AuditResult
        Of one benchmark, with the same labels.
    number : NDArray (S,) int64
        For each person of ``a`` their number in ``b`` (``who_is_who``).
    replicates : int
        Draws of people (inside their cells).
    seed : int

    Returns
    -------
    DataFrame
        ``COLUMNS``: per group both rates (people weighting, people with templates from both), ratio b/a with its interval and certainty; and the
        change of the group's differential, (b_g / b_ref) / (a_g / a_ref). Certainty by the rules of METRICS 3.5, Bonferroni over groups.

    Raises
    ------
    ResultsError
        Not the same people, or no common operating point.
    NotEnoughDataError
        Fewer than two people have a template from both.
    """
    left, right = _same_benchmark(a, b, number)
    both = (left.acquired > 0) & (right.acquired > 0)
    if int(both.sum()) < 2:
        raise NotEnoughDataError(
            "compare", got=f"{int(both.sum())} people with templates from both", allowed="at least two", todo="Look at acquisition"
        )
    level, k, minimum = a.config.uncertainty.confidence, a.config.uncertainty.equivalence, a.config.groups.minimum_subjects
    cells = left.labellings[0].cells
    groups = [group for group in groups_of(cells) if group.name != UNLABELLED]
    draws = _weights(left.labellings[0].cell, both, replicates, seed)
    rows = []
    for point, measure, found in _readings(left, right, draws, groups):
        enough = {group.name: _people(left, measure, both, group) >= minimum for group in groups}
        family = max(1, sum(enough[group.name] for group in groups if group.finest))
        for group in groups:
            one = found[group.name]
            logs, people = one.log_ratio(), _people(left, measure, both, group)
            ratio = _interval(logs, level)
            said = _certainty(logs, level, family, k) if math.isfinite(ratio[1]) else UNCERTAIN
            reference = a.config.groups.reference if group.finest else coarser_reference(group, a.config.groups.reference)
            change: tuple[float, ...] = (math.nan,) * 5
            changed = ""
            if reference in found and reference != group.name:
                base = found[reference]
                with np.errstate(divide="ignore", invalid="ignore"):
                    shift = logs - base.log_ratio()
                    change = (float(one.a[0] / base.a[0]), float(one.b[0] / base.b[0]), *_interval(shift, level))
                changed = _certainty(shift, level, max(1, family - 1), k) if math.isfinite(change[3]) else UNCERTAIN
            note = "" if enough[group.name] else f"too few people: {people}"
            if not math.isfinite(ratio[1]) and not note:
                note = "no errors in one of them, in the data or in many draws"
            row = (point, measure, "people", group.name, people, one.a[0], one.b[0], *ratio, said if enough[group.name] else "too few people")
            rows.append((*row, reference if changed else "", *change, changed if enough[group.name] else "", note))
    if not rows:
        raise ResultsError(
            "compare",
            got="no operating point that both have, with its pairs of people",
            allowed="equal ids in operating_points.csv",
            todo="Use the same points",
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).replace([np.inf, -np.inf], np.nan)


def _people(tallies: Tallies, measure: str, both: NDArray[np.bool_], group: Group) -> int:
    inside = both & np.isin(tallies.labellings[0].cell, group.cells)
    return int((inside & (tallies.acquired >= 2)).sum() if measure == "FNMR" else inside.sum())
