"""dlib's descriptor network in onnxruntime against dlib itself."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from audit.backends.dlib_onnx import Descriptor, onnx_model
from audit.backends.protocol import Status
from audit.backends.registry import make
from audit.base.errors import BackendError

dlib = pytest.importorskip("dlib")
pytest.importorskip("onnxruntime")
models = find_spec("face_recognition_models")
if models is None or models.origin is None:
    pytest.skip("face_recognition_models is not installed", allow_module_level=True)
FILE = Path(models.origin).parent / "models" / "dlib_face_recognition_resnet_model_v1.dat"


@pytest.fixture(scope="module")
def descriptor() -> Descriptor:
    return Descriptor(FILE)


@pytest.fixture(scope="module")
def chips() -> np.ndarray:
    """Five chips of noise: plain, smooth, dark, black and white."""
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (150, 150, 3), dtype=np.uint8)
    return np.stack(
        [noise, cv2.GaussianBlur(noise, (0, 0), 9), noise // 8, np.zeros_like(noise), np.full_like(noise, 255)]
    )


def test_it_gives_the_templates_of_dlib(descriptor, chips) -> None:
    encoder = dlib.face_recognition_model_v1(str(FILE))
    theirs = np.array([np.array(encoder.compute_face_descriptor(chip)) for chip in chips])
    assert np.ptp(theirs, axis=0).max() > 0.1  # the chips differ, so that equal templates say something
    # float32 sums of up to 2,304 terms in another order, 29 layers deep: some units of 2^-23 = 1.2e-7; the uniform
    # chips reach 2.1e-6
    assert np.abs(descriptor.run(chips) - theirs).max() < 5e-6


def test_a_chip_gives_the_same_bits_alone_and_in_any_batch(descriptor, chips) -> None:
    alone = np.concatenate([descriptor.run(chip[None]) for chip in chips])
    assert (descriptor.run(chips) == alone).all()
    assert (descriptor.run(np.concatenate([chips[::-1]] * 4))[5:10] == alone[::-1]).all()


def test_the_network_is_the_same_bytes_each_time() -> None:
    assert onnx_model(FILE) == onnx_model(FILE)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[:1_000_000], "not the network that was expected"),
        (lambda data: b"", "not the network that was expected"),
        (lambda data: data.replace(b"con_4", b"con_9"), "not the network that was expected"),
        (lambda data: data[:30_000] + data[60_000:], "not the network that was expected"),
    ],
    ids=["cut short", "empty", "of another version", "with a hole"],
)
def test_a_file_that_is_not_that_network_is_refused(tmp_path, spoil, words) -> None:
    other = tmp_path / "other.dat"
    other.write_bytes(spoil(FILE.read_bytes()))
    with pytest.raises(BackendError, match=words):
        onnx_model(other)


@pytest.mark.shared
def test_the_engine_changes_the_last_bits_of_templates_and_nothing_else(shared: Path) -> None:
    files = sorted((shared / "data/lfw/images").glob("*/*.jpg"))[::1700]
    photos = [cv2.imread(str(file)) for file in files] + [np.zeros((80, 80, 3), np.uint8)]
    ours, theirs = (make("face_recognition", {"engine": engine}).extract(photos) for engine in ("onnx", "dlib"))
    assert {one.status for one in theirs} == {Status.ACQUIRED, Status.NO_FACE}
    for one, other in zip(ours, theirs, strict=True):
        assert (one.status, one.faces, one.quality) == (other.status, other.faces, other.quality)
        if one.template is not None and other.template is not None:
            assert one.template.dtype == np.float32
            assert np.abs(one.template - other.template).max() < 2e-6


def test_the_engine_is_part_of_the_fingerprint_but_the_default_is_as_before() -> None:
    prints = [
        make("face_recognition", options).fingerprint for options in ({}, {"engine": "dlib"}, {"engine": "onnx"})
    ]
    assert prints[0] == prints[1] != prints[2]


def test_jitter_needs_dlib() -> None:
    with pytest.raises(BackendError, match="jitters.*engine = 'onnx'"):
        make("face_recognition", {"engine": "onnx", "jitters": 5})
