"""Pair scores with subject ids: an ordinary audit, with the ordinary numbers where all pairs are there, and honest
ones where they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit import results as files
from audit.backends.protocol import ScoreRule
from audit.base.errors import BenchmarkError
from audit.comparisons import compare
from audit.comparisons.scores import scores_of
from audit.config import AuditConfig
from audit.embeddings import EmbeddingSet
from audit.findings.assess import assess
from audit.observations import operating_points
from audit.observations.count import tally
from audit.observations.tallies import Labelling
from audit.report import render
from audit.results import AuditResult
from audit.runs.verify import verify

Audit = Callable[..., AuditResult]
RULE = ScoreRule("euclidean", "dissimilarity", -14.0, 0.0, 1.1, "distance")
NAMES = ("race=Black|sex=F", "race=Black|sex=M", "race=White|sex=F", "race=White|sex=M", "unlabelled")
GROUPS = {"attributes": {"race": "race", "sex": "sex"}, "reference": "race=White|sex=M", "minimum_subjects": 10}
POINTS = [
    {"kind": "vendor_default"},
    {"kind": "fixed", "threshold": 0.8},
    {"kind": "target_fmr", "target": 0.02},
    {"kind": "target_fmr", "target": 0.02, "weighting": "comparisons"},
    {"kind": "target_fmr", "target": 0.03, "over": "reference"},
    {"kind": "target_fmr", "target": 0.05, "over": "per_group"},
]
CURVE = {"curve": [0.1, 0.05, 0.01]}
OPTIONS = {
    "kind": "dissimilarity",
    "unit": "distance",
    "default_threshold": 1.1,
    "subject_a": "who",
    "subject_b": "whom",
    "best_threshold": False,
}


def world() -> EmbeddingSet:
    """60 people, a few without labels, one to three photos each; points of four dimensions, photos scattered about
    them."""
    rng = np.random.default_rng(11)
    cell = np.repeat(np.arange(5), [14, 14, 14, 14, 4])
    who = np.repeat(np.arange(60), rng.integers(1, 4, 60))
    centre = rng.standard_normal((60, 4)) * np.array([0.7, 0.8, 0.9, 1.0, 0.8])[cell][:, None]
    return EmbeddingSet.from_arrays(
        centre[who] + 0.3 * rng.standard_normal((len(who), 4)), who, cell[who], RULE, names=NAMES
    )


def table(people: EmbeddingSet, shuffle: int = 3) -> pd.DataFrame:
    """Every pair, in any order and either way round."""
    rng = np.random.default_rng(shuffle)
    i, j = np.triu_indices(len(people.subject), 1)
    turn, order = rng.random(len(i)) < 0.5, rng.permutation(len(i))
    a, b = np.where(turn, j, i)[order].astype(np.int32), np.where(turn, i, j)[order].astype(np.int32)
    out = pd.DataFrame(
        {"score": -scores_of(people, a, b), "mated": (people.subject[a] == people.subject[b]).astype(int)}
    )
    for suffix, name, side in (("_a", "who", a), ("_b", "whom", b)):
        out[name] = [f"id{code:03d}" for code in people.subject[side]]
        words = [
            dict(part.split("=") for part in NAMES[c].split("|")) if "=" in NAMES[c] else {} for c in people.cell[side]
        ]
        out["race" + suffix], out["sex" + suffix] = (
            [w.get("race", "") for w in words],
            [w.get("sex", "") for w in words],
        )
    return out


@pytest.fixture
def both(audit: Audit) -> tuple[AuditResult, object, pd.DataFrame]:
    """The black-box result, the ordinary assessment and the ordinary operating points of the same people."""
    people = world()
    black = audit(table(people).to_csv(index=False), "scores", OPTIONS, POINTS, groups=GROUPS, report=CURVE)
    config: AuditConfig = black.config
    asked = (*operating_points.requests(config, RULE, NAMES), *operating_points.ladder(config, len(people)))
    found = compare(people, operating_points=asked, bins=64, threads=1, path="portable")
    photos = np.bincount(people.subject, minlength=60).astype(np.int32)
    cell = np.zeros(60, np.int16)
    cell[people.subject] = people.cell
    tallies = tally(found, people, photos, (Labelling("headline", NAMES, cell),))
    shown = [point for point in found.operating_points if not point.id.startswith("curve:")]
    points = operating_points.frame(config, [(point.id, point.threshold) for point in shown], RULE, NAMES)
    acquisition = black.acquisition.assign(samples=1, acquired=1)
    made = assess(config, tallies, acquisition, points)
    achieved = {
        name: [getattr(point, name) for point in shown] for name in ("achieved_people", "achieved_comparisons")
    }
    return black, made, points.assign(**achieved)  # as the comparison room counted them


def test_all_pairs_with_ids_give_the_numbers_of_the_ordinary_corridor(
    both: tuple[AuditResult, object, pd.DataFrame],
) -> None:
    black, ordinary, points = both
    assert black.operating_points.operating_point.tolist() == points.operating_point.tolist()
    for column in ("threshold", "score_threshold", "achieved_people", "achieved_comparisons"):
        assert black.operating_points[column].to_numpy() == pytest.approx(points[column].to_numpy(), rel=1e-12)
    keys = ["operating_point", "measure", "weighting", "group", "other_group"]
    theirs = ordinary.rates[~ordinary.rates.measure.isin(["FTA", "FNMR_with_failures"])].set_index(keys)  # type: ignore[attr-defined]
    mine = black.rates.set_index(keys)
    assert sorted(mine.index) == sorted(theirs.index)
    theirs = theirs.loc[mine.index]
    for column in ("errors", "trials", "subjects"):
        assert mine[column].tolist() == theirs[column].tolist()
    assert (mine.errors > 0).mean() > 0.8  # the world has errors to compare
    for column in ("rate", "design_effect"):
        assert mine[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), rel=1e-9, nan_ok=True), column
    assert mine.interval.tolist() == theirs.interval.tolist()  # both weightings: one function, two doors
    for column in (
        "low",
        "high",
    ):  # people stand in another order here, and sums with them; in one order they are equal to the last bit
        assert mine[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), rel=1e-9, nan_ok=True), column


def test_ratios_certainties_curves_and_power_agree_too(both: tuple[AuditResult, object, pd.DataFrame]) -> None:
    black, ordinary, _ = both
    mine = black.differentials[black.differentials.weighting == "people"].reset_index(drop=True)
    theirs = ordinary.differentials  # type: ignore[attr-defined]
    theirs = theirs[(theirs.weighting == "people") & ~theirs.measure.isin(["FTA", "FNMR_with_failures"])].reset_index(
        drop=True
    )
    keys = ["operating_point", "measure", "group"]
    theirs = theirs.set_index(keys).loc[mine.set_index(keys).index].reset_index()
    assert mine.certainty.tolist() == theirs.certainty.tolist()
    for column in ("ratio", "low", "high"):
        assert mine[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), rel=1e-7, nan_ok=True)
    for name, columns in (
        ("curves", ("FMR", "FMR_low", "FMR_high", "FNMR", "FNMR_high")),
        ("power", ("expected_errors", "design_effect")),
    ):
        a, b = black.tables[name], ordinary.tables[name]  # type: ignore[attr-defined]
        b = b[b.operating_point.isin(a.operating_point)].reset_index(drop=True) if "operating_point" in b else b
        assert len(a) == len(b)
        if name == "curves":  # limits by comparisons: see above
            a, b = (table[table.weighting == "people"] for table in (a, b))
        for column in columns:
            assert a[column].to_numpy() == pytest.approx(b[column].to_numpy(), rel=1e-7, nan_ok=True), (name, column)


def test_failures_to_acquire_are_refused_and_not_called_none(both: tuple[AuditResult, object, pd.DataFrame]) -> None:
    black = both[0]
    assert not black.rates.measure.isin(["FTA", "FNMR_with_failures"]).any()
    assert black.acquisition.samples.isna().all()
    acquired = next(finding for finding in black.findings if finding.key == "acquisition")
    assert "do not say" in acquired.statement
    assert "FTA" in " ".join(black.tables["refused"].what)
    assert "interval" not in " ".join(black.tables["refused"].what)


def test_a_list_of_some_pairs_has_wider_intervals_than_all_of_them_and_verifies(audit: Audit, tmp_path: Path) -> None:
    every = table(world())
    some = every[np.random.default_rng(1).random(len(every)) < 0.1]
    a, b = (
        audit(
            frame.to_csv(index=False),
            "scores",
            OPTIONS | {"best_threshold": True},
            POINTS[:2],
            groups=GROUPS,
            report=CURVE,
        )
        for frame in (every, some)
    )
    keys = (a.rates.measure == "FMR") & (a.rates.weighting == "people") & (a.rates.group == "all labelled")
    widths = [float((r.rates[keys].high - r.rates[keys].low).iloc[0]) for r in (a, b)]
    assert widths[1] > widths[0] * 1.2
    files.write(b, tmp_path / "results" / "toy", render(b))
    assert verify(tmp_path / "results" / "toy")["problems"] == []
    assert files.read(tmp_path / "results" / "toy").tallies.listed.m.sum() == (some.mated == 0).sum()  # type: ignore[union-attr]


def test_none_seen_in_a_list_counts_the_pairs_in_the_list_and_not_all_pairs_of_its_people(audit: Audit) -> None:
    rows = "score,mated,who,whom,race\n" + "\n".join(f".1,0,p{k},p{k + 3},White" for k in range(3))
    result = audit(rows, "scores", {"subject_a": "who", "subject_b": "whom"}, [{"kind": "fixed", "threshold": 0.5}])
    level = next(finding for finding in result.findings if finding.key == "level")
    # six people make 15 pairs, of which 3 were compared, and these share nobody: 1 - .05^(1/3) = .632
    assert "none seen in 3 photo pairs of 6 people; the true rate could be up to 630 in 1,000" in level.statement


def test_no_id_of_the_file_reaches_the_results(audit: Audit) -> None:
    result = audit(table(world()).to_csv(index=False), "scores", OPTIONS, POINTS[:1], groups=GROUPS)
    assert not any(b"id0" in content for name, content in files.to_files(result).items() if not name.endswith(".npz"))


def test_a_person_with_two_labels_is_disputed_and_unlabelled(audit: Audit) -> None:
    rows = "score,mated,who,whom,race_a,race_b\n.1,0,x,y,White,White\n.1,0,x,z,Black,White\n.1,0,y,z,White,White\n.9,1,y,y,White,White\n"
    result = audit(rows, "scores", {"subject_a": "who", "subject_b": "whom"}, [{"kind": "fixed", "threshold": 0.5}])
    assert result.about["counts"]["unlabelled"] == {"missing": 0, "disputed": 1}
    assert result.acquisition.set_index("group").subjects.to_dict() == {"race=White": 2, "unlabelled": 1}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (".9,1,x,y,White\n.1,0,x,y,White\n", "mated with two subject ids"),
        (".9,0,x,x,White\n.1,0,x,y,White\n", "non-mated with one"),
        (".9,1,,x,White\n", "no id"),
        (".9,1,x,x,White\n", "one subject"),
    ],
)
def test_ids_that_contradict_the_flag_are_refused(audit: Audit, rows: str, says: str) -> None:
    with pytest.raises(BenchmarkError, match=says) as caught:
        audit(
            "score,mated,who,whom,race\n" + rows,
            "scores",
            {"subject_a": "who", "subject_b": "whom"},
            [{"kind": "fixed", "threshold": 0.5}],
        )
    assert "x" not in caught.value.got.split()  # no id in the message
