"""Verify sees every byte that is not what the kept observations give, even where the sums were made again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from audit import results as files
from audit.base.errors import ResultsError
from audit.report import render
from audit.runs.again import again as made_again
from audit.runs.verify import verify
from audit.words import columns

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits


@pytest.fixture
def folder(tmp_path_factory, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_audits.written(tmp_path_factory), tmp_path / "small"))


def resum(folder: Path) -> None:
    """What a careful forger would do."""
    (folder / "PROVENANCE.sha256").write_bytes(files.lines_of(folder, ["provenance.json"]))
    (folder / "SHA256SUMS").write_bytes(files.sums_of(folder))


def change_cell(folder: Path, name: str, column: str, value: str, row: int = 0) -> None:
    frame = columns.read(name.removesuffix(".csv"), (folder / name).read_bytes())
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    (folder / name).write_bytes(columns.csv_bytes(frame))


def test_an_untouched_directory_has_no_problem_and_every_rate_was_computed_again(folder: Path) -> None:
    found = verify(folder)
    assert found["problems"] == []
    assert found["rates"] == len(files.read(folder).rates) > 300
    assert found["ratios"] == len(files.read(folder).differentials) > 50
    assert found["files"] == sum(path.is_file() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "name", ["rates.csv", "report.html", "dyads.npz", "config.toml", "provenance.json", "audit.json"]
)
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
def test_a_forged_number_is_seen_though_the_sums_were_made_again(
    folder: Path, name: str, column: str, value: str
) -> None:
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
        (folder / "findings.json").write_bytes(files.as_json(found))


def test_forged_counts_are_seen(folder: Path) -> None:
    about = json.loads((folder / "audit.json").read_text())
    about["counts"]["comparisons"] += 1
    (folder / "audit.json").write_bytes(files.as_json(about))
    resum(folder)
    assert any(problem.startswith("audit.json, counts") for problem in verify(folder)["problems"])


def test_histograms_that_do_not_add_up_are_seen(folder: Path) -> None:
    with np.load(folder / "histograms.npz") as data:
        arrays = dict(data)
    arrays["non_mated"][0, 0] += 1
    (folder / "histograms.npz").write_bytes(files.npz(arrays))
    resum(folder)
    assert any("histograms.npz" in problem for problem in verify(folder)["problems"])


def test_a_forged_dyad_is_seen_in_every_table_it_feeds(folder: Path) -> None:
    with np.load(folder / "dyads.npz") as data:
        arrays = dict(data)
    arrays["f_0"][np.flatnonzero(arrays["acquired"] > 1)[0]] = 1 - min(
        1, arrays["f_0"][np.flatnonzero(arrays["acquired"] > 1)[0]]
    )
    for name in ("i_0", "j_0", "e_0"):
        arrays[name] = arrays[name][1:]
    (folder / "dyads.npz").write_bytes(files.npz(arrays))
    resum(folder)
    problems = verify(folder)["problems"]
    assert {problem.partition(",")[0] for problem in problems} >= {"rates.csv", "differentials.csv"}


def test_a_dyad_that_cannot_be_is_a_problem_not_a_crash(folder: Path) -> None:
    with np.load(folder / "dyads.npz") as data:
        arrays = dict(data)
    arrays["i_0"] = arrays["i_0"] + 10_000
    (folder / "dyads.npz").write_bytes(files.npz(arrays))
    problems = verify(folder)["problems"]
    assert "dyads.npz differs from its sum" in problems
    assert any("people who are not there" in problem for problem in problems)


def test_another_machines_last_digits_are_said_and_can_be_accepted(folder: Path) -> None:
    frame = columns.read("rates", (folder / "rates.csv").read_bytes())
    frame["high"] = frame["high"] * (1 + 1e-13)
    frame.loc[frame["low"] == 0, "low"] = 3e-19  # a limit of 0 is a difference that may come out as its rounding error
    (folder / "rates.csv").write_bytes(columns.csv_bytes(frame))
    again = files.read(folder)
    files.put(
        folder, render(again, digest=files.folder_digest(folder))
    )  # a run of such a machine made its pages from its own numbers
    resum(folder)
    problems = verify(folder)["problems"]
    assert problems
    assert all("last digits" in problem or "not the page" in problem for problem in problems)
    assert verify(folder, last_digits=True)["problems"] == []


def test_accepting_last_digits_accepts_no_others(folder: Path) -> None:
    change_cell(folder, "rates.csv", "rate", "0.010001")
    again = files.read(folder)
    files.put(folder, render(again, digest=files.folder_digest(folder)))
    resum(folder)
    assert any(problem.startswith("rates.csv") for problem in verify(folder, last_digits=True)["problems"])


def test_a_missing_row_or_table_is_seen(folder: Path) -> None:
    frame = columns.read("rates", (folder / "rates.csv").read_bytes())
    (folder / "rates.csv").write_bytes(columns.csv_bytes(frame.iloc[1:]))
    (folder / "power.csv").unlink()
    resum(folder)
    problems = " ".join(verify(folder)["problems"])
    assert "rates.csv: " in problems
    assert "power.csv is missing" in problems


def test_what_is_no_results_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="a results directory"):
        verify(tmp_path)


KEPT = (
    "dyads.npz",
    "histograms.npz",
    "shift.npz",
    "review.csv",
    "audit.json",
    "config.toml",
    "findings.json",
    "provenance.json",
)


@pytest.mark.parametrize("name", KEPT)
def test_what_a_run_keeps_must_be_there(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / "SHA256SUMS").write_bytes(files.sums_of(folder))
    with contextlib.suppress(ResultsError):
        assert verify(folder)["problems"]


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "tables/other.csv", "figures/other.svg", ".hidden", "tables/deep/er.csv", "report.htm", "extra.npz"],
)
def test_a_file_that_no_run_writes_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    resum(folder)
    assert verify(folder)["problems"]


def test_a_link_or_a_pipe_is_refused_and_nothing_is_read_through_it(folder: Path, tmp_path: Path) -> None:
    (folder / "guide.html").unlink()
    (folder / "guide.html").symlink_to("/etc/hostname")
    with pytest.raises(ResultsError, match="no ordinary file"):
        verify(folder)
    (folder / "guide.html").unlink()
    os.mkfifo(folder / "guide.html")
    with pytest.raises(ResultsError, match="no ordinary file"):
        verify(folder)


@pytest.mark.parametrize("line", ["", "../../etc/passwd", "rates.csv"])
def test_sums_that_name_a_file_twice_or_one_outside_are_problems(folder: Path, line: str) -> None:
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  {line}\n")
    assert verify(folder)["problems"]


def test_a_forger_who_makes_every_table_and_page_again_is_shown_by_the_digest_alone(folder: Path) -> None:
    before = verify(folder)["digest"]
    with np.load(folder / "dyads.npz") as data:
        arrays = dict(data)
    for name in ("i_0", "j_0", "e_0"):
        arrays[name] = arrays[name][1:]
    (folder / "dyads.npz").write_bytes(files.npz(arrays))
    made = made_again(files.read(folder))
    files.put(folder, files.to_files(made))
    files.put(folder, render(made, digest=files.folder_digest(folder)))
    resum(folder)
    found = verify(folder)
    assert found["problems"] == []
    assert found["digest"] != before
    assert before not in (folder / "report.html").read_text()


@pytest.mark.parametrize("name", ["report.html", "summary.html", "guide.html"])
def test_every_page_shows_the_digest_that_verify_gives(folder: Path, name: str) -> None:
    assert verify(folder)["digest"] in (folder / name).read_text()


def test_the_digest_is_the_sum_of_the_sums_of_what_is_no_page(folder: Path) -> None:
    kept = [
        line
        for line in (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
        if not re.search(
            r"  (figures/.*|tables/.*|(report|summary|guide)\.html|report\.(json|pdf))$", line.rstrip("\n")
        )
    ]
    assert 10 < len(kept) < 40
    assert verify(folder)["digest"].replace("-", "") == hashlib.sha256("".join(kept).encode()).hexdigest()[:20]


def test_random_changes_with_their_sums_made_again_are_found(folder: Path) -> None:
    """A short run of ``benches/hostile/results.py``."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benches" / "hostile"))
    import results as bench

    tried = bench.mutate(folder, 40, seed=3)
    assert len(tried) == 40
    assert [one for one in tried if one.outcome not in ("found", "refused", "clock")] == []
