"""``face-audit verify`` and ``face-audit compare``: what there is held against itself, against another run, and
against the user's limits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.cli.arguments import Cache, FailOn, Json, Junit, ResultsPath
from audit.cli.streams import print_json, say

__all__ = ["compare", "verify"]


def verify(
    results: ResultsPath,
    last_digits: Annotated[
        bool,
        typer.Option(
            "--last-digits", help="Accept numbers within 1 in 10^9: a run of a machine that rounds otherwise."
        ),
    ] = False,
    fail_on: FailOn = None,
    junit: Junit = None,
    json_: Json = False,
) -> None:
    """Check every sum; make every table, verdict and page again from what the run kept, and compare the bytes."""
    from audit import results as room
    from audit.base.errors import ResultsError
    from audit.cli.gate import Gate, of_result
    from audit.cli.junit import Case
    from audit.cli.limits import check_limits, parse_limit
    from audit.runs.verify import verify as check

    limits = [parse_limit(text) for text in fail_on or []]
    found = check(results, last_digits=last_digits)
    problems, more = found["problems"], {}
    result = room.read(results) if (limits or json_) and not problems else None
    gate = Gate(
        f"verify {results.name}", limits if result else [], lambda some: check_limits(some, result) if result else []
    )
    if json_:
        if result is not None:
            whole = of_result(result)
            more = {
                "tables": {name: whole[name] for name in ("rates", "ratios", "operating_points")},
                "findings": whole["findings"],
            }
        print_json(found | {"failed_limits": gate.failed, "limits": gate.plain()} | more)
    else:
        lines = [
            f"{results}: {found['files']} files as summed; {found['rates']} rates, {found['ratios']} "
            f"ratios, every other table, "
            "verdict and page made again, the same bytes.",
            f"Digest: {found['digest']}. It must be the one that the run printed and that its pages show.",
        ]
        say("\n".join(problems or lines))
    own = Case("every file as summed, every number and page made again", f"digest {found['digest']}", problems)
    refused = (
        [Case(one.text, "not looked at: the files do not agree", error="the files do not agree") for one in limits]
        if problems
        else []
    )
    gate.end(junit, [own, *refused])
    if problems:
        raise ResultsError(
            str(results),
            got=f"{len(problems)} problem{'s' * (len(problems) > 1)}",
            allowed="files and numbers that agree",
            todo="Run the audit again",
        )


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A results directory.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another, of the same people.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the comparison goes; results/compare-A-B where absent.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a comparison of the same name.")] = False,
    cache: Cache = None,
    fail_on: FailOn = None,
    junit: Junit = None,
    json_: Json = False,
) -> None:
    """Say what changed between two runs on the same people, beyond chance: two matchers, or before and after an
    update.
    """
    from audit import results as room
    from audit.cli.gate import Gate, rows
    from audit.cli.limits import check_comparison, parse_limit
    from audit.embeddings.store import Store
    from audit.report import compare_page
    from audit.runs.compare import compare as of
    from audit.runs.compare_reading import who_is_who

    limits = [parse_limit(text, comparing=True) for text in fail_on or []]
    a, b = room.settled(lambda: (room.read(first), room.read(second)), first, second)
    target = out or first.parent / f"compare-{a.config.name}-{b.config.name}"
    with room.usable(first, second), room.claim(target):
        number = who_is_who(a, b, Store(cache).folder, target)
        table = of(a, b, number)
        room.write_comparison(target, a, b, number, table, compare_page(a, b, table), replace=replace)
    gate = Gate(f"compare {a.config.name} {b.config.name}", limits, lambda some: check_comparison(some, table))
    if json_:
        print_json(
            {"comparison": str(target), "rows": rows(table), "failed_limits": gate.failed, "limits": gate.plain()}
        )
    else:
        say(f"Report: {target / 'report.html'}\nTable:  {target / 'comparison.csv'}")
    gate.end(junit)
