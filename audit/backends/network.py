"""An ONNX network and how to feed it: aligned BGR crops in, one row of numbers per crop out.

The one idea: one thread and one order of summation, so that a crop gives the same bits alone and in a batch, on any
number of cores (a test holds it to that); parallelism is one process per core, above. A network whose batch is fixed
is fed that many crops at a time, one that takes float16, float64 or uint8 is given these.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audit.backends import quiet_onnxruntime
from audit.backends.answers import WIDEST
from audit.base.errors import BackendError
from audit.base.nearest import nearest

__all__ = ["Network", "trial"]

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}
"""Inputs that can be fed."""

LARGEST_BATCH = 256


class Network:
    """An embedding network in onnxruntime.

    Parameters
    ----------
    path : Path
    size : int
        Side of the square input in pixels.
    colour, layout
        Order of the channels, and whether they come before or after rows and columns.
    mean, scale
        An input value is (pixel - mean) * scale, per channel in the order of ``colour``; None for both: 127.5 and 1 /
        127.5, or, where the network takes uint8, the pixels as they are.
    input, output : str or None
        Names in the network; None where it has one only.

    Raises
    ------
    BackendError
        onnxruntime is not installed, the file is no network, a name is not in it or is needed, or it does not take
        such an input.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        colour: Literal["rgb", "bgr"],
        layout: Literal["nchw", "nhwc"],
        mean: Sequence[float],
        scale: float | Sequence[float],
        input: str | None,
        output: str | None,
        plain: bool = False,
    ) -> None:
        onnxruntime = quiet_onnxruntime.onnxruntime("backend 'onnx'")
        self.path, self.size, self.colour, self.layout = Path(path), size, colour, layout
        self.version = str(onnxruntime.__version__)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        except Exception as error:
            got = f"onnxruntime cannot load it: {_sentence(error)}"
            raise BackendError(
                str(path), got=got, allowed="an ONNX network", todo="Fetch or export it again"
            ) from error
        node = _named(self._session.get_inputs(), input, "input")
        self._input, self._type, shape = str(node.name), TYPES.get(node.type), list(node.shape)
        self._output = str(_named(self._session.get_outputs(), output, "output").name)
        if self._type is None:
            raise BackendError(
                str(path),
                got=f"input {self._input!r} of {node.type}",
                allowed=", ".join(TYPES),
                todo="Export it with another input",
            )
        self.batch = shape[0] if shape and isinstance(shape[0], int) and shape[0] > 0 else 0  # 0: any number
        if self.batch > LARGEST_BATCH:
            raise BackendError(
                str(path),
                got=f"a batch fixed at {self.batch}",
                allowed=f"at most {LARGEST_BATCH}",
                todo="Export it with another batch",
            )
        if self._type is np.uint8 and plain:
            mean, scale = (0.0, 0.0, 0.0), 1.0
        self.mean, self.scale = np.asarray(mean, np.float32), np.asarray(scale, np.float32)
        if self._type is np.uint8 and (self.mean.any() or (self.scale != 1).any()):
            where = "backend.options.mean"
            raise BackendError(
                where,
                got="mean or scale for a network that takes uint8",
                allowed="mean 0 and scale 1",
                todo="Leave both out",
            )
        self.width = 0
        self.width = self._probe(shape)

    def _probe(self, shape: Sequence[Any]) -> int:
        """Width of the output for one black crop."""
        try:
            width = int(self._run([np.zeros((self.size, self.size, 3), np.uint8)]).shape[1])
        except (BackendError, MemoryError):
            raise
        except Exception as error:
            got = f"it does not take an input of size {self.size}, layout {self.layout}: {_sentence(error)}"
            raise BackendError(
                str(self.path), got=got, allowed=f"shape {shape}", todo="Correct size, layout or input"
            ) from error
        if width > WIDEST:
            raise BackendError(
                str(self.path), got=f"templates of {width} numbers", allowed=f"at most {WIDEST}", todo="Set output"
            )
        return width

    def run(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(n, D) float32 for n crops (size, size, 3) uint8 BGR."""
        if not self.batch:
            return self._run(crops)
        return np.concatenate([self._run(crops[at : at + self.batch]) for at in range(0, len(crops), self.batch)])

    def _run(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        count, fed = len(crops), max(len(crops), self.batch)
        pixels = np.stack(
            [*crops, *[np.zeros_like(crops[0])] * (fed - count)]
        )  # a fixed batch is filled up with black
        pixels = pixels[..., ::-1] if self.colour == "rgb" else pixels
        values = pixels if self._type is np.uint8 else (pixels.astype(np.float32) - self.mean) * self.scale
        if self.layout == "nchw":
            values = values.transpose(0, 3, 1, 2)
        fed_values = np.ascontiguousarray(values, dtype=self._type)
        output = np.asarray(self._session.run([self._output], {self._input: fed_values})[0])
        if not np.issubdtype(output.dtype, np.floating) or output.shape[:1] != (fed,) or output.size == 0:
            got = f"output {self._output!r} of shape {output.shape} and type {output.dtype} for {fed} crops"
            raise BackendError(str(self.path), got=got, allowed="(n, D) real numbers", todo="Set output")
        rows = np.ascontiguousarray(output.reshape(fed, -1)[:count], dtype=np.float32)
        if self.width and rows.shape[1] != self.width:
            raise ValueError(f"the network gave {rows.shape[1]} numbers, and {self.width} before")
        return rows


def trial(path: str, **feeding: Any) -> dict[str, Any]:
    """Load a network and run it once: its width and onnxruntime's version."""
    found = Network(Path(path), **feeding)
    return {"width": found.width, "version": found.version}


def _sentence(error: Exception) -> str:
    """What onnxruntime says, on one line and not too long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:400]


def _named(nodes: Sequence[Any], name: str | None, what: str) -> Any:
    names = [str(node.name) for node in nodes]
    if name is None and len(names) != 1:
        shown = ", ".join(f"{node.name!r} {node.shape}" for node in nodes[:20]) or "none"
        where, todo = f"backend.options.{what}", f'Say which: {what} = "..."'
        raise BackendError(where, got=f"nothing, and the network has {len(names)} {what}s", allowed=shown, todo=todo)
    if name is not None and name not in names:
        raise BackendError(
            f"backend.options.{what}",
            got=f"no {what} {name!r} in the network",
            allowed=", ".join(names),
            todo=nearest(name, names),
        )
    return nodes[names.index(name) if name is not None else 0]
