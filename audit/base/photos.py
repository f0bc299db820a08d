"""One image file in; a decoded photograph, or the reason why there is none, out. The sha256 of the bytes comes from the same read.

The one idea: nothing about a file is believed before it was looked at. Its bytes, never its name, choose the decoder, from a list of formats whose
decoders run no other program (a PostScript file would start Ghostscript); width and height are read and held against ``MAX_PIXELS`` before a pixel
is decoded; only regular files are opened. A file counts as read only if all of it was there: OpenCV fills the missing half of a truncated JPEG with
grey and says nothing, and a grey half-face then looks like a failure of the matcher.

This is the only reader: templates, photo measures, review sheets, checks and benches all come here.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["DECODER", "FORMATS", "MAX_BYTES", "MAX_PIXELS", "Photo", "decode", "file_digest", "kind_of", "of_bytes", "read", "read_bytes"]

MAX_BYTES = 256 * 2**20
"""Larger files are refused unread: a portrait is not a quarter of a gigabyte."""

MAX_PIXELS = 100_000_000
"""Larger images are refused undecoded; 100 megapixels is the largest medium-format camera, and 300 MB of memory here."""

MAX_SCANS = 200
"""A progressive JPEG has about ten; thousands of empty ones, each of which decodes the whole picture again, are an attack on the clock."""

MAX_SEGMENTS = 100_000
"""More markers than any camera writes: the walk through them ends there."""

DECODER = "1"
"""Raise this when the pixels that the decoding below gives change: it is part of every cached template's key."""

FORMATS = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WebP": "WEBP",
    "TIFF": "TIFF",
    "BMP": "BMP",
    "GIF": "GIF",
    "AVIF": "AVIF",
    "JPEG 2000": "JPEG2000",
    "Netpbm": "PPM",
}
"""What is decoded, as it is called here and by Pillow. Of several frames or pages the first is the photograph."""

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
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|!--|\?xml|svg)", re.IGNORECASE), "a web page or other markup"),
    (re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL), "HEIC, which is not read here; convert it to JPEG or PNG"),
    (re.compile(rb"....ftyp", re.DOTALL), "a film"),
    (re.compile(rb"(?:\xc5\xd0\xd3\xc6|%!)"), "PostScript, which is a program"),
    (re.compile(rb"%PDF"), "PDF"),
    (re.compile(rb"(?:PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!)"), "an archive"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer; fetch the file itself"),
    (re.compile(rb"\0*\Z"), "zeros only"),
)
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker inside JPEG scan data: FF followed by anything but a stuffed 00, a fill byte or a restart marker (ITU T.81, B.1.1)."""

_NO_FILL = re.compile(rb"[^\xff]")

_PILLOW = threading.Lock()
"""Whether Pillow forgives truncated files is one switch for the whole process; it is turned for one file at a time."""


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

    What a path leads to is looked at before and after it is opened, and opened without waiting: a pipe would block for ever, and a device has no end.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b"", "not a file but a folder" if path.is_dir() else "not a regular file"
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
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
    """The format that the first bytes tell, a key of ``FORMATS``, and ""; or "" and the reason why this is no photograph."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP", ""
    if data[4:8] == b"ftyp" and b"avi" in data[8 : min(len(data), int.from_bytes(data[:4], "big"), 256)]:  # brands avif and avis
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
        ``pixels`` is None where the file is missing, empty, no regular file, truncated, damaged, too large or not an image. Grey becomes three equal
        channels, transparency is dropped, 16 bits become 8, EXIF rotation is applied. Nothing is raised for a bad file.
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
        reason = _jpeg_fault(data) if kind == "JPEG" else _header_fault(kind, data) or _other_fault(kind, data)
    if reason:
        return None, reason
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        pixels = None
    if pixels is None or pixels.ndim != 3 or not pixels.size:
        return None, "image cannot be decoded"
    return np.ascontiguousarray(pixels, dtype=np.uint8), ""


def _too_large(width: int, height: int) -> str:
    return f"image of {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} megapixels" if width * height > MAX_PIXELS else ""


def _jpeg_fault(data: bytes) -> str:
    """Walk a JPEG's segments to its end-of-image marker; a thumbnail inside a segment has its own, which is skipped. "" if all is well."""
    at, segments, scans = 2, 0, 0
    while at + 4 <= len(data):
        segments += 1
        if data[at] != 0xFF or segments > MAX_SEGMENTS:
            return "image is damaged"
        kind = data[at + 1]
        if kind == 0xFF:  # fill bytes
            at = next((found.start() - 1 for found in [_NO_FILL.search(data, at)] if found), len(data))
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
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:  # it counts itself
            return "image is damaged"
        at += 2 + length
        if kind == 0xDA:  # scan data has no length: it ends at the next marker
            scans += 1
            if scans > MAX_SCANS:
                return f"image of more than {MAX_SCANS} scans"
            found = _MARKER.search(data, at)
            if found is None:
                return "image is truncated"
            at = found.start()
    return "" if data[at : at + 2] == b"\xff\xd9" else "image is truncated"


def _header_fault(kind: str, data: bytes) -> str:
    """Sizes that a decoder would make room for before Pillow can tell them: a WebP's canvas, every code stream in a JPEG 2000 file."""
    if kind == "WebP":
        chunk, body = data[12:16], data[20:30]
        if chunk == b"VP8X":
            return _too_large(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        if chunk == b"VP8L":
            packed = int.from_bytes(body[1:5], "little")
            return _too_large(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
    if kind == "JPEG 2000":
        for found in re.finditer(rb"\xff\x4f\xff\x51", data):  # SOC and SIZ: length, capabilities, Xsiz, Ysiz, offsets, tile (ITU T.800, A.5.1)
            siz = data[found.end() : found.end() + 38]
            numbers = [int.from_bytes(siz[at : at + 4], "big") for at in range(4, 36, 4)]
            fault = _too_large(numbers[0], numbers[1]) or ("image is damaged (no tile)" if not (numbers[4] and numbers[5]) else "")
            if fault:
                return fault
            if int.from_bytes(siz[36:38], "big") > 4:
                return "image of more than four channels"
    return ""


def _other_fault(kind: str, data: bytes) -> str:
    """Decode anything but a JPEG once with Pillow's decoder of its kind, which, told so, refuses truncated files; "" if all is well."""
    from PIL import Image, ImageFile, UnidentifiedImageError

    with _PILLOW, warnings.catch_warnings():
        allowed = ImageFile.LOAD_TRUNCATED_IMAGES  # the face_recognition package sets it for everybody
        warnings.simplefilter("ignore")  # Pillow warns of large images; the limit is ours, just below
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            with Image.open(io.BytesIO(data), formats=[FORMATS[kind]]) as image:
                fault = _too_large(*image.size)
                if not fault:
                    image.load()
                return fault
        except Image.DecompressionBombError:
            return f"image of more than {MAX_PIXELS // 1_000_000} megapixels"
        except (UnidentifiedImageError, MemoryError):
            return "image cannot be decoded"
        except Exception as error:  # Pillow raises many kinds for damaged files: SyntaxError, OSError, ValueError, struct.error
            return "image is truncated" if "truncated" in str(error).lower() else f"image is damaged ({type(error).__name__})"
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = allowed
