"""Damaged photographs of every format through the command line: dozens a command, through both readers (templates, and
``[quality]``'s measures).

Pillow, told to forgive nothing, is the other reader: a photograph that it cannot read must not count as read.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import random
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benches.hostile.changes import changed
from benches.hostile.sandbox import Outcome, Place
from benches.hostile.tables import config, run_of
from benches.hostile.trials import Kind, Trial

__all__ = ["kinds"]

PROGRAM = """import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "hello" in asked:
        said = {"hello": 1, "name": "means", "version": "1", "dimensions": 3, "measure": "euclidean", "low": -999.0, "high": 0.0}
        said.update({"default_threshold": 9.0, "unit": "d", "kind": "dissimilarity"})
    else:
        with open(asked["image"], "rb") as file:
            body = file.read().split(b"\\n", 3)[-1]
        said = {"id": asked["id"], "status": "ACQUIRED", "template": [sum(body[k::3]) / max(1, len(body[k::3])) for k in range(3)], "faces": 1}
    print(json.dumps(said), flush=True)
"""
EACH = 40


@functools.cache
def seeds(number: int = 0) -> dict[str, bytes]:
    """A small photograph in every format that is read, plain and in its odder forms; another one for each number."""
    from PIL import Image

    draw = np.random.default_rng(number)
    low = draw.integers(0, 255, (6, 7, 3))
    picture = Image.fromarray(np.kron(low, np.ones((4, 4, 1))).astype(np.uint8))
    ways = {
        "jpg": [{}, {"progressive": True, "quality": 40}],
        "png": [{}, {"interlace": 1}],
        "bmp": [{}],
        "gif": [{}],
        "ppm": [{}],
    }
    ways |= {
        "webp": [{}, {"lossless": True}],
        "tif": [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"compression": "jpeg"}],
    }
    ways |= {"jp2": [{}], "avif": [{}]}
    found = {}
    for ending, options in ways.items():
        for k, option in enumerate(options):
            out = io.BytesIO()
            try:
                picture.save(
                    out, {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}.get(ending, ending.upper()), **option
                )
            except (OSError, KeyError, ValueError):
                continue  # this Pillow does not write it
            found[f"{ending}{k or ''}"] = out.getvalue()
    for mode in ("L", "LA", "RGBA", "P", "1", "I;16"):
        out = io.BytesIO()
        (Image.fromarray(low[..., 0].astype(np.uint16) * 200) if mode == "I;16" else picture.convert(mode)).save(
            out, "PNG"
        )
        found[f"png-{mode}"] = out.getvalue()
    return found


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bombs() -> list[bytes]:
    """Small files that claim to be large, run programs elsewhere, or never end."""
    wide = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(3_000_000), 9)
    return [
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", wide) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", wide[:8] + b"\x10\x06\0\0\0")
        + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))) * 20,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) (w) file closefile\n{} loop\n",
        b"P6 30000 30000 255\n" + bytes(99),
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 70, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0)
        + bytes(6)
        + b",\0\0\0\0"
        + struct.pack("<HHB", 65535, 65535, 0)
        + b"\2\2L\1\0;",
        b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + b"\0" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"\0\0\0\x0cjP  \r\n\x87\n" + b"\xff\x4f\xff\x51" + bytes(60),
    ]


def readable(data: bytes) -> bool:
    """What Pillow says, told to forgive nothing."""
    from PIL import Image, ImageFile

    allowed, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                if image.size[0] * image.size[1] > 10**8:
                    return False
                image.load()
        return True
    except Exception:
        return False
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = allowed


def folder_of(
    draw: random.Random, place: Place, found: dict[str, bytes], many: list[bytes]
) -> tuple[list[bytes], int]:
    """Thirty damaged photographs, and ten whole ones so that there is something to audit."""
    made, bad, rows = [], 0, ["path,subject,race"]
    for k in range(EACH):
        name, own = draw.choice(sorted(found)), seeds(k)
        data = own[name]
        if k % 4:
            data, bad = draw.choice(many) if draw.random() < 0.03 else changed(data, draw, 3), bad + 1
        made.append(data)
        path = f"vqxf/{k}.{name.split('-')[0].rstrip('0123456789') or name}"
        path = path if draw.random() < 0.8 else f"vqxf/{k}.jpg"  # names lie
        place.put(path, data)
        rows.append(f"{path},vqxp{k // 2},{'White' if k // 2 % 2 else 'Black'}")
    place.put("labels.csv", ("\n".join(rows) + "\n").encode())
    return made, bad


def audited(found: dict[str, bytes], many: list[bytes]) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        made, bad = folder_of(draw, place, found, many)
        words = json.dumps([sys.executable, "-S", "-E", str(place.put("program.py", PROGRAM.encode()))])
        path = config(place, "process", f'command = {words}\nformat = "ppm"\ntimeout_seconds = 20', "files")
        Path(path).write_text(Path(path).read_text() + "[quality]\nmeasure = true\n")

        def check(outcome: Outcome) -> list[str]:
            if outcome.code:
                return []
            rows = csv.DictReader(io.StringIO((place.out / "results/x/acquisition.csv").read_text()))
            counts = [(int(row["samples"]), int(row["acquired"])) for row in rows if row["group"].startswith("race=")]
            samples, acquired = sum(one for one, _ in counts), sum(one for _, one in counts)
            mine = sum(map(readable, made))
            return (
                [f"{acquired} of {samples} acquired, {mine} readable"]
                if acquired > mine or acquired < EACH // 4 or samples > EACH
                else []
            )

        return Trial([*run_of(place, path), "--jobs", "1"], bad, check)

    return make


def described(found: dict[str, bytes], many: list[bytes]) -> Callable[[random.Random, Place], Trial]:
    def make(draw: random.Random, place: Place) -> Trial:
        made, bad = folder_of(draw, place, found, many)

        def check(outcome: Outcome) -> list[str]:
            if outcome.code:
                return []
            said, mine = json.loads(outcome.out)["summary"]["unreadable"], sum(not readable(data) for data in made)
            return [f"{said} unreadable, Pillow says {mine}"] if said < mine or said > EACH * 3 // 4 else []

        return Trial(["data", "describe", "files", "--data", str(place.inside), "--offline", "--json"], bad, check)

    return make


def kinds(base: Path) -> list[Kind]:
    """Both ways through the readers."""
    found, many = seeds(), bombs()
    return [
        Kind("photographs, run and quality", 900, audited(found, many)),
        Kind("photographs, describe", 3000, described(found, many)),
    ]
