"""stdout is the answer alone, whatever a matcher prints: by Python, by its C
library, from a child process, at exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from audit.cli.streams import answers_only, say

LOUD = """
import atexit, ctypes, os, subprocess, sys
print("at import")
atexit.register(print, "at exit")
from audit.backends.options import fingerprint_of
from audit.backends.protocol import Extraction, ScoreRule, Status

class Loud:
    name, version, dimensions = "loud", "1", 3
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0)
    fingerprint = fingerprint_of(name="loud")
    def describe(self): return dict(product="toy", licence="none", training_data="none")
    def extract(self, images):
        print("by Python")
        os.write(1, b"by descriptor")
        ctypes.CDLL(None).printf(b"by the C library")
        subprocess.run([sys.executable, "-c", "print('by a child')"])
        return [Extraction(Status.NO_FACE, reason="no face found") for _ in images]

def make(options):
    print("made")
    return Loud()
"""


def loud(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "loud_backend.py").write_text(LOUD)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "audit", *words], env=environment, capture_output=True, text=True, check=False
    )


def test_a_matcher_that_prints_leaves_json_as_it_is(tmp_path: Path) -> None:
    done = loud(tmp_path, "backend", "check", "loud_backend:make", "--no-huge", "--json")
    rows = json.loads(done.stdout)
    assert rows[-1] == {"check": "it survives", "passed": True, "detail": "no crash"}
    for words in ("at import", "made", "by Python", "by descriptor", "by the C library", "by a child"):
        assert words in done.stderr
    assert done.returncode == 0


def test_explain_of_a_matcher_that_prints_is_json_too(tmp_path: Path) -> None:
    done = loud(tmp_path, "explain", "loud_backend:make", "--json")
    assert json.loads(done.stdout)["options"] is None
    assert "at import" in done.stderr
    assert "at exit" in done.stderr


def test_help_goes_to_stdout(tmp_path: Path) -> None:
    assert "--fresh" in loud(tmp_path, "run", "--help").stdout


def test_a_caller_s_own_stdout_gets_the_answer_and_nothing_else(capsys) -> None:
    @answers_only
    def command(what: str) -> str:
        print("noise")
        say(what)
        inner = answers_only(say)
        inner("nested")
        return what

    assert command("answer") == "answer"
    print("after")
    shown = capsys.readouterr()
    assert shown.out == "answer\nnested\nafter\n"
    assert shown.err == "noise\n"


def test_stdout_is_back_after_a_failure(capsys) -> None:
    @answers_only
    def command() -> None:
        raise KeyError("x")

    try:
        command()
    except KeyError:
        print("after")
    assert capsys.readouterr().out == "after\n"
