"""Thousands of damaged tables, configs, cards and archives at the doors: every one is read or refused, none ends in another way, none hangs.

    python benches/hostile/doors.py --inputs 2000 --seed 1

In: seeds of each kind, changed at random (bytes flipped, cut, doubled, spliced, hostile pieces put in). Out: one line a kind:
read, refused, other, the slowest in seconds. Exit code 1 where anything ended otherwise than in an ``AuditError``.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from audit.base.errors import AuditError
from audit.base.tables import read
from audit.benchmark.card import Card
from audit.benchmark.fetch import unpack
from audit.benchmark.manifest import load
from audit.config import AuditConfig, parse_config
from audit.outputs.options import ScoresOptions
from audit.outputs.pair_scores import read_pairs
from audit.outputs.read import Label

PIECES = [
    b"\0",
    b"\r",
    b"\n",
    b'"',
    b",",
    b";",
    b"\t",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe9",
    b"nan",
    b"1e999",
    b"[" * 3000,
    b"9" * 5000,
    b"../",
    b"a" * 400,
    b"#",
    b"|",
    b"=",
    b"-1",
    b"\xed\xa0\x80",
]
CSV = b"score,mated,race_a,race_b,subject_a,subject_b\n" + b"".join(
    b"0.%d,%d,White,Black,p%d,p%d\n" % (k, k % 2, k, k if k % 2 else k + 1) for k in range(1, 30)
)
LABELS = b"path,subject,race,age\n" + b"".join(b"%d.jpg,p%d,%s,%d\n" % (k, k // 2, b"White" if k % 4 < 2 else b"Black", 20 + k) for k in range(30))
TOML = b"""version = 1
name = "x"
[benchmark]
name = "outputs"
[backend]
name = "scores"
[backend.options]
path = "t.csv"
[groups]
attributes = { race = "race" }
reference = "race=White"
[[operating_points]]
kind = "fixed"
threshold = 0.5
"""


def changed(seed: bytes, rng: random.Random) -> bytes:
    """Change a seed one to four times."""
    out = bytearray(seed)
    for _ in range(rng.randint(1, 4)):
        at, way = rng.randrange(len(out) + 1), rng.randrange(5)
        if way == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif way == 1:
            out = out[:at]
        elif way == 2:
            out[at:at] = rng.choice(PIECES)
        elif way == 3:
            del out[at : at + rng.randrange(20)]
        else:
            out[at:at] = out[rng.randrange(len(out) + 1) :][: rng.randrange(60)]
    return bytes(out)


def doors(folder: Path) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Each kind's seed, and what is done with it."""
    config, label = AuditConfig.model_validate({**__import__("tomllib").loads(TOML.decode())}), {"race": Label(lambda one: one, "")}
    parquet, tar, bundle = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pd.read_csv(io.BytesIO(CSV)).to_parquet(parquet)
    with tarfile.open(fileobj=tar, mode="w:gz") as out, zipfile.ZipFile(bundle, "w") as two:
        for name in ("a/b.txt", "a/c.txt"):
            out.addfile(tarfile.TarInfo(name), io.BytesIO())
            two.writestr(name, b"x" * 50)

    def put(name: str, body: bytes) -> Path:
        (folder / name).write_bytes(body)
        return folder / name

    def pairs(body: bytes) -> object:
        put("t.csv", body)
        return read_pairs(ScoresOptions(path="t.csv"), config, label, folder)

    def labels(body: bytes) -> object:
        put("labels.csv", body)
        return load("files", folder, bins={"age": [0, 30]}, photographs=False)

    return {
        "pair scores": (CSV, pairs),
        "labels": (LABELS, labels),
        "parquet": (parquet.getvalue(), lambda body: read(put("t.parquet", body), ["score"])),
        "config": (TOML, lambda body: parse_config(body.decode("utf-8", "replace"))),
        "card": (Path("datasets/outputs/card.toml").read_bytes(), lambda body: Card.read(put("card.toml", body))),
        "tar": (tar.getvalue(), lambda body: unpack(put("a.tgz", body), folder / "un")),
        "zip": (bundle.getvalue(), lambda body: unpack(put("a.zip", body), folder / "un")),
    }


def main() -> int:
    """Run, print, and give the exit code."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--inputs", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    given, bad = asked.parse_args(), 0
    with tempfile.TemporaryDirectory() as name:
        for kind, (seed, door) in doors(Path(name)).items():
            rng, ends, slowest = random.Random(f"{given.seed}{kind}"), collections.Counter[str](), 0.0
            for _ in range(given.inputs):
                body, began = changed(seed, rng), time.perf_counter()
                try:
                    door(body)
                    ends["read"] += 1
                except AuditError:
                    ends["refused"] += 1
                except Exception as error:
                    ends["other"] += 1
                    print(kind, type(error).__name__, str(error)[:200], body[:80], file=sys.stderr)
                slowest = max(slowest, time.perf_counter() - began)
            bad += ends["other"]
            print(json.dumps({"kind": kind, **ends, "slowest": round(slowest, 2)}), flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
