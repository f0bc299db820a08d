"""Rates and the separation of scores in, doubts out: what must be said before anything of this audit is quoted.

Its one idea: a matcher that is wired up wrongly still gives rates, ratios and intervals, all of them exact. So whether
it tells people apart at all, and whether its thresholds lie where its scores are, is judged first, by written rules;
while a serious doubt stands, nothing else is a finding about groups (``not_judged``).

The scores are turned round where the whole interval of AUC lies below one half. They coincide where it lies below
``POOR``, or where at the loosest threshold of the curve no more people are found than at d' = ``POOR_D``, the same
quality for normal scores of one spread. Every limit is taken from the side that speaks for the matcher, so a few
people raise no doubt by chance. Rules about thresholds stand in ``threshold_doubts``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from scipy.special import ndtri

from audit.base.groups import ALL
from audit.findings.finding import Finding, row_key
from audit.findings.looked_at import FEW, Looked, doubt, polarity
from audit.findings.threshold_doubts import of_thresholds
from audit.words import wording as say

__all__ = ["POOR", "find_doubts"]

POOR = 0.75
"""AUC below which no matcher is at work; that of the shipped runs is .98 to .9997."""

POOR_D = float(2**0.5 * ndtri(POOR))

NARROW = 0.01
"""Share of the possible scores that all scores lie in, below which a network is taken to answer everything alike."""

SAME = 1e-4
"""The same, as a share of the scores themselves, where it is not known what is possible."""

MANY_LOST, ALMOST_ALL_LOST, MANY_COPIES = 0.5, 0.9, 0.2

_WIRED = (
    "Likely causes: scores or templates joined to the wrong photos or people, a network "
    "without its weights, or photos "
    "prepared in another way than it was made for (colour order, cropping, size)."
)


def find_doubts(looked: Looked) -> tuple[Finding, ...]:
    """Every doubt, serious ones first: of the scores, of thresholds, of photographs, of single groups."""
    found = [*_scores(looked), *of_thresholds(looked), *_photographs(looked), *_one_group(looked)]
    return tuple(sorted(found, key=lambda one: not one.values["serious"]))


def _auc(row: Any) -> str:
    limits = say.interval_in_words(row.low, row.high, 100)
    few = "fewer than 1 scores" if row.auc < 0.005 else f"about {say.out_of(row.auc, 100)} score"
    return (
        f"of 100 random comparisons of one person, {few} higher than a random one of two people "
        f"({limits}); guessing gives 50"
    )


def _scores(looked: Looked) -> Iterator[Finding]:
    """Whether the scores tell people apart."""
    row = looked.everybody()
    if row is None:
        return
    key = (row_key("separation", group=ALL),)
    width = row.highest - row.lowest
    narrow = width < NARROW * (row.axis_high - row.axis_low) or width <= SAME * max(abs(row.lowest), abs(row.highest))
    range_ = f"All scores lie within {looked.span()}"
    if not math.isfinite(row.auc):
        if narrow:
            yield doubt("alike", f"{range_}: the matcher gives nearly the same number to everybody. {_WIRED}", key)
        return
    loose = _loosest(looked)
    by_people = loose is not None and ndtri(1 - loose.FNMR_low) - ndtri(loose.FMR_low) < POOR_D
    if row.high < 0.5:
        text = f"The scores look turned round: {_auc(row)}. Every match would then be a non-match."
        yield doubt("turned_round", f"{text} What says which way they go: {polarity(looked.backend)}.", key)
    elif row.high < POOR or by_people:
        text = f"The scores do not tell people apart: {_auc(row)}."
        if by_people:
            text += f" At a threshold at which {say.out_of(loose.FMR, 100)} of 100 random pairs of two people match, "
            text += f"{say.out_of(1 - loose.FNMR, 100)} of 100 people are found."
        text += f" {range_}." if narrow else ""
        text += (
            f" They may be turned round, too; {polarity(looked.backend)} says which way they go."
            if row.auc < 0.45
            else ""
        )
        yield doubt("coincide", f"{text} {_WIRED}", key)
    elif row.low <= 0.5 and row.auc < POOR:
        text = f"Too few people to say whether the scores tell people apart at all: {_auc(row)}."
        yield doubt("few", text, key, grave=False)
    elif narrow:
        text = f"{range_}, a small part of what is possible. They do tell people apart: {_auc(row)}."
        yield doubt("narrow", text, key, grave=False)
    constant = row.mated_standard_deviation == 0 and row.non_mated_standard_deviation > 0
    if constant and row.mated >= FEW and row.auc > POOR:
        text = (
            f"All {row.mated:,} comparisons of one person have the same score, as if each photo were "
            f"compared with itself."
        )
        yield doubt("one_mated_score", text, key, grave=False)


def _loosest(looked: Looked) -> Any:
    """The loosest threshold of the curve, by people, all labelled, that matches at most half of everybody; or None."""
    curve = looked.curve
    rows = curve[(curve["group"] == ALL) & (curve["weighting"] == "people") & curve["FMR"].between(0.001, 0.5)]
    rows = rows[rows["FMR_low"].gt(0) & rows["FNMR_low"].notna() & rows["FNMR_low"].lt(1)]
    return rows.sort_values("FMR", kind="stable").iloc[-1] if len(rows) else None


def _photographs(looked: Looked) -> Iterator[Finding]:
    """Whether most photographs are there at all."""
    table = looked.acquisition
    if "samples" not in table or table["samples"].isna().all():
        return
    total = table[["samples", "acquired"]].sum()
    lost, tried = int(total["samples"] - total["acquired"]), int(total["samples"])
    evidence = tuple(row_key("acquisition", group=str(group)) for group in table["group"])
    if tried >= FEW and lost > MANY_LOST * tried:
        text = (
            f"The matcher made no template from {lost:,} of {tried:,} photos: every rate is of the "
            f"others. A detector given "
            "faces that are cropped already, or in another colour order, often finds none."
        )
        yield doubt("lost", text, evidence, grave=lost > ALMOST_ALL_LOST * tried)
    copies = (
        int(table[["duplicates", "conflicting"]].sum().sum()) if {"duplicates", "conflicting"} <= set(table) else 0
    )
    if copies > MANY_COPIES * (copies + tried):
        text = (
            f"{copies:,} of {copies + tried:,} photos or templates are copies of another one to the "
            f"last bit and were left "
            "out. A matcher that gives many photos one template, or an export that repeats rows, looks like this."
        )
        yield doubt("copies", text, evidence, grave=False)


def _one_group(looked: Looked) -> Iterator[Finding]:
    """Groups whose scores do not tell people apart, where those of everybody do."""
    whole = looked.everybody()
    if whole is None or not whole.high >= POOR:
        return
    rows: list[Any] = list(looked.separation[looked.separation["group"] != ALL].itertuples())
    for row in rows:
        if row.high < POOR:
            text = (
                f"For {say.group_in_words(str(row.group))}, the scores do not tell people apart, though "
                f"they do for everybody "
                f"together: {_auc(row)}. Look for wrong ids, labels or photos among them before their "
                f"rates are quoted."
            )
            yield doubt(f"group:{row.group}", text, (row_key("separation", group=str(row.group)),), grave=False)
