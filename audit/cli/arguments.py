"""Arguments and options that several commands share, each worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "ConfigPath",
    "ResultsPath",
    "Data",
    "Limit",
    "Jobs",
    "Offline",
    "Set",
    "Json",
    "Cache",
    "FailOn",
    "Junit",
    "ResultsFolder",
]

ConfigPath = Annotated[
    Path, typer.Argument(help="A configuration file, or the name of a shipped one such as quickstart.")
]
ResultsPath = Annotated[Path, typer.Argument(help="A results directory.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Folder of the benchmark's photographs; fetched where absent.")
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Use about N samples (whole people, spread over groups); the report says so."),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes that read photographs; all cores where absent.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Override a key: --set groups.minimum_subjects=20. May be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Template cache; FACE_AUDIT_CACHE or the user's cache folder where absent."),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        help="Exit 1 where a limit fails: 'FMR ratio>5', 'FNIR at any upper>0.1'. May be repeated; see "
        "configs/README.md.",
    ),
]
Junit = Annotated[Path | None, typer.Option("--junit", help="Write what held and what failed as JUnit XML.")]
ResultsFolder = Annotated[Path, typer.Option("--results", help="Folder in which results directories are made.")]
