"""``face-audit cache ls | purge``: what is kept of photographs outside the results, and its end."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.streams import say

if TYPE_CHECKING:
    from audit.base.cache_folder import Entry

app = typer.Typer(help="List and remove what is kept outside results.", no_args_is_help=True, rich_markup_mode=None)

Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Cache folder; FACE_AUDIT_CACHE or the user's cache folder where absent."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def _found(cache: Path | None) -> tuple[Path, list[Entry]]:
    from audit.base.cache_folder import entries
    from audit.embeddings.store import Store

    folder = Store(cache).folder
    return folder, entries(folder)


def _date(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()


@app.command("ls")
def list_(cache: Cache = None, json_: Json = False) -> None:
    """List what is kept: kind, name, files, megabytes, day of the newest file."""
    from audit.base.cache_folder import KINDS

    folder, found = _found(cache)
    if json_:
        rows = [
            {"kind": e.kind, "name": e.name, "files": e.files, "bytes": e.bytes, "newest": _date(e.newest)}
            for e in found
        ]
        say(json.dumps({"folder": str(folder), "entries": rows}, indent=1))
        return
    say(f"{folder}: {sum(one.bytes for one in found) / 1e6:,.1f} MB")
    for kind, what in KINDS.items():
        own = [one for one in found if one.kind == kind]
        if own:
            say(f"{kind}: {what}")
        for one in own:
            say(f"  {one.name or '(here)':<34}{one.files:>7,} files {one.bytes / 1e6:>10,.1f} MB  {_date(one.newest)}")


@app.command()
def purge(
    what: Annotated[list[str] | None, typer.Argument(help="Kinds or names that `cache ls` prints.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that `cache ls` prints, but people.")] = False,
    older_than: Annotated[
        float, typer.Option("--older-than", min=0.0, help="Only files that nobody has written to for so many days.")
    ] = 0.0,
    cache: Cache = None,
    json_: Json = False,
) -> None:
    """Remove what is named; the next run makes again what it needs. Benchmarks that were fetched stay."""
    from audit.base.cache_folder import FOR_GOOD, KINDS, remove
    from audit.base.errors import ConfigError

    folder, found = _found(cache)
    known = set(KINDS) | {one.name for one in found if one.name}
    wanted = set(what or [])
    if wanted - known or bool(wanted) == all_:
        got = f"{sorted(wanted - known)[0]!r}" if wanted - known else "names and --all" if all_ else "nothing named"
        raise ConfigError(
            "cache purge", got=got, allowed=f"--all, or {', '.join(KINDS)} or a name", todo="See `face-audit cache ls`"
        )
    files, size = remove(
        [one for one in found if (all_ and one.kind not in FOR_GOOD) or one.kind in wanted or one.name in wanted],
        older_than,
    )
    if json_:
        say(json.dumps({"folder": str(folder), "files": files, "bytes": size}))
    else:
        say(f"{files:,} files, {size / 1e6:,.1f} MB removed from {folder}")
