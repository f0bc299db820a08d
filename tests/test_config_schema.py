"""The schema that editors read accepts every configuration there is and refuses what a run would refuse: misspelt
keys, wrong kinds."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from audit.cli import run_command_line
from audit.runs.config_schema import NAME, as_bytes, config_schema, reference

SCHEMA = config_schema()
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def faults(value: Any, schema: Any, where: str = "") -> list[str]:
    """What JSON Schema (the keywords in use here) says against a value: a plain reading of the specification, written
    for this test."""
    if isinstance(schema, bool):
        return [] if schema else [f"{where}: not allowed"]
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]], where)
    out: list[str] = []
    unknown = set(schema) - {
        "type",
        "properties",
        "additionalProperties",
        "required",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "enum",
        "const",
        "anyOf",
        "allOf",
        "if",
        "then",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "propertyNames",
        "format",
        "title",
        "description",
        "default",
        "$defs",
        "$schema",
        "minProperties",
    }
    assert not unknown, unknown
    if "type" in schema:
        kind = schema["type"]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = (
            number
            if kind == "number"
            else number and value == int(value)
            if kind == "integer"
            else isinstance(value, KINDS[kind])
        )
        if not fits:
            return [f"{where}: {type(value).__name__} is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        out.append(f"{where}: not in {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        out.append(f"{where}: not {schema['const']}")
    if "anyOf" in schema and all(faults(value, one, where) for one in schema["anyOf"]):
        out.append(f"{where}: none of the kinds allowed")
    for one in schema.get("allOf", ()):
        if "if" not in one:
            out += faults(value, one, where)
        elif not faults(value, one["if"], where):
            out += faults(value, one["then"], where)
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            out.append(f"{where}: pattern")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9):
            out.append(f"{where}: length")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", -1e300), schema.get("maximum", 1e300)
        if (
            not low <= value <= high
            or value <= schema.get("exclusiveMinimum", -1e300)
            or value >= schema.get("exclusiveMaximum", 1e300)
        ):
            out.append(f"{where}: out of range")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9):
            out.append(f"{where}: number of items")
        for place, item in enumerate(value):
            inner = schema.get("prefixItems", [])
            out += faults(item, inner[place] if place < len(inner) else schema.get("items", True), f"{where}[{place}]")
    if isinstance(value, dict):
        if len(value) < schema.get("minProperties", 0):
            out.append(f"{where}: empty")
        out += [f"{where}.{key}: missing" for key in schema.get("required", ()) if key not in value]
        for key, item in value.items():
            known = schema.get("properties", {})
            out += faults(
                item, known[key] if key in known else schema.get("additionalProperties", True), f"{where}.{key}"
            )
            out += faults(key, schema.get("propertyNames", True), f"{where}.{key}")
    return out


CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_configuration_names_the_schema_and_is_accepted_by_it(path: Path) -> None:
    text = path.read_text()
    assert text.splitlines()[0] == reference
    assert (path.parent / reference.removeprefix("#:schema ")).is_file()
    assert faults(tomllib.loads(text), SCHEMA) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("minimum_subjects", "minimum_subject"),
        ("[groups]", "[group]"),
        ("target = 1e-3", 'target = "1e-3"'),
        ('kind = "target_fmr"', 'kind = "target_fnr"'),
        ("[uncertainty]\n", "[uncertainty]\nconfidance = 0.9\n"),
        ('kind = "vendor_default"', 'kind = "vendor_default"\ntreshold = 1'),
        ("preset =", "presets ="),
        ('face = "central"', 'face = "centre"'),
        ("version = 1", "version = 2"),
        ("version = 1\n", ""),
    ],
)
def test_what_a_run_would_refuse_is_refused(before: str, after: str) -> None:
    text = (CONFIGS[0].parent / "lfw-sface.toml").read_text()
    assert before in text
    assert faults(tomllib.loads(text.replace(before, after)), SCHEMA)


def test_a_third_party_s_options_are_its_own() -> None:
    config = tomllib.loads((CONFIGS[0].parent / "lfw-sface.toml").read_text())
    config["backend"] = {"name": "acme:make", "options": {"anything": 1}}
    assert faults(config, SCHEMA) == []


def test_the_file_beside_the_configurations_is_the_one_that_is_made(capsys, tmp_path: Path) -> None:
    assert (CONFIGS[0].parent / NAME).read_bytes() == as_bytes(), (
        "run: face-audit schema --out configs/config.schema.json"
    )
    assert run_command_line(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert run_command_line(["schema", "--out", str(tmp_path / "no/such/folder.json")]) == 2


def test_every_option_is_described_for_the_reader_of_an_editor() -> None:
    cases = SCHEMA["$defs"]["BackendConfig"]["allOf"]
    assert {one["if"]["properties"]["name"]["const"] for one in cases} >= {
        "process",
        "http",
        "templates",
        "scores",
        "candidates",
    }
    for one in cases:
        for key, said in one["then"]["properties"]["options"].get("properties", {}).items():
            assert said.get("description"), key
