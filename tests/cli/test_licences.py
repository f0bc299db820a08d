"""What an audit stands on: held against the packages' own metadata and the lock, read in another way."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from audit.cli import run_command_line
from audit.cli.licences import licences, locked_hashes, sbom

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "run.lock"


def test_every_package_of_the_runtime_lock_is_a_row_with_its_installed_version_and_a_licence() -> None:
    rows = {row["name"]: row for row in licences() if row["kind"] == "package"}
    locked = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in LOCK.read_text().splitlines()
        if re.match(r"[\w.-]+==", line)
    }
    here = {name for name in locked if any(True for _ in metadata.distributions(name=name))}
    assert here <= set(rows)
    assert len(here) > 20
    for name in here:
        assert rows[name]["version"] == metadata.version(name)
        assert rows[name]["licence"].strip()
    assert rows["scipy"]["licence"].startswith("BSD")
    assert not {"pytest", "ruff", "mypy", "face-audit"} & set(rows)


def test_models_are_named_with_their_digest_and_licence() -> None:
    models = {row["name"]: row for row in licences() if row["kind"] == "model"}
    yunet = models["face_detection_yunet_2023mar.onnx"]
    assert yunet["version"] == "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
    assert yunet["licence"] == "MIT"


def test_the_list_is_cyclonedx_with_the_locks_hashes_and_the_same_bytes_twice(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx")
    written = sbom("1.2.3")
    assert written == sbom("1.2.3")
    assert written != sbom("1.2.4")
    found = json.loads(written)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert "timestamp" not in found["metadata"]
    assert len(found["components"]) == len(licences())
    numpy = next(one for one in found["components"] if one["name"] == "numpy")
    assert numpy["purl"] == f"pkg:pypi/numpy@{metadata.version('numpy')}"
    pinned, digests = locked_hashes()["numpy"]
    listed = [one["value"] for one in numpy.get("properties", [])]
    assert listed == (sorted(digests) if pinned == metadata.version("numpy") else [])
    assert run_command_line(["doctor", "--sbom", str(tmp_path / "sbom.json")]) == 0
    assert json.loads((tmp_path / "sbom.json").read_text())["components"] == found["components"]


def test_the_command_prints_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["doctor", "--licences"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(licences())
    assert any(line.startswith(f"numpy {metadata.version('numpy')}: ") for line in lines)
