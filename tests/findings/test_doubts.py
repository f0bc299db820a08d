"""Belief without doubt: a matcher that is wired up wrongly gets no ordinary report, a working one and a small one
raise no doubt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import audit
from audit.cli import run_command_line
from audit.findings import register
from audit.findings.doubts import find_doubts
from audit.findings.looked_at import Looked
from audit.findings.not_judged import NOT_JUDGED
from audit.report import render
from audit.runs.verify import verify
from audit.words import columns

Draw = Callable[[np.random.Generator], float]


def pairs(mated: Draw, other: Draw, people: int = 40, seed: int = 3) -> pd.DataFrame:
    """Three mated comparisons a person and every pair of people; of two groups, one half each."""
    rng, rows = np.random.default_rng(seed), []
    group = ["White", "Black"]
    for i in range(people):
        rows += [(f"s{i}", f"s{i}", mated(rng), group[i % 2], group[i % 2], 1)] * 1
        rows += [(f"s{i}", f"s{i}", mated(rng), group[i % 2], group[i % 2], 1) for _ in range(2)]
        rows += [(f"s{i}", f"s{j}", other(rng), group[i % 2], group[j % 2], 0) for j in range(i + 1, people)]
    return pd.DataFrame(rows, columns=["subject_a", "subject_b", "score", "race_a", "race_b", "mated"])


def high(rng: np.random.Generator) -> float:
    return round(float(rng.normal(0.7, 0.1)), 6)


def low(rng: np.random.Generator) -> float:
    return round(float(rng.normal(0.2, 0.1)), 6)


def scores(table: pd.DataFrame, threshold: float = 0.45, **options: object) -> object:
    return audit.audit_scores(
        table,
        groups=["race"],
        reference="race=White",
        thresholds=[threshold],
        minimum_subjects=5,
        uncertainty={"replicates": 100},
        options=options,
    )


def doubts(result: object) -> dict[str, bool]:
    """Names of the doubts that stand, and whether each is serious."""
    return {
        one.key.removeprefix("doubt:").split(":")[0]: one.values["serious"]
        for one in result.findings
        if one.kind == "doubt"
    }


FAULTY = [
    ("turned round", low, high, 0.45, {}, "turned_round", "backend.options.kind"),
    ("a distance declared a similarity", low, high, 0.45, {"kind": "similarity"}, "turned_round", "kind"),
    ("a similarity declared a distance", high, low, 0.45, {"kind": "dissimilarity"}, "turned_round", "kind"),
    ("all alike", lambda rng: 0.5, lambda rng: 0.5, 0.6, {}, "coincide", "0.5 to"),
    (
        "all alike but for noise",
        lambda rng: 0.99 + 1e-7 * rng.random(),
        lambda rng: 0.99 + 1e-7 * rng.random(),
        0.99,
        {},
        "coincide",
        "lie within",
    ),
    ("one distribution", low, low, 0.2, {}, "coincide", "guessing gives 50"),
    ("in percent", high, low, 45, {}, "never", "-0.1"),
    ("below all", high, low, -3, {}, "always", "380 of 780" if False else "780 of 780"),
]


@pytest.mark.parametrize(
    ("mated", "other", "threshold", "options", "name", "words"),
    [row[1:] for row in FAULTY],
    ids=[row[0] for row in FAULTY],
)
def test_scores_that_cannot_be_a_matchers_raise_a_doubt_that_stands_first(
    mated: Draw, other: Draw, threshold: float, options: dict, name: str, words: str
) -> None:
    result = scores(pairs(mated, other), threshold, **options)
    assert doubts(result).get(name) is True
    assert result.findings[0].kind == "doubt"
    assert any(words in one.statement for one in result.findings if one.kind == "doubt")
    assert set(result.differentials["certainty"]) <= {NOT_JUDGED, ""} or name not in ("turned_round", "coincide")
    differential = next(one for one in result.findings if one.kind == "differential")
    assert differential.certainty == NOT_JUDGED
    assert differential.statement.startswith("Not judged")


@pytest.mark.parametrize("people", [4, 6, 10, 40])
def test_a_working_matcher_raises_no_doubt_however_few_people_there_are(people: int) -> None:
    assert doubts(scores(pairs(high, low, people))) == {}


@pytest.mark.parametrize("seed", range(5))
def test_few_people_alone_raise_no_serious_doubt_about_a_middling_matcher(seed: int) -> None:
    # d' = 2, AUC .92: seven people may come out far lower by chance
    def mated(rng: np.random.Generator) -> float:
        return float(rng.normal(0.4, 0.1))

    assert not any(doubts(scores(pairs(mated, low, 7, seed), 0.3)).values())


def test_without_ids_of_people_the_same_doubts_are_raised() -> None:
    result = scores(pairs(low, high).drop(columns=["subject_a", "subject_b"]))
    assert doubts(result) == {"turned_round": True}
    assert result.findings[0].kind == "doubt"


def planted(kind: str, people: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(people), 3)
    centre, noise = rng.normal(size=(people, 16))[who], rng.normal(size=(3 * people, 16))
    good, group = centre + 0.3 * noise, np.where(who % 2, "B", "A")
    if kind == "one group joined wrongly":
        rows = np.flatnonzero(group == "B")
        good[rows] = good[rng.permutation(rows)]
        return good, who, group
    made = {
        "good": good,
        "no weights": noise,
        "collapsed": 5 + 1e-4 * noise,
        "narrow": 5 + 1e-2 * good,
        "shuffled": good[rng.permutation(len(good))],
    }
    return made[kind], who, group


@pytest.mark.parametrize(
    ("kind", "people", "want"),
    [
        ("good", 60, {}),
        ("no weights", 60, {"coincide": True}),
        ("no weights", 6, {"few": False}),
        ("collapsed", 60, {"coincide": True}),
        ("narrow", 60, {"narrow": False}),
        ("shuffled", 60, {"coincide": True}),
        ("one group joined wrongly", 120, {"group": False}),
    ],
)
def test_templates_are_looked_at_too(kind: str, people: int, want: dict[str, bool]) -> None:
    vectors, who, group = planted(kind, people)
    result = audit.audit_templates(
        vectors,
        who,
        group,
        reference="group=A",
        target_fmr=[0.01],
        minimum_subjects=5,
        uncertainty={"replicates": 100},
        report={"curve": [0.1]},
    )
    assert doubts(result) == want


def test_a_doubt_about_one_threshold_leaves_the_others_judged() -> None:
    table = pairs(high, low)
    result = audit.audit_scores(
        table,
        groups=["race"],
        reference="race=White",
        thresholds=[0.3, 45],
        minimum_subjects=5,
        uncertainty={"replicates": 100},
    )
    assert doubts(result) == {"never": True}
    by_point = result.differentials.groupby("operating_point")["certainty"].agg(
        lambda values: NOT_JUDGED in set(values)
    )
    assert not by_point["threshold=0.3"]
    assert not result.rates.empty
    assert next(one for one in result.findings if one.kind == "differential").certainty != NOT_JUDGED
    assert next(one for one in result.findings if one.key == "at:threshold=45").certainty == NOT_JUDGED


def test_without_a_second_photo_of_anybody_a_network_that_answers_everything_alike_is_still_seen() -> None:
    rng = np.random.default_rng(8)
    group = np.where(np.arange(60) % 2, "B", "A")
    made = {
        name: audit.audit_templates(
            vectors,
            np.arange(60),
            group,
            reference="group=A",
            target_fmr=[0.01],
            minimum_subjects=5,
            uncertainty={"replicates": 100},
        )
        for name, vectors in {"alike": 3 + 1e-4 * rng.normal(size=(60, 16)), "fine": rng.normal(size=(60, 16))}.items()
    }
    assert doubts(made["alike"]) == {"alike": True}
    assert doubts(made["fine"]) == {}


def looked(samples: int, acquired: int, copies: int) -> Looked:
    acquisition = columns.frame(
        "acquisition",
        [{"group": "race=A", "samples": samples, "acquired": acquired, "duplicates": copies, "conflicting": 0}],
    )
    rates = columns.frame("rates", [{"measure": "FMR"}])
    tables = [columns.empty(name) for name in ("separation", "operating_points", "curves")]
    return Looked(tables[0], rates, tables[1], tables[2], acquisition, {}, "onnx")


@pytest.mark.parametrize(
    ("samples", "acquired", "copies", "want"),
    [
        (100, 60, 0, {}),
        (100, 40, 0, {"lost": False}),
        (100, 5, 0, {"lost": True}),
        (10, 1, 0, {}),
        (100, 99, 30, {"copies": False}),
        (100, 99, 10, {}),
    ],
)
def test_photographs_without_a_template_and_copies_are_looked_at(
    samples: int, acquired: int, copies: int, want: dict[str, bool]
) -> None:
    found = find_doubts(looked(samples, acquired, copies))
    assert {one.key.removeprefix("doubt:"): one.values["serious"] for one in found} == want


def test_mated_scores_that_are_all_the_same_are_told() -> None:
    assert doubts(scores(pairs(lambda rng: 1.0, low))) == {"one_mated_score": False}


def searches(found: bool) -> pd.DataFrame:
    """Sixty people searched for twice, once enrolled and once not; lists of five."""
    rng, rows = np.random.default_rng(2), []
    for i in range(60):
        for enrolled in (1, 0):
            scores = sorted(rng.normal(0.3, 0.1, 5), reverse=True)
            scores[0] += 0.4 if enrolled and found else 0.0
            rows += [
                (
                    f"{i}-{enrolled}",
                    k + 1,
                    round(float(scores[k]), 5),
                    int(enrolled and found and k == 0),
                    enrolled,
                    f"s{i}",
                    "AB"[i % 2],
                )
                for k in range(5)
            ]
    return pd.DataFrame(rows, columns=["probe", "rank", "score", "mate", "enrolled", "subject", "race"])


@pytest.mark.parametrize(
    ("found", "threshold", "want"),
    [(True, 0.5, {}), (True, 50, {"never": True}), (True, -3, {"always": True}), (False, 0.5, {"never_found": True})],
)
def test_lists_of_candidates_are_looked_at_too(found: bool, threshold: float, want: dict[str, bool]) -> None:
    result = audit.audit_searches(
        searches(found),
        gallery=1000,
        groups=["race"],
        reference="race=A",
        thresholds=[threshold],
        minimum_subjects=5,
        options={"list_length": 5},
        uncertainty={"replicates": 100},
    )
    assert doubts(result) == want


def test_one_much_photographed_person_hides_no_doubt() -> None:
    # 120 people with two photos and one with sixty, who owns 1,770 of 1,890 mated comparisons: by people, the rest
    # decides
    rng = np.random.default_rng(6)
    who = np.concatenate([np.repeat(np.arange(120), 2), np.full(60, 120)])
    group = np.where(who % 2, "B", "A")
    report = {"curve": [0.2, 0.1, 0.05]}
    result = audit.audit_templates(
        rng.normal(size=(len(who), 16)),
        who,
        group,
        reference="group=A",
        target_fmr=[0.01],
        minimum_subjects=5,
        uncertainty={"replicates": 100},
        report=report,
    )
    assert doubts(result).get("coincide") is True


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with its polarity turned round, audited through the command line."""
    folder = tmp_path_factory.mktemp("turned")
    pairs(low, high).to_csv(folder / "pairs.csv", index=False)
    (folder / "turned.toml").write_text(
        'version = 1\nname = "turned"\n[benchmark]\nname = "outputs"\n[backend]\nname = '
        '"scores"\n[backend.options]\npath = "pairs.csv"\n'
        '[groups]\nattributes = { race = "race" }\nreference = "race=White"\nminimum_subjects = 5\n'
        '[[operating_points]]\nkind = "fixed"\nthreshold = 0.2\n[uncertainty]\nreplicates = 100\n'
    )
    return folder


