"""Tables of a black-box audit in, findings out: what may be said of outputs alone, and that it was outputs alone.

Its one idea: without an interval a difference is a fact about this file and about nothing else, so the sentence gives both counts and says that
it is too uncertain to say more. Words come from ``wording``; the order and the keys are those of any audit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.base.groups import ALL, UNLABELLED
from audit.findings.evidence import differential_key, rate_key, record
from audit.findings.finding import Finding, row_key
from audit.words import wording as say

__all__ = ["Said", "best", "find", "refused"]

_CHANCE = "No interval can be given: the file does not say who the people are. So whether this is more than chance is too uncertain to say."
_LABELS = "The interval covers chance only; it does not cover mistakes in the labels, nor families among the people."


@dataclass(frozen=True)
class Phrase:
    """How one measure is spoken of."""

    key: str
    noun: str
    verb: str
    unit: str


_PHRASES = {
    "FMR": Phrase("false_positive_differential", "wrong person", "called two different people the same person", "photo pairs of different people"),
    "FNMR": Phrase("false_negative_differential", "missed person", "failed to recognise two photos of one person", "photo pairs of one person"),
    "FPIR": Phrase("false_positive_differential", "wrong person", "returned at least one wrong person", "searches for somebody not in the gallery"),
    "FNIR": Phrase("false_negative_differential", "missed person", "did not return the right person", "searches for somebody in the gallery"),
}


@dataclass(frozen=True, eq=False)
class Said:
    """What statements are made from: tables as in results, and policy."""

    rates: pd.DataFrame
    differentials: pd.DataFrame
    operating_points: pd.DataFrame
    reference: str
    much: float
    confidence: float
    known: bool

    @property
    def weighting(self) -> str:
        """The headline's weighting: people where they are known."""
        return "people" if self.known else "comparisons"

    def rate(self, point: str, measure: str, group: str) -> Any:
        """One row of rates, or None."""
        r = self.rates
        rows = r[(r["operating_point"] == point) & (r["measure"] == measure) & (r["weighting"] == self.weighting) & (r["group"] == group)]
        rows = rows[rows["other_group"] == ""]
        return rows.iloc[0] if len(rows) else None


def _number(row: Any, per: int, unit: str, confidence: float, known: bool) -> str:
    """One rate with what stands behind it: its interval and people, or its counts."""
    counts = f"{say.whole(row.errors)} of {say.whole(row.trials)}"
    if not known and not row.errors:
        return f"none of {say.whole(row.trials)}" + (f" {unit}" if unit else "")
    if not known:
        return f"about {say.out_of(row.rate, per)} of {per:,} {unit}".rstrip() + f" ({counts})"
    if row.rate == 0:
        return f"none seen ({counts}; the true rate could be up to {say.out_of(row.high, per)} in {per:,}, one-sided 95 %)"
    limits = f"{say.interval_in_words(row.low, row.high, per)}, {say.percent(confidence)}"
    return f"about {say.out_of(row.rate, per)} of {per:,} {unit}".rstrip() + f" ({limits}; {say.people(row.subjects)})"


def _differential(said: Said, point: Any, measure: str) -> Finding:
    phrase, where = _PHRASES[measure], say.operating_point_in_words({str(name): value for name, value in point.items()})
    d = said.differentials
    rows = d[(d["operating_point"] == point.operating_point) & (d["measure"] == measure) & (d["weighting"] == said.weighting)]
    rows = rows[(rows["reference"] == said.reference) & (rows["certainty"] != "")]
    reference = said.rate(str(point.operating_point), measure, said.reference)
    if reference is None or not reference.trials:
        who = say.group_in_words(said.reference)
        return Finding(phrase.key, "differential", f"This file cannot show {phrase.noun} errors: it holds no {phrase.unit} for {who}.", ())
    pairs = [(row, said.rate(str(point.operating_point), measure, str(row.group))) for _, row in rows.iterrows()]
    evidence = (rate_key(reference), *(key for row, rate in pairs for key in (differential_key(row), rate_key(rate))))
    judged = [(row, rate) for row, rate in pairs if row.certainty != "too few people"]
    if not judged:
        return Finding(
            phrase.key, "differential", f"Too few people, or only one group, to compare {phrase.noun} errors.", evidence, (), say.UNCERTAIN
        )
    if not any(rate.errors for _, rate in judged) and not reference.errors:
        return Finding(phrase.key, "differential", f"At {where}, no {phrase.noun} errors were seen in any group of this file.", evidence)
    rank = {say.CLEAR: 0, say.LIKELY: 1}
    row, rate = min(judged, key=lambda one: (rank.get(one[0].certainty, 2), -one[1].rate, str(one[0].group)))
    if rate.rate <= reference.rate:
        row, rate = min(judged, key=lambda one: (rank.get(one[0].certainty, 2), one[1].rate, str(one[0].group)))
    return _sentence(said, point, phrase, where, row, rate, reference, evidence)


