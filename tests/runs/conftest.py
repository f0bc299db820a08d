"""The planted world, for every test of this room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def world(tmp_path: Path) -> object:
    from planted_world import make

    return make(tmp_path)
