"""The face_recognition backend against the face_recognition package itself, on real photographs."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from audit.backends.protocol import Backend, Status
from audit.backends.registry import make
from audit.base.errors import BackendError

pytest.importorskip("dlib")


@pytest.fixture(scope="module")
def package():
    """The package itself; it changes a Pillow switch at import, which is put back."""
    from PIL import ImageFile

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition
    ImageFile.LOAD_TRUNCATED_IMAGES = before
    return face_recognition


@pytest.fixture(scope="module")
def photos(shared: Path) -> list[np.ndarray]:
    files = sorted((shared / "data/lfw/images").glob("*/*.jpg"))
    return [cv2.imread(str(file)) for file in files[::1100]] + [
        cv2.imread(str(next(iter((shared / "data/us_senate/images").glob("*")))))
    ]


def five_faces(photos: list[np.ndarray]) -> np.ndarray:
    return np.hstack([photo[40:210, 40:210] for photo in photos[:5]])


@pytest.mark.shared
@pytest.mark.parametrize("options", [{}, {"upsample": 0}, {"landmarks": "large"}], ids=str)
def test_templates_equal_those_of_the_package(package, photos, options) -> None:
    found = 0
    for image, ours in zip(photos, make("face_recognition", options).extract(photos), strict=True):
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        boxes = package.face_locations(rgb, options.get("upsample", 1))
        theirs = package.face_encodings(rgb, boxes, model=options.get("landmarks", "small"))
        assert ours.faces == len(boxes)
        if not boxes:
            assert ours.status == Status.NO_FACE
            continue
        middle = np.array([rgb.shape[0] / 2, rgb.shape[1] / 2])
        distance = [
            np.hypot(*(np.array([(top + bottom) / 2, (left + right) / 2]) - middle))
            for top, right, bottom, left in boxes
        ]
        assert ours.template is not None
        assert (ours.template.astype(np.float64) == theirs[int(np.argmin(distance))]).all()
        found += 1
    assert found >= 10


@pytest.mark.shared
def test_the_cnn_detector_finds_the_boxes_of_the_package(package, photos) -> None:
    small = cv2.resize(photos[0], (150, 150))
    rgb = np.ascontiguousarray(small[:, :, ::-1])
    boxes = package.face_locations(rgb, 0, model="cnn")
    ours = make("face_recognition", {"detector": "cnn", "upsample": 0}).extract([small])[0]
    assert ours.faces == len(boxes) == 1
    assert (ours.template == package.face_encodings(rgb, boxes)[0]).all()


@pytest.mark.shared
def test_jitter_depends_on_the_photo_alone(photos) -> None:
    backend = make("face_recognition", {"jitters": 3})
    first = backend.extract(photos[:2])
    again = backend.extract(photos[:2][::-1])[::-1]
    assert all((a.template == b.template).all() for a, b in zip(first, again, strict=True))


@pytest.mark.shared
def test_five_faces_give_one_template_unless_only_one_is_allowed(photos) -> None:
    image = five_faces(photos)
    assert make("face_recognition", {}).extract([image])[0].faces == 5
    only = make("face_recognition", {"face": "only"}).extract([image])[0]
    assert (only.status, only.template, only.faces) == (Status.MANY_FACES, None, 5)


@pytest.mark.shared
def test_central_takes_the_middle_face_and_largest_the_big_one(photos) -> None:
    crops = [photo[40:210, 40:210] for photo in photos[:3]]
    row = np.zeros((340, 170 + 170 + 340, 3), np.uint8)
    row[:170, :170], row[:170, 170:340], row[:340, 340:] = crops[0], crops[1], cv2.resize(crops[2], (340, 340))
    quality = {
        face: make("face_recognition", {"face": face}).extract([row])[0].quality["face_pixels"]
        for face in ("central", "largest")
    }
    assert quality["largest"] > 1.5 * quality["central"]


def test_a_blank_image_has_no_face() -> None:
    result = make("face_recognition", {}).extract([np.zeros((80, 80, 3), np.uint8)])[0]
    assert (result.status, result.template, result.reason) == (Status.NO_FACE, None, "no face found")


def test_it_keeps_the_protocol_and_describes_itself() -> None:
    backend = make("face_recognition", {})
    assert isinstance(backend, Backend)
    assert backend.rule.to_score(0.6) == -0.6
    assert backend.describe()["models"].keys() == {
        "shape_predictor_5_face_landmarks.dat",
        "dlib_face_recognition_resnet_model_v1.dat",
    }


def test_the_fingerprint_changes_with_an_option_and_only_then() -> None:
    prints = {
        make("face_recognition", options).fingerprint
        for options in ({}, {"upsample": 1}, {"upsample": 2}, {"face": "only"})
    }
    assert len(prints) == 3


def test_making_it_imports_neither_the_package_nor_pkg_resources() -> None:
    import subprocess

    code = "import sys; from audit.backends.registry import make; make('face_recognition', {})"
    code += "; print({'face_recognition', 'pkg_resources'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"detecter": "hog"}, ["unknown option 'detecter'", "Did you mean 'detector'?", "upsample"]),
        ({"detector": "HOG"}, ["backend.options.detector", "'HOG'", "'hog', 'cnn'"]),
        ({"upsample": -1}, ["backend.options.upsample", "-1"]),
    ],
)
def test_a_wrong_option_is_refused_by_name(options, words) -> None:
    with pytest.raises(BackendError) as error:
        make("face_recognition", options)
    assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.parametrize("absent", ["dlib", "face_recognition_models"])
def test_a_missing_package_says_how_to_install_it(monkeypatch, absent) -> None:
    import audit.backends.face_recognition as module

    real = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == absent else real(name))
    with pytest.raises(
        BackendError, match=rf"{absent} is not installed.*pip install 'face-audit\[face-recognition\]'"
    ):
        make("face_recognition", {})
