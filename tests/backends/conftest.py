"""Tiny networks and real photographs for the backends."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    from tiny_onnx import block_means

    path = tmp_path / "tiny.onnx"
    path.write_bytes(block_means())
    return path


@pytest.fixture(scope="session")
def yunet(shared: Path) -> Path:
    return shared / "models/face_detection_yunet_2026may.onnx"


@pytest.fixture(scope="session")
def lfw_photos(shared: Path) -> list[np.ndarray]:
    return [cv2.imread(str(file)) for file in sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::1300]]
