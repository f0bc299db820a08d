"""DemogPairs: 600 people, 18 photographs each, in six groups of equal size.

In: ``DemogPairs/<person>/002.jpg`` and ``MetaData/<Race>_<Sex>s.txt``, whose lines are "db_code image_path" under a
header. Out: native rows; race and sex come from the list a photograph stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.benchmark.adapters import Native, ids_option, need_folder, people
from audit.benchmark.card import Card
from audit.benchmark.tables import key, read_table

__all__ = ["LISTS", "read"]

LISTS = ("Asian_Females", "Asian_Males", "Black_Females", "Black_Males", "White_Females", "White_Males")


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read all six lists.

    Raises
    ------
    BenchmarkError
        No photographs, or a list missing.
    """
    how = ids_option(options)
    root = need_folder(card, data_dir, "DemogPairs", "images")
    lists = need_folder(card, data_dir, "MetaData", "Metadata", "metadata")
    parts = []
    for name in LISTS:
        table = read_table(lists / f"{name}.txt", columns=["db_code", "image_path"], spaces=True)
        parts.append(table.assign(race=name.split("_")[0], sex=name.split("_")[1]))
    frame = pd.concat(parts, ignore_index=True).rename(columns={"image_path": "path", "db_code": "origin"})
    frame["subject_id"] = people(frame["path"].str.partition("/")[0], how, "folders of the lists' paths").map(key)
    frame["sample_id"] = frame["path"].map(key)
    return Native(frame, root)
