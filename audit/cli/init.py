"""``face-audit init``: from what a person has to a commented configuration and the table of ``plan``."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.streams import answers_only, say

__all__ = ["init"]

_QUESTION = re.compile(r"--column (\w+)|--(levels|labels|attributes)\b")


@answers_only
def init(
    path: Annotated[
        Path, typer.Argument(help="A folder of photographs, a table of scores or candidates, or a file of templates.")
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the audit and of its configuration; the folder's name where absent."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Table of labels, one row a photograph or one a person.")
    ] = None,
    attributes: Annotated[
        str | None, typer.Option("--attributes", help="Label columns to make groups of: race,sex.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Which column is what: --column subject=who. May be repeated.")
    ] = None,
    levels: Annotated[
        str | None, typer.Option("--levels", help="What the folders are, outermost first: race,sex,subject.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", help='Group that ratios are taken to: "race=White|sex=Male".')
    ] = None,
    backend: Annotated[
        str | None, typer.Option("--backend", help="Matcher for photographs; face_recognition where absent.")
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Who recorded the labels, in words.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a configuration of that name.")] = False,
    no_plan: Annotated[bool, typer.Option("--no-plan", help="Do not look at people and cost afterwards.")] = False,
) -> None:
    """Write a first configuration from what you have: photographs, scores, candidates or templates. Asks on a
    terminal, takes flags in scripts.
    """
    from audit.base.errors import ConfigError
    from audit.runs.config_schema import beside
    from audit.runs.draft_config import Given
    from audit.runs.first_config import look

    def split(text: str | None) -> list[str] | None:
        return [one.strip() for one in text.split(",") if one.strip()] if text else None

    pairs = dict(_pair(one) for one in column or [])
    given = Given(labels, split(attributes), pairs, split(levels), reference, backend, source)
    called = name or re.sub(r"[^a-z0-9._-]+", "-", path.resolve().stem.lower()).strip("-._") or "audit"
    target = Path(f"{called}.toml")
    if target.exists() and not replace:
        raise ConfigError(
            str(target), got="it is there already", allowed="a new name", todo="Give --name NAME, or --replace"
        )
    while True:
        try:
            draft = look(path, called, given)
            break
        except ConfigError as error:
            if not (sys.stdin.isatty() and _answered(error, given)):
                raise
    if draft.joined is not None:
        from audit.base.spreadsheet import to_table

        (draft.data / draft.table).write_bytes(to_table(draft.joined))
    target.write_text(draft.text, encoding="utf-8")
    beside(target)
    for note in draft.notes:
        say(f"- {note}")
    say(f"written: {target}" + (f" and {draft.data / draft.table}" if draft.joined is not None else ""))
    if not no_plan:
        _plan(target, draft.data)
    say(f"Next: look at {target}, then: face-audit run {target} --data {draft.data}")


def _pair(text: str) -> tuple[str, str]:
    from audit.base.errors import ConfigError
    from audit.runs.first_config import NAMES

    role, equals, column = text.partition("=")
    if not equals or role not in NAMES or not column:
        raise ConfigError(
            f"--column {text}", got="no ROLE=COLUMN", allowed=", ".join(NAMES), todo="For example --column subject=who"
        )
    return role, column


def _answered(error: Exception, given: object, ask: Callable[[str], str] = input) -> bool:
    """Ask for what a refusal names a flag for; whether there was an answer."""
    found = _QUESTION.search(str(error))
    if not found:
        return False
    print(error, file=sys.stderr)
    answer = ask(f"{found[0]}: ").strip()
    if not answer:
        return False
    if found[1]:
        given.columns = {**given.columns, found[1]: answer}  # type: ignore[attr-defined]
    else:
        value = Path(answer) if found[2] == "labels" else [one.strip() for one in answer.split(",")]
        setattr(given, found[2], value)
    return True


def _plan(target: Path, data: Path) -> None:
    """Say what ``plan`` says; what it cannot say yet is no reason to lose the configuration."""
    from audit.base.errors import AuditError
    from audit.config import load_config
    from audit.runs.pipeline import Settings
    from audit.runs.plan import in_words, make_plan

    try:
        config = load_config(target)
        if config.backend.name in ("scores", "candidates"):
            return
        say(in_words(make_plan(config, Settings(data=data, offline=True))))
    except AuditError as error:
        print(f"The plan asks for something first: {error}", file=sys.stderr)
