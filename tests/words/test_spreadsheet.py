"""Cells that a spreadsheet would calculate are shown instead, and every word comes back as it was."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.words.spreadsheet import quoted, to_csv, unquoted

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
    frame = pd.DataFrame({"=head": FORMULAS, "value": [-0.1 * k for k in range(len(FORMULAS))], "none": [None] * len(FORMULAS)})
    read = pd.read_csv(io.BytesIO(to_csv(frame)), dtype=str, keep_default_na=False, lineterminator="\n")
    assert [unquoted(name) for name in read.columns] == list(frame.columns)
    assert [unquoted(word) for word in read.iloc[:, 0]] == FORMULAS
    assert list(read["value"].astype(float)) == list(frame["value"])
    assert not [word for word in read.iloc[:, 0] if word[:1] in "=+-@\t\r"]
