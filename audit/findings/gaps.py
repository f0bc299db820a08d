"""Rates and fixed rules in, findings out: what may be said, how surely, and which table rows say it.

Its one idea: a sentence is generated from numbers by a written rule (METRICS 3.5), never chosen; the same rule speaks
of a group with more errors, a group with fewer, too few people and no errors at all. ``evidence`` holds keys
``table:column=value;...`` that lead to the rows it rests on. Words come from ``wording``, the one place where a rate
becomes "42 in 100,000".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from audit.base.groups import APART
from audit.findings.evidence import ROW, Tables, difference_row, differential_key, rate_key, rate_row, record
from audit.findings.finding import Finding, row_key
from audit.findings.gap_words import by_chance, in_both_directions, is_much
from audit.findings.said_of_rates import QUESTION, denominator_of, point_in_words, rate_words, shorter
from audit.words import wording as say

__all__ = [
    "FAMILY_CAVEAT",
    "beside_intervals",
    "differential",
    "exactly",
]


_VERB = {
    "FMR": "called two different people the same person",
    "FNMR": "failed to recognise two photos of one person",
    "FPIR": "returned at least one wrong person",
    "FNIR": "did not return the right person",
}
_PEOPLE_CAVEAT = (
    "No interval can be given: these outputs do not say who the people are. So whether this "
    "is more than chance is not known."
)
_LABEL_CAVEAT = "The interval covers chance only; it does not cover mistakes in the labels."
FAMILY_CAVEAT = (
    "The interval takes people to be independent of each other: with families who share a "
    "trait among them it would be wider."
)
_CHOSEN_CAVEAT = (
    "The group named is the furthest of several: the interval of its own rate holds the truth less often than it says."
)
_EXACTLY = (
    " The intervals of these rates are at exactly this score; that it was set on these same people is not in them."
)


_INTERVAL = re.compile(r"\d[\d,.]*%? to [\d.]|could be up to|at least|at most")


def _values(tables: Tables, row: Any, rate: pd.Series[Any], reference: pd.Series[Any]) -> dict[str, Any]:
    """What a finding about a ratio keeps: both rates and the ratio, as records."""
    return {
        "group": row.group,
        "reference": tables.reference,
        "ratio": record(row),
        "rate": record(rate),
        "reference_rate": record(reference),
    }


def beside_intervals(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Say beside every finding that prints an interval of people's rates that it takes people to be independent of
    each other.
    """

    def silent(one: Finding) -> bool:
        return FAMILY_CAVEAT not in one.caveats and bool(one.evidence) and _INTERVAL.search(one.statement) is not None

    return tuple(replace(one, caveats=(*one.caveats, FAMILY_CAVEAT)) if silent(one) else one for one in findings)


def differential(tables: Tables, point: pd.Series[Any], measure: str) -> Finding:
    """Whether one error differs between groups at a threshold, by the fixed rules."""
    key, name = QUESTION[measure]
    table = tables.differentials
    rows = table[
        (table.operating_point == point.operating_point)
        & (table.measure == measure)
        & (table.weighting == tables.weighting)
        & (table.reference == tables.reference)
    ]
    where = point_in_words(point)
    usable = rows[
        rows.certainty.isin([say.CLEAR, say.LIKELY, say.UNCERTAIN]) | rows.certainty.str.startswith("no difference")
    ]
    reference = rate_row(tables, str(point.operating_point), measure, tables.reference)
    if usable.empty or reference is None:
        return _cannot(tables, rows, reference, measure, where)
    if not tables.people_known:
        return _counted(tables, usable, reference, measure, where)
    for certainty in (say.CLEAR, say.LIKELY):
        chosen = usable[usable.certainty == certainty]
        if len(chosen):
            lesser = usable[usable.certainty == say.LIKELY] if certainty == say.CLEAR else usable.iloc[:0]
            return _gap(tables, chosen, lesser, reference, measure, where)
    evidence = tuple(differential_key(row) for _, row in usable.iterrows())
    evidence += (rate_key(reference),)
    who = say.group_in_words(tables.reference)
    bounded = usable.certainty.str.startswith("no difference")
    if bounded.all():
        phrase = str(usable.certainty.iloc[0])
        sentence = f"At {where}, this test found {phrase} in {name} errors between any measured group and {who}."
        return Finding(key, "differential", sentence, evidence, (_LABEL_CAVEAT, FAMILY_CAVEAT), phrase)
    sentence = f"At {where}, whether {name} errors differ between groups is {say.UNCERTAIN} with these people."
    caveat = "Too uncertain to say does not mean equal."
    return Finding(key, "differential", sentence, evidence, (caveat, _LABEL_CAVEAT, FAMILY_CAVEAT), say.UNCERTAIN)


