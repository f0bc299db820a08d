"""Certainty only by its rule (METRICS 3.5): the rule itself on intervals, and planted people through tallies, rates
and ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted import people
from scipy.stats import norm

from audit.observations.tallies import Tallies
from audit.rates import differentials as ratios
from audit.rates import every_rate
from audit.rates.differentials import TOO_FEW, certainty
from audit.rates.every_rate import Key
from audit.stats.contrasts import Ratio
from audit.words.columns import TABLES
from audit.words.wording import CERTAINTIES, CLEAR, LIKELY, UNCERTAIN, no_larger_than

REFERENCE = "group=A"


def ratio(low: float, high: float) -> Ratio:
    return Ratio(math.sqrt(low * high) if low > 0 and math.isfinite(high) else math.nan, low, high, "MOVER on logs")


@pytest.mark.parametrize(
    ("plain", "family", "narrow", "alternatives", "says"),
    [
        ((1.5, 3), (1.3, 3.4), (1.6, 2.8), [], CLEAR),
        ((0.2, 0.6), (0.1, 0.8), (0.3, 0.5), [], CLEAR),
        ((1.5, 3), (1.3, 3.4), (1.6, 2.8), [(1.1, 9)], CLEAR),
        (
            (1.5, 3),
            (1.3, 3.4),
            (1.6, 2.8),
            [(1.1, 9), None],
            CLEAR,
        ),  # a source that labels nobody of the group is not at hand
        ((1.5, 3), (1.3, 3.4), (1.6, 2.8), [(0.9, 9)], LIKELY),  # one label source only
        ((1.5, 3), (1.3, 3.4), (1.6, 2.8), [(1.1, 9), (0.9, 9)], LIKELY),
        ((1.5, 3), (1.3, 3.4), (1.6, 2.8), [(0.2, 0.8)], LIKELY),  # the other source says the opposite
        ((0.2, 0.6), (0.1, 0.8), (0.3, 0.5), [(1.2, 3)], LIKELY),
        ((1.1, 3), (0.9, 3.4), (1.2, 2.8), [], LIKELY),  # only the pointwise interval
        ((1.1, 3), (0.9, 3.4), (1.2, 2.8), [(1.5, 2)], LIKELY),
        ((0.7, 1.6), (0.6, 1.8), (0.8, 1.5), [], no_larger_than(2)),
        ((0.4, 2.4), (0.3, 2.6), (0.5, 2.0), [], no_larger_than(2)),  # the limits belong to [1/k, k]
        ((0.4, 2.4), (0.3, 2.6), (0.49, 2.0), [], UNCERTAIN),
        ((0.4, 2.4), (0.3, 2.6), (0.5, 2.01), [], UNCERTAIN),
        ((0.1, 9), (0.05, 20), (0.2, 7), [(3, 9)], UNCERTAIN),
        ((0.0, 0.7), (0.0, 0.9), (0.0, 0.6), [], CLEAR),  # no error in the group, many in the reference
        ((0.0, 1.2), (0.0, 1.5), (0.0, 1.0), [], UNCERTAIN),
        ((1.4, math.inf), (1.1, math.inf), (1.5, math.inf), [], CLEAR),  # none in the reference
        ((0.8, math.inf), (0.7, math.inf), (0.9, math.inf), [], UNCERTAIN),
    ],
)
def test_the_rule_gives_its_phrase(plain, family, narrow, alternatives, says) -> None:
    others = [None if one is None else ratio(*one) for one in alternatives]
    assert certainty(ratio(*plain), ratio(*family), ratio(*narrow), others, 2.0) == says


def test_every_phrase_of_the_rule_is_explained() -> None:
    assert {CLEAR, LIKELY, UNCERTAIN, "no difference larger than ×k"} == set(CERTAINTIES)


def judged(data: Tallies, minimum: int = 10, **more) -> dict[tuple[str, str], ratios.Differential]:
    headline = every_rate.compute(data, minimum_subjects=minimum)
    others = {
        one.name: every_rate.compute(data, minimum_subjects=minimum, labelling=k)
        for k, one in enumerate(data.labellings)
        if k
    }
    found = ratios.differentials(headline, REFERENCE, alternatives=others, **more)
    return {(one.key.measure, one.key.group): one for one in found if one.key.weighting == "people"}


def test_a_planted_gap_is_clear_and_a_planted_equality_is_bounded() -> None:
    found = judged(people({"group=A": (150, 0.05, 0.2), "group=B": (150, 0.05, 0.2), "group=C": (150, 0.2, 0.2)}))
    assert found["FMR", "group=C"].certainty == CLEAR
    assert found["FMR", "group=C"].ratio.low < 4 < found["FMR", "group=C"].ratio.high
    assert found["FMR", "group=B"].certainty == no_larger_than(2)
    assert found["FNMR", "group=C"].certainty in (no_larger_than(2), UNCERTAIN)


def test_a_planted_gap_the_other_way_is_clear_too() -> None:
    found = judged(people({"group=A": (150, 0.2, 0.5), "group=B": (150, 0.05, 0.1)}))
    assert found["FMR", "group=B"].certainty == CLEAR
    assert found["FMR", "group=B"].ratio.high < 1
    assert found["FNMR", "group=B"].certainty == CLEAR
    assert found["FNMR", "group=B"].ratio.high < 1


def test_too_few_people_are_never_judged() -> None:
    found = judged(people({"group=A": (60, 0.05, 0.1), "group=B": (9, 0.6, 0.9)}))
    assert found["FMR", "group=B"].certainty == TOO_FEW
    assert "too few people in group=B" in found["FMR", "group=B"].note
    found = judged(people({"group=A": (9, 0.05, 0.1), "group=B": (60, 0.6, 0.9)}))
    assert found["FMR", "group=B"].certainty == TOO_FEW
    assert "too few people in group=A" in found["FMR", "group=B"].note


def test_no_errors_anywhere_gives_no_ratio_and_no_certainty() -> None:
    one = judged(people({"group=A": (60, 0.0, 0.0), "group=B": (60, 0.0, 0.0)}))["FMR", "group=B"]
    assert one.certainty == ""
    assert math.isnan(one.ratio.value)
    assert "no errors in either group" in one.note
    row = ratios.frame([one], 0.95).iloc[0]
    assert row[["ratio", "low", "high"]].isna().all()
    assert row.interval == ""


def test_no_errors_in_one_group_give_a_limit_without_a_ratio_that_is_made_up() -> None:
    data = people({"group=A": (60, 0.0, 0.0), "group=B": (60, 0.5, 0.5)})
    one = judged(data)["FMR", "group=B"]
    rates = every_rate.compute(data)
    a, b = (rates.values[Key("t", "FMR", "people", name)] for name in ("group=A", "group=B"))
    assert one.ratio.low == pytest.approx(b.low / a.high)
    assert a.high == pytest.approx(1 - 0.05 ** (1 / 30))  # 30 disjoint pairs among 60 people
    assert one.certainty == CLEAR
    row = ratios.frame([one], 0.95).iloc[0]
    assert math.isnan(row.ratio)
    assert math.isnan(row.high)
    assert row.low > 1
    assert "at least" in row.note


def test_the_bound_of_a_group_without_errors_is_wider_where_many_groups_are_judged_at_once() -> None:
    # 30 disjoint pairs: 1 - .05^(1/30) for one group alone, 1 - (.03/5)^(1/30) where five share the 3 % that clear
    # spends
    plan = {"group=A": (60, 0.2, 0.0)} | {f"group={name}": (60, 0.0, 0.0) for name in "BCDEF"}
    one = judged(people(plan))["FMR", "group=B"]
    low = every_rate.compute(people(plan)).values[Key("t", "FMR", "people", "group=A")].limits(0.994).low
    assert one.simultaneous.high == pytest.approx((1 - 0.006 ** (1 / 30)) / low)
    assert one.ratio.high < one.simultaneous.high


def test_the_interval_for_all_groups_at_once_is_wider_than_one_groups_and_narrower_than_bonferronis() -> None:
    plan = (
        {"group=A": (100, 0.05, 0.1)}
        | {f"group={name}": (100, 0.05, 0.1) for name in "BCDE"}
        | {"group=Z": (5, 0.05, 0.1)}
    )
    data = people(plan)
    found = judged(data)
    one = found["FMR", "group=B"]
    rates = every_rate.compute(data)
    key, reference = one.key, Key("t", "FMR", "people", REFERENCE)
    bonferroni = ratios.ratio_at(rates, key, reference, 1 - 0.03 / 4)  # Z has too few people and is not judged
    assert one.ratio.high < one.simultaneous.high < bonferroni.high
    # max-t by simulation: four ratios to one reference, each ln p_g a normal of its own; the level at which all four
    # hold 97 times in 100
    v = np.array([rates.values[Key("t", "FMR", "people", f"group={name}")] for name in "BCDE"], dtype=object)
    v = np.array([value.variance / value.rate**2 for value in v])
    base = rates.values[reference]
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((50_000, 4)) * np.sqrt(v) - rng.standard_normal((50_000, 1)) * np.sqrt(
        base.variance / base.rate**2
    )
    largest = np.abs(noise / np.sqrt(v + base.variance / base.rate**2)).max(axis=1)
    level = 2 * norm.cdf(np.quantile(largest, 0.97)) - 1
    assert one.simultaneous.high == pytest.approx(ratios.ratio_at(rates, key, reference, level).high, rel=0.02)


HOME = ["group=A"] * 150 + ["group=B"] * 150


@pytest.mark.parametrize(
    ("other", "says", "note"),
    [
        (HOME, CLEAR, ""),
        (
            ["group=A" if k % 2 else "group=B" for k in range(300)],
            LIKELY,
            "not confirmed with the labels of second",
        ),  # mixed at random
        (["group=B"] * 150 + ["group=A"] * 150, LIKELY, "not confirmed with the labels of second"),  # the opposite
        (
            ["group=A"] * 150 + ["unlabelled"] * 150,
            CLEAR,
            "too few people or errors to judge with the labels of second",
        ),
        (["group=A"] * 150 + ["group=C"] * 150, CLEAR, "too few people or errors to judge with the labels of second"),
        (
            ["group=A"] * 150 + ["unlabelled"] * 147 + ["group=B"] * 3,
            CLEAR,
            "too few people or errors to judge with the labels of second",
        ),  # three people have no vote
    ],
    ids=["agrees", "mixes", "opposes", "silent", "other words", "hardly any"],
)
def test_clear_must_stand_under_every_label_source_that_can_speak(other: list[str], says: str, note: str) -> None:
    plan = {"group=A": (150, 0.05, 0.2), "group=B": (150, 0.2, 0.2)}
    one = judged(people(plan, labels={"second": other}))["FMR", "group=B"]
    assert (one.certainty, one.note) == (says, note)


def test_columns_are_the_documented_ones_and_every_certainty_is_a_known_phrase() -> None:
    found = judged(people({"group=A": (150, 0.05, 0.2), "group=B": (150, 0.2, 0.2), "group=C": (5, 0.2, 0.2)}))
    frame = ratios.frame(list(found.values()), 0.95)
    assert list(frame.columns) == list(TABLES["differentials.csv"])
    assert set(frame.certainty) <= {CLEAR, LIKELY, UNCERTAIN, no_larger_than(2), TOO_FEW, ""}


def test_cells_are_compared_with_the_reference_and_coarser_groups_with_its_part() -> None:
    plan = {f"race={race}|sex={sex}": (30, 0.1, 0.1) for race in "AB" for sex in "FM"}
    rates = every_rate.compute(people(plan))
    found = ratios.differentials(rates, "race=B|sex=M", measures=("FMR",))
    pairs = {(one.key.group, one.reference) for one in found}
    assert pairs == {
        ("race=A|sex=F", "race=B|sex=M"),
        ("race=A|sex=M", "race=B|sex=M"),
        ("race=B|sex=F", "race=B|sex=M"),
        ("race=A", "race=B"),
        ("sex=F", "sex=M"),
    }
