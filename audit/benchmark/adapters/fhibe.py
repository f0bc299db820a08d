"""FHIBE, the Fair Human-Centric Image Benchmark: photographs given with consent, labels that people gave of
themselves.

In: the release as unpacked (``data/processed/<variant>/<variant>.csv`` and the files that its column ``filepath``
names). Out: native rows. The one idea: people may name several ancestries or pronouns; all of them are kept, joined by
"|", and the card says that they count in each group named.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.benchmark.adapters import Native, need_file, option
from audit.benchmark.card import Card
from audit.benchmark.tables import key

__all__ = ["VARIANTS", "read"]

VARIANTS = ("fhibe_face_crop_align", "fhibe_face_crop", "fhibe_downsampled", "fhibe")
"""Tables of the release; the first that is there is read where ``variant`` names none."""

COLUMNS = ("filepath", "subject_id", "pronoun", "ancestry", "age", "apparent_skin_color", "natural_skin_color")
_NEEDED = COLUMNS[:4]
_NUMBERED = re.compile(r"^\d+\.\s+")


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read one table of the release, without photographs of two people.

    Raises
    ------
    BenchmarkError
        No table, a column missing, a list of values that is none.
    """
    given = option(options, {"variant": ""})
    names = [str(given["variant"])] if given["variant"] else list(VARIANTS)
    path = need_file(
        card,
        data_dir,
        *(f"{place}{name}{inner}.csv" for name in names for place in _PLACES for inner in (f"/{name}", "")),
    )
    table = _table(path)
    subjects = _one_or_all(table, "multiple_subjects", path.name)
    frame = table[~subjects].reset_index(drop=True)
    out = pd.DataFrame({"path": frame["filepath"].str.strip().str.replace("\\", "/", regex=False)})
    out["subject_id"] = frame["subject_id"].map(lambda one: key(one.strip()) if one.strip() else "")
    out["sample_id"] = (frame["filepath"] + "#" + frame["subject_id"]).map(key)
    for column in COLUMNS[2:]:
        out[column] = (
            [_values(one, f"{path.name}, row {row + 2}, {column}") for row, one in enumerate(frame[column])]
            if column in frame
            else ""
        )
    notes = (
        [f"{int(subjects.sum()):,} rows of photographs that show two people are left out"] if subjects.any() else []
    )
    return Native(out, _root(data_dir, list(out["path"])), variant=path.stem, notes=tuple(notes))


_PLACES = ("data/processed/", "processed/", "")


def _table(path: Path) -> pd.DataFrame:
    """Read the columns that are wanted; the others hold outlines of bodies and are many times as large."""
    try:
        wanted = {*COLUMNS, "multiple_subjects"}
        table = pd.read_csv(
            path, dtype="str", keep_default_na=False, usecols=lambda name: name in wanted, encoding="utf-8"
        )
    except (OSError, ValueError) as error:
        raise BenchmarkError(
            path.name,
            got=f"a table that cannot be read ({type(error).__name__})",
            allowed="CSV in UTF-8",
            todo="Unpack it again",
        ) from None
    lacking = [name for name in _NEEDED if name not in table]
    if lacking:
        raise BenchmarkError(
            path.name,
            got=f"no column {lacking[0]}",
            allowed=", ".join(_NEEDED),
            todo="Name another table: variant = ...",
        )
    return table


def _one_or_all(table: pd.DataFrame, column: str, name: str) -> pd.Series[bool]:
    if column not in table:
        twice = table["filepath"].duplicated(keep=False)
        return twice.astype("bool")
    said = table[column].str.strip().str.lower()
    strange = sorted(set(said) - {"true", "false", "1", "0", ""})
    if strange:
        raise BenchmarkError(
            f"{name}, {column}",
            got=f"{len(strange)} values that are no truth value",
            allowed="True, False",
            todo="Unpack it again",
        )
    return said.isin(["true", "1"])


def _values(text: str, where: str) -> str:
    """Give one value, or several joined by "|": ``['1. Asia', '3. Europe']`` is ``Asia|Europe``."""
    text = text.strip()
    if not text.startswith("["):
        return _NUMBERED.sub("", text)
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BenchmarkError(
            where, got="no list of texts", allowed="['one', 'another'] or one value", todo="Unpack it again"
        )
    return "|".join(dict.fromkeys(_NUMBERED.sub("", one.strip()) for one in found))


def _root(data_dir: Path, paths: list[str]) -> Path:
    """The folder that the table's paths start from."""
    some = paths[:: max(1, len(paths) // 50)]
    for place in (data_dir, data_dir / "data", data_dir.parent):
        if any((place / one).is_file() for one in some):
            return place
    return data_dir
