"""An ONNX network and how to feed it: aligned BGR crops in, one row of numbers per crop out.

The one idea: one thread and one order of summation, so that a crop gives the same bits alone and in a batch, on any number of cores (a test holds
it to that); parallelism is one process per core, above.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from audit.backends import quiet_onnxruntime
from audit.base.errors import BackendError
from audit.base.nearest import nearest

__all__ = ["Network"]


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
        An input value is (pixel - mean) * scale, per channel in the order of ``colour``.
    input, output : str or None
        Names in the network; the first ones where None.

    Raises
    ------
    BackendError
        onnxruntime is not installed, the file is no network, a name is not in it, or it does not take such an input.
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
    ) -> None:
        onnxruntime = quiet_onnxruntime.onnxruntime("backend 'onnx'")
        self.path, self.size, self.colour, self.layout = path, size, colour, layout
        self.mean, self.scale = np.asarray(mean, np.float32), np.asarray(scale, np.float32)
        self.version = str(onnxruntime.__version__)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        except Exception as error:
            got = f"onnxruntime cannot load it ({type(error).__name__})"
            raise BackendError(str(path), got=got, allowed="an ONNX network", todo="Fetch or export it again") from error
        self._input = _named(self._session.get_inputs(), input, "input")
        self._output = _named(self._session.get_outputs(), output, "output")
        self.width = self._probe()

    def _probe(self) -> int:
        """Width of the output for one black crop."""
        try:
            return int(self.run([np.zeros((self.size, self.size, 3), np.uint8)]).shape[1])
        except BackendError:
            raise
        except Exception as error:
            shape = next(node.shape for node in self._session.get_inputs() if node.name == self._input)
            got = f"it does not take an input of size {self.size}, layout {self.layout} ({type(error).__name__})"
            raise BackendError(str(self.path), got=got, allowed=f"shape {shape}", todo="Correct size, layout or input") from error

    def run(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(n, D) float32 for n crops (size, size, 3) uint8 BGR."""
        pixels = np.stack(crops)[..., ::-1] if self.colour == "rgb" else np.stack(crops)
        values = (pixels.astype(np.float32) - self.mean) * self.scale
        if self.layout == "nchw":
            values = values.transpose(0, 3, 1, 2)
        output = np.asarray(self._session.run([self._output], {self._input: np.ascontiguousarray(values)})[0])
        if not np.issubdtype(output.dtype, np.floating) or output.shape[:1] != (len(crops),) or output.size == 0:
            raise BackendError(
                str(self.path), got=f"output {self._output!r} of shape {output.shape}", allowed="(n, D) real numbers", todo="Set output"
            )
        return np.ascontiguousarray(output.reshape(len(crops), -1), dtype=np.float32)


def _named(nodes: Sequence[Any], name: str | None, what: str) -> str:
    names = [str(node.name) for node in nodes]
    if name is None:
        return names[0]
    if name not in names:
        raise BackendError(f"backend.options.{what}", got=f"no {what} {name!r} in the network", allowed=", ".join(names), todo=nearest(name, names))
    return name
