"""From a backend's name and options to a backend: built-ins by lazy import, third parties by entry point, trials by
``module:function``.

In comes what the config says; out comes an object that keeps ``audit.backends.protocol.Backend``. The one idea: a
backend is one factory ``make(options) -> Backend``, and nothing heavy is imported before that factory is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from audit.backends.contract import raised
from audit.backends.own_code import WithCode, code_sha256
from audit.backends.protocol import Backend
from audit.backends.quiet_onnxruntime import forbid_telemetry
from audit.base.errors import AuditError, BackendError
from audit.base.nearest import nearest

__all__ = ["BUILT_IN", "GROUP", "OUTPUTS", "factory", "make", "names"]

GROUP = "audit.backends"
"""Entry-point group in which other packages announce their factories."""

BUILT_IN: dict[str, str] = {
    "face_recognition": "dlib's ResNet through the models of the face_recognition package (extra: face-recognition)",
    "http": "a face service over HTTP, as CompreFace speaks",
    "onnx": "any ONNX network behind YuNet and a five-point alignment, by options or preset (extra: onnx)",
    "opencv_sface": "SFace as OpenCV offers it: FaceDetectorYN, FaceRecognizerSF",
    "process": "any program in any language that speaks JSON lines on stdin and stdout",
    "templates": "precomputed templates from a npy, npz or parquet file; no images are read",
}
"""Name of each module of this package that holds a factory, with one line about it."""


OUTPUTS: dict[str, str] = {
    "candidates": "lists of candidates that searches of a gallery returned; an audit of a system that cannot be run",
    "scores": "scores of pairs that somebody else compared; an audit of a system that cannot be run",
}
"""Names that a config may give for an audit of outputs alone; the room
``outputs`` reads them, and no backend is made."""


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> dict[str, str]:
    """Every backend that a config may name.

    Returns
    -------
    dict of str to str
        Name to one line of description; third-party backends say which package they come from. A built-in cannot be
        replaced by a package.
    """
    found = {
        name: f"from package {point.dist.name if point.dist else '?'} ({point.value})"
        for name, point in sorted(_plugins().items())
    }
    return {**found, **BUILT_IN, **OUTPUTS}


def _factory(name: str) -> Callable[[Mapping[str, Any]], Backend]:
    if name in BUILT_IN:
        factory = import_module(f"audit.backends.{name}").make
    elif ":" in name:
        module, _, attribute = name.partition(":")
        factory = getattr(import_module(module), attribute)
    else:
        factory = _plugins()[name].load()
    if not callable(factory):
        raise BackendError(
            f"backend {name!r}",
            got=f"{type(factory).__name__}",
            allowed="a function make(options) -> Backend",
            todo="Ask its author",
        )
    return factory  # type: ignore[no-any-return]


def _known(name: str) -> None:
    if ":" not in name and name not in (known := names()):
        raise BackendError(
            "backend.name",
            got=f"unknown backend {name!r}",
            allowed=", ".join(known) + ", or module:function",
            todo=nearest(name, known) or f"Install the package that provides it (entry point group {GROUP!r})",
        )
    if name.startswith(":") or name.endswith(":"):
        raise BackendError(
            "backend.name",
            got=repr(name),
            allowed="a name, or module:function",
            todo="Name the module and its function",
        )


def _not_installed(name: str, error: ImportError) -> BackendError:
    todo = (
        f"Install it with: pip install 'face-audit[{name.replace('_', '-')}]'"
        if name in BUILT_IN
        else "Install what it needs, or set PYTHONPATH"
    )
    return BackendError(
        f"backend {name!r}", got=f"it cannot be imported ({error})", allowed="an installed backend", todo=todo
    )


def _failing(name: str, error: Exception) -> BackendError:
    if isinstance(error, AttributeError) and ":" in name and name.partition(":")[2] in str(error):
        module, _, function = name.partition(":")
        return BackendError(
            f"backend {name!r}", got=f"{module} has no {function}", allowed="module:function", todo="Name the factory"
        )
    return BackendError(
        f"backend {name!r}",
        got=f"its factory failed with {raised(error).removeprefix('the matcher raised ')}",
        allowed="a factory make(options) that returns a backend",
        todo=f"Check its options and model files; `face-audit explain {name}` lists them",
    )


@contextmanager
def _faults_told(name: str) -> Iterator[None]:
    """What a backend's own code raises, as one error that says what to do."""
    try:
        yield
    except AuditError:
        raise
    except ImportError as error:
        raise _not_installed(name, error) from error
    except Exception as error:
        raise _failing(name, error) from error


def factory(name: str) -> Callable[[Mapping[str, Any]], Backend]:
    """Give the factory of a backend without calling it; raises BackendError where the name is unknown or its code
    cannot be imported.
    """
    _known(name)
    with _faults_told(name):
        return _factory(name)


def make(name: str, options: Mapping[str, Any]) -> Backend:
    """Make a backend.

    Parameters
    ----------
    name : str
        One of ``names()``, or ``package.module:function`` for a factory that is not installed as an entry point.
    options : mapping
        The config's ``[backend.options]``.

    Raises
    ------
    BackendError
        Unknown name (with the nearest one), unknown option, a package that is not installed, or a factory that fails
        or gives something that is not a backend.
    """
    _known(name)
    if name in OUTPUTS:
        raise BackendError(
            "backend.name",
            got=f"{name!r}, which makes no templates: it reads a table of outputs",
            allowed=", ".join({**BUILT_IN, **_plugins()}),
            todo="Use `face-audit run` with it; there is nothing to plan, check or time",
        )
    forbid_telemetry()
    with _faults_told(name):
        maker = _factory(name)
        backend: Any = maker(dict(options))
    if getattr(backend, "precomputed", False):
        return backend  # type: ignore[no-any-return]
    missing = [
        part
        for part in ("name", "version", "dimensions", "rule", "fingerprint", "describe", "extract")
        if not hasattr(backend, part)
    ]
    if missing:
        raise BackendError(
            f"backend {name!r}",
            got=f"a {type(backend).__name__} without {', '.join(missing)}",
            allowed="all of audit.backends.protocol.Backend",
            todo=f"Run: face-audit backend check {name}",
        )
    if name in BUILT_IN:
        return backend  # type: ignore[no-any-return]
    modules = (
        name.partition(":")[0] if ":" in name else "",
        getattr(maker, "__module__", ""),
        type(backend).__module__,
    )
    return WithCode(backend, code_sha256(*modules))
