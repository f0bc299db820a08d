"""Claims: verdicts follow from rows by written rules."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.base.errors import ConfigError
from audit.findings import claims
from audit.findings.register import load
from audit.words.columns import TABLES
from audit.words.wording import CLEAR, LIKELY, UNCERTAIN

COLUMNS = [
    "operating_point",
    "measure",
    "weighting",
    "group",
    "reference",
    "ratio",
    "low",
    "high",
    "interval",
    "certainty",
    "note",
]
REFERENCE = "race=White|sex=Male"
ALIKE = "no difference larger than ×2"
NAN = float("nan")


def evidence(rows, **changes):
    """Rows: measure, group, ratio, low, high, certainty, and the group it is compared with where that is not the
    reference."""
    frame = pd.DataFrame(
        [
            ("p", row[0], "people", row[1], row[6] if len(row) > 6 else REFERENCE, *row[2:5], "", row[5], "")
            for row in rows
        ],
        columns=COLUMNS,
    )
    rates = pd.DataFrame(columns=list(TABLES["rates.csv"]))
    given = {"point": "p", "reference": REFERENCE, "differentials": frame, "rates": rates, "tables": {}} | changes
    return claims.Evidence(**given)


def verdicts(rows, claim="C1", **changes):
    found = {
        finding.values["id"]: finding for finding in claims.judge(load("minneapolis-2021"), evidence(rows, **changes))
    }
    return found[claim].values["verdicts"]


COLOR = "wrong person, people of color"
WHOLE, WITHIN = "wrong person, women against men, as a whole", "wrong person, women against men, within each race"


def women(race, *numbers, measure="FMR"):
    """Women of a race held against men of that race."""
    return (measure, f"race={race}|sex=Female", *numbers, f"race={race}|sex=Male")


def test_clear_and_much_in_half_the_groups_supports_a_claim():
    rows = [
        women("Black", 20.0, 15.0, 27.0, CLEAR),
        women("White", 1.1, 0.8, 1.4, UNCERTAIN),
        ("FMR", "race=Black|sex=Male", 3.0, 2.1, 4.0, CLEAR),
    ]
    assert verdicts(rows)[WITHIN] == claims.SUPPORTED
    assert verdicts(rows)[COLOR] == claims.SUPPORTED


def test_women_of_one_race_over_men_of_another_say_nothing_of_women():
    rows = [("FMR", f"race={race}|sex=Female", 20.0, 15.0, 27.0, CLEAR) for race in ("Black", "Asian")]
    found = verdicts(rows)
    assert (found[WHOLE], found[WITHIN], found[COLOR]) == (claims.CANNOT_TELL, claims.CANNOT_TELL, claims.SUPPORTED)


def test_women_are_held_against_men_as_a_whole_too_and_every_ratio_is_said():
    rows = [
        ("FMR", "sex=Female", 1.286, 1.13, 1.469, LIKELY, "sex=Male"),
        women("White", 1.55, 1.2, 1.9, LIKELY),
        women("Asian", 0.69, 0.5, 0.96, LIKELY),
    ]
    c1 = next(one for one in claims.judge(load("minneapolis-2021"), evidence(rows)) if one.values["id"] == "C1")
    assert c1.values["reasons"][WHOLE] == "Women about 1.3 times (1.1 to 1.5), likely difference"
    assert c1.values["reasons"][WITHIN] == (
        "Asian women about 0.69 times (0.5 to 0.96), likely difference; White women about 1.6 "
        "times (1.2 to 1.9), likely difference"
    )


def test_other_races_stand_in_the_table_of_other_references():
    frame = evidence([women("Black", 3.0, 2.5, 4.0, CLEAR)]).differentials
    c1 = next(
        one
        for one in claims.judge(load("minneapolis-2021"), evidence([], tables={"references": frame}))
        if one.values["id"] == "C1"
    )
    assert c1.values["verdicts"][WITHIN] == claims.SUPPORTED
    assert [key.partition(":")[0] for key in c1.evidence] == ["references"]


@pytest.mark.parametrize(
    ("group", "reference"),
    [
        ("race=Black|sex=Female|age=20-29", "race=Black|sex=Male|age=30-39"),
        ("race=Black|sex=Female", "race=White|sex=Male"),
        ("race=Black|sex=Female", "race=Black|sex=Female"),
        ("race=Black|sex=Female", "race=Black|sex=Unknown"),
        ("race=Black|sex=Male", "race=Black|sex=Female"),
        ("race=Black|sex=Female", "sex=Male"),
        ("race=Black|sex=Female", "race=White|sex=Female"),
    ],
)
def test_only_groups_that_differ_in_the_claims_attribute_alone_are_held_against_each_other(group, reference):
    part = load("minneapolis-2021").claims[0].parts[0]
    assert not part.held_against(group, reference)
    assert part.held_against("age=20-29|gender=F", "age=20-29|gender=M")


def test_a_clear_gap_that_is_not_much_does_not_support_it():
    assert verdicts([women("Black", 1.6, 1.3, 1.9, CLEAR)])[WITHIN] == claims.CANNOT_TELL


def test_a_likely_gap_does_not_support_it():
    assert verdicts([women("Black", 9.0, 4.0, 20.0, LIKELY)])[WITHIN] == claims.CANNOT_TELL


def test_one_group_with_clearly_fewer_errors_stands_against_support():
    assert (
        verdicts([women("Black", 20.0, 15.0, 27.0, CLEAR), women("White", 0.4, 0.2, 0.6, CLEAR)])[WITHIN]
        == claims.CANNOT_TELL
    )


@pytest.mark.parametrize("row", [(0.3, 0.2, 0.5, CLEAR), (1.1, 0.8, 1.5, ALIKE)])
def test_fewer_errors_or_a_bounded_gap_do_not_support_it(row):
    assert verdicts([women("Black", *row)])[WITHIN] == claims.NOT_SUPPORTED


@pytest.mark.parametrize("certainty", ["too few people", "", UNCERTAIN])
def test_without_enough_people_or_errors_nobody_can_tell(certainty):
    assert verdicts([women("Black", NAN, NAN, NAN, certainty)])[WITHIN] == claims.CANNOT_TELL


def test_each_error_is_judged_by_itself():
    found = verdicts([women("Black", 20.0, 15.0, 27.0, CLEAR), women("Black", 0.3, 0.2, 0.5, CLEAR, measure="FNMR")])
    assert (found[WITHIN], found["missed person, women against men, within each race"]) == (
        claims.SUPPORTED,
        claims.NOT_SUPPORTED,
    )


def test_only_the_headline_people_weighting_and_the_reference_count():
    rows = evidence([("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR)])
    assert verdicts([], differentials=rows.differentials)[COLOR] == claims.SUPPORTED
    for column, other in (("operating_point", "q"), ("weighting", "comparisons"), ("reference", "sex=Male")):
        frame = rows.differentials.assign(**{column: other})
        assert verdicts([], differentials=frame)[COLOR] == claims.CANNOT_TELL


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
    ("ratios", "verdict"),
    [((3.0, 2.5), claims.SUPPORTED), ((1.5, 1.8), claims.NOT_SUPPORTED), ((1.5, 1.6, 3.0), claims.CANNOT_TELL)],
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
    assert [finding.values["id"] for finding in found] == [
        "C1",
        "C2",
        "C3",
        "C4",
        "C5",
        "C6",
        "C7",
        "C8",
        "C9",
        "C10",
        "C11",
        "C12",
        "C15",
    ]
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
        'version = 1\ntitle = "Mine"\n[[claims]]\nid = "A1"\nquote = "it works"\nsource = "a '
        'letter"\nquestion = "Does it?"\n'
        'rule = "out_of_scope"\nneeds = ""\n'
    )
    assert load(str(path)).claims[0].id == "A1"


@pytest.mark.parametrize(
    "text", ["version = 1", "not toml", 'version = 1\ntitle = "x"\nclaims = [{ id = "A", rule = "unknown" }]']
)
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
        ("p", "FMR", "people", group, "", 5, 10_000, 100, (low + high) / 2, low, high, "", 1.0, "")
        for group in (REFERENCE, "race=Black|sex=Male")
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
        (
            {"FMR": 0.001, "FNMR": 0.1},
            "cannot tell with these data",
            "cannot be judged",
        ),  # no missed person was counted
        ({}, "cannot tell with these data", "A verdict would need limits"),
    ],
)
def test_c12_is_judged_against_the_readers_own_limits_and_no_others(limits, verdict, says):
    found = limited(limits)
    assert list(found.values["verdicts"].values()) == [verdict]
    assert says in found.values["more"]


def test_the_highest_ratio_is_said_with_its_absolute_gap():
    rows = [
        ("FMR", "race=Black|sex=Female", 20.0, 15.0, 27.0, CLEAR),
        ("FMR", "race=White|sex=Female", 1.1, 0.8, 1.4, UNCERTAIN),
    ]
    row = ("p", "FMR", "people", "race=Black|sex=Female", REFERENCE, 0.2, 0.01, 0.19, 0.15, 0.23, "", "")
    gaps = pd.DataFrame([row], columns=list(TABLES["differences.csv"]))
    given = evidence(rows, tables={"differences": gaps})
    found = {finding.values["id"]: finding for finding in claims.judge(load("minneapolis-2021"), given)}
    said = found["C1"].values["reasons"][COLOR]
    assert said.endswith("about 20 times (15 to 27), about 190 more in 1,000 (150 to 230)")


@pytest.mark.parametrize(
    ("group", "other", "says"),
    [
        ("race=Black|sex=Female", "race=Black|sex=Male", True),
        ("race=Asian|sex=Female", "race=White|sex=Female", True),
        (
            "race=Asian|sex=Male",
            "race=Black|sex=Male",
            False,
        ),  # both unlike the reference in the attribute they differ in
        ("race=Asian|sex=Female", "race=Black|sex=Male", False),
        ("race=Black", "race=Black|sex=Male", False),
        ("race=Black|sex=Male", "race=Black|sex=Male", False),
    ],
)
def test_at_further_thresholds_only_cells_that_differ_in_one_attribute_are_compared(group, other, says):
    from audit.findings.assess import _next_to

    assert _next_to(group, other, REFERENCE) is says
