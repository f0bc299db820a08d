"""AgeDB: photographs of public figures over their lives; name, age and sex in the file name.

In: ``<number>_<Name>_<age>_<f or m>.jpg``. Out: native rows; the name becomes a hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.benchmark.adapters import Native, ids_option, need_folder, people
from audit.benchmark.card import Card
from audit.benchmark.tables import key, photographs_in

__all__ = ["read"]

NAME = re.compile(r"(?P<number>\d+)_(?P<person>.+)_(?P<age>\d+)_(?P<sex>[fm])\.jpe?g", re.IGNORECASE)


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read all photographs; files with other names are left out and counted."""
    how = ids_option(options)
    root = need_folder(card, data_dir, "AgeDB", "AgeDB/AgeDB", ".")
    found = [(path, NAME.fullmatch(path.rpartition("/")[2])) for path in photographs_in(root, (1, 2))]
    rows = [(path, name["person"], name["number"], name["age"], name["sex"].lower()) for path, name in found if name]
    frame = pd.DataFrame(rows, columns=["path", "subject_id", "number", "age", "sex"], dtype="str")
    frame["subject_id"] = people(frame["subject_id"], how, "names of files").map(key)
    frame["sample_id"] = frame["subject_id"] + "_" + frame["number"]
    other = len(found) - len(rows)
    return Native(frame, root, notes=(f"{other:,} files with other names were left out",) if other else ())
