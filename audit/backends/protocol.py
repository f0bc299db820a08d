"""What a matcher is to this audit: images in, one template or one reason for its absence out, and a rule that scores
two templates.

A backend never sees subjects, groups or labels: what is audited cannot know what it is audited for. It sees decoded
images and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Backend", "Extraction", "Measure", "ScoreRule", "Status"]

Measure = Literal["euclidean", "cosine", "inner"]


class Status(IntEnum):
    """What became of one sample. Only ``ACQUIRED`` samples have a template; the rest are failures to acquire (FTA)."""

    ACQUIRED = 0
    UNREADABLE = 1
    NO_FACE = 2
    MANY_FACES = 3
    ERROR = 4


@dataclass(frozen=True)
class ScoreRule:
    """How two templates become one comparison score.

    Inside the audit larger always means more alike: cosine ``s = a.b / sqrt(a.a * b.b)``, inner ``s = a.b``,
    euclidean ``s = -sqrt(sum((a - b)**2))``, all float64 (METRICS 1). ``low`` and ``high`` bound ``s``.

    Attributes
    ----------
    measure : {"euclidean", "cosine", "inner"}
    kind : {"similarity", "dissimilarity"}
        How the matcher's own documentation speaks: a dissimilarity (distance) is negated once, here.
    low, high : float
        Bounds of the score ``s`` (larger = more alike), e.g. -2 and 0 for Euclidean distances up to 2.
    default_threshold : float or None
        The vendor's own threshold in the vendor's own unit (a distance if ``kind`` is "dissimilarity"); None if it has
        none.
    unit : str
        The vendor's word for the number, e.g. "distance".
    """

    measure: Measure
    kind: Literal["similarity", "dissimilarity"]
    low: float
    high: float
    default_threshold: float | None = None
    unit: str = "similarity"

    def to_score(self, value: float) -> float:
        """Turn a number in the vendor's unit into a score (larger = more alike), or a score back into the vendor's
        unit.
        """
        return -value if self.kind == "dissimilarity" else value


@dataclass(frozen=True)
class Extraction:
    """What a backend made of one image.

    Attributes
    ----------
    status : Status template : NDArray (D,) float32 (float64 from ready-made templates that float32 would round), or
    None unless ``status`` is ACQUIRED reason : str
        Why there is no template; no names, no paths.
    faces : int
        How many faces were found.
    quality : dict of str to float
        Simple measures of the face that was used, e.g. ``face_pixels``, ``detector_confidence``, ``yaw``; may be
        empty.
    seconds : float
        Time the backend spent on this image.
    steps : dict of str to float
        Seconds of it by step, for a backend that can tell: ``detect`` (from the photo to the chosen face) and
        ``describe`` (from the face to the template, alignment included). May be empty. Only ``face-audit bench`` reads
        them; they are not kept.
    """

    status: Status
    template: NDArray[np.float32] | NDArray[np.float64] | None = None
    reason: str = ""
    faces: int = 0
    quality: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class Backend(Protocol):
    """A matcher under audit. Implementations are made by a factory ``make(options: dict) -> Backend`` (see
    ``registry``).
    """

    name: str
    version: str
    dimensions: int
    rule: ScoreRule

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over the name, version, model files and options: two backends with one fingerprint give one
        template per image.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Product, version, model files with sha256, licence, options, declared training data: plain JSON values for
        the report.
        """
        ...

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per image, in order.

        Parameters
        ----------
        images : sequence of NDArray (H, W, 3) uint8
            Decoded photographs, BGR as OpenCV reads them, EXIF rotation applied.
        """
        ...
