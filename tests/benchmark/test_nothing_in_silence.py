"""What a benchmark's folder holds and nobody reads is said: other endings, other folders, other lists; and one probe
decides nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.base.errors import BenchmarkError
from audit.benchmark import adapters
from audit.benchmark.card import find
from audit.benchmark.manifest import load

ROWS = "path,subject,race,age\n" + "".join(
    f'p{k}/a.jpg,s{k},{"AB"[k % 2]},"{age}"\n' for k, age in enumerate(["(25, 32)", "24", "31", "12"])
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(4):
        (tmp_path / f"p{k}").mkdir()
        (tmp_path / f"p{k}" / "a.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "labels.csv").write_text(ROWS)
    return tmp_path


def notes(folder: Path, **more: object) -> str:
    return " ".join(load("files", folder, attributes={"race": "race"}, **more).notes)


def test_a_folder_that_is_read_whole_gives_no_note(folder: Path) -> None:
    assert notes(folder) == ""


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("p0/b.HEIC", "1 end in .heic"),
        ("p0/b.ppm.bz2", "1 end in .ppm.bz2"),
        ("p0/raw/b.jpg", "1 lie at another depth"),
        ("b.tiff", "1 end in .tiff; 1 lie at another depth"),
    ],
)
def test_photographs_that_no_rule_lists_are_counted(folder: Path, file: str, said: str) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(b"x")
    assert "1 files in the data folder end like photographs and are none of this benchmark's" in notes(folder)
    assert said in notes(folder)


def test_photographs_beside_the_folder_that_was_chosen_are_counted_too(tmp_path: Path) -> None:
    for part, name in (
        ("UTKFace", "26_0_1_20170104165557663.jpg"),
        ("UTKFace", "30_1_2_20170104165557663.jpg"),
        ("part2", "9_1_1_2017.jpg"),
    ):
        (tmp_path / part).mkdir(exist_ok=True)
        (tmp_path / part / name).write_bytes(b"\xff\xd8")
    assert "1 files in the data folder end like photographs" in " ".join(load("utkface", tmp_path).notes)


@pytest.mark.parametrize("name", ["pairs.txt", "my_Pairs.csv", "val-pairs.csv"])
def test_lists_of_pairs_that_are_not_read_are_named(folder: Path, name: str) -> None:
    (folder / name).write_text("a,b,mated\n")
    assert f"{name} in the data folder looks like a list of pairs and is not read" in notes(folder)
    assert notes(folder, options={"pairs": name}) == ""


def test_ages_that_no_bin_holds_are_said_with_their_reason(folder: Path) -> None:
    bench = load("files", folder, attributes={"age": "age"}, bins={"age": [20, 30]})
    assert "2 of 4 people have something recorded as age that no bin of [20, 30] holds whole" in " ".join(
        bench.notes
    )  # (25, 32) and 12
    assert sorted(bench.cells.names) == ["age=20-29", "age=30+", "unlabelled"]
    assert not load("files", folder, attributes={"age": "age"}, bins={"age": [0, 20, 33]}).notes


def test_of_several_folders_the_one_with_photographs_is_taken(tmp_path: Path) -> None:
    for name in ("aligned images", "images"):
        (tmp_path / name).mkdir()
    card = find("calfw")
    assert adapters.need_folder(card, tmp_path, "aligned images", "images").name == "aligned images"
    (tmp_path / "images" / "a_0001.jpg").write_bytes(b"x")
    assert adapters.need_folder(card, tmp_path, "aligned images", "images").name == "images"


def test_two_files_that_differ_are_not_guessed_between(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    for name in ("list.csv", "labels/list.csv"):
        (tmp_path / name).write_text("a,b\n")
    card = find("calfw")
    assert adapters.need_file(card, tmp_path, "list.csv", "labels/list.csv") == tmp_path / "list.csv"
    (tmp_path / "labels/list.csv").write_text("a,c\n")
    with pytest.raises(BenchmarkError, match=r"two files that differ: list\.csv and labels/list\.csv"):
        adapters.need_file(card, tmp_path, "list.csv", "labels/list.csv")


def test_the_list_of_a_benchmark_is_its_own_where_another_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("A_One_0001.jpg", "A_One_0002.jpg", "B_Two_0001.jpg"):
        (tmp_path / "images" / name).write_bytes(b"\xff\xd8")
    (tmp_path / "pairs_CALFW.txt").write_text("A_One_0001.jpg 0\nB_Two_0001.jpg 0\n")
    (tmp_path / "pairs_CPLFW.txt").write_text("A_One_0001.jpg 1\nA_One_0002.jpg 1\n")
    assert list(load("cplfw", tmp_path).pairs()["mated"]) == [True]
    assert list(load("calfw", tmp_path).pairs()["mated"]) == [False]
