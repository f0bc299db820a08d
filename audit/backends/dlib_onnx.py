"""dlib's face descriptor network in onnxruntime: the same weights, many times the speed. Chips in, 128 numbers per
chip out.

The one idea: ``dlib_face_recognition_resnet_model_v1.dat`` is dlib's own serialisation of 29 convolutions, each with a
scale and an offset per channel, and one matrix; read from the file, they are written as an ONNX network in memory, so
no converted model is downloaded, kept or trusted.

Templates differ from dlib's in the last bits only (sums are taken in another order): benches/TEMPLATES.md says by how
much and what that decides. One thread and one image at a time inside every sum, so a chip gives the same bits alone
and in a batch.

Format and architecture: dlib's dnn/layers.h and serialize.h (Boost Software License),
tools/python/src/face_recognition.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends import quiet_onnxruntime
from audit.backends.onnx_graph import Graph, values
from audit.base.errors import BackendError

__all__ = ["BLOCKS", "MEAN", "SIZE", "Convolution", "Descriptor", "layers", "onnx_model"]

SIZE = 150
"""Side of a chip in pixels."""

MEAN = np.array([122.782, 117.001, 104.298], dtype=np.float32)
"""Subtracted from red, green, blue; the difference is divided by 256."""

BLOCKS = (
    [(32, False)] * 3
    + [(64, True)]
    + [(64, False)] * 3
    + [(128, True)]
    + [(128, False)] * 2
    + [(256, True)]
    + [(256, False)] * 2
    + [(256, True)]
)
"""Filters of each residual block, from the input on, and whether it halves the image."""


@dataclass(frozen=True)
class Convolution:
    """Weights (out, in, height, width) with the channel's scale multiplied in, offsets (out,); rounded to float32
    once, when they are written.
    """

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]
    stride: int
    padding: int


class _Reader:
    """Walks dlib's serialisation: packed integers, tensors, and layers found by the name each one begins with."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def integer(self) -> int:
        """One byte of length (0x80 = negative), then that many bytes, least significant first."""
        size = self.data[self.at]
        start, self.at = self.at + 1, self.at + 1 + (size & 15)
        value = int.from_bytes(self.data[start : self.at], "little")
        return -value if size & 0x80 else value

    def layer(self, name: bytes) -> None:
        """Go to the body of the next layer of this name, which is stored with its length before it."""
        found = self.data.index(bytes([1, len(name)]) + name, self.at)
        self.at = found + 2 + len(name)

    def tensor(self) -> NDArray[np.float32]:
        """Version 2, four sizes, little-endian float32."""
        if self.integer() != 2:
            raise ValueError("not a tensor of version 2")
        count = int(np.prod([self.integer() for _ in range(4)]))
        start, self.at = self.at, self.at + 4 * count
        values = np.frombuffer(self.data, "<f4", count, start)
        if not (np.abs(values) < 1e6).all():  # also catches NaN
            raise ValueError("weights that are no weights")
        return values


def _convolution(reader: _Reader, filters: int, channels: int, side: int, stride: int) -> Convolution:
    """Read one convolution and the scale and offset that follow it, and check that it is the one the architecture has
    here.
    """
    reader.layer(b"con_4")
    values = reader.tensor().astype(np.float64)
    got = tuple(reader.integer() for _ in range(7))
    padding = side // 2 if stride == 1 else 0
    if got != (filters, side, side, stride, stride, padding, padding) or values.size != filters * (
        channels * side * side + 1
    ):
        raise ValueError(f"a convolution {got} where another belongs")
    reader.layer(b"affine_")
    scale, offset = reader.tensor().astype(np.float64).reshape(2, filters)
    weights = values[:-filters].reshape(filters, channels, side, side) * scale[:, None, None, None]
    return Convolution(weights, values[-filters:] * scale + offset, stride, padding)


