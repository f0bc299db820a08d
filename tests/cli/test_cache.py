"""``face-audit cache``: lists what is kept, removes what is named and nothing else."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from audit.cli import run_command_line


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    for name, size in (
        ("templates/aa/1.shard", 1000),
        ("templates/aa/2.shard", 10),
        ("templates/bb/1.shard", 5),
        ("quality/cc/1.shard", 7),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(size))
    for name in (
        "people/dd.npz",
        "errors/x.txt",
        "quality/old.npz",
        "data/lfw/a.jpg",
        "templates/aa/photo.jpg",
        "notes.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"kept")
    return folder


def left(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


def run(capsys, *words: object) -> tuple[int, str, str]:
    code = run_command_line([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_ls_counts_files_and_bytes(cache, capsys) -> None:
    code, out, _ = run(capsys, "cache", "ls", "--cache", cache, "--json")
    assert code == 0
    rows = {(row["kind"], row["name"]): (row["files"], row["bytes"]) for row in json.loads(out)["entries"]}
    assert rows == {
        ("templates", "aa"): (2, 1010),
        ("templates", "bb"): (1, 5),
        ("quality", ""): (1, 4),
        ("quality", "cc"): (1, 7),
        ("errors", ""): (1, 4),
        ("people", ""): (1, 4),
    }
    assert run(capsys, "cache", "ls", "--cache", cache)[0] == 0
    assert run(capsys, "cache", "ls", "--cache", cache / "nowhere")[0] == 0


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (["templates"], {"templates/aa/1.shard", "templates/aa/2.shard", "templates/bb/1.shard"}),
        (["people"], {"people/dd.npz"}),
        (["bb", "errors"], {"templates/bb/1.shard", "errors/x.txt"}),
        (
            ["--all"],
            {
                "templates/aa/1.shard",
                "templates/aa/2.shard",
                "templates/bb/1.shard",
                "quality/cc/1.shard",
                "quality/old.npz",
                "errors/x.txt",
            },
        ),
    ],
)
def test_purge_removes_what_is_named_and_nothing_else(cache, capsys, words, gone) -> None:
    before = left(cache)
    code, _, err = run(capsys, "cache", "purge", *words, "--cache", cache)
    assert code == 0, err
    assert before - left(cache) == gone
    assert (cache / "templates" / "bb").exists() == ("templates/bb/1.shard" not in gone)


@pytest.mark.parametrize("words", [[], ["templates", "--all"], ["data"], ["../data"], ["lfw"], ["/"]])
def test_purge_of_nothing_or_of_something_else_is_refused(cache, capsys, words) -> None:
    before = left(cache)
    code, _, err = run(capsys, "cache", "purge", *words, "--cache", cache)
    assert code == 2
    assert "cache ls" in err
    assert left(cache) == before


def test_purge_of_old_files_keeps_new_ones_and_follows_no_link(cache, capsys, tmp_path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "1.shard").write_bytes(b"x")
    (cache / "templates" / "link").symlink_to(outside)
    (cache / "templates" / "aa" / "3.shard").symlink_to(outside / "1.shard")
    os.utime(cache / "templates" / "aa" / "1.shard", (time.time() - 10 * 86400,) * 2)
    before = left(cache)
    assert run(capsys, "cache", "purge", "--all", "--older-than", 5, "--cache", cache)[0] == 0
    assert before - left(cache) == {"templates/aa/1.shard"}
    assert run(capsys, "cache", "purge", "--all", "--cache", cache)[0] == 0
    assert (outside / "1.shard").exists()
