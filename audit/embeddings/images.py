"""One image file in; a decoded photograph, or the reason why there is none, out. The sha256 of the bytes comes from the same read.

The one idea: a file counts as read only if all of it was there. OpenCV fills the missing half of a truncated JPEG with grey and says nothing, and
a grey half-face then looks like a failure of the matcher; so the end of the file is looked for before the pixels are believed.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["DECODER", "MAX_BYTES", "MAX_PIXELS", "Photo", "decode", "file_digest", "read"]

MAX_BYTES = 256 * 2**20
"""Larger files are refused unread: a portrait is not a quarter of a gigabyte."""

MAX_PIXELS = 100_000_000
"""Larger images are refused undecoded; 100 megapixels is the largest medium-format camera, and 300 MB of memory here."""

DECODER = "1"
"""Raise this when the decoding below changes: it is part of every cached template's key."""

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker inside JPEG scan data: FF followed by anything but a stuffed 00, a fill byte or a restart marker (ITU T.81, B.1.1)."""


@dataclass(frozen=True, eq=False)
class Photo:
    """What became of one file.

    Attributes
    ----------
    pixels : NDArray (H, W, 3) uint8 or None
        BGR, EXIF rotation applied; None if it could not be read.
    sha256 : str
        Hex digest of the file's bytes; empty if there were none.
    reason : str
        Why there are no pixels; never holds the path.
    """

    pixels: NDArray[np.uint8] | None
    sha256: str
    reason: str = ""


def _bytes(path: Path) -> tuple[bytes, str]:
    """All bytes of a file, or a reason."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return b"", f"file larger than {MAX_BYTES >> 20} MB"
        data = path.read_bytes()
    except FileNotFoundError:
        return b"", "file missing"
    except IsADirectoryError:
        return b"", "not a file but a folder"
    except OSError as error:
        return b"", f"file cannot be read: {error.strerror or type(error).__name__}"
    return (data, "") if data else (b"", "file is empty")


def file_digest(path: Path) -> tuple[str, str]:
    """Hex sha256 of a file's bytes and "", or "" and the reason why there is none."""
    data, reason = _bytes(path)
    return (hashlib.sha256(data).hexdigest() if data else "", reason)


def read(path: Path) -> Photo:
    """Read one image file.

    Parameters
    ----------
    path : Path
        JPEG, PNG, WebP, BMP, TIFF or whatever else both Pillow and OpenCV know.

    Returns
    -------
    Photo
        ``pixels`` is None where the file is missing, empty, truncated, damaged, too large or not an image. Grey becomes three equal channels,
        transparency is dropped, 16 bits become 8, EXIF rotation is applied. Nothing is raised for a bad file.
    """
    data, reason = _bytes(path)
    if not data:
        return Photo(None, "", reason)
    digest = hashlib.sha256(data).hexdigest()
    pixels, reason = decode(data)
    return Photo(pixels, digest, reason)


def decode(data: bytes) -> tuple[NDArray[np.uint8] | None, str]:
    """Decode a file's bytes: (H, W, 3) uint8 BGR and "", or None and the reason."""
    import cv2

    reason = _jpeg_fault(data) if data[:2] == b"\xff\xd8" else _other_fault(data)
    if reason:
        return None, reason
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.ndim != 3 or not pixels.size:
        return None, "image cannot be decoded"
    return np.ascontiguousarray(pixels, dtype=np.uint8), ""


def _too_large(width: int, height: int) -> str:
    return f"image of {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} megapixels" if width * height > MAX_PIXELS else ""


def _jpeg_fault(data: bytes) -> str:
    """Walk a JPEG's segments to its end-of-image marker; a thumbnail inside a segment has its own, which is skipped. "" if all is well."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return "image is damaged"
        kind = data[at + 1]
        if kind == 0xFF:  # fill byte
            at += 1
            continue
        if kind == 0xD9:
            return ""
        if kind == 0x01 or 0xD0 <= kind <= 0xD7:  # markers without a body
            at += 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:  # start of frame: precision, height, width
            fault = _too_large(int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big"))
            if fault:
                return fault
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == 0xDA:  # scan data has no length: it ends at the next marker
            found = _MARKER.search(data, at)
            if found is None:
                return "image is truncated"
            at = found.start()
    return "" if data[at : at + 2] == b"\xff\xd9" else "image is truncated"


def _other_fault(data: bytes) -> str:
    """Decode anything but a JPEG once with Pillow, which, told so, refuses truncated files; "" if all is well."""
    from PIL import Image, ImageFile, UnidentifiedImageError

    allowed = ImageFile.LOAD_TRUNCATED_IMAGES  # the face_recognition package sets it for everybody
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; the limit is ours, just below
            with Image.open(io.BytesIO(data)) as image:
                fault = _too_large(*image.size)
                if not fault:
                    ImageFile.LOAD_TRUNCATED_IMAGES = False
                    image.load()
                return fault
    except UnidentifiedImageError:
        return "not an image"
    except Exception as error:  # Pillow raises many kinds for damaged files: SyntaxError, OSError, ValueError, struct.error
        return "image is truncated" if "truncated" in str(error).lower() else f"image is damaged ({type(error).__name__})"
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = allowed
