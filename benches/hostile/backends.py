"""Thousands of damaged files of templates, networks and answers: every one is used or refused, none ends in another
way, none hangs.

    python benches/hostile/backends.py --inputs 2000 --networks 100 --seed 1

In: seeds of each kind, changed at random (bytes flipped, cut, doubled, spliced, hostile pieces put in). Out: one line
a kind: used, refused, other, the slowest in seconds, the largest memory of this process in MB. "Used" and "refused"
are both right; npz is packed with a checksum, so what is used of it must hold the seed's numbers ("wrong" counts those
that do not). Exit code 1 where anything is "other" or "wrong".
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/backends"))

from audit.backends import apart
from audit.backends.answers import read_json, template_of
from audit.backends.onnx_files import external_files
from audit.backends.registry import make
from audit.base.errors import AuditError

PIECES = [
    b"\0",
    b"\n",
    b"\xff" * 8,
    b"\x7f" * 8,
    b"[" * 3000,
    b"9" * 5000,
    b"1e999",
    b"NaN",
    b'"id":',
    b"(2147483647, 2147483647)",
    b"|O",
    b"PK\3\4",
]
VECTORS = np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)
IDS = [f"s{n}" for n in range(20)]


def damaged(data: bytes, draw: random.Random) -> bytes:
    """One to three changes."""
    for _ in range(draw.randint(1, 3)):
        at, to = sorted((draw.randrange(len(data) + 1), draw.randrange(len(data) + 1)))
        way = draw.randrange(6)
        if way == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
        elif way == 1:
            data = data[:at]
        elif way == 2:
            data = data[:at] + data[to:]
        elif way == 3:
            data = data[:to] + data[at:to] + data[to:]
        elif way == 4:
            data = data[:at] + draw.choice(PIECES) + data[at:]
        else:
            piece = draw.choice(PIECES)
            data = data[:at] + piece + data[at + len(piece) :]
        data = data or b"x"
    return data


def written(kind: str) -> bytes:
    """A good file of templates."""
    out = io.BytesIO()
    if kind == "npy":
        np.save(out, VECTORS)
    elif kind == "npz":
        np.savez(out, vectors=VECTORS, sample_id=np.array(IDS))
    elif kind == "npz, packed":
        np.savez_compressed(out, vectors=VECTORS, sample_id=np.array(IDS))
    elif kind == "parquet, lists":
        pd.DataFrame({"sample_id": IDS, "vector": list(VECTORS)}).to_parquet(out)
    else:
        pd.DataFrame({"sample_id": IDS, **{f"v{n}": VECTORS[:, n] for n in range(16)}}).to_parquet(out)
    return out.getvalue()


def templates(kind: str, folder: Path) -> Callable[[bytes], bool]:
    """A try of one damaged file; False where its numbers are not those of the
    seed though a checksum vouches for them.
    """
    ending = kind[:3] if kind.startswith("np") else "parquet"
    (folder / "ids.csv").write_text("sample_id\n" + "\n".join(IDS) + "\n")

    def attempt(data: bytes) -> bool:
        (folder / f"t.{ending}").write_bytes(data)
        samples = {"samples": str(folder / "ids.csv")} if ending == "npy" else {}
        made = make("templates", {"path": str(folder / f"t.{ending}"), "measure": "euclidean", **samples})
        rows = made.lookup(IDS)
        return ending != "npz" or all(
            row.template is not None and (row.template == VECTORS[n]).all() for n, row in enumerate(rows)
        )

    return attempt


def answer(data: bytes) -> bool:
    """A line of JSON: read into a template of 16, or refused with ValueError."""
    try:
        said = read_json(data)
        values = template_of(said.get("template") if isinstance(said, dict) else said, 16)
    except ValueError as error:
        raise AuditError("line", got=str(error)) from error
    return values.shape == (16,) and bool(np.isfinite(values).all())


def network(folder: Path) -> Callable[[bytes], bool]:
    """A damaged network: walked for its files, and tried apart."""

    def attempt(data: bytes) -> bool:
        path = folder / "net.onnx"
        path.write_bytes(data)
        external_files(path)
        feeding = {
            "size": 112,
            "colour": "rgb",
            "layout": "nchw",
            "mean": [0, 0, 0],
            "scale": 1.0,
            "input": None,
            "output": None,
        }
        files = {"net": str(hash(data))}
        return bool(
            apart.tried("net.onnx", "network:trial", {"path": str(path), **feeding}, files=files, size=len(data))[
                "width"
            ]
        )

    return attempt


def main() -> int:
    """Run the bench and print its table."""
    reading = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reading.add_argument("--inputs", type=int, default=500, help="per kind")
    reading.add_argument("--networks", type=int, default=60)
    reading.add_argument("--seed", type=int, default=1)
    given = reading.parse_args()
    from tiny_onnx import block_means

    line = json.dumps({"id": 7, "status": "ACQUIRED", "template": VECTORS[0].tolist(), "quality": {"a": 1}}).encode()
    bad = 0
    print(f"{'kind':<18}{'inputs':>8}{'used':>8}{'refused':>9}{'wrong':>7}{'other':>7}{'slowest s':>11}{'MB':>7}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds: dict[str, tuple[bytes, Callable[[bytes], bool], int]] = {
            kind: (written(kind), templates(kind, folder), given.inputs)
            for kind in ("npy", "npz", "npz, packed", "parquet, lists", "parquet, columns")
        }
        kinds["JSON line"] = line, answer, given.inputs
        kinds["ONNX"] = block_means(), network(folder), given.networks
        for kind, (seed, attempt, count) in kinds.items():
            draw, seen, slowest = random.Random(f"{given.seed} {kind}"), collections.Counter[str](), 0.0
            for number in range(count):
                data, start = damaged(seed, draw), time.monotonic()
                try:
                    what = "used" if attempt(data) else "wrong"
                except AuditError:
                    what = "refused"
                except Exception as error:  # what this bench is for
                    what = "other"
                    print(f"  {kind} {number}: {type(error).__name__}: {str(error)[:120]}")
                seen[what] += 1
                slowest = max(slowest, time.monotonic() - start)
            bad += seen["wrong"] + seen["other"]
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(
                f"{kind:<18}{count:>8}{seen['used']:>8}{seen['refused']:>9}{seen['wrong']:>7}{seen['other']:>7}{slowest:>11.2f}{memory:>7}"
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
