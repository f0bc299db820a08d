"""Lists of candidates: FPIR, FNIR and SEL by hand and against naive loops, and what lists cannot tell."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from audit import results
from audit.base.errors import BenchmarkError, ConfigError
from audit.report import render
from audit.results import AuditResult
from audit.runs.verify import verify
from audit.stats.intervals import wilson
from audit.words.columns import TABLES
from audit.words.wording import UNCERTAIN

Audit = Callable[..., AuditResult]
AT = [{"kind": "fixed", "threshold": 0.6}]
OPTIONS: dict[str, Any] = {"gallery": 1000, "ranks": [1, 2]}

# p1: enrolled, found first. p2: enrolled, found second. p3: enrolled, not in the list. p4..p6 not enrolled; p6
# returned nobody.
TABLE = """probe,rank,score,mate,enrolled,race
p1,1,.9,1,1,White
p1,2,.7,0,1,White
p2,1,.65,0,1,White
p2,2,.55,1,1,White
p3,1,.5,0,1,Black
p4,1,.8,0,0,White
p4,2,.6,0,0,White
p4,3,.1,0,0,White
p5,1,.5,0,0,Black
p6,,,,0,Black
"""


def row(
    result: AuditResult, measure: str, group: str, point: str = "threshold=0.6", weighting: str = "comparisons"
) -> pd.Series:
    r = result.rates
    found = r[(r.operating_point == point) & (r.measure == measure) & (r.group == group) & (r.weighting == weighting)]
    assert len(found) == 1
    return found.iloc[0]


def test_rates_of_searches_by_hand(audit: Audit) -> None:
    # at .6: wrong persons for p4 only, 1 of 3 (White 1 of 1, Black 0 of 2). The right person is missing for p2 (.55)
    # and p3: 2 of 3
    result = audit(TABLE, "candidates", OPTIONS, AT)
    for measure, group, errors, trials in (
        ("FPIR", "all labelled", 1, 3),
        ("FPIR", "race=White", 1, 1),
        ("FPIR", "race=Black", 0, 2),
        ("FNIR", "all labelled", 2, 3),
        ("FNIR", "race=White", 1, 2),
        ("FNIR", "race=Black", 1, 1),
    ):
        found = row(result, measure, group)
        assert (found.errors, found.trials, found.rate) == (errors, trials, errors / trials)
    assert row(result, "FNIR", "all labelled", "rank=1").errors == 2  # p2 and p3
    assert row(result, "FNIR", "all labelled", "rank=2").errors == 1  # p3
    assert not (
        (result.rates.measure == "FPIR") & (result.rates.operating_point == "rank=1")
    ).any()  # without a threshold every search returns
    # at .6 the non-mated searches return 2, 0 and 0 candidates
    chosen = result.tables["selectivity"].set_index("group").selectivity
    assert chosen["all labelled"] == pytest.approx(2 / 3)
    assert chosen["race=White"] == 2.0


def test_without_subject_ids_searches_have_no_interval(audit: Audit) -> None:
    result = audit(TABLE, "candidates", OPTIONS, AT)
    assert result.rates[["low", "high", "subjects", "design_effect"]].isna().all().all()
    assert set(result.rates.weighting) == {"comparisons"}
    assert result.rates[result.rates.trials > 0].note.str.startswith("no subject ids").all()
    assert set(result.differentials.certainty) <= {UNCERTAIN, ""}
    assert "interval" in " ".join(result.tables["refused"].what)


def simulated(seed: int = 4, repeats: int = 1) -> pd.DataFrame:
    """Searches of a gallery; subjects searched for ``repeats`` times each."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(240):
        race, enrolled = ("White", "Black")[person % 2], person % 3 > 0
        for turn in range(repeats):
            scores = np.sort(rng.normal(0.3 if race == "White" else 0.36, 0.1, rng.integers(1, 8)))[::-1]
            mate = int(rng.integers(0, len(scores))) if enrolled and rng.random() < 0.9 else -1
            for place, score in enumerate(scores):
                rows.append(
                    (f"q{person}-{turn}", place + 1, score, int(place == mate), int(enrolled), f"s{person}", race)
                )
    frame = pd.DataFrame(rows, columns=["probe", "rank", "score", "mate", "enrolled", "subject", "race"])
    return frame.sample(frac=1, random_state=seed)


def naive(frame: pd.DataFrame, race: str, threshold: float, rank: float) -> dict[str, tuple[int, int]]:
    """Errors and trials of FPIR and FNIR, one search after the other."""
    fp = fn = non = mated = 0
    for _, search in frame[frame.race == race].groupby("probe"):
        if search.enrolled.iloc[0]:
            mated += 1
            fn += not any(
                m == 1 and s >= threshold and r <= rank
                for m, s, r in zip(search.mate, search.score, search["rank"], strict=True)
            )
        else:
            non += 1
            fp += any(s >= threshold for s in search.score)
    return {"FPIR": (fp, non), "FNIR": (fn, mated)}


