"""The right sentence for planted people: no difference, a gap, the gap reversed, too few people, no errors; certainty
only by its rule."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from audit.findings import gap_words, gaps
from audit.findings.every_finding import find
from audit.findings.evidence import Tables
from audit.findings.finding import Finding
from audit.observations.tallies import Labelling, PointTally, Tallies
from audit.rates import differentials as ratios
from audit.rates import every_rate
from audit.rates.differences import differences
from audit.words import wording as say
from audit.words.columns import TABLES

REFERENCE = "race=B|sex=M"
POINT_COLUMNS = list(TABLES["operating_points.csv"])


def plant(
    plan: dict[str, tuple[int, float, float]], *, photos: int = 2, minimum: int = 10, lost: int = 0, **more: object
) -> Tables:
    """``plan``: cell -> (people, FMR inside it, FNMR); every number in the tables comes from the product's own rates
    and ratios."""
    rng = np.random.default_rng(11)
    names = tuple(plan)
    home = np.repeat(np.arange(len(names)), [count for count, _, _ in plan.values()])
    i, j = (part.astype(np.int32) for part in np.triu_indices(len(home), 1))
    chance = np.where(home[i] == home[j], np.array([fmr for _, fmr, _ in plan.values()])[home[i]], 0.0)
    pairs = photos * (photos - 1) // 2
    points = []
    for name, scale in (("vendor_default", 1.0), ("threshold=0.4", 0.25)):
        e = rng.binomial(photos**2, chance * scale).astype(np.int32)
        f = rng.binomial(pairs, np.array([miss for _, _, miss in plan.values()])[home]).astype(np.int32)
        points.append(PointTally(name, -0.5, i[e > 0], j[e > 0], e[e > 0], f))
    n = np.full(len(home), photos, dtype=np.int32)
    tried = n.copy()
    tried[:lost] += 1
    data = Tallies(tried, n, (Labelling("headline", names, home.astype(np.int16)),), tuple(points))
    rates = every_rate.compute(data, minimum_subjects=minimum)
    found = ratios.frame(ratios.differentials(rates, REFERENCE), 0.95)
    operating = pd.DataFrame(
        [
            ("vendor_default", "vendor_default", "", math.nan, "", 0.6, "distance", -0.6, 0.02, 0.02),
            ("threshold=0.4", "fixed", "", math.nan, "", 0.4, "distance", -0.4, 0.01, 0.01),
        ],
        columns=POINT_COLUMNS,
    )
    rows = []
    for k, name in enumerate(names):
        mine = home == k
        got, asked = int(n[mine].sum()), int(tried[mine].sum())
        rows.append((name, int(mine.sum()), int(mine.sum()) if photos > 1 else 0, asked, got, asked - got))
    given = pd.DataFrame(rows, columns=["group", "subjects", "subjects_with_two", "samples", "acquired", "no_face"])
    acquisition = given.reindex(columns=list(TABLES["acquisition.csv"]), fill_value=0)
    settings = {"reference": REFERENCE, "much": 2.0, "minimum_subjects": minimum, "confidence": 0.95}
    gaps = differences(rates, REFERENCE)
    return Tables(every_rate.frame(rates), found, acquisition, operating, **{**settings, "differences": gaps, **more})


def said(plan: dict[str, tuple[int, float, float]], **more: object) -> dict[str, Finding]:
    return {finding.key: finding for finding in find(plant(plan, **more))}


def cells(
    default: tuple[int, float, float], **others: tuple[int, float, float]
) -> dict[str, tuple[int, float, float]]:
    names = {"af": "race=A|sex=F", "am": "race=A|sex=M", "bf": "race=B|sex=F", "bm": REFERENCE}
    return {name: others.get(short, default) for short, name in names.items()}


def test_the_answer_comes_first_and_every_kind_is_there() -> None:
    found = find(plant(cells((120, 0.05, 0.2))))
    assert [one.key for one in found][:2] == ["false_positive_differential", "false_negative_differential"]
    assert {one.kind for one in found} == {"differential", "level", "acquisition", "people", "threshold"}


def test_no_difference_is_said_as_a_bound_and_never_as_equal() -> None:
    one = said(cells((150, 0.05, 0.2)))["false_positive_differential"]
    assert one.certainty == say.no_larger_than(2)
    assert "no difference larger than ×2 in wrong person errors" in one.statement
    assert not re.search(r"\b(equal|fair|unbiased|same accuracy)\b", one.statement)


def test_a_planted_gap_is_named_with_group_direction_rates_ratio_and_certainty() -> None:
    plan = cells((120, 0.02, 0.1), af=(120, 0.2, 0.1))
    one = said(plan)["false_positive_differential"]
    assert one.certainty == say.CLEAR
    assert "much more often for people recorded as A women than for people recorded as B men" in one.statement
    assert "a clear difference" in one.statement
    assert one.values["group"] == "race=A|sex=F"
    assert one.values["much"] is True
    ratio = one.values["ratio"]
    assert ratio["low"] < 10 < ratio["high"]
    rates = plant(plan).rates.set_index(["operating_point", "measure", "weighting", "group", "other_group"]).rate
    rate = rates["vendor_default", "FMR", "people", "race=A|sex=F", ""]
    assert (
        f"about {say.out_of(rate, one.values['per'])} of {one.values['per']:,} random pairs of different people"
        in one.statement
    )


def test_the_reversed_gap_says_less_often_and_keeps_the_group_first() -> None:
    one = said(cells((120, 0.02, 0.1), bm=(120, 0.2, 0.1)))["false_positive_differential"]
    assert one.certainty == say.CLEAR
    assert one.values["worst_is_reference"] is True
    assert re.search(
        r"much less often for people recorded as \w+ (wo)?men than for people recorded as B men", one.statement
    )
    assert "more often" not in one.statement


def test_a_missed_person_gap_is_found_in_its_own_finding_and_never_mixed() -> None:
    found = said(cells((150, 0.05, 0.05), am=(150, 0.05, 0.5)))
    assert found["false_negative_differential"].certainty == say.CLEAR
    assert (
        "failed to recognise two photos of one person much more often for people recorded as A men"
        in found["false_negative_differential"].statement
    )
    assert found["false_positive_differential"].certainty not in (say.CLEAR, say.LIKELY)


def test_groups_that_differ_the_other_way_are_named_with_their_direction() -> None:
    one = said(cells((120, 0.05, 0.1), af=(120, 0.3, 0.1), am=(120, 0.25, 0.1), bf=(120, 0.005, 0.1)))[
        "false_positive_differential"
    ]
    assert one.certainty == say.CLEAR
    assert (
        "A clear difference was also found for people recorded as A men (more often) and for "
        "people recorded as B women (less often)." in one.statement
    )


def test_groups_that_differ_the_same_way_are_named_without_it() -> None:
    one = said(cells((120, 0.02, 0.1), af=(120, 0.3, 0.1), am=(120, 0.25, 0.1)))["false_positive_differential"]
    assert re.search(r"also found for people recorded as A (wo)?men\.", one.statement)


def test_much_needs_the_config_s_ratio_at_the_lower_limit() -> None:
    plan = cells((150, 0.05, 0.1), af=(150, 0.11, 0.1))
    low = said(plan)["false_positive_differential"].values["ratio"]["low"]
    assert 1 < low < 2
    assert " much " not in said(plan)["false_positive_differential"].statement
    assert " much more often" in said(plan, much=low - 0.01)["false_positive_differential"].statement


def test_too_few_people_are_said_to_be_too_few() -> None:
    found = said(cells((8, 0.3, 0.3)))
    one = found["false_positive_differential"]
    assert one.statement.startswith("Too few people to compare groups for wrong person errors")
    assert one.certainty == say.UNCERTAIN
    assert "Groups too small to judge (under 10 people)" in found["people"].statement


def test_one_group_with_too_few_people_does_not_silence_the_others() -> None:
    one = said(cells((120, 0.02, 0.1), af=(120, 0.2, 0.1), am=(5, 0.9, 0.9)))["false_positive_differential"]
    assert one.certainty == say.CLEAR
    assert "A men" not in one.statement


def test_no_error_anywhere_is_said_without_a_ratio() -> None:
    found = said(cells((60, 0.0, 0.0)))
    one = found["false_positive_differential"]
    assert "no wrong person errors were seen from which groups could be compared" in one.statement
    assert one.certainty == say.UNCERTAIN
    assert "none seen among" in found["level"].statement
    assert "could be up to" in found["level"].statement


def test_no_error_in_one_group_is_at_most_and_in_the_reference_at_least() -> None:
    one = said(cells((60, 0.3, 0.1), af=(60, 0.0, 0.1)))["false_positive_differential"]
    assert "none seen among 1,770 pairs of people" in one.statement  # 60 * 59 / 2
    assert re.search(r"That is at most 0\.\d+ times the rate", one.statement)
    assert "about 0 times" not in one.statement
    one = said(cells((60, 0.3, 0.1), bm=(60, 0.0, 0.1)))["false_positive_differential"]
    assert re.search(r"That is at least [\d.]+ times the rate", one.statement)
    assert "against none seen among 1,770 pairs of people" in one.statement


def test_a_benchmark_of_one_photo_a_person_cannot_show_missed_persons() -> None:
    found = said(cells((60, 0.1, 0.1)), photos=1)
    assert "cannot show missed person errors" in found["false_negative_differential"].statement
    assert found["false_negative_differential"].certainty == say.UNCERTAIN
    assert "missed person" not in found["level"].statement


def test_too_uncertain_to_say_does_not_mean_equal_and_says_so() -> None:
    one = said(cells((14, 0.05, 0.1)))["false_positive_differential"]
    assert one.certainty == say.UNCERTAIN
    assert "too uncertain to say" in one.statement
    assert any("does not mean equal" in caveat for caveat in one.caveats)


@pytest.mark.parametrize("default", [(150, 0.05, 0.2), (14, 0.05, 0.1), (60, 0.0, 0.0), (8, 0.3, 0.3)])
def test_every_certainty_is_one_of_four_phrases_and_evidence_leads_to_rows(default: tuple[int, float, float]) -> None:
    made = plant(cells(default, af=(default[0], min(1.0, 6 * default[1]), default[2])))
    frames = {
        "rates": made.rates,
        "differentials": made.differentials,
        "acquisition": made.acquisition,
        "differences": made.differences,
    }
    for one in find(made):
        assert one.certainty in ("", say.CLEAR, say.LIKELY, say.UNCERTAIN, say.no_larger_than(2))
        for evidence in one.evidence:
            table, _, columns = evidence.partition(":")
            frame = frames[table]
            for column in columns.split(";"):
                name, _, value = column.partition("=")
                frame = frame[frame[name].astype(str) == value]
            assert len(frame) == 1, evidence


def test_clear_is_never_said_where_the_ratios_table_does_not_say_it() -> None:
    for default in ((150, 0.05, 0.2), (40, 0.05, 0.2), (14, 0.05, 0.1)):
        made = plant(cells(default, af=(default[0], 0.12, default[2])))
        for one in find(made):
            if one.certainty in (say.CLEAR, say.LIKELY):
                rows = made.differentials[
                    (made.differentials.certainty == one.certainty) & (made.differentials.weighting == "people")
                ]
                assert one.values["group"] in set(rows.group)


def test_a_gap_names_its_label_caveat() -> None:
    one = said(cells((120, 0.02, 0.1), af=(120, 0.2, 0.1)))["false_positive_differential"]
    assert any("does not cover mistakes in the labels" in caveat for caveat in one.caveats)


def test_photos_that_never_got_in_are_counted_and_the_worst_group_named() -> None:
    found = said(cells((60, 0.1, 0.1)), lost=30)
    statement = found["acquisition"].statement
    assert statement.startswith(
        "The matcher made no template from 30 of 510 photos."
    )  # 240 people with two photos, and 30 more tried
    assert "highest for people recorded as A women" in statement
    assert said(cells((60, 0.1, 0.1)))["acquisition"].statement == "The matcher made no template from 0 of 480 photos."


def test_people_without_a_label_are_counted_apart() -> None:
    found = said({**cells((60, 0.1, 0.1)), "unlabelled": (17, 0.1, 0.1)})
    assert "240 people with labels in 4 groups were compared" in found["people"].statement
    assert "17 people without one agreed label are counted apart." in found["people"].statement
    found = said({**cells((60, 0.1, 0.1)), "unlabelled": (1, 0.1, 0.1)})
    assert "1 person without one agreed label is counted apart." in found["people"].statement


def test_the_unlabelled_are_never_compared_with_the_reference() -> None:
    one = said({**cells((80, 0.02, 0.1)), "unlabelled": (80, 0.9, 0.9)})["false_positive_differential"]
    assert "without one agreed label" not in one.statement
    assert one.certainty not in (say.CLEAR, say.LIKELY)


def test_each_further_threshold_has_its_own_finding() -> None:
    found = said(cells((120, 0.02, 0.1), af=(120, 0.3, 0.1)))
    one = found["at:threshold=0.4"]
    assert one.kind == "threshold"
    assert "distance 0.4" in one.statement
    assert "distance 0.6" in found["false_positive_differential"].statement


def test_the_absolute_gap_follows_the_ratio_in_the_same_denominator_and_leads_to_its_row() -> None:
    plan = {"race=A|sex=M": (90, 0.4, 0.1), "race=B|sex=M": (120, 0.05, 0.1)}
    one = said(plan)["false_positive_differential"]
    found = re.search(
        r"about ([\d,]+) of ([\d,]+) random pairs .*against about ([\d,]+) of .* It is about ([\d,]+) more in ([\d,]+) \(",
        one.statement,
    )
    assert found is not None, one.statement
    high, per, low, gap, again = (int(word.replace(",", "")) for word in found.groups())
    assert per == again
    assert gap == pytest.approx(high - low, abs=0.03 * high)  # each at two digits
    assert any(
        key.startswith("differences:operating_point=vendor_default;measure=FMR;weighting=people;group=race=A|sex=M")
        for key in one.evidence
    )
    assert one.values["difference"]["difference"] == pytest.approx(
        one.values["rate"]["rate"] - one.values["reference_rate"]["rate"]
    )


def test_without_a_table_of_differences_the_ratio_stands_alone() -> None:
    plan = {"race=A|sex=M": (90, 0.4, 0.1), "race=B|sex=M": (120, 0.05, 0.1)}
    assert "It is about" not in said(plan, differences=None)["false_positive_differential"].statement


def test_what_chance_alone_calls_likely_is_said_of_so_many_groups() -> None:

    rows = [("t", "FMR", "people", f"g={name}", "g=A", "likely difference") for name in "BCD"]
    columns = ["operating_point", "measure", "weighting", "group", "reference", "certainty"]
    tables = SimpleNamespace(differentials=pd.DataFrame(rows, columns=columns), reference="g=A", confidence=0.95)
    said = gap_words.by_chance(tables, tables.differentials.iloc[0], "FMR")
    assert "all 3 groups" in said
    assert "up to 14 of 100 tests" in said  # 1 - .95^3 = .1426


def test_every_sentence_with_an_interval_says_that_families_would_widen_it() -> None:
    one = Finding(
        "acquisition",
        "acquisition",
        "Highest for A: about 12 of 1,000 photos (8 to 19, 95 %; 60 people).",
        ("rates:group=A",),
    )
    bound = Finding("level", "level", "None seen; the true rate could be up to 3 in 1,000.", ("rates:group=A",))
    plain = Finding(
        "people",
        "people",
        "60 people with labels in 2 groups were compared with each other.",
        ("acquisition:group=A",),
    )
    said = gaps.beside_intervals([one, bound, plain])
    assert [gaps.FAMILY_CAVEAT in finding.caveats for finding in said] == [True, True, False]
    assert gaps.beside_intervals(said) == said


def test_the_share_of_photos_without_a_template_says_so_too() -> None:
    found = find(plant({"race=A|sex=M": (60, 0.1, 0.2), "race=B|sex=M": (60, 0.1, 0.2)}, lost=7))
    acquisition = next(one for one in found if one.key == "acquisition")
    assert gaps.FAMILY_CAVEAT in acquisition.caveats, acquisition.statement
