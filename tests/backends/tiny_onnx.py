"""A tiny real ONNX network written byte by byte: the mean of each of 4 x 4 blocks per channel (48 numbers of a 112 x
112 crop).

It stands where a trained network's file is absent: the classes that run it (onnxruntime, cv2.FaceRecognizerSF) are the
real ones. Field numbers: onnx.proto3 of the ONNX project.
"""

from __future__ import annotations


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _part(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _ints(name: str, values: list[int]) -> bytes:
    return _part(5, _part(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7))


def _node(kind: str, source: str, target: str, attributes: bytes = b"") -> bytes:
    return _part(1, _part(1, source) + _part(2, target) + _part(3, target) + _part(4, kind) + attributes)


def _value(field: int, name: str, shape: list[int | str]) -> bytes:
    dims = b"".join(_part(1, _part(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    return _part(field, _part(1, name) + _part(2, _part(1, _number(1, 1) + _part(2, dims))))


def block_means(layout: str = "nchw", batch: int | str = "n", data: str = "data", output: str = "fc1") -> bytes:
    """Bytes of the network; input ``data`` (n, 3, 112, 112) or (n, 112, 112, 3), output ``fc1`` (n, 48), channels
    first."""
    block = 112 // 4
    nodes = _node("Transpose", data, "first", _ints("perm", [0, 3, 1, 2])) if layout == "nhwc" else b""
    nodes += _node(
        "AveragePool",
        "first" if layout == "nhwc" else data,
        "pooled",
        _ints("kernel_shape", [block, block]) + _ints("strides", [block, block]),
    )
    nodes += _node("Flatten", "pooled", output)
    shape: list[int | str] = [batch, 112, 112, 3] if layout == "nhwc" else [batch, 3, 112, 112]
    graph = nodes + _part(2, "block_means") + _value(11, data, shape) + _value(12, output, [batch, 48])
    return _number(1, 8) + _part(8, _part(1, "") + _number(2, 13)) + _part(7, graph)
