"""OpenCV's own recogniser. Its trained file is not at hand, so a tiny network runs in its place, through the real
classes."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from audit.backends.protocol import Backend, Status
from audit.backends.registry import make
from audit.base.errors import BackendError


@pytest.fixture
def options(tmp_path, yunet) -> dict:
    from tiny_onnx import block_means

    path = tmp_path / "net.onnx"
    path.write_bytes(block_means(batch=1))
    return {
        "model": path,
        "model_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "detector": yunet,
        "detector_score": 0.6,
    }


@pytest.mark.shared
def test_it_gives_what_the_classes_of_opencv_give(options, lfw_photos) -> None:
    backend = make("opencv_sface", options)
    assert isinstance(backend, Backend)
    assert backend.dimensions == 48
    recogniser = cv2.FaceRecognizerSF.create(str(options["model"]), "")
    detector = cv2.FaceDetectorYN.create(str(options["detector"]), "", (250, 250), 0.6, 0.3, 5000)
    found = backend.extract(lfw_photos)
    for image, row in zip(lfw_photos, found, strict=True):
        faces = detector.detect(image)[1]
        middle = np.hypot(faces[:, 0] + faces[:, 2] / 2 - 125, faces[:, 1] + faces[:, 3] / 2 - 125)
        expected = recogniser.feature(recogniser.alignCrop(image, faces[int(np.argmin(middle))][None])).ravel()
        assert row.faces == len(faces)
        assert (row.template == expected).all()
    a, b = (row.template.astype(np.float64) for row in found[:2])
    score = recogniser.match(found[0].template[None], found[1].template[None], cv2.FaceRecognizerSF_FR_COSINE)
    assert score == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)), abs=1e-6)


@pytest.mark.shared
def test_opencv_aligns_as_the_least_squares_similarity_does(options, lfw_photos) -> None:
    from audit.backends.yunet import YuNet, aligned

    recogniser = cv2.FaceRecognizerSF.create(str(options["model"]), "")
    face, _ = YuNet(options["detector"], 0.6, 640, "central").find(lfw_photos[1])
    theirs = recogniser.alignCrop(lfw_photos[1], face.astype(np.float32)[None]).astype(float)
    assert (
        np.abs(theirs - aligned(lfw_photos[1], face, 112)).mean() < 1.5
    )  # of 255: rounding and OpenCV's template, given to 4 digits


@pytest.mark.shared
def test_a_blank_photo_has_no_face(options) -> None:
    assert make("opencv_sface", options).extract([np.zeros((99, 99, 3), np.uint8)])[0].status == Status.NO_FACE


@pytest.mark.shared
def test_another_file_than_sface_is_refused_unless_its_digest_is_given(options) -> None:
    del options["model_sha256"]
    with pytest.raises(BackendError, match="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"):
        make("opencv_sface", options)


def test_an_absent_file_says_where_to_get_it(tmp_path) -> None:
    with pytest.raises(BackendError, match="Get it at https://github.com/opencv/opencv_zoo"):
        make("opencv_sface", {})
    with pytest.raises(BackendError, match="Get it at https://github.com/opencv/opencv_zoo"):
        make("opencv_sface", {"model": tmp_path / "sface.onnx"})
