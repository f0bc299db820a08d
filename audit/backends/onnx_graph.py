"""Write a small ONNX network without the onnx package. Operators and constants in, bytes that onnxruntime loads out.

The one idea: an ONNX file is one protocol buffers message, and protocol buffers are (field number, value) pairs;
thirty lines write them. The field numbers are those of onnx.proto (ModelProto, GraphProto, NodeProto, AttributeProto,
TensorProto, ValueInfoProto), opset 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Graph", "values"]


def _message(*fields: tuple[int, int | bytes | str | Sequence[bytes]]) -> bytes:
    """Encode a protocol buffers message: (field number, value) pairs; a sequence is a repeated field."""
    return b"".join(
        _field(number, one)
        for number, value in fields
        for one in ([value] if isinstance(value, int | bytes | str) else value)
    )


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


class Graph:
    """Nodes and constants of a network, in the order of their making."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.constants: list[bytes] = []

    def constant(self, values: NDArray[Any]) -> str:
        """Add float32 or int64 values; give their name."""
        name, kind = f"c{len(self.constants)}", 1 if values.dtype == np.float32 else 7
        dims = b"".join(_field(1, size) for size in values.shape)
        self.constants.append(dims + _message((2, kind), (8, name), (9, np.ascontiguousarray(values).tobytes())))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Sequence[int]) -> str:
        """Add an operator with attributes that are lists of integers; give its output's name."""
        output = output or f"n{len(self.nodes)}"
        lists = [_message((1, name), *((8, one) for one in value), (20, 7)) for name, value in attributes.items()]
        self.nodes.append(_message((1, [one.encode() for one in inputs]), (2, output), (4, operator), (5, lists)))
        return output

    def model(self, name: str, inputs: Sequence[bytes], outputs: Sequence[bytes], opset: int = 13) -> bytes:
        """Encode the whole model."""
        graph = _message((1, self.nodes), (2, name), (5, self.constants), (11, inputs), (12, outputs))
        return _message((1, 8), (7, graph), (8, _message((2, opset))))


def values(name: str, *sizes: int | str) -> bytes:
    """Describe a float32 input or output."""
    dims = [_message((1, size) if isinstance(size, int) else (2, size)) for size in sizes]
    return _message((1, name), (2, _message((1, _message((1, 1), (2, _message((1, dims))))))))
