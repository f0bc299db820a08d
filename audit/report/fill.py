"""Templates in, text out: the environments of pages (escaped) and of phrases (plain), and what both may call.

Its one idea: whatever a config, a table, a card or a matcher says of itself is text, and only the package's own
templates are markup. Phrases come back as plain text and are escaped where a page prints them; and each page carries a
policy that names, by sha256, the one style sheet and the one script that this package wrote into it, so that nothing
else could run or load even if it got in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined

from audit.report import about_the_people, about_the_test
from audit.report.figures.figure import Figure
from audit.words import wording

__all__ = ["compact", "named", "page", "parts", "policy", "say"]


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
    """An evidence key in words; ``points`` gives a threshold's short words by its id, which stays in the page for
    machines alone.
    """
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


class Plain:
    """The macros of a template as functions that give plain text.

    Jinja marks what a macro gives as safe markup when an escaped page calls it, whatever the macro's own environment;
    called through here it is text again, and the page escapes it.
    """

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., str]:
        macro = getattr(self._module, name)
        return lambda *values, **named: str(macro(*values, **named))


def compact(text: str) -> str:
    """Lines without trailing spaces, none blank: what a page does to itself, so that a sheet's sum is that of what
    stands in the page.
    """
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def _sum(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy(style: str, script: str = "") -> str:
    """A Content-Security-Policy that lets this style sheet and this script through, pictures inside the page, and
    nothing else.
    """
    scripts = f" script-src {_sum(script)};" if script else ""
    return f"default-src 'none'; style-src {_sum(style)};{scripts} img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _environments() -> tuple[Environment, Environment]:
    """The environment of phrases (plain text) and that of pages (escaped)."""
    loader = PackageLoader("audit.report", "templates")
    shared: dict[str, Any] = {"w": wording, "cap": wording.capital, "thousands": _thousands, "twodigits": _two_digits}
    phrases = Environment(loader=loader, autoescape=False, undefined=Undefined, trim_blocks=True)  # noqa: S701 - plain text, escaped where used
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    phrases.globals.update(shared | {"d": about_the_test})
    said = Plain(phrases.get_template("phrases.j2").module)
    pages.globals.update(shared | {"say": said, "picture": _picture, "d": about_the_test, "who": about_the_people})
    pages.filters["cap"] = wording.capital
    pages.filters["path"] = lambda name: quote(name, errors="replace")
    pages.filters["lower_first"] = lambda words: words[:1].lower() + words[1:]
    return phrases, pages


@cache
def _sheet(name: str) -> str:
    return compact(_environments()[0].get_template(name).render())


def say() -> Any:
    """The phrases of ``phrases.j2``: functions that give plain text."""
    return _environments()[1].globals["say"]


def page(template: str, *, summary: bool = False, script: bool = False, styles: str = "", **context: Any) -> bytes:
    """A template filled, without blank lines, under its own policy.

    Parameters
    ----------
    template : str
    summary : bool
        With the style of the one-page summary.
    script : bool
        With the script of the report.
    styles : str
        Style rules of this page alone; never words of anybody else.
    """
    style = compact("\n".join([_sheet("style.css"), _sheet("summary.css") if summary else "", styles]))
    code = _sheet("report.js") if script else ""
    text = (
        _environments()[1]
        .get_template(template)
        .render(style=style, script=code, policy=policy(style, code), **context)
    )
    return (compact(text) + "\n").encode(
        errors="replace"
    )  # half a surrogate pair, from an escape in somebody's JSON, is no text
