"""Any ONNX embedding network behind YuNet and a five-point alignment. BGR photographs in, one row of the network's
output per face out.

The one idea: what differs between networks is a handful of numbers (crop size, zoom, colour order, mean, scale,
layout, names), so they are options, and a ``preset`` is nothing but a set of them with a licence and a sha256 (see
``presets``). Options that are given win over the preset's.

A face counts from a YuNet confidence of ``detector_score`` = 0.6 on. OpenCV's own default, 0.9, would refuse 11 % of
FairFace's photos with the 2026 model (47 of 417 looked at; 1 at 0.6) and none to speak of in LFW: a threshold for
webcams, which in an audit would pass for the matcher's failure.

An input value is (pixel - mean) * scale, per channel in the order that ``colour`` names. Templates are kept as the
network gives them.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends import apart, quiet_onnxruntime
from audit.backends.network import Network
from audit.backends.onnx_files import external_digests
from audit.backends.onnx_options import OnnxOptions, models_folder, placed, rule_of
from audit.backends.options import file_sha256, fingerprint_of, parse_options
from audit.backends.presets import PRESETS, YUNET, fetched
from audit.backends.protocol import Backend, Extraction, Status
from audit.backends.yunet import YuNet, aligned, checked_file
from audit.base.errors import BackendError
from audit.base.nearest import nearest

__all__ = ["Onnx", "make"]

LOG = logging.getLogger(__name__)

REVISION = 1
"""Raise this when the code below changes what a photo's template is."""


def make(options: Mapping[str, Any]) -> Backend:
    """Check the options and the files' digests; the network itself is loaded by ``load``."""
    preset = options.get("preset")
    if preset is not None and preset not in PRESETS:
        raise BackendError(
            "backend.options.preset",
            got=f"unknown preset {preset!r}",
            allowed=", ".join(PRESETS),
            todo=nearest(str(preset), PRESETS),
        )
    known = PRESETS[preset].options if preset else {}
    return Onnx(parse_options("onnx", OnnxOptions, {**known, **options}))


