"""``face-audit doctor``: what this machine can do, what is missing, how to get it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import Any

from audit.base.machine import cores, version

__all__ = ["examine"]

_EXTRAS = {
    "photographs with dlib": (
        "face_recognition",
        "face_recognition",
        "make setup-dev, or install the extra 'face_recognition' as CONTRIBUTING says",
    ),
    "photographs with ONNX networks": ("onnxruntime", "onnxruntime", "install the extra 'onnx'"),
    "PDF reports": (
        "weasyprint",
        "weasyprint",
        "install the extra 'pdf'; Debian also needs libpango-1.0-0 and libpangoft2-1.0-0",
    ),
}
_CORE = ("numpy", "scipy", "pandas", "numba", "opencv-python-headless", "pillow", "jinja2", "pydantic")


def _row(what: str, ok: bool, found: str, todo: str = "") -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "todo": todo}


def examine() -> list[dict[str, Any]]:
    """One row a thing: what, ok, found, todo."""
    rows = [_row("Python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer")]
    for package in _CORE:
        found = version(package)
        rows.append(_row(package, bool(found), found or "not installed", "make setup"))
    for what, (module, package, todo) in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        rows.append(
            _row(what, there, f"{package} {version(package)}" if there else f"{package} is not installed", todo)
        )
    rows.append(_row("cores", True, str(cores())))
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    rows.append(
        _row(
            "browser tests",
            chromium is not None,
            chromium or "no Chromium",
            "install Chromium; only the tests need it",
        )
    )
    rows += _benchmarks()
    return rows


def _benchmarks() -> list[dict[str, Any]]:
    from audit.base.errors import BenchmarkError
    from audit.base.shipped import places
    from audit.benchmark.card import all_cards

    try:
        return [
            _row(
                "dataset cards", True, f"{len(all_cards())} in {', '.join(str(place) for place in places('datasets'))}"
            )
        ]
    except BenchmarkError as error:
        return [_row("dataset cards", False, error.got, error.todo)]
