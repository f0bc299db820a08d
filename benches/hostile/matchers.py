"""Damaged templates, networks, answers of programs and of services, through the command line.

A picture's width is its number, so a program or service knows which answer is whose, and a template that reached
another photograph is seen: the templates that the run kept are held against what a strict reader finds in the answer
to that very picture.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benches.hostile.changes import changed
from benches.hostile.sandbox import Outcome, Place
from benches.hostile.servers import serve
from benches.hostile.tables import TEMPLATES, config, run_of
from benches.hostile.trials import Kind, Trial, nothing, rates

__all__ = ["kinds", "pictures"]

PEOPLE, EACH, WIDTH = 12, 2, 8
COUNT = PEOPLE * EACH
NAMES = [f"vqxf/{k}.png" for k in range(COUNT)]
LABELS = "path,subject,race\n" + "".join(
    f"{name},vqxp{k // EACH},{'White' if k // EACH % 2 else 'Black'}\n" for k, name in enumerate(NAMES)
)
VECTORS = np.round(np.random.default_rng(0).normal(size=(COUNT, WIDTH)), 3).astype(np.float32)
LIMIT = 3.5


def pictures(place: Place) -> None:
    """One picture a number: as many pixels wide as it is."""
    import cv2

    for k, name in enumerate(NAMES):
        if not (place.inside / name).exists():
            place.put(name, cv2.imencode(".png", np.full((9, 20 + k, 3), k, np.uint8))[1].tobytes())
    place.put("labels.csv", LABELS.encode())


def expected(vectors: dict[int, np.ndarray]) -> dict[tuple[str, str], tuple[int, int]]:
    """(measure, group) to errors and trials at ``LIMIT``, pair by pair."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for a in sorted(vectors):
        for b in sorted(vectors):
            if a < b and (a // EACH) % 2 == (b // EACH) % 2:
                mated = a // EACH == b // EACH
                match = float(np.linalg.norm(vectors[a].astype(np.float64) - vectors[b].astype(np.float64))) <= LIMIT
                key = ("FNMR" if mated else "FMR", "race=White" if a // EACH % 2 else "race=Black")
                errors, trials = found.get(key, (0, 0))
                found[key] = (errors + (match != mated), trials + 1)
    return found


def against(place: Place, vectors: dict[int, np.ndarray] | None) -> Callable[[Outcome], list[str]]:
    """A check of rates.csv."""

    def check(outcome: Outcome) -> list[str]:
        if outcome.code or vectors is None:
            return []
        told = rates(place, "x")
        out = []
        for (measure, group), mine in expected(vectors).items():
            said = told.get(
                (f"threshold={LIMIT}", measure, "comparisons", group),
                told.get((f"threshold={LIMIT}", measure, "people", group)),
            )
            if said is not None and said[:2] != mine:
                out.append(f"{measure} of {group}: {said[:2]}, counted {mine}")
        return out

    return check


def written(kind: str) -> bytes:
    """A good file of templates."""
    import pandas as pd

    out = io.BytesIO()
    if kind == "npy":
        np.save(out, VECTORS)
    elif kind == "npz":
        np.savez(out, vectors=VECTORS, sample_id=np.array(NAMES))
    elif kind == "packed.npz":
        np.savez_compressed(out, vectors=VECTORS, sample_id=np.array(NAMES))
    elif kind == "lists.parquet":
        pd.DataFrame({"sample_id": NAMES, "vector": list(VECTORS)}).to_parquet(out)
    else:
        pd.DataFrame({"sample_id": NAMES, **{f"v{n}": VECTORS[:, n] for n in range(WIDTH)}}).to_parquet(out)
    return out.getvalue()


def read_again(name: str, data: bytes) -> dict[int, np.ndarray] | None:
    """The templates that numpy or pandas find; None where they find none, or judgement is needed."""
    import pandas as pd

    try:
        if name.endswith("npy"):
            rows, ids = np.load(io.BytesIO(data), allow_pickle=False), NAMES
        elif name.endswith("npz"):
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                rows, ids = stored["vectors"], stored["sample_id"].tolist()
        else:
            frame = pd.read_parquet(io.BytesIO(data))
            ids = frame["sample_id"].tolist()
            rows = (
                np.stack(frame["vector"].tolist())
                if "vector" in frame
                else frame[[f"v{n}" for n in range(WIDTH)]].to_numpy()
            )
    except Exception:
        return None
    if sorted(ids) != sorted(NAMES) or len(rows) != COUNT:
        return None
    return {NAMES.index(one): np.asarray(row) for one, row in zip(ids, rows, strict=True)}


def templates(kind: str) -> Callable[[random.Random, Place], Trial]:
    seed = written(kind)

    def make(draw: random.Random, place: Place) -> Trial:
        pictures(place)
        data = changed(seed, draw, 2)
        path = place.put(f"t.{kind}", data)
        ids = (
            f'\nsamples = "{place.put("ids.csv", ("sample_id" + chr(10) + chr(10).join(NAMES) + chr(10)).encode())}"'
            if kind == "npy"
            else ""
        )
        options = TEMPLATES.format(path).replace("1.0", str(LIMIT)) + ids
        made = config(place, "templates", options, "files")
        Path(made).write_text(Path(made).read_text().replace("threshold = 0.35", f"threshold = {LIMIT}"))
        return Trial(run_of(place, made), check=against(place, read_again(kind, data)))

    return make


PROGRAM = """import json, os, sys
folder = sys.argv[1]
for line in sys.stdin:
    asked = json.loads(line)
    out = sys.stdout.buffer
    if "hello" in asked:
        out.write(open(os.path.join(folder, "hello.bin"), "rb").read())
    else:
        with open(asked["image"], "rb") as file:
            number = file.read(15).split()[1].decode()
        out.write(open(os.path.join(folder, number + ".bin"), "rb").read().replace(b"4503599627370497", str(asked["id"]).encode()))
    out.flush()
"""
"""Answers picture W with the bytes of W.bin, the question's id in place of a number that no seed otherwise holds."""
HELLO = {
    "hello": 1,
    "name": "hostile",
    "version": "1",
    "dimensions": WIDTH,
    "measure": "euclidean",
    "low": -9.0,
    "high": 0.0,
    "default_threshold": LIMIT,
}
HELLO |= {"unit": "d", "kind": "dissimilarity"}


def strict(data: bytes, key: str) -> np.ndarray | None:
    """The template in one JSON object, by a reader that allows nothing odd."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        out = dict(pairs)
        if len(out) < len(pairs):
            raise ValueError
        return out

    def never(word: str) -> object:
        raise ValueError(word)

    try:
        said = json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=never)
        rows = said[key] if key == "template" else said["result"][0]["embedding"]
        if (
            not isinstance(rows, list)
            or len(rows) != WIDTH
            or any(isinstance(one, bool) or not isinstance(one, int | float) for one in rows)
        ):
            return None
        values = np.array(rows, np.float64).astype(np.float32)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError, OverflowError, AttributeError):
        return None
    return values if np.isfinite(values).all() else None


def kept(place: Place, answers: dict[int, bytes], key: str) -> Callable[[Outcome], list[str]]:
    """Hold every template that the run kept against the answer to its own picture."""

    def check(outcome: Outcome) -> list[str]:
        from audit.base.photos import file_digest
        from audit.embeddings.store import Shelf

        if outcome.code:
            return []
        out = []
        for folder in (place.cache / "templates").iterdir():
            shelf = Shelf(folder, WIDTH)
            for k, name in enumerate(NAMES):
                row = shelf.get(file_digest(place.inside / name)[0])
                # what a program says first stands, also where a further line then ends it
                mine = strict(answers[k].lstrip(b"\n").split(b"\n")[0] if key == "template" else answers[k], key)
                if (
                    row is not None
                    and row.template is not None
                    and (mine is None or not np.array_equal(row.template, mine))
                ):
                    out.append(f"picture {k} has a template that its answer does not hold")
        return out

    return check


def programs(draw: random.Random, place: Place) -> Trial:
    """One in twelve greetings is damaged too; of the answers two in three."""
    pictures(place)
    program, answers, bad = place.put("program.py", PROGRAM.encode()), dict[int, bytes](), 0
    hello = json.dumps(HELLO).encode() + b"\n"
    if draw.random() < 1 / 12:
        hello, bad = changed(hello, draw, 2), 1
    place.put("said/hello.bin", hello)
    for k in range(COUNT):
        said = {
            "id": 4503599627370497,
            "status": "ACQUIRED",
            "template": VECTORS[k].astype(float).round(3).tolist(),
            "faces": 1,
            "quality": {"a": 1.5},
        }
        line = json.dumps(said).encode() + b"\n"
        if draw.random() < 2 / 3:
            line, bad = changed(line, draw, 2), bad + 1
        answers[k] = line
        place.put(f"said/{20 + k}.bin", line)
    words = json.dumps([sys.executable, "-S", "-E", str(program), str(place.inside / "said")])
    options = (
        f'command = {words}\nformat = "ppm"\ntimeout_seconds = 2\nstart_seconds = 10\nwindow = {draw.choice([1, 4])}'
    )
    return Trial(
        [*run_of(place, config(place, "process", options, "files")), "--jobs", "1"],
        bad,
        kept(place, answers, "template"),
    )


def services(port: int, base: Path) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        pictures(place)
        answers, bad = dict[int, bytes](), 0
        (base / "said").mkdir(exist_ok=True)
        for k in range(COUNT):
            body = json.dumps(
                {"result": [{"embedding": VECTORS[k].astype(float).round(3).tolist(), "box": None}]}
            ).encode()
            body = changed(body, draw, 2) if draw.random() < 0.4 else body
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            whole = head + body
            if draw.random() < 0.3:
                whole = changed(head, draw, 2) + body
            bad += (
                whole
                != head
                + json.dumps(
                    {"result": [{"embedding": VECTORS[k].astype(float).round(3).tolist(), "box": None}]}
                ).encode()
            )
            answers[k] = body
            (base / "said" / f"{20 + k}.bin").write_bytes(whole)
        options = (
            f'url = "http://127.0.0.1:{port}/said"\ndimensions = {WIDTH}\nproduct = '
            f'"h"\nproduct_version = "1"\nmeasure = "euclidean"\nlow = -9.0\n'
        )
        options += (
            f"high = 0.0\ndefault_threshold = {LIMIT}\nrequests_per_second = 10000\ntries = "
            f"1\ntimeout_seconds = 1\nlongest_pause_seconds = 0.01"
        )
        arguments = [one for one in run_of(place, config(place, "http", options, "files")) if one != "--offline"]
        return Trial(arguments, bad, kept(place, answers, "embedding"), environment={"no_proxy": "127.0.0.1"})

    return make


def networks(draw: random.Random, place: Place) -> Trial:
    """``plan`` tries a network, in a process of its own, before anything is run on photographs."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests/backends"))
    from tiny_onnx import block_means

    pictures(place)
    model = place.put("net.onnx", changed(block_means(draw.choice(["nchw", "nhwc"])), draw))
    detector = Path(__file__).parents[2].parent / "shared/models/face_detection_yunet_2026may.onnx"
    import os

    shared = Path(os.environ.get("FACE_AUDIT_SHARED", detector.parents[1]))
    options = (
        f'model = "{model}"\ndetector = "{shared / "models" / detector.name}"\nmeasure = '
        f'"cosine"\ndefault_threshold = 0.3\nproduct = "n"\n'
    )
    options += 'licence = "x"\ntraining_data = "x"'
    return Trial(
        ["plan", config(place, "onnx", options, "files"), "--data", str(place.inside), "--offline"], check=nothing
    )


def kinds(base: Path) -> list[Kind]:
    """All kinds; one server for the services."""
    port = serve(base / "served")
    (base / "served").mkdir(exist_ok=True)
    out = [
        Kind(f"templates, {kind}", 60, templates(kind))
        for kind in ("npy", "npz", "packed.npz", "lists.parquet", "columns.parquet")
    ]
    out += [
        Kind("answers of a program", 1200, programs),
        Kind("answers of a service", 1200, services(port, base / "served")),
    ]
    return [*out, Kind("ONNX networks", 260, networks)]
