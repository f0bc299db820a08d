"""Make the embedded benchmark again: LFW's photographs in, ``samples.csv.gz`` and ``face_recognition.npz`` beside this
file out.

    python datasets/lfw/rebuild.py --data DIR [--out FOLDER] [--jobs N]

Photographs must be the deep-funneled copy, all of them. Distances are compared before and after the templates are
turned.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from audit.backends.protocol import Status
from audit.benchmark import manifest
from audit.benchmark.adapters import lfw
from audit.benchmark.embedded import write_embedded
from audit.embeddings.extract import extract
from audit.embeddings.store import Store


def main() -> int:
    """Run; exit code 3 where the photographs are not the ones the card knows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with LFW, deep-funneled")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--jobs", type=int, default=None)
    given = parser.parse_args()
    bench = manifest.load("lfw", given.data)
    found = lfw.whole_copy(bench.card, given.data)
    if found["same"] != bench.card.expected.samples:
        print(f"not the deep-funneled copy: {found}", file=sys.stderr)
        return 3
    paths = [Path(path) for path in bench.samples["path"]]
    made = extract(paths, "face_recognition", {}, jobs=given.jobs, store=Store(), progress=_progress)
    names = [Status(int(code)).name for code in made.status]
    if "ERROR" in names:
        print(f"{names.count('ERROR')} photographs ended in an error of the matcher; run again", file=sys.stderr)
        return 4
    out = write_embedded(bench, names, made.vectors, given.out, matcher="face_recognition")
    print(
        f"{out.samples.name}, {out.templates.name}: {made.counts()}; largest change of a distance "
        f"{out.largest_change:.2g}"
    )
    return 0


def _progress(done: int, total: int, cached: int) -> None:
    if done == total or done % 500 == 0:
        print(f"{done:,} of {total:,} photographs ({cached:,} known)", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
