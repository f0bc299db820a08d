"""Verify sees every number that is not what dyads.npz gives, even where the sums were made again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from audit import results
from audit.errors import ResultsError
from audit.verify import verify

sys.path.insert(0, str(Path(__file__).parent))
import small_audits


@pytest.fixture
def folder(tmp_path_factory, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_audits.written(tmp_path_factory), tmp_path / "small"))


def resum(folder: Path) -> None:
    """What a careful forger would do."""
    (folder / "PROVENANCE.sha256").write_bytes(results._lines(folder, ["provenance.json"]))
    (folder / "SHA256SUMS").write_bytes(results._sums(folder))


def change_cell(folder: Path, name: str, column: str, value: str, row: int = 0) -> None:
    frame = results._frame(folder / name)
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    (folder / name).write_bytes(results._csv(frame))


def test_an_untouched_directory_has_no_problem_and_every_rate_was_computed_again(folder: Path) -> None:
    found = verify(folder)
    assert found["problems"] == []
    assert found["rates"] == len(results.read(folder).rates) > 300
    assert found["ratios"] == len(results.read(folder).differentials) > 50
    assert found["files"] == sum(path.is_file() for path in folder.rglob("*"))


@pytest.mark.parametrize("name", ["rates.csv", "report.html", "dyads.npz", "config.toml", "provenance.json", "audit.json"])
def test_one_changed_byte_is_seen(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    at = data.rfind(b"1") if name != "dyads.npz" else len(data) // 2
    data[at] ^= 1
    (folder / name).write_bytes(bytes(data))
    assert f"{name} differs from its sum" in verify(folder)["problems"]


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("rates.csv", "rate", "0.01"),
        ("rates.csv", "errors", "0"),
        ("rates.csv", "low", "0.0"),
        ("rates.csv", "subjects", "1"),
        ("rates.csv", "note", "all is well"),
        ("rates.csv", "interval", "exact, 95 %"),
        ("differentials.csv", "ratio", "1.0"),
        ("differentials.csv", "certainty", "no difference larger than ×2"),
        ("operating_points.csv", "achieved_people", "0.0001"),
        ("operating_points.csv", "score_threshold", "-0.5"),
        ("acquisition.csv", "acquired", "100000"),
        ("acquisition.csv", "no_face", "0"),
        ("acquisition.csv", "subjects", "23"),
        ("curves.csv", "FMR", "0.5"),
        ("curves.csv", "note", "every limit holds"),
        ("differences.csv", "difference", "0.5"),
        ("differences.csv", "low", "0.4"),
        ("differences.csv", "note", "all is well"),
        ("equity.csv", "inequity", "1.0"),
        ("most_photographed.csv", "share_of_mated", "0.01"),
    ],
)
def test_a_forged_number_is_seen_though_the_sums_were_made_again(folder: Path, name: str, column: str, value: str) -> None:
    change_cell(folder, name, column, value)
    resum(folder)
    problems = verify(folder)["problems"]
    assert any(problem.startswith(name) for problem in problems), problems


def test_a_forged_sentence_or_certainty_is_seen(folder: Path) -> None:
    for part, value in (("statement", "This matcher is fine."), ("certainty", "likely difference"), ("evidence", [])):
        found = json.loads((folder / "findings.json").read_text())
        before = found[0][part]
        found[0][part] = value
        (folder / "findings.json").write_text(json.dumps(found))
        resum(folder)
        assert any("findings.json" in problem for problem in verify(folder)["problems"]), part
        found[0][part] = before
        (folder / "findings.json").write_bytes(results._json(found))


def test_forged_counts_and_histograms_are_seen(folder: Path) -> None:
    about = json.loads((folder / "audit.json").read_text())
    about["counts"]["comparisons"] += 1
    (folder / "audit.json").write_bytes(results._json(about))
    with np.load(folder / "histograms.npz") as data:
        arrays = dict(data)
    arrays["non_mated"][0, 0] += 1
    (folder / "histograms.npz").write_bytes(results._npz(arrays))
    resum(folder)
    problems = " ".join(verify(folder)["problems"])
    assert "audit.json, counts.comparisons" in problems
    assert "histograms.npz" in problems


def test_a_forged_dyad_is_seen_in_every_table_it_feeds(folder: Path) -> None:
    with np.load(folder / "dyads.npz") as data:
        arrays = dict(data)
    arrays["f_0"][np.flatnonzero(arrays["acquired"] > 1)[0]] = 1 - min(1, arrays["f_0"][np.flatnonzero(arrays["acquired"] > 1)[0]])
    for name in ("i_0", "j_0", "e_0"):
        arrays[name] = arrays[name][1:]
    (folder / "dyads.npz").write_bytes(results._npz(arrays))
    resum(folder)
    problems = verify(folder)["problems"]
    assert {problem.partition(",")[0] for problem in problems} >= {"rates.csv", "differentials.csv"}


def test_a_dyad_that_cannot_be_is_a_problem_not_a_crash(folder: Path) -> None:
    with np.load(folder / "dyads.npz") as data:
        arrays = dict(data)
    arrays["i_0"] = arrays["i_0"] + 10_000
    (folder / "dyads.npz").write_bytes(results._npz(arrays))
    problems = verify(folder)["problems"]
    assert "dyads.npz differs from its sum" in problems
    assert any("cannot be computed again" in problem for problem in problems)


def test_another_machines_last_digit_is_no_problem(folder: Path) -> None:
    frame = results._frame(folder / "rates.csv")
    frame["high"] = frame["high"] * (1 + 1e-13)
    frame.loc[frame["low"] == 0, "low"] = 3e-19  # a limit of 0 is a difference that may come out as its rounding error
    (folder / "rates.csv").write_bytes(results._csv(frame))
    resum(folder)
    assert verify(folder)["problems"] == []


def test_a_missing_row_or_table_is_seen(folder: Path) -> None:
    frame = results._frame(folder / "rates.csv")
    (folder / "rates.csv").write_bytes(results._csv(frame.iloc[1:]))
    (folder / "power.csv").unlink()
    resum(folder)
    problems = " ".join(verify(folder)["problems"])
    assert "rates.csv: " in problems
    assert "power.csv: " in problems


def test_what_is_no_results_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="a results directory"):
        verify(tmp_path)
