"""Records survive whatever happens between two runs, or are made again."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit.base.journal import Journal, private_folder, write_private


def test_what_was_written_is_read_by_name_and_in_order(tmp_path) -> None:
    journal = Journal(tmp_path / "j", "tiles")
    assert [journal.write(body, name) for name, body in (("b", b"two"), ("a", b""))] == ["b", "a"]
    again = Journal(tmp_path / "j", "tiles")
    assert list(again) == [("a", b""), ("b", b"two")]
    assert (again.read("b"), again.read("c")) == (b"two", None)
    again.remove(["a"])
    assert [name for name, _ in again] == ["b"]


def test_any_damage_is_seen_and_said(tmp_path, caplog) -> None:
    journal = Journal(tmp_path, "tiles")
    journal.write(bytes(range(200)), "x")
    file, rng = tmp_path / "x.shard", random.Random(3)
    whole = file.read_bytes()
    for _ in range(200):
        damaged = bytearray(whole[: rng.randrange(len(whole))]) if rng.random() < 0.3 else bytearray(whole)
        if len(damaged) == len(whole):
            damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        with caplog.at_level(logging.WARNING):
            caplog.clear()
            assert journal.read("x") is None
        assert "tiles: shard x.shard is ignored" in caplog.text


def test_folders_and_files_that_are_wide_are_made_narrow(tmp_path) -> None:
    folder = tmp_path / "j"
    Journal(folder, "tiles").write(b"x", "x")
    folder.chmod(0o755)
    (folder / "x.shard").chmod(0o644)
    assert Journal(folder, "tiles").read("x") == b"x"
    assert (folder.stat().st_mode & 0o777, (folder / "x.shard").stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_reads_whatever_the_umask(tmp_path, mask) -> None:
    before = os.umask(mask)
    try:
        private_folder(tmp_path / "a" / "b")
        write_private(tmp_path / "a" / "b" / "x", b"")
    finally:
        os.umask(before)
    assert ((tmp_path / "a" / "b").stat().st_mode & 0o777, (tmp_path / "a" / "b" / "x").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


def test_what_a_killed_run_left_is_removed_when_it_is_old(tmp_path) -> None:
    old, new = tmp_path / ".a.tmp", tmp_path / ".b.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    assert list(Journal(tmp_path, "tiles")) == []
    assert (old.exists(), new.exists()) == (False, True)


def test_a_read_only_journal_is_read_and_an_empty_one_is_an_error(tmp_path, monkeypatch) -> None:
    Journal(tmp_path / "full", "tiles").write(b"x", "x")
    (tmp_path / "empty").mkdir()

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("audit.base.journal.Path.touch", read_only)
    journal = Journal(tmp_path / "full", "tiles")
    assert (journal.writable, list(journal), journal.write(b"y")) == (False, [("x", b"x")], "")
    with pytest.raises(OSError, match="Read-only"):
        Journal(tmp_path / "empty", "tiles")


KILLED = """
import sys
from pathlib import Path
from audit.base.journal import Journal
journal = Journal(Path(sys.argv[1]), "tiles")
print("begun", flush=True)
for number in range(10**6):
    journal.write(bytes([number % 256]) * 5000)
"""


def test_a_kill_at_any_moment_leaves_whole_records_only(tmp_path, caplog) -> None:
    rng = random.Random(5)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "j")], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with caplog.at_level(logging.WARNING):
            assert all(len(set(body)) == 1 and len(body) == 5000 for _, body in Journal(tmp_path / "j", "tiles"))
    assert caplog.text == ""
