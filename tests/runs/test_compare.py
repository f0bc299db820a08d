"""Two runs on the same people, from templates to the table of what changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_audits import people, write

from audit.config import load_config
from audit.embeddings.store import Store
from audit.report import compare_page
from audit.results import AuditResult
from audit.runs import compare
from audit.runs.compare_reading import who_is_who
from audit.runs.pipeline import Settings, run


def audited(folder: Path, vectors: np.ndarray | None = None) -> AuditResult:
    return run(load_config(write(folder, vectors=vectors)), Settings(data=folder, offline=True))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[AuditResult, AuditResult, np.ndarray]:
    folder = tmp_path_factory.mktemp("compared")
    _, vectors = people()
    blurred = (0.8 * vectors + 0.2 * np.random.default_rng(3).standard_normal(vectors.shape)).astype(
        np.float32
    )  # people lie nearer: more mistaken
    a, b = audited(folder / "a"), audited(folder / "b", blurred)
    return a, b, who_is_who(a, b, Store(None).folder, folder / "none")


def test_rates_are_those_of_each_run_and_ratios_theirs(two: tuple[AuditResult, AuditResult, np.ndarray]) -> None:
    a, b, number = two
    table = compare.compare(a, b, number)
    keys = ["operating_point", "measure", "weighting", "group"]
    for run_, column in ((a, "rate_a"), (b, "rate_b")):
        rates = run_.rates[run_.rates.other_group == ""].set_index(keys).rate
        fmr = table[(table.measure == "FMR")].set_index(
            keys
        )  # the same photos failed in both, so everybody takes part
        assert fmr[column].to_numpy() == pytest.approx(rates.loc[fmr.index].to_numpy(), rel=1e-12, nan_ok=True)
    whole = table.dropna(subset=["ratio", "low"])
    assert len(whole) > 10
    assert whole.ratio.to_numpy() == pytest.approx((whole.rate_b / whole.rate_a).to_numpy())
    assert ((whole.low < whole.ratio) & (whole.ratio < whole.high)).all()
    vendor = whole[
        (whole.operating_point == "vendor_default") & (whole.group == "all labelled") & (whole.measure == "FMR")
    ].iloc[0]
    assert vendor.certainty == "clear difference"
    assert vendor.low > 1


def test_a_run_against_itself_shows_no_difference(two: tuple[AuditResult, AuditResult, np.ndarray]) -> None:
    a = two[0]
    table = compare.compare(a, a, np.arange(len(two[2])))
    known = table.dropna(subset=["ratio"])
    assert known.ratio.to_numpy() == pytest.approx(1.0)
    assert not known.certainty.str.contains("clear|likely").any()
    assert ((known.low < 1) | known.low.isna()).all()
    assert (known[known.low.isna()].note != "").all()


def test_where_a_doubt_stands_about_either_run_nothing_is_judged(
    two: tuple[AuditResult, AuditResult, np.ndarray], tmp_path: Path
) -> None:
    _, vectors = people()
    wrong = audited(
        tmp_path / "c", np.random.default_rng(4).standard_normal(vectors.shape).astype(np.float32)
    )  # as if joined to the wrong photos
    number = who_is_who(two[0], wrong, Store(None).folder, tmp_path / "none")
    table = compare.compare(two[0], wrong, number)
    assert set(table["certainty"]) == {"not judged"}
    assert set(table["change_certainty"]) <= {"not judged", ""}
    page = compare_page(two[0], wrong, table).decode()
    assert page.index("Before any of this is quoted") < page.index("Each row puts")
    assert "The scores do not tell people apart" in page
    assert "Not judged" in page[page.index("<h1") : page.index("</h1>")]