class Onnx:
    """See the module."""

    name = "onnx"

    def __init__(self, options: OnnxOptions) -> None:
        self.options, self.preset = options, PRESETS[options.preset] if options.preset else None
        self.model, self.detector = self._files()
        self.batch = options.batch
        if self.preset and self.preset.notice:
            LOG.warning("%s: %s", self.preset.product, self.preset.notice)
        import cv2

        # Hashed before they are loaded: what a template stands for is what was there.
        self._hashed = {"model": file_sha256(self.model), "detector": file_sha256(self.detector)}
        self._external = {"model": external_digests(self.model), "detector": external_digests(self.detector)}
        self._feeding = options.model_dump(include={"size", "colour", "layout", "mean", "scale", "input", "output"})
        self._feeding["plain"] = not {"mean", "scale"} & options.model_fields_set
        self._network: Network | None = None
        self._detector: YuNet | None = None
        found = self._tried()
        self.version = f"{self.model.name}, onnxruntime {found['version']}, OpenCV {cv2.__version__}"
        self._versions = [found["version"], cv2.__version__]
        self.dimensions = int(found["width"])
        self.rule = rule_of(options)

    def _tried(self) -> dict[str, Any]:
        """Width and onnxruntime's version: from a process that tries the files first, or, in a worker of this program,
        by loading them here.
        """
        quiet_onnxruntime.onnxruntime("backend 'onnx'")
        if multiprocessing.parent_process() is not None and "distributed" not in sys.modules:
            apart.limit_memory(apart.SPARE_BYTES + 4 * self._size())
            self._network = self._loaded()
            return {"width": self._network.width, "version": self._network.version}
        digests = {
            **self._hashed,
            **{f"{part} {name}": said for part, known in self._external.items() for name, said in known.items()},
        }
        arguments = {"detector": str(self.detector), "longest_side": self.options.detector_size}
        apart.tried(str(self.detector), "yunet:trial", arguments, files=digests, size=self._size())
        return apart.tried(
            str(self.model),
            "network:trial",
            {"path": str(self.model), **self._feeding},
            files=digests,
            size=self._size(),
        )

    def _size(self) -> int:
        files = [
            self.model,
            self.detector,
            *(path.parent / name for path, part in self._parts() for name in self._external[part]),
        ]
        return sum(file.stat().st_size for file in files)

    def _parts(self) -> tuple[tuple[Path, str], ...]:
        return (self.model, "model"), (self.detector, "detector")

    def _loaded(self) -> Network:
        for path, part in self._parts():
            if external_digests(path) != self._external[part]:
                raise BackendError(
                    str(path), got="its external data changed", allowed="files that stay as they are", todo="Run again"
                )
        return Network(self.model, **self._feeding)

    def _files(self) -> tuple[Path, Path]:
        """Find the network's and the detector's file, as given or fetched, and check their digests."""
        given, preset = self.options, self.preset
        model, detector = placed(given.model), placed(given.detector)
        if model is None and preset and given.fetch:
            model = fetched(preset.file, models_folder())
        if detector is None and given.fetch:
            detector = fetched(YUNET, models_folder())
        for option, path, homepage in (
            ("model", model, preset.file.homepage if preset else ""),
            ("detector", detector, YUNET.homepage),
        ):
            if path is None:
                raise BackendError(
                    f"backend.options.{option}",
                    got="no file is given",
                    allowed="the path of an ONNX file, or fetch = true where a preset has an address",
                    todo=f"Get it at {homepage} and set {option}" if homepage else f"Set {option}",
                )
        assert model is not None
        assert detector is not None
        digest = given.model_sha256 or (preset.file.sha256 if preset else None)
        if preset and not digest:
            raise BackendError(
                "backend.options.model_sha256",
                got=f"none, and preset {given.preset!r} knows none",
                allowed="the sha256 of the file that its publisher hands out",
                todo=f"Take it from {preset.file.homepage}, and set model_sha256",
            )
        return checked_file("model", model, digest), checked_file("detector", detector, given.detector_sha256)

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over both files, the versions of onnxruntime and OpenCV, and every option that can change a
        template.
        """
        feeding = self.options.model_dump(
            include={
                "detector_score",
                "detector_size",
                "face",
                "size",
                "zoom",
                "colour",
                "layout",
                "mean",
                "scale",
                "input",
                "output",
            }
        )
        outside = {
            part: digests for part, digests in self._external.items() if digests
        }  # a network in one file keeps the fingerprint it had
        more: dict[str, Any] = {"external": outside} if outside else {}
        return fingerprint_of(
            name=self.name, revision=REVISION, versions=self._versions, files=self._hashed, options=feeding, **more
        )

    def describe(self) -> dict[str, Any]:
        """Product, files, licence and training data, as plain JSON values."""
        given, preset = self.options, self.preset
        return {
            "product": given.product or (preset.product if preset else self.model.stem),
            "version": self.version,
            "models": {
                self.model.name: self._hashed["model"],
                self.detector.name: self._hashed["detector"],
                **{name: digest for digests in self._external.values() for name, digest in digests.items()},
            },
            "licence": given.licence or (preset.file.licence if preset else "not stated"),
            "training_data": given.training_data or (preset.training_data if preset else "not stated"),
            "options": given.model_dump(
                mode="json", exclude={"model", "detector", "product", "licence", "training_data", "fetch", "batch"}
            ),
            "default_threshold": "none stated by its makers"
            if given.default_threshold is None
            else f"{self.rule.unit} {given.default_threshold:g}",
        }

    def load(self) -> None:
        """Load the network and the detector, once."""
        if self._network is None:
            self._network = self._loaded()
        if self._detector is None:
            self._detector = YuNet(
                self.detector, self.options.detector_score, self.options.detector_size, self.options.face
            )

    def extract(self, images: Sequence[NDArray[np.uint8]]) -> list[Extraction]:
        """One ``Extraction`` per (H, W, 3) uint8 BGR image, in order; the network
        sees all faces of one call at once.
        """
        self.load()
        assert self._detector is not None
        assert self._network is not None
        out: list[Extraction] = []
        crops, rows = [], []
        for row, image in enumerate(images):
            start = time.perf_counter()
            face, found = self._detector.find(image)
            steps = {"detect": time.perf_counter() - start}
            if face is not None:
                crops.append(aligned(image, face, self.options.size, self.options.zoom))
                rows.append(row)
                steps["describe"] = time.perf_counter() - start - steps["detect"]
            out.append(replace(found, seconds=sum(steps.values()), steps=steps))
        if crops:
            start = time.perf_counter()
            templates = self._network.run(crops)
            each = (time.perf_counter() - start) / len(crops)
            for row, template in zip(rows, templates, strict=True):
                steps = {**out[row].steps, "describe": out[row].steps["describe"] + each}
                out[row] = replace(
                    out[row], status=Status.ACQUIRED, template=template, seconds=out[row].seconds + each, steps=steps
                )
        return out
