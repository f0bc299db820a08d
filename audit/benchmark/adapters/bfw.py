"""Balanced Faces in the Wild: eight folders of people, and one table of pairs that may carry the scores of matchers.

In: ``bfw-*-datatable.csv`` (fold, p1, p2, label, att1, att2, ...) and, for photographs, the folder its paths start
from. Out: native rows from the table alone, so that a table without photographs can be described; pairs with whatever
score columns it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import Table, as_numbers
from audit.base.tables import read as read_lines
from audit.benchmark.adapters import Native, ids_option, people
from audit.benchmark.card import Card
from audit.benchmark.tables import folds, key

__all__ = ["pairs", "read", "score_columns"]

NEEDED = ("fold", "p1", "p2", "label", "att1", "att2")
KNOWN = frozenset((*NEEDED, "id1", "id2", "a1", "a2", "g1", "g2", "e1", "e2", "ID", ""))
FOLDERS = ("uncropped-face-samples", "face-samples", "bfw-cropped-aligned", "images", ".")


def _datatable(card: Card, data_dir: Path) -> Table:
    found = sorted([*data_dir.glob("*datatable*.csv"), *data_dir.glob("meta/*datatable*.csv")])
    if not found:
        raise BenchmarkError(
            f"benchmark {card.name}", got="no table *datatable*.csv", allowed=card.layout, todo=card.obtain
        )
    if len(found) > 1:
        raise BenchmarkError(
            f"benchmark {card.name}",
            got=f"{len(found)} tables {', '.join(one.name for one in found)}",
            allowed="one",
            todo="Move the others away",
        )
    return read_lines(found[0], NEEDED)


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read every photograph that the table names; a person is the folder, e.g. ``asian_females/n000009``.

    Raises
    ------
    BenchmarkError
        No table, or a photograph under two groups.
    """
    how = ids_option(options)
    table = _datatable(card, data_dir).frame
    both = pd.concat(
        [
            table[["p1", "att1"]].set_axis(["path", "group"], axis=1),
            table[["p2", "att2"]].set_axis(["path", "group"], axis=1),
        ]
    )
    frame = both.drop_duplicates().sort_values("path").reset_index(drop=True)
    parts = frame["group"].str.rsplit("_", n=1)
    frame["race"], frame["sex"] = parts.str[0], parts.str[-1]
    frame["subject_id"] = people(frame["path"].str.rpartition("/")[0], how, "folders of the table's paths").map(key)
    frame["sample_id"] = frame["path"].map(key)
    holds = {
        one: sum((data_dir / one / path).is_file() for path in frame["path"])
        for one in FOLDERS
        if (data_dir / one).is_dir()
    }
    root = data_dir / max(holds, key=lambda one: holds[one])  # "." is always there; of equals the first
    if not any(holds.values()):
        return Native(
            frame.assign(path=""), data_dir, notes=("the table only: its photographs are not in the data directory",)
        )
    return Native(frame, root)


def score_columns(table: pd.DataFrame) -> list[str]:
    """Name the columns that hold scores: all that the publisher's description does not list as something else, and
    that are numbers.
    """
    extra = [column for column in table.columns if column not in KNOWN and not column.startswith("Unnamed")]
    return [column for column in extra if not np.isnan(as_numbers(table[column])).any()]


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read the pairs.

    Returns
    -------
    DataFrame
        fold, a, b (sample ids), mated, then one float column per matcher whose scores the table carries (vgg16,
        resnet50, senet50, ...).
    """
    whole = _datatable(card, data_dir)
    table, mated = whole.frame, whole.truth("label", "", pairs=True) == 1
    out = pd.DataFrame({"fold": folds(whole), "a": table["p1"].map(key), "b": table["p2"].map(key), "mated": mated})
    for column in score_columns(table):
        out[column] = as_numbers(table[column])
    return out
