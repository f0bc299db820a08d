"""Shared fixtures: where the real data lies, if it lies anywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # what several rooms' tests share lies there


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Photographs, labels and models kept beside the repository; not part of the product."""
    folder = Path(os.environ.get("FACE_AUDIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "lfw" / "images").is_dir():
        pytest.skip(f"no shared data: {folder} has no data/lfw/images (set FACE_AUDIT_SHARED)")
    return folder
