"""A backend that costs nothing, so that what is left is the harness: PYTHONPATH=benches/templates, --backend
free_backend:make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Backend, Extraction, ScoreRule, Status

QUALITY = dict.fromkeys(
    ("face_pixels", "detector_confidence", "eye_pixels", "roll_degrees", "turn", "brightness", "contrast"), 1.0
)
"""As many measures as the face_recognition backend gives."""


class Free:
    """Says of every photo that it was acquired; the template is ones."""

    name, version, fingerprint, dimensions = "free", "1", "free", 128
    rule = ScoreRule("euclidean", "dissimilarity", low=-2.0, high=0.0, default_threshold=0.6, unit="distance")

    def describe(self) -> dict[str, Any]:
        """Nothing to say."""
        return {}

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per image."""
        return [
            Extraction(Status.ACQUIRED, np.ones(128, np.float32), faces=1, quality=QUALITY, seconds=1e-3)
            for _ in images
        ]


def make(options: Mapping[str, Any]) -> Backend:
    """Make it."""
    return Free()
