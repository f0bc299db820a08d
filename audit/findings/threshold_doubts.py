"""Rates at every threshold in, doubts about thresholds out: never reached, always reached, out of reach; lists that
never help.

Its one idea: a threshold in another unit than the scores (45 for 0.45, a distance for a similarity) gives rates of 0
and 1 that are exact and mean nothing. Never reached: it matches no two people, and at most one in 1,000 comparisons of
one person. Always reached: it matches all but one in 1,000 pairs of two people. From fewer than ``FEW`` comparisons it
is said, but is not serious.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.base.groups import ALL
from audit.findings.finding import Finding, row_key
from audit.findings.looked_at import FEW, Looked, doubt, polarity
from audit.words import wording as say

__all__ = ["of_thresholds"]

HARDLY = 0.001

HARDLY_FOUND = 0.02
"""Share of searches for somebody in the gallery that return that person, below which lists do not help at all."""

_UNIT = "The threshold may be in another unit than the scores (45 for 0.45), or the scores may be turned round."


def of_thresholds(looked: Looked) -> Iterator[Finding]:
    """One doubt at most for each operating point; then one about lists of candidates as a whole."""
    points: list[dict[str, Any]] = [
        {str(k): v for k, v in row.items()} for row in looked.operating_points.to_dict("records")
    ]
    searched = not {"FMR", "FNMR"} & set(looked.rates["measure"])
    judge = _of_searches if searched else _of_pairs
    for row, words in zip(points, say.shown_thresholds(points), strict=True):
        if row["protocol"] not in ("rank", "best_threshold"):
            yield from judge(looked, row, say.operating_point_in_words(row | {"shown": words}))
    if searched:
        yield from _never_found(looked)


def _counts(looked: Looked, point: str, measure: str) -> tuple[int, int]:
    """Errors and trials of all labelled people."""
    rates = looked.rates
    rows = rates[(rates["operating_point"] == point) & (rates["measure"] == measure) & (rates["group"] == ALL)]
    rows = rows[rows["other_group"] == ""]
    return (0, 0) if rows.empty else (int(rows["errors"].iloc[0]), int(rows["trials"].iloc[0]))


def _keys(looked: Looked, point: str, *measures: str) -> tuple[str, ...]:
    """The rows of rates that a doubt at a point rests on, in the weighting that is there."""
    found = looked.rates[(looked.rates["operating_point"] == point) & (looked.rates["group"] == ALL)]
    weighting = "people" if "people" in set(found["weighting"]) else "comparisons"
    names = {"operating_point": point, "weighting": weighting, "group": ALL, "other_group": ""}
    order = ("operating_point", "measure", "weighting", "group", "other_group")
    return tuple(
        row_key("rates", **{name: (names | {"measure": measure})[name] for name in order}) for measure in measures
    )


def _of_pairs(looked: Looked, row: Mapping[str, Any], at: str) -> Iterator[Finding]:
    point = str(row["operating_point"])
    (false, pairs), (lost, mated) = _counts(looked, point, "FMR"), _counts(looked, point, "FNMR")
    whole, keys = looked.everybody(), _keys(looked, point, "FMR", "FNMR")
    why = f"The scores run from {looked.span()}. {_UNIT}" if whole is not None else _UNIT
    if mated and false == 0 and mated - lost <= HARDLY * mated:
        reached = "never" if lost == mated else "hardly ever"
        some = "none" if lost == mated else f"{mated - lost:,}"
        text = (
            f"At {at}, none of {pairs:,} comparisons of two people matches, and {some} of {mated:,} of "
            f"one person: this "
        )
        yield doubt(
            f"never:{point}", f"{text}threshold is {reached} reached. {why}", keys, grave=mated >= FEW, points=(point,)
        )
    elif pairs and pairs - false <= HARDLY * pairs:
        text = f"At {at}, {false:,} of {pairs:,} comparisons of two people match: this threshold is always reached."
        yield doubt(f"always:{point}", f"{text} {why}", keys, grave=pairs >= FEW, points=(point,))
    elif pairs and not mated and false == 0 and whole is not None and row["score_threshold"] > whole.axis_high:
        text = f"At {at}, none of {pairs:,} comparisons of two people matches, and there are none of one person"
        text += ": no pair of this file" if looked.backend == "scores" else ": no score of this matcher"
        grave = looked.backend != "scores"  # of a file nobody knows what else is possible
        yield doubt(f"beyond:{point}", f"{text} reaches this threshold. {why}", keys, grave=grave, points=(point,))


def _of_searches(looked: Looked, row: Mapping[str, Any], at: str) -> Iterator[Finding]:
    point = str(row["operating_point"])
    (false, free), (lost, mated) = _counts(looked, point, "FPIR"), _counts(looked, point, "FNIR")
    if mated and false == 0 and lost == mated:
        text = (
            f"At {at}, none of {mated:,} searches for somebody in the gallery returns that person, and "
            f"none of {free:,} for "
        )
        text += f"somebody who is not in it returns anybody: this threshold is never reached. {_UNIT}"
        yield doubt(f"never:{point}", text, _keys(looked, point, "FPIR", "FNIR"), grave=mated >= FEW, points=(point,))
    elif free and false == free and mated and lost == 0:
        text = (
            f"At {at}, all of {free:,} searches for somebody who is not in the gallery return "
            f"somebody, and all of {mated:,} for "
        )
        text += f"somebody in it return that person: this threshold is always reached. {_UNIT}"
        yield doubt(f"always:{point}", text, _keys(looked, point, "FPIR", "FNIR"), grave=free >= FEW, points=(point,))


def _never_found(looked: Looked) -> Iterator[Finding]:
    """Lists that hardly ever hold the person searched for, at whichever threshold or rank they are read."""
    counted = {str(name): _counts(looked, str(name), "FNIR") for name in looked.operating_points["operating_point"]}
    known = {name: found for name, found in counted.items() if found[1] >= FEW}
    if not known:
        return
    point = min(known, key=lambda name: known[name][0] / known[name][1])
    lost, mated = known[point]
    if mated - lost <= HARDLY_FOUND * mated:
        text = (
            f"The lists hardly ever hold the person searched for: of {mated:,} searches for somebody in the gallery, "
            f"{mated - lost:,} return that person. Look at the columns of backend.options.mate and enrolled, and at "
            f"{polarity('candidates')}."
        )
        yield doubt("never_found", text, _keys(looked, point, "FNIR"))
