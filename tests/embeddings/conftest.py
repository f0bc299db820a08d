"""Photographs of one colour, each with a mark that a toy matcher reads (PNG, so that colours arrive unchanged)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # workers are told this path, and import toy_backends from it


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, mark: int, green: int = 100) -> Path:
        image = np.full((12, 10, 3), green, np.uint8)
        image[0, 0, 0] = mark
        path = tmp_path / name
        assert cv2.imwrite(str(path), image)
        return path

    return write
