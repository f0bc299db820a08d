"""Two spellings of one label, words for nothing and ids that look alike are asked about, and the config's keys settle
them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.base.errors import BenchmarkError
from audit.base.words import abbreviations, doubts, loose, trimmed, truth
from audit.benchmark.manifest import load


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Any]:
    def go(rows: list[str], header: str = "path,subject,sex", **more: Any) -> Any:
        (tmp_path / "labels.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        for row in rows:
            (tmp_path / row.split(",")[0]).touch()
        return load("files", tmp_path, attributes={"sex": "sex"}, photographs=False, **more)

    return go


@pytest.mark.parametrize("other", ["male", "MALE", "M", "m.", "ma", "Male\u200b", "M\u200bale", "\uff2dale"])
def test_two_spellings_of_one_label_are_named_and_a_key_settles_them(own: Callable[..., Any], other: str) -> None:
    rows = ["a.jpg,p,Male", f"b.jpg,q,{other}", "c.jpg,r,Female"]
    if trimmed(other) == "Male":
        assert own(rows).cells.names == ("sex=Female", "sex=Male")
        return
    with pytest.raises(BenchmarkError, match="may be one label") as caught:
        own(rows)
    assert repr("Male") in caught.value.got
    assert repr(trimmed(other)) in caught.value.got
    assert "map = { sex" in caught.value.todo
    assert own(rows, words={"sex": {trimmed(other): "Male"}}).cells.names == ("sex=Female", "sex=Male")


@pytest.mark.parametrize("word", ["NA", "n/a", "None", "NULL", "Unknown", "?", "-", "NAN"])
def test_a_word_for_nothing_is_asked_about(own: Callable[..., Any], word: str) -> None:
    rows = ["a.jpg,p,Male", f"b.jpg,q,{word}", "c.jpg,r,Female"]
    with pytest.raises(BenchmarkError, match="or the lack of one"):
        own(rows)
    assert own(rows, missing={"sex": [word]}).cells.names == ("sex=Female", "sex=Male", "unlabelled")
    assert f"sex={word}" in own(rows, words={"sex": {word: word}}).cells.names


def test_what_tools_write_for_nothing_is_missing(own: Callable[..., Any]) -> None:
    assert own(["a.jpg,p,Male", "b.jpg,q,nan", "c.jpg,r,", "d.jpg,s,<NA>", "e.jpg,t,NaN"]).cells.counts()[
        "subjects"
    ].tolist() == [1, 4]


def test_spaces_and_the_form_of_letters_never_matter(own: Callable[..., Any]) -> None:
    bench = own(["a.jpg,Ren\u00e9e ,Male", "b.jpg, Rene\u0301e\u00a0,Male ", "c.jpg,q,\u00a0Male"])
    assert len(bench.subject_ids) == 2
    assert bench.cells.names == ("sex=Male",)


@pytest.mark.parametrize(
    ("one", "two"), [("p1", "P1"), ("001", "1"), ("1", "1.0"), ("a  b", "a b"), ("a\u00a0b", "a b"), ("07", "7.0")]
)
def test_ids_that_look_alike_are_refused_by_position_and_a_key_settles_them(
    own: Callable[..., Any], one: str, two: str
) -> None:
    rows = ["z.jpg,zz,Male", f"a.jpg,{one},Male", f"b.jpg,{two},Male"]
    with pytest.raises(BenchmarkError, match=r"first: row 3") as caught:
        own(rows)
    assert "benchmark.options.ids" in caught.value.todo
    assert repr(one) not in str(caught.value)
    assert f" {two} " not in str(caught.value)
    assert len(own(rows, options={"ids": "different"}).subject_ids) == 3
    assert len(own(rows, options={"ids": "same"}).subject_ids) == 2


def test_a_person_called_nothing_is_refused(own: Callable[..., Any]) -> None:
    with pytest.raises(BenchmarkError, match="may stand for no id"):
        own(["a.jpg,nan,Male", "b.jpg,nan,Male", "c.jpg,q,Male"])


def test_a_line_break_in_a_label_names_the_column(own: Callable[..., Any]) -> None:
    with pytest.raises(BenchmarkError, match="sex"):
        own(["a.jpg,p,Male", 'b.jpg,q,"Fe\rmale"'])


def test_a_key_for_a_column_that_is_not_there_is_refused(own: Callable[..., Any]) -> None:
    with pytest.raises(BenchmarkError, match=r"groups\.map\.gender"):
        own(["a.jpg,p,Male", "b.jpg,q,Male"], words={"gender": {"M": "Male"}})


def test_different_labels_raise_no_doubt() -> None:
    assert not doubts(["White", "Black", "Asian", "Asian Indian", "M", "F", "20-29", "30-39", ""], ())
    assert abbreviations(["African American", "AA", "F", "Male"]) == [("AA", "African American")]
    assert not doubts(["I", "II", "III", "IV", "V", "VI"], ())
    assert loose("0010.00") == "10"
    assert loose("0.5") == "0.5"


@pytest.mark.parametrize(
    "word", ["Unknown race", "other/unknown", "prefer not to say", "not stated", "#REF!", "N.A", "Undetermined"]
)
def test_longer_words_for_nothing_are_asked_about(word: str) -> None:
    assert "the lack of one" in doubts(["White", word], ())
    assert not doubts(["White", word], (word,))


@pytest.mark.parametrize("other", ["Males", "Male.", "male,"])
def test_plurals_and_stray_points_are_asked_about(other: str) -> None:
    assert "may be one label" in doubts(["Male", "Female", other], ())


@pytest.mark.parametrize(
    "other", ["AfricanAmerican", "African-American", "african_american", "African  American", "African\u00a0American"]
)
def test_inner_spaces_and_hyphens_of_labels_are_asked_about(other: str) -> None:
    assert "may be one label" in doubts(["African American", other, "White"], ())
    assert not doubts(["African American", other, "White"], ("African American", other))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["True", "False"], [1, 0]),
        (["Genuine", "imposter"], [1, 0]),
        (["YES", "no"], [1, 0]),
        (["same", "different"], [1, 0]),
        (["mated", "non_mated"], [1, 0]),
        (["1.0", "0"], [1, 0]),
    ],
)
def test_truth_has_a_closed_list(values: list[str], found: list[int]) -> None:
    assert truth(values, pairs=True) == (dict(zip(values, found, strict=True)), [])


@pytest.mark.parametrize(
    "values", [["1", "-1"], ["match", "nonmatch"], ["1", "0", "yes"], ["1", "0", "2"], ["True", "False", ""]]
)
def test_other_truth_values_are_strange_unless_declared(values: list[str]) -> None:
    found, strange = truth(values, pairs=True)
    assert strange
    assert set(found) | set(strange) == set(values)
    assert truth(values, pairs=True, said=dict.fromkeys(strange, True))[1] == []


def test_columns_that_are_not_used_need_not_be_labels(tmp_path: Path) -> None:
    notes = ["a|b", "unknown", "A", "Able", "x=1", "03-Sep"]
    rows = "".join(f"{k}.jpg,p{k},{'White' if k % 2 else 'Black'},{note},{note}\n" for k, note in enumerate(notes))
    (tmp_path / "labels.csv").write_text("path,subject,race,note,age\n" + rows)
    bench = load("files", tmp_path, attributes={"race": "race"}, photographs=False)
    assert bench.cells.names == ("race=Black", "race=White")
    for column in ("note", "age"):
        with pytest.raises(BenchmarkError, match=column):
            load("files", tmp_path, attributes={"x": column}, bins={"age": [0, 30]}, photographs=False)
        with pytest.raises(BenchmarkError, match=column):
            load(
                "files",
                tmp_path,
                attributes={"race": "race"},
                alternatives={"race": [column]},
                bins={"age": [0, 30]},
                photographs=False,
            )
