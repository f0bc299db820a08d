"""Every command of ``face-audit``; each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from audit.cli import backend as backend_commands
from audit.cli import bench as bench_commands
from audit.cli import cache as cache_commands
from audit.cli import data as data_commands
from audit.cli.arguments import (
    Cache,
    ConfigPath,
    Data,
    FailOn,
    Jobs,
    Json,
    Junit,
    Limit,
    Offline,
    ResultsFolder,
    ResultsPath,
    Set,
)
from audit.cli.checks import compare, verify
from audit.cli.init import init
from audit.cli.review import review as review_command
from audit.cli.streams import answers_only, print_json, say
from audit.cli.validate import validate

app = typer.Typer(
    name="face-audit",
    help="The open demographic accuracy audit for face matchers.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(data_commands.app, name="data")
app.add_typer(backend_commands.app, name="backend")
app.add_typer(bench_commands.app, name="bench")
app.add_typer(cache_commands.app, name="cache")


def _version(wanted: bool) -> None:
    if wanted:
        from audit import __version__

        say(f"face-audit {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Measure how often a face matcher takes two different people for one, by
    demographic group, and how sure that is.
    """


@app.command()
@answers_only
def run(
    config: ConfigPath,
    data: Data = None,
    limit: Limit = None,
    jobs: Jobs = None,
    offline: Offline = False,
    set_: Set = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a results directory of the same name.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make every template again, whatever the cache holds.")
    ] = False,
    results: ResultsFolder = Path("results"),
    cache: Cache = None,
    fail_on: FailOn = None,
    junit: Junit = None,
    json_: Json = False,
) -> None:
    """Run one audit from its configuration; ends with the path of the report and the first finding."""
    from audit.config import load_config

    loaded = load_config(config, set_ or [])  # a mistake in it is told before anything heavy is imported
    from audit import results as room
    from audit.benchmark.card import find
    from audit.cli.gate import Gate, of_result
    from audit.cli.limits import check_limits, parse_limit, points_known
    from audit.cli.progress import ProgressLog, log
    from audit.report import render
    from audit.runs.pipeline import Settings
    from audit.runs.pipeline import run as walk

    limits = [parse_limit(text) for text in fail_on or []]
    if loaded.backend.name not in ("scores", "candidates"):  # these may add points of their own
        points_known(limits, [point.id for point in loaded.operating_points])
    target = results / loaded.name
    with room.held(target, replace=replace):
        log(data_commands.terms(find(loaded.benchmark.name)))
        with ProgressLog() as progress:
            settings = Settings(
                data=data,
                limit=limit,
                jobs=jobs,
                offline=offline,
                cache=cache,
                fresh=fresh,
                progress=progress,
                say=_say,
            )
            result = walk(loaded, settings)
        log("writing the report")
        digest = room.digest(result)
        room.write(result, target, render(result, digest=digest), replace=replace)
        for clean in settings.written:
            clean()
    page = target / "report.html"
    log(f"written: {target}")
    gate = Gate(f"run {loaded.name}", limits, lambda some: check_limits(some, result))
    doubts = [one.statement for one in result.findings if one.kind == "doubt"]
    finding = next(one for one in result.findings if one.kind != "doubt")
    if json_:
        first = {
            "results": str(target),
            "report": str(page),
            "digest": digest,
            "doubts": doubts,
            "finding": finding.statement,
        }
        print_json(first | {"failed_limits": gate.failed, "limits": gate.plain()} | of_result(result))
    else:
        if doubts:
            say("\nBefore any of this is quoted:\n" + "\n".join(f"- {text}" for text in doubts))
        say(f"\n{finding.statement}\n")
        if result.about.get("protocol"):
            say(_protocol_line(result.about["protocol"]) + "\n")
        say(f"Digest:   {digest}\nOne page: {target / 'summary.html'}\nReport:   {page}")
    gate.end(junit)


def _say(text: str) -> None:
    from audit.cli.progress import log

    if text:
        log(text)


def _protocol_line(found: dict[str, Any]) -> str:
    own, out = found["failures_do_not_match"], found["failures_left_out"]
    text = (
        f"{found['name']}, {found['folds']} folds: {own['mean']:.4f} of pairs decided rightly "
        f"(standard deviation {own['standard_deviation']:.4f}), "
        f"where a photo without a template never matches; {out['mean']:.4f} without the "
        f"{found['pairs_without_a_score']} pairs that have no score."
    )
    for other in found["published"]:
        text += f" Published by {other['by']}: {other['value']}. {other['why']}"
    return text


