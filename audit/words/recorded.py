"""Groups of people in words: "people recorded as Asian men", never "Asian men are".

Its one idea: a label is what somebody recorded about people, and every sentence says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from audit.words.numbers import joined

__all__ = ["group_in_words", "group_label", "groups_in_words", "recorded_as"]

_WOMAN, _MAN = {"f", "female", "females", "woman", "women"}, {"m", "male", "males", "man", "men"}


_SEX, _RACE, _AGE = (
    {"sex", "gender"},
    {"race", "ethnicity", "race_ethnicity", "ancestry"},
    {"age", "age_group", "age_band"},
)


def _child(age: str) -> bool:
    start = re.match(r"\D*(\d+)", age)
    return bool(start) and int(start.group(1)) < 18 if start else False


def _described(group: str) -> str:
    """The words after "recorded as": "Black women", "female, aged 3-9"."""
    before, nouns, after = [], [], []
    parts = dict(part.split("=", 1) for part in group.split("|") if "=" in part)
    young = any(_child(value) for name, value in parts.items() if name in _AGE)
    for name, value in parts.items():
        folded = value.casefold()
        if name in _SEX and folded in _WOMAN | _MAN and not young:
            nouns.append("women" if folded in _WOMAN else "men")
        elif name in _SEX | _RACE:
            before.append(
                "female" if name in _SEX and folded in _WOMAN else "male" if name in _SEX and folded in _MAN else value
            )
        elif name in _AGE:
            after.append(f"aged {value}")
        else:
            after.append(f"with {name.replace('_', ' ')} {value}")
    return " ".join([*before, *nouns, *after]) or group


def group_in_words(group: str) -> str:
    """A group in neutral words: ``race=Black|sex=Female`` is "people recorded as Black women". Who recorded it is said
    by the page.
    """
    if group == "unlabelled":
        return "people without one agreed label"
    if group == "all labelled":
        return "all people with labels"
    return f"people {_as_recorded(group)}"


def _as_recorded(group: str) -> str:
    words = _described(group)
    return words if words.startswith(("with ", "aged ")) else f"recorded as {words}"


def recorded_as(group: str) -> str:
    """A group after a noun that says who: "recorded as Black women"."""
    return _as_recorded(group) if "=" in group else group_in_words(group)


def groups_in_words(groups: Iterable[str]) -> str:
    """Several groups: "people recorded as Black women, Asian men and Asian women"."""
    cells = [group for group in groups if "=" in group]
    return f"people recorded as {joined(_described(group) for group in cells)}" if cells else ""


def group_label(group: str) -> str:
    """Short form for tables and figures: "Black women"; the page says once that labels were recorded, and by whom."""
    if "=" not in group:
        return {"unlabelled": "No agreed label", "all labelled": "All labelled people"}.get(
            group, group[:1].upper() + group[1:]
        )
    words = _described(group)
    return words[:1].upper() + words[1:]
