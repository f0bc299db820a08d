"""How many kills a run survives: the same command killed (-9) at random moments until it is through, against one that
nobody touched.

    python benches/kills.py --kills 60 --photos PHOTOS > kills.md

In: a folder of photographs, one sub-folder a person. Out: a table, per backend and phase: kills, and whether the
results were the same bytes in the end. Its one idea: nothing is simulated; real processes, real signals, a whole
command each time. Kills are aimed at phases by what the command says (or, for the last two, by files), then wait a
random moment. Comparisons are slowed (``_SLOW``) so that there is time to be killed in them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Stands before the command in the same process: every tile takes a tenth of a second longer, and each phase is said as
# it begins.
_SLOW = """
import sys, time
from audit.comparisons import kept_tiles, run_tiles
from audit.comparisons.kernels.portable import PortablePass
kept_tiles.FIRST_SECONDS = 0.05
PortablePass.rows = 2
real = PortablePass.run
def run(self, *args):
    time.sleep(0.1)
    return real(self, *args)
PortablePass.run = run
def said(module, name, phase):
    import importlib
    place = importlib.import_module(module)
    inner = getattr(place, name)
    def call(*args, **named):
        print("PHASE " + phase, file=sys.stderr, flush=True)
        return inner(*args, **named)
    setattr(place, name, call)
said("audit.runs.pipeline", "templates_of", "templates")
said("audit.runs.pipeline", "_with_photo_measures", "measures")
said("audit.runs.pipeline", "observe", "tiles")
said("audit.runs.pipeline", "again", "rates")
import audit.report
said("audit.report", "render", "pages")
said("audit.results", "write", "write")
if __name__ == "__main__":
    from audit.__main__ import main
    sys.exit(main())
"""
PHASES = {"templates": 6.0, "measures": 2.0, "tiles": 1.5, "rates": 4.0, "pages": 3.0, "write": 0.3}
"""Seconds within which the kill falls, from the moment the phase is said."""


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file but the clock's."""
    clock = ("provenance.json", "PROVENANCE.sha256")
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in clock
    }


def bench(folder: Path, photos: Path, count: int) -> None:
    """A benchmark of some people's photographs, with invented labels."""
    people = sorted(path for path in photos.iterdir() if path.is_dir())
    several = [person for person in people if len(list(person.glob("*.jpg"))) >= 3][: count // 3]
    rows = []
    for number, person in enumerate(several):
        for photo in sorted(person.glob("*.jpg"))[:3]:
            name = f"p{number:03d}_{photo.stem[-4:]}.jpg"
            shutil.copy(photo, folder / name)
            rows.append((name, f"person {number}", "ab"[number % 2]))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "subject", "group"), *rows])


def command(work: Path, backend: str, results: Path) -> list[str]:
    """The audit, as a command line."""
    config, models = (
        work / f"{backend}.toml",
        Path(os.environ.get("FACE_AUDIT_SHARED", "../shared")).resolve() / "models",
    )
    options = ""
    if backend == "onnx":
        options = (
            f'[backend.options]\npreset = "mobilenet_vggface2"\nmodel = "{models}/mobilenet_vggface2.onnx"\n'
            f'detector = "{models}/face_detection_yunet_2026may.onnx"\n'
            'detector_sha256 = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"\nface = "central"\n'
        )
    lines = (
        f'version = 1\nname = "{backend}"',
        '[benchmark]\nname = "files"\n[benchmark.options]\ntable = "labels.csv"',
        f'[backend]\nname = "{backend}"\n{options}',
        '[groups]\nattributes = { group = "group" }\nreference = "group=a"\nminimum_subjects = 2',
        '[[operating_points]]\nkind = "target_fmr"\ntarget = 0.01',
        '[quality]\nmeasure = true\n[compute]\npath = "portable"\n[uncertainty]\nreplicates = 100\n',
    )
    config.write_text("\n".join(lines), encoding="utf-8")
    cache = work / f"cache-{results.parent.name}-{backend}"
    slow = work / "slow.py"
    slow.write_text(_SLOW, encoding="utf-8")
    words = [
        "run",
        str(config),
        "--data",
        str(work / "bench"),
        "--results",
        str(results),
        "--cache",
        str(cache),
        "--offline",
        "--replace",
    ]
    return [sys.executable, str(slow), *words]


def killed(words: list[str], phase: str, wait: float) -> str:
    """Begin the command and kill it so long after a phase was said; "ended" if it was through before."""
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.strip() == f"PHASE {phase}":
                break
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            child.kill()
            return "killed"
        return "ended"


def main() -> int:
    """Kill, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--photos", type=Path, required=True, help="One sub-folder a person.")
    parser.add_argument("--samples", type=int, default=45)
    parser.add_argument("--backends", nargs="+", default=["face_recognition", "onnx"])
    parser.add_argument("--seconds", type=float, default=1e9, help="Stop after so many.")
    parser.add_argument("--seed", type=int, default=15)
    given = parser.parse_args()
    chance, begun = random.Random(given.seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        work = Path(place)
        (work / "bench").mkdir()
        bench(work / "bench", given.photos, given.samples)
        wanted, hit, same, tries = {}, Counter[tuple[str, str]](), Counter[tuple[str, str]](), 0
        for backend in given.backends:
            calm = subprocess.run(
                command(work, backend, work / "calm" / "results"), check=False, capture_output=True, text=True
            )
            if calm.returncode:
                print(calm.stderr, file=sys.stderr)
                return calm.returncode
            wanted[backend] = tree(work / "calm" / "results" / backend)
        jobs = [(given.backends[k % len(given.backends)], phase) for k in range(given.kills) for phase in PHASES]
        for backend, phase in jobs:
            if sum(hit.values()) >= given.kills or time.monotonic() - begun > given.seconds:
                break
            tries += 1
            for cache in work.glob(f"cache-k-{backend}"):
                if phase in ("templates", "measures"):
                    shutil.rmtree(cache)
            words = command(work, backend, work / "k" / "results")
            if killed(words, phase, chance.uniform(0, PHASES[phase])) == "killed":
                hit[backend, phase] += 1
                end = subprocess.run(words, check=False, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
                results = work / "k" / "results"
                hidden = [one.name for one in results.iterdir() if one.name.startswith(".")]
                tiles = work / f"cache-k-{backend}" / "tiles"
                left = tiles.is_dir() and any(tiles.iterdir())
                good = end.returncode == 0 and tree(results / backend) == wanted[backend] and not hidden and not left
                same[backend, phase] += good
                if not good:
                    print(
                        f"{backend}, {phase}: exit {end.returncode}, left {hidden} {left}\n{end.stderr[-800:]}",
                        file=sys.stderr,
                        flush=True,
                    )
        print("| backend | phase | killed | same bytes, nothing left |\n|---|---|---:|---:|")
        for backend in given.backends:
            for phase in PHASES:
                print(f"| {backend} | {phase} | {hit[backend, phase]} | {same[backend, phase]} |")
        print(
            f"| all | | {sum(hit.values())} | {sum(same.values())} |\n\n{tries} tries, "
            f"{time.monotonic() - begun:.0f} s, {os.cpu_count()} cores."
        )
    return int(sum(same.values()) < sum(hit.values()))


if __name__ == "__main__":
    sys.exit(main())
