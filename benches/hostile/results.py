"""Random changes of a results directory, its sums written again each time: which of them does ``face-audit verify``
find?

    python benches/hostile/results.py results/quickstart --count 1000 --seed 1

Each change is made in a copy by one of: a byte of a file flipped, a digit of a text changed, a line taken out or
doubled, a file cut short, emptied, replaced by another file of the directory, taken away, or added; a value of an
array changed, an array renamed, cut or widened; a key of a JSON changed or taken out. Then SHA256SUMS and
PROVENANCE.sha256 are written as a forger would.

Outcomes: ``found`` (verify names a problem), ``refused`` (a ResultsError), ``clock`` (only ``provenance.json`` was
changed, which holds clock and machine and is under no digest), ``digest`` (no problem, but another digest than
before), ``missed`` (no problem and the same digest), and ``crash``. A forger who also makes every page again from
changed observations gets ``digest``: only the digest that the run printed shows that.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audit import results as files
from audit.base.errors import ResultsError
from audit.runs.verify import verify


class Tried(NamedTuple):
    """One change and what became of it."""

    kind: str
    name: str
    outcome: str
    said: str


def resum(folder: Path) -> None:
    """Write the sums again."""
    if (folder / files.CLOCK).is_file():
        (folder / files.CLOCK_SUM).write_bytes(files.lines_of(folder, [files.CLOCK]))
    (folder / files.SUMS).write_bytes(files.sums_of(folder))


def _flip(data: bytes, draw: random.Random) -> bytes:
    out = bytearray(data)
    out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    return bytes(out)


def _digit(data: bytes, draw: random.Random) -> bytes:
    places = [k for k, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return _flip(data, draw)
    out = bytearray(data)
    at = draw.choice(places)
    out[at] = 48 + (out[at] - 48 + draw.randint(1, 9)) % 10
    return bytes(out)


def _line(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    return b"\n".join(lines[:at] + ([] if draw.random() < 0.5 else [lines[at]] * 2) + lines[at + 1 :])


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def _array(data: bytes, draw: random.Random) -> bytes:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays: dict[str, Any] = dict(stored)
    name = draw.choice(sorted(arrays))
    array = arrays[name].copy()
    how = draw.randrange(4)
    if how == 0 and array.size and array.dtype.kind in "iuf":
        array.flat[draw.randrange(array.size)] += 1
    elif how == 1 and array.ndim:
        array = array[: len(array) // 2]
    elif how == 2:
        arrays[f"{name}x"] = arrays.pop(name)
        return files.npz(arrays)
    else:
        array = (
            array.astype(np.float64)
            if array.dtype.kind in "iu"
            else np.concatenate([np.atleast_1d(array), np.atleast_1d(array)])
        )
    arrays[name] = array
    return files.npz(arrays)


def _key(data: bytes, draw: random.Random) -> bytes:
    value = json.loads(data)
    part: Any = value
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            break
        key = draw.choice(keys)
        if isinstance(part[key], (dict, list)) and part[key] and draw.random() < 0.8:
            part = part[key]
            continue
        if draw.random() < 0.3:
            del part[key]
        else:
            part[key] = draw.choice([None, 0, 1, -1, 0.5, "x", "", [], {}, True])
        break
    return files.as_json(value)


def _change(folder: Path, draw: random.Random) -> tuple[str, str]:
    """Change one thing; give its kind and the file's name."""
    names = [name for name in files.files_of(folder) if name not in (files.SUMS, files.CLOCK_SUM)]
    name = draw.choice(names)
    path = folder / name
    data = path.read_bytes()
    content: list[Callable[[bytes, random.Random], bytes]] = [_flip, _digit, _line, _cut]
    content += [_array] * 4 if path.suffix == ".npz" else [_key] * 2 if path.suffix == ".json" else [_digit] * 2
    how = draw.randrange(10)
    if how < 7 and data:
        chosen = draw.choice(content)
        changed = chosen(data, draw)
        while changed == data:
            changed = _flip(data, draw)
        path.write_bytes(changed)
        return chosen.__name__.strip("_"), name
    if how == 7:
        path.unlink()
        return "taken away", name
    if how == 8:
        other = folder / draw.choice([one for one in names if one != name])
        if other.read_bytes() == data:
            path.write_bytes(b"")
        else:
            shutil.copyfile(other, path)
        return "another file", name
    (
        folder
        / f"{draw.choice(['figures/', 'tables/', ''])}added-{draw.randrange(10**6)}.{draw.choice(['csv', 'svg', 'html', 'npz', 'json'])}"
    ).write_bytes(data)
    return "added", name


def mutate(folder: Path, count: int, seed: int) -> list[Tried]:
    """Try ``count`` changes of copies of ``folder``."""
    draw = random.Random(seed)
    before = files.folder_digest(folder)
    tried = []
    with tempfile.TemporaryDirectory() as place:
        for k in range(count):
            copy = Path(shutil.copytree(folder, Path(place, f"{k}", folder.name)))
            kind, name = _change(copy, draw)
            resum(copy)
            said = ""
            try:
                found = verify(copy)
                said = found["problems"][0] if found["problems"] else ""
                same = found["digest"] == before
                outcome = "found" if said else "clock" if name == files.CLOCK else "missed" if same else "digest"
            except ResultsError as error:
                outcome, said = "refused", str(error)
            except Exception as error:
                outcome, said = "crash", f"{type(error).__name__}: {error}"
            tried.append(Tried(kind, name, outcome, said))
            shutil.rmtree(copy.parent)
    return tried


def main() -> None:
    """Print a table of kinds and outcomes; exit 1 where anything was missed or crashed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    assert verify(asked.folder)["problems"] == [], "the directory must verify before it is changed"
    started = time.perf_counter()
    tried = mutate(asked.folder, asked.count, asked.seed)
    outcomes = ("found", "refused", "clock", "digest", "missed", "crash")
    table = collections.Counter((one.kind, one.outcome) for one in tried)
    print("| change | " + " | ".join(outcomes) + " |\n|---|" + "---:|" * len(outcomes))
    for kind in sorted({one.kind for one in tried}):
        print(f"| {kind} | " + " | ".join(str(table[kind, outcome]) for outcome in outcomes) + " |")
    print("| all | " + " | ".join(str(sum(one.outcome == outcome for one in tried)) for outcome in outcomes) + " |")
    print(f"\n{len(tried)} changes of {asked.folder.name}, seed {asked.seed}, {time.perf_counter() - started:.0f} s")
    for one in tried:
        if one.outcome in ("digest", "missed", "crash"):
            print(one)
    raise SystemExit(any(one.outcome in ("digest", "missed", "crash") for one in tried))


if __name__ == "__main__":
    main()
