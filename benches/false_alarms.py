"""How often ``face-audit bench compare`` calls a change where nothing changed, and how often it finds a planted one.
Real runs, each a process.

    python benches/false_alarms.py --pairs 20 [--planted 0.2] [--size 4000,128,euclidean] [--backend onnx --photos DIR]
    [--keep DIR]

Runs follow each other as two measurements of one machine would: pair k is runs 2k and 2k + 1, of which the second is
slower by ``--planted``: after every call of the core or the matcher it spins for that share of what the call took.
Printed per entry: calls of "slower", of "faster", failures under ``--fail-on``, and the spread of the ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from audit import timing


def one(chosen: argparse.Namespace) -> None:
    """Measure once, in this process, and write it to ``--one``."""
    from slowed import spun

    from audit.cli.bench import _matcher, _size
    from audit.timing import measure

    share, compare_all = float(os.environ["SLOWED"]), measure.compare_all
    measure.compare_all = lambda *given, **named: spun(lambda: compare_all(*given, **named), share)  # type: ignore[assignment]
    more = {}
    if chosen.backend:
        more = _matcher(
            "slowed:make", [f"backend={chosen.backend}", *chosen.option], chosen.photos, chosen.count, None
        )
    sizes = [_size(text) for text in chosen.size]
    chosen.one.write_text(json.dumps(timing.run(sizes=sizes, rounds=chosen.rounds, **more)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--planted", type=float, default=0.0)
    parser.add_argument("--size", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--backend")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--fail-on", default="ratio>1.10")
    parser.add_argument("--keep", type=Path, help="folder for the runs' JSON")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        one(chosen)
        return
    keep = chosen.keep or Path(tempfile.mkdtemp())
    keep.mkdir(parents=True, exist_ok=True)
    failures, calls = 0, {}
    for pair in range(chosen.pairs):
        files = [keep / f"{2 * pair + second:03}.json" for second in (0, 1)]
        for file, share in zip(files, (0.0, chosen.planted), strict=True):
            environment = {
                **os.environ,
                "SLOWED": str(share),
                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path[1:]]),
            }
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", str(file)], env=environment, check=True)
        text, failed = timing.compare(*(json.loads(file.read_text()) for file in files), chosen.fail_on)
        failures += failed
        for name, ratio, verdict in re.findall(
            r"^\| (.*?) \|.*\| ([0-9.]+)(?: \([^|]*)? \| ([^|]*) \|$", text, re.MULTILINE
        ):
            calls.setdefault(name, []).append((float(ratio), verdict))
    print(f"planted {chosen.planted:g}: {failures} of {chosen.pairs} pairs fail under {chosen.fail_on!r}\n")
    print("| entry | slower | faster | beyond | ratio, median (lowest to highest) |\n|---|---:|---:|---:|---:|")
    for name, rows in calls.items():
        ratios = np.array([ratio for ratio, _ in rows])
        counts = [sum(verdict.startswith(word) for _, verdict in rows) for word in ("slower", "faster")]
        beyond = sum("beyond" in verdict and "noise" not in verdict for _, verdict in rows)
        print(
            f"| {name} | {counts[0]} | {counts[1]} | {beyond} | {np.median(ratios):.3f} "
            f"({ratios.min():.3f} to {ratios.max():.3f}) |"
        )


if __name__ == "__main__":
    main()