def layers(path: Path) -> tuple[list[Convolution], NDArray[np.float32]]:
    """Give the 29 convolutions in order and the (256, 128) matrix behind them."""
    reader = _Reader(path.read_bytes())
    try:
        found, channels = [_convolution(reader, 32, 3, 7, 2)], 32
        for filters, halves in BLOCKS:
            found.append(_convolution(reader, filters, channels, 3, 2 if halves else 1))
            found.append(_convolution(reader, filters, filters, 3, 1))
            channels = filters
        reader.layer(b"fc_2")
        if (reader.integer(), reader.integer()) != (128, 256):
            raise ValueError("another matrix than 256 x 128")
        return found, reader.tensor().reshape(256, 128)
    except (ValueError, IndexError) as error:
        todo = "Reinstall face_recognition_models"
        raise BackendError(
            path.name,
            got=f"not the network that was expected: {error}",
            allowed="dlib's face recognition ResNet v1",
            todo=todo,
        ) from error


def _convolve(graph: Graph, value: str, layer: Convolution) -> str:
    side, pad = layer.weights.shape[2], layer.padding
    inputs = value, graph.constant(layer.weights.astype(np.float32)), graph.constant(layer.offsets.astype(np.float32))
    return graph.node("Conv", *inputs, kernel_shape=[side, side], strides=[layer.stride] * 2, pads=[pad] * 4)


def _pad(graph: Graph, value: str, channels: int, side: int) -> str:
    """Add zero channels behind, and zero rows and columns below and to the right."""
    if not channels and not side:
        return value
    return graph.node("Pad", value, graph.constant(np.array([0, 0, 0, 0, 0, channels, side, side], dtype=np.int64)))


def onnx_model(path: Path) -> bytes:
    """Read dlib's file; give an ONNX network with input ``chips`` (n, 3, 150, 150) float32 and output ``templates``
    (n, 128, 1, 1) float32.

    Raises
    ------
    BackendError
        The file does not hold that network.
    """
    found, matrix = layers(path)
    following: Iterator[Convolution] = iter(found)
    graph = Graph()
    value = graph.node("Relu", _convolve(graph, "chips", next(following)))
    value, side, channels = graph.node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2]), 35, 32
    for filters, halves in BLOCKS:
        inner = graph.node("Relu", _convolve(graph, value, next(following)))
        inner = _convolve(graph, inner, next(following))
        # a 3 x 3 convolution without padding may come out smaller than 2 x 2 means do: dlib adds what is missing as
        # zeros
        if halves:
            half = (side - 2) // 2 + 1
            inner = _pad(graph, inner, 0, half - ((side - 3) // 2 + 1))
            value = _pad(
                graph, graph.node("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2]), filters - channels, 0
            )
            side, channels = half, filters
        value = graph.node("Relu", graph.node("Add", inner, value))
    value = graph.node("GlobalAveragePool", value)
    graph.node(
        "Conv",
        value,
        graph.constant(np.ascontiguousarray(matrix.T)[:, :, None, None]),
        output="templates",
        kernel_shape=[1, 1],
    )
    return graph.model("dlib", [values("chips", "n", 3, SIZE, SIZE)], [values("templates", "n", 128, 1, 1)])


class Descriptor:
    """The network, ready to run on one thread.

    Parameters
    ----------
    path : Path
        ``dlib_face_recognition_resnet_model_v1.dat``.

    Raises
    ------
    BackendError
        onnxruntime is not installed, or the file is another one.
    """

    def __init__(self, path: Path) -> None:
        onnxruntime = quiet_onnxruntime.onnxruntime("engine = 'onnx'")
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            onnx_model(path), settings, providers=["CPUExecutionProvider"]
        )

    def run(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 128) float32 for (n, 150, 150, 3) uint8 RGB chips, as ``dlib.get_face_chip(..., size=150,
        padding=0.25)`` cuts them.
        """
        planes = ((chips.astype(np.float32) - MEAN) / np.float32(256)).transpose(0, 3, 1, 2)
        return np.asarray(
            self._session.run(["templates"], {"chips": np.ascontiguousarray(planes)})[0], dtype=np.float32
        ).reshape(len(chips), 128)
