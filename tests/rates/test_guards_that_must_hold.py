"""Guards that a wrong number would pass unseen without: each test here fails when its guard is broken (a factor, a
mask, a tolerance, a list)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from audit.findings.withheld import blanked, few
from audit.observations.tallies import Labelling, PointTally, Tallies
from audit.rates.differentials import differentials, ratio_at
from audit.rates.every_rate import Key, compute
from audit.rates.label_error import label_error
from audit.rates.quality_matched import matched_fmr
from audit.runs import verify
from audit.stats.contrasts import log_contrast
from audit.stats.dyadic import pair_mask, rate, tabulate
from audit.stats.limits import NO_UNSEEN


def spread_errors(people: int, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (0, 1), (2, 3), ...: nobody is in two of them."""
    first = np.arange(0, people - 1, 2 * every).astype(np.int32)
    return first, (first + 1).astype(np.int32)


def test_the_guard_of_a_matched_ratio_decides_where_no_person_and_no_pair_shows_a_spread() -> None:
    # Two photos each; in each pair that errs one of four comparisons does, so x = 1/4 and Q is a quarter of the
    # binomial guard.
    i, j = spread_errors(40, 1)
    e, none = np.ones(len(i), np.int32), np.zeros(80, np.int32)
    point = PointTally(
        "t", 0.5, np.concatenate([i, i + 40]), np.concatenate([j, j + 40]), np.concatenate([e, e]), none
    )
    group = np.arange(80) < 40
    found = matched_fmr(point, np.full(80, 2, np.int32), group, ~group, np.zeros(80, np.int64))
    M, p = 40 * 39 / 2, 20 / 4 / (40 * 39 / 2)
    assert found.contrast.variance == pytest.approx(2 * (1 - p) / (p * M), rel=1e-12)


def labelled_and_not() -> Tallies:
    """Ten people of A, ten of B, ten without a label, whom everybody matches."""
    cell = np.repeat([0, 1, 2], 10).astype(np.int16)
    i, j = (part.astype(np.int32) for part in np.triu_indices(30, 1))
    rng = np.random.default_rng(1)
    chance = np.where((cell[i] == 2) | (cell[j] == 2), 1.0, np.where(cell[i] == cell[j], 0.4, 0.1))
    hit = rng.random(len(i)) < chance
    one, none = np.ones(30, np.int32), np.zeros(30, np.int32)
    labels = Labelling("headline", ("g=A", "g=B", "unlabelled"), cell)
    return Tallies(one, one, (labels,), (PointTally("t", 0.5, i[hit], j[hit], one[:1].repeat(int(hit.sum())), none),))


def test_wrong_labels_are_weighed_against_the_other_labelled_people_alone() -> None:
    tallies, error = labelled_and_not(), 0.1
    rates = compute(tallies, minimum_subjects=2)
    row = label_error(rates, differentials(rates, "g=A", measures=("FMR",)), error)
    row = row[(row.group == "g=B") & (row.weighting == "people")].iloc[0]
    point, cell = tallies.points[0], tallies.labellings[0].cell

    def share(g: int, h: int) -> float:
        hits = int(
            (((cell[point.i] == g) & (cell[point.j] == h)) | ((cell[point.i] == h) & (cell[point.j] == g))).sum()
        )
        return hits / (45 if g == h else 100)

    a, b, across, pi = share(0, 0), share(1, 1), share(0, 1), 1 - error
    bands = []
    for inside, outside in ((b, a), (a, b)):
        other = 2 * pi * error * across + error**2 * outside
        values = (inside, (inside - other) / pi**2, pi**2 * inside + other)
        bands.append((min(values), max(values)))
    assert row.low == pytest.approx(bands[0][0] / bands[1][1])
    assert row.high == pytest.approx(bands[0][1] / bands[1][0])


def test_verify_tells_numbers_apart_that_differ_in_the_eighth_digit() -> None:
    assert verify._close({"rate": [0.0123456]}, {"rate": [0.0123456 * (1 + 1e-12)]})
    assert not verify._close({"rate": [0.0123456]}, {"rate": [0.0123456 * (1 + 1e-8)]})


def test_every_group_with_few_people_is_withheld_and_every_number_of_it() -> None:
    acquisition = pd.DataFrame({"group": ["g=A", "g=B", "g=C"], "subjects": [30, 9, 10]})
    rates = pd.DataFrame(
        {
            "measure": ["FTA", "FTA", "FMR"],
            "other_group": ["", "", ""],
            "group": ["g=A", "h=D", "g=C"],
            "subjects": [30, 5, 2],
        }
    )
    small = few(acquisition, rates, 10)
    assert small == {"g=B", "h=D"}
    assert few(acquisition, rates, 0) == frozenset()
    table = pd.DataFrame(
        {
            "group": ["g=A", "g=B"],
            "reference": ["g=C", "g=C"],
            "ratio": [1.5, 2.5],
            "low": [1.1, 1.2],
            "note": ["", ""],
        }
    )
    out = blanked(table, small, 10)
    assert out.ratio.tolist()[0] == 1.5
    assert out[["ratio", "low"]].iloc[1].isna().all()
    assert "withheld" in out.note.iloc[1]
    by_reference = blanked(table.assign(reference=["g=B", "g=C"]), small, 10)
    assert by_reference[["ratio", "low"]].isna().all(axis=None)


def test_the_variance_of_a_ratio_of_disjoint_groups_is_the_sum_of_both_and_its_limits_follow() -> None:
    rng, n = np.random.default_rng(5), np.ones(130, np.int64)
    cell = np.repeat([0, 1], [50, 80])
    i, j = np.triu_indices(130, 1)
    hit = (cell[i] == cell[j]) & (rng.random(len(i)) < np.where(cell[i] == 0, 0.06, 0.03))
    sums = tabulate(n, cell, 2, i[hit], j[hit], np.ones(int(hit.sum()), np.int64), "people")
    a, b = pair_mask(2, [[0, 0]]), pair_mask(2, [[1, 1]])
    one, two, both = rate(sums, a), rate(sums, b), log_contrast(sums, [(a, 1.0), (b, -1.0)])
    S = [
        (value.S / (value.M * value.rate) ** 2, value.Q / (value.M * value.rate) ** 2, value.guard / value.rate**2)
        for value in (one, two)
    ]
    total, square, guard = (sum(parts) for parts in zip(*S, strict=True))
    assert both.variance == pytest.approx(max(total - square, square, guard), rel=1e-12)
    found = both.ratio(0.95)
    assert math.log(found.high / found.value) < 2.5 * math.sqrt(both.variance)  # z or t, and nothing more
    none = np.zeros(130, np.int32)
    point = PointTally(
        "t", 0.5, i[hit].astype(np.int32), j[hit].astype(np.int32), np.ones(int(hit.sum()), np.int32), none
    )
    ones = np.ones(130, np.int32)
    rates = compute(Tallies(ones, ones, (Labelling("headline", ("g=A", "g=B"), cell.astype(np.int16)),), (point,)))
    key, other = (Key("t", "FMR", "people", group) for group in ("g=A", "g=B"))
    printed = ratio_at(rates, key, other, 0.95)
    # whoever is most mistaken in either group is not mistaken often enough to move the other's limits
    down, up = (
        math.log(one.rate / one.limits(0.95, unseen=NO_UNSEEN).low),
        math.log(two.limits(0.95, unseen=NO_UNSEEN).high / two.rate),
    )
    assert printed.low == pytest.approx(one.rate / two.rate * math.exp(-math.hypot(down, up)), rel=1e-12)
