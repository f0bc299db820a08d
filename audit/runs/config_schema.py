"""The JSON Schema of a configuration, its backend's options among it, for editors: nothing in, one JSON value out.

The one idea: a misspelt key is underlined while it is typed, by the same classes that would refuse it when it is run.
What a third party's backend or a benchmark's adapter takes is theirs to say, and is left open here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.backends.registry import BUILT_IN, OUTPUTS
from audit.base.errors import BackendError
from audit.config import schema as of_config
from audit.runs.explained import model_of
from audit.words.options import meanings

__all__ = ["NAME", "as_bytes", "beside", "config_schema", "reference"]

NAME = "config.schema.json"
"""Name of the file beside configurations."""

reference = f"#:schema ./{NAME}"
"""First line of a configuration, as TOML editors (taplo, Even Better TOML) read it."""


def config_schema() -> dict[str, Any]:
    """Give the schema: every section as the configuration has it, and under [backend.options] what the backend named
    takes.
    """
    whole = json.loads(json.dumps(of_config()))
    cases = []
    for name in sorted({**BUILT_IN, **OUTPUTS}):
        try:
            options = _options(name)
        except BackendError:  # a library of it is not installed here: its options stay open
            continue
        when = {"properties": {"name": {"const": name}}, "required": ["name"]}
        cases.append(
            {
                "if": when,
                "then": {
                    "properties": {"options": options},
                    **({"required": ["options"]} if options.get("required") else {}),
                },
            }
        )
    whole["$defs"]["BackendConfig"]["allOf"] = cases
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of face-audit",
        **_without(whole, "title"),
    }


def _options(name: str) -> dict[str, Any]:
    model = model_of(name)
    if model is None:
        return {}
    raw = json.loads(json.dumps(model.model_json_schema()))
    said: dict[str, Any] = _inlined(raw, raw.pop("$defs", {}))
    for key, words in meanings(name).items():
        if key in said.get("properties", {}):
            said["properties"][key]["description"] = words
    if name == "templates":  # a benchmark may bring its own file
        said["required"] = [key for key in said.get("required", []) if key != "path"]
    if name == "onnx":  # what a preset says need not be said again
        said.pop("required", None)
    said.pop("description", None)
    return said


def _inlined(value: Any, defs: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _inlined(defs[value["$ref"].rsplit("/", 1)[-1]], defs)
        return {key: _inlined(item, defs) for key, item in value.items()}
    return [_inlined(item, defs) for item in value] if isinstance(value, list) else value


def _without(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != key}


def as_bytes() -> bytes:
    """The schema as its file holds it."""
    return (json.dumps(config_schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def beside(config: Path) -> Path:
    """Write the schema into the folder of a configuration, where its first line points; gives the file's path."""
    path = config.parent / NAME
    path.write_bytes(as_bytes())
    return path
