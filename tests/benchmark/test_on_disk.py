"""Which photographs are there, found out before any is read."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pandas as pd
import pytest

from audit.base.errors import BenchmarkError
from audit.benchmark.manifest import load
from audit.benchmark.on_disk import locate, unlisted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty-four files of 32 people; nobody opens them here."""
    data = tmp_path / "data"
    for n in range(64):
        path = data / f"p{n // 2}" / f"{n % 2}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return data


def rows(data: Path, change=lambda n, path: path) -> Path:
    table = [(change(n, f"p{n // 2}/{n % 2}.jpg"), f"p{n // 2}", "FM"[n // 2 % 2], "AB"[n // 32]) for n in range(64)]
    pd.DataFrame(table, columns=["path", "subject", "sex", "race"]).to_csv(data / "labels.csv", index=False)
    return data


def read(data: Path, **more: object):
    return load("files", data, attributes={"sex": "sex", "race": "race"}, **more)


def test_every_photo_there_is_used(folder) -> None:
    bench = read(rows(folder))
    assert (bench.samples.left_out == "").all()
    assert bench.notes == ()


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (lambda n: n // 2 % 2 == 0, "32 of 64 photographs are not in --data (all of sex=F); first: row 1"),
        (lambda n: n >= 32, "32 of 64 photographs are not in --data (all of race=B); first: row 33"),
        (lambda n: n % 2 == 1, "32 of 64 photographs are not in --data; first: row 2"),
        (lambda n: 40 <= n < 46, "6 of 64 photographs are not in --data (only of race=B); first: row 41"),
    ],
)
def test_many_missing_are_refused_with_whom_it_hits_and_a_row(folder, gone, said) -> None:
    rows(folder)
    for n in filter(gone, range(64)):
        (folder / f"p{n // 2}" / f"{n % 2}.jpg").unlink()
    with pytest.raises(BenchmarkError) as refused:
        read(folder)
    assert refused.value.got == said


def test_a_few_missing_are_left_out_and_a_small_group_that_is_gone_is_refused(folder) -> None:
    rows(folder)
    (folder / "p20" / "0.jpg").unlink()
    bench = read(folder)
    assert bench.samples.left_out.value_counts().to_dict() == {"": 63, "missing": 1}
    assert bench.notes[0].startswith(
        "1 of 64 photographs are not in --data (only of sex=F, only of race=B); first: row 41. They are left out"
    )
    table = pd.read_csv(folder / "labels.csv")
    table.loc[[0, 1], "race"] = "C"  # one person, a group of their own
    table.to_csv(folder / "labels.csv", index=False)
    (folder / "p20" / "0.jpg").write_bytes(b"x")
    (folder / "p0" / "0.jpg").unlink()
    (folder / "p0" / "1.jpg").unlink()
    with pytest.raises(
        BenchmarkError, match=r"2 of 64 photographs are not in --data \(only of sex=F, all of race=C\)"
    ):
        read(folder)


@pytest.mark.parametrize(
    "spell",
    [
        lambda path: path.upper(),
        lambda path: path.replace("/", "\\"),
        lambda path: f" {path}  ",
        lambda path: f"./{path}",
        lambda path: path.replace("/", " /"),
        lambda path: path.replace(".jpg", ".JPG"),
    ],
)
def test_other_spellings_of_one_path_are_read_and_said(folder, spell) -> None:
    bench = read(rows(folder, lambda n, path: spell(path) if n < 10 else path))
    assert (bench.samples.left_out == "").all()
    assert all(Path(path).is_file() for path in bench.samples.path)
    if "./" not in spell("a/b.jpg"):
        assert bench.notes == (
            "10 photographs were found under another spelling of their path (case, form of letters, "
            "slashes or spaces).",
        )


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_composed_and_decomposed_letters_are_one(tmp_path, forms) -> None:
    on_disk, listed = (unicodedata.normalize(form, "Zoë/é.jpg") for form in forms)
    path = tmp_path / on_disk
    path.parent.mkdir()
    path.write_bytes(b"x")
    found = locate([listed], tmp_path, tmp_path)
    assert (found.paths, found.respelled) == ((str(path),), 1)


def test_where_two_files_fit_neither_is_taken(tmp_path) -> None:
    for name in ("a.jpg", "A.jpg"):
        (tmp_path / name).write_bytes(b"x")
    found = locate(["A.JPG", "a.jpg"], tmp_path, tmp_path)
    assert (found.paths, found.respelled) == (("", str(tmp_path / "a.jpg")), 0)


def _outside(tmp_path: Path, data: Path, how: str) -> str:
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"x")
    if how == "absolute":
        return str(secret)
    if how == "up":
        return "../secret.jpg"
    if how == "up and down":
        return "p1/../../secret.jpg"
    if how == "link":
        (data / "link.jpg").symlink_to(secret)
        return "link.jpg"
    if how == "links":
        (data / "two.jpg").symlink_to(data / "one.jpg")
        (data / "one.jpg").symlink_to("../secret.jpg")
        return "two.jpg"
    (data / "folder").symlink_to(tmp_path)
    return "folder/secret.jpg"


@pytest.mark.parametrize("how", ["absolute", "up", "up and down", "link", "links", "folder"])
def test_nothing_outside_the_folder_is_read(folder, tmp_path, how) -> None:
    path = _outside(tmp_path, folder, how)
    rows(folder, lambda n, old: path if n == 6 else old)
    with pytest.raises(BenchmarkError) as refused:
        read(folder)
    assert refused.value.got == "paths of 1 photographs that lead out of it (first: row 7)"
    assert "secret" not in str(refused.value)


def test_a_neighbour_whose_name_begins_alike_is_outside(tmp_path) -> None:
    for name in ("data", "data2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(b"x")
    assert locate(["../data2/a.jpg"], tmp_path / "data", tmp_path / "data").outside == (0,)


def test_a_folder_reached_over_a_link_and_links_within_it_are_fine(folder, tmp_path) -> None:
    rows(folder, lambda n, path: {3: "again.jpg", 4: str(tmp_path / "link" / "p2" / "0.jpg")}.get(n, path))
    (folder / "again.jpg").symlink_to("p1/1.jpg")
    (tmp_path / "link").symlink_to(folder)
    bench = read(tmp_path / "link")
    assert (bench.samples.left_out == "").all()


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("nowhere.jpg")], ids=["pipe", "folder", "dangling"]
)
def test_what_is_no_file_is_missing(folder, make) -> None:
    (folder / "p3" / "1.jpg").unlink()
    make(folder / "p3" / "1.jpg")
    assert read(rows(folder)).samples.left_out.value_counts().to_dict() == {"": 63, "missing": 1}


@pytest.mark.parametrize("path", ["a\0b.jpg", "x" * 300 + ".jpg", "/", ".", "..", "p1", "p1/", "p1/0.jpg/"])
def test_strange_paths_are_missing_or_refused_and_never_a_crash(folder, path) -> None:
    found = locate([path], folder, folder)
    assert found.paths == ("",) or path == "p1/0.jpg/"


def test_photographs_that_no_rule_lists_are_counted(folder) -> None:
    for name in ("p1/more/3.jpg", "p1/4.heic", "p2/5.gif", "notes.txt", "p1/.hidden.jpg", ".trash/1.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    said = "3 files in the data folder end like photographs and are none of this benchmark's"
    assert read(rows(folder)).notes == (f"{said} (1 end in .gif, 1 end in .heic; 1 lie at another depth of folders).",)
    assert unlisted(folder, [str(folder / f"p{n // 2}" / f"{n % 2}.jpg") for n in range(64)]).startswith(said)
