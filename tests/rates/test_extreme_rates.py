"""Rates of 0 and of 1, groups without spread, people with one photo: results like any other, never an exception, a
warning or a false certainty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import people
from small_worlds import World, config, walk

from audit.findings.assessment import Assessment
from audit.rates.differentials import differentials
from audit.rates.every_rate import compute
from audit.stats.multiplicity import correlation_with_common_reference, simultaneous_level

ESTIMATES = {
    "rates": "rate",
    "differentials": "ratio",
    "differences": "difference",
    "references": "ratio",
    "summaries": "value",
}
EVERY = [
    {"kind": "vendor_default"},
    {"kind": "target_fmr", "target": 0.05},
    {"kind": "target_fmr", "target": 0.05, "over": "reference"},
    {"kind": "target_fmr", "target": 0.05, "over": "per_group"},
]


def check(found: Assessment) -> None:
    """Finite or empty; limits about the estimate and apart from each other; a note where there is no number."""
    tables = {"rates": found.rates, "differentials": found.differentials, **found.tables}
    for name, table in tables.items():
        numbers = table.select_dtypes("number").drop(columns=["threshold", "score_threshold"], errors="ignore")
        assert not np.isinf(numbers.to_numpy(np.float64)).any(), name
    for name, column in ESTIMATES.items():
        table = tables[name]
        whole = table.dropna(subset=[column, "low", "high"])
        assert (whole.low <= whole[column] + 1e-9).all(), name
        assert (whole[column] <= whole.high + 1e-9).all(), name
        assert (whole.low < whole.high).all(), name  # nobody knows a rate exactly
        bare = table[table[column].isna() | (table.low.isna() & table.high.isna())]
        assert (bare.note != "").all(), name


PLACES = ("g=A", "g=B"), ("g=A", "g=B", "g=C", "unlabelled"), ("r=A|s=F", "r=A|s=M", "r=B|s=F", "r=B|s=M")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, float, float, int]:
    names = draw(st.sampled_from(PLACES))
    people = draw(st.sampled_from([4, 7, 12, 35, 70]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    cell = np.concatenate([np.arange(len(names)), rng.integers(0, len(names), people - len(names))])
    photos = (np.ones(people, int), np.full(people, 2), rng.integers(1, 5, people))[draw(st.integers(0, 2))]
    other = tuple(rng.permutation(cell).tolist()) if draw(st.booleans()) else None
    spread, blur = draw(st.sampled_from([0.0, 0.3, 0.8, 3.0])), draw(st.sampled_from([1e-6, 0.25, 1.0]))
    world = World(tuple(photos.tolist()), tuple(cell.tolist()), names, spread, blur, int(rng.integers(1000)), other)
    return (
        world,
        draw(st.sampled_from([0.0, 0.05, 0.3, 1.2, 7.9])),
        draw(st.sampled_from([0.001, 0.05, 0.5])),
        draw(st.sampled_from([2, 5, 30])),
    )


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(worlds())
def test_any_small_world_is_assessed_without_a_warning(drawn: tuple[World, float, float, int]) -> None:
    world, threshold, target, minimum = drawn
    points = [
        {"kind": "fixed", "threshold": threshold},
        *EVERY,
        {"kind": "target_fmr", "target": target, "weighting": "comparisons"},
    ]
    check(walk(world, config(points, world.names[0], minimum=minimum)))


def everybody_matches() -> Assessment:
    cell = tuple(np.repeat([0, 1], [40, 35]).tolist())
    return walk(
        World((2,) * 75, cell, ("g=A", "g=B"), spread=0.3), config([{"kind": "fixed", "threshold": 7.9}], "g=A")
    )


def test_a_rate_of_one_in_both_groups_is_printed_with_a_one_sided_limit() -> None:
    found = everybody_matches()
    check(found)
    rows = found.rates[
        (found.rates.measure == "FMR") & (found.rates.weighting == "people") & (found.rates.other_group == "")
    ]
    rows = rows[rows.group.isin(["g=A", "g=B"])].set_index("group")
    assert rows.rate.tolist() == [1.0, 1.0]
    assert rows.high.tolist() == [1.0, 1.0]
    # 40 and 35 people are 20 and 17 disjoint pairs: .05^(1/20) and .05^(1/17)
    assert rows.low.tolist() == pytest.approx([0.05 ** (1 / 20), 0.05 ** (1 / 17)])


def test_no_spread_is_not_certainty() -> None:
    ratio = everybody_matches().differentials
    ratio = ratio[(ratio.measure == "FMR") & (ratio.weighting == "people")].iloc[0]
    assert ratio.ratio == 1.0
    assert ratio.low < 0.9
    assert ratio.high > 1.1


def test_correlations_without_any_spread_are_none_and_still_have_a_level() -> None:
    got = correlation_with_common_reference([0.0, 0.0, 0.3], 0.0)
    assert np.array_equal(got, np.eye(3))
    assert 0.95 < simultaneous_level(got, 0.95, seed=1) < 1 - 0.05 / 3 + 1e-12


def test_a_calibrated_ratio_of_two_rates_of_one_keeps_the_limits_of_an_uncalibrated_one() -> None:
    # Every comparison matches: the linearised variance is 0, which would say "no difference" of people nobody has met.
    rates = compute(people({"g=A": (20, 1.0, 1.0), "g=B": (12, 1.0, 1.0)}), minimum_subjects=2)
    plain = differentials(rates, "g=A", measures=("FMR", "FNMR"))
    calibrated = differentials(rates, "g=A", measures=("FMR", "FNMR"), calibrated={"t": ("g=A",)})
    for one, other in zip(plain, calibrated, strict=True):
        assert one.ratio[:3] == other.ratio[:3]
        if one.key.weighting == "people":
            assert one.ratio.low < 0.9
            assert one.ratio.high > 1.05