def limits(shares: list[float]) -> tuple[float, float]:
    """Limits of a mean over people by the formulas in audit/stats/fnmr.py and limits.py, four effective errors or
    more."""
    n, q = len(shares), sum(shares) / len(shares)
    squares = [(y - q) ** 2 for y in shares]
    variance = min(q * (1 - q) / n, (sum(squares) + min(1.0, 8 / sum(y > 0 for y in shares))) / n**2)
    tails = sum(squares) ** 2 / sum(x * x for x in squares)
    worth = q * (1 - q) / variance
    return wilson(q, worth, quantile=float(t.ppf(0.975, 10 * tails))).low, wilson(
        q, worth, quantile=float(t.ppf(0.975, max(20.0, tails - 1)))
    ).high


def test_searches_recounted_by_naive_loops(audit: Audit) -> None:
    frame = simulated()
    options = {"gallery": 5000, "subject": "subject", "ranks": [1, 3], "target_fpir": [0.1]}
    result = audit(
        frame.to_csv(index=False), "candidates", options, [{"kind": "fixed", "threshold": t} for t in (0.35, 0.5)]
    )
    for _, point in result.operating_points.iterrows():
        rank = int(point.operating_point.removeprefix("rank=")) if point.protocol == "rank" else math.inf
        threshold = -math.inf if point.protocol == "rank" else point.threshold
        for race in ("White", "Black"):
            for measure, (errors, trials) in naive(frame, race, threshold, rank).items():
                if measure == "FPIR" and point.protocol == "rank":
                    continue
                found = row(result, measure, f"race={race}", point.operating_point)
                assert (found.errors, found.trials) == (errors, trials)
                # everybody is searched for once: a person is a search, in both weightings
                people = row(result, measure, f"race={race}", point.operating_point, "people")
                assert people.rate == found.rate == errors / trials
                if 4 <= errors < trials:
                    assert (people.low, people.high) == pytest.approx(
                        limits([1.0] * errors + [0.0] * (trials - errors))
                    )
                    assert (found.low, found.high) == (people.low, people.high)
    # the threshold for FPIR .1: no more than 8 of 80 non-mated searches, and the next observed best score would be too
    # many
    tops = frame[frame.enrolled == 0].groupby("probe").score.max()
    chosen = result.operating_points.set_index("operating_point").threshold["fpir=0.1"]
    assert (tops >= chosen).sum() == 8
    assert chosen in set(tops)


def test_people_searched_for_more_than_once_count_once_in_people_weighting_and_give_no_interval_by_searches(
    audit: Audit,
) -> None:
    frame = simulated(repeats=3)
    result = audit(
        frame.to_csv(index=False),
        "candidates",
        {"gallery": 5000, "subject": "subject"},
        [{"kind": "fixed", "threshold": 0.5}],
    )
    found = row(result, "FPIR", "race=Black", "threshold=0.5", "people")
    non = frame[(frame.enrolled == 0) & (frame.race == "Black")]
    wrong = non.groupby(["subject", "probe"]).score.max().ge(0.5).groupby("subject").mean()
    assert found.rate == pytest.approx(wrong.mean())
    assert found.subjects == 40
    assert (found.low, found.high) == pytest.approx(limits(wrong.tolist()))
    bare = row(result, "FPIR", "race=Black", "threshold=0.5")
    assert math.isnan(bare.low)
    assert "more often" in bare.note


def test_none_seen_is_a_one_sided_bound_on_people(audit: Audit) -> None:
    frame = simulated()
    result = audit(
        frame.to_csv(index=False),
        "candidates",
        {"gallery": 5000, "subject": "subject"},
        [{"kind": "fixed", "threshold": 2.0}],
    )
    found = row(result, "FPIR", "race=White", "threshold=2", "people")
    assert (found.rate, found.high) == (0, pytest.approx(1 - 0.05 ** (1 / 40)))
    assert "one-sided" in found.interval
    assert "none seen" in found.note


def test_full_lists_refuse_selectivity_and_say_at_least(audit: Audit) -> None:
    # lists end at 3; p4's three candidates fill it, the last at .1. At .1 it may go on; at .6 it cannot
    table = TABLE.replace("p1,2,.7,0,1,White\n", "p1,2,.7,0,1,White\np1,3,.2,0,1,White\n")
    result = audit(table, "candidates", {**OPTIONS, "list_length": 3}, [*AT, {"kind": "fixed", "threshold": 0.1}])
    found = result.tables["selectivity"].set_index(["operating_point", "group"])
    assert found.selectivity["threshold=0.6", "race=White"] == 2.0
    assert math.isnan(found.selectivity["threshold=0.1", "race=White"])
    assert "at least 3" in found.note["threshold=0.1", "race=White"]
    assert found.selectivity["threshold=0.1", "race=Black"] == 0.5
    assert "SEL" in " ".join(result.tables["refused"].what)


def test_wrong_candidates_are_counted_by_their_own_group_where_it_is_given(audit: Audit) -> None:
    table = "probe,rank,score,mate,enrolled,race,race_candidate\np,1,.9,0,0,White,Black\np,2,.7,0,0,White,White\nq,1,.8,0,0,Black,Black\n"
    found = audit(table, "candidates", OPTIONS, AT).tables["false_candidates"]
    assert found[["group", "candidate_group", "candidates"]].to_numpy().tolist() == [
        ["race=Black", "race=Black", 1],
        ["race=White", "race=Black", 1],
        ["race=White", "race=White", 1],
    ]


