"""onnxruntime, kept from calling home: every import of it goes through here. Nothing in, the module out.

The one idea: onnxruntime starts to collect when it is imported (a device id and a database in the user's cache folder,
DNS queries, the model's file name), unless ``ORT_DISABLE_TELEMETRY`` is set before; asking it to stop afterwards comes
too late. Both are done.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from audit.base.errors import BackendError

__all__ = ["forbid_telemetry", "onnxruntime"]


def forbid_telemetry() -> None:
    """Set what onnxruntime looks for, for this process and those that it starts; third-party backends that import it
    themselves are covered too.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def onnxruntime(where: str) -> Any:
    """Import onnxruntime with its telemetry off; raises BackendError, about ``where``, if it is not installed."""
    forbid_telemetry()
    try:
        import onnxruntime as module
    except ImportError as error:
        todo = "Install it with: pip install 'face-audit[onnx]'"
        raise BackendError(
            where, got="the package onnxruntime is not installed", allowed="onnxruntime 1.18 or later", todo=todo
        ) from error
    with contextlib.suppress(Exception):  # absent in some builds
        module.disable_telemetry_events()
    return module
