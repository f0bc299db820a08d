"""Claims: verdicts follow from rows by written rules."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.base.errors import ConfigError
from audit.findings import claims
from audit.findings.register import load
from audit.words.columns import TABLES
from audit.words.wording import CLEAR, LIKELY, UNCERTAIN

COLUMNS = ["operating_point", "measure", "weighting", "group", "reference", "ratio", "low", "high", "interval", "certainty", "note"]
REFERENCE = "race=White|sex=Male"
ALIKE = "no difference larger than ×2"
NAN = float("nan")


def evidence(rows, **changes):
    frame = pd.DataFrame(
        [("p", measure, "people", group, REFERENCE, ratio, low, high, "", certainty, "") for measure, group, ratio, low, high, certainty in rows],
        columns=COLUMNS,
    )
    rates = pd.DataFrame(columns=list(TABLES["rates.csv"]))
    given = {"point": "p", "reference": REFERENCE, "differentials": frame, "rates": rates, "tables": {}} | changes
    return claims.Evidence(**given)


def verdicts(rows, claim="C1", **changes):
    found = {finding.values["id"]: finding for finding in claims.judge(load("minneapolis-2021"), evidence(rows, **changes))}
    return found[claim].values["verdicts"]


WOMEN, COLOR = "wrong person, women", "wrong person, people of color"


def test_clear_and_much_in_half_the_groups_supports_a_claim():
    rows = [
        ("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR),
        ("FMR", "race=White|sex=Female", 1.1, 0.8, 1.4, UNCERTAIN),
        ("FMR", "race=Black|sex=Male", 3.0, 2.1, 4.0, CLEAR),
    ]
    assert verdicts(rows)[WOMEN] == claims.SUPPORTED
    assert verdicts(rows)[COLOR] == claims.SUPPORTED


def test_a_clear_gap_that_is_not_much_does_not_support_it():
    assert verdicts([("FMR", "race=Black|sex=Female", 1.6, 1.3, 1.9, CLEAR)])[WOMEN] == claims.CANNOT_TELL


def test_a_likely_gap_does_not_support_it():
    assert verdicts([("FMR", "race=Black|sex=Female", 9.0, 4.0, 20.0, LIKELY)])[WOMEN] == claims.CANNOT_TELL


def test_one_group_with_clearly_fewer_errors_stands_against_support():
    rows = [("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR), ("FMR", "race=White|sex=Female", 0.4, 0.2, 0.6, CLEAR)]
    assert verdicts(rows)[WOMEN] == claims.CANNOT_TELL


@pytest.mark.parametrize("row", [(0.3, 0.2, 0.5, CLEAR), (1.1, 0.8, 1.5, ALIKE)])
def test_fewer_errors_or_a_bounded_gap_do_not_support_it(row):
    assert verdicts([("FMR", "race=Black|sex=Female", *row)])[WOMEN] == claims.NOT_SUPPORTED


@pytest.mark.parametrize("certainty", ["too few people", "", UNCERTAIN])
def test_without_enough_people_or_errors_nobody_can_tell(certainty):
    assert verdicts([("FMR", "race=Black|sex=Female", NAN, NAN, NAN, certainty)])[WOMEN] == claims.CANNOT_TELL


def test_each_error_is_judged_by_itself():
    rows = [("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR), ("FNMR", "race=Black|sex=Female", 0.3, 0.2, 0.5, CLEAR)]
    found = verdicts(rows)
    assert (found[WOMEN], found["missed person, women"]) == (claims.SUPPORTED, claims.NOT_SUPPORTED)


def test_only_the_headline_people_weighting_and_the_reference_count():
    rows = evidence([("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR)])
    for column, other in (("operating_point", "q"), ("weighting", "comparisons"), ("reference", "sex=Male")):
        frame = rows.differentials.assign(**{column: other})
        assert verdicts([], differentials=frame)[WOMEN] == claims.CANNOT_TELL


def test_other_names_of_attributes_and_values_are_known():
    rows = [("FMR", "ethnicity=Asian|gender=female", 20.0, 15.0, 27.0, CLEAR)]
    assert verdicts(rows)[COLOR] == claims.SUPPORTED
    rows = [("FMR", "ethnicity=Caucasian|gender=female", 20.0, 15.0, 27.0, CLEAR)]
    assert verdicts(rows)[COLOR] == claims.CANNOT_TELL


@pytest.mark.parametrize("claim", ["C2", "C3", "C6", "C7", "C8", "C9", "C10", "C11", "C12"])
def test_what_was_not_measured_cannot_be_told(claim):
    assert set(verdicts([], claim).values()) == {claims.CANNOT_TELL}


def test_privacy_is_out_of_scope():
    assert verdicts([], "C15") == {"": claims.OUT_OF_SCOPE}


@pytest.mark.parametrize(
    ("ratios", "verdict"), [((3.0, 2.5), claims.SUPPORTED), ((1.5, 1.8), claims.NOT_SUPPORTED), ((1.5, 1.6, 3.0), claims.CANNOT_TELL)]
)
def test_power_is_judged_against_much(ratios, verdict):
    power = pd.DataFrame(
        [("p", "FMR", "people", f"race={k}|sex=x", r) for k, r in enumerate(ratios)],
        columns=["operating_point", "measure", "weighting", "group", "detectable_ratio"],
    )
    assert verdicts([], "C4", tables={"power": power}) == {"": verdict}


def test_a_run_on_outputs_alone_supports_that_it_can_be_done():
    assert verdicts([], "C10", backend="scores") == {"": claims.SUPPORTED}


def test_every_claim_gives_a_finding_with_its_source_and_question():
    found = claims.judge(load("minneapolis-2021"), evidence([]))
    assert [finding.values["id"] for finding in found] == ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C15"]
    for finding in found:
        assert finding.kind == "claim"
        assert finding.values["source"]
        assert finding.values["question"]
        assert bool(finding.values["quote"]) != bool(finding.values["paraphrase"])
        assert finding.values["rule"] in claims.RULES


def test_sources_that_must_not_be_quoted_are_paraphrased():
    for claim in load("minneapolis-2021").claims:
        if {"S2", "S4"} & set(claim.source.split(", ")):
            assert not claim.quote


def test_a_reader_can_bring_a_register(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'version = 1\ntitle = "Mine"\n[[claims]]\nid = "A1"\nquote = "it works"\nsource = "a letter"\nquestion = "Does it?"\n'
        'rule = "out_of_scope"\nneeds = ""\n'
    )
    assert load(str(path)).claims[0].id == "A1"


@pytest.mark.parametrize("text", ["version = 1", "not toml", 'version = 1\ntitle = "x"\nclaims = [{ id = "A", rule = "unknown" }]'])
def test_a_file_that_is_not_a_register_is_refused(tmp_path, text):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="register"):
        load(str(path))


def test_an_unknown_register_names_those_there_are():
    with pytest.raises(ConfigError, match="minneapolis-2021"):
        load("minneapolis-1999")


def limited(limits, high=0.0005, low=0.0001):
    rows = [
        ("p", "FMR", "people", group, "", 5, 10_000, 100, (low + high) / 2, low, high, "", 1.0, "") for group in (REFERENCE, "race=Black|sex=Male")
    ]
    rates = pd.DataFrame(rows, columns=list(TABLES["rates.csv"]))
    given = evidence([], rates=rates, limits=limits, points={"p": "the vendor's default threshold"})
    return next(one for one in claims.judge(load("minneapolis-2021"), given) if one.values["id"] == "C12")


@pytest.mark.parametrize(
    ("limits", "verdict", "says"),
    [
        ({"FMR": 0.001}, "not supported", "passes"),  # both groups end at .0005
        ({"FMR": 0.00005}, "supported", "fails"),  # both groups begin at .0001
        ({"FMR": 0.0003}, "cannot tell with these data", "cannot be judged"),  # the limit lies inside both intervals
        ({"FMR": 0.001, "FNMR": 0.1}, "cannot tell with these data", "cannot be judged"),  # no missed person was counted
        ({}, "cannot tell with these data", "A verdict would need limits"),
    ],
)
def test_c12_is_judged_against_the_readers_own_limits_and_no_others(limits, verdict, says):
    found = limited(limits)
    assert list(found.values["verdicts"].values()) == [verdict]
    assert says in found.values["more"]


def test_the_highest_ratio_is_said_with_its_absolute_gap():
    rows = [("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR), ("FMR", "race=White|sex=Female", 1.1, 0.8, 1.4, UNCERTAIN)]
    row = ("p", "FMR", "people", "race=Black|sex=Female", REFERENCE, 0.2, 0.01, 0.19, 0.15, 0.23, "", "")
    gaps = pd.DataFrame([row], columns=list(TABLES["differences.csv"]))
    given = evidence(rows, tables={"differences": gaps})
    found = {finding.values["id"]: finding for finding in claims.judge(load("minneapolis-2021"), given)}
    said = found["C1"].values["reasons"][WOMEN]
    assert said.endswith("about 20 times (15 to 27), about 190 more in 1,000 (150 to 230)")
