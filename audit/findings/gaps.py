"""Rates and fixed rules in, findings out: what may be said, how surely, and which table rows say it.

Its one idea: a sentence is generated from numbers by a written rule (METRICS 3.5), never chosen; the same rule speaks of a group with more
errors, a group with fewer, too few people and no errors at all. ``evidence`` holds keys ``table:column=value;...`` that lead to the rows it
rests on. Words come from ``wording``, the one place where a rate becomes "42 in 100,000".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from audit.base.groups import APART
from audit.findings.evidence import ROW, Tables, difference_row, differential_key, rate_key, rate_row, record
from audit.findings.finding import Finding, row_key
from audit.findings.one_denominator import one_denominator
from audit.words import wording as say

__all__ = ["find"]


_QUESTION = {
    "FMR": ("false_positive_differential", "wrong person"),
    "FNMR": ("false_negative_differential", "missed person"),
}
_VERB = {
    "FMR": "called two different people the same person",
    "FNMR": "failed to recognise two photos of one person",
}
_LABEL_CAVEAT = "The interval covers chance only; it does not cover mistakes in the labels."
_FAMILY_CAVEAT = "The interval takes people to be independent of each other: with families who share a trait among them it would be wider."
_CHOSEN_CAVEAT = "The group named is the furthest of several: the interval of its own rate holds the truth less often than it says."
_EXACTLY = " The intervals of these rates are at exactly this score; that it was set on these same people is not in them."


def _words(row: pd.Series[Any], per: int, tables: Tables) -> str:
    if row.measure == "FMR" and row.rate == 0 and tables.acquisition["samples"].isna().all():  # a list of pairs: not all pairs of people are in it
        limit = f"{say.out_of(row.high, say.denominator([row.high]))} in {say.denominator([row.high]):,}"
        return (
            f"none seen in {say.whole(row.trials)} photo pairs of {say.people(row.subjects)}; the true rate could be up to {limit} (one-sided 95 %)"
        )
    return say.rate_in_words(row.rate, row.low, row.high, row.subjects, measure=row.measure, per=per, confidence=tables.confidence)


def _shorter(row: pd.Series[Any], per: int, tables: Tables) -> str:
    """The second rate of a sentence: what is counted has just been said."""
    if not row.rate > 0 or math.isnan(row.low):
        return _words(row, per, tables)
    return f"about {say.out_of(row.rate, per)} of {per:,} ({say.interval_in_words(row.low, row.high, per)}; {say.people(row.subjects)})"


def _per(tables: Tables, point: str) -> int:
    return one_denominator(tables.rates, point, "people", set(tables.acquisition.group.astype(str)), tables.minimum_subjects)


def _where(point: pd.Series[Any]) -> str:
    return say.operating_point_in_words({str(name): value for name, value in point.items()})


def _much(row: pd.Series[Any], much: float) -> bool:
    """Whether a gap is "much": at least ``much`` times, at the limit nearer to 1."""
    return bool(row.low >= much or (0 < row.high <= 1 / much))


def _differential(tables: Tables, point: pd.Series[Any], measure: str) -> Finding:
    key, noun = _QUESTION[measure]
    table = tables.differentials
    rows = table[
        (table.operating_point == point.operating_point) & (table.measure == measure) & (table.weighting == "people")
        & (table.reference == tables.reference)
    ]  # fmt: skip
    where = _where(point)
    usable = rows[rows.certainty.isin([say.CLEAR, say.LIKELY, say.UNCERTAIN]) | rows.certainty.str.startswith("no difference")]
    reference = rate_row(tables, str(point.operating_point), measure, tables.reference)
    if usable.empty:
        return _cannot(tables, rows, reference, key, noun, where)
    for certainty in (say.CLEAR, say.LIKELY):
        chosen = usable[usable.certainty == certainty]
        if len(chosen):
            lesser = usable[usable.certainty == say.LIKELY] if certainty == say.CLEAR else usable.iloc[:0]
            return _gap(tables, chosen, lesser, reference, measure, key, where)
    evidence = tuple(differential_key(row) for _, row in usable.iterrows())
    evidence += (rate_key(reference),)
    who = say.group_in_words(tables.reference)
    bounded = usable.certainty.str.startswith("no difference")
    if bounded.all():
        phrase = str(usable.certainty.iloc[0])
        sentence = f"At {where}, this test found {phrase} in {noun} errors between any measured group and {who}."
        return Finding(key, "differential", sentence, evidence, (_LABEL_CAVEAT, _FAMILY_CAVEAT), phrase)
    sentence = f"At {where}, whether {noun} errors differ between groups is {say.UNCERTAIN} with these people."
    caveat = "Too uncertain to say does not mean equal."
    return Finding(key, "differential", sentence, evidence, (caveat, _LABEL_CAVEAT, _FAMILY_CAVEAT), say.UNCERTAIN)


def _cannot(tables: Tables, rows: pd.DataFrame, reference: pd.Series[Any], key: str, noun: str, where: str) -> Finding:
    """No group can be compared: nobody to compare, too few people, or no error at all."""
    evidence = (rate_key(reference), *(differential_key(row) for _, row in rows.iterrows()))
    if not reference.trials:
        sentence = f"This benchmark cannot show {noun} errors: it holds no photo pairs of the needed kind for {say.group_in_words(tables.reference)}."
    elif len(rows) and (rows.certainty != "too few people").any():
        sentence = f"At {where}, no {noun} errors were seen from which groups could be compared."
    else:
        few = say.people(reference.subjects)
        sentence = (
            f"Too few people to compare groups for {noun} errors: no two groups reach {tables.minimum_subjects} people that count "
            f"(the reference group has {few})."
        )
    return Finding(key, "differential", sentence, evidence, (), say.UNCERTAIN)


def _gap(tables: Tables, chosen: pd.DataFrame, lesser: pd.DataFrame, reference: pd.Series[Any], measure: str, key: str, where: str) -> Finding:
    """Name the group furthest from the reference, in the direction that hurts the others most, and both rates; then the other groups.

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
    per = _per(tables, str(row.operating_point))
    who, other = say.group_in_words(str(row.group)), say.group_in_words(tables.reference)
    much = "much " if _much(row, tables.much) else ""
    if worst_is_reference:
        opening = f"At {where}, this matcher {_VERB[measure]} {much}less often for {who} than for {other}"
    else:
        opening = f"At {where}, this matcher {_VERB[measure]} {much}more often for {who} than for {other}"
    ratio = say.ratio_in_words(row.ratio if row.ratio > 0 else math.nan, row.low if row.low > 0 else math.nan, row.high)  # none seen: "at most"
    first = _words(rate, per, tables)
    second = _shorter(reference, per, tables)
    sentence = f"{opening}: {first}, against {second}. That is {ratio} the rate: a {certainty}."
    gap = difference_row(tables, row)
    if gap is not None and math.isfinite(gap.difference):
        sentence += f" It is {say.difference_in_words(gap.difference, gap.low, gap.high, per, confidence=tables.confidence)}."
    others = [(certainty, chosen[chosen.group != row.group]), (say.LIKELY, lesser)]
    for phrase, rows in others:
        if len(rows):
            sentence += f" A {phrase} was also found for {_directed(rows, not worst_is_reference)}."
    sentence += _exactly(tables, str(row.operating_point))
    evidence = (rate_key(rate), rate_key(reference), *(differential_key(r) for _, r in pd.concat([chosen, lesser]).iterrows()))
    values = {"group": row.group, "reference": tables.reference, "ratio": record(row), "rate": record(rate), "reference_rate": record(reference)}
    if gap is not None:
        evidence += (row_key("differences", **{name: str(row[name]) for name in ROW}),)
        values["difference"] = record(gap)
    values |= {"per": per, "much": bool(much), "worst_is_reference": worst_is_reference}
    caveats: tuple[str, ...] = (_LABEL_CAVEAT, _FAMILY_CAVEAT)
    if len(chosen) + len(lesser) > 1:  # of eight equal groups the highest one's interval held the truth in .82 to .87 of simulated tests
        caveats = (*caveats, _CHOSEN_CAVEAT)
    if certainty == say.LIKELY or len(lesser):
        caveats = (*caveats, _by_chance(tables, row, measure))
    return Finding(key, "differential", sentence, evidence, caveats, certainty, values)


