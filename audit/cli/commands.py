"""Every command of ``face-audit``; each imports what it needs when it runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.cli import backend as backend_commands
from audit.cli import bench as bench_commands
from audit.cli import cache as cache_commands
from audit.cli import data as data_commands
from audit.cli.init import init
from audit.cli.review import review as review_command
from audit.cli.validate import validate

app = typer.Typer(
    name="face-audit",
    help="The open demographic accuracy audit for face matchers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(data_commands.app, name="data")
app.add_typer(backend_commands.app, name="backend")
app.add_typer(bench_commands.app, name="bench")
app.add_typer(cache_commands.app, name="cache")

ConfigPath = Annotated[Path, typer.Argument(help="A configuration file, or the name of a shipped one such as quickstart.")]
ResultsPath = Annotated[Path, typer.Argument(help="A results directory.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the benchmark's photographs; fetched where absent.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Use about N samples (whole people, spread over groups); the report says so.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Processes that read photographs; all cores where absent.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Override a key: --set groups.minimum_subjects=20. May be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Cache = Annotated[Path | None, typer.Option("--cache", help="Template cache; FACE_AUDIT_CACHE or the user's cache folder where absent.")]
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder in which results directories are made.")]


def _json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def _version(wanted: bool) -> None:
    if wanted:
        from audit import __version__

        print(f"face-audit {__version__}")
        raise typer.Exit


@app.callback()
def main(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """Measure how often a face matcher takes two different people for one, by demographic group, and how sure that is."""


@app.command()
def run(
    config: ConfigPath,
    data: Data = None,
    limit: Limit = None,
    jobs: Jobs = None,
    offline: Offline = False,
    set_: Set = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a results directory of the same name.")] = False,
    results: ResultsFolder = Path("results"),
    cache: Cache = None,
    fail_on: Annotated[list[str] | None, typer.Option("--fail-on", help="Exit 1 where a limit fails, e.g. 'FMR ratio>5'.")] = None,
    json_: Json = False,
) -> None:
    """Run one audit from its configuration; ends with the path of the report and the first finding."""
    from audit.config import load_config

    loaded = load_config(config, set_ or [])  # a mistake in it is told before anything heavy is imported
    from audit import results as room
    from audit.benchmark.card import find
    from audit.cli.limits import check_limits, parse_limit
    from audit.cli.progress import ProgressLog, log
    from audit.report import render
    from audit.runs.pipeline import Settings
    from audit.runs.pipeline import run as walk

    limits = [parse_limit(text) for text in fail_on or []]
    target = results / loaded.name
    with room.held(target, replace=replace):
        log(data_commands.terms(find(loaded.benchmark.name)))
        with ProgressLog() as progress:
            settings = Settings(data=data, limit=limit, jobs=jobs, offline=offline, cache=cache, progress=progress, say=_say)
            result = walk(loaded, settings)
        log("writing the report")
        digest = room.digest(result)
        room.write(result, target, render(result, digest=digest), replace=replace)
        for clean in settings.written:
            clean()
    page = target / "report.html"
    log(f"written: {target}")
    failed = check_limits(limits, result)
    doubts = [one.statement for one in result.findings if one.kind == "doubt"]
    first = next(one for one in result.findings if one.kind != "doubt")
    if json_:
        _json({"results": str(target), "report": str(page), "digest": digest, "doubts": doubts, "finding": first.statement, "failed_limits": failed})
    else:
        if doubts:
            print("\nBefore any of this is quoted:\n" + "\n".join(f"- {text}" for text in doubts))
        print(f"\n{first.statement}\n")
        if result.about.get("protocol"):
            print(_protocol_line(result.about["protocol"]) + "\n")
        print(f"Digest:   {digest}\nOne page: {target / 'summary.html'}\nReport:   {page}")
    for text in failed:
        log(f"limit failed: {text}")
    if failed:
        raise typer.Exit(1)


def _say(text: str) -> None:
    from audit.cli.progress import log

    if text:
        log(text)


def _protocol_line(found: dict[str, Any]) -> str:
    own, out = found["failures_do_not_match"], found["failures_left_out"]
    text = (
        f"{found['name']}, {found['folds']} folds: {own['mean']:.4f} of pairs decided rightly (standard deviation {own['standard_deviation']:.4f}), "
        f"where a photo without a template never matches; {out['mean']:.4f} without the {found['pairs_without_a_score']} pairs that have no score."
    )
    for other in found["published"]:
        text += f" Published by {other['by']}: {other['value']}. {other['why']}"
    return text


@app.command()
def plan(
    config: ConfigPath,
    data: Data = None,
    limit: Limit = None,
    jobs: Jobs = None,
    offline: Offline = False,
    set_: Set = None,
    cache: Cache = None,
    json_: Json = False,
) -> None:
    """Say what a run would do: people and comparisons per cell, what is cached, time, memory, the smallest ratio each cell could show."""
    from audit.config import load_config
    from audit.runs.pipeline import Settings
    from audit.runs.plan import in_words, make_plan

    found = make_plan(load_config(config, set_ or []), Settings(data=data, limit=limit, jobs=jobs, offline=offline, cache=cache))
    if json_:
        _json(found)
    else:
        print(in_words(found))


@app.command()
def report(
    results: ResultsPath,
    audience: Annotated[str, typer.Option("--audience", help="council or auditor.")] = "council",
    pdf: Annotated[bool, typer.Option("--pdf", help="Also make report.pdf (needs the extra 'pdf').")] = False,
) -> None:
    """Render a results directory again, without any template or photograph."""
    from audit import results as room
    from audit.base.errors import ConfigError
    from audit.report import render

    if audience not in ("council", "auditor"):
        raise ConfigError("--audience", got=repr(audience), allowed="council, auditor", todo="Choose one of these")
    with room.usable(results), room.claim(results):
        room.write_rendered(results, render(room.read(results), audience=audience, pdf=pdf, digest=room.folder_digest(results)))
    print(results / "report.html")
    if pdf:
        print(results / "report.pdf")


@app.command()
def verify(
    results: ResultsPath,
    last_digits: Annotated[
        bool, typer.Option("--last-digits", help="Accept numbers within 1 in 10^9: a run of a machine that rounds otherwise.")
    ] = False,
    json_: Json = False,
) -> None:
    """Check every sum; make every table, verdict and page again from what the run kept, and compare the bytes."""
    from audit.base.errors import ResultsError
    from audit.runs.verify import verify as check

    found = check(results, last_digits=last_digits)
    if json_:
        _json(found)
    else:
        print(
            "\n".join(
                found["problems"]
                or [
                    f"{results}: {found['files']} files as summed; {found['rates']} rates, {found['ratios']} ratios, every other table, "
                    "verdict and page made again, the same bytes.",
                    f"Digest: {found['digest']}. It must be the one that the run printed and that its pages show.",
                ]
            )
        )
    if found["problems"]:
        raise ResultsError(
            str(results),
            got=f"{len(found['problems'])} problem{'s' * (len(found['problems']) > 1)}",
            allowed="files and numbers that agree",
            todo="Run the audit again",
        )


@app.command("ls")
def list_(
    what: Annotated[str, typer.Argument(help="backends, benchmarks, metrics or runs.")], results: ResultsFolder = Path("results"), json_: Json = False
) -> None:
    """List what there is."""
    from audit.cli.listing import listing

    rows = listing(what, results)
    if json_:
        _json([dict(zip(("name", "what"), row, strict=True)) for row in rows])
        return
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        print(f"{name:<{width}}  {text}")


@app.command()
def doctor(json_: Json = False) -> None:
    """Say what is installed, what is missing and how to get it."""
    from audit.cli.doctor import examine

    rows = examine()
    if json_:
        _json(rows)
        return
    for row in rows:
        print(f"{'ok     ' if row['ok'] else 'missing'}  {row['what']}: {row['found']}" + ("" if row["ok"] else f". {row['todo']}"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    from audit.config import schema as of_config

    _json(of_config())


@app.command()
def explain(term: Annotated[str, typer.Argument(help="A word, measure or symbol, e.g. FMR.")], json_: Json = False) -> None:
    """Explain a term: plain sentence, formula, source."""
    from audit.words.terms import SOURCES
    from audit.words.terms import explain as look_up

    found = look_up(term)
    if json_:
        _json({"term": found.term, "symbol": found.symbol, "formula": found.formula, "plain": found.plain, "source": SOURCES.get(found.source, "")})
        return
    print(f"{found.term}{f' ({found.symbol})' if found.symbol else ''}\n  {found.plain}")
    if found.formula:
        print(f"  {found.formula}")
    if found.source:
        print(f"  {SOURCES[found.source]}", file=sys.stdout)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A results directory.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another, of the same people.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where the comparison goes; results/compare-A-B where absent.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a comparison of the same name.")] = False,
    cache: Cache = None,
    json_: Json = False,
) -> None:
    """Say what changed between two runs on the same people, beyond chance: two matchers, or before and after an update."""
    from audit import results as room
    from audit.embeddings.store import Store
    from audit.report import compare_page
    from audit.runs.compare import compare as of
    from audit.runs.compare import who_is_who

    a, b = room.settled(lambda: (room.read(first), room.read(second)), first, second)
    target = out or first.parent / f"compare-{a.config.name}-{b.config.name}"
    with room.usable(first, second), room.claim(target):
        number = who_is_who(a, b, Store(cache).folder, target)
        table = of(a, b, number)
        room.write_comparison(target, a, b, number, table, compare_page(a, b, table), replace=replace)
    if json_:
        _json({"comparison": str(target), "rows": json.loads(table.to_json(orient="records"))})
        return
    print(f"Report: {target / 'report.html'}\nTable:  {target / 'comparison.csv'}")


@app.command()
def index(results: ResultsFolder = Path("results")) -> None:
    """Write results/index.html: all runs with their first finding."""
    from audit import results as room
    from audit.report import index_page

    entries = []
    for folder in room.runs(results):
        found = room.read(folder)
        with room.usable(folder):
            title = f"{found.about['matcher'].get('product', found.about['matcher']['backend'])} on {found.about['benchmark']['title']}"
            entries.append({"name": folder.name, "title": title, "finding": room.headline(folder, found), "limited": found.about["limited"]})
    page = results / "index.html"
    page.write_bytes(index_page(entries))
    print(page)


@app.command()
def serve(
    results: ResultsFolder = Path("results"), port: Annotated[int, typer.Option("--port", help="Port on this machine; 0 takes a free one.")] = 8000
) -> None:
    """Show the results folder in a browser on this machine only (127.0.0.1)."""
    from audit.cli.server import serve_folder

    serve_folder(results, port)


app.command()(validate)
app.command("init")(init)
app.command("review")(review_command)
