"""Damaged configurations, cards, registers, archives, downloads and published lists, through the command line.

A configuration's paths, a card's addresses and an argument may be anything: NUL, devices, pipes, folders, names of 300
letters, numbers without end.
"""

from __future__ import annotations

import hashlib
import io
import random
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from benches.hostile.changes import changed
from benches.hostile.directories import odd_words
from benches.hostile.sandbox import Outcome, Place
from benches.hostile.servers import serve
from benches.hostile.tables import LABELS, SCORES_PLAIN, TEMPLATES, TOML, config, photographs, ready_templates, run_of
from benches.hostile.trials import Kind, Trial

__all__ = ["kinds"]

ROOT = Path(__file__).parents[2]


def configurations(draw: random.Random, place: Place) -> Trial:
    photographs(place)
    place.put("labels.csv", LABELS)
    ready_templates(place)
    more = 'map = { race = { White = "White" } }\nmissing = { race = ["-"] }\nbins = { age = [0, 30] }\n'
    whole = TOML.format(
        benchmark="files",
        backend="templates",
        benchmark_more="",
        options=TEMPLATES.format(place.inside / "t.npz") + '\nid = "path"',
    )
    whole = (
        whole.replace('reference = "', more + 'reference = "')
        + "[compute]\nmemory_mb = 64\n[identification]\nsizes = [2]\n"
    )
    place.put("x.toml", changed(whole.encode(), draw))
    return Trial(["plan", str(place.inside / "x.toml"), "--data", str(place.inside), "--offline"])


def settings(draw: random.Random, place: Place) -> Trial:
    """Keys set on the command line to values that no key should have."""
    photographs(place)
    place.put("labels.csv", LABELS)
    ready_templates(place)
    made = config(place, "templates", TEMPLATES.format(place.inside / "t.npz") + '\nid = "path"', "files")
    keys = [
        "benchmark.name",
        "benchmark.exclude",
        "benchmark.options.table",
        "benchmark.options.levels",
        "backend.name",
        "backend.options.path",
    ]
    keys += [
        "backend.options.low",
        "backend.options.id",
        "groups.attributes.race",
        "groups.reference",
        "groups.minimum_subjects",
        "groups.bins.age",
    ]
    keys += [
        "operating_points",
        "uncertainty.seed",
        "uncertainty.replicates",
        "compute.bins",
        "compute.memory_mb",
        "report.claims",
        "name",
        "version",
    ]
    values = [
        *odd_words(place),
        "[]",
        "{}",
        "[[]]",
        "1e999",
        "-1",
        "true",
        "''",
        '"a\\u0000b"',
        "[1, 2, 3]",
        "nan",
        "9" * 4300,
        "9" * 5000,
        "{ a = { b = 1 } }",
    ]
    sets = [
        part for _ in range(draw.randint(1, 3)) for part in ("--set", f"{draw.choice(keys)}={draw.choice(values)}")
    ]
    return Trial(["plan", made, "--data", str(place.inside), "--offline", *sets])


def cards(draw: random.Random, place: Place) -> Trial:
    photographs(place)
    place.put("labels.csv", LABELS)
    seed = (ROOT / "datasets" / draw.choice(["files", "lfw", "celeba", "rfw", "outputs"]) / "card.toml").read_bytes()
    text = changed(re.sub(rb'(?m)^name = "\w+"', b'name = "mine"', seed, count=1), draw)
    place.put("home/datasets/mine/card.toml", text)
    asked = draw.choice([["data", "validate", "mine"], ["data", "describe", "mine", "--no-photographs"]])
    return Trial(
        [*asked, "--data", str(place.inside), "--offline"], environment={"FACE_AUDIT_HOME": str(place.inside / "home")}
    )


def registers(draw: random.Random, place: Place) -> Trial:
    place.put("t.csv", SCORES_PLAIN)
    seed = (ROOT / "audit/registers/minneapolis-2021.toml").read_bytes()
    register = place.put("r.toml", changed(seed, draw))
    made = config(place, "scores", 'path = "t.csv"')
    Path(made).write_text(Path(made).read_text() + f'claims = "{register}"\n')
    return Trial(run_of(place, made))


CARD = """name = "mine"
title = "Mine"
adapter = "files"
holds = "photographs"
homepage = "http://localhost"
citation = ["none"]
licence = "x"
permitted_use = "x"
verified = "x"
layout = "x"
obtain = "x"
attributes = {{}}
[[files]]
name = "{name}"
url = "http://127.0.0.1:{port}/{folder}"
sha256 = "{digest}"
unpack = {unpack}
"""


