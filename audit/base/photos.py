"""One image file in; a decoded photograph, or the reason why there is none, out. The sha256 of the bytes comes from
the same read.

The one idea: nothing about a file is believed before it was looked at. Its bytes, never its name, choose the decoder,
from a list of formats whose decoders run no other program (a PostScript file would start Ghostscript); width and
height are read and held against ``MAX_PIXELS`` before a pixel is decoded; only regular files are opened. A file counts
as read only if all of it was there: OpenCV fills the missing half of a truncated JPEG with grey and says nothing, and
a grey half-face then looks like a failure of the matcher.

This is the only reader: templates, photo measures, review sheets, checks and benches all come here.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.base.photo_faults import header_fault, jpeg_fault, other_fault

__all__ = ["DECODER", "MAX_BYTES", "Photo", "decode", "file_digest", "kind_of", "of_bytes", "read", "read_bytes"]

MAX_BYTES = 256 * 2**20
"""Larger files are refused unread: a portrait is not a quarter of a gigabyte."""


DECODER = "1"
"""Raise this when the pixels that the decoding below gives change: it is part of every cached template's key."""


_SIGNATURES = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    *((b"P%d%c" % (number, space), "Netpbm") for number in range(1, 7) for space in b" \t\r\n#"),
)
_NOT_READ = (
    (
        re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|!--|\?xml|svg)", re.IGNORECASE),
        "a web page or other markup",
    ),
    (
        re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL),
        "HEIC, which is not read here; convert it to JPEG or PNG",
    ),
    (re.compile(rb"....ftyp", re.DOTALL), "a film"),
    (re.compile(rb"(?:\xc5\xd0\xd3\xc6|%!)"), "PostScript, which is a program"),
    (re.compile(rb"%PDF"), "PDF"),
    (re.compile(rb"(?:PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!)"), "an archive"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer; fetch the file itself"),
    (re.compile(rb"\0*\Z"), "zeros only"),
)


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


def read_bytes(path: Path) -> tuple[bytes, str]:
    """All bytes of a regular file of at most ``MAX_BYTES``, and ""; or none and the reason.

    What a path leads to is looked at before and after it is opened, and opened without waiting: a pipe would block for
    ever, and a device has no end.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b"", "not a file but a folder" if path.is_dir() else "not a regular file"
        with os.fdopen(
            os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb"
        ) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return b"", "not a regular file"
            if found.st_size > MAX_BYTES:
                return b"", f"file larger than {MAX_BYTES >> 20} MB"
            data = file.read(MAX_BYTES + 1)  # a file may grow while it is read
    except FileNotFoundError:
        return b"", "file missing"
    except (OSError, ValueError) as error:  # a path with NUL in it is a ValueError
        return b"", f"file cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}"
    if len(data) > MAX_BYTES:
        return b"", f"file larger than {MAX_BYTES >> 20} MB"
    return (data, "") if data else (b"", "file is empty")


def kind_of(data: bytes) -> tuple[str, str]:
    """The format that the first bytes tell, a key of ``FORMATS``, and ""; or "" and the reason why this is no
    photograph.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP", ""
    if (
        data[4:8] == b"ftyp" and b"avi" in data[8 : min(len(data), int.from_bytes(data[:4], "big"), 256)]
    ):  # brands avif and avis
        return "AVIF", ""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind, ""
    what = next((what for pattern, what in _NOT_READ if pattern.match(data)), "")
    return "", f"not an image: {what}" if what else "not an image"


def file_digest(path: Path) -> tuple[str, str]:
    """Hex sha256 of a file's bytes and "", or "" and the reason why it is no photograph."""
    data, reason = read_bytes(path)
    if not data:
        return "", reason
    kind, reason = kind_of(data)
    return (hashlib.sha256(data).hexdigest(), "") if kind else ("", reason)


def read(path: Path) -> Photo:
    """Read one image file.

    Parameters
    ----------
    path : Path
        Of any name; its content is one of ``FORMATS``.

    Returns
    -------
    Photo
        ``pixels`` is None where the file is missing, empty, no regular file, truncated, damaged, too large or not an
        image. Grey becomes three equal channels, transparency is dropped, 16 bits become 8, EXIF rotation is applied.
        Nothing is raised for a bad file.
    """
    data, reason = read_bytes(path)
    return of_bytes(data) if data else Photo(None, "", reason)


def of_bytes(data: bytes) -> Photo:
    """Give the photograph of a file's bytes, as ``read`` does."""
    pixels, reason = decode(data)
    return Photo(pixels, hashlib.sha256(data).hexdigest() if data else "", reason)


def decode(data: bytes) -> tuple[NDArray[np.uint8] | None, str]:
    """Decode a file's bytes: (H, W, 3) uint8 BGR and "", or None and the reason."""
    import cv2

    kind, reason = kind_of(data)
    if kind:
        reason = jpeg_fault(data) if kind == "JPEG" else header_fault(kind, data) or other_fault(kind, data)
    if reason:
        return None, reason
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        pixels = None
    if pixels is None or pixels.ndim != 3 or not pixels.size:
        return None, "image cannot be decoded"
    return np.ascontiguousarray(pixels, dtype=np.uint8), ""