def _cannot(tables: Tables, rows: pd.DataFrame, reference: pd.Series[Any] | None, measure: str, where: str) -> Finding:
    """No group can be compared: nobody to compare, too few people, or no error at all."""
    key, name = QUESTION[measure]
    evidence = (
        *([] if reference is None else [rate_key(reference)]),
        *(differential_key(row) for _, row in rows.iterrows()),
    )
    if reference is None or not reference.trials:
        data, what = (
            ("These outputs", "searches" if tables.searched else "photo pairs")
            if tables.handed_over
            else ("This benchmark", "photo pairs")
        )
        holds = "they hold" if tables.handed_over else "it holds"
        sentence = (
            f"{data} cannot show {name} errors: {holds} no {what} of the needed kind for "
            f"{say.group_in_words(tables.reference)}."
        )
    elif len(rows) and (rows.certainty != "too few people").any():
        sentence = f"At {where}, no {name} errors were seen from which groups could be compared."
    elif reference.subjects != reference.subjects:  # nobody says who the people are, and no other group has such pairs
        sentence = (
            f"Only {say.group_in_words(tables.reference)} have "
            f"{'searches' if tables.searched else 'photo pairs'} of the kind that "
        )
        sentence += f"{name} errors are made in: no groups can be compared."
    else:
        few = say.people(reference.subjects)
        sentence = (
            f"Too few people to compare groups for {name} errors: no two groups reach "
            f"{tables.minimum_subjects} people that count "
            f"(the reference group has {few})."
        )
    return Finding(key, "differential", sentence, evidence, (), say.UNCERTAIN)


def _counted(tables: Tables, usable: pd.DataFrame, reference: pd.Series[Any], measure: str, where: str) -> Finding:
    """Where nobody says who the people are: the group with most errors (with fewest, where the reference has most),
    and both counts.
    """
    key, name = QUESTION[measure]
    found = [
        (row, rate)
        for _, row in usable.iterrows()
        if (rate := rate_row(tables, str(row.operating_point), measure, str(row.group))) is not None
    ]
    evidence = (rate_key(reference), *(one for row, rate in found for one in (differential_key(row), rate_key(rate))))
    if not reference.errors and not any(rate.errors for _, rate in found):
        return Finding(
            key,
            "differential",
            f"At {where}, no {name} errors were seen in any group.",
            evidence,
            (_PEOPLE_CAVEAT,),
            say.UNCERTAIN,
        )
    row, rate = min(found, key=lambda one: (-one[1].rate, str(one[1].group)))
    if rate.rate <= reference.rate:
        row, rate = min(found, key=lambda one: (one[1].rate, str(one[1].group)))
    per = denominator_of(tables, str(reference.operating_point))
    who, other = say.group_in_words(str(row.group)), say.group_in_words(tables.reference)
    how = (
        "as often for"
        if rate.rate == reference.rate
        else f"{'more' if rate.rate > reference.rate else 'less'} often for"
    )
    than = "as for" if rate.rate == reference.rate else "than for"
    sentence = (
        f"At {where}, this matcher {_VERB[measure]} {how} {who} {than} {other}: {rate_words(rate, per, tables)}, "
    )
    sentence += f"against {shorter(reference, per, tables)}."
    if math.isfinite(row.ratio):
        sentence += f" That is about {say.times(row.ratio)} the rate."
    sentence += f" Whether groups differ is {say.UNCERTAIN}: nobody says who the people are."
    values = _values(tables, row, rate, reference)
    return Finding(
        key, "differential", sentence, evidence, (_PEOPLE_CAVEAT,), say.UNCERTAIN, values | {"per": per, "much": False}
    )


