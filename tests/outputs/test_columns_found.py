"""Columns of people that are found by their documented names: used, written down, and asked about where the name is
nearly theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from audit import results
from audit.base.errors import BenchmarkError, ConfigError
from audit.report import render
from audit.results import AuditResult
from audit.runs.verify import verify

Audit = Callable[..., AuditResult]
AT = [{"kind": "fixed", "threshold": 0.5}]
PEOPLE = [(k % 10, k % 10 if k % 2 else (k + 2) % 10) for k in range(40)]
PAIRS = "score,mated,race_a,race_b,subject_a,subject_b\n" + "".join(
    f"{0.3 + k * 37 % 50 / 100:.2f},{int(a == b)},{'WB'[a % 2] * 4},{'WB'[b % 2] * 4},p{a},p{b}\n"
    for k, (a, b) in enumerate(PEOPLE)
)
LISTS = "probe,rank,score,mate,enrolled,race,subject\n" + "".join(
    f"q{k},1,{0.3 + k / 100:.2f},{k % 2},{k % 2},{'WB'[k % 3 > 0] * 4},s{k}\n" for k in range(40)
)
GROUPS = {"attributes": {"race": "race"}, "reference": "race=WWWW"}


@pytest.mark.parametrize(
    ("table", "backend", "options", "named"),
    [
        (PAIRS, "scores", {}, {"subject_a": "subject_a", "subject_b": "subject_b"}),
        (LISTS, "candidates", {"gallery": 100}, {"subject": "subject"}),
    ],
)
def test_documented_columns_say_the_same_named_or_not_and_the_result_proves_itself(
    audit: Audit, tmp_path: Path, table: str, backend: str, options: dict[str, object], named: dict[str, str]
) -> None:
    found, said = (audit(table, backend, {**options, **more}, AT, groups=GROUPS) for more in ({}, named))
    assert found.about["people_known"]
    assert found.about["matcher"]["fingerprint"] == said.about["matcher"]["fingerprint"]
    pd.testing.assert_frame_equal(found.rates, said.rates)
    target = tmp_path / "results" / "toy"
    results.write(found, target, render(found))
    assert verify(target)["problems"] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("subject_a,subject_b", "Subject_A,subjectB", 'subject_a = "Subject_A", subject_b = "subjectB"'),
        ("subject_a,subject_b", "subject_a,who", "column subject_a alone"),
        ("race_a,race_b", "race,race_b", "'race' and 'race_b' alone"),
    ],
)
def test_columns_that_are_nearly_documented_are_asked_about(audit: Audit, old: str, new: str, says: str) -> None:
    with pytest.raises(BenchmarkError, match=says):
        audit(PAIRS.replace(old, new), "scores", {}, AT, groups=GROUPS)


@pytest.mark.parametrize("options", [{"score": "mated"}, {"subject_a": "subject_a", "subject_b": "subject_a"}])
def test_one_column_does_not_answer_two_questions(audit: Audit, options: dict[str, str]) -> None:
    with pytest.raises(BenchmarkError, match="for two things"):
        audit(PAIRS, "scores", options, AT, groups=GROUPS)


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b", "a" * 300, "../" * 2000])
def test_a_path_that_no_file_can_have_is_refused(audit: Audit, path: str) -> None:
    with pytest.raises(BenchmarkError, match="which is no file"):
        audit(PAIRS, "scores", {"path": path}, AT, groups=GROUPS)


def test_a_misspelt_option_is_told_before_what_it_leaves_missing(audit: Audit) -> None:
    with pytest.raises(ConfigError, match=r"options.galery: an unknown option.*Did you mean 'gallery'"):
        audit(LISTS, "candidates", {"galery": 100}, AT, groups=GROUPS)


def test_a_label_that_turns_the_reading_direction_is_refused(audit: Audit) -> None:
    with pytest.raises(BenchmarkError, match="column race_a"):
        audit(PAIRS.replace("BBBB", "\u202eBBBB"), "scores", {}, AT, groups=GROUPS)
