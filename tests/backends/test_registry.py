"""Names to backends: built in, installed by others, or named by module and function."""

from __future__ import annotations

import subprocess
import sys

import pytest

from audit.backends import registry
from audit.backends.registry import make, names
from audit.base.errors import BackendError


def test_every_built_in_has_a_module_with_a_factory() -> None:
    from importlib import import_module

    for name in registry.BUILT_IN:
        assert callable(import_module(f"audit.backends.{name}").make)
    assert names().keys() >= registry.BUILT_IN.keys()


def test_listing_names_imports_no_backend() -> None:
    code = "import sys; from audit.backends.registry import names; names()"
    code += "; print([m for m in sys.modules if m in ('dlib', 'cv2', 'onnxruntime', 'pandas')])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(
        BackendError,
        match=r"unknown backend 'face-recognition'.*Allowed: .*templates.*Did you mean 'face_recognition'\?",
    ):
        make("face-recognition", {})


def test_a_missing_module_says_which(tmp_path) -> None:
    with pytest.raises(BackendError, match="cannot be imported.*no_such_module"):
        make("no_such_module:make", {})


def test_a_factory_that_gives_something_else_is_refused() -> None:
    with pytest.raises(BackendError, match="a dict without name, version, dimensions"):
        make("builtins:dict", {})


def test_a_factory_that_fails_is_an_error_of_that_backend() -> None:
    with pytest.raises(BackendError, match="its factory failed with TypeError"):
        make("math:sqrt", {})


def test_something_that_is_no_function_is_refused() -> None:
    with pytest.raises(BackendError, match="a function make"):
        make("math:pi", {})
