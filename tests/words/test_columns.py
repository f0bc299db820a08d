"""Columns are stated once: what is written is what is read, and what is described."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.words import columns
from audit.words.columns import TABLES

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

FLOATS = st.floats(allow_nan=True, allow_infinity=False)
TEXTS = st.sampled_from(["", "a,b", 'say "x"', "race=A|sex=F", "é\n2", "1", "True", "nan", "=1+1"])


@given(st.lists(st.tuples(FLOATS, TEXTS, st.integers(0, 2**53)), min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_any_number_and_any_text_survive_the_table(rows: list[tuple[float, str, int]]) -> None:
    frame = columns.frame("rates", [{"rate": rate, "note": note, "errors": errors} for rate, note, errors in rows])
    again = columns.read("rates", columns.csv_bytes(frame))
    pd.testing.assert_frame_equal(again, frame)
    assert list(again.note) == [note for _, note, _ in rows]
    assert list(again.errors) == [errors for _, _, errors in rows]
    for found, (rate, _, _) in zip(again.rate, rows, strict=True):
        assert (math.isnan(found) and math.isnan(rate)) or found == rate


def test_a_count_that_is_missing_somewhere_is_a_number_everywhere() -> None:
    frame = columns.frame("rates", [{"subjects": 5}, {}])
    assert frame.subjects.dtype == np.float64
    assert columns.csv_bytes(frame).decode().splitlines()[1].split(",")[7] == "5.0"
    pd.testing.assert_frame_equal(columns.read("rates", columns.csv_bytes(frame)), frame)


def test_a_column_that_is_not_stated_cannot_be_written() -> None:
    with pytest.raises(KeyError, match="ratee"):
        columns.frame("rates", [{"ratee": 0.5}])
    with pytest.raises(KeyError):
        columns.frame("rats", [])


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"what,why\nx,y\n",
        b"why,what,needs\nx,y,z\n",
        b"what,why,needs\nx,y\n1,2,3,4\n",
        b"",
    ],
)
def test_other_columns_than_stated_are_not_read(content: bytes) -> None:
    with pytest.raises(ValueError, match="columns|tokenizing"):
        columns.read("refused", content)


@pytest.mark.parametrize(
    ("table", "column", "value"), [("rates", "errors", "many"), ("equity", "best", "yes"), ("curves", "FMR", "1;5")]
)
def test_a_value_of_another_kind_is_not_read(table: str, column: str, value: str) -> None:
    text = (
        ",".join(TABLES[f"{table}.csv"])
        + "\n"
        + ",".join(value if name == column else "" for name in TABLES[f"{table}.csv"])
        + "\n"
    )
    with pytest.raises(ValueError, match="convert|neither"):
        columns.read(table, text.encode())


def test_every_column_has_a_kind_a_unit_and_a_sentence() -> None:
    kinds, units = (
        {"text", "whole", "number", "truth"},
        {"share", "ratio", "spreads", "score", "own", "people", "photos", "comparisons", ""},
    )
    units |= {"searches", "candidates", "groups"}
    for name, table in TABLES.items():
        for column in table.values():
            assert column.kind in kinds, (name, column)
            assert column.unit in units, (name, column)
            assert column.meaning.endswith("."), (name, column)
            assert column.kind != "text" or column.unit == ""


def test_the_description_of_published_tables_is_this_statement(tmp_path_factory) -> None:
    folder = small_audits.written(tmp_path_factory)
    package = json.loads((folder / "tables" / "datapackage.json").read_text())
    assert len(package["resources"]) > 10
    for resource in package["resources"]:
        stated = TABLES[resource["path"]]
        assert [field["name"] for field in resource["schema"]["fields"]] == list(stated)
        for field in resource["schema"]["fields"]:
            assert field["description"] == stated[field["name"]].meaning
            assert field.get("unit", "") == stated[field["name"]].unit


def test_every_table_of_a_run_has_the_stated_kinds_before_it_is_written_and_after_it_is_read(tmp_path_factory) -> None:
    result = small_audits.audited(tmp_path_factory)
    named = {
        name: getattr(result, name) for name in ("rates", "differentials", "acquisition", "operating_points")
    } | result.tables
    for name, frame in named.items():
        pd.testing.assert_frame_equal(columns.read(name, columns.csv_bytes(frame)), frame, check_column_type=False)