def _gap(
    tables: Tables, chosen: pd.DataFrame, lesser: pd.DataFrame, reference: pd.Series[Any], measure: str, where: str
) -> Finding:
    """Name the group furthest from the reference, in the direction that hurts the others most, and both rates; then
    the other groups.

    ``chosen`` are the rows of the strongest certainty found, ``lesser`` those of the next.
    """
    certainty = str(chosen.certainty.iloc[0])
    above = chosen[(chosen.low > 1)]
    worst_is_reference = above.empty
    if worst_is_reference:
        row = chosen.sort_values(["high", "group"]).iloc[0]
    else:
        row = above.sort_values(["low", "group"], ascending=[False, True]).iloc[0]
    rate = rate_row(tables, str(row.operating_point), measure, str(row.group))
    assert rate is not None  # it has a certainty
    per = denominator_of(tables, str(row.operating_point))
    who, other = say.group_in_words(str(row.group)), say.group_in_words(tables.reference)
    much = "much " if is_much(row, tables.much) else ""
    if worst_is_reference:
        opening = f"At {where}, this matcher {_VERB[measure]} {much}less often for {who} than for {other}"
    else:
        opening = f"At {where}, this matcher {_VERB[measure]} {much}more often for {who} than for {other}"
    ratio = say.ratio_in_words(
        row.ratio if row.ratio > 0 else math.nan, row.low if row.low > 0 else math.nan, row.high
    )  # none seen: "at most"
    first = rate_words(rate, per, tables)
    second = shorter(reference, per, tables)
    sentence = f"{opening}: {first}, against {second}. That is {ratio} the rate: a {certainty}."
    gap = difference_row(tables, row)
    if gap is not None and math.isfinite(gap.difference):
        sentence += (
            f" It is {say.difference_in_words(gap.difference, gap.low, gap.high, per, confidence=tables.confidence)}."
        )
    others = [(certainty, chosen[chosen.group != row.group]), (say.LIKELY, lesser)]
    for phrase, rows in others:
        if len(rows):
            sentence += f" A {phrase} was also found for {in_both_directions(rows, not worst_is_reference)}."
    sentence += exactly(tables, str(row.operating_point))
    evidence = (
        rate_key(rate),
        rate_key(reference),
        *(differential_key(r) for _, r in pd.concat([chosen, lesser]).iterrows()),
    )
    values = _values(tables, row, rate, reference)
    if gap is not None:
        evidence += (row_key("differences", **{name: str(row[name]) for name in ROW}),)
        values["difference"] = record(gap)
    values |= {"per": per, "much": bool(much), "worst_is_reference": worst_is_reference}
    caveats: tuple[str, ...] = (_LABEL_CAVEAT, FAMILY_CAVEAT)
    if (
        len(chosen) + len(lesser) > 1
    ):  # of eight equal groups the highest one's interval held the truth in about .80 of simulated tests
        caveats = (*caveats, _CHOSEN_CAVEAT)
    if certainty == say.LIKELY or len(lesser):
        caveats = (*caveats, by_chance(tables, row, measure))
    return Finding(QUESTION[measure][0], "differential", sentence, evidence, caveats, certainty, values)


def exactly(tables: Tables, point: str) -> str:
    """Said beside rates at a threshold that was set on the people they are read on."""
    if not tables.people_known:
        return ""  # no interval
    names = tables.operating_points.set_index("operating_point").calibrated_on.astype(str)
    return _EXACTLY if names.get(point, "") and not names[point].startswith(APART) else ""
