"""Networks that read other files, take other types, or are made to harm: what they read is in the fingerprint, what
they take is bounded."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_onnx import _ints, _node, _number, _part, _value, _varint

from audit.backends.network import Network
from audit.backends.onnx_files import external_digests, external_files
from audit.backends.registry import make
from audit.base.errors import BackendError

FEEDING = {
    "size": 112,
    "colour": "rgb",
    "layout": "nchw",
    "mean": (0.0, 0.0, 0.0),
    "scale": 1.0,
    "input": None,
    "output": None,
}
WEIGHTS = np.arange(48, dtype=np.float32)


def entry(key: str, value: bytes) -> bytes:
    return _part(13, _part(1, key) + _part(2, value))


def outside(name: str, location: bytes, size: int = 48) -> bytes:
    """A float32 tensor whose values lie in another file (TensorProto: dims 1, data_type 2, name 8, external_data 13,
    data_location 14)."""
    return (
        _number(1, 1)
        + _number(1, size)
        + _number(2, 1)
        + _part(8, name)
        + entry("location", location)
        + _number(14, 1)
    )


def model(graph: bytes, more: bytes = b"", opset: int = 13) -> bytes:
    return _number(1, 8) + _part(8, _part(1, "") + _number(2, opset)) + _part(7, graph) + more


def net(
    initialisers: bytes = b"",
    nodes: bytes = b"",
    batch: int | str = "n",
    last: str = "fc1",
    kind: int = 1,
    outputs: bytes = b"",
) -> bytes:
    """Block means as in tiny_onnx, then whatever ``nodes`` make of "means"."""
    pooled = _node("AveragePool", "data", "pooled", _ints("kernel_shape", [28, 28]) + _ints("strides", [28, 28]))
    graph = pooled + _node("Flatten", "pooled", "means" if nodes else last) + nodes + _part(2, "net") + initialisers
    return graph + typed(11, "data", kind, batch) + _value(12, last, [batch, 48]) + outputs


def typed(field: int, name: str, kind: int, batch: int | str) -> bytes:
    dims = b"".join(
        _part(1, _part(2, size) if isinstance(size, str) else _number(1, size)) for size in (batch, 3, 112, 112)
    )
    return _part(field, _part(1, name) + _part(2, _part(1, _number(1, kind) + _part(2, dims))))


def two(operator: str, a: str, b: str, out: str, attributes: bytes = b"") -> bytes:
    return _part(1, _part(1, a) + _part(1, b) + _part(2, out) + _part(3, out) + _part(4, operator) + attributes)


@pytest.fixture
def external(tmp_path: Path) -> Path:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/w.bin").write_bytes(WEIGHTS.tobytes())
    path = tmp_path / "net.onnx"
    path.write_bytes(model(net(_part(5, outside("w", b"weights/w.bin")), two("Add", "means", "w", "fc1"))))
    return path


def test_external_weights_are_read_and_change_the_fingerprint(external, tiny, yunet_any) -> None:
    crop = np.zeros((112, 112, 3), np.uint8)
    np.testing.assert_array_equal(Network(external, **FEEDING).run([crop])[0], WEIGHTS)
    options = {"model": external, "detector": yunet_any}
    first = make("onnx", options)
    assert first.dimensions == 48
    assert set(first.describe()["models"]) == {"net.onnx", yunet_any.name, "weights/w.bin"}
    (external.parent / "weights/w.bin").write_bytes((WEIGHTS + 1).tobytes())
    assert make("onnx", options).fingerprint != first.fingerprint
    with pytest.raises(BackendError, match="its external data changed"):
        first.load()


@pytest.fixture
def yunet_any(yunet) -> Path:
    if not yunet.exists():
        pytest.skip("no YuNet at hand")
    return yunet


TENSOR = outside("w", b"w.bin")
SPARSE = _part(1, TENSOR)
ATTRIBUTE = {
    "a tensor": _part(5, TENSOR),
    "tensors": _part(10, TENSOR),
    "a sparse tensor": _part(22, SPARSE),
    "sparse tensors": _part(23, SPARSE),
    "a graph": _part(6, _part(5, TENSOR)),
    "graphs": _part(11, _part(1, _part(5, _part(1, "x") + _part(6, _part(15, SPARSE))))),
}
PLACES = {
    "an initialiser": model(_part(5, TENSOR)),
    "a sparse initialiser": model(_part(15, SPARSE)),
    "a sparse tensor's indices": model(_part(15, _part(2, TENSOR))),
    **{
        f"an attribute with {what}": model(_part(1, _part(5, _part(1, "a") + body)))
        for what, body in ATTRIBUTE.items()
    },
    "a function": model(b"", _part(25, _part(7, _part(5, _part(5, TENSOR))))),
    "a function's attribute": model(b"", _part(25, _part(11, _part(5, TENSOR)))),
    "training": model(b"", _part(20, _part(1, _part(5, TENSOR)))),
    "a second graph, which readers merge": model(b"") + _part(7, _part(5, TENSOR)),
    "fields in another order": model(
        _part(5, _number(14, 1) + entry("offset", b"0") + entry("location", b"w.bin") + _part(8, "w"))
    ),
}
deep = _part(5, TENSOR)
for _ in range(30):
    deep = _part(1, _part(5, _part(6, deep)))
PLACES["a branch thirty deep"] = model(deep)


@pytest.mark.parametrize("place", PLACES)
def test_external_data_are_found_wherever_a_tensor_may_be(tmp_path, place) -> None:
    (tmp_path / "net.onnx").write_bytes(PLACES[place])
    (tmp_path / "w.bin").write_bytes(b"one")
    assert list(external_files(tmp_path / "net.onnx")) == ["w.bin"]
    first = external_digests(tmp_path / "net.onnx")
    (tmp_path / "w.bin").write_bytes(b"another")
    assert external_digests(tmp_path / "net.onnx") != first


@pytest.mark.parametrize(
    "location",
    [
        b"/etc/passwd",
        b"../w.bin",
        b"a/../../w.bin",
        b"absent.bin",
        b"",
        b"..",
        b".",
        b"C:/w.bin",
        b"a\\w.bin",
        b"w.bin\0",
        b"\xff",
        b"link.bin",
        b"fifo",
        b"*/_ORT_MEM_ADDR_/*",
        b"/dev/zero",
    ],
)
def test_external_data_outside_the_models_folder_are_refused(tmp_path, location) -> None:
    inside = tmp_path / "models"
    inside.mkdir()
    for folder in (tmp_path, inside):
        (folder / "w.bin").write_bytes(WEIGHTS.tobytes())
    (inside / "link.bin").symlink_to(tmp_path / "w.bin")
    os.mkfifo(inside / "fifo")
    (inside / "net.onnx").write_bytes(model(_part(5, outside("w", location))))
    with pytest.raises(BackendError, match="Allowed: external data in files beside the model"):
        external_files(inside / "net.onnx")


def test_a_model_cache_of_links_is_read(tmp_path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "blobs/1").write_bytes(model(_part(5, TENSOR)))
    (tmp_path / "blobs/2").write_bytes(WEIGHTS.tobytes())
    (tmp_path / "snapshot/net.onnx").symlink_to("../blobs/1")
    (tmp_path / "snapshot/w.bin").symlink_to("../blobs/2")
    assert list(external_files(tmp_path / "snapshot/net.onnx")) == ["w.bin"]


def test_a_network_in_one_file_keeps_the_fingerprint_it_had(tiny, yunet_any) -> None:
    from audit.backends.options import file_sha256, fingerprint_of

    made = make("onnx", {"model": tiny, "detector": yunet_any})
    kept = {
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
    files = {"model": file_sha256(tiny), "detector": file_sha256(yunet_any)}
    options = made.options.model_dump(include=kept)
    assert made.fingerprint == fingerprint_of(
        name="onnx", revision=1, versions=made._versions, files=files, options=options
    )


def test_one_of_several_outputs_must_be_named(tmp_path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(
        model(
            net(
                nodes=_node("Identity", "means", "fc1") + _node("Neg", "means", "other"),
                outputs=_value(12, "other", ["n", 48]),
            )
        )
    )
    with pytest.raises(BackendError, match=r"2 outputs. Allowed: 'fc1' .*'other'"):
        Network(path, **FEEDING)
    crop = np.full((112, 112, 3), 7, np.uint8)
    assert Network(path, **{**FEEDING, "output": "other"}).run([crop])[0].tolist() == [-7.0] * 48


@pytest.mark.parametrize("batch", [1, 3])
def test_a_fixed_batch_is_looped_over(tmp_path, batch) -> None:
    (tmp_path / "fixed.onnx").write_bytes(model(net(batch=batch)))
    (tmp_path / "free.onnx").write_bytes(model(net()))
    crops = list(np.random.default_rng(1).integers(0, 256, (7, 112, 112, 3)).astype(np.uint8))
    fixed, free = Network(tmp_path / "fixed.onnx", **FEEDING), Network(tmp_path / "free.onnx", **FEEDING)
    np.testing.assert_array_equal(fixed.run(crops), free.run(crops))


@pytest.mark.parametrize(("kind", "name"), [(10, "float16"), (11, "double"), (2, "uint8")])
def test_other_types_are_cast(tmp_path, kind, name) -> None:
    # The network casts what it is given to float32 (Cast, to = 1), so only the feeding is tried.
    cast = _node("Cast", "data", "floats", _part(5, _part(1, "to") + _number(3, 1) + _number(20, 2)))
    pooled = _node("AveragePool", "floats", "pooled", _ints("kernel_shape", [28, 28]) + _ints("strides", [28, 28]))
    graph = (
        cast
        + pooled
        + _node("Flatten", "pooled", "fc1")
        + _part(2, "net")
        + typed(11, "data", kind, "n")
        + _value(12, "fc1", ["n", 48])
    )
    (tmp_path / "net.onnx").write_bytes(model(graph))
    crop = np.full((112, 112, 3), 200, np.uint8)
    assert Network(tmp_path / "net.onnx", **FEEDING).run([crop])[0].tolist() == [200.0] * 48
    feeding = {**FEEDING, "mean": (127.5,) * 3, "scale": 1 / 127.5}
    if name == "uint8":
        with pytest.raises(BackendError, match="mean or scale for a network that takes uint8"):
            Network(tmp_path / "net.onnx", **feeding)
        assert Network(tmp_path / "net.onnx", **feeding, plain=True).run([crop])[0].tolist() == [200.0] * 48


def shape_of(*sizes: int) -> bytes:
    """An int64 initialiser "shape" (int64_data 7)."""
    return _part(
        5,
        _number(1, len(sizes))
        + _number(2, 7)
        + _part(8, "shape")
        + _part(7, b"".join(_varint(size) for size in sizes)),
    )


HARM = {
    "more memory than there is": (shape_of(1, 48, 2**40), two("Expand", "means", "shape", "fc1")),
    "eight gigabytes": (shape_of(2**31 // 48, 48), two("Expand", "means", "shape", "fc1")),
    "eight gigabytes of constants": (
        shape_of(2**31 // 48, 48),
        _node("ConstantOfShape", "shape", "big") + two("Add", "means", "big", "fc1"),
    ),
    "weights that are not there": (
        _part(5, _number(1, 2**31) + _number(2, 1) + _part(8, "w") + _part(9, b"abcd")),
        two("Add", "means", "w", "fc1"),
    ),
    "a template of a million numbers": (shape_of(1, 10**6), two("Expand", "one", "shape", "fc1")),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_network_made_to_harm_is_refused_in_time_and_memory(tmp_path, yunet_any, harm) -> None:
    initialisers, nodes = HARM[harm]
    one = _part(5, _number(1, 1) + _number(1, 1) + _number(2, 1) + _part(8, "one") + _part(9, b"\0\0\x80?"))
    (tmp_path / "net.onnx").write_bytes(model(net(initialisers + one, nodes)))
    start = time.monotonic()
    with pytest.raises(BackendError):
        make("onnx", {"model": tmp_path / "net.onnx", "detector": yunet_any})
    assert time.monotonic() - start < 30


def test_a_network_that_never_ends_is_refused(tmp_path, yunet_any, monkeypatch) -> None:
    from audit.backends import apart

    monkeypatch.setattr(apart, "SECONDS", 5)
    true = _part(5, _number(2, 9) + _part(8, "true") + _part(9, b"\1"))
    many = _part(5, _number(2, 7) + _part(8, "many") + _part(7, _varint(2**62)))
    boolean = _part(1, _number(1, 9) + _part(2, b""))
    inner = _node("Identity", "go", "again") + _node("Identity", "was", "is") + _part(2, "body")
    inner += _part(11, _part(1, "count") + _part(2, _part(1, _number(1, 7) + _part(2, b"")))) + _part(
        11, _part(1, "go") + _part(2, boolean)
    )
    inner += (
        _value(11, "was", ["n", 48]) + _part(12, _part(1, "again") + _part(2, boolean)) + _value(12, "is", ["n", 48])
    )
    loop = _part(1, b"".join(_part(1, name) for name in ("many", "true", "means")) + _part(2, "fc1") + _part(4, "Loop")
                 + _part(5, _part(1, "body") + _part(6, inner) + _number(20, 5)))  # fmt: skip
    (tmp_path / "net.onnx").write_bytes(model(net(true + many, loop)))
    with pytest.raises(BackendError, match="not loaded and run within 5 s"):
        make("onnx", {"model": tmp_path / "net.onnx", "detector": yunet_any})


def test_onnxruntimes_own_sentence_is_passed_on(tmp_path) -> None:
    (tmp_path / "net.onnx").write_bytes(model(net(nodes=_node("NoSuchOperator", "means", "fc1"))))
    with pytest.raises(BackendError, match="NoSuchOperator"):
        Network(tmp_path / "net.onnx", **FEEDING)
