"""How words and ids are spelt: what is taken off in silence, what two spellings may be one, what says that there is
nothing.

In: text. Out: text, or groups of spellings that a person has to judge. Its one idea: spaces at the ends and the form
of letters never mean anything and are taken off; case, inner spaces, leading zeros and a trailing ".0" may mean
something, so values that differ in nothing else are asked about.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "NOTHING",
    "PERHAPS_NOTHING",
    "abbreviations",
    "alike",
    "doubts",
    "example",
    "is_alike",
    "loose",
    "sayable",
    "settle",
    "trimmed",
    "truth",
    "unprintable",
]

NOTHING = frozenset(("", "nan", "NaN", "<NA>", "#N/A", "NaT"))
"""What tools write where there is no value; read as none."""

PERHAPS_NOTHING = frozenset(
    (
        "na",
        "n/a",
        "n.a.",
        "nan",
        "none",
        "null",
        "nil",
        "unknown",
        "unk",
        "unspecified",
        "undefined",
        "missing",
        "not available",
        "not known",
        "n.a",
        "not applicable",
        "not stated",
        "not specified",
        "not recorded",
        "not reported",
        "unlabelled",
        "unlabeled",
        "no label",
        "no data",
        "prefer not to say",
        "declined",
        "refused",
        "undetermined",
        "unavailable",
        "undisclosed",
        "#ref!",
        "#value!",
        "#div/0!",
        "#name?",
        "inf",
        "?",
        "??",
        "-",
        "--",
        ".",
        "..",
        "_",
        "/",
        "#n/a",
        "<na>",
        "nat",
        "#null!",
        "(null)",
        "-1",
        "-9",
        "-99",
        "-999",
    )
)
"""Words, in lower case, that may say "no label" and may be one; a person decides."""

_HIDDEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_UNKNOWN = re.compile(r"(?i)\bunknown\b")
_RUNS = re.compile(r"\s+")


def trimmed(text: str) -> str:
    """Take off spaces and invisible characters at both ends, and compose letters (NFC)."""
    if text.isascii():
        return text.strip()
    out = unicodedata.normalize("NFC", text)
    while out and (out[0] in _HIDDEN or out[0].isspace() or out[-1] in _HIDDEN or out[-1].isspace()):
        out = out.strip().strip(_HIDDEN)
    return out


def loose(text: str) -> str:
    """Give what is left of a spelling when case, width, spaces, invisible characters, leading zeros and a trailing
    ".0" do not count.
    """
    out = unicodedata.normalize("NFKC", text)
    if not out.isascii():
        out = "".join(one for one in out if unicodedata.category(one) != "Cf")
    out = _RUNS.sub("", unicodedata.normalize("NFC", out.casefold()))
    number = re.fullmatch(r"\+?(\d+)(?:\.0*)?", out)
    return (number[1].lstrip("0") or "0") if number else out


def alike(values: Iterable[str]) -> list[list[str]]:
    """Group different spellings that ``loose`` makes one: lists of two or more, sorted."""
    found: dict[str, set[str]] = {}
    for value in values:
        found.setdefault(loose(value), set()).add(value)
    return sorted(sorted(one) for one in found.values() if len(one) > 1)


def is_alike(values: Iterable[str]) -> set[str]:
    """Give every value that has another spelling among them."""
    return {one for group in alike(values) for one in group}


_MANY = 1000
_ROMAN = re.compile(r"(?i)[ivx]+")


def abbreviations(values: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs (short, long) in which one label may be the other cut short: its first one to three letters, or its
    initials.
    """
    words = sorted(set(values))
    if len(words) > _MANY:
        return []  # ids or notes; every word would be held against every other
    out = []
    for short in words:
        if 1 <= len(short.rstrip(".")) <= 3 and short.rstrip(".").isalpha():
            low = short.rstrip(".").casefold()
            for long in words:
                parts = re.findall(r"\w+", long.casefold())
                initials = "".join(part[0] for part in parts)
                if _ROMAN.fullmatch(low) and _ROMAN.fullmatch(long):
                    continue  # a scale: I, II, III, ...
                if len(long) > len(short) and (
                    long.casefold().startswith(low) or (len(parts) > 1 and initials == low)
                ):
                    out.append((short, long))
    return out


def unprintable(text: str) -> bool:
    """Whether a word holds a line break or another control character, or one
    that turns the direction of what follows.
    """
    return not text.isprintable() and any(
        unicodedata.category(one) in ("Cc", "Zl", "Zp", "Cs") or one in _TURNS for one in text
    )


