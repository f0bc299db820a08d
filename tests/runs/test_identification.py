"""Searches of galleries through a whole run: kept, made again by verify, found where they were changed, absent where
nobody asked."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit import results as files
from audit.config import load_config
from audit.report import render
from audit.runs.pipeline import Settings, run
from audit.runs.verify import verify
from audit.words.columns import TABLES

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    config = small_audits.write(folder)
    with config.open("a", encoding="utf-8") as text:
        text.write("[identification]\nenrolments = 3\nsizes = [5, 50, 10_000]\n")
    result = run(load_config(config), Settings(data=folder, offline=True))
    target = tmp_path_factory.mktemp("results") / "small"
    files.write(result, target, render(result))
    return target


def test_the_table_says_what_was_asked_and_leaves_out_galleries_larger_than_the_people(searched: Path) -> None:
    table = pd.read_csv(searched / "searches.csv")
    assert set(table.gallery) == {5, 50}
    assert {"FPIR", "SEL", "FNIR", "wrong_name", "FNIR_fixed_list", "rank_1_closed_set"} <= set(table.measure)
    assert set(table.enrolments) == {3}
    table = table[(table.mix == "natural") & (table.weighting == "people")]
    rate = table[table.measure == "FPIR"].set_index(["operating_point", "group", "gallery"]).rate.dropna()
    larger, smaller = rate.xs(50, level="gallery"), rate.xs(5, level="gallery")
    assert len(larger) > 8
    assert (larger >= smaller.loc[larger.index]).all()


def test_every_table_of_searches_is_written_with_the_columns_stated(searched: Path) -> None:
    written = {path.name for path in searched.glob("search*.csv")}
    assert written == {name for name in TABLES if name.startswith(("searches", "search_"))} - {
        "search_counts.csv"
    }  # counts: audits of outputs
    for name in written:
        assert list(pd.read_csv(searched / name, nrows=0).columns) == list(TABLES[name]), name


def sum_again(folder: Path) -> None:
    """Write the sums of every file again, as a forger would."""
    lines = []
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        name = line.split("  ", 1)[1]
        lines.append(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}")
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_verify_makes_the_table_again_and_finds_what_was_changed(searched: Path, tmp_path: Path) -> None:
    assert not verify(searched)["problems"]
    for k, name in enumerate(("searches.csv", "searches.npz")):
        forged = tmp_path / str(k)
        shutil.copytree(searched, forged)
        if name == "searches.csv":
            text = (forged / name).read_text(encoding="utf-8")
            table = pd.read_csv(forged / name)
            old = f"{table.rate.dropna().iloc[0]!r}".removeprefix("np.float64(").removesuffix(")")
            assert old in text
            (forged / name).write_text(text.replace(old, "0.5", 1), encoding="utf-8")
        else:
            with np.load(forged / name) as data:
                arrays = dict(data)
            arrays["level"] = np.where(arrays["level"] > 1, 1, arrays["level"])
            np.savez_compressed(forged / name, **arrays)
        sum_again(forged)
        assert verify(forged)["problems"], name


def test_without_the_section_nothing_is_searched(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = small_audits.written(tmp_path_factory)
    assert not list(folder.glob("searches*"))
    assert "identification" not in (folder / "config.toml").read_text(encoding="utf-8")


def test_the_pages_say_what_the_table_says_and_no_longer_that_nothing_was_searched(searched: Path) -> None:
    table, report = pd.read_csv(searched / "searches.csv"), (searched / "report.html").read_text(encoding="utf-8")
    assert "It did not search a gallery" not in report
    first = pd.read_csv(searched / "operating_points.csv").operating_point[0]
    here = (
        (table.operating_point == first)
        & (table.measure == "FPIR")
        & (table.gallery == 50)
        & (table.mix == "natural")
        & (table.weighting == "people")
    )
    most = table[here & table.group.str.contains("|", regex=False) & table.low.notna()].rate.max()
    sentence = next(
        line for line in report.splitlines() if "searches for people who are not in a gallery of 50" in line
    )
    assert f"{float(f'{most:.2g}') * 1000:.0f} (" in sentence
    assert sentence.split("<strong>")[1].split("</strong>")[0] in (searched / "summary.html").read_text(
        encoding="utf-8"
    )


def test_what_is_not_told_depends_on_whether_galleries_were_searched(
    searched: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = small_audits.written(tmp_path_factory)
    for page in ("summary.html", "report.html"):
        here, there = ((folder / page).read_text(encoding="utf-8") for folder in (searched, plain))
        assert "Only two photos at a time were compared" not in here
        assert "Galleries were drawn from the people of this set" in here
        assert "Only two photos at a time were compared" in there
