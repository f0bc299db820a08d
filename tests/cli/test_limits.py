"""Limits of a vendor's build: which end of which interval is read, what held is said, and the exit code and the JUnit
file follow."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest

from audit.base.errors import ConfigError, NotEnoughDataError
from audit.cli import run_command_line
from audit.cli.junit import Case, junit
from audit.cli.limits import check_comparison, check_limits, parse_limit

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

NAN = math.nan
# operating point, measure, group, low, high, note: what intervals of a small audit may look like
RATES = [
    ("first", "FMR", "A", 0.010, 0.030, ""),
    ("first", "FMR", "B", 0.000, 0.004, "no errors: an upper limit"),
    ("first", "FMR", "C", 0.500, 0.900, "too few people: 3"),
    ("second", "FMR", "A", 0.001, 0.002, ""),
    ("second", "FMR", "B", 0.040, NAN, ""),
    ("", "FTA", "A", 0.020, 0.050, ""),
    ("first", "FPIR", "A", 0.100, 0.200, ""),
    ("first", "FNIR", "A", NAN, NAN, "no interval"),
]


def frame(rows, **more) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["operating_point", "measure", "group", "low", "high", "note"])
    return table.assign(weighting="people", other_group="", **more)


RESULT = SimpleNamespace(
    operating_points=pd.DataFrame({"operating_point": ["first", "second"]}),
    rates=frame(RATES),
    differentials=frame([("first", "FMR", "A", 2.0, 9.0, ""), ("second", "FMR", "A", 0.5, 1.5, "")]),
    tables={},
)


def outcome(text: str, result=RESULT):
    return check_limits([parse_limit(text)], result)[0]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("FMR>0.01", True),  # A is at least .010, which is not above .010
        ("FMR>0.009", False),
        ("FMR upper>0.03", True),  # A is shown to be at or below .030, B .004
        ("FMR upper>0.029", False),
        ("FMR at second>0.03", False),  # B: at least .040
        ("FMR at second>0.05", True),
        ("FMR at second upper>0.99", False),  # B's upper limit is unknown: nothing is shown
        ("FMR at any>0.045", True),
        ("FMR at any>0.035", False),
        ("FMR ratio>2.5", True),
        ("FMR ratio>1.5", False),
        ("FMR ratio upper>8", False),
        ("FMR at second ratio upper>1.5", True),
        ("FTA>0.01", False),
        ("FTA at any upper>0.05", True),
        ("FPIR>0.05", False),
        ("FPIR upper>0.2", True),
    ],
)
def test_the_end_of_the_interval_that_is_sure_decides(text, held) -> None:
    found = outcome(text)
    assert found.held is held
    assert bool(found.failed) is not held


def test_what_was_read_is_said_where_it_held_and_who_was_not_judged() -> None:
    assert outcome("FMR>0.5").words() == "limit held: FMR>0.5: the highest lower limit of 2 is 0.01 (A); not judged: C"
    assert outcome("FMR upper>0.01").failed == ("FMR upper>0.01: A is not shown to be below 0.01 (up to 0.03)",)
    assert outcome("FMR at any>0.035").failed == ("FMR at any>0.035: B at second is at least 0.04",)


def test_what_nobody_can_be_held_to_is_no_pass() -> None:
    for text in ("FNIR>0.5", "FNMR>0.5", "FMR by comparisons>0.5"):
        with pytest.raises(NotEnoughDataError, match="no group with enough people"):
            outcome(text)


def test_a_point_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'second'"):
        outcome("FMR at secnd>0.1")


@pytest.mark.parametrize(
    "text",
    ["FMR<5", "FMR change>2", "FMRR>1", "FMR ratio lower>1", "FMR > inf", "FMR at >1", "upper>1", "FMR upper ratio>1"],
)
def test_what_is_no_limit_of_a_run_is_refused(text) -> None:
    with pytest.raises(ConfigError, match="--fail-on"):
        parse_limit(text)


def test_limits_of_a_comparison_read_what_changed() -> None:
    rows = [("first", "FMR", "A", 1.2, 1.9, ""), ("first", "FMR", "C", 3.0, 4.0, "too few people: 3")]
    table = frame(rows, change_low=[0.4, 9.0], change_high=[0.8, 9.9])

    def held(text: str) -> bool:
        return check_comparison([parse_limit(text, comparing=True)], table)[0].held

    assert [
        held(f"FMR {rest}") for rest in ("ratio>1.1", "ratio>1.2", "ratio upper>1.9", "change>0.5", "change upper>0.7")
    ] == [
        False,
        True,
        True,
        True,
        False,
    ]
    with pytest.raises(ConfigError, match="change>X"):
        parse_limit("FMR>0.1", comparing=True)


def test_junit_says_what_passed_failed_and_could_not_be_judged_and_holds_any_text() -> None:
    cases = [
        Case("a <b> & \x00c", "read"),
        Case("two", "read", ["x\x1b", "y"]),
        Case("three", "read", error="too few"),
    ]
    data = junit("run small", cases)
    suite = ElementTree.fromstring(data)[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert [case.get("name") for case in suite] == ["a <b> & c", "two", "three"]
    assert suite[1].find("failure").text == "x\ny"
    assert suite[2].find("error").get("message") == "too few"
    assert suite[0].find("failure") is None
    assert data == junit("run small", cases)


@pytest.fixture
def folder(tmp_path_factory, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_audits.written(tmp_path_factory), tmp_path / "small"))


def test_verify_takes_limits_says_what_held_and_writes_junit(folder: Path, tmp_path: Path, capsys) -> None:
    words = ["verify", str(folder), "--fail-on", "FMR>0.999", "--junit", str(tmp_path / "out.xml"), "--json"]
    assert run_command_line(words) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert "limit held: FMR>0.999: the highest lower limit of" in shown.err
    assert found["limits"][0]["held"] is True
    assert len(found["tables"]["rates"]) == found["rates"]
    assert len(found["tables"]["ratios"]) == found["ratios"]
    assert found["findings"][0]["statement"]
    assert len(ElementTree.parse(tmp_path / "out.xml").getroot()[0]) == 2
    assert run_command_line(["verify", str(folder), "--fail-on", "FMR at any>0.000001", "--fail-on", "FMR>0.9"]) == 1
    assert "limit held: FMR>0.9" in capsys.readouterr().err
    assert run_command_line(["verify", str(folder), "--fail-on", "FPIR>0.1"]) == 5


def test_verify_of_changed_files_is_3_whatever_the_limits(folder: Path, tmp_path: Path, capsys) -> None:
    (folder / "rates.csv").write_text((folder / "rates.csv").read_text().replace("people", "poeple", 1))
    assert (
        run_command_line(["verify", str(folder), "--fail-on", "FMR>0.999", "--junit", str(tmp_path / "out.xml")]) == 3
    )
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
