"""Templates in, text out: the environments of pages (escaped) and of phrases (plain), and what both may call.

Its one idea: only the package's own templates are read, once.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined

from audit.report import about_the_test
from audit.report.figures.one_threshold import Figure
from audit.words import wording

__all__ = ["named", "page", "parts", "say"]


def _thousands(value: float) -> str:
    return f"{int(value):,}"


def _two_digits(share: float) -> float:
    return float(f"{share:.2g}")


def _picture(figure: Figure) -> str:
    """For print: a drawing of fixed width, as a data address."""
    return "data:image/svg+xml;base64," + base64.b64encode(figure.file.encode()).decode()


def parts(key: str) -> tuple[str, dict[str, str]]:
    """An evidence key's table and columns."""
    table, _, rest = key.partition(":")
    return table, dict(part.split("=", 1) for part in rest.split(";") if "=" in part)


_TABLE_WORDS = {
    "power": "what these people could show",
    "quality_matched": "with photo quality matched",
    "quality": "photo quality",
    "overrides": "corrections by people who looked",
    "acquisition": "photos and people",
    "operating_points": "thresholds",
}


def named(key: str, points: Mapping[str, str]) -> str:
    """An evidence key in words; ``points`` gives a threshold's short words by its id, which stays in the page for machines alone."""
    table, found = parts(key)
    words = [wording.measure_in_words(found["measure"])] if found.get("measure") else []
    words += [_TABLE_WORDS.get(table, table.replace("_", " "))] if table in _TABLE_WORDS or not words else []
    words += [wording.group_label(found["group"])] if found.get("group") else []
    words += [f"and {wording.group_label(found['other_group'])}"] if found.get("other_group") else []
    if found.get("reference"):
        words += [f"{'minus' if table == 'differences' else 'over'} {wording.group_label(found['reference'])}"]
    words += [f"{found['overrides']} corrections"] if found.get("overrides") else []
    words += ["by comparisons"] if found.get("weighting") == "comparisons" else []
    point = found.get("operating_point")
    return wording.capital(", ".join(words + ([f"at {points.get(point, 'another threshold')}"] if point else [])))


@cache
def _environments() -> tuple[Environment, Environment]:
    """The environment of phrases (plain text) and that of pages (escaped)."""
    loader = PackageLoader("audit.report", "templates")
    shared: dict[str, Any] = {"w": wording, "cap": wording.capital, "thousands": _thousands, "twodigits": _two_digits}
    phrases = Environment(loader=loader, autoescape=False, undefined=Undefined, trim_blocks=True)  # noqa: S701 - plain text, escaped where used
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    phrases.globals.update(shared | {"d": about_the_test})
    phrases_said = phrases.get_template("phrases.j2").module
    style, one_page, script = (phrases.get_template(name).render() for name in ("style.css", "summary.css", "report.js"))
    texts = {"style": style, "summary_style": one_page, "script": script}
    pages.globals.update(shared | texts | {"say": phrases_said, "picture": _picture, "d": about_the_test})
    pages.filters["cap"] = wording.capital
    pages.filters["lower_first"] = lambda words: words[:1].lower() + words[1:]
    return phrases, pages


def say() -> Any:
    """The phrases of ``phrases.j2``: macros that give plain text."""
    return _environments()[1].globals["say"]


def page(template: str, **context: Any) -> bytes:
    """A template filled, without blank lines."""
    pages = _environments()[1]
    text = pages.get_template(template).render(**context)
    return ("\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n").encode()
