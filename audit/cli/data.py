"""``face-audit data fetch | validate | describe``: benchmarks before any matcher is run. No names, no photographs in
the output.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.cli.streams import say

if TYPE_CHECKING:
    import pandas as pd

    from audit.benchmark.card import Card
    from audit.benchmark.describe import Description
    from audit.benchmark.manifest import Benchmark

app = typer.Typer(help="Fetch, check and describe labelled benchmarks.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="A benchmark, see `face-audit ls benchmarks`.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the benchmark's files; fetched where absent.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


def terms(card: Card) -> str:
    """Licence and permitted use, to be read before use."""
    return f"{card.title}\nLicence: {card.licence}\nPermitted use: {card.permitted_use}"


def _load(name: str, data: Path | None, offline: bool) -> Benchmark:
    from audit.benchmark.card import find
    from audit.benchmark.manifest import load
    from audit.cli.progress import ProgressLog, log

    log(terms(find(name)))
    with ProgressLog() as progress:
        return load(name, data, offline=offline, progress=lambda _, done, total: progress("fetch", done, total or 0))


@app.command()
def fetch(
    name: Name,
    data: Data = None,
    variant: Annotated[str, typer.Option("--variant", help="Which form of it.")] = "",
    offline: Offline = False,
) -> None:
    """Fetch a benchmark's files, where its publisher offers them; goes on where it stopped, checks every sum."""
    from audit.benchmark.card import find
    from audit.benchmark.fetch import default_data_dir, ensure
    from audit.cli.progress import ProgressLog, log

    card = find(name)
    log(terms(card))
    with ProgressLog() as progress:
        folder = ensure(
            card,
            data or default_data_dir(name),
            variant=variant or next(iter(card.variants), ""),
            offline=offline,
            progress=lambda _, done, total: progress("fetch", done, total or 0),
        )
    say(folder)


@app.command()
def validate(name: Name, data: Data = None, offline: Offline = False, json_: Json = False) -> None:
    """Compare a copy with what its card expects: samples, subjects, counts per cell, sums."""
    from audit.base.errors import BenchmarkError
    from audit.benchmark.describe import validate as check

    checks = check(_load(name, data, offline))
    wrong = [one for one in checks if not one.ok]
    if json_:
        say(json.dumps([{**dataclasses.asdict(one), "ok": one.ok} for one in checks], indent=1))
    else:
        for one in checks:
            say(f"{'ok   ' if one.ok else 'WRONG'}  {one.what}: expected {one.expected:,}, found {one.found:,}")
        if not checks:
            say("The card expects nothing in numbers.")
    if wrong:
        raise BenchmarkError(
            f"benchmark {name}",
            got=f"{len(wrong)} of {len(checks)} counts differ",
            allowed="what its card expects",
            todo="Fetch it again, or mend the card",
        )


@app.command()
def describe(
    name: Name,
    data: Data = None,
    offline: Offline = False,
    photographs: Annotated[
        bool, typer.Option("--photographs/--no-photographs", help="Read the photographs too.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the page (Markdown) here instead of printing it.")
    ] = None,
    json_: Json = False,
) -> None:
    """Make a page of counts per cell, samples per subject, label agreement, image sizes, near-duplicates and likely
    label errors.
    """
    from audit.benchmark.describe import describe as of
    from audit.cli.progress import ProgressLog

    benchmark = _load(name, data, offline)
    with ProgressLog() as progress:
        found = of(benchmark, photographs=photographs, progress=lambda done, total: progress("templates", done, total))
    text = json.dumps(_plain(found), indent=1, default=str) if json_ else _page(found)
    if out is None:
        say(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        say(out)


def _plain(found: Description) -> dict[str, Any]:
    frames = {name: json.loads(frame.to_json(orient="records")) for name, frame in _frames(found)}
    return {"summary": found.summary, **frames}


def _frames(found: Description) -> list[tuple[str, pd.DataFrame]]:
    named = [("cells", found.cells)]
    named += [(f"cells by {source}", frame) for source, frame in found.alternatives.items()]
    named += [
        ("samples per subject", found.samples_per_subject),
        ("label agreement", found.agreement),
        ("label disagreement", found.disagreement),
    ]
    named += [("image sizes", found.sizes), ("image quality", found.quality)]
    return [(name, frame) for name, frame in named if len(frame)]


def _page(found: Description) -> str:
    summary = found.summary
    lines = [f"# {summary['title']}", ""]
    lines += [
        f"- {key.replace('_', ' ')}: {value}"
        for key, value in summary.items()
        if key not in ("name", "title") and value not in (None, "", [])
    ]
    for name, frame in _frames(found):
        lines += [
            "",
            f"## {name.capitalize()}",
            "",
            "| " + " | ".join(map(str, frame.columns)) + " |",
            "|" + "---|" * len(frame.columns),
        ]
        for record in frame.itertuples(index=False):
            lines.append(
                "| "
                + " | ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in record)
                + " |"
            )
    across = found.near_duplicates
    if len(across):
        suspects = across[~across.same_subject]
        lines += [
            "",
            "## Likely label errors",
            "",
            f"{len(suspects)} pairs of near-duplicate photos carry two different people's labels (rows "
            f"of the benchmark):",
            "",
        ]
        lines += [
            f"- rows {row.row_a} and {row.row_b}, {row.bits} bits apart" for row in suspects.head(50).itertuples()
        ]
    return "\n".join(lines)
