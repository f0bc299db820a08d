"""Every published number is computed again from its results directory, and nobody of the benchmarks is named in the
repository's data."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from audit.runs.verify import verify

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "results").glob("*/audit.json"))


def test_there_is_no_results_directory_that_this_module_leaves_out() -> None:
    without = [
        path.parent.name
        for path in (ROOT / "results").glob("*/audit.json")
        if not (path.parent / "dyads.npz").is_file()
    ]
    kept = {
        "scores",
        "candidates",
    }  # audits of somebody else's outputs may have no people to keep; verify recomputes their tables all the same
    assert [
        name
        for name in without
        if json.loads((ROOT / "results" / name / "audit.json").read_text())["matcher"]["backend"] not in kept
    ] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_every_committed_rate_is_computed_again_from_what_the_run_kept(folder: Path) -> None:
    found = verify(folder)
    assert found["problems"] == []
    assert found["rates"] > 0


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_committed_run_holds_no_path_of_a_machine(folder: Path) -> None:
    text = (
        (folder / "config.toml").read_text()
        + (folder / "audit.json").read_text()
        + (folder / "provenance.json").read_text()
    )
    assert re.findall(r"(?<![\w.:/])/(?:home|root|Users|tmp|work|mnt|var)/\S*", text) == []


def texts(folder: Path) -> list[tuple[str, str]]:
    """Every text of a folder, compressed tables and the words in archives included."""
    out = []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".csv", ".json", ".html", ".toml", ".svg", ".md", ".txt", ".py"):
            out.append((path.name, path.read_text(encoding="utf-8")))
        elif path.name.endswith(".csv.gz"):
            out.append((path.name, gzip.decompress(path.read_bytes()).decode()))
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as data:
                out += [
                    (f"{path.name}:{name}", "\n".join(map(str, data[name].ravel())))
                    for name in data.files
                    if data[name].dtype.kind == "U"
                ]
    return out


@pytest.mark.shared
@pytest.mark.parametrize("where", ["results", "datasets/lfw", "datasets/lfw-embedded"])
def test_nobody_of_lfw_is_named(shared: Path, where: str) -> None:
    with (shared / "data" / "lfw" / "labels.csv").open(newline="", encoding="utf-8") as file:
        names = [row["subject"].split("_") for row in csv.DictReader(file)]
    starts: dict[str, list[list[str]]] = defaultdict(list)
    for parts in names:
        if len(parts) > 1:
            starts[parts[0]].append(parts)
    assert len(names) == 5749
    checked = 0
    for name, text in texts(ROOT / where):
        words = re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", text)
        checked += len(words)
        found = [
            parts
            for k, word in enumerate(words)
            if word in starts
            for parts in starts[word]
            if words[k : k + len(parts)] == parts
        ]
        assert found == [], f"{name} names {len(found)} people"
    assert checked > 20


@pytest.mark.shared
def test_the_search_for_names_would_find_one(shared: Path) -> None:
    with (shared / "data" / "lfw" / "labels.csv").open(newline="", encoding="utf-8") as file:
        parts = next(row["subject"].split("_") for row in csv.DictReader(file) if row["subject"].count("_") == 1)
    for text in (f"x {parts[0]} {parts[1]} y", f"/{parts[0]}_{parts[1]}_0001.jpg"):
        words = re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", text)
        assert any(words[k : k + 2] == parts for k in range(len(words)))
