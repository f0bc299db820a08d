"""Numbers and lists in words: "42 in 100,000", "2.5 times", "a, b and c".

Its one idea: one rule of rounding for every sentence, table and figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

__all__ = [
    "capital",
    "count",
    "denominator",
    "duration",
    "exact",
    "factor",
    "joined",
    "number",
    "out_of",
    "people",
    "percent",
    "times",
    "told_apart",
    "whole",
]


def number(value: float) -> str:
    """At most two significant digits, thousands separated: 1,234 is "1,200" and .0314 is ".031" written "0.031"."""
    if not math.isfinite(value):
        return "unlimited" if value > 0 else "unknown"
    rounded = float(f"{value:.1e}")
    if rounded == 0 or abs(rounded) >= 10:
        return f"{rounded:,.0f}"
    places = max(0, 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact(value: float) -> str:
    """A threshold: the shortest digits that read back to the same number, so that it decides every tie as it did and
    no two look alike.
    """
    if not math.isfinite(value):
        return number(value)
    text = repr(float(value))
    text = format(Decimal(text), "f") if "e" in text and 1e-9 <= abs(value) < 1e21 else text
    return text.removesuffix(".0")


def told_apart(value: float, others: Iterable[float], least: int = 4) -> str:
    """A threshold for a sentence: "about" and its first ``least`` digits, or as many more as tell it from every other
    threshold; else ``exact``.

    The digits may decide another score than the threshold did, which is why "about" stands before them and the exact
    value in a table.
    """
    full = exact(value)
    if not math.isfinite(value):
        return full
    apart = [other for other in others if math.isfinite(other) and other != value]
    for digits in range(least, 17):
        short = _digits(value, digits)
        if short == full:
            return full
        if all(short not in (_digits(other, digits), exact(other)) for other in apart):
            return f"about {short}"
    return full


def _digits(value: float, digits: int) -> str:
    return exact(float(f"{value:.{digits}g}"))


def whole(value: float) -> str:
    """A count, exact, thousands separated."""
    return f"{int(value):,}"


def count(value: float, singular: str, plural: str | None = None) -> str:
    """An exact count with its noun: "1 photo", "12 photos"."""
    return f"{whole(value)} {singular if int(value) == 1 else plural or singular + 's'}"


def people(value: float) -> str:
    """``count`` for people; NaN says that nobody knows how many."""
    return "an unknown number of people" if value != value else count(value, "person", "people")


def duration(seconds: float) -> str:
    """Clock time, two digits: "12 seconds", "3.5 minutes", "2 hours"."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= size:
            text = number(seconds / size)
            return f"{text} {unit}{'' if text == '1' else 's'}"
    text = number(seconds)
    return f"{text} second{'' if text == '1' else 's'}"


def capital(words: str) -> str:
    """The first letter large, the rest untouched."""
    return words[:1].upper() + words[1:]


def joined(parts: Iterable[str], last: str = "and") -> str:
    """A list in words: "a", "a and b", "a, b and c"."""
    items = list(parts)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def denominator(rates: Iterable[float], least: int = 1000) -> int:
    """The one denominator for a set of rates: the smallest power of ten (from ``least``) at which each, at two digits,
    is a whole number.

    Zeros and missing rates do not decide; rates of .30 and .013 give 1,000; 1.7e-4 and 3e-5 give 100,000 ("17 against
    3").
    """
    per = least
    for rate in rates:
        if not math.isfinite(rate) or rate <= 0:
            continue
        digits, exponent = f"{rate:.1e}".split("e")
        places = -int(exponent) + (0 if digits.endswith(".0") else 1)
        per = max(per, 10**places)
    return per


def out_of(rate: float, per: int, *, under: str = "under ") -> str:
    """The count in ``per``, two digits: .302 in 1,000 is "300". A rate below 1 is never rounded up to all."""
    if not math.isfinite(rate):
        return "unknown"
    if 0 < rate * per < 0.1:
        return f"{under}0.1"
    text = number(rate * per)
    if rate < 1 and text == f"{per:,}":
        return number(math.floor(rate * 100) / 100 * per)
    return text


def percent(share: float) -> str:
    """A level such as .95: "95 %"."""
    return f"{share * 100:.4g} %"


def factor(ratio: float) -> str:
    """A ratio as every sentence, figure and table prints it: two digits, "1.0" and never "1"; "under 0.01" for what is
    nearly nothing.
    """
    if 0 < ratio < 0.01:
        return "under 0.01"
    text = number(ratio)
    return "1.0" if text == "1" else text


def times(ratio: float) -> str:
    """A ratio, two digits: "3 times"."""
    return f"{factor(ratio)} times"
