"""Small audits that run in a second: a table of people as the benchmark ``files``, their templates as a npz, a
configuration.

A person is a point, a photo the point plus a little noise; everybody is invented. Nothing here knows the product but
its file formats.
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np

CELLS = {
    ("A", "F"): (24, 0.6),
    ("A", "M"): (26, 0.8),
    ("B", "F"): (22, 0.9),
    ("B", "M"): (40, 1.0),
    ("C", "M"): (4, 1.0),
}  # people, spread
REFERENCE = "race=B|sex=M"
CONFIG = """\
version = 1
name = "small"
[benchmark]
name = "files"
[benchmark.options]
table = "labels.csv"
[backend]
name = "templates"
[backend.options]
path = "{templates}"
measure = "euclidean"
kind = "dissimilarity"
unit = "distance"
low = -8.0
high = 0.0
default_threshold = 1.0
matcher = "Invented matcher 1.0"
[groups]
attributes = {{ race = "race", sex = "sex" }}
alternatives = {{ race = ["race_too"] }}
reference = "race=B|sex=M"
minimum_subjects = 10
[[operating_points]]
kind = "vendor_default"
[[operating_points]]
kind = "target_fmr"
target = 0.01
[[operating_points]]
kind = "fixed"
threshold = 0.7
[uncertainty]
replicates = 100
[report]
curve = [0.1, 0.05, 0.02, 0.01, 0.005]
"""


def key(text: str) -> str:
    """The product's way from a path to a sample id: 16 hex digits of sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def people(seed: int = 1) -> tuple[list[dict[str, str]], np.ndarray]:
    """Rows of the label table and one template a row (4 dimensions)."""
    rng = np.random.default_rng(seed)
    rows, vectors = [], []
    number = 0
    for (race, sex), (count, spread) in CELLS.items():
        for _ in range(count):
            number += 1
            point = spread * rng.standard_normal(4)
            other = race if rng.random() < 0.9 else "AB"[race == "A"]
            for photo in range(int(rng.integers(1, 5))):
                row = {
                    "path": f"p{number:03d}/{photo}.png",
                    "subject": f"person {number}",
                    "race": race,
                    "sex": sex,
                    "race_too": other,
                }
                rows.append(row)
                vectors.append(point + 0.25 * rng.standard_normal(4))
    for row in rows:
        if row["subject"] == "person 5":
            row["race"] = ""  # nobody said
    twice = [row for row in rows if row["subject"] == next(r["subject"] for r in rows if r["path"].endswith("/1.png"))]
    twice[0]["sex"], twice[1]["sex"] = "F", "M"  # two labels for one person
    return rows, np.array(vectors, dtype=np.float32)


def write(
    folder: Path,
    rows: list[dict[str, str]] | None = None,
    vectors: np.ndarray | None = None,
    status: list[str] | None = None,
) -> Path:
    """Write labels.csv, templates.npz and small.toml; gives the configuration's path. The benchmark's folder is
    ``folder``."""
    made = people()
    rows, vectors = (made[0] if rows is None else rows), (made[1] if vectors is None else vectors)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:  # the benchmark looks whether photographs are there; templates come from the table
        (folder / row["path"]).parent.mkdir(exist_ok=True, parents=True)
        (folder / row["path"]).touch()
    outcome = status or ["NO_FACE" if k % 41 == 7 else "ACQUIRED" for k in range(len(rows))]
    np.savez(
        folder / "templates.npz",
        vectors=vectors,
        sample_id=np.array([key(row["path"]) for row in rows]),
        status=np.array(outcome),
    )
    config = folder / "small.toml"
    config.write_text(CONFIG.format(templates=folder / "templates.npz"), encoding="utf-8")
    return config


_MADE: dict[str, object] = {}


def audited(tmp_path_factory) -> object:
    """The small audit's AuditResult, made once per session by the product's own pipeline."""
    if "result" not in _MADE:
        from audit.config import load_config
        from audit.runs.pipeline import Settings, run

        folder = tmp_path_factory.mktemp("small")
        _MADE["result"] = run(load_config(write(folder)), Settings(data=folder, offline=True))
    return _MADE["result"]


def written(tmp_path_factory) -> Path:
    """A results directory of it with rendered pages; copy it before changing it."""
    if "folder" not in _MADE:
        from audit import results as files
        from audit.report import render

        folder = tmp_path_factory.mktemp("results") / "small"
        result = audited(tmp_path_factory)
        files.write(result, folder, render(result))
        _MADE["folder"] = folder
    return _MADE["folder"]