def test_a_distance_is_turned_round_once(audit: Audit) -> None:
    table = pd.read_csv(pd.io.common.StringIO(TABLE))
    table["score"] = 1 - table["score"]
    options = {**OPTIONS, "kind": "dissimilarity"}
    turned = audit(table.to_csv(index=False), "candidates", options, [{"kind": "fixed", "threshold": 0.45}])
    plain = audit(TABLE, "candidates", OPTIONS, [{"kind": "fixed", "threshold": 0.55}])
    assert turned.rates.errors.tolist() == plain.rates.errors.tolist()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("p1,1,.9,1,1,White", "p1,1,,1,1,White", "only some of a candidate's three values"),
        ("p1,1,.9,1,1,White", "p1,1,.9,1,0,White", "another value than in the search's first row"),
        ("p1,2,.7,0,1,White", "p1,2,.7,0,1,Black", "another group than in the search's first row"),
        ("p1,2,.7,0,1,White", "p1,3,.7,0,1,White", "a rank out of turn"),
        ("p1,2,.7,0,1,White", "p1,2,.95,0,1,White", "more alike than the one ranked before"),
        ("p1,2,.7,0,1,White", "p1,2,.7,1,1,White", "two mates"),
        ("p4,1,.8,0,0,White", "p4,1,.8,1,0,White", "a mate of a person who is not enrolled"),
        ("p1,1,.9,1,1,White", "p1,1,x,1,1,White", "no finite number"),
        ("p1,1,.9,1,1,White", "p1,1,.9,yes,1,White", "other than 0 and 1"),
        ("p1,1,.9,1,1,White", ",1,.9,1,1,White", "column probe: no id"),
        ("p6,,,,0,Black", "p6,,,,0,Black\np6,,,,0,Black", "an empty row beside candidates"),
        ("probe,rank", "search,rank", "no column probe"),
    ],
)
def test_lists_that_contradict_themselves_are_refused(audit: Audit, old: str, new: str, says: str) -> None:
    assert old in TABLE
    with pytest.raises(BenchmarkError, match=says) as caught:
        audit(TABLE.replace(old, new, 1), "candidates", OPTIONS, AT)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("options", "points", "says"),
    [
        ({}, [{"kind": "target_fmr", "target": 0.1}], "does not hold the comparisons"),
        ({}, [{"kind": "vendor_default"}], "vendor_default"),
        ({"floor": 0.05}, [{"kind": "fixed", "threshold": 0.01}], "below the floor"),
        ({"list_length": 3, "ranks": [5]}, AT, "ranks: 5"),
        ({"ranks": [0]}, AT, "whole numbers from 1"),
        ({"gallery": 0}, AT, "gallery"),
    ],
)
def test_questions_that_lists_cannot_answer_are_refused_by_key(
    audit: Audit, options: dict[str, Any], points: list[dict[str, Any]], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        audit(TABLE, "candidates", {**OPTIONS, **options}, points)


def test_a_target_that_needs_unseen_candidates_is_refused(audit: Audit) -> None:
    # of 3 non-mated searches one returned nobody: an FPIR of .9 would need a score that was not given
    with pytest.raises(BenchmarkError, match="only 2 of 3"):
        audit(TABLE, "candidates", {**OPTIONS, "target_fpir": [0.9]}, AT)


def test_a_target_equal_to_what_was_returned_is_met(audit: Audit) -> None:
    # of 3 non-mated searches two returned somebody: at the lower of their best scores the FPIR is 2 of 3, and nothing
    # below is needed
    result = audit(TABLE, "candidates", {**OPTIONS, "target_fpir": [2 / 3]}, AT)
    point = result.operating_points[result.operating_points.protocol == "target_fpir"].iloc[0]
    assert point.achieved_comparisons == 2 / 3


def test_a_result_of_searches_proves_its_own_numbers(audit: Audit, tmp_path: Path) -> None:
    options = {"gallery": 5000, "subject": "subject", "ranks": [1], "target_fpir": [0.1], "list_length": 7}
    result = audit(simulated().to_csv(index=False), "candidates", options, [{"kind": "fixed", "threshold": 0.5}])
    files = results.to_files(result)
    for name in (one for one in files if one.endswith(".csv")):
        assert files[name].decode().splitlines()[0].split(",") == list(TABLES[name]), name
    target = tmp_path / "results" / "toy"
    results.write(result, target, render(result))
    assert verify(target)["problems"] == []
    text = (target / "search_counts.csv").read_text()
    line = next(one for one in text.splitlines() if one.startswith("threshold=0.5,FPIR,race=Black,1,1,"))
    (target / "search_counts.csv").write_text(text.replace(line, line[: line.rindex(",")] + ",1"))
    assert any("rates.csv" in problem for problem in verify(target)["problems"])
    assert not any(b"q1-0" in content or b"s17" in content for content in results.to_files(result).values())
