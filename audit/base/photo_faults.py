"""The bytes of an image in, what is wrong with them before a pixel is decoded out.

Its one idea: a file whose end is missing, or whose headers promise more than any camera writes, is refused by looking
at its markers alone.
"""

from __future__ import annotations

import io
import re
import threading
import warnings

__all__ = ["FORMATS", "MAX_PIXELS", "header_fault", "jpeg_fault", "other_fault"]

MAX_PIXELS = 100_000_000
"""Larger images are refused undecoded; 100 megapixels is the largest
medium-format camera, and 300 MB of memory here."""


MAX_SCANS = 200
"""A progressive JPEG has about ten; thousands of empty ones, each of which decodes the whole picture again, are an
attack on the clock."""


MAX_SEGMENTS = 100_000
"""More markers than any camera writes: the walk through them ends there."""


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


_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker inside JPEG scan data: FF followed by anything but a stuffed 00, a fill byte or a restart marker (ITU T.81,
B.1.1)."""


_NO_FILL = re.compile(rb"[^\xff]")


_PILLOW = threading.Lock()
"""Whether Pillow forgives truncated files is one switch for the whole process; it is turned for one file at a time."""


def _too_large(width: int, height: int) -> str:
    return (
        f"image of {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} megapixels"
        if width * height > MAX_PIXELS
        else ""
    )


def jpeg_fault(data: bytes) -> str:
    """Walk a JPEG's segments to its end-of-image marker; a thumbnail inside a segment has its own, which is skipped.
    "" if all is well.
    """
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
            fault = _too_large(
                int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
            )
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


def header_fault(kind: str, data: bytes) -> str:
    """Sizes that a decoder would make room for before Pillow can tell them: a WebP's canvas, every code stream in a
    JPEG 2000 file.
    """
    if kind == "WebP":
        chunk, body = data[12:16], data[20:30]
        if chunk == b"VP8X":
            return _too_large(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        if chunk == b"VP8L":
            packed = int.from_bytes(body[1:5], "little")
            return _too_large(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
    if kind == "JPEG 2000":
        for found in re.finditer(
            rb"\xff\x4f\xff\x51", data
        ):  # SOC and SIZ: length, capabilities, Xsiz, Ysiz, offsets, tile (ITU T.800, A.5.1)
            siz = data[found.end() : found.end() + 38]
            numbers = [int.from_bytes(siz[at : at + 4], "big") for at in range(4, 36, 4)]
            fault = _too_large(numbers[0], numbers[1]) or (
                "image is damaged (no tile)" if not (numbers[4] and numbers[5]) else ""
            )
            if fault:
                return fault
            if int.from_bytes(siz[36:38], "big") > 4:
                return "image of more than four channels"
    return ""


def other_fault(kind: str, data: bytes) -> str:
    """Decode anything but a JPEG once with Pillow's decoder of its kind, which, told so, refuses truncated files; ""
    if all is well.
    """
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
        except (
            Exception
        ) as error:  # Pillow raises many kinds for damaged files: SyntaxError, OSError, ValueError, struct.error
            return (
                "image is truncated"
                if "truncated" in str(error).lower()
                else f"image is damaged ({type(error).__name__})"
            )
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = allowed
