"""A third party's code is a part of its fingerprint: after a changed byte, there or in its neighbours, yesterday's
templates are not used."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from audit.backends.own_code import WithCode, code_sha256
from audit.backends.protocol import Backend
from audit.backends.registry import factory, make
from audit.base.errors import BackendError

CODE = """
from beside_{n} import SIZE
from audit.backends.options import fingerprint_of
from audit.backends.protocol import ScoreRule

class Mine:
    name, version, dimensions = "mine", "1", SIZE
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0)
    fingerprint = fingerprint_of(name="mine")
    def describe(self): return dict(product="toy")
    def extract(self, images): return []

def make(options): return Mine()
"""


def fingerprint(folder, n: int, code: str, beside: str) -> str:
    """Of a module written anew under the same name."""
    (folder / f"mine_{n}.py").write_text(code)
    (folder / f"beside_{n}.py").write_text(beside)
    for name in (f"mine_{n}", f"beside_{n}"):
        sys.modules.pop(name, None)
    return make(f"mine_{n}:make", {}).fingerprint


def test_a_changed_byte_of_the_module_or_of_its_neighbour_is_another_fingerprint(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    code = CODE.format(n=1)
    first = fingerprint(tmp_path, 1, code, "SIZE = 3\n")
    assert len(first) == 64
    assert fingerprint(tmp_path, 1, code, "SIZE = 3\n") == first
    assert fingerprint(tmp_path, 1, code + "# changed\n", "SIZE = 3\n") != first
    assert fingerprint(tmp_path, 1, code, "SIZE = 4 \n") != first
    (tmp_path / "stranger.py").write_text("X = 1\n")  # in the folder, and not imported
    assert fingerprint(tmp_path, 1, code, "SIZE = 3\n") == first


def test_all_code_of_a_package_counts_and_nothing_else_in_it(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "packed_x" / "inner").mkdir(parents=True)
    for place in ("", "inner"):
        (tmp_path / "packed_x" / place / "__init__.py").write_text("")
    (tmp_path / "packed_x" / "inner" / "net.py").write_text("A = 1\n")
    __import__("packed_x.inner.net")
    first = code_sha256("packed_x.inner.net")
    (tmp_path / "packed_x" / "notes.txt").write_text("no code")
    assert code_sha256("packed_x.inner.net") == first
    (tmp_path / "packed_x" / "other.py").write_text("B = 2\n")
    assert code_sha256("packed_x.inner.net") != first


def test_two_modules_that_import_each_other_end(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "ring_a.py").write_text("import ring_b\n")
    (tmp_path / "ring_b.py").write_text("import ring_a\n")
    __import__("ring_a")
    assert len(code_sha256("ring_a")) == 64


def test_built_in_matchers_keep_their_fingerprint(tmp_path) -> None:
    command = [sys.executable, "-c", 'print(\'{"hello": 1, "dimensions": 3, "measure": "cosine"}\'); input()']
    assert not isinstance(make("process", {"command": command}), WithCode)


def test_a_fingerprint_that_is_no_digest_is_left_as_it_is(tmp_path) -> None:
    class Odd:
        fingerprint = "yesterday"
        rule = 1

    wrapped: Backend = WithCode(Odd(), "c")
    assert wrapped.fingerprint == "yesterday"
    assert wrapped.rule == 1
    with pytest.raises(AttributeError):
        wrapped.extract(np.zeros(1))


def test_a_module_without_that_function_is_said(tmp_path) -> None:
    for call in (factory, lambda name: make(name, {})):
        with pytest.raises(BackendError, match="math has no nothing_like_it"):
            call("math:nothing_like_it")
        with pytest.raises(BackendError, match="cannot be imported"):
            call("no_such_module_here:make")
