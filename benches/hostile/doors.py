"""Thousands of damaged tables, lists, configs, cards, archives and servers' answers at the doors: each is read or
refused, none hangs.

    python benches/hostile/doors.py --inputs 2000 --seed 1

In: seeds of each kind, changed at random (bytes flipped, cut, doubled, spliced, hostile pieces put in). Out: one line
a kind: read, refused, other (neither), wrong (pair scores that a naive reader of the same bytes reads otherwise), the
slowest in seconds; then the peak of memory. Exit code 1 where anything was other or wrong, or slower than a minute, or
memory passed 2 GB.
"""

from __future__ import annotations

import argparse
import collections
import csv
import hashlib
import io
import json
import os
import random
import resource
import socket
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.download import download
from audit.base.errors import AuditError
from audit.base.tables import read
from audit.benchmark.adapters import calfw, celeba, lfw
from audit.benchmark.card import Card, RemoteFile, find
from audit.benchmark.fetch import unpack
from audit.benchmark.manifest import load
from audit.config import AuditConfig, parse_config
from audit.outputs.candidate_lists import read_searches
from audit.outputs.options import CandidatesOptions, ScoresOptions
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
LABELS = b"path,subject,race,age\n" + b"".join(
    b"%d.jpg,p%d,%s,%d\n" % (k, k // 2, b"White" if k % 4 < 2 else b"Black", 20 + k) for k in range(30)
)
LISTS = b"probe,rank,score,mate,enrolled,race,subject\n" + b"".join(
    b"q%d,1,0.%d,%d,%d,White,s%d\n" % (k, k + 10, k % 2, k % 2, k) for k in range(30)
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nContent-Length: 3\r\n\r\nabc"
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


class Wrong(Exception):
    """What a door read is not what stands in the file."""


def naive(body: bytes) -> list[float] | None:
    """The column ``score`` of a plain table, read line by line; None where the table is not plain."""
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), skipinitialspace=True)
            if any(map(str.strip, row))
        ]
        head = [cell.strip() for cell in rows[0]]
        rows = [row for row in rows[1:] if not row[0].startswith("#")]
        if head.count("score") != 1 or any(len(row) != len(head) for row in rows):
            return None
        return [float(row[head.index("score")]) for row in rows]
    except (ValueError, IndexError, csv.Error):
        return None


def server() -> tuple[str, list[bytes]]:
    """Give the address of a server on this machine, and the list whose last item it answers with."""
    listener, answers = socket.create_server(("127.0.0.1", 0)), [b""]
    os.environ["no_proxy"] = "127.0.0.1"

    def work() -> None:
        while True:
            one, _ = listener.accept()
            with one:
                try:
                    one.recv(1 << 16)
                    one.sendall(answers[-1])
                except OSError:
                    pass

    threading.Thread(target=work, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/x", answers


def doors(folder: Path) -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Each kind's seed, and what is done with it."""
    config, label = (
        AuditConfig.model_validate({**__import__("tomllib").loads(TOML.decode())}),
        {"race": Label(lambda one: one, "")},
    )
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
        made, plain = read_pairs(ScoresOptions(path="t.csv"), config, label, folder), naive(body)
        if plain is not None and made.score.tolist() != plain:
            raise Wrong("scores")
        return made

    def searches(body: bytes) -> object:
        put("t.csv", body)
        return read_searches(CandidatesOptions(path="t.csv", gallery=100), config, label, folder)

    def fetched(body: bytes) -> object:
        answers[-1] = body
        for old in folder.glob("thing*"):
            old.unlink()
        whole = download(
            RemoteFile(name="thing", url=url, sha256=hashlib.sha256(b"abc").hexdigest()), folder, attempts=1, timeout=2
        )
        if whole.read_bytes() != b"abc":
            raise Wrong("bytes")
        return whole

    def listed(name: str, adapter: Any, card: str) -> Callable[[bytes], object]:
        return lambda body: adapter.pairs(find(card), put(name, body).parent)

    def attributes(body: bytes) -> object:
        put("identity_CelebA.txt", b"000001.jpg 7\n000002.jpg 8\n")
        (folder / "img_align_celeba").mkdir(exist_ok=True)
        put("list_attr_celeba.txt", body)
        return celeba.read(find("celeba"), folder, {})

    url, answers = server()

    def labels(body: bytes) -> object:
        put("labels.csv", body)
        return load("files", folder, bins={"age": [0, 30]}, photographs=False)

    return {
        "pair scores": (CSV, pairs),
        "labels": (LABELS, labels),
        "candidates": (LISTS, searches),
        "CALFW's pairs": (
            b"A_0001.jpg 1\nA_0002.jpg 1\nA_0001.jpg 0\nB_0001.jpg 0\n",
            listed("pairs_CALFW.txt", calfw, "calfw"),
        ),
        "LFW's pairs": (b"1\t1\nA_B\t1\t4\nA_B\t1\tC_D\t2\n", listed("pairs.txt", lfw, "lfw")),
        "CelebA's attributes": (b"2\nSmiling Male Young\n000001.jpg  1 -1  1\n000002.jpg  1  1 -1\n", attributes),
        "server": (ANSWER, fetched),
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
                except Wrong as error:
                    ends["wrong"] += 1
                    print(kind, "wrong", error, body[:300], file=sys.stderr)
                except Exception as error:
                    ends["other"] += 1
                    print(kind, type(error).__name__, str(error)[:200], body[:80], file=sys.stderr)
                slowest = max(slowest, time.perf_counter() - began)
            bad += ends["other"] + ends["wrong"] + (slowest > 60)
            print(json.dumps({"kind": kind, **ends, "slowest": round(slowest, 2)}), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"peak_mib": peak}))
    return int(bad > 0 or peak > 2000)


if __name__ == "__main__":
    raise SystemExit(main())