def _sentence(said: Said, point: Any, phrase: Phrase, where: str, row: Any, rate: Any, reference: Any, evidence: tuple[str, ...]) -> Finding:
    who, other = say.group_in_words(str(row.group)), say.group_in_words(said.reference)
    per = say.denominator([rate.rate, reference.rate, *([rate.high] if said.known and rate.rate == 0 else [])])
    first = _number(rate, per, phrase.unit, said.confidence, said.known)
    second = _number(reference, per, "", said.confidence, said.known)
    how = "more often for" if rate.rate > reference.rate else "less often for" if rate.rate < reference.rate else "as often for"
    than = "as for" if rate.rate == reference.rate else "than for"
    sure = row.certainty in (say.CLEAR, say.LIKELY)
    much = "much " if sure and (row.low >= said.much or 0 < row.high <= 1 / said.much) else ""
    times = (
        f" That is {say.ratio_in_words(row.ratio, row.low, row.high)} the rate" if said.known else f" That is about {say.times(row.ratio)} the rate"
    )
    sentence = f"At {where}, this matcher {phrase.verb} {much}{how} {who} {than} {other}, in this file: {first}, against {second}."
    if math.isfinite(row.ratio):
        sentence += f"{times}{f': a {row.certainty}' if sure else ''}."
    caveats = (_LABELS,) if said.known else (_CHANCE,)
    if not said.known:
        sentence += f" How sure is it? {say.capital(say.UNCERTAIN)}: the file names no people."
    elif not sure:
        sentence += f" Whether groups differ: {row.certainty}."
    values = {"group": str(row.group), "reference": said.reference, "ratio": record(row), "rate": record(rate), "reference_rate": record(reference)}
    return Finding(phrase.key, "differential", sentence, evidence, caveats, str(row.certainty), values | {"per": per, "much": bool(much)})


def _level(said: Said, point: Any, measures: tuple[str, str]) -> Finding | None:
    parts, keys = [], []
    for measure in measures:
        row = said.rate(str(point.operating_point), measure, ALL)
        if row is not None and row.trials:
            words = _number(row, say.denominator([row.rate or row.high]), _PHRASES[measure].unit, said.confidence, said.known)
            parts.append(f"{_PHRASES[measure].noun}, {words}")
            keys.append(rate_key(row))
    if not parts:
        return None
    where = say.operating_point_in_words({str(name): value for name, value in point.items()})
    caveat = "A rate over everybody hides the mix of groups in this file."
    return Finding("level", "level", f"At {where}, over all labelled people of this file: {'; '.join(parts)}.", tuple(keys), (caveat,))


def best(decided: pd.DataFrame, unit: str) -> Finding | None:
    """The threshold that decides most pairs rightly, and what that share is per group; None without it."""
    if decided.empty:
        return None
    total = decided[decided["group"] == ALL].iloc[0]
    groups = decided[(decided["group"] != ALL) & (decided["group"] != UNLABELLED) & decided["own_share_right"].notna()]
    ordered = groups.sort_values(["share_right", "group"])
    each = "; ".join(f"{say.group_label(str(row.group))} {row.share_right:.4f}" for row in ordered.itertuples())
    sentence = (
        f"At the {unit} that decides most pairs of this file rightly ({say.exact(total.threshold)}), {total.share_right:.4f} of "
        f"{say.whole(total.pairs)} pairs are decided rightly" + (f": {each}." if each else ".")
    )
    caveats = ("The threshold was chosen on these very pairs, so this share flatters the matcher. It mixes two errors that must be read apart.",)
    return Finding("best_threshold", "level", sentence, (row_key("decided", group=ALL),), caveats)


def refused(table: pd.DataFrame) -> Finding:
    """What the outputs cannot tell, by name."""
    names = [str(name)[:1].lower() + str(name)[1:] for name in table["what"]]
    sentence = f"From these outputs alone the audit refuses to state: {'; '.join(names)}."
    return Finding("refused", "limits", sentence, tuple(row_key("refused", what=str(name)) for name in table["what"]))


def find(said: Said, measures: tuple[str, str]) -> list[Finding]:
    """Both differentials and the level at the first operating point, then the first differential at each further one.

    Parameters
    ----------
    said : Said
    measures : tuple of two str
        The wrong person's measure and the missed person's.
    """
    shown = said.operating_points.assign(shown=say.shown_thresholds(said.operating_points.to_dict("records")))
    points = [row for _, row in shown.iterrows()]
    found = [_differential(said, points[0], measure) for measure in measures]
    level = _level(said, points[0], measures)
    found += [level] if level else []
    for point in points[1:]:
        if point.protocol == "per_group":
            continue
        measure = measures[1] if point.protocol == "rank" else measures[0]
        one = _differential(said, point, measure)
        found.append(Finding(f"at:{point.operating_point}", "threshold", one.statement, one.evidence, one.caveats, one.certainty, one.values))
    return found
