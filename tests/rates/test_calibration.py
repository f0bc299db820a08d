"""The slope behind a calibrated threshold: from the curve alone, so that no
operating point moves another's numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from small_worlds import World, config, tallied, walk

from audit.observations.tallies import CURVE, Labelling, PointTally, Tallies
from audit.rates import calibration
from audit.rates.differentials import ratio_at
from audit.rates.every_rate import Key, compute

TARGETS = [
    {"kind": "target_fmr", "target": 0.05},
    {"kind": "target_fmr", "target": 0.05, "over": "reference"},
    {"kind": "fixed", "threshold": 0.1},
]
FURTHER = [
    {"kind": "target_fmr", "target": 0.05, "weighting": "comparisons"},  # a hair from the first
    {"kind": "fixed", "threshold": 1.0},
    {"kind": "fixed", "threshold": 1.0001},
    {"kind": "fixed", "threshold": 7.9},
    {"kind": "vendor_default"},
]


def world() -> World:
    rng = np.random.default_rng(3)
    cell = np.repeat([0, 1, 2], [60, 50, 40])
    return World(tuple(rng.integers(1, 4, 150).tolist()), tuple(cell.tolist()), ("g=A", "g=B", "g=C"))


def test_any_further_operating_points_leave_every_other_row_the_same_bytes() -> None:
    alone, among = (
        walk(world(), config(points, "g=A", minimum=5)) for points in (TARGETS, [*FURTHER[:2], *TARGETS, *FURTHER[2:]])
    )
    ids = set(alone.operating_points.operating_point)
    seen = 0
    for name, table in {"rates": alone.rates, "differentials": alone.differentials, **alone.tables}.items():
        other = getattr(among, name) if name in ("rates", "differentials") else among.tables[name]
        if "operating_point" in table:
            table, other = (one[one.operating_point.isin(ids)] for one in (table, other))
        if name in (
            "references",
            "equity",
        ):  # ratios at the headline point, which is another here; "best" compares points by its meaning
            continue
        if name == "curves":
            other = other.merge(table[["group", "weighting", "score_threshold"]])
        pd.testing.assert_frame_equal(
            table.reset_index(drop=True), other.reset_index(drop=True), check_exact=True, obj=name
        )
        seen += len(table)
    assert seen > 300
    noted = alone.differentials[alone.differentials.operating_point.str.startswith("fmr")]
    assert (
        noted.interval.str.startswith("delta on logs")
    ).sum() >= 4  # the calibration was in it, so there was something to disturb


def ladder(h: float, base: float, people: int = 200) -> Tallies:
    """FMR(T) = base·exp(-h T) at T = 0, .01, ..., exactly as many pairs as that asks for; the operating point lies at
    .1."""
    i, j = (part.astype(np.int32) for part in np.triu_indices(people, 1))
    order = np.random.default_rng(1).permutation(len(i))
    none = np.zeros(people, np.int32)

    def at(name: str, threshold: float) -> PointTally:
        hit = np.sort(order[: round(base * math.exp(-h * threshold) * len(i))])
        return PointTally(name, threshold, i[hit], j[hit], np.ones(len(hit), np.int32), none)

    curve = tuple(at(f"{CURVE}{k}", k / 100) for k in range(21))
    one = np.ones(people, np.int32)
    return Tallies(
        one, one, (Labelling("headline", ("g=A",), none.astype(np.int16)),), (at("t", 0.1), at("close", 0.1001)), curve
    )


def test_the_slope_is_that_of_the_tail_however_close_another_point_lies() -> None:
    rates = compute(ladder(20.0, 0.1))
    whole = np.ones((1, 1), bool)
    assert calibration.slope(rates, "t", "people", whole) == pytest.approx(20, rel=0.02)
    assert calibration.slope(rates, "close", "people", whole) == pytest.approx(20, rel=0.02)


def test_a_window_holds_thirty_errors_between_its_ends_or_there_is_no_slope() -> None:
    # 19,900 pairs: at base .1 some 270 lie between T = .1 and .2; at base .002 there are 42 at 0 and 10 at .07, at
    # base .0015 only 30 at all.
    whole = np.ones((1, 1), bool)
    assert math.isnan(calibration.slope(compute(ladder(20.0, 0.001)), "t", "people", whole))
    assert math.isnan(calibration.slope(compute(ladder(20.0, 0.0015)), "t", "people", whole))
    assert calibration.slope(compute(ladder(20.0, 0.0021)), "t", "people", whole) == pytest.approx(20, rel=0.15)
    assert calibration.slope(compute(ladder(2.0, 0.02)), "t", "people", whole) == pytest.approx(2, rel=0.1)


def test_a_ratio_of_misses_at_a_target_is_wider_than_at_a_known_score() -> None:

    # Misses rise faster with the threshold in the sharper group, so a threshold that moves would move the ratio.
    tallies = tallied(
        World((3,) * 150, tuple(np.repeat([0, 1], [90, 60]).tolist()), ("g=A", "g=B"), blur=(0.25, 0.4)),
        config(TARGETS, "g=A", minimum=5),
    )[0]
    rates = compute(tallies)
    key, other = (Key(tallies.points[1].id, "FNMR", "people", group) for group in ("g=B", "g=A"))
    plain = ratio_at(rates, key, other, 0.95)
    got = calibration.ratio_of_misses(rates, key, other, ("g=A",), plain, 0.95)
    assert got.low < plain.low
    assert got.high > plain.high
    assert got.value == plain.value
