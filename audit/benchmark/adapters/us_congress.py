"""Official portraits of members of the US Congress: a table of labels, a folder of photographs, and ages where both
dates are known.

In: ``labels.csv`` (file, subject, sex, ethnicity, date_of_birth; optionally photo_date) and ``images/``. Out: native
rows; the public Bioguide ids are hashed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.base.tables import read as read_lines
from audit.benchmark.adapters import IDS, Native, ids_option, need_file, need_folder
from audit.benchmark.card import Card
from audit.benchmark.tables import ages_on, key

__all__ = ["read"]


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read the portraits; sample_id is made of the hashed subject and the hashed file name.

    Raises
    ------
    BenchmarkError
        No label file or photographs, a missing column, a date that is none.
    """
    how = ids_option(options)
    whole = read_lines(
        need_file(card, data_dir, "labels.csv"), ["file", "subject", "sex", "ethnicity", "date_of_birth"]
    )
    frame = whole.frame.copy()
    root = need_folder(card, data_dir, "images")
    frame["path"] = frame["file"]
    frame["subject_id"] = whole.ids(["subject"], how, IDS)["subject"].map(key)
    frame["sample_id"] = frame["subject_id"] + "_" + frame["file"].map(lambda one: key(one)[:8])
    taken = frame["photo_date"] if "photo_date" in frame else frame["file"].map(lambda _: "")
    frame["age"] = ages_on(list(frame["date_of_birth"]), list(taken), whole.lines.tolist())
    notes = () if "photo_date" in frame else ("the dates of the photographs are not given, so no ages are derived",)
    return Native(frame, root, notes=notes)
