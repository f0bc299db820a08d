"""Cells that a spreadsheet would calculate are shown instead, and every word comes back as it was."""

from __future__ import annotations

import gzip
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.base.spreadsheet import OURS, quoted, to_csv, to_table, unquoted
from audit.base.tables import read

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\uff1d1",
    "'=1",
    "''-x",
    '=HYPERLINK("http://x")',
    "-",
    "+",
    "|x",
    "%x",
]
WORDS = ["Black", "race=White|sex=Male", "", "a=b", "3-9", "'tis", "\u00e9"]


@pytest.mark.parametrize("word", FORMULAS)
def test_a_formula_stands_behind_an_apostrophe(word):
    assert quoted(word) == "'" + word


@pytest.mark.parametrize("word", [*WORDS, "-0.6", "+1", "-1e-05", "1,000"])
def test_words_and_numbers_stay(word):
    assert quoted(word) == word


@given(st.text(alphabet="'=+-@\t\r\n a1.|%", max_size=6) | st.text(max_size=12))
def test_every_word_comes_back(word):
    assert unquoted(quoted(word)) == word


def test_a_table_keeps_its_numbers_and_gives_its_words_back():
    frame = pd.DataFrame(
        {"=head": FORMULAS, "value": [-0.1 * k for k in range(len(FORMULAS))], "none": [None] * len(FORMULAS)}
    )
    read = pd.read_csv(io.BytesIO(to_csv(frame)), dtype=str, keep_default_na=False, lineterminator="\n")
    assert [unquoted(name) for name in read.columns] == list(frame.columns)
    assert [unquoted(word) for word in read.iloc[:, 0]] == FORMULAS
    assert list(read["value"].astype(float)) == list(frame["value"])
    assert not [word for word in read.iloc[:, 0] if word[:1] in "=+-@\t\r"]


ODD = pd.DataFrame(
    {
        "=id": ["-p1", "+p2", "@p3", "'=p4", "p5"],
        "score": ["-0.5", "+1", "1e-3", "-.5", "3"],
        "race": ["=a", "=b", "c", "d", "|e"],
    }
)


def test_a_table_of_ours_comes_back_word_by_word(tmp_path):
    written = to_table(ODD)
    assert not [
        cell
        for line in written.decode().splitlines()[1:]
        for cell in line.split(",")
        if cell[:1] in "=+-@" and cell[1:2].isalpha()
    ]
    (tmp_path / "t.csv").write_bytes(written)
    pd.testing.assert_frame_equal(read(tmp_path / "t.csv").frame, ODD, check_dtype=False)
    assert b"-0.5,=" not in written
    assert b",-0.5," in written  # a number stays one


def test_a_spreadsheet_may_save_it_with_separators_behind_the_first_line(tmp_path):
    (tmp_path / "t.csv").write_bytes(to_table(ODD).replace(OURS.encode(), OURS.encode() + b",,"))
    pd.testing.assert_frame_equal(read(tmp_path / "t.csv").frame, ODD, check_dtype=False)


def test_words_of_somebody_elses_table_keep_their_apostrophe(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"id,race\n'=p1,'-a\n")
    assert read(tmp_path / "t.csv").frame.iloc[0].tolist() == ["'=p1", "'-a"]


def test_a_table_without_such_words_has_no_mark():
    frame = pd.DataFrame({"a": ["x", "-1"], "b": [-0.5, 1.0]})
    assert to_table(frame) == frame.to_csv(index=False, lineterminator="\n").encode()


def test_packed_tables_are_quoted_and_come_back(tmp_path):
    from audit.benchmark.tables import read_table, write_table

    write_table(ODD, tmp_path / "t.csv.gz")
    assert b"'=a" in gzip.decompress((tmp_path / "t.csv.gz").read_bytes())
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv.gz"), ODD, check_dtype=False)


def test_notes_of_reviewers_are_quoted_in_override_files_and_do_not_grow(tmp_path):
    from audit.benchmark.overrides import COLUMNS, load
    from audit.runs.review_sheet import collect

    before = pd.DataFrame([("exclude_sample", "-s1", "", "wrong photo", "=cmd|' /C calc'!A0")], columns=list(COLUMNS))
    (tmp_path / "answers.csv").write_text("review,filed_as,same_person,wrong_photo,reason,note\n")
    text = collect(tmp_path / "answers.csv", [], before)
    assert ",'=cmd" in text
    assert ",'-s1," in text
    (tmp_path / "o.csv").write_text(text)
    pd.testing.assert_frame_equal(load(tmp_path / "o.csv").rows, before, check_dtype=False)
    assert collect(tmp_path / "answers.csv", [], load(tmp_path / "o.csv").rows) == text


def test_no_other_code_writes_csv():
    writers = ("to_csv(", "csv.writer", "DictWriter")
    root = Path(__file__).parents[2] / "audit"
    found = [
        (path.name, line.strip())
        for path in root.rglob("*.py")
        if path.name not in ("spreadsheet.py", "columns.py")
        for line in path.read_text().splitlines()
        if any(one in line for one in writers)
        and not re.search(r"(?<![.\w])to_csv\((form|table|vectors|scores|pd\.DataFrame)", line)
    ]
    assert found == []
