"""Numbers in, plain words out: the only place where a rate becomes "42 in 100,000".

In: rates, intervals, counts of people, group and threshold ids. Out: phrases that pages and findings put into
sentences. Its one idea: how a number may be said is a rule with a test (one denominator per set, at most two
significant digits, the interval and the people always beside it), so no page can say it better than the data do.
"""

from __future__ import annotations

import math
from typing import Any

from audit.words.numbers import (
    capital,
    count,
    denominator,
    duration,
    exact,
    factor,
    joined,
    number,
    out_of,
    people,
    percent,
    times,
    whole,
)
from audit.words.recorded import group_in_words, group_label, groups_in_words, recorded_as
from audit.words.threshold_words import MISSING, shown_thresholds, text

__all__ = [
    "CERTAINTIES",
    "CLEAR",
    "LIKELY",
    "UNCERTAIN",
    "capital",
    "compared_in_words",
    "count",
    "counted_in_words",
    "denominator",
    "NO_INTERVAL",
    "difference_in_words",
    "gap_in_figures",
    "duration",
    "group_in_words",
    "group_label",
    "groups_in_words",
    "interval_in_words",
    "joined",
    "limits_in_words",
    "measure_in_words",
    "no_larger_than",
    "none_seen_in_words",
    "number",
    "operating_point_in_words",
    "out_of",
    "people",
    "percent",
    "rate_in_words",
    "ratio_in_words",
    "share_in_words",
    "shown_thresholds",
    "times",
    "too_few_in_words",
    "exact",
    "factor",
    "ratio_in_figures",
    "recorded_as",
    "whole",
]

NO_INTERVAL = "no interval can be given"
CLEAR = "clear difference"
LIKELY = "likely difference"
UNCERTAIN = "too uncertain to say"
CERTAINTIES: dict[str, str] = {
    CLEAR: "The gap is larger than chance alone would make, looking at all groups at once. It stays "
    "under every source of labels at hand.",
    LIKELY: "The gap is larger than chance alone would make, looking at this group alone or under one "
    "source of labels.",
    "no difference larger than ×k": "Any gap is smaller than this many times, in either direction.",
    UNCERTAIN: "The people in this test are too few, or too much alike in error, to say. It does not "
    "mean that the groups are equal.",
}

_UNITS = {
    ("FMR", "people"): "random pairs of different people, one photo each",
    ("FMR", "comparisons"): "photo pairs of different people",
    ("FNMR", "people"): "random people with two or more photos, one pair of their photos each",
    ("FNMR", "comparisons"): "photo pairs of one person",
    ("FTA", ""): "photos",
    ("FPIR", ""): "searches for somebody who is not in the gallery",
    ("FNIR", ""): "searches for somebody who is in the gallery",
}
_NAMES = {
    "FMR": "wrong person",
    "FMR_same_cell": "wrong person, both people from one finest group",
    "FNMR": "missed person",
    "FNMR_with_failures": "missed person, failed photos counted as misses",
    "FTA": "photos that never got in",
    "FPIR": "a search that returns a wrong person",
    "FNIR": "a search that does not return the right person",
}


def no_larger_than(k: float) -> str:
    """The certainty phrase of an equivalence: the 90 % interval of the ratio lies inside [1/k, k] (METRICS 3.5)."""
    return f"no difference larger than ×{number(k)}"


def interval_in_words(low: float, high: float, per: int) -> str:
    """Two limits in ``per``: "250 to 350"."""
    return f"{out_of(low, per)} to {out_of(high, per)}"


def measure_in_words(measure: str) -> str:
    """Plain name of a measure; the acronym may follow it, never come first."""
    return _NAMES.get(measure, measure.replace("_", " "))


def compared_in_words(measure: str, weighting: str = "people") -> str:
    """What a rate counts: "random pairs of different people, one photo each"."""
    base = measure.split("_", 1)[0]
    return _UNITS.get((base, weighting), _UNITS.get((base, ""), "comparisons"))


def counted_in_words(measure: str, weighting: str = "people") -> str:
    """The short form of ``compared_in_words``, for an axis."""
    one = "people with two photos" if weighting == "people" else "photo pairs of one person"
    short = {"FMR": "pairs of different people", "FNMR": one, "FTA": "photos"}
    short |= {"FPIR": "searches for people not in the gallery", "FNIR": "searches for people in the gallery"}
    return short.get(measure.split("_", 1)[0], "comparisons")


def rate_in_words(
    rate: float,
    low: float,
    high: float,
    subjects: float,
    *,
    measure: str = "FMR",
    weighting: str = "people",
    per: int | None = None,
    confidence: float = 0.95,
) -> str:
    """The whole phrase: "about 300 of 1,000 random pairs of different people, one photo each (250 to 350, 95 %; 273
    people)".

    ``per`` is the set's common ``denominator``. A rate of 0 gives ``none_seen_in_words``; a missing one says so; a
    missing interval too.
    """
    if not math.isfinite(rate):
        return f"no rate can be given ({people(subjects)})"
    if rate == 0:
        return none_seen_in_words(subjects, high, measure=measure, per=per, confidence=confidence)
    scale = per or denominator([rate])
    what = f"about {out_of(rate, scale)} of {scale:,} {compared_in_words(measure, weighting)}"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{what} (no interval can be given; {people(subjects)})"
    return f"{what} ({interval_in_words(low, high, scale)}, {percent(confidence)}; {people(subjects)})"