def _by_chance(tables: Tables, row: pd.Series[Any], measure: str) -> str:
    """How often one of so many groups would be called likely by chance alone: its interval holds for one group at a time."""
    table = tables.differentials
    alike = (table.operating_point == row.operating_point) & (table.measure == measure) & (table.weighting == "people")
    judged = int((alike & (table.reference == tables.reference) & table.certainty.ne("") & table.certainty.ne("too few people")).sum())
    error = 1 - tables.confidence
    if judged < 2:
        return f"A {say.LIKELY} would be called by chance alone in about {error * 100:g} of 100 tests of two equal groups."
    several = 100 * (1 - tables.confidence**judged)
    return (
        f"A {say.LIKELY} is judged one group at a time: were all {judged} groups equal to the reference, at least one of them would be called so by "
        f"chance alone in up to {several:.0f} of 100 tests."
    )


def _exactly(tables: Tables, point: str) -> str:
    """Said beside rates at a threshold that was set on the people they are read on."""
    names = tables.operating_points.set_index("operating_point").calibrated_on.astype(str)
    return _EXACTLY if names.get(point, "") and not names[point].startswith(APART) else ""


def _directed(rows: pd.DataFrame, more: bool) -> str:
    """Groups in words; with the direction of their gap where it is not that of the sentence (``more``) for all of them."""
    sides = [(rows[rows.low > 1], "more often"), (rows[~(rows.low > 1)], "less often")]
    parts = [(say.groups_in_words(str(group) for group in side.group), words) for side, words in sides if len(side)]
    if parts == [(parts[0][0], "more often" if more else "less often")]:
        return parts[0][0]
    return " and for ".join(f"{who} ({words})" for who, words in parts)


