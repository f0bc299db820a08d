"""IJB-B and IJB-C in the form that face-recognition code reads: crops of one face each, and the lists that say whose
they are.

In: ``loose_crop/<n>.jpg``, ``meta/<ijbc>_face_tid_mid.txt`` (crop, template, medium), and NIST's protocol lists
``<ijbc>_1N_gallery_*.csv`` and ``<ijbc>_1N_probe_mixed.csv`` (TEMPLATE_ID, SUBJECT_ID, ..., SKINTONE, GENDER). Out:
native rows. The one idea: a crop's person and labels are those of its template; a template that stands in no list has
no person here, and its crops are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.tables import read as read_table
from audit.base.tables import text_lines
from audit.benchmark.adapters import Native, need_file, need_folder, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key

__all__ = ["read"]

_FOLDERS = ("meta/", "protocols/", "protocol/", "")


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read every crop whose template stands in a gallery or probe list.

    Raises
    ------
    BenchmarkError
        A list missing, a line that is none, a template of two people.
    """
    option(options, {})
    prefix, galleries = str(card.settings["prefix"]), [str(one) for one in card.settings["galleries"]]
    need_folder(card, data_dir, "loose_crop")
    lists = [
        need_file(card, data_dir, *(f"{place}{prefix}_1N_{one}.csv" for place in _FOLDERS))
        for one in (*galleries, "probe_mixed")
    ]
    people = pd.concat([_people(path) for path in lists], ignore_index=True)
    several = people.groupby("template")["subject"].nunique()
    if (several > 1).any():
        got = f"{int((several > 1).sum()):,} templates that stand for several people"
        raise BenchmarkError(
            f"{prefix} lists", got=got, allowed="one person a template", todo="Take all lists from one release"
        )
    labels = (
        people.groupby("template", sort=False)
        .agg(subject=("subject", "first"), skin_tone=("skin_tone", _one), sex=("sex", _one))
        .reset_index()
    )
    crops = _crops(need_file(card, data_dir, *(f"{place}{prefix}_face_tid_mid.txt" for place in _FOLDERS)))
    frame = crops.merge(labels, on="template", how="left", validate="many_to_one")
    without = frame["subject"].isna()
    frame = frame[~without].reset_index(drop=True)
    out = pd.DataFrame({"path": "loose_crop/" + frame["crop"], "sample_id": (prefix + "/" + frame["crop"]).map(key)})
    out["subject_id"] = (prefix + "/" + frame["subject"]).map(key)
    out["skin_tone"], out["sex"] = frame["skin_tone"], frame["sex"]
    notes = (
        (f"{int(without.sum()):,} of {len(without):,} crops are of templates that stand in no gallery or probe list",)
        if without.any()
        else ()
    )
    return Native(out, data_dir, notes=notes)


def _people(path: Path) -> pd.DataFrame:
    """Template, subject and labels of one list; a code that is no whole number is no label."""
    table = read_table(path, ["TEMPLATE_ID", "SUBJECT_ID"]).frame
    out = pd.DataFrame({"template": table["TEMPLATE_ID"].map(_code), "subject": table["SUBJECT_ID"].map(_code)})
    out["skin_tone"] = table["SKINTONE"].map(_code) if "SKINTONE" in table else ""
    out["sex"] = table["GENDER"].map(_code) if "GENDER" in table else ""
    return out[(out["template"] != "") & (out["subject"] != "")]


def _code(text: str) -> str:
    """Give "3" for "3" and "3.0"; "" for what is no whole number, NaN and -1 (NIST's word for none) among it."""
    whole = text.strip().removesuffix(".0")
    return whole if whole.isdigit() else ""


def _one(codes: pd.Series[str]) -> str:
    """Give the one code that the rows of a template agree on; several are joined, and make nobody's label."""
    return "|".join(sorted(set(codes) - {""}))


def _crops(path: Path) -> pd.DataFrame:
    rows = []
    for number, line in text_lines(path):
        parts = line.split()
        if len(parts) != 3 or not parts[1].isdigit():
            raise BenchmarkError(
                f"{path.name}, line {number}", got="no crop", allowed="crop template medium", todo="Unpack it again"
            )
        rows.append(parts[:2])
    return pd.DataFrame(rows, columns=["crop", "template"], dtype="str")
