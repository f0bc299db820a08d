"""The dry run: what it counts is what a run then compares, and what it cannot know it says it assumes."""

from __future__ import annotations

import math
import sys
from itertools import combinations
from pathlib import Path

import pytest

from audit.base.errors import BackendError, BenchmarkError
from audit.config import load_config
from audit.runs.pipeline import Settings
from audit.runs.plan import in_words, make_plan
from audit.stats.power import detectable_ratio

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return small_audits.write(tmp_path / "bench")


def plan(config: Path, **more: object) -> dict:
    return make_plan(load_config(config), Settings(data=config.parent, offline=True), **more)


def test_people_photos_and_comparisons_are_those_of_a_naive_count(small: Path, tmp_path: Path) -> None:
    rows, _ = small_audits.people()
    found = plan(small, results=tmp_path)
    assert found["samples"] == len(rows)
    assert found["subjects"] == len({row["subject"] for row in rows})
    assert found["comparisons"] == sum(1 for _ in combinations(rows, 2))
    assert found["unlabelled"] == {"missing": 1, "disputed": 1, "undecided": 0}
    cell = next(one for one in found["cells"] if one["cell"] == "race=B|sex=F")
    mine = [row for row in rows if (row["race"], row["sex"]) == ("B", "F")]
    mated = sum(a["subject"] == b["subject"] for a, b in combinations(mine, 2))
    assert cell["samples"] == len(mine)
    assert cell["mated"] == mated
    assert cell["non_mated"] == len(mine) * (len(mine) - 1) // 2 - mated
    assert cell["subjects_with_two"] == sum(
        [row["subject"] for row in mine].count(name) >= 2 for name in {row["subject"] for row in mine}
    )


def test_small_groups_are_kept_and_marked(small: Path, tmp_path: Path) -> None:
    found = {cell["cell"]: cell for cell in plan(small, results=tmp_path)["cells"]}
    assert found["race=C|sex=M"]["enough_people"] is False
    assert found["race=B|sex=M"]["enough_people"] is True
    assert found["race=B|sex=M"]["smallest_ratio"] is None  # it is the reference
    assert found["unlabelled"]["smallest_ratio"] is None


def test_without_an_earlier_run_the_design_effect_is_assumed_and_said_to_be(small: Path, tmp_path: Path) -> None:
    found = plan(small, results=tmp_path)
    assert found["design_effect_from"].startswith("assumed")
    cell = next(one for one in found["cells"] if one["cell"] == "race=A|sex=M")
    n, reference = cell["subjects"], 40
    errors = found["assumed_fmr"] * n * (n - 1) / 2, found["assumed_fmr"] * reference * (reference - 1) / 2
    for effect, name in ((2.0, "smallest_ratio"), (30.0, "smallest_ratio_at_most")):
        expected = detectable_ratio(
            errors[0], reference_errors=errors[1], design_effect=effect, reference_design_effect=effect
        )
        assert cell[name] == (pytest.approx(expected) if math.isfinite(expected) else None)
    assert found["assumed_fmr"] == 0.01  # the smallest target that is asked for
    assert "assumed" in in_words(found)


def test_with_an_earlier_run_ratios_are_what_that_run_could_show(small: Path, tmp_path_factory) -> None:
    folder = small_audits.written(tmp_path_factory)
    found = plan(small, results=folder.parent)
    assert found["design_effect_from"].startswith("measured in small")
    power = small_audits.audited(tmp_path_factory).tables["power"]
    here = power[
        (power.operating_point == "vendor_default") & (power.measure == "FMR") & (power.reference == "race=B|sex=M")
    ].set_index("group")
    for cell in found["cells"]:
        want = here.detectable_ratio.get(cell["cell"], math.nan)
        assert cell["smallest_ratio"] == (pytest.approx(want) if math.isfinite(want) else None)


def test_templates_that_came_ready_made_cost_nothing(small: Path, tmp_path: Path) -> None:
    found = plan(small, results=tmp_path)
    assert (found["to_make"], found["seconds_templates"]) == (0, 0.0)
    assert found["cached"] == found["samples"]
    assert found["dimensions"] == 4
    assert found["seconds_comparisons"] >= 0
    assert found["memory_bytes"] > 0


def test_a_plan_writes_nothing(small: Path, tmp_path: Path) -> None:
    before = sorted(path for path in tmp_path.rglob("*"))
    plan(small, results=tmp_path / "results")
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_in_words_has_a_line_for_every_cell_and_aligned_columns(small: Path, tmp_path: Path) -> None:
    found = plan(small, results=tmp_path)
    lines = in_words(found).splitlines()
    for cell in found["cells"]:
        assert sum(line.startswith(cell["cell"]) for line in lines) == 1
    assert any("too few people" in line for line in lines if line.startswith("race=C|sex=M"))
    assert any(f"{found['comparisons']:,} comparisons" in line for line in lines)


def test_what_a_run_would_refuse_the_plan_refuses_too(small: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError):
        make_plan(load_config(small), Settings(data=tmp_path / "nowhere", offline=True), tmp_path)
    with pytest.raises(BackendError):
        make_plan(
            load_config(small, ["backend.options.path=nowhere.npz"]),
            Settings(data=small.parent, offline=True),
            tmp_path,
        )
    with pytest.raises(BenchmarkError, match="in which nobody is recorded"):
        make_plan(
            load_config(small, ["groups.reference=race=X|sex=F"]), Settings(data=small.parent, offline=True), tmp_path
        )


def test_what_workers_would_cost_follows_from_what_was_measured_here(small: Path, tmp_path: Path) -> None:
    found = plan(small)
    rows = found["on_workers"]
    assert [row["workers"] for row in rows] == [1, 4, 16, 64]
    assert all(row["core_hours"] == rows[0]["core_hours"] for row in rows)  # work does not grow with who does it
    assert rows[1]["seconds"] == pytest.approx(rows[0]["seconds"] / 4, abs=0.1)
    # 4 numbers of 2 bytes, a square and a subject of 4 bytes each, for every sample and worker
    assert [row["bytes_sent"] for row in rows] == [found["samples"] * 16 * k for k in (1, 4, 16, 64)]
    assert "4: " in next(line for line in in_words(found).splitlines() if "workers" in line)