@app.command()
@answers_only
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
    """Say what a run would do: people and comparisons per cell, what is cached, time, memory, the smallest ratio each
    cell could show.
    """
    from audit.config import load_config
    from audit.runs.pipeline import Settings
    from audit.runs.plan import in_words, make_plan

    found = make_plan(
        load_config(config, set_ or []), Settings(data=data, limit=limit, jobs=jobs, offline=offline, cache=cache)
    )
    if json_:
        print_json(found)
    else:
        say(in_words(found))


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
        room.write_rendered(
            results, render(room.read(results), audience=audience, pdf=pdf, digest=room.folder_digest(results))
        )
    say(results / "report.html")
    if pdf:
        say(results / "report.pdf")


@app.command("ls")
def list_(
    what: Annotated[str, typer.Argument(help="backends, benchmarks, metrics or runs.")],
    results: ResultsFolder = Path("results"),
    json_: Json = False,
) -> None:
    """List what there is."""
    from audit.cli.listing import listing

    rows = listing(what, results)
    if json_:
        print_json([dict(zip(("name", "what"), row, strict=True)) for row in rows])
        return
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        say(f"{name:<{width}}  {text}")


@app.command()
def doctor(
    licences: Annotated[
        bool,
        typer.Option("--licences", help="Packages and model files that this audit stands on, and their licences."),
    ] = False,
    sbom: Annotated[
        Path | None, typer.Option("--sbom", help="Write them to a file as CycloneDX 1.6 (needs the extra 'sbom').")
    ] = None,
    json_: Json = False,
) -> None:
    """Say what is installed, what is missing and how to get it."""
    from audit.cli.doctor import examine

    if licences or sbom is not None:
        _licences(sbom, json_=json_)
        return
    rows = examine()
    if json_:
        print_json(rows)
        return
    for row in rows:
        say(
            f"{'ok     ' if row['ok'] else 'missing'}  {row['what']}: {row['found']}"
            + ("" if row["ok"] else f". {row['todo']}")
        )


def _licences(sbom: Path | None, *, json_: bool) -> None:
    from audit import __version__
    from audit.cli import licences

    if sbom is not None:
        sbom.write_text(licences.sbom(__version__), encoding="utf-8")
        say(f"written: {sbom}")
        return
    rows = licences.licences()
    if json_:
        print_json(rows)
        return
    for row in rows:
        say(
            f"{row['name']} {row['version'] if row['kind'] == 'package' else 'sha256 ' + row['version'][:12]}: "
            f"{row['licence']}"
        )


@app.command()
def schema(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Write it here; a configuration's first line `#:schema ./FILE` points editors to it."
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of the configuration, backends' options among it, for editors."""
    from audit.base.errors import ConfigError
    from audit.runs.config_schema import as_bytes

    if out is None:
        say(as_bytes().decode(), end="")
        return
    try:
        out.write_bytes(as_bytes())
    except OSError as error:
        got = f"{out}, which cannot be written ({error.strerror})"
        raise ConfigError("--out", got=got, allowed="a file in a folder that exists", todo="Name another") from error
    say(out)


@app.command()
@answers_only
def explain(
    term: Annotated[str, typer.Argument(help="A word, measure or symbol, e.g. FMR; or a backend, e.g. onnx.")],
    json_: Json = False,
) -> None:
    """Explain a term (plain sentence, formula, source) or list a backend's options."""
    from audit.cli.explain import explain_backend, explain_term

    asked = (explain_backend if ":" in term else explain_term)(term)
    if json_:
        print_json(asked.data)
    else:
        say(asked.text)


@app.command()
def index(results: ResultsFolder = Path("results")) -> None:
    """Write results/index.html: all runs with their first finding."""
    from audit.base.errors import ConfigError

    if not results.is_dir():
        raise ConfigError(
            "--results",
            got=f"{str(results)!r}, which is no folder",
            allowed="a folder of results",
            todo="Run an audit first",
        )
    from audit import results as room
    from audit.report import index_page

    entries = []
    for folder in room.runs(results):
        found = room.read(folder)
        with room.usable(folder):
            title = (
                f"{found.about['matcher'].get('product', found.about['matcher']['backend'])} on "
                f"{found.about['benchmark']['title']}"
            )
            entries.append(
                {
                    "name": folder.name,
                    "title": title,
                    "finding": room.headline(folder, found),
                    "limited": found.about["limited"],
                }
            )
    page = results / "index.html"
    page.write_bytes(index_page(entries))
    say(page)


@app.command()
def serve(
    results: ResultsFolder = Path("results"),
    port: Annotated[int, typer.Option("--port", help="Port on this machine; 0 takes a free one.")] = 8000,
) -> None:
    """Show the results folder in a browser on this machine only (127.0.0.1)."""
    from audit.cli.server import serve_folder

    serve_folder(results, port)


app.command()(verify)
app.command()(compare)
app.command()(validate)
app.command("init")(init)
app.command("review")(review_command)
