"""``face-audit bench`` and ``face-audit bench compare``: how fast here and now, and whether two measurements really
differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.cli.streams import answers_only, say

INTERRUPTED = 130

app = typer.Typer(help="Time the comparison core and a matcher; compare two measurements.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
@answers_only
def bench(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", help="Save the JSON here; printed to stdout where absent.")
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option("--size", help="N,D,measure, e.g. 13233,128,euclidean; may be repeated.")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=2, help="Times each is measured, in turn.")] = 7,
    threads: Annotated[int | None, typer.Option("--threads", min=1)] = None,
    path: Annotated[str, typer.Option("--path", help="auto, fast or portable.")] = "auto",
    backend: Annotated[str | None, typer.Option("--backend", help="Also time this matcher on --photos.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="key=value of the backend; may be repeated.")
    ] = None,
    photos: Annotated[Path | None, typer.Option("--photos", help="Folder of photographs.")] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="Photographs of the folder that are used, evenly spread.")
    ] = 40,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes, beside one; default all cores.")
    ] = None,
) -> None:
    """Time the comparison core against the raw matrix product it contains; with --backend also a matcher, step by
    step, and its memory.

    Ctrl-C ends it with exit code 130; what was measured until then goes to OUT.partial (or stdout).
    """
    if context.invoked_subcommand is not None:
        return
    from audit.cli.progress import log
    from audit.timing import Interrupted, run

    more = _matcher(backend, option or [], photos, count, jobs)
    if size:
        more["sizes"] = [_size(text) for text in size]
    _check(path, out)
    try:
        found = run(rounds=rounds, threads=threads, path=path, log=log, **more)
    except Interrupted as stop:
        if stop.result["entries"]:
            _write(stop.result, None if out is None else out.with_name(f"{out.name}.partial"))
        log(
            f"face-audit: interrupted; "
            f"{'what was measured is kept' if stop.result['entries'] else 'nothing had been measured'}."
        )
        raise SystemExit(INTERRUPTED) from None
    _write(found, out)


def _matcher(
    backend: str | None, option: list[str], photos: Path | None, count: int, jobs: int | None
) -> dict[str, Any]:
    """What ``run`` needs to time a matcher; nothing where none is named."""
    from audit.base.errors import ConfigError
    from audit.cli.backend import options_of, photographs_in

    if backend is None:
        if photos is not None or option:
            raise ConfigError(
                "--photos" if photos else "--option",
                got="no --backend",
                allowed="a matcher to time",
                todo="Give --backend NAME",
            )
        return {}
    if photos is None:
        raise ConfigError("--backend", got="no --photos", allowed="a folder of photographs", todo="Give --photos DIR")
    every = photographs_in(photos, most=10**9)
    if not every:
        raise ConfigError(
            "--photos",
            got=f"{photos}, which holds no photographs",
            allowed="jpg, jpeg, png, bmp, webp",
            todo="Give another folder",
        )
    chosen = [every[place * len(every) // min(count, len(every))] for place in range(min(count, len(every)))]
    return {"backend": backend, "options": options_of(option, None), "photographs": chosen, "jobs": jobs}


def _check(path: str, out: Path | None) -> None:
    """Refuse now what would only fail after minutes of timing."""
    from audit.base.errors import ConfigError

    if path not in ("auto", "fast", "portable"):
        raise ConfigError("--path", got=repr(path), allowed="auto, fast, portable", todo="Choose one of these")
    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise ConfigError(
            "--out", got=str(out), allowed="a file in a folder that exists", todo="Make the folder, or name a file"
        )


def _write(found: dict[str, Any], out: Path | None) -> None:
    text = json.dumps(found, indent=1)
    if out is None:
        say(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        say(out)


def _size(text: str) -> tuple[int, int, str]:
    from audit.base.errors import ConfigError

    parts = text.split(",")
    if len(parts) == 3 and parts[0].isdigit() and parts[1].isdigit() and parts[2] in ("euclidean", "cosine", "inner"):
        return int(parts[0]), int(parts[1]), parts[2]
    raise ConfigError(
        "--size",
        got=repr(text),
        allowed="N,D,measure with measure euclidean, cosine or inner",
        todo="e.g. --size 13233,128,euclidean",
    )


def _read(path: Path) -> dict[str, Any]:
    from audit.base.errors import ResultsError

    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(
            str(path),
            got=f"cannot be read ({type(error).__name__})",
            allowed="a file that `face-audit bench --out` wrote",
            todo="Measure again",
        ) from error
    return found


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="JSON of `face-audit bench`, before.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="JSON of `face-audit bench`, after.")],
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit 1 where a change beyond noise is larger than this.")
    ] = "ratio>1.10",
) -> None:
    """Print what became slower or faster, as Markdown; exit 1 on a regression beyond noise and beyond the limit."""
    from audit.timing import compare as of

    text, failed = of(_read(first), _read(second), fail_on)
    say(text, end="")
    if failed:
        raise typer.Exit(1)
