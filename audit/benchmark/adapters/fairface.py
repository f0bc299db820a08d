"""FairFace: one photograph per person, so non-mated comparisons only; age bins that a spreadsheet took for dates are
mended.

In: ``fairface_label_val.csv`` (or train) and the folder it names. Out: native rows, ages as the publisher's paper has
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.base.errors import BenchmarkError
from audit.benchmark.adapters import Native, need_file, option
from audit.benchmark.card import Card
from audit.benchmark.tables import read_table

__all__ = ["SPREADSHEET", "read"]

SPREADSHEET = {
    "03-Sep": "3-9",
    "3-Sep": "3-9",
    "Sep-03": "3-9",
    "Oct-19": "10-19",
    "19-Oct": "10-19",
    "10-Oct": "10-19",
}
"""What spreadsheets made of "3-9" (September 3rd) and "10-19" (October 19th, or 2019); no FairFace bin looks like any
of these."""


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read one split; option ``split`` is "val" (default) or "train".

    Raises
    ------
    BenchmarkError
        No label file, or a photograph listed twice.
    """
    given = option(options, {"split": "val"})
    if given["split"] not in ("val", "train"):
        raise BenchmarkError(
            "benchmark.options.split", got=repr(given["split"]), allowed="val, train", todo="Name one of them"
        )
    path = need_file(
        card, data_dir, f"fairface_label_{given['split']}.csv", f"labels/fairface_label_{given['split']}.csv"
    )
    frame = read_table(path, columns=["file", "age", "gender", "race"])
    mended = int(frame["age"].isin(list(SPREADSHEET)).sum())
    frame["age"] = frame["age"].replace(SPREADSHEET)
    frame["path"] = frame["file"]
    frame["sample_id"] = frame["file"].str.replace(r"\.[A-Za-z]+$", "", regex=True)
    frame["subject_id"] = frame["sample_id"]
    notes = [f"{mended:,} age bins that a spreadsheet had turned into dates were mended"] if mended else []
    expected = {"val": card.expected.samples, "train": 86744}[given["split"]]
    if expected and len(frame) != expected:
        notes.append(f"{len(frame):,} of the {expected:,} photographs of this split")
    return Native(frame, data_dir, given["split"], notes=tuple(notes))
