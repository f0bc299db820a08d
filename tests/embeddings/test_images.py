"""What counts as a photograph that was read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from audit.embeddings import images
from audit.embeddings.images import file_digest, read

COLOURS = np.random.default_rng(7).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def encoded(kind: str, image: np.ndarray = COLOURS, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image[:, :, ::-1] if image.ndim == 3 else image).save(buffer, kind, **options)
    return buffer.getvalue()


def reading(tmp_path: Path, data: bytes) -> images.Photo:
    path = tmp_path / "photo"
    path.write_bytes(data)
    return read(path)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
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
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", tolerant)  # face_recognition sets it to True for its whole process
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
        (b"%PDF-1.4 not a photograph", "not an image"),
        (b"\xff\xd8\xff", "image is truncated"),
        (b"\xff\xd8" + bytes(50), "image is damaged"),
        (bytes(5000), "not an image"),
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
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    assert reading(tmp_path, encoded(kind)).reason.startswith("image of 60 x 40 pixels")


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    assert reading(tmp_path, encoded("PNG")).sha256 == ""


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
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
