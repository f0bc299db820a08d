"""What a person's row holds stands in no refusal: not where a wrong column is named, not where columns are shifted,
not where a library complains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.backends.registry import make
from audit.base.errors import AuditError, BenchmarkError
from audit.base.words import doubts, example, sayable
from audit.benchmark import adapters, overrides
from audit.benchmark.card import find
from audit.benchmark.manifest import load
from audit.runs.review_sheet import FORM, collect

NAME = "Jane_Q_Public"


def refusal(call, *arguments, **named) -> str:
    with pytest.raises(AuditError) as caught:
        call(*arguments, **named)
    assert NAME not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "row", [f"{NAME},a,b,looked at,", f"same_person,a,b,{NAME},", f"same_person,{NAME},{NAME},looked at,"]
)
def test_override_files_with_shifted_columns(tmp_path: Path, row: str) -> None:
    (tmp_path / "o.csv").write_text(",".join(overrides.COLUMNS) + "\n" + row + "\n")
    assert "line 2" in refusal(overrides.load, tmp_path / "o.csv")


def test_a_kind_nearly_written_is_answered_by_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(",".join(overrides.COLUMNS) + "\nsame person,a,b,looked at,\n")
    assert "Did you mean 'same_person'?" in refusal(overrides.load, tmp_path / "o.csv")


def test_review_forms_with_shifted_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",".join(FORM) + f"\n{NAME},two people,yes,,,\n")
    assert "line 2" in refusal(collect, tmp_path / "a.csv", [])


@pytest.mark.parametrize("measure", ["euclidean", "cosine"])
def test_templates_whose_status_is_a_name(tmp_path: Path, measure: str) -> None:
    vectors = np.eye(3, dtype=np.float32)
    np.savez(
        tmp_path / "t.npz",
        vectors=vectors,
        sample_id=np.array(list("abc")),
        status=np.array(["ACQUIRED", NAME, "ACQUIRED"]),
    )
    assert "row 1" in refusal(make, "templates", {"path": str(tmp_path / "t.npz"), "measure": measure})


def test_templates_that_a_library_complains_about(tmp_path: Path) -> None:
    pd.DataFrame({"sample_id": list("ab"), "v0": [NAME, "x"], "v1": [0.1, 0.2]}).to_parquet(tmp_path / "t.parquet")
    refusal(make, "templates", {"path": str(tmp_path / "t.parquet"), "measure": "cosine"})
    (tmp_path / "t.npz").write_bytes(b"PK\3\4" + NAME.encode() * 9)
    refusal(make, "templates", {"path": str(tmp_path / "t.npz"), "measure": "cosine"})


def test_a_column_of_ids_named_as_labels(tmp_path: Path) -> None:
    people = [f"{NAME}_{k}" for k in range(60)] + [NAME.upper(), NAME, "unknown"]
    assert "63 different" in doubts(people, ())
    assert NAME not in doubts(people, ())
    assert example(NAME, people) == ""
    assert example("Grey", ["Black", "White", "Grey"]) == " (first: 'Grey')"
    assert doubts(["Male", "male"], ()) == "'Male' and 'male', which may be one label"


def test_words_are_sayable_only_where_they_say_nothing_of_one_person() -> None:
    assert sayable(["match"] * 2 + ["no match"] * 2, ["match", "no match"]) == "'match', 'no match'"
    for column, wanted in ((["Jane"], ["Jane"]), (["p1", "p1"], ["p1"]), (list("abcde") * 2, list("abcde"))):
        assert "other word" in sayable(column, wanted)


def test_rfw_scores_say_the_line_and_no_value(tmp_path: Path) -> None:
    card = find("rfw_scores")
    head = "ethnicity,mated,balanced34,global34,balanced50,global50\nAfrican,1,.1,.2,.3,.4\n"
    for row, said in (
        (f"{NAME},1,.1,.2,.3,.4", "ethnicity"),
        (f"African,{NAME},.1,.2,.3,.4", "mated"),
        (f"African,1,.1,{NAME},.3,.4", "global34"),
    ):
        (tmp_path / "rfw_pair_scores.csv").write_text(head + row + "\n")
        message = refusal(adapters.of(card).pairs, card, tmp_path)
        assert said in message
        assert "row 3" in message


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


CONGRESS = "file,subject,sex,ethnicity,date_of_birth\n"
CONGRESS += "a.jpg,A1,male,white-american,1940-07-03\nb.jpg,{},male,white-american,1940-07-03\nc.jpg,C1,female,white-american,1940-07-03\n"
PAIRS = "fold,p1,p2,label,att1,att2\n1,asian_females/n1/a.jpg,asian_females/{}/b.jpg,1,asian_females,asian_females\n"
PAIRS += "1,asian_females/n1/a.jpg,asian_females/n3/b.jpg,0,asian_females,asian_females\n"


@pytest.mark.parametrize("twin", ["a1", "A1.0", "A 1"])
def test_congress_ids_that_may_be_one_are_asked_about(tmp_path: Path, twin: str) -> None:
    (tmp_path / "labels.csv").write_text(CONGRESS.format(twin if twin != "A1.0" else "a1"))
    files(tmp_path / "images", "a.jpg", "b.jpg", "c.jpg")
    with pytest.raises(BenchmarkError, match=r"benchmark\.options\.ids"):
        load("us_congress", tmp_path)
    assert len(load("us_congress", tmp_path, options={"ids": "same"}).subject_ids) == 2
    assert len(load("us_congress", tmp_path, options={"ids": "different"}).subject_ids) == 3


def test_bfw_folders_that_may_be_one_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "x-datatable.csv").write_text(PAIRS.format("N1"))
    files(tmp_path / "images", "asian_females/n1/a.jpg", "asian_females/N1/b.jpg", "asian_females/n3/b.jpg")
    with pytest.raises(BenchmarkError, match=r"benchmark\.options\.ids"):
        load("bfw", tmp_path)
    assert len(load("bfw", tmp_path, options={"ids": "same"}).subject_ids) == 2
    assert len(load("bfw", tmp_path, options={"ids": "different"}).subject_ids) == 3


def test_meds_ids_that_may_be_one_are_asked_about(tmp_path: Path) -> None:
    files(tmp_path / "data", "S001/S001-01-t10_01.jpg", "S002/S002-01-t10_01.jpg")
    (tmp_path / "labels.csv").write_text("subject,sex,race\nS001,M,W\ns001,F,W\nS002,M,B\n")
    with pytest.raises(BenchmarkError, match=r"benchmark\.options\.ids"):
        load("meds", tmp_path)


def test_another_word_for_ids_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="ask, different, same"):
        load("meds", tmp_path, options={"ids": "maybe"})
