"""An unexpected error names nobody on the screen, and keeps its full text for its owner."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from audit.base.unexpected import frames, keep
from audit.cli import run_command_line

SECRET = "Jane_Q_Public"


def deep(kind: str) -> None:
    try:
        if kind == "value":
            int(SECRET)
        elif kind == "key":
            {}[SECRET]
        elif kind == "file":
            Path(f"/nowhere/{SECRET}.jpg").read_bytes()
        elif kind == "group":
            raise ExceptionGroup(SECRET, [ValueError(SECRET)])
        elif kind == "named":
            raise type(SECRET[:4], (Exception,), {"__module__": "plugin"})(SECRET)
        else:
            exec(compile(f"raise ValueError('{SECRET}')", f"/home/{SECRET}/x", "exec"))
    except Exception as error:
        error.add_note(SECRET)
        raise RuntimeError(f"row of {SECRET}") from error


@pytest.mark.parametrize("kind", ["value", "key", "file", "group", "exec"])
def test_frames_and_kinds_are_shown_and_no_value(kind, tmp_path) -> None:
    with pytest.raises(RuntimeError) as caught:
        deep(kind)
    text = frames(caught.value)
    assert SECRET not in text
    assert "in deep" in text
    assert text.endswith("RuntimeError")
    assert "which led to:" in text
    path = keep(caught.value, tmp_path / "errors", "face-audit run")
    assert path is not None
    assert SECRET in path.read_text()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_an_endless_chain_ends() -> None:
    one, two = ValueError(), KeyError()
    one.__context__, two.__context__ = two, one
    assert frames(one).count("which led to:") == 1


def test_the_command_line_says_where_it_happened_and_where_the_rest_is(monkeypatch, capsys, tmp_path) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IsADirectoryError(21, "Is a directory", f"/data/{SECRET}_0001.jpg")

    monkeypatch.setattr("audit.cli.doctor.examine", broken)
    monkeypatch.setenv("FACE_AUDIT_CACHE", str(tmp_path / "cache"))
    assert run_command_line(["doctor"]) == 70
    said = capsys.readouterr().err
    assert SECRET not in said
    assert "IsADirectoryError [errno 21]" in said
    assert "in broken" in said
    (kept,) = (tmp_path / "cache" / "errors").iterdir()
    assert str(kept) in said
    assert SECRET in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENAMETOOLONG, "x", f"/data/{SECRET}"), "too long"),
        (PermissionError(errno.EACCES, "x", f"/data/{SECRET}"), "denied"),
    ]
    + [
        (OSError(errno.ENOSPC, "x", f"/data/{SECRET}"), "space"),
        (OSError(errno.EFBIG, SECRET), "large"),
        (MemoryError(SECRET), "memory"),
    ],
)
def test_what_the_system_refuses_is_no_defect_and_names_nobody(error, word, monkeypatch, capsys, tmp_path) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("audit.cli.doctor.examine", broken)
    monkeypatch.setenv("FACE_AUDIT_CACHE", str(tmp_path / "cache"))
    assert run_command_line(["doctor"]) == 3
    said = capsys.readouterr().err
    assert word in said
    assert SECRET not in said
    assert "Traceback" not in said
    assert "defect" not in said
    assert SECRET in next((tmp_path / "cache" / "errors").iterdir()).read_text()


def test_a_nul_in_a_word_is_a_mistake_of_usage(capsys) -> None:
    for words in (["verify", "a\0b"], ["a\0b"], ["run", "x", "--set", "name=\0"]):
        assert run_command_line(words) == 2
        assert "NUL" in capsys.readouterr().err


def test_a_thread_that_fails_names_nobody() -> None:
    code = (
        "import threading\nfrom audit import cli\n"
        "def fail(): raise ValueError('Jane_Q_Public')\n"
        "with cli._ending_tidily([]):\n    t = threading.Thread(target=fail)\n    t.start()\n    t.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert "ValueError" in done.stderr
    assert SECRET not in done.stderr
