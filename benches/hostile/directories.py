"""Damaged results directories and measurements, and whole command lines with words that no command expects."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benches.hostile.changes import PIECES, changed
from benches.hostile.sandbox import Outcome, Place, run
from benches.hostile.tables import SCORES_PLAIN, config
from benches.hostile.trials import Kind, Trial

__all__ = ["kinds", "odd_words"]

CHECKS = {"verify": 150, "report": 80, "compare": 60, "index": 60}


def odd_words(place: Place) -> list[str]:
    """Arguments that no command expects."""
    fifo = place.inside / "pipe"
    if not fifo.exists():
        os.mkfifo(fifo)
    (place.inside / "loop").unlink(missing_ok=True)
    (place.inside / "loop").symlink_to("loop")
    out = [
        "\0",
        "a\0b",
        "a" * 300,
        "a" * 5000,
        "/dev/zero",
        "/dev/full",
        "/dev/null",
        "/proc/self/mem",
        "/",
        ".",
        "..",
        "~",
        "",
        " ",
        "-",
        "--",
        "-x",
    ]
    out += [
        str(fifo),
        str(place.inside / "loop"),
        str(place.inside),
        "\udcff\udcfe",
        "é",
        "9" * 5000,
        "1e999",
        "nan",
        "-1",
        "0",
        "0x10",
        "١٢",
        "=",
        "a=b",
    ]
    return [
        *out,
        "[" * 3000,
        "{}",
        "*",
        "%s%n",
        "../../../etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x",
        "quickstart",
        "\u202e",
        "\n",
    ]


def measurements(seed: bytes) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        a, b = place.put("a.json", seed), place.put("b.json", changed(seed, draw))
        return Trial(["bench", "compare", *map(str, draw.sample([a, b], 2)), "--fail-on", "ratio>1.10"])

    return make


def results(run_made: Path, cache: Path, command: str) -> Callable[[random.Random, Place], Trial]:
    """A results directory with one or two changes; in half of them a forger writes the sums again."""
    sys.path.insert(0, str(Path(__file__).parent))
    import results as forger

    whole = {path: path.read_bytes() for path in run_made.rglob("*") if path.is_file()}

    def make(draw: random.Random, place: Place) -> Trial:
        copy = Path(shutil.copytree(run_made, place.folder / "runs" / "small"))
        for _ in range(draw.randint(1, 2)):
            if draw.random() < 0.5:
                forger._change(copy, draw)
            else:
                path = copy / draw.choice(sorted(one.name for one in copy.iterdir() if one.is_file()))
                path.write_bytes(changed(path.read_bytes(), draw))
        odd = False
        if draw.random() < 0.05:
            path = copy / draw.choice(sorted(one.name for one in copy.iterdir() if one.is_file()))
            path.unlink()
            odd = True
            draw.choice(
                [
                    os.mkfifo,
                    Path.mkdir,
                    lambda one: one.symlink_to("/dev/zero"),
                    lambda one: one.symlink_to("/etc/passwd"),
                ]
            )(path)
        if draw.random() < 0.5 and not odd:  # the sums of a pipe or of /dev/zero have no end
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                forger.resum(copy)
        asked = {
            "verify": ["verify", str(copy)],
            "report": ["report", str(copy)],
            "compare": ["compare", str(copy), str(run_made), "--out", "results/c"],
            "index": ["index", "--results", str(copy.parent)],
        }[command]

        def check(outcome: Outcome) -> list[str]:
            if any(_bytes(path) != data for path, data in whole.items()):
                return ["the other run was changed"]

            # Lead's note: the copy may hold /dev/zero or a huge sparse file; whole read_bytes() took 14 GB here. Sizes
            # first.
            def alike(path: Path) -> bool:
                other = copy / path.relative_to(run_made)
                return (
                    other.is_file()
                    and other.stat().st_size == path.stat().st_size
                    and other.read_bytes() == path.read_bytes()
                )

            if command == "verify" and outcome.code == 0:
                other = {
                    path.name for path, data in whole.items() if _bytes(copy / path.relative_to(run_made)) != data
                }
                if not other <= {"provenance.json", "PROVENANCE.sha256", "SHA256SUMS"}:
                    return [f"approved: {sorted(other)[:4]}"]
            return []

        environment = {"FACE_AUDIT_CACHE": str(cache)} if command == "compare" else {}
        return Trial(asked, 1, check, ("runs",), environment)

    return make


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def lines(run_made: Path) -> Callable[[random.Random, Place], Trial]:
    """Whole command lines with one to three words replaced, dropped, doubled or put in."""

    def make(draw: random.Random, place: Place) -> Trial:
        place.put("t.csv", SCORES_PLAIN)
        made, at = config(place, "scores", 'path = "t.csv"'), str(place.inside)
        copy = str(shutil.copytree(run_made, place.folder / "runs" / "small"))
        known = [
            [
                "run",
                made,
                "--data",
                at,
                "--offline",
                "--results",
                "results",
                "--limit",
                "9",
                "--jobs",
                "1",
                "--cache",
                "c",
                "--fail-on",
                "FMR ratio>5",
            ],
            ["plan", made, "--data", at, "--offline", "--set", "groups.minimum_subjects=20", "--json"],
            ["report", copy, "--audience", "auditor"],
            ["verify", copy, "--json", "--last-digits"],
            ["compare", copy, copy, "--out", "results/c"],
            ["ls", "runs", "--results", "results", "--json"],
            ["explain", "FMR", "--json"],
            [
                "init",
                f"{at}/t.csv",
                "--name",
                "z",
                "--column",
                "subject=id",
                "--attributes",
                "race",
                "--reference",
                "race=White",
                "--no-plan",
            ],
            ["data", "validate", "files", "--data", at, "--offline"],
            ["data", "describe", "files", "--data", at, "--offline", "--out", "results/d.md"],
            ["data", "fetch", "files", "--data", f"{at}/x", "--offline", "--variant", "v"],
            ["backend", "check", "templates", "--option", f"path={at}/t.npz"],
            ["bench", "compare", f"{at}/a.json", f"{at}/b.json", "--fail-on", "ratio>1.10"],
            ["cache", "ls", "--cache", "c"],
            ["cache", "purge", "templates", "--cache", "c", "--older-than", "1"],
            ["review", copy, "--out", "sheet", "--data", at, "--offline", "--limit", "5"],
            ["index", "--results", str(Path(copy).parent)],
            ["schema"],
            ["doctor", "--json"],
        ]
        words, odd = (
            list(draw.choice(known)),
            [*odd_words(place), *(one.decode("utf-8", "surrogateescape") for one in draw.sample(PIECES, 5))],
        )
        for _ in range(draw.randint(1, 3)):
            k = draw.randrange(1, len(words) + 1)
            way = draw.randrange(4)
            if way <= 1 and k < len(words):
                words[k] = draw.choice(odd)
            elif way == 2:
                words.insert(k, draw.choice(odd))
            elif k < len(words):
                words[k:k] = [words.pop(k)] * draw.randrange(3)
        if draw.random() < 0.02:
            words = [draw.choice(odd)]
        return Trial(
            words,
            1,
            allowed=("out", "inside/x", "inside/z.csv", "runs", "home"),
            environment={"FACE_AUDIT_HOME": str(place.inside)},
        )

    return make


def kinds(base: Path) -> list[Kind]:
    """All kinds; ``base`` holds one finished run."""
    run_made, cache = base / "review" / "results" / "small", base / "review" / "cache"
    place = Place.new(base / "measured")
    timed = run(
        ["bench", "--size", "300,16,euclidean", "--rounds", "3", "--threads", "1", "--out", "results/m.json"], place
    )
    (place.out / "results").mkdir(exist_ok=True)
    if timed.code:
        timed = run(
            ["bench", "--size", "300,16,euclidean", "--rounds", "3", "--threads", "1", "--out", "results/m.json"],
            place,
        )
    assert timed.code == 0, timed.err
    out = [Kind(f"results, {command}", count, results(run_made, cache, command)) for command, count in CHECKS.items()]
    return [
        *out,
        Kind("command lines", 600, lines(run_made)),
        Kind("measurements", 200, measurements((place.out / "results/m.json").read_bytes())),
    ]
