"""``face-audit backend check``: the contract suite for a matcher, one's own or a third party's."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.cli.streams import answers_only, say

app = typer.Typer(help="Try a matcher before auditing it.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def backend() -> None:
    """Try a matcher before auditing it."""


def options_of(items: list[str], config: Path | None) -> dict[str, Any]:
    """Options from a config's [backend.options], then ``key=value`` on top."""
    from audit.base.errors import ConfigError
    from audit.config import load_config

    options = dict(load_config(config).backend.options) if config is not None else {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals:
            raise ConfigError("--option", got=repr(item), allowed="key=value", todo="e.g. --option upsample=2")
        try:
            options[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            options[key] = value
    return options


def photographs_in(folder: Path | None, *, most: int) -> list[Path]:
    """The first ``most`` image files below a folder, in order of their paths; none without a folder."""
    from audit.base.errors import ConfigError

    if folder is None:
        return []
    if not folder.is_dir():
        raise ConfigError(
            "--photos",
            got=f"{folder}, no such folder",
            allowed="a folder of photographs",
            todo="Give one, or leave it out",
        )
    return _images(folder)[:most]


def _images(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp", ".webp")
    )


def known_people(folder: Path | None, *, most: int) -> list[tuple[Path, str]]:
    """Two photographs each of the first ``most`` people, where folders hold one person each; none where no folder
    holds two.

    Folders that hold one photograph are taken too, so that there are other people to compare with.
    """
    if folder is None:
        return []
    by_folder: dict[Path, list[Path]] = {}
    for path in _images(folder):
        if path.parent != folder:
            by_folder.setdefault(path.parent, []).append(path)
    twice = sorted((name for name, paths in by_folder.items() if len(paths) > 1), key=str)[:most]
    if not twice or len(by_folder) < 2:
        return []
    others = sorted((name for name in by_folder if name not in twice), key=str)[: most - len(twice)]
    return [(path, str(name)) for name in (*twice, *others) for path in by_folder[name][:2]]


@app.command()
@answers_only
def check(
    name: Annotated[str, typer.Argument(help="A backend, see `face-audit ls backends`; or module:function.")],
    option: Annotated[list[str] | None, typer.Option("--option", help="key=value; may be repeated.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Take the options from this config.")] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            help="Photographs with one face each, best in a folder for each person: then separation is "
            "measured first.",
        ),
    ] = None,
    huge: Annotated[bool, typer.Option("--huge/--no-huge", help="Also try an image of 24 megapixels.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Run the contract suite: whether it tells people apart (said first), shapes, repeatability, batches, odd images,
    symmetric scores, speed.
    """
    from audit.backends.check_apart import check_apart
    from audit.base.errors import BackendError

    rows = check_apart(
        name,
        options_of(option or [], config),
        photos=photographs_in(photos, most=20),
        huge=huge,
        known=known_people(photos, most=20),
    )
    if json_:
        say(json.dumps([row._asdict() for row in rows], indent=1))
    else:
        for row in rows:
            say(
                f"{'ok     ' if row.passed else 'skipped' if row.passed is None else 'FAILED '}  "
                f"{row.check}: {row.detail}"
            )
    failed = [row.check for row in rows if row.passed is False]
    if failed:
        raise BackendError(
            f"backend {name}",
            got=f"{len(failed)} of {len(rows)} checks failed: {'; '.join(failed)}",
            allowed="a matcher for which every check passes or is skipped",
            todo="Each line above says what came back; audit/backends/README.md says what is expected",
        )