def _archive(kind: str, draw: random.Random) -> bytes:
    out = io.BytesIO()
    odd = draw.choice(
        [
            "../evil",
            "/tmp/evil-vqx",
            "a/../../evil",
            "a",
            "a/b/c",
            "A/B.txt",
            "con",
            "x" * 300,
            "a\\..\\..\\evil",
            "\u0065\u0301",
            "é",
        ]
    )
    if kind == "zip":
        with zipfile.ZipFile(out, "w", draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as bundle:
            bundle.writestr("a/b.txt", b"x" * 500)
            entry = zipfile.ZipInfo(odd if draw.random() < 0.5 else "a/c.txt")
            entry.external_attr = draw.choice([0o100644, 0o120777, 0o40755, 0]) << 16
            bundle.writestr(entry, draw.choice([b"../../evil", b"y" * 9, bytes(3_000_000)]))
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz" if kind == "tgz" else "w") as tar:
        for name, data in (("a/b.txt", b"x" * 500), (odd if draw.random() < 0.5 else "a/c.txt", b"y" * 9)):
            entry = tarfile.TarInfo(name)
            entry.size, kind_of = len(data), draw.random()
            if kind_of < 0.15:
                entry.type, entry.linkname, entry.size = (
                    draw.choice([tarfile.SYMTYPE, tarfile.LNKTYPE]),
                    draw.choice(["/etc/passwd", "../..", "a"]),
                    0,
                )
            elif kind_of < 0.25:
                entry.type, entry.size = draw.choice([tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE]), 0
            elif kind_of < 0.3:
                tar.fileobj.write(
                    tarfile.TarInfo("big").tobuf()[:124] + b"77777777777\0"
                )  # a header that declares 8 GB
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def archives(port: int, base: Path) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        kind = draw.choice(["zip", "tgz", "tar"])
        whole = _archive(kind, draw)
        body = changed(whole, draw, 2) if draw.random() < 0.7 else whole
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        return _fetched(place, base, port, head + body, body, f"a.{kind}", True)

    return make


def downloads(port: int, base: Path) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        body = b"abc" * draw.choice([1, 1000])
        answer = changed(
            b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nAccept-Ranges: bytes\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body,
            draw,
            2,
        )
        return _fetched(place, base, port, answer, body, "a.bin", False)

    return make


def _fetched(place: Place, base: Path, port: int, answer: bytes, body: bytes, name: str, unpack: bool) -> Trial:
    folder = base / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.bin").write_bytes(answer)
    text = CARD.format(
        name=name, folder=folder.name, port=port, digest=hashlib.sha256(body).hexdigest(), unpack=str(unpack).lower()
    )
    place.put("home/datasets/mine/card.toml", text.encode())
    into = place.folder / "data"

    def check(outcome: Outcome) -> list[str]:
        if outcome.code:
            return []
        if not unpack:
            return [] if (into / name).read_bytes() == body else ["other bytes than the card's"]
        inside = all(
            path.resolve().is_relative_to(into.resolve()) and not path.is_symlink() for path in into.rglob("*")
        )
        return [] if inside else ["members outside, or links"]

    environment = {"FACE_AUDIT_HOME": str(place.inside / "home"), "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
    return Trial(["data", "fetch", "mine", "--data", str(into)], 1, check, ("data",), environment)


def adapters(draw: random.Random, place: Place) -> Trial:
    """Lists of published benchmarks, each in its own form."""
    photos = b"".join(b"vqx%06d.jpg" % k for k in range(2))
    seeds = {
        "celeba": {
            "list_attr_celeba.txt": b"4\nMale Young\n"
            + b"".join(b"vqx%d.jpg %d 1\n" % (k, 1 if k % 2 else -1) for k in range(4))
        },
        "us_congress": {
            "labels.csv": b"file,subject,sex,ethnicity,date_of_birth,photo_date\n"
            + b"".join(b"vqx%d.jpg,vqxp%d,male,white,19%02d-03-04,2001-01-02\n" % (k, k, 40 + k) for k in range(6))
        },
        "bfw": {
            "bfw-datatable.csv": b"fold,p1,p2,label,att1,att2\n"
            + b"".join(
                b"%d,asian_females/vqx%d/a.jpg,asian_females/vqx%d/b.jpg,%d,asian_females,asian_females\n"
                % (1 + k % 5, k, k, 1)
                for k in range(6)
            )
        },
        "meds": {"labels.csv": b"subject,sex,race\n" + b"".join(b"S%03d,male,white\n" % k for k in range(4))},
        "utkface": {},
        "lfw": {"pairs.txt": b"1\t1\nvqx_B\t1\t4\nvqx_B\t1\tvqx_D\t2\n"},
    }
    name = draw.choice(sorted(seeds))
    place.put("identity_CelebA.txt", b"".join(b"vqx%d.jpg %d\n" % (k, k // 2) for k in range(4)))
    for k in range(6):
        place.put(
            f"{'images' if name == 'us_congress' else 'img_align_celeba' if name == 'celeba' else 'data/S001'}/vqx{k}.jpg",
            photos,
        )
    if name == "meds":
        place.put("data/S001/S001-01-t10_01.jpg", photos)
    if name == "lfw":
        place.put(
            changed(b"vqx_B/vqx_B_0001.jpg", draw, 1).replace(b"\0", b"").decode("utf-8", "replace").strip("/")[:200]
            or "x",
            photos,
        )
    for file, seed in seeds[name].items():
        place.put(file, changed(seed, draw))
    return Trial(["data", "describe", name, "--data", str(place.inside), "--offline", "--no-photographs", "--json"])


def kinds(base: Path) -> list[Kind]:
    """All kinds; one server."""
    served = base / "net"
    port = serve(served)
    return [
        Kind("configurations", 600, configurations),
        Kind("keys on the command line", 400, settings),
        Kind("cards", 400, cards),
        Kind("registers of claims", 100, registers),
        Kind("archives", 400, archives(port, served)),
        Kind("downloads", 300, downloads(port, served)),
        Kind("published lists", 300, adapters),
    ]
