"""What remains at matched quality, in words: never an explanation, never a cause."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.findings import quality
from audit.findings.claim_rows import CANNOT_TELL, Evidence
from audit.findings.claims import judge
from audit.findings.overrides import find_corrected
from audit.findings.register import load
from audit.rates import quality_matched

POINT = {"operating_point": "vendor_default", "protocol": "vendor_default", "unit": "distance", "threshold": 0.6}
REFERENCE = "race=White|sex=Male"
WAY = "face_pixels and photo_sharpness"


def row(group: str, outcome: str, ratio: float = 3.0, way: str = WAY, measure: str = "FMR") -> dict[str, object]:
    return {
        "operating_point": "vendor_default",
        "measure": measure,
        "weighting": "people",
        "group": group,
        "reference": REFERENCE,
        "matched_on": way,
        "ratio_before": 4.0,
        "low_before": 3.0,
        "high_before": 5.5,
        "ratio": ratio,
        "low": ratio / 2,
        "high": ratio * 2,
        "outcome": outcome,
    }


def test_the_sentence_names_who_remains_who_is_uncertain_and_what_was_matched() -> None:
    table = pd.DataFrame(
        [
            row("race=Asian|sex=Male", quality.REMAINS, 3.0),
            row("race=Black|sex=Male", quality.REMAINS, 7.0),
            row("race=Asian|sex=Female", quality.AWAY),
            row("race=Indian|sex=Male", ""),
            row("race=Asian|sex=Female", quality.REMAINS, way="face_pixels"),
            row("race=Black|sex=Female", quality.REMAINS, measure="FNMR"),
        ]
    )
    found = quality.find_matched(table, POINT, REFERENCE)
    assert found is not None
    assert found.statement == (
        "At the vendor's default threshold (distance 0.6), groups were compared again at matched "
        "size of the face and sharpness of the photo. "
        "The gap in wrong-person errors remains after matching for people recorded as Asian men and Black men: "
        "for people recorded as Black men it is about 7 times (3.5 to 14), and was about 4 times (3 to 5.5) before. "
        "It is too uncertain to say after matching for people recorded as Asian women."
    )
    assert found.caveats == (quality.CAVEAT,)
    assert len(found.evidence) == 3
    assert all("explain" not in text for text in (found.statement, *found.caveats))


def test_matching_on_the_brightness_of_faces_brings_its_caveat() -> None:
    found = quality.find_matched(
        pd.DataFrame([row("race=Asian|sex=Male", quality.REMAINS, way="face_pixels and brightness")]), POINT, REFERENCE
    )
    assert found is not None
    assert quality.SKIN in found.caveats


@pytest.mark.parametrize(
    "rows", [[row("race=Asian|sex=Male", "")], [row("race=Asian|sex=Male", quality.REMAINS, measure="FNMR")]]
)
def test_nothing_judged_is_nothing_said(rows: list[dict[str, object]]) -> None:
    assert quality.find_matched(pd.DataFrame(rows), POINT, REFERENCE) is None


def test_words_and_table_speak_of_the_same_outcomes() -> None:
    assert (quality.REMAINS, quality.AWAY) == (quality_matched.REMAINS, quality_matched.AWAY)


def test_the_claim_about_the_software_itself_gets_numbers_and_no_verdict() -> None:
    table = pd.DataFrame([row("race=Asian|sex=Male", quality.REMAINS)])
    empty = pd.DataFrame(
        columns=["operating_point", "measure", "weighting", "group", "reference", "certainty", "ratio", "low", "high"]
    )
    evidence = Evidence("vendor_default", REFERENCE, empty, empty.assign(other_group=""), {"quality_matched": table})
    found = {finding.values["id"]: finding for finding in judge(load("minneapolis-2021"), evidence)}["C3"]
    assert "remains after matching" in found.statement
    assert "association, not a cause" in found.statement
    assert set(found.values["verdicts"].values()) == {CANNOT_TELL}
    assert found.evidence


def corrections(**ratio: float) -> pd.DataFrame:
    rows = [
        {
            "overrides": which,
            "operating_point": "vendor_default",
            "measure": "FMR",
            "weighting": "people",
            "group": "race=Asian|sex=Male",
        }
        | {"reference": REFERENCE, "low": 0.01, "ratio": value, "ratio_low": value / 2, "ratio_high": value * 2}
        for which, value in ratio.items()
    ]
    return pd.DataFrame(rows)


def test_a_corrected_benchmark_says_the_answer_with_and_without() -> None:
    table = pd.concat([corrections(without=8.0), corrections(**{"with": 6.0})])
    facts = {"pairs_looked_at": 12, "pairs_of_people_merged": 1, "samples_excluded": 2}
    found = find_corrected(table, facts, POINT, REFERENCE)
    assert found is not None
    assert found.statement == (
        "People looked at 12 pairs of this benchmark's photos: 1 pair of people turned out to be "
        "one person and 2 photos were taken out. At the "
        "vendor's default threshold (distance 0.6), the rate of wrong-person errors for people "
        "recorded as Asian men is about 6 times (3 to 12) that "
        "for people recorded as White men; without these corrections it would be about 8 times (4 to 16)."
    )
    assert len(found.evidence) == 2


def test_looking_without_changing_is_said_too() -> None:
    table = pd.concat([corrections(without=8.0), corrections(**{"with": 8.0})])
    found = find_corrected(table, {"pairs_looked_at": 1}, POINT, REFERENCE)
    assert found is not None
    assert found.statement.startswith("People looked at 1 pair of this benchmark's photos: nothing was changed.")
