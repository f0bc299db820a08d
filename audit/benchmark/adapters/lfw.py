"""Labeled Faces in the Wild: a folder per person, labels from the repository, View 2 pairs.

In: the photographs as published (funneled or deep-funneled). Out: native rows whose ids are hashes. Its one idea:
labels must be joined to photographs without a list of names in the repository, so they are keyed by ``key(folder
name)``, the first 16 hex digits of its sha256. Who holds LFW can join them; the file itself names nobody (a list of
LFW's names undoes it: LFW publishes one).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.photos import read_bytes
from audit.base.tables import text_lines
from audit.benchmark.adapters import Native, need_file, need_folder, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key, read_table

__all__ = ["pairs", "photographs", "read", "variant_of", "whole_copy"]

FOLDERS = ("images", "lfw_funneled", "lfw-deepfunneled", "lfw-deepfunneled/lfw-deepfunneled", "lfw", ".")
LABELS, MANIFEST = "labels.csv.gz", "deep-funneled.csv.gz"
_PROBES = 64


def photographs(card: Card, data_dir: Path) -> tuple[Path, list[str]]:
    """Find the folder of people, and every photograph below it as "<folder>/<file>", sorted.

    Raises
    ------
    BenchmarkError
        No photographs anywhere LFW's archives put them.
    """
    for name in FOLDERS:
        root = data_dir / name
        files = (path for path in root.glob("*/*_[0-9][0-9][0-9][0-9].jpg") if path.is_file()) if root.is_dir() else ()
        found = sorted(path.relative_to(root).as_posix() for path in files)
        if found:
            return root, found
    need_folder(card, data_dir, *FOLDERS[:-1])
    raise BenchmarkError(
        f"benchmark {card.name}", got="no photographs in the data directory", allowed=card.layout, todo=card.obtain
    )


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read LFW.

    sample_id is ``<subject_id>_<photo number>``, subject_id ``key(folder name)``.

    Raises
    ------
    BenchmarkError
        No photographs, or people whom the label file does not know.
    """
    option(options, {})
    root, found = photographs(card, data_dir)
    frame = pd.DataFrame({"path": found})
    folder = frame["path"].str.split("/").str[0]
    hashed = {name: key(name) for name in folder.unique()}
    frame["subject_id"] = folder.map(hashed)
    frame["sample_id"] = frame["subject_id"] + "_" + frame["path"].str[-8:-4]
    labels = read_table(card.folder / LABELS)
    known = set(labels["subject_id"])
    strange = [one for one in hashed.values() if one not in known]
    if strange:
        raise BenchmarkError(
            f"benchmark {card.name}",
            got=f"{len(strange)} folders that are not people of LFW",
            allowed=card.layout,
            todo="Check that --data is LFW itself",
        )
    variant = variant_of(card, root, found)
    notes = (
        []
        if variant in card.variants
        else ["the photographs are none of the copies of LFW whose files the card knows"]
    )
    missing = (card.expected.samples or 0) - len(found)
    if missing > 0:
        notes.append(f"incomplete: {missing:,} photographs fewer than LFW has")
    return Native(
        frame.merge(labels, on="subject_id", how="left", validate="many_to_one"), root, variant, notes=tuple(notes)
    )


def _digest(path: Path) -> str:
    """First 16 hex digits; of nothing where the file cannot be read, which fits no list."""
    return hashlib.sha256(read_bytes(path)[0]).hexdigest()[:16]


def variant_of(card: Card, root: Path, found: list[str]) -> str:
    """Tell the variant by the sha256 of 64 photographs, evenly spaced over the hashed paths; ``whole_copy`` checks
    every one.

    "deep-funneled" where all of them are the manifest's; "funneled" where none is and they were fetched with the
    card's archive or lie in ``lfw_funneled``; else "unknown".
    """
    manifest = dict(read_table(card.folder / MANIFEST).itertuples(index=False, name=None))
    ordered = sorted((key(path), path) for path in found)
    step = max(1, len(ordered) // _PROBES)
    hits = [manifest.get(one) == _digest(root / path) for one, path in ordered[::step]]
    if all(hits):
        return "deep-funneled"
    if not any(hits) and root.name == "lfw_funneled":
        return "funneled"
    return "unknown"


def whole_copy(card: Card, data_dir: Path) -> dict[str, int]:
    """Hash every photograph against the deep-funneled manifest: counts of same, changed, missing and unknown files."""
    root, found = photographs(card, data_dir)
    manifest = dict(read_table(card.folder / MANIFEST).itertuples(index=False, name=None))
    here = {key(path): path for path in found}
    same = sum(manifest.get(one) == _digest(root / path) for one, path in here.items())
    unknown = len(here.keys() - manifest.keys())
    return {
        "same": same,
        "changed": len(here) - same - unknown,
        "missing": len(manifest.keys() - here.keys()),
        "unknown": unknown,
    }


def manifest_of(card: Card, data_dir: Path) -> pd.DataFrame:
    """Make the manifest of a copy: path (hashed), sha256 (16 digits), sorted by path."""
    root, found = photographs(card, data_dir)
    rows = sorted((key(path), _digest(root / path)) for path in found)
    return pd.DataFrame(rows, columns=["path", "sha256"])


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read View 2, ``pairs.txt``: 10 folds of 300 mated and 300 non-mated pairs, in the file's order.

    The header holds folds and pairs per fold; a mated line is "name, n, m", a non-mated one "name, n, name, m",
    separated by tabs (the file's own README at the homepage).

    Returns
    -------
    DataFrame
        fold (1..10), a, b (sample ids), mated.

    Raises
    ------
    BenchmarkError
        No pairs.txt, or one whose lines are not what its header says.
    """
    path = need_file(card, data_dir, "pairs.txt", "../pairs.txt")
    lines = [line.split("\t") for _, line in text_lines(path)]
    try:
        folds, each = (int(cell) for cell in lines[0])
        rows = [_pair(cells) for cells in lines[1:]]
    except (ValueError, IndexError) as error:
        raise BenchmarkError(
            "pairs.txt", got="a line that is no pair", allowed="name, n, m or name, n, name, m", todo="Fetch it again"
        ) from error
    if len(rows) != 2 * folds * each:
        raise BenchmarkError(
            "pairs.txt", got=f"{len(rows)} pairs", allowed=f"{folds} folds of 2 x {each}", todo="Fetch it again"
        )
    out = pd.DataFrame(rows, columns=["a", "b", "mated"])
    out.insert(0, "fold", [k // (2 * each) + 1 for k in range(len(rows))])
    return out


def _pair(cells: list[str]) -> tuple[str, str, bool]:
    if len(cells) == 3:
        return f"{key(cells[0])}_{int(cells[1]):04d}", f"{key(cells[0])}_{int(cells[2]):04d}", True
    name_a, a, name_b, b = cells
    return f"{key(name_a)}_{int(a):04d}", f"{key(name_b)}_{int(b):04d}", False
