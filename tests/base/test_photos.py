"""What counts as a photograph that was read."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from audit.base import photo_faults
from audit.base import photos as images
from audit.base.photos import file_digest, read

COLOURS = np.random.default_rng(7).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def encoded(kind: str, image: np.ndarray = COLOURS, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image[:, :, ::-1] if image.ndim == 3 else image).save(buffer, kind, **options)
    return buffer.getvalue()


def reading(tmp_path: Path, data: bytes) -> images.Photo:
    path = tmp_path / "photo"
    path.write_bytes(data)
    return read(path)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_a_lossless_photo_arrives_unchanged_as_bgr(tmp_path, kind) -> None:
    data = encoded(kind)
    photo = reading(tmp_path, data)
    assert (photo.pixels == COLOURS).all()
    assert (photo.pixels.dtype, photo.pixels.flags.c_contiguous) == (np.uint8, True)
    assert photo.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100}], ids=str)
def test_a_jpeg_arrives_as_opencv_reads_it(tmp_path, options) -> None:
    data = encoded("JPEG", **options)
    assert (reading(tmp_path, data).pixels == cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)).all()


def test_grey_becomes_three_equal_channels(tmp_path) -> None:
    pixels = reading(tmp_path, encoded("PNG", COLOURS[:, :, 0])).pixels
    assert all((pixels[:, :, channel] == COLOURS[:, :, 0]).all() for channel in range(3))


def test_exif_rotation_is_applied(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    plain, turned = reading(tmp_path, encoded("JPEG")).pixels, reading(tmp_path, encoded("JPEG", exif=exif)).pixels
    assert (turned == np.rot90(plain, -1)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("tolerant", [False, True])
def test_a_truncated_photo_is_unreadable(tmp_path, monkeypatch, kind, keep, tolerant) -> None:
    monkeypatch.setattr(
        ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant
    )  # face_recognition sets it to True for its whole process
    data = encoded(kind)
    photo = reading(tmp_path, data[: int(len(data) * keep)])
    assert photo.pixels is None
    assert photo.reason
    assert tolerant == ImageFile.LOAD_TRUNCATED_IMAGES


def test_a_truncated_jpeg_is_not_saved_by_its_thumbnail(tmp_path) -> None:
    thumbnail = encoded("JPEG", COLOURS[:8, :8])
    data = encoded("JPEG")
    segment = b"Exif\0\0" + thumbnail
    whole = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    assert reading(tmp_path, whole).pixels is not None
    assert reading(tmp_path, whole[:-40]).reason == "image is truncated"


def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path) -> None:
    assert (reading(tmp_path, encoded("JPEG") + b"\0" * 100).pixels == reading(tmp_path, encoded("JPEG")).pixels).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file is empty"),
        (b"%PDF-1.4 not a photograph", "not an image: PDF"),
        (b"nothing that anybody knows", "not an image"),
        (b"\xff\xd8\xff", "image is truncated"),
        (b"\xff\xd8" + bytes(50), "image is damaged"),
        (bytes(5000), "not an image: zeros only"),
        (b"\n <!DOCTYPE html><html>404", "not an image: a web page or other markup"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "not an image: HEIC, which is not read here; convert it to JPEG or PNG",
        ),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "not an image: a film"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00",
            "not an image: a Git LFS pointer; fetch the file itself",
        ),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image: a web page or other markup"),
    ],
)
def test_a_file_that_is_no_photo_says_so(tmp_path, data, reason) -> None:
    assert reading(tmp_path, data).reason == reason


def test_a_missing_file_and_a_folder_say_so_without_their_name(tmp_path) -> None:
    missing = read(tmp_path / "Jane_Doe.jpg")
    assert (missing.pixels, missing.sha256, missing.reason) == (None, "", "file missing")
    assert read(tmp_path).reason == "not a file but a folder"
    assert file_digest(tmp_path / "Jane_Doe.jpg") == ("", "file missing")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_of_too_many_pixels_is_refused_before_decoding(tmp_path, monkeypatch, kind) -> None:
    monkeypatch.setattr(photo_faults, "MAX_PIXELS", 1000)
    assert reading(tmp_path, encoded(kind)).reason.startswith("image of 60 x 40 pixels")


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    assert reading(tmp_path, encoded("PNG")).sha256 == ""


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000", "PPM"]), st.data())
def test_damaged_bytes_never_raise_and_give_pixels_or_a_reason(kind, data) -> None:
    raw = bytearray(encoded(kind))
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    pixels, reason = images.decode(bytes(raw[: data.draw(st.integers(1, len(raw)))]))
    assert (pixels is None) == bool(reason)


@pytest.mark.shared
def test_every_hundredth_real_photo_reads_as_opencv_reads_it(shared) -> None:
    files = sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::100]
    assert len(files) > 100
    for file in files:
        assert (read(file).pixels == cv2.imread(str(file))).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM"])
def test_every_documented_format_is_read_whatever_its_name(tmp_path, kind) -> None:
    flat = np.full((40, 60, 3), 120, np.uint8)  # lossy or 256 colours: one colour arrives near itself in each
    path = tmp_path / "photo.eps"
    path.write_bytes(encoded(kind, flat))
    assert np.abs(read(path).pixels.astype(int) - 120).max() <= 3


EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\n(/tmp/{}) (w) file "
    b"closefile\nshowpage\n%%EOF\n"
)


@pytest.mark.parametrize(
    "before",
    [b"", b"\xc5\xd0\xd3\xc6" + (32).to_bytes(4, "little") + bytes(24), b"\n", b"\x04"],
    ids=["plain", "DOS", "line", "EOT"],
)
@pytest.mark.parametrize("name", ["photo.eps", "photo.jpg", "photo.png"])
def test_postscript_is_refused_and_starts_no_program(tmp_path, monkeypatch, before, name) -> None:
    import subprocess

    started = []
    monkeypatch.setattr(
        subprocess.Popen,
        "__init__",
        lambda self, *args, **more: started.append(args) or (_ for _ in ()).throw(OSError),
    )
    monkeypatch.setenv("PATH", str(tmp_path))  # a Ghostscript of our own, which would leave a trace
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "gs").chmod(0o755)
    path = tmp_path / name
    path.write_bytes(before + EPS)
    photo = read(path)
    assert photo.pixels is None
    assert photo.reason.startswith("not an image")
    assert (started, (tmp_path / "ran").exists()) == ([], False)


@pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA", "SGI", "PDF", "EPS", "DDS", "MSP", "XBM", "ICNS"])
def test_formats_off_the_list_are_not_decoded(tmp_path, kind) -> None:
    image = Image.fromarray(COLOURS).convert({"MSP": "1", "XBM": "1"}.get(kind, "RGB"))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    path = tmp_path / "photo.jpg"
    path.write_bytes(buffer.getvalue())
    assert read(path).reason.startswith("not an image")


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: _socket(path)],
    ids=["pipe", "device", "socket"],
)
def test_what_is_no_regular_file_is_not_opened(tmp_path, make) -> None:
    path = tmp_path / "photo.jpg"
    make(path)
    began = time.monotonic()
    assert read(path).reason == "not a regular file"
    assert time.monotonic() - began < 5


def _socket(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def test_a_name_too_long_or_with_a_nul_is_a_reason(tmp_path) -> None:
    assert read(tmp_path / ("x" * 300)).reason.startswith("file cannot be read")
    assert read(Path(f"{tmp_path}/a\0b.jpg")).reason.startswith("file cannot be read")


def _png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: int = 0) -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 + 3 * width) * (rows or height))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def _bomb(kind: str) -> bytes:
    """Small files that would unpack to gigabytes."""
    import struct
    import zlib

    if kind == "png":
        return _png(16_000, 16_000, rows=1)
    if kind == "text":
        return _png(8, 8, (b"zTXt", b"a\0\0" + zlib.compress(bytes(500_000_000), 9)))
    if kind == "profile":
        return _png(8, 8, (b"iCCP", b"a\0\0" + zlib.compress(bytes(500_000_000), 9)))
    if kind == "webp":
        body = (
            b"VP8X"
            + struct.pack("<I", 10)
            + b"\x02\0\0\0"
            + (16_382).to_bytes(3, "little") * 2
            + b"ANIM"
            + struct.pack("<I", 6)
            + bytes(6)
        )
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    if kind == "gif":
        return b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + encoded("GIF")[10:]
    if kind == "bmp":
        return encoded("BMP")[:18] + struct.pack("<ii", 60_000, 60_000) + encoded("BMP")[26:]
    if kind == "ppm":
        return b"P6 60000 60000 255\n" + bytes(100)
    if kind == "tiff":
        data = bytearray(encoded("TIFF"))
        at = struct.unpack("<I", data[4:8])[0]
        for entry in range(struct.unpack("<H", data[at : at + 2])[0]):
            place = at + 2 + 12 * entry
            if struct.unpack("<H", data[place : place + 2])[0] in (256, 257):
                data[place + 2 : place + 12] = struct.pack("<HII", 4, 1, 60_000)
        return bytes(data)
    data = bytearray(encoded("JPEG2000"))  # the box says 60 x 40; the code stream inside says more
    at = data.index(b"\xff\x4f\xff\x51") + 8
    data[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    return bytes(data)


@pytest.mark.parametrize("kind", ["png", "text", "profile", "webp", "gif", "bmp", "ppm", "tiff", "jp2"])
def test_a_bomb_is_refused_in_little_memory(tmp_path, kind) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(_bomb(kind))
    code = (
        "import re, resource, sys; from pathlib import Path; from audit.base.photos import read; "
        "import cv2, numpy, PIL.Image;"
        "limit = 1_500_000_000; resource.setrlimit(resource.RLIMIT_AS, (limit, limit));"
        "photo = read(Path(sys.argv[1]));"
        # ru_maxrss would hold the parent's, from the fork
        "peak = re.search(r'VmHWM:\\s+([0-9]+)', Path('/proc/self/status').read_text())[1];"
        "print(photo.pixels is None, photo.reason, peak, sep='|')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    refused, reason, kilobytes = done.stdout.strip().split("|")
    assert int(kilobytes) < 400_000
    if kind not in ("text", "profile"):  # such a photograph may be shown without its text
        assert refused == "True"
        assert reason
    if kind in ("png", "webp", "gif", "bmp", "tiff", "jp2", "ppm"):
        assert "more than 100 megapixels" in reason


def test_of_many_frames_the_first_is_the_photograph(tmp_path) -> None:
    frames = [Image.fromarray(np.full((20, 30, 3), shade, np.uint8)) for shade in (40, 200, 90)]
    for kind in ("GIF", "TIFF", "WEBP"):
        buffer = io.BytesIO()
        frames[0].save(
            buffer, kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
        )
        assert (reading(tmp_path, buffer.getvalue()).pixels == 40).all(), kind


def test_truncated_files_are_told_in_every_thread(tmp_path, monkeypatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = encoded("PNG", np.random.default_rng(1).integers(0, 256, (300, 300, 3)).astype(np.uint8))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda cut: images.decode(data[:-cut] if cut else data)[0] is None, [0, 50_000] * 100))
    assert found == [False, True] * 100


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff" * 30_000_000, "image is truncated"),
        (b"\xff\xd0" * 15_000_000, "image is damaged"),
        (b"\xff\xe1\x00\x02" * 7_000_000, "image is damaged"),
        (b"\xff\xe1\x00\x00" * 7_000_000, "image is damaged"),
    ],
    ids=["fill", "restarts", "empty segments", "segments shorter than their length"],
)
def test_a_jpeg_of_markers_without_end_is_left_soon(body, reason) -> None:
    began = time.monotonic()
    assert images.decode(b"\xff\xd8" + body) == (None, reason)
    assert time.monotonic() - began < 5


def test_a_jpeg_that_draws_itself_a_thousand_times_is_refused() -> None:
    data = encoded("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    assert images.decode(data[:-2] + scan * 100 + data[-2:])[1] == ""
    assert images.decode(data[:-2] + scan * 1000 + data[-2:]) == (None, "image of more than 200 scans")


def test_fill_bytes_between_segments_do_no_harm(tmp_path) -> None:
    data = encoded("JPEG")
    assert (reading(tmp_path, data[:2] + b"\xff" * 9 + data[2:]).pixels == reading(tmp_path, data).pixels).all()
