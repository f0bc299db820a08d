"""What a backend is and which options it takes: a name in, one row an option out, for ``face-audit explain BACKEND``,
READMEs and editors.

The one idea: what may be written under ``[backend.options]`` is known to one class, the one that refuses everything
else, and is read off it. A third party's class is found in its factory's module: the one subclass of
``audit.backends.options.Options`` there.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NamedTuple

from pydantic import BaseModel

from audit.backends import registry
from audit.backends.options import Options
from audit.backends.presets import PRESETS
from audit.base.errors import BackendError
from audit.outputs.options import CandidatesOptions, ScoresOptions
from audit.words.options import meanings

__all__ = ["Option", "as_markdown", "model_of", "options_of"]

_OUTPUTS: dict[str, type[BaseModel]] = {"scores": ScoresOptions, "candidates": CandidatesOptions}
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "table",
    "null": "",
}


class Option(NamedTuple):
    """One option: its name, what may be written, its default ("" where it must be given), what it means."""

    name: str
    kind: str
    default: str
    required: bool
    meaning: str


def model_of(name: str) -> type[BaseModel] | None:
    """Give the class that checks a backend's options; None where a third party's module does not show one.

    Raises
    ------
    BackendError
        No such backend, or one that cannot be imported.
    """
    if name in _OUTPUTS:
        return _OUTPUTS[name]
    if name in registry.BUILT_IN:
        try:
            module = import_module(f"audit.backends.{name}")
        except ImportError as error:
            todo = f"Install it with: pip install 'face-audit[{name.replace('_', '-')}]'"
            raise BackendError(f"backend {name!r}", got=f"it cannot be imported ({error})", todo=todo) from error
        found: type[BaseModel] = getattr(module, name.title().replace("_", "") + "Options")
        return found
    own = sys.modules.get(getattr(registry.factory(name), "__module__", ""))
    shown = (
        {
            one
            for one in vars(own).values()
            if isinstance(one, type) and issubclass(one, Options) and one is not Options
        }
        if own
        else set()
    )
    return shown.pop() if len(shown) == 1 else None


def options_of(name: str) -> list[Option] | None:
    """Every option of a backend, in the order of its class; None where it shows none. Raises as ``model_of``."""
    model = model_of(name)
    if model is None:
        return None
    schema = model.model_json_schema()
    known, needed = meanings(name), set(schema.get("required", ()))
    rows = []
    for key, said in schema.get("properties", {}).items():
        default = "" if key in needed else _value(said.get("default"))
        kind = ", ".join(PRESETS) if (name, key) == ("onnx", "preset") else _kind(said, schema.get("$defs", {}))
        rows.append(Option(key, kind, default, key in needed, known.get(key) or said.get("description", "")))
    return rows


def _kind(said: dict[str, Any], defs: dict[str, Any]) -> str:
    """Say in words what a JSON Schema allows."""
    if "$ref" in said:
        said = defs.get(said["$ref"].rsplit("/", 1)[-1], {})
    if "anyOf" in said:
        return " or ".join(dict.fromkeys(words for one in said["anyOf"] if (words := _kind(one, defs))))
    if "enum" in said:
        return ", ".join(map(str, said["enum"]))
    if "const" in said:
        return str(said["const"])
    if said.get("type") == "array":
        parts = said.get("prefixItems")
        return (
            f"list of {len(parts)} {_kind(parts[0], defs)}s"
            if parts
            else f"list of {_kind(said.get('items', {}), defs) or 'value'}s"
        )
    words = "path" if said.get("format") == "path" else _KINDS.get(said.get("type", ""), "value")
    low = said.get("minimum", said.get("exclusiveMinimum"))
    high = said.get("maximum", said.get("exclusiveMaximum"))
    if low is not None:
        words += f" {'from' if 'minimum' in said else 'above'} {low:,}"
    if high is not None:
        words += f" {'to' if 'maximum' in said else 'below'} {high:,}"
    return words


def _value(default: Any) -> str:
    if default is None or default in ("", [], {}):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:.6g}"
    return ", ".join(map(_value, default)) if isinstance(default, list) else str(default)


def as_markdown(name: str) -> str:
    """The options of a backend as a table for a README."""
    lines = ["| option | what may be written | default | meaning |", "|---|---|---|---|"]
    for row in options_of(name) or ():
        default = "**must be given**" if row.required else f"`{row.default}`" if row.default != "none" else "none"
        lines.append(f"| `{row.name}` | {row.kind} | {default} | {row.meaning} |")
    return "\n".join(lines)