def test_the_console_the_page_and_the_claims_say_it_first_and_verify_makes_it_again(
    turned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run_command_line(
            ["run", str(turned / "turned.toml"), "--data", str(turned), "--results", str(turned / "results")]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert said.index("Before any of this is quoted:") < said.index("Not judged")
    results = turned / "results" / "turned"
    assert verify(results)["problems"] == []
    made = audit.read(results)
    assert made.findings[0].kind == "doubt"
    assert made.tables["separation"]["auc"].iloc[0] < 0.05
    ruled = {claim.id: claim.rule for claim in register.load(made.config.report.claims).claims}
    for one in made.findings:
        if one.kind == "claim" and ruled[one.values["id"]] in ("differential", "levels", "limits", "power"):
            assert set(one.values["verdicts"].values()) == {NOT_JUDGED}
    for name in ("report.html", "summary.html"):
        page = (results / name).read_text(encoding="utf-8")
        assert page.index("Before any of this is quoted") < page.index("Wrong person.")
        words = " ".join(page.split())
        for phrase in (
            "clear difference</span> for",
            "likely difference</span> for",
            "were taken for one person ×",
            "as often as two",
        ):
            assert phrase not in words
        assert "Not judged" in page[page.index("<h1") : page.index("</h1>")]


def test_the_area_is_the_naive_share_of_pairs_of_scores_in_order() -> None:
    table = pairs(
        lambda rng: round(float(rng.normal(0.5, 0.2)), 2), lambda rng: round(float(rng.normal(0.3, 0.2)), 2), 12
    )
    row = scores(table).tables["separation"].iloc[0]
    mated, other = (table["score"][table["mated"] == flag].tolist() for flag in (1, 0))
    won = sum((a > b) + (a == b) / 2 for a in mated for b in other) / len(mated) / len(other)
    assert row.auc == pytest.approx(won, abs=1e-9)  # scores of two digits: no two different ones share a bin
    spread = np.sqrt((np.var(mated) + np.var(other)) / 2)
    assert row.d_prime == pytest.approx((np.mean(mated) - np.mean(other)) / spread, abs=0.01)


def test_pages_without_a_doubt_have_no_box() -> None:
    assert b"Before any of this is quoted" not in render(scores(pairs(high, low, 12)))["report.html"]