def none_seen_in_words(
    subjects: float, high: float, *, measure: str = "FMR", per: int | None = None, confidence: float = 0.95
) -> str:
    """None seen: "none seen among 1,485 pairs of people; the true rate could be up to 40 in 1,000 (one-sided 95 %; 55
    people)".
    """
    pairs = subjects * (subjects - 1) // 2
    among = {"FMR": count(pairs, "pair of people", "pairs of people"), "FTA": f"the photos of {people(subjects)}"}
    among |= {name: f"the searches for {people(subjects)}" for name in ("FPIR", "FNIR")}
    where = among.get(measure.split("_", 1)[0], f"{people(subjects)} with two or more photos")
    if not math.isfinite(high):
        return f"none seen among {where}; no upper limit can be given"
    scale = per or denominator([high])
    limit = f"{out_of(high, scale)} in {scale:,} (one-sided {percent(confidence)}; {people(subjects)})"
    return f"none seen among {where}; the true rate could be up to {limit}"


def limits_in_words(low: float, high: float) -> str:
    """Limits of a ratio: "2 to 4.5"."""
    return f"{factor(low)} to {factor(high)}"


def ratio_in_figures(ratio: float, low: float, high: float) -> tuple[str, str]:
    """A ratio and its interval for a table or a mark: "3" and "2 to 4.5"; "at most 3" and "" where only a limit is
    known; "" where nothing is.
    """
    ends = [
        f"at least {factor(low)}" if math.isfinite(low) else "",
        f"at most {factor(high)}" if math.isfinite(high) else "",
    ]
    if not math.isfinite(ratio):
        return ends[1] or ends[0], ""
    return factor(ratio), limits_in_words(low, high) if all(ends) else ends[0] or ends[1]


def ratio_in_words(ratio: float, low: float, high: float) -> str:
    """A ratio with its interval: "about 3 times (2 to 4.5)"; open ends said in words."""
    figure, limits = ratio_in_figures(ratio, low, high)
    if not math.isfinite(ratio):
        return f"{figure} times" if figure else "no ratio can be given"
    return f"about {figure} times ({limits or NO_INTERVAL})"


def difference_in_words(
    difference: float, low: float, high: float, per: int, *, confidence: float | None = None
) -> str:
    """An absolute gap with its interval, in the set's one denominator: "about 290 more in 1,000 (240 to 340, 95 %)".

    Limits on both sides of nothing say so: "(6 fewer to 32 more)". The level is printed where ``confidence`` is given.
    """
    if not math.isfinite(difference):
        return "no gap can be given"
    gap, limits = gap_in_figures(difference, low, high, per)
    level = f", {percent(confidence)}" if confidence and limits else ""
    return f"{'about ' if difference else ''}{gap} in {per:,} ({limits or NO_INTERVAL}{level})"


def gap_in_figures(difference: float, low: float, high: float, per: int) -> tuple[str, str]:
    """An absolute gap where its denominator stands elsewhere: "290 more", and its limits, "240 to 340"; "" where there
    are none.
    """

    def side(value: float) -> str:
        return f"{out_of(abs(value), per)} {'more' if value > 0 else 'fewer'}"

    gap = side(difference) if difference else "as many"
    if not (math.isfinite(low) and math.isfinite(high)):
        return gap, ""
    if low >= 0 or high <= 0:
        near, far = sorted((abs(low), abs(high)))
        return gap, f"{out_of(near, per)} to {out_of(far, per)}"
    return gap, f"{side(low)} to {side(high)}"


def share_in_words(share: float) -> str:
    """A share in percent for an auditor: three significant digits, never an exponent: 1e-6 is "0.0001 %"."""
    if not math.isfinite(share):
        return "unknown"
    if share == 0:
        return "0 %"
    value = float(f"{share * 100:.2e}")
    text = f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def too_few_in_words(subjects: float, minimum: int) -> str:
    """For a group below the minimum: shown, never estimated."""
    return f"too few people to say ({people(subjects)}; this report asks for {minimum})"


def operating_point_in_words(point: Any) -> str:
    """A row of operating_points.csv (a mapping or a Series) in words: whose threshold, and its value in the matcher's
    own unit.

    The value is exact, or as its key ``shown`` says (``shown_thresholds``).
    """
    unit = text(point.get("unit"), "score").replace("_", " ")
    value = float(point.get("threshold", MISSING))
    at = f"{unit} {text(point.get('shown'), exact(value))}" if math.isfinite(value) else unit
    protocol, target = text(point.get("protocol"), ""), float(point.get("target") or MISSING)
    if protocol == "vendor_default":
        return f"the vendor's default threshold ({at})"
    if protocol == "fixed":
        return f"a threshold fixed by the person who ran the test ({at})"
    if protocol == "best_threshold":
        return f"the threshold that decides most pairs of this file rightly, chosen on these very pairs ({at})"
    if protocol == "rank":
        return f"no threshold, the first {text(point.get('operating_point'), '').removeprefix('rank=')} of each list"
    scale = denominator([target], least=100)
    if protocol == "target_fpir":
        return (
            f"a threshold set so that at most {out_of(target, scale)} in {scale:,} searches for "
            f"somebody not in the gallery return anybody ({at})"
        )
    what = f"{out_of(target, scale)} in {scale:,} {compared_in_words('FMR', text(point.get('weighting'), 'people'))}"
    over = {"target_fmr_reference": ", inside the reference group", "per_group": ", group by group"}.get(protocol, "")
    return (
        f"a threshold set so that at most {what}{over}, match ({at})"
        if math.isfinite(target)
        else f"a threshold ({at})"
    )
