"""From a run to a contact sheet, to judgements, to a corrected run: planted identity errors are found, looked at and
taken out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from planted_world import ACROSS_A, ACROSS_B, MISFILED, OWNER, SAME_A, SAME_B, World

from audit import results as room
from audit.base.errors import ResultsError
from audit.benchmark import overrides
from audit.cli import run_command_line
from audit.config import load_config
from audit.embeddings.store import Store
from audit.observations import review_pairs, way_back
from audit.rates.unreviewed import CAVEAT, NOTE
from audit.report import render
from audit.runs import review_sheet
from audit.runs.pipeline import Settings, load_benchmark, run
from audit.runs.verify import verify


def audit(world: World, target: Path, *more: str) -> room.AuditResult:
    result = run(load_config(world.config, more), Settings(data=world.folder))
    room.write(result, target, render(result))
    return result


def located(world: World, result: room.AuditResult) -> list[review_pairs.Located]:
    assert result.tallies is not None
    benchmark = load_benchmark(result.config, Settings(data=world.folder))
    return review_pairs.locate(result.tables["review"], benchmark, order_of(result), result.tallies.attempted)


def order_of(result: room.AuditResult) -> np.ndarray:
    """For each number of the result, whose it is: from the cache of this machine."""
    assert result.tallies is not None
    kept = way_back.find(Store(None).folder, result.tallies)
    assert kept is not None
    return kept.person


def file_of(world: World, *rows: tuple[str, str, str, str, str]) -> Path:
    path = world.config.parent / f"exclude-{len(list(world.config.parent.glob('exclude-*')))}.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(overrides.COLUMNS)
        writer.writerows(rows)
    return path


def pairs_of(rows: list[review_pairs.Located]) -> list[set[str]]:
    return [set(row.samples) for row in rows]


def test_the_list_holds_every_planted_error_and_shows_no_group(world: World, tmp_path: Path) -> None:
    result = audit(world, tmp_path / "out")
    rows = located(world, result)
    people = {frozenset(Path(path).name[:2] for path in row.paths) for row in rows if row.kind == "non-mated"}
    for a, b in ((SAME_A, SAME_B), (OWNER, MISFILED), (ACROSS_A, ACROSS_B)):
        assert frozenset((f"{a:02d}", f"{b:02d}")) in people
    lowest = [row for row in rows if row.kind == "mated" and Path(row.paths[0]).name.startswith(f"{MISFILED:02d}")]
    assert len(lowest) == 1
    assert world.sample(MISFILED, 3) in lowest[0].samples
    # 3 in each of two cells and 3 across; mated: 3 people in each cell. One row a pair of people, one a person.
    review = result.tables["review"]
    assert review["kind"].value_counts().to_dict() == {"non-mated": 9, "mated": 6}
    assert list(review.columns) == [
        "review",
        "kind",
        "subject_a",
        "photo_a",
        "subject_b",
        "photo_b",
        "score",
        "judged",
    ]
    mated = review[review.kind == "mated"]
    assert (mated.subject_a == mated.subject_b).all()


def test_scores_of_the_list_lead_to_the_samples_that_were_compared(world: World, tmp_path: Path) -> None:
    import numpy as np

    result = audit(world, tmp_path / "out")
    with np.load(world.config.parent / "templates.npz") as data:
        of = dict(zip(data["sample_id"], data["vectors"].astype(float), strict=True))
    for row, score in zip(located(world, result), result.tables["review"]["score"], strict=True):
        assert score == pytest.approx(-np.linalg.norm(of[row.samples[0]] - of[row.samples[1]]), rel=1e-12)


def test_merged_people_are_no_false_match_any_more_and_the_results_say_what_was_done(
    world: World, tmp_path: Path
) -> None:
    plain = audit(world, tmp_path / "plain")
    path = file_of(
        world,
        ("same_person", world.sample(SAME_A, 1), world.sample(SAME_B, 2), "name variant", "a private remark"),
        ("same_person", world.sample(ACROSS_A, 1), world.sample(ACROSS_B, 1), "looked at", ""),
        ("exclude_sample", world.sample(MISFILED, 3), "", "wrong photo", ""),
    )
    mended = audit(world, tmp_path / "mended", f"benchmark.exclude={path}")
    assert plain.tallies is not None
    assert mended.tallies is not None
    # The planted errors are the only false matches: 3x3 photos, 3x3 photos, and one photo against three.
    assert int(plain.tallies.points[0].e.sum()) == 9 + 9 + 3
    assert int(mended.tallies.points[0].e.sum()) == 0
    # 28 people, two of them merged away; 82 photos, one of them taken out.
    assert len(plain.tallies.attempted) == 28
    assert len(mended.tallies.attempted) == 26
    assert int(plain.tallies.attempted.sum()) == 82
    assert int(mended.tallies.attempted.sum()) == 81
    # The person whose two halves carry different labels is in no group now.
    assert mended.acquisition.set_index("group").subjects.to_dict() == {"group=a": 12, "group=b": 13, "unlabelled": 1}
    facts = mended.about["overrides"]
    assert facts["pairs_of_people_merged"] == 2
    assert facts["people_fewer_by_merging"] == 2
    assert facts["samples_excluded"] == 1
    assert facts["reasons"] == {"merged": {"looked at": 1, "name variant": 1}, "excluded": {"wrong photo": 1}}
    table = mended.tables["overrides"]
    wanted = (table.measure == "FMR") & (table.operating_point == "vendor_default") & (table.group == "group=a")
    fmr = table[wanted & (table.weighting == "people")].set_index("overrides")
    assert set(table.weighting) == {"people", "comparisons"}
    assert fmr.errors.to_dict() == {"without": 12, "with": 0}
    rates = plain.rates
    same = rates[
        (rates.measure == "FMR")
        & (rates.weighting == "people")
        & (rates.group == "group=a")
        & (rates.other_group == "")
    ]
    assert fmr.rate["without"] == same.rate.iloc[0]
    said = next(finding.statement for finding in mended.findings if finding.key == "overrides")
    assert "looked at 2 pairs" in said
    assert "2 pairs of people turned out to be one person each and 1 photo was taken out" in said
    assert verify(tmp_path / "mended")["problems"] == []
    everything = b"".join(file.read_bytes() for file in (tmp_path / "mended").rglob("*") if file.is_file())
    assert b"private remark" not in everything
    assert world.sample(SAME_A, 1).encode() not in everything


def test_a_mated_pair_judged_different_takes_both_photos_out_unless_the_wrong_one_is_named(world: World) -> None:
    benchmark = load_benchmark(load_config(world.config), Settings(data=world.folder))
    pair = ("different_people", world.sample(MISFILED, 1), world.sample(MISFILED, 3), "wrong photo", "")
    both = overrides.apply(benchmark, overrides.load(file_of(world, pair)))
    assert both.facts["samples_excluded"] == 2
    named = overrides.apply(
        benchmark,
        overrides.load(file_of(world, pair, ("exclude_sample", world.sample(MISFILED, 3), "", "wrong photo", ""))),
    )
    assert named.facts["samples_excluded"] == 1
    assert list(benchmark.samples["sample_id"].iloc[named.rows]) == list(named.benchmark.samples["sample_id"])


def test_a_chain_of_judgements_makes_one_person(world: World) -> None:
    benchmark = load_benchmark(load_config(world.config), Settings(data=world.folder))
    rows = [("same_person", world.sample(k, 1), world.sample(k + 1, 1), "looked at", "") for k in (8, 10, 9)]
    found = overrides.apply(benchmark, overrides.load(file_of(world, *rows)))
    assert found.facts["people_fewer_by_merging"] == 3
    merged = found.benchmark.samples.groupby("subject_id").size()
    assert sorted(merged.unique()) == [1, 3, 12]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("same_person", "A", "B", "", "")], "no reason"),
        ([("same_person", "A", "B", "because I say so", "")], "another reason"),
        ([("same_people", "A", "B", "looked at", "")], "Did you mean 'same_person'"),
        ([("same_person", "A", "", "looked at", "")], "two different samples"),
        ([("same_person", "A", "A", "looked at", "")], "two different samples"),
        ([("exclude_sample", "A", "B", "unusable", "")], "sample_a alone"),
        (
            [("same_person", "A", "B", "looked at", ""), ("different_people", "B", "A", "relatives", "")],
            "judges otherwise",
        ),
        ([("same_person", "A", "nobody's", "looked at", "")], "does not have"),
        (
            [("same_person", "A", "B", "looked at", ""), ("different_people", "A2", "B", "relatives", "")],
            "whom other lines make one",
        ),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_by_line(
    world: World, rows: list[tuple[str, str, str, str, str]], said: str
) -> None:
    samples = {"A": world.sample(8, 1), "A2": world.sample(8, 2), "B": world.sample(9, 1)}
    path = file_of(
        world, *((kind, samples.get(a, a), samples.get(b, b), reason, note) for kind, a, b, reason, note in rows)
    )
    with pytest.raises(overrides.BenchmarkError) as error:
        overrides.apply(load_benchmark(load_config(world.config), Settings(data=world.folder)), overrides.load(path))
    assert said in str(error.value)
    assert f"line {len(rows) + 1}" in str(error.value)
    assert "nobody's" not in str(error.value)


def test_a_strict_threshold_is_marked_until_every_listed_pair_was_judged(world: World, tmp_path: Path) -> None:
    # At distance 0.01 only photos 1 and 2 of one person match (3e-4 apart): FMR 0 is below 1e-5.
    plain = audit(world, tmp_path / "plain")
    marked = plain.rates[plain.rates.note.str.contains(NOTE)]
    assert set(marked.operating_point) == {"threshold=0.01"}
    assert set(marked.measure) <= {"FMR", "FMR_same_cell"}
    assert any(CAVEAT in finding.caveats for finding in plain.findings)
    rows = [("unsure", *row.samples, "looked at", "") for row in located(world, plain)]
    one_short = audit(world, tmp_path / "short", f"benchmark.exclude={file_of(world, *rows[:-1])}")
    assert one_short.rates.note.str.contains(NOTE).any()
    assert (one_short.tables["review"].judged == "").sum() == 1
    looked = audit(world, tmp_path / "looked", f"benchmark.exclude={file_of(world, *rows)}")
    assert not looked.rates.note.str.contains(NOTE).any()
    assert not any(CAVEAT in finding.caveats for finding in looked.findings)
    assert verify(tmp_path / "looked")["problems"] == []


def test_from_the_command_line_to_a_corrected_run(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(world, tmp_path / "results" / "planted")
    base = ["review", str(tmp_path / "results" / "planted"), "--data", str(world.folder), "--offline"]
    assert run_command_line([*base, "--out", str(tmp_path / "sheet")]) == 0
    page = (tmp_path / "sheet" / "index.html").read_text()
    assert page.count("<figure>") == 15
    assert "group=" not in page
    assert "person 2" not in page
    assert str(world.folder) not in page
    assert (tmp_path / "sheet").stat().st_mode & 0o077 == 0
    assert cv2.imread(str(tmp_path / "sheet" / "0001-left.jpg")).shape == (24, 40, 3)
    with (tmp_path / "sheet" / "answers.csv").open() as stream:
        answers = list(csv.DictReader(stream))
    stored = room.read(tmp_path / "results" / "planted")
    truth = {row.review: row for row in located(world, stored)}
    for answer in answers:
        row = truth[int(answer["review"])]
        one, two = (int(Path(path).name[:2]) for path in row.paths)
        wrong = [
            side
            for side, sample in zip(("left", "right"), row.samples, strict=True)
            if sample == world.sample(MISFILED, 3)
        ]
        same = one == two or {one, two} in ({SAME_A, SAME_B}, {ACROSS_A, ACROSS_B})
        answer |= (
            {"wrong_photo": wrong[0], "reason": "wrong photo"} if wrong else {"same_person": "yes" if same else "no"}
        )
    with (tmp_path / "filled.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, review_sheet.FORM)
        writer.writeheader()
        writer.writerows(answers)
    assert (
        run_command_line([*base, "--collect", str(tmp_path / "filled.csv"), "--out", str(tmp_path / "exclude.csv")])
        == 0
    )
    mended = audit(world, tmp_path / "mended", f"benchmark.exclude={tmp_path / 'exclude.csv'}")
    assert mended.tallies is not None
    assert not mended.tallies.points[0].e.any()
    assert set(mended.tables["review"].judged) >= {"same_person", "different_people"}
    assert (
        run_command_line([*base, "--collect", str(tmp_path / "filled.csv"), "--out", str(tmp_path / "exclude.csv")])
        == 3
    )
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["results/planted/sheet", "results/sheet", "results/other/deep", "results"])
def test_no_photograph_is_put_among_results(world: World, tmp_path: Path, where: str) -> None:
    audit(world, tmp_path / "results" / "planted")
    code = run_command_line(
        ["review", str(tmp_path / "results" / "planted"), "--data", str(world.folder), "--out", str(tmp_path / where)]
    )
    assert code == 3
    assert not list((tmp_path / "results").rglob("*.jpg"))


def test_other_photographs_than_those_of_the_run_are_refused(world: World, tmp_path: Path) -> None:
    result = audit(world, tmp_path / "out")
    table = pd.read_csv(world.folder / "labels.csv", dtype=str)
    table.iloc[:-1].to_csv(world.folder / "labels.csv", index=False)
    with pytest.raises(ResultsError, match="not the 28 people"):
        located(world, result)


def test_an_answer_that_is_not_one_is_refused_by_line(world: World, tmp_path: Path) -> None:
    rows = located(world, audit(world, tmp_path / "out"))
    for line, said in (
        ("1,,maybe,,,", "same_person"),
        ("1,,yes,middle,,", "wrong_photo"),
        ("99,,yes,,,", "no review"),
        ("1,,yes,,liked it,", "reason"),
    ):
        form = tmp_path / "form.csv"
        form.write_text(",".join(review_sheet.FORM) + "\n" + line + "\n")
        with pytest.raises(overrides.BenchmarkError) as error:
            review_sheet.collect(form, rows)
        assert said in str(error.value)
        assert "line 2" in str(error.value)


def test_earlier_judgements_are_kept_when_new_ones_are_collected(world: World, tmp_path: Path) -> None:
    rows = located(world, audit(world, tmp_path / "out"))
    before = overrides.load(file_of(world, ("exclude_sample", world.sample(1, 1), "", "unusable", "")))
    form = tmp_path / "form.csv"
    form.write_text(",".join(review_sheet.FORM) + "\n1,,no,,relatives,\n2,,,,,\n")
    lines = review_sheet.collect(form, rows, before.rows).splitlines()
    assert lines[1] == f"exclude_sample,{world.sample(1, 1)},,unusable,"
    assert lines[2].startswith("different_people,")
    assert lines[2].endswith(",relatives,")
    assert len(lines) == 3


def test_results_json_holds_no_sample(world: World, tmp_path: Path) -> None:
    path = file_of(world, ("exclude_sample", world.sample(1, 1), "", "unusable", ""))
    audit(world, tmp_path / "out", f"benchmark.exclude={path}")
    facts = json.loads((tmp_path / "out" / "audit.json").read_text())["overrides"]
    assert len(facts["sha256"]) == 64
    assert facts["reasons"] == {"excluded": {"unusable": 1}, "merged": {}}
