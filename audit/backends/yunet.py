"""YuNet finds a face and its five landmarks; a similarity transform lays them on a network's template. Shared by
``onnx`` and ``opencv_sface``.

In comes a BGR photograph; out come the chosen face (OpenCV's row of 15 numbers) or the reason why there is none, and
aligned crops. The one idea: with points as complex numbers, the best rotation, scale and shift is one division: a =
sum(q * conj(p)) / sum(|p|^2), q = a p + t, both centred (least squares without reflection; Umeyama 1991, equation 40
ff., in two dimensions).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audit.backends.options import file_sha256
from audit.backends.protocol import Extraction, Status
from audit.base.errors import BackendError

__all__ = [
    "ARCFACE_TEMPLATE",
    "FaceChoice",
    "YuNet",
    "aligned",
    "checked_file",
    "quiet_opencv",
    "similarity",
    "template_points",
    "trial",
]

FaceChoice = Literal["central", "largest", "only"]

ARCFACE_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where ArcFace's alignment puts the eyes, the nose and the corners of the mouth in a crop of 112 x 112 (Deng et al.
2019, insightface)."""


def checked_file(option: str, path: Path, sha256: str | None, todo: str = "") -> Path:
    """Give back a model file that exists and has the digest it should have.

    Raises
    ------
    BackendError
        No such file, or its sha256 is another.
    """
    where = f"backend.options.{option}"
    path = path.expanduser()
    if not path.is_file():
        raise BackendError(
            where, got=f"no file {str(path)!r}", allowed="a model file", todo=todo or "Correct the path"
        )
    if sha256 and file_sha256(path) != sha256.lower():
        raise BackendError(
            where,
            got=f"{path.name} with sha256 {file_sha256(path)}",
            allowed=f"sha256 {sha256}",
            todo="Fetch the file again, or correct the digest",
        )
    return path


def quiet_opencv() -> None:
    """Keep OpenCV's warnings about its own engine off the log; errors stay."""
    from cv2.utils import logging

    logging.setLogLevel(logging.LOG_LEVEL_ERROR)


class YuNet:
    """A face detector through ``cv2.FaceDetectorYN``.

    Parameters
    ----------
    model : Path
    score : float
        A face counts from this confidence on.
    longest_side : int
        Larger photos are shrunk to this before detection (landmarks are scaled back): YuNet was trained on faces of
        about 10 to 300 pixels.
    choice : {"central", "largest", "only"}
        Which face, if there are several.
    """

    def __init__(self, model: Path, score: float, longest_side: int, choice: FaceChoice) -> None:
        import cv2

        quiet_opencv()
        try:
            self._detector = cv2.FaceDetectorYN.create(str(model), "", (longest_side, longest_side), score, 0.3, 5000)
        except cv2.error as error:
            got = f"OpenCV cannot load it ({' '.join(str(error).split())[:200]})"
            raise BackendError(
                str(model), got=got, allowed="a YuNet detector in ONNX", todo="Fetch the file again"
            ) from error
        self._longest, self._choice = longest_side, choice

    def find(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float64] | None, Extraction]:
        """Choose one face.

        Returns
        -------
        face : NDArray (15,) float64 or None
            Box (x, y, width, height), then right eye, left eye, nose, right and left corner of the mouth (x, y each),
            then confidence.
        found : Extraction
            With ``faces`` and, where a face is None, the status and its reason; else with the quality measures.
        """
        import cv2

        height, width = image.shape[:2]
        factor = min(1.0, self._longest / max(height, width))
        small = image if factor == 1.0 else cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        if min(small.shape[:2]) < 10:
            return None, Extraction(Status.NO_FACE, reason="no face found: the image is too small")
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._detector.detect(small)
        if found is None or not len(found):
            return None, Extraction(Status.NO_FACE, reason="no face found")
        faces = np.asarray(found, dtype=np.float64)
        faces[:, :14] /= factor
        if len(faces) > 1 and self._choice == "only":
            return None, Extraction(
                Status.MANY_FACES, reason=f"{len(faces)} faces found, and option face = 'only'", faces=len(faces)
            )
        if self._choice == "largest":
            pick = int(np.argmax(faces[:, 2] * faces[:, 3]))
        else:
            pick = int(
                np.argmin(
                    np.hypot(faces[:, 0] + faces[:, 2] / 2 - width / 2, faces[:, 1] + faces[:, 3] / 2 - height / 2)
                )
            )
        return faces[pick], Extraction(Status.ACQUIRED, faces=len(faces), quality=_quality(image, faces[pick]))


def trial(detector: str, longest_side: int) -> dict[str, Any]:
    """Load a detector and look for faces in a grey image, once; raises BackendError where it is no detector."""
    import cv2

    found = YuNet(Path(detector), 0.6, longest_side, "central")
    try:
        found.find(np.full((longest_side, longest_side, 3), 128, np.uint8))
    except (cv2.error, ValueError, IndexError) as error:
        got = f"it does not detect ({' '.join(str(error).split())[:200]})"
        raise BackendError(
            detector, got=got, allowed="a YuNet detector in ONNX", todo="Fetch the file again"
        ) from error
    return {}


def _quality(image: NDArray[np.uint8], face: NDArray[np.float64]) -> dict[str, float]:
    """Give the same measures as ``face_recognition``'s: pixels, degrees, eye distances, brightness 0-255."""
    x, y, width, height = face[:4]
    eye, other, nose = face[4:6], face[6:8], face[8:10]
    across = other - eye
    distance = float(np.hypot(*across))
    patch = image[max(0, int(y)) : max(0, int(y + height)), max(0, int(x)) : max(0, int(x + width))].astype(np.float32)
    grey = patch @ np.array([0.114, 0.587, 0.299], dtype=np.float32)
    return {
        "face_pixels": float(min(width, height)),
        "detector_confidence": float(face[14]),
        "eye_pixels": distance,
        "roll_degrees": math.degrees(math.atan2(across[1], across[0])),
        "turn": float((nose - (eye + other) / 2) @ across) / distance**2 if distance else 0.0,
        "brightness": float(grey.mean()) if grey.size else 0.0,
        "contrast": float(grey.std()) if grey.size else 0.0,
    }


def template_points(size: int, zoom: float) -> NDArray[np.float64]:
    """(5, 2) points: ArcFace's template scaled from 112 to ``size``, then by ``zoom`` about the centre (below 1: more
    surroundings).
    """
    return (ARCFACE_TEMPLATE * (size / 112) - size / 2) * zoom + size / 2


def similarity(points: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) matrix of the rotation, scale and shift that brings ``points`` (5, 2) nearest to ``target`` (5, 2), least
    squares.
    """
    p, q = points[:, 0] + 1j * points[:, 1], target[:, 0] + 1j * target[:, 1]
    centred = p - p.mean()
    spread = float(np.sum(np.abs(centred) ** 2))
    a = np.sum((q - q.mean()) * np.conj(centred)) / spread if spread else 1.0 + 0j
    shift = q.mean() - a * p.mean()
    return np.array([[a.real, -a.imag, shift.real], [a.imag, a.real, shift.imag]])


def aligned(image: NDArray[np.uint8], face: NDArray[np.float64], size: int, zoom: float = 1.0) -> NDArray[np.uint8]:
    """(size, size, 3) uint8 crop with the face's landmarks on the template; black beyond the photo's edge."""
    import cv2

    matrix = similarity(face[4:14].reshape(5, 2), template_points(size, zoom))
    return np.asarray(cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR), dtype=np.uint8)
