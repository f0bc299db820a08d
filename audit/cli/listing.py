"""``face-audit ls``: names on the left, one line of words on the right."""

from __future__ import annotations

from pathlib import Path

from audit.base.errors import ConfigError

__all__ = ["listing"]


def listing(what: str, results: Path) -> list[tuple[str, str]]:
    """Rows (name, words) of backends, benchmarks, metrics or runs."""
    if what == "backends":
        from audit.backends.registry import names

        return sorted(names().items())
    if what == "benchmarks":
        from audit.benchmark.card import all_cards

        return [(card.name, f"{card.title} ({card.holds}; {card.licence})") for card in all_cards()]
    if what == "metrics":
        from audit.words.terms import TERMS

        return [
            (key, f"{term.plain}{f' {term.formula}' if term.formula else ''}")
            for key, term in TERMS.items()
            if term.formula
        ]
    if what == "runs":
        from audit.results import runs

        return [(str(folder), _first_finding(folder)) for folder in runs(results)]
    raise ConfigError("ls", got=repr(what), allowed="backends, benchmarks, metrics, runs", todo="Choose one of these")


def _first_finding(folder: Path) -> str:
    """Give a run's answer; one that cannot be read says so and does not hide the others."""
    from audit.base.errors import ResultsError
    from audit.results import read

    try:
        findings = read(folder).findings
    except ResultsError as error:
        return f"(cannot be read: {error.got})"
    return findings[0].statement if findings else "(no finding)"