_TRUTH = (
    {"1": 1, "0": 0, "1.0": 1, "0.0": 0},
    {"true": 1, "false": 0},
    {"t": 1, "f": 0},
    {"yes": 1, "no": 0},
    {"y": 1, "n": 0},
)
_PERSONS = (
    {"mated": 1, "non-mated": 0, "nonmated": 0, "non mated": 0},
    {"genuine": 1, "impostor": 0, "imposter": 0},
    {"same": 1, "different": 0},
    {"same person": 1, "different person": 0, "different people": 0, "different persons": 0},
)


def truth(
    values: Iterable[str], *, pairs: bool = False, said: Mapping[str, bool] | None = None
) -> tuple[dict[str, int], list[str]]:
    """Read truth values from a closed list, whatever their case.

    Parameters
    ----------
    values : iterable of str
    pairs : bool
        Whether they say that a pair shows one person: then also mated, genuine, same, same person; non-mated,
        impostor, different, ....
    said : mapping of str to bool, optional
        What a config declares; it goes first.

    Returns
    -------
    (dict, list)
        1 or 0 by value, and the values that are in no list, or in another list than most of the others. "match" and
        "-1" are in none: the first may be a decision, the second a code.
    """
    declared = {word: int(one) for word, one in (said or {}).items()}
    plain = {
        value: _RUNS.sub(" ", value.casefold()).replace("_", "-")
        for value in sorted(set(values))
        if value not in declared
    }
    lists = (*_TRUTH, *(_PERSONS if pairs else ()))
    best = max(lists, key=lambda words: sum(one in words for one in plain.values()))
    found = declared | {value: best[one] for value, one in plain.items() if one in best}
    return found, [value for value, one in plain.items() if one not in best]


def doubts(values: Iterable[str], known: Collection[str]) -> str:
    """Say which labels a person has to judge; "" where there are none.

    Parameters
    ----------
    values : iterable of str
        Labels as they stand in the file.
    known : collection of str
        Those that the card or the config declares: they are what they are.
    """
    words = {one for one in values if one not in NOTHING}
    found = _doubt(words, known)
    if found and len(words) > _GROUPS:
        return f"words that may be one label, or none, among {len(words):,} different ones: is it a column of labels?"
    return found


def _doubt(words: set[str], known: Collection[str]) -> str:
    nothing = sorted(
        one for one in words if one not in known and (one.casefold() in PERHAPS_NOTHING or _UNKNOWN.search(one))
    )
    if nothing:
        return f"{', '.join(map(repr, nothing[:6]))}, which may be a label or the lack of one"
    joined: dict[str, set[str]] = {}  # "African-American" and "African_American" too; a sign before a number stays
    for one in words:
        joined.setdefault(
            re.sub(r"(?<=[^\W\d_])[-_.](?=[^\W\d_])", "", re.sub(r"(?<=[^\W\d_]{3})s?[.,;:]*$", "", loose(one))), set()
        ).add(one)
    for group in sorted(sorted(one) for one in joined.values() if len(one) > 1):
        if sum(one not in known for one in group) > 1:
            return f"{' and '.join(map(repr, group[:6]))}, which may be one label"
    for short, long in abbreviations(words):
        if short not in known:
            return f"{short!r} and {long!r}, which may be one label"
    return ""


_SAYABLE = re.compile(r"[^\W\d_][^\W\d_ /+-]{0,19}(?:[ /+_-][^\W\d_]{1,19})?")
_FEW = 4


def sayable(column: Iterable[str], wanted: Collection[str]) -> str:
    """Words of a column that a message may name, else how many there are: a wrong column holds ids or names, and those
    are said nowhere.

    A word may be named where there are at most four, each of letters alone and standing in two rows or more, so that
    it says nothing of one person.

    Examples
    --------
    >>> sayable(["match", "match", "p17", "p18"], ["match"])
    "'match'"
    >>> sayable(["match", "match", "p17", "p18"], ["p17"])
    '1 other word'
    """
    counts = Counter(column)
    if len(wanted) <= _FEW and all(counts[one] > 1 and (not one or _SAYABLE.fullmatch(one)) for one in wanted):
        return ", ".join(map(repr, wanted))
    return f"{len(wanted):,} other word{'s' * (len(wanted) > 1)}"


_GROUPS = 50
"""More different words than this in one column are ids or names, not labels; no message repeats them."""


def example(word: str, column: Iterable[str], most: int = 40) -> str:
    """A value of a label column for a message, as " (first: 'x')"; "" where the column holds too many different ones
    to be labels.
    """
    return "" if len(set(column)) > _GROUPS else f" (first: {word[:most]!r})"


def settle(column: str) -> str:
    """Say how a config settles a doubt about labels of a column."""
    return (
        f'Say so in [groups]: map = {{ {column} = {{ "as written" = "Label" }} }} (a word mapped '
        f"to itself is a label of its own), "
        f'or missing = {{ {column} = ["as written"] }}'
    )
