"""UTKFace: labels in file names, nobody's identity known; non-mated comparisons only.

In: files named ``<age>_<gender>_<race>_<date and time>.jpg`` (aligned ones end in ``.jpg.chip.jpg``). Out: native
rows, one person per photograph. Names that lack a field, as some do, give a photograph without labels rather than a
wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.benchmark.adapters import Native, need_folder, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key, photographs_in

__all__ = ["read"]

NAME = re.compile(
    r"(?P<age>\d{1,3})_(?P<gender>[01])_(?P<race>[0-4])_(?P<taken>\d+)\.jpg(\.chip\.jpg)?", re.IGNORECASE
)


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read all photographs of one folder, or of the parts of the uncropped release."""
    option(options, {})
    root = need_folder(card, data_dir, "UTKFace", "crop_part1", ".")
    rows = []
    for path in photographs_in(root, (1, 2)):
        found = NAME.fullmatch(path.rpartition("/")[2])
        rows.append((path, *((found["age"], found["gender"], found["race"]) if found else ("", "", ""))))
    frame = pd.DataFrame(rows, columns=["path", "age", "gender", "race"], dtype="str")
    frame["sample_id"] = frame["path"].map(key)
    frame["subject_id"] = frame["sample_id"]
    nameless = int((frame["age"] == "").sum())
    return Native(frame, root, notes=(f"{nameless:,} of {len(frame):,} file names lack a label",) if nameless else ())
