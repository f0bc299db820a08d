"""``face-audit validate``: the published vectors, and how often each printed interval holds a planted truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.streams import say

__all__ = ["validate"]


def validate(
    full: Annotated[
        bool, typer.Option("--full", help="Every row of the study (tens of minutes); a short selection where absent.")
    ] = False,
    row: Annotated[list[str] | None, typer.Option("--row", help="Only this row; may be repeated.")] = None,
    replicates: Annotated[
        int, typer.Option("--replicates", min=1, help="Worlds drawn per row; 2,000 tell .93 from .95.")
    ] = 300,
    seed: Annotated[int, typer.Option("--seed")] = 20210212,
    threads: Annotated[int, typer.Option("--threads", min=1)] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write coverage.csv, vectors.csv and a README that reads them into this folder."),
    ] = None,
    parts: Annotated[
        Path | None,
        typer.Option("--parts", help="Keep every finished row in this folder, and go on from there after a stop."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Check the product against published vectors and planted truth; exit 1 where a vector differs or a printed
    interval misses its gate.
    """
    from audit.base.errors import ConfigError
    from audit.cli.progress import log
    from audit.validation import ROWS, SHORT, vectors
    from audit.validation import validate as study
    from audit.validation.publish import publish

    unknown = sorted(set(row or []) - set(ROWS))
    if unknown:
        raise ConfigError("--row", got=repr(unknown[0]), allowed=", ".join(ROWS), todo="Choose among these")
    exact = vectors()
    log(f"{len(exact)} vectors checked")
    coverage = study(replicates, seed, row or (list(ROWS) if full else SHORT), threads=threads, parts=parts)
    wrong = exact[~exact["agrees"]]
    missed = coverage[(coverage["verdict"] == "MISSES") & coverage["printed"].astype(bool)]
    if out is not None:
        publish(out, coverage, exact, seed)
        log(f"written to {out}")
    if json_:
        tables = {
            name: json.loads(table.to_json(orient="records"))
            for name, table in (("vectors", exact), ("coverage", coverage))
        }
        say(json.dumps(tables, indent=1))
    else:
        say(
            coverage[
                ["row", "quantity", "weighting", "method", "printed", "coverage", "monte_carlo_error", "verdict"]
            ].to_string(index=False)
        )
        printed = int(coverage["printed"].sum())
        say(
            f"\n{len(exact) - len(wrong)} of {len(exact)} vectors agree; {len(missed)} of {printed} "
            f"printed intervals are below the gate"
        )
    if len(wrong) or len(missed):
        raise typer.Exit(1)
