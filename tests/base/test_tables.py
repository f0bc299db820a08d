"""Tables are read where their meaning is certain, and refused with the file's own line where it is not."""

from __future__ import annotations

import csv
import gzip
import io
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.base.errors import BenchmarkError
from audit.base.tables import as_numbers, read


def made(folder: Path, body: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


READ = {
    "blank lines and comments keep the file's lines": (
        "a,b\n1,2\n\n# hi, there, you\n3,4\n",
        {"a": ["1", "3"], "b": ["2", "4"]},
        [2, 5],
    ),
    "R's numbered rows": ('"a","b"\n"1","x",3\n"2","y",5\n', {"a": ["x", "y"], "b": ["3", "5"]}, [2, 3]),
    "R's rows of a subset": ('"a","b"\n"4","x",3\n"9","y",5\n', {"a": ["x", "y"], "b": ["3", "5"]}, [2, 3]),
    "R's numbered rows without quotes": (
        "score,mated\n1,.3,1\n2,.5,0\n",
        {"score": [".3", ".5"], "mated": ["1", "0"]},
        [2, 3],
    ),
    "a renamed column that says the same": ("a,a.1\n1,1\n", {"a": ["1"], "a.1": ["1"]}, [2]),
    "a separator at the end of every row": ("a,b\n1,2,\n5,4,\n", {"a": ["1", "5"], "b": ["2", "4"]}, [2, 3]),
    "semicolons": ("a;b\n1;2\n", {"a": ["1"], "b": ["2"]}, [2]),
    "tabs": ("a\tb\n1\t2\n", {"a": ["1"], "b": ["2"]}, [2]),
    "Excel's own line": ("sep=;\na;b\n1;2\n", {"a": ["1"], "b": ["2"]}, [3]),
    "a byte order mark and spaces": (b"\xef\xbb\xbfa, b \r\n1,\xc2\xa02\r\n", {"a": ["1"], "b": ["2"]}, [2]),
    "UTF-16": ("a,b\né,2\n".encode("utf-16"), {"a": ["é"], "b": ["2"]}, [2]),
    "decomposed letters": ("a,b\ne\u0301,2\n", {"a": ["\xe9"], "b": ["2"]}, [2]),
    "old Macintosh lines": ("a,b\r1,2\r3,4\r", {"a": ["1", "3"], "b": ["2", "4"]}, [2, 3]),
    "ids that begin with #": ("a,b\n#1,2\n#2,4\n", {"a": ["#1", "#2"], "b": ["2", "4"]}, [2, 3]),
    "a note over two lines": ('a,b\n1,"x\ny"\n2,z\n', {"a": ["1", "2"], "b": ["x\ny", "z"]}, [2, 4]),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_certain_is_read(tmp_path: Path, name: str) -> None:
    body, frame, lines = READ[name]
    table = read(made(tmp_path, body))
    assert (table.frame.to_dict("list"), table.lines.tolist()) == (frame, lines)


REFUSED = {
    "one cell more in every row": (
        "score,mated\n.9,1,0\n.8,1,1\n.9,0,1\n",
        "line 2: 3 cells under a header of 2, as in every row",
    ),
    "unique first cells are not yet row names": (
        "path,subject\na.jpg,p,x\nb.jpg,q,y\n",
        "line 2: 3 cells under a header of 2",
    ),
    "quoted words are not yet row names": (
        '"path","score"\n"a.jpg",.5,1\n"b.jpg",.7,0\n',
        "line 2: 3 cells under a header of 2, as in every row",
    ),
    "1, 2, 3 under a title that numbers rows": (
        "pair_id,score\n1,.5,1\n2,.6,0\n",
        "line 2: 3 cells under a header of 2, as in every row",
    ),
    "1, 2, 3 that are people": (
        "subject_a,subject_b,score\n1,2,.5,0\n2,3,.6,0\n",
        "line 2: 4 cells under a header of 3",
    ),
    "a renamed second column": ("mated,score,mated.1\n1,.5,0\n", "columns 'mated' and 'mated.1'"),
    "a comment with as many cells as a row": (
        "a,b\n1,2\n# total, 5\n",
        "line 3: a line that begins with # and may be a comment or a row",
    ),
    "a feather file": (b"ARROW1\0\0", "a feather file"),
    "one cell more in one row": ("a,b\n1,2\n\n# c\n3,4,5\n", "line 5: 3 cells"),
    "a cut last line": ("a,b,c\n1,2,3\n4,5", "line 3: 2 cells"),
    "the first row alone is longer": ("a,b\n1,2,3\n3,4\n", "line 2: 3 cells"),
    "a name twice": ("a,b,a\n1,2,3\n", "line 1: column 'a' twice"),
    "a name twice but for spaces": ("a,b,a \n1,2,3\n", "column 'a' twice"),
    "an open quote": ('a,b\n1,2\n1,"2\n3,4\n', "line 3: a quote that is never closed"),
    "a quote that swallows a row": ('a,b\n1,"2\n3,4"\n5,6\n', "line 2: a quote that may swallow"),
    "two separators": ("a;b,c\n1,5;2\n", "a header with comma and semicolon"),
    "Latin-1": ("a,b\n1,2\né,2\n".encode("latin-1"), "line 3: bytes that are not UTF-8"),
    "UTF-16 without a mark": ("a,b\ne,2\n".encode("utf-16-le"), "line 1: a NUL"),
    "a cut gzip file": (gzip.compress(b"a,b\n1,2\n")[:-5], "cut off or damaged"),
    "a carriage return in a cell": ("a,b\nWhite\rx,2\n", "line 2: 1 cells"),
    "a spreadsheet": (b"PK\x03\x04abc", "Excel"),
    "a web page": ("<!DOCTYPE html>\n<html>", "a web page"),
    "nothing": ("", "an empty file"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "a commented header": ("# a,b\n1,2\n", "a comment line above the header"),
    "no parquet": (b"PAR1 and more", "parquet"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_certain_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    body, says = REFUSED[name]
    with pytest.raises(BenchmarkError, match=says):
        read(made(tmp_path, body))


def test_random_tables_are_what_the_csv_module_wrote(tmp_path: Path) -> None:
    rng = random.Random(4)
    for _ in range(200):
        width, separator = rng.randint(2, 5), rng.choice(",;\t")
        rows = [
            ["".join(rng.choices("ab \"';,\t", k=rng.randint(1, 6))).strip() or "z" for _ in range(width)]
            for _ in range(rng.randint(1, 8))
        ]
        text = io.StringIO()
        csv.writer(text, delimiter=separator, lineterminator=rng.choice(["\n", "\r\n"])).writerows(
            [[f"c{k}" for k in range(width)], *rows]
        )
        assert read(made(tmp_path, text.getvalue())).frame.to_numpy().tolist() == rows


def test_numbers_are_the_nearest_to_what_is_written() -> None:
    values = np.random.default_rng(1).random(20_000) * 10.0 ** np.random.default_rng(2).integers(-30, 30, 20_000)
    assert as_numbers(map(repr, values.tolist())).tolist() == values.tolist()
    assert np.isnan(as_numbers(["1,5", "0x10", "1_000", "nan", "inf", "", "½", "١"])).all()


def test_parquet_keeps_text_and_whole_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": ["001", "1.0", None],
            "label": pd.Categorical(["a ", "b", None]),
            "whole": pd.array([2**60 + 1, None, 3], "Int64"),
            "part": np.array([0.1, np.nan, 2], np.float32),
            "truth": pd.array([True, False, None], "boolean"),
            "lists": [[1], [2], None],
        },
        index=pd.Index(["r1", "r2", "r3"], name="photo"),
    )
    frame.to_parquet(tmp_path / "t.parquet")
    table = read(tmp_path / "t.parquet")
    assert table.frame.to_dict("list") == {
        "id": ["001", "1.0", ""],
        "label": ["a", "b", ""],
        "whole": [str(2**60 + 1), "", "3"],
        "part": [repr(float(np.float32(0.1))), "", "2"],
        "truth": ["1", "0", ""],
        "photo": ["r1", "r2", "r3"],
    }
    with pytest.raises(BenchmarkError, match="column lists: values of type list"):
        read(tmp_path / "t.parquet", ["lists"])


HEADLESS = {
    "numbers": b"0.5,1,White,Jane_Q\n0.6,0,White,Ann_B\n",
    "paths": b"Jane_Q/1.jpg,Jane_Q,Female\nAnn_B/1.jpg,Ann_B,Male\n",
    "words of their own column": b"Jane_Q,White,Female\nAnn_B,Black,Female\n",
    "a line break lost": b"score,race,subjectJane_Q/3.jpg,White\n0.5,White,x,y\n",
}


@pytest.mark.parametrize("name", HEADLESS)
def test_a_table_without_a_header_prints_no_cell_of_its_first_row(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(HEADLESS[name])
    with pytest.raises(BenchmarkError) as caught:
        read(path, ["mated"])
    assert "Jane" not in str(caught.value)
    assert "looks like a row" in str(caught.value)


def test_a_header_of_names_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"score,race_a,v0,id.1\n0.5,White,1,x\n")
    with pytest.raises(BenchmarkError, match=r"score, race_a, v0, id\.1"):
        read(path, ["mated"])


def test_truth_words_are_named_only_where_they_stand_for_many(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"TP,Jane_Q\nTN,Ann_B\n" * 2 + b"TP,Joe\n")
    table = read(path, ["a"])
    with pytest.raises(BenchmarkError, match="'TN', 'TP'"):
        table.truth("a", "k")
    with pytest.raises(BenchmarkError, match="3 other words") as caught:
        table.truth("b", "k")
    assert "Jane" not in str(caught.value)
