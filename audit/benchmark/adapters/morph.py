"""MORPH Album 2: booking photographs of people over years, with what was recorded at booking.

In: the table of the release (``morph_2008_nonCommercial.csv``: id_num, picture_num, dob, doa, race, gender,
facial_hair, age, age_diff, glasses, photo) and the folder that its column ``photo`` starts from. Out: native rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.tables import read as read_table
from audit.benchmark.adapters import Native, need_file, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key

__all__ = ["TABLES", "read"]

TABLES = ("morph_2008_nonCommercial.csv", "MORPH_Album2.csv", "morph.csv")
"""Names of the table where ``table`` names none; the first is that of the release."""


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read every row of the table; a person is ``id_num``.

    Raises
    ------
    BenchmarkError
        No table, or a column missing.
    """
    given = option(options, {"table": ""})
    path = need_file(card, data_dir, *([str(given["table"])] if given["table"] else TABLES))
    table = read_table(path, ["id_num", "race", "gender", "age", "photo"], verbatim=["photo"]).frame
    out = pd.DataFrame({"path": table["photo"].str.strip().str.replace("\\", "/", regex=False)})
    out["subject_id"] = table["id_num"].map(lambda one: key(one.lstrip("0") or "0") if one else "")
    out["sample_id"] = out["path"].map(lambda one: key(one) if one else "")
    out["race"], out["sex"], out["age"] = table["race"], table["gender"], table["age"]
    return Native(out, data_dir)
