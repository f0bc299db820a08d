"""MEDS-II, NIST Special Database 32: booking photographs of deceased people, several encounters each.

In: ``data/S001/S001-01-t10_01.jpg`` as NIST hands it out, and a table ``labels.csv`` (subject, sex, race; optionally
date_of_birth, photo_date) that the user takes from the transaction files' type-2 records. Out: native rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.tables import read as read_lines
from audit.benchmark.adapters import IDS, Native, ids_option, need_file, need_folder
from audit.benchmark.card import Card
from audit.benchmark.tables import ages_on, half_labelled, key, once, photographs_in

__all__ = ["read"]

NAME = re.compile(r"(?P<subject>S\d{3})-(?P<encounter>\d{2})-(?P<record>t10_\d{2})\.jpg", re.IGNORECASE)


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read all face photographs; a subject without a row in ``labels.csv`` has no labels.

    Raises
    ------
    BenchmarkError
        No photographs or no label table.
    """
    how = ids_option(options)
    root = need_folder(card, data_dir, "data", "img", ".")
    found = [(path, NAME.fullmatch(path.rpartition("/")[2])) for path in photographs_in(root, (1, 2))]
    rows = [(path, name["subject"].upper(), Path(path).stem) for path, name in found if name]
    frame = pd.DataFrame(rows, columns=["path", "subject", "stem"], dtype="str")
    whole = read_lines(need_file(card, data_dir, "labels.csv"), ["subject", "sex", "race"])
    labels = whole.frame.copy()
    labels["subject"] = whole.ids(["subject"], how, IDS)["subject"].str.upper()
    if "photo" in labels:
        labels["stem"] = labels["photo"].map(lambda one: Path(one).stem)
        once(whole, labels, "stem", "photo")
        notes = half_labelled(frame["stem"], labels["stem"], "photographs", whole.name)
        frame = frame.merge(labels.drop(columns=["subject", "photo"]), on="stem", how="left", validate="one_to_one")
    else:
        once(whole, labels.drop_duplicates(), "subject", "subject")
        notes = half_labelled(frame["subject"], labels["subject"], "people", whole.name)
        frame = frame.merge(labels.drop_duplicates(), on="subject", how="left", validate="many_to_one")
    frame = frame.fillna("")
    blank = pd.Series("", index=frame.index)
    frame["age"] = ages_on(list(frame.get("date_of_birth", blank)), list(frame.get("photo_date", blank)))
    frame["subject_id"] = frame["subject"].map(key)
    frame["sample_id"] = frame["stem"].map(key)
    return Native(frame, root, notes=notes)
