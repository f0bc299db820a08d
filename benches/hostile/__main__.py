"""Ten thousand hostile inputs through the command line itself: each is used or refused, in bounded time and memory,
and nothing is miscounted.

    nice python -m benches.hostile                    # all kinds, their own counts: about 11,000 inputs
    nice python -m benches.hostile --share 0.02       # a taste
    nice python -m benches.hostile --only ONNX --seed 7

In: seeds and mutations by script (``changes.py``), one module a room. Every input goes through ``run_command_line`` in
a fork of its own (``sandbox.py``): 4 GB of address space, a time limit, folders of its own. Out: a table, one line a
kind: commands and inputs, exit codes, defects (70, or any code that is not documented), hangs, wrong numbers (a naive
reader of the same bytes counts again where the command ended well), messages that hold a word of a person's row, files
where none belongs, the slowest, the largest memory. Exit 1 where any of these is not 0, or memory passed 2 GB.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib
import json
import os
import random
import shutil
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from benches.hostile import sandbox, trials

DOCUMENTED = {0, 1, 2, 3, 4, 5}


def every_kind(base: Path, only: str) -> list[trials.Kind]:
    """All kinds whose name holds ``only`` (one of its words, between |); what they need is made in ``base``."""
    from benches.hostile import tables

    tables.prepare(base)
    found = tables.kinds(base)
    for name in ("matchers", "images", "places", "directories"):
        found += importlib.import_module(f"benches.hostile.{name}").kinds(base)
    return [kind for kind in found if any(word.casefold() in kind.name.casefold() for word in only.split("|"))]


def tried(kind: trials.Kind, wanted: int, seed: int, base: Path, kept: Path) -> dict[str, object]:
    """Run one kind; gives its line of the table. What went wrong is kept in ``kept``."""
    draw, seen = random.Random(f"{seed} {kind.name}"), collections.Counter[str]()
    slowest, peak, number = 0.0, 0, 0
    place = sandbox.Place.new(base / "trial")
    while seen["inputs"] < wanted:
        number += 1
        if number % 25 == 0 or not kind.room:
            place = sandbox.Place.new(base / "trial")
        try:
            trial = kind.make(draw, place)
        except (OSError, ValueError, tarfile.TarError):  # a change that even the seed's own writer cannot make
            place = sandbox.Place.new(base / "trial")
            continue
        outcome = sandbox.run(trial.arguments, place, allowed=trial.allowed, environment=trial.environment)
        seen["commands"] += 1
        seen["inputs"] += trial.inputs
        seen[f"exit {outcome.code}" if outcome.code in DOCUMENTED else "defect" if not outcome.hung else "hang"] += 1
        try:
            wrong = trial.check(outcome)
        except Exception as error:  # the naive reader could not read what the product read
            wrong = [f"reader: {type(error).__name__}: {error}"]
        told, strays = trials.secrets_in(outcome), outcome.strays
        seen["wrong"] += bool(wrong)
        seen["told"] += told
        seen["strays"] += bool(strays)
        slowest, peak = max(slowest, outcome.seconds), max(peak, outcome.peak_mb)
        if outcome.code not in DOCUMENTED or wrong or told or strays or outcome.peak_mb > sandbox.MEMORY_MB:
            where = kept / f"{kind.name.replace(' ', '-')}-{number}"
            with contextlib.suppress(shutil.Error, OSError):  # pipes and devices cannot be kept
                shutil.copytree(place.folder, where, symlinks=True, ignore_dangling_symlinks=True, dirs_exist_ok=True)
            said = {
                "code": outcome.code,
                "wrong": wrong,
                "told": told,
                "strays": strays[:5],
                "peak": outcome.peak_mb,
                "arguments": trial.arguments,
            }
            print(
                f"  {kind.name} {number}: {json.dumps(said)[:600]}\n    {outcome.err[-700:]}",
                file=sys.stderr,
                flush=True,
            )
            place = sandbox.Place.new(base / "trial")
    return {"kind": kind.name, **seen, "slowest": slowest, "peak": peak}


def side_by_side(found: list[trials.Kind], given: argparse.Namespace, base: Path) -> Iterator[dict[str, object]]:
    """Give the line of every kind as it ends; ``given.workers`` of them at a time, each in a process of its own."""
    waiting, running = collections.deque(enumerate(found)), dict[int, Path]()
    while waiting or running:
        while waiting and len(running) < given.workers:
            number, kind = waiting.popleft()
            place = base / f"kind-{number}"
            place.mkdir()
            sys.stdout.flush()
            pid = os.fork()
            if not pid:
                try:
                    line = tried(kind, max(1, round(kind.inputs * given.share)), given.seed, place, given.keep)
                    (place / "line.json").write_text(json.dumps(line))
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(1)
            running[pid] = place
        pid, status = os.wait()
        if pid in running:
            place = running.pop(pid)
            assert status == 0, f"{place.name} broke off"
            yield json.loads((place / "line.json").read_text())


HEADS = (
    "commands",
    "inputs",
    "exit 0",
    "exit 2",
    "exit 3",
    "exit 4",
    "exit 5",
    "defect",
    "hang",
    "wrong",
    "told",
    "strays",
)
WORDS = {
    "exit 0": "used (0)",
    "defect": "70 or worse",
    "hang": "hangs",
    "wrong": "wrong numbers",
    "told": "words of a row",
    "strays": "stray files",
}


def main() -> int:
    """Run, print, and give the exit code."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--share", type=float, default=1.0, help="of each kind's own number of inputs")
    asked.add_argument("--only", default="")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--workers", type=int, default=2, help="kinds at a time")
    asked.add_argument(
        "--keep",
        type=Path,
        default=Path(tempfile.gettempdir()) / f"hostile-{os.getuid()}",
        help="where failed trials are kept",
    )
    given = asked.parse_args()
    warnings.simplefilter("ignore")
    memory = Path("/dev/shm")
    began, lines = time.monotonic(), []
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        sandbox.warm()
        print("| kind | " + " | ".join(WORDS.get(head, head) for head in HEADS) + " | slowest s | peak MB |")
        print("|---|" + "---:|" * (len(HEADS) + 2), flush=True)
        found = every_kind(Path(name), given.only)
        for line in side_by_side(found, given, Path(name)):
            lines.append(line)
            print(_line(line), flush=True)
    whole: dict[str, object] = {
        "kind": "all",
        **{head: sum(int(str(line.get(head, 0))) for line in lines) for head in HEADS},
    }
    whole |= {name: max(float(str(line[name])) for line in lines) for name in ("slowest", "peak")}
    print(_line(whole))
    print(f"\nseed {given.seed}, {time.monotonic() - began:,.0f} s", flush=True)
    return int(
        any(int(str(whole[head])) for head in ("defect", "hang", "wrong", "told", "strays"))
        or float(str(whole["peak"])) > sandbox.MEMORY_MB
    )


def _line(found: dict[str, object]) -> str:
    numbers = " | ".join(f"{int(str(found.get(head, 0))):,}" for head in HEADS)
    return f"| {found['kind']} | {numbers} | {float(str(found['slowest'])):.1f} | {float(str(found['peak'])):,.0f} |"


if __name__ == "__main__":
    sys.exit(main())
