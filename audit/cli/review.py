"""``face-audit review``: a contact sheet of a run's extreme pairs from the user's own photographs, and the filled form
back as an override file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.streams import say

if TYPE_CHECKING:
    import pandas as pd

    from audit.observations.review_pairs import Located
    from audit.results import AuditResult

__all__ = ["review"]


def review(
    results: Annotated[Path, typer.Argument(help="A results directory.")],
    out: Annotated[
        Path,
        typer.Option("--out", help="New private folder for the sheet, or the override file to write with --collect."),
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the benchmark's photographs; fetched where absent.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="The limit that the run had, if it had one.")
    ] = None,
    collect: Annotated[
        Path | None, typer.Option("--collect", help="A filled answers.csv: write the override file it amounts to.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    cache: Annotated[
        Path | None, typer.Option("--cache", help="The cache that the run used, which knows who is who.")
    ] = None,
) -> None:
    """Look at the most alike pairs of different people and the least alike pairs of one person, blind to group."""
    from audit import results as room
    from audit.cli.progress import log
    from audit.runs import review_sheet

    if collect is None:
        review_sheet.check_folder(out, results)
    elif out.exists():
        from audit.base.errors import ResultsError

        raise ResultsError(
            str(out), got="a file that already exists", allowed="a new file", todo="Choose another name"
        )
    stored = room.read(results)
    located, before = _located(stored, str(results), data, limit, offline, cache)
    if collect is None:
        missing = review_sheet.write_sheet(located, out)
        log(f"{len(located)} pairs" + (f"; in {missing} of them a photo could not be read" if missing else ""))
        log("Private: photographs of people. Delete the folder when you are done.")
        say(f"Look at {out / 'index.html'}, fill in {out / 'answers.csv'}, then:")
        say(f"face-audit review {results} --data DIR --collect {out / 'answers.csv'} --out exclude.csv")
        return
    text = review_sheet.collect(collect, located, before)
    out.write_text(text, encoding="utf-8")
    say(
        f"{text.count(chr(10)) - 1} judgements in {out}. In the configuration: [benchmark] exclude "
        f'= "{out}", then run again.'
    )


def _located(
    stored: AuditResult, where: str, data: Path | None, limit: int | None, offline: bool, cache: Path | None
) -> tuple[list[Located], pd.DataFrame | None]:
    """The run's list with its samples, and the rows of the override file it used."""
    from audit.base.errors import ResultsError
    from audit.benchmark import overrides
    from audit.cli.progress import ProgressLog
    from audit.embeddings.store import Store
    from audit.observations import review_pairs, way_back
    from audit.runs.pipeline import Settings, load_benchmark

    if "review" not in stored.tables or stored.tallies is None:
        raise ResultsError(
            where,
            got="no review.csv",
            allowed="results of photographs that this audit compared",
            todo="Run the audit again",
        )
    kept = way_back.find(Store(cache).folder, stored.tallies)
    if kept is None:
        allowed = "the cache of the machine that ran this audit"
        raise ResultsError(
            where,
            got="no way back to people in the cache: results do not say who is who",
            allowed=allowed,
            todo=way_back.TODO,
        )
    exclude = stored.config.benchmark.exclude
    judged = overrides.load(Path(exclude)) if exclude else None
    if judged is not None and judged.sha256 != stored.about.get("overrides", {}).get("sha256"):
        raise ResultsError(
            "benchmark.exclude",
            got="an override file that changed since the run",
            allowed="the same file",
            todo="Run the audit again",
        )
    with ProgressLog() as progress:
        benchmark = load_benchmark(stored.config, Settings(data=data, limit=limit, offline=offline, progress=progress))
    left_out = sum(
        int(stored.acquisition[name].sum()) for name in ("duplicates", "conflicting") if name in stored.acquisition
    )
    located = review_pairs.locate(stored.tables["review"], benchmark, kept.person, stored.tallies.attempted, left_out)
    return located, None if judged is None else judged.rows
