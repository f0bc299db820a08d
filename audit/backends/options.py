"""What every backend module needs: options checked at the door, files known by sha256, one fingerprint.

In comes what the config's ``[backend.options]`` table holds; out come a frozen options object and hex digests. The one
idea: two backends with one fingerprint give one template per image, so everything that can change a template goes into
it and nothing else does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from audit.base.errors import BackendError
from audit.base.nearest import nearest

__all__ = ["Options", "file_sha256", "fingerprint_of", "parse_options", "tree_sha256"]

OptionsT = TypeVar("OptionsT", bound="Options")


class Options(BaseModel):
    """Base of every backend's options: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def parse_options(backend: str, kind: type[OptionsT], options: Mapping[str, Any]) -> OptionsT:
    """Check the options of a backend.

    Parameters
    ----------
    backend : str
        Name of the backend, for the message.
    kind : subclass of Options
    options : mapping
        As written in the config.

    Raises
    ------
    BackendError
        Unknown option or value that is not allowed: names the option, what was got, what is allowed and the nearest
        name.
    """
    allowed = ", ".join(sorted(kind.model_fields)) or "no options"
    try:
        return kind.model_validate(dict(options))
    except ValidationError as error:
        first = next((one for one in error.errors() if one["type"] == "extra_forbidden"), error.errors()[0])
        path = ".".join(str(part) for part in first["loc"])
        where = f"backend.options.{path} ({backend})" if path else f"backend.options ({backend})"
        if first["type"] == "extra_forbidden":
            raise BackendError(
                where, got=f"unknown option {path!r}", allowed=allowed, todo=nearest(path, kind.model_fields)
            ) from None
        if first["type"] == "missing":
            raise BackendError(
                where, got="this option is missing", allowed=allowed, todo=f"Set {path} under [backend.options]"
            ) from None
        raise BackendError(
            where, got=f"{first['input']!r}: {first['msg']}", allowed=_allowed(kind, path), todo="Change the value"
        ) from None


def _allowed(kind: type[Options], path: str) -> str:
    """Describe a field's allowed values by its JSON Schema."""
    schema = kind.model_json_schema().get("properties", {}).get(path.split(".")[0], {})
    if "enum" in schema:
        return ", ".join(map(repr, schema["enum"]))
    return ", ".join(
        f"{key} {schema[key]}"
        for key in ("type", "minimum", "maximum", "exclusiveMinimum", "default")
        if key in schema
    )


@lru_cache(maxsize=64)
def _digest(path: str, size: int, modified: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file; remembered while its size and time stay the same."""
    stat = path.stat()
    return _digest(str(path), stat.st_size, stat.st_mtime_ns)


def tree_sha256(path: Path) -> str:
    """Hex sha256 of a file, or of a folder: names and contents of all files below it, in order; what cannot be read
    counts by its name alone.
    """
    if path.is_file():
        return file_sha256(path)
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else ():
        if file.is_file() and "__pycache__" not in file.parts:
            found.update(os.fsencode(file.relative_to(path)) + b"\0")
            with contextlib.suppress(OSError):
                found.update(bytes.fromhex(file_sha256(file)))
    return found.hexdigest()


def fingerprint_of(**parts: Any) -> str:
    """Hex sha256 over named JSON values, independent of their order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
