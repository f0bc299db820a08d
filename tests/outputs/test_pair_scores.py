"""Pair scores without subject ids: counts by hand, what is refused, and that a result proves its own numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit import results
from audit.base.errors import BenchmarkError, ConfigError
from audit.cli import run_command_line
from audit.report import render
from audit.results import AuditResult
from audit.runs.verify import verify
from audit.words.columns import TABLES
from audit.words.wording import UNCERTAIN

Audit = Callable[..., AuditResult]

TABLE = """score,mated,race
.9,1,White
.8,1,White
.3,1,White
.5,0,White
.4,0,White
.2,0,White
.1,0,White
.7,1,Black
.6,1,Black
.7,0,Black
.5,0,Black
.45,0,Black
.1,0,Black
.2,0,
"""
AT = [{"kind": "fixed", "threshold": 0.5}]


def row(result: AuditResult, measure: str, group: str, point: str = "threshold=0.5", other: str = "") -> pd.Series:
    r = result.rates
    found = r[(r.operating_point == point) & (r.measure == measure) & (r.group == group) & (r.other_group == other)]
    assert len(found) == 1
    return found.iloc[0]


def test_rates_are_counts_over_counts_and_a_score_equal_to_the_threshold_is_a_match(audit: Audit) -> None:
    # at .5, White: non-mated .5 matches, 1 of 4; mated .3 does not, 1 of 3. Black: .7 and .5 match, 2 of 4; 0 of 2
    # missed
    result = audit(TABLE, "scores", {}, AT)
    for group, fmr, fnmr in (
        ("race=White", (1, 4), (1, 3)),
        ("race=Black", (2, 4), (0, 2)),
        ("all labelled", (3, 8), (1, 5)),
    ):
        wrong, missed = row(result, "FMR", group), row(result, "FNMR", group)
        assert (wrong.errors, wrong.trials, wrong.rate) == (*fmr, fmr[0] / fmr[1])
        assert (missed.errors, missed.trials, missed.rate) == (*fnmr, fnmr[0] / fnmr[1])
    assert row(result, "FMR", "unlabelled").trials == 1
    ratio = result.differentials[
        (result.differentials.measure == "FMR") & (result.differentials.group == "race=Black")
    ].iloc[0]
    assert ratio.ratio == 2.0


def test_without_subject_ids_no_interval_is_given_and_no_difference_is_called_one(audit: Audit) -> None:
    result = audit(TABLE, "scores", {}, AT)
    rates, ratios = result.rates, result.differentials
    assert set(rates.weighting) == {"comparisons"}
    assert rates[["low", "high", "design_effect", "subjects"]].isna().all().all()
    assert (rates.interval == "").all()
    assert (
        rates[rates.trials > 0].note.str.contains("no subject ids: a subject-clustered interval is not possible").all()
    )
    assert ratios[["low", "high"]].isna().all().all()
    assert set(ratios.certainty) == {UNCERTAIN}
    assert result.tallies is None
    assert result.about["people_known"] is False
    first = result.findings[0]
    assert UNCERTAIN in first.statement.casefold()
    assert (first.key, first.certainty) == ("false_positive_differential", UNCERTAIN)


def test_what_does_not_follow_from_scores_is_refused_by_name(audit: Audit) -> None:
    result = audit(TABLE, "scores", {}, AT)
    said = " ".join(result.tables["refused"].what)
    for name in ("interval", "FTA", "people", "labels and identities", "across groups", "FPIR", "other pairs"):
        assert name in said
    assert not result.rates.measure.isin(["FTA", "FNMR_with_failures"]).any()
    assert any(finding.key == "refused" for finding in result.findings)
    # pairs across groups are there: then they are counted, and not refused
    across = audit(
        "score,mated,race_a,race_b\n.9,0,White,Black\n.1,0,White,White\n.4,0,Black,Black\n.8,1,White,White\n",
        "scores",
        {},
        AT,
    )
    found = row(across, "FMR", "race=Black", other="race=White")
    assert (found.errors, found.trials) == (1, 1)
    assert "across groups" not in " ".join(across.tables["refused"].what)


def test_targets_follow_the_tie_rules_on_the_pairs_given(audit: Audit) -> None:
    # labelled non-mated scores: .7 .5 .5 .45 .4 .2 .1 .1. Target .25 allows 2 of 8, the tie at .5 would make 3: .7.
    # Target .4 allows 3: .5
    points = [{"kind": "target_fmr", "target": target, "weighting": "comparisons"} for target in (0.25, 0.4)]
    points.append(
        {"kind": "target_fmr", "target": 0.25, "over": "reference", "weighting": "comparisons"}
    )  # White: .5 .4 .2 .1, 1 of 4: .5
    result = audit(TABLE, "scores", {}, points)
    assert list(result.operating_points.threshold[:3]) == [0.7, 0.5, 0.5]
    assert list(result.operating_points.achieved_comparisons[:3]) == [1 / 8, 3 / 8, 1 / 4]


def test_a_dissimilarity_is_turned_round_once(audit: Audit) -> None:
    table = pd.read_csv(pd.io.common.StringIO(TABLE), keep_default_na=False)
    table["score"] = 1 - table["score"]
    turned = audit(table.to_csv(index=False), "scores", {"kind": "dissimilarity"}, AT)
    plain = audit(TABLE, "scores", {}, AT)
    assert turned.rates.drop(columns="note").equals(plain.rates.drop(columns="note"))
    assert turned.operating_points.score_threshold[0] == -0.5


def test_the_best_threshold_decides_most_pairs_rightly(audit: Audit) -> None:
    # labelled, at .6: White 2 of 3 mated and 4 of 4 non-mated right, Black 2 of 2 and 3 of 4: 11 of 13; no other
    # threshold has more
    decided = audit(TABLE, "scores", {}, AT).tables["decided"].set_index("group")
    assert decided.threshold["all labelled"] == 0.6
    assert decided.share_right["all labelled"] == 11 / 13
    assert (decided.share_right["race=White"], decided.share_right["race=Black"]) == (6 / 7, 5 / 6)
    assert decided.own_threshold["race=White"] == 0.8


def test_a_mated_pair_with_two_labels_contradicts_itself_and_is_unlabelled(audit: Audit) -> None:
    table = "score,mated,race_a,race_b\n.9,1,White,Black\n.8,1,White,White\n.1,0,White,White\n.2,0,Black,Black\n"
    result = audit(table, "scores", {}, AT)
    assert result.about["counts"]["disputed_pairs"] == 1
    assert row(result, "FNMR", "race=White").trials == 1
    assert row(result, "FNMR", "unlabelled").trials == 1


def test_two_attributes_make_cells_and_coarser_groups_hold_all_pairs_inside(audit: Audit) -> None:
    table = "score,mated,race_a,race_b,sex_a,sex_b\n" + "\n".join(
        (
            ".9,0,White,White,F,F",
            ".9,0,White,Black,F,F",
            ".1,0,White,White,F,M",
            ".1,0,White,White,M,M",
            ".1,0,Black,Black,F,F",
        )
    )
    groups = {"attributes": {"race": "race", "sex": "sex"}, "reference": "race=White|sex=M"}
    result = audit(table, "scores", {}, AT, groups=groups)
    found = row(result, "FMR", "sex=F")
    assert (found.errors, found.trials) == (2, 3)
    same = row(result, "FMR_same_cell", "sex=F")
    assert (same.errors, same.trials) == (1, 2)


BAD: dict[str, tuple[str, dict[str, str], str]] = {
    "a missing column": ("mated,race\n1,White\n", {}, "no column score"),
    "no label column": ("score,mated\n.1,1\n", {}, "neither 'race' nor 'race_a'"),
    "a score that is no number": (
        "score,mated,race\n.1,1,White\nNaN,0,White\n",
        {},
        r"column score: no finite number in 1 rows \(first: row 3\)",
    ),
    "an infinite score": ("score,mated,race\ninf,0,White\n", {}, "no finite number"),
    "an unknown group": ("score,mated,race\n.1,1,Whte\n", {"labels": "closed"}, "not on the card.*Whte"),
    "a group that cannot be named": ("score,mated,race\n.1,1,a|b\n", {}, "not on the card"),
    "no rows": ("score,mated,race\n", {}, "no rows"),
    "an empty file": ("", {}, "cannot be read"),
    "a mated flag that is none": ("score,mated,race\n.1,2,White\n", {}, "other than 0 and 1"),
    "an empty mated flag": ("score,mated,race\n.1,,White\n", {}, "other than 0 and 1"),
    "nobody in the reference": ("score,mated,race\n.1,1,Black\n", {}, "nobody is recorded"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_in_one_clear_error_with_exit_code_3(audit: Audit, name: str) -> None:
    table, options, says = BAD[name]
    more = (
        {"benchmark": {"options": {"labels": {"race": {"categories": ["White", "Black"]}}}}}
        if "labels" in options
        else {}
    )
    with pytest.raises(BenchmarkError, match=says) as caught:
        audit(table, "scores", {}, AT, **more)
    assert caught.value.exit_code == 3


def test_a_file_that_is_not_there_is_refused(audit: Audit) -> None:
    with pytest.raises(BenchmarkError, match="is no file"):
        audit(TABLE, "scores", {"path": "elsewhere.csv"}, AT)


@pytest.mark.parametrize(
    ("options", "points", "sections", "says"),
    [
        ({}, [{"kind": "target_fmr", "target": 0.1}], {}, "'people', for a file without subject ids"),
        ({}, [{"kind": "vendor_default"}], {}, "vendor_default"),
        ({"subject_a": "a"}, AT, {}, "give both columns"),
        ({"scores": "x"}, AT, {}, "Did you mean 'score'"),
        ({}, AT, {"groups": {"alternatives": {"race": ["other"]}}}, "groups.alternatives"),
        ({}, AT, {"uncertainty": {"calibration_share": 0.3}}, "calibration_share"),
        ({}, AT, {"report": {"suppress_below": 10}}, "how many people a group has is not known"),
    ],
)
def test_questions_that_scores_cannot_answer_are_refused_before_anything_is_counted(
    audit: Audit, options: dict[str, str], points: list[dict[str, object]], sections: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        audit(TABLE, "scores", options, points, **sections)


def test_a_declared_label_speaks_on_the_result_and_an_undeclared_one_is_called_unknown(audit: Audit) -> None:
    declared = {"race": {"kind": "document", "source": "Booking record", "values": {"White": "White people"}}}
    groups = {"attributes": {"race": "race"}, "reference": "race=White people"}
    result = audit(
        TABLE, "scores", {}, AT, benchmark={"options": {"labels": declared, "title": "County"}}, groups=groups
    )
    assert result.about["benchmark"]["title"] == "County"
    assert result.about["benchmark"]["labels"][0]["kind"] == "document"
    assert row(result, "FMR", "race=White people").trials == 4
    assert audit(TABLE, "scores", {}, AT).about["benchmark"]["labels"][0]["kind"] == "unknown"


def test_parquet_says_what_csv_says(audit: Audit, tmp_path: Path) -> None:
    table = pd.read_csv(pd.io.common.StringIO(TABLE))
    table["mated"] = table["mated"].astype(bool)
    table.to_parquet(tmp_path / "given.parquet")
    result = audit(TABLE, "scores", {"path": "given.parquet"}, AT)
    assert result.rates.equals(audit(TABLE, "scores", {}, AT).rates)


def test_a_result_is_written_read_and_proved_from_its_counts_alone(audit: Audit, tmp_path: Path) -> None:
    result = audit(TABLE, "scores", {}, AT)
    target = tmp_path / "results" / "toy"
    results.write(result, target, render(result))
    assert verify(target)["problems"] == []
    assert not (target / "dyads.npz").exists()
    back = results.read(target)
    pd.testing.assert_frame_equal(back.rates, result.rates, check_dtype=False)
    # one count changed: every rate on it disagrees
    counts = (target / "pair_counts.csv").read_text().replace("race=White,,0,1,4", "race=White,,0,2,4")
    (target / "pair_counts.csv").write_text(counts)
    problems = " ".join(verify(target)["problems"])
    assert "pair_counts.csv differs from its sum" in problems
    assert "rates.csv" in problems


def test_every_table_is_documented_column_by_column(audit: Audit) -> None:
    files = results.to_files(audit(TABLE, "scores", {}, AT))
    for name in (one for one in files if one.endswith(".csv")):
        assert files[name].decode().splitlines()[0].split(",") == list(TABLES[name]), name


def test_the_command_line_ends_a_bad_file_with_exit_code_3_and_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given.csv").write_text("score,mated,race\n.1,maybe,White\n")
    (tmp_path / "toy.toml").write_text(
        'version = 1\nname = "toy"\n[benchmark]\nname = "outputs"\n[backend]\nname = '
        '"scores"\n[backend.options]\npath = "given.csv"\n'
        '[groups]\nattributes = { race = "race" }\nreference = '
        '"race=White"\n[[operating_points]]\nkind = "fixed"\nthreshold = 0.5\n'
    )
    code = run_command_line(
        ["run", str(tmp_path / "toy.toml"), "--data", str(tmp_path), "--results", str(tmp_path / "results")]
    )
    said = capsys.readouterr().err.strip().splitlines()
    assert code == 3
    assert said[-1].startswith(
        "face-audit: given.csv, column mated: a value other than 0 and 1 in 1 rows (first: row 2)"
    )
    assert not (tmp_path / "results" / "toy").exists()


def test_the_same_file_gives_the_same_bytes(audit: Audit) -> None:
    first, second = (results.to_files(audit(TABLE, "scores", {}, AT)) for _ in range(2))
    assert {name: text for name, text in first.items() if name != "provenance.json"} == {
        name: text for name, text in second.items() if name != "provenance.json"
    }


@pytest.mark.shared
@pytest.mark.parametrize("matcher", ["balanced34", "global34", "balanced50", "global50"])
def test_a_naive_recount_of_24_000_real_scores_gives_the_same_rates(root: Path, shared: Path, matcher: str) -> None:
    from audit.config import load_config
    from audit.runs.pipeline import Settings, run

    path = shared / "data" / "rfw_scores" / "rfw_pair_scores.csv.gz"
    loaded = load_config(root / "configs" / f"rfw-scores-{matcher}.toml")
    extra = [{"kind": "fixed", "threshold": value} for value in (0.25, 0.4, 0.55)]
    asked = loaded.model_dump(mode="json", exclude_none=True)
    asked["operating_points"] = [*asked["operating_points"], *extra]
    result = run(type(loaded).model_validate(asked), Settings(data=path.parent))
    table = pd.read_csv(path)
    words = {"African": "Black", "Caucasian": "White", "Asian": "Asian", "Indian": "Indian"}
    assert len(table) == result.about["input"]["rows"] == 24_000
    for _, point in result.operating_points.iterrows():
        for ethnicity, word in words.items():
            mine = table[table.ethnicity == ethnicity]
            wrong = sum(s >= point.threshold for s in mine[mine.mated == 0][matcher])
            missed = sum(s < point.threshold for s in mine[mine.mated == 1][matcher])
            for measure, errors in (("FMR", wrong), ("FNMR", missed)):
                found = row(result, measure, f"race={word}", point.operating_point)
                assert (found.errors, found.trials, found.rate) == (errors, 3000, errors / 3000)
    # no threshold of the file decides more pairs rightly: every observed score is tried
    ordered = table.sort_values(matcher, ascending=False)
    right = np.cumsum(np.where(ordered.mated == 1, 1, -1)) + 12_000
    ends = np.append(ordered[matcher].to_numpy()[1:] != ordered[matcher].to_numpy()[:-1], True)
    decided = result.tables["decided"].set_index("group")
    assert decided.share_right["all labelled"] == right[ends].max() / 24_000


@pytest.mark.parametrize("mated", [0, 1])
@pytest.mark.parametrize("race", ["White", "Black", ""])
def test_one_row_of_nobody_knows_whom_is_audited_and_said(audit: Audit, tmp_path: Path, mated: int, race: str) -> None:
    try:
        result = audit(
            f"id,score,mated,race\n1,0.1,{mated},{race}\n", "scores", {}, [{"kind": "fixed", "threshold": 0.5}]
        )
    except BenchmarkError:
        return  # a group that the reference needs is not there
    results.write(result, tmp_path / "out", render(result))
    assert "nan" not in (tmp_path / "out" / "summary.html").read_text().lower().split("<body")[1]