def _level(tables: Tables, point: pd.Series[Any]) -> Finding:
    fmr = rate_row(tables, str(point.operating_point), "FMR", "all labelled")
    fnmr = rate_row(tables, str(point.operating_point), "FNMR", "all labelled")
    where = _where(point)
    sentence = f"At {where}, over all labelled people: wrong person, {_words(fmr, say.denominator([fmr.rate]), tables)}"
    if fnmr.trials:
        sentence += f"; missed person, {_words(fnmr, say.denominator([fnmr.rate]), tables)}"
    sentence += "." + _exactly(tables, str(point.operating_point))
    caveat = "A rate over everybody hides the mix of groups in this benchmark."
    return Finding("level", "level", sentence, (rate_key(fmr), rate_key(fnmr)), (caveat, _FAMILY_CAVEAT))


def _acquisition(tables: Tables) -> Finding:
    if tables.acquisition["samples"].isna().all():  # outputs that somebody handed over
        sentence = "These outputs do not say how many photos there were, nor from which of them the matcher made no template."
        return Finding("acquisition", "acquisition", sentence, ())
    total = tables.acquisition[["samples", "acquired"]].sum()
    lost = int(total.samples - total.acquired)
    fta = tables.rates[(tables.rates.measure == "FTA") & (tables.rates.weighting == "comparisons")]
    cells = fta[fta.group.str.contains("=") & (fta.subjects >= tables.minimum_subjects) & fta.group.isin(set(tables.acquisition.group))]
    sentence = f"The matcher made no template from {say.whole(lost)} of {say.count(total.samples, 'photo')}."
    evidence: tuple[str, ...] = tuple(rate_key(row) for _, row in cells.iterrows())
    if lost and len(cells):
        worst = cells.sort_values(["rate", "group"], ascending=[False, True]).iloc[0]
        words = say.rate_in_words(
            worst.rate, worst.low, worst.high, worst.subjects, measure="FTA", weighting="comparisons", confidence=tables.confidence
        )
        sentence += f" The share was highest for {say.group_in_words(str(worst.group))}: {words}."
    first = f"The matcher made no template from {say.whole(lost)} of {say.count(total.samples, 'photo')}."
    return Finding("acquisition", "acquisition", sentence, evidence, values={"total": first})


def _people(tables: Tables) -> Finding:
    table = tables.acquisition
    labelled = table[table.group != "unlabelled"]
    unlabelled = int(table.loc[table.group == "unlabelled", "subjects"].sum())
    few = labelled[labelled.subjects < tables.minimum_subjects]
    how = "were compared, in pairs that somebody else chose" if table["samples"].isna().all() else "were compared with each other"
    sentence = f"{say.people(labelled.subjects.sum())} with labels in {say.count(len(labelled), 'group')} {how}."
    if unlabelled:
        sentence += f" {say.people(unlabelled)} without one agreed label are counted apart.".replace(
            "1 person without one agreed label are", "1 person without one agreed label is"
        )
    if len(few):
        named = say.groups_in_words(str(group) for group in few.group)
        sentence += f" Groups too small to judge (under {tables.minimum_subjects} people): {named}."
    evidence = tuple(row_key("acquisition", group=str(group)) for group in table.group)
    return Finding("people", "people", sentence, evidence)


def _thresholds(tables: Tables, points: pd.DataFrame) -> list[Finding]:
    """What each further operating point says about the reference and the worst cell, with its price in missed people."""
    out = []
    for _, point in points.iloc[1:].iterrows():
        if point.protocol == "per_group":
            continue
        found = _differential(tables, point, "FMR")
        out.append(Finding(f"at:{point.operating_point}", "threshold", found.statement, found.evidence, found.caveats, found.certainty, found.values))
    return out


def find(tables: Tables, sensitivity: Sequence[Finding] = ()) -> tuple[Finding, ...]:
    """Every finding, the answer first.

    Parameters
    ----------
    tables : Tables
    sensitivity : sequence of Finding
        Findings of other rooms (labels, quality) to put before the level.
    """
    points = tables.operating_points
    points = points.assign(shown=say.shown_thresholds(points.to_dict("records")))
    headline = points.iloc[0]
    found = [_differential(tables, headline, "FMR"), _differential(tables, headline, "FNMR")]
    return (*found, *sensitivity, _level(tables, headline), _acquisition(tables), _people(tables), *_thresholds(tables, points))
