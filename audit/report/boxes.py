"""A figure's kind and threshold in, the box "Which number is this?" out: task, error, threshold, gallery, and who was
compared with whom.

Its one idea: a line is a head and its words, made as such, so that no character in anybody's words can end one.
"""

from __future__ import annotations

from audit.report.facts import Facts
from audit.report.standing import Point
from audit.words import wording

__all__ = ["Box", "which_number"]

Box = tuple[tuple[str, str], ...]

_ERRORS = {
    "FMR": "Wrong person (false match rate, FMR): photos of two different people called the same person.",
    "FPIR": "Wrong person (FPIR): a search for somebody who is not in the gallery returns at least one person.",
    "FNIR": "Missed person (FNIR): a search for somebody who is in the gallery does not return that person.",
    "FNMR": "Missed person (false non-match rate, FNMR): two photos of one person not recognised as such.",
    "FTA": "Photo that never got in (failure to acquire, FTA): the matcher made nothing of it.",
}
_ERRORS["matrix"] = _ERRORS["FMR"]


def which_number(facts: Facts, point: Point, kind: str) -> Box:
    """The lines of the box.

    Parameters
    ----------
    facts : Facts
    point : Point
        The threshold that the figure stands at.
    kind : str
        A measure, or "matrix", "tradeoff", "det", "scores".
    """
    task = (
        "One photo searched in a gallery."
        if facts.searched
        else "One photo compared with one other photo. No search through a gallery."
    )
    error = _ERRORS.get(kind, f"Both: wrong person ({facts.wrong}) and missed person ({facts.missed}).")
    return (
        ("Task", task),
        ("Error", error),
        ("Threshold", _threshold(point, kind)),
        ("Gallery", _gallery(facts)),
        ("Who", _who(facts, kind)),
    )


def _threshold(point: Point, kind: str) -> str:
    if kind == "FTA":
        return "None: this happens before any comparison."
    if kind in ("tradeoff", "det", "scores"):
        who = "; the list of thresholds says who set each" if kind == "tradeoff" else ""
        return f"Several, each the same for all groups{who}."
    own = "its own for each group" if point.row.get("protocol") == "per_group" else "the same for all groups"
    return f"{wording.capital(point.words)}, {own}."


def _gallery(facts: Facts) -> str:
    if not facts.searched:
        return "None. A gallery of many faces gives more wrong persons than this number alone suggests."
    size = (facts.about.get("counts") or {}).get("gallery")
    return (
        f"{wording.whole(size)} faces. A larger gallery gives more wrong persons."
        if size
        else "Its size is not known."
    )


def _who(facts: Facts, kind: str) -> str:
    if kind == "FTA":
        return "Every photo that was tried, group by group."
    if facts.searched:
        return "Groups are those of the people searched for; the gallery is the same for all."
    if kind == "FMR":
        pairs = "one random photo each" if facts.weighting == "people" else "in the pairs that were handed over"
        return f"Different people inside the same group, {pairs}."
    return {
        "matrix": "Different people: both from one group, or one from each of two groups.",
        "FNMR": "Each person with themselves; people with two or more photos only.",
        "det": "All comparisons inside a group; people with many photos count more.",
        "scores": "All comparisons inside a group; people with many photos count more.",
    }.get(kind, "Different people inside the same group, and each person with themselves.")
