"""``face-audit validate``, run for real with few replicates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.cli import run_command_line


def test_validate_says_that_every_vector_agrees_and_writes_its_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "fnmr-60-0.2"
    assert (
        run_command_line(["validate", "--replicates", "20", "--row", row, "--out", str(tmp_path / "v"), "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert all(vector["agrees"] for vector in found["vectors"])
    assert {line["row"] for line in found["coverage"]} == {row}
    assert (tmp_path / "v" / "coverage.csv").is_file()


def test_validate_prints_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["validate", "--replicates", "20", "--row", "fnmr-60-0.2"]) == 0
    assert "vectors agree" in capsys.readouterr().out


def test_an_unknown_row_is_refused_with_the_names_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["validate", "--row", "nosuch"]) == 2
    assert "fnmr-60-0.2" in capsys.readouterr().err
