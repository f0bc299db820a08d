"""Matching against a naive double loop, against resampled people, and against worlds whose truth is planted."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.observations.tallies import Labelling, PointTally, Strata, Tallies
from audit.rates.quality_matched import AWAY, OF_SKIN, REMAINS, matched_fmr, matched_fnmr, quality_matched

CELLS = ("race=A|sex=M", "race=B|sex=M")


def world(
    rng: np.random.Generator,
    shares: tuple[list[float], list[float]],
    people: tuple[int, int],
    rate: list[float],
    times: float = 1.0,
) -> tuple[PointTally, NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """One or two photos each; a pair matches with probability √(rate_k rate_l), ``times`` that within the second
    group, more for lamb-like people."""
    cell = np.repeat([0, 1], people)
    stratum = np.concatenate([rng.choice(len(rate), size=n, p=share) for n, share in zip(people, shares, strict=True)])
    n = rng.integers(1, 3, size=len(cell)).astype(np.int32)
    lamb = np.exp(0.5 * rng.standard_normal(len(cell)) - 0.125)  # mean 1
    root = np.sqrt(np.array(rate))[stratum] * lamb
    i, j = np.triu_indices(len(cell), 1)
    p = np.minimum(1.0, root[i] * root[j] * np.where((cell[i] == 1) & (cell[j] == 1), times, 1.0))
    e = rng.binomial(n[i] * n[j], p)
    hit = e > 0
    f = np.zeros(len(cell), np.int32)
    return (
        PointTally("t", 0.0, i[hit].astype(np.int32), j[hit].astype(np.int32), e[hit].astype(np.int32), f),
        n,
        cell,
        stratum.astype(np.int64),
    )


def naive(point: PointTally, n: NDArray[np.int32], group: list[int], weight: dict[int, float]) -> float:
    share = {
        (int(a), int(b)): int(e) / (int(n[a]) * int(n[b])) for a, b, e in zip(point.i, point.j, point.e, strict=True)
    }
    top = bottom = 0.0
    for a, b in combinations(group, 2):
        top += weight[a] * weight[b] * share.get((a, b), 0.0)
        bottom += weight[a] * weight[b]
    return top / bottom


def test_the_matched_ratio_is_the_double_loop_with_the_references_shares() -> None:
    rng = np.random.default_rng(3)
    point, n, cell, stratum = world(rng, ([0.6, 0.3, 0.1], [0.2, 0.3, 0.5]), (40, 25), [0.2, 0.1, 0.05])
    stratum[cell == 0] = np.where(
        stratum[cell == 0] == 2, 1, stratum[cell == 0]
    )  # stratum 2 has people of the second group only
    found = matched_fmr(point, n, cell == 1, cell == 0, stratum)
    a = [k for k in range(len(cell)) if cell[k] == 1 and stratum[k] < 2]
    b = [k for k in range(len(cell)) if cell[k] == 0]
    share = {k: sum(stratum[x] == k for x in b) / len(b) for k in (0, 1)}
    weight = {x: share[int(stratum[x])] / sum(stratum[y] == stratum[x] for y in a) for x in a}
    expected = naive(point, n, a, weight) / naive(point, n, b, dict.fromkeys(b, 1.0))
    assert math.exp(found.contrast.value) == pytest.approx(expected, rel=1e-12)
    assert found.group.sum() == len(a)
    assert found.effective_people == pytest.approx(sum(weight.values()) ** 2 / sum(w * w for w in weight.values()))


def test_equal_strata_change_nothing() -> None:
    rng = np.random.default_rng(4)
    point, n, cell, _ = world(rng, ([1.0], [1.0]), (60, 60), [0.1])
    balanced = np.tile([0, 1], 60).astype(np.int64)  # half and half in either group: all weights are 1
    plain = matched_fmr(point, n, cell == 1, cell == 0, np.zeros(120, np.int64))
    both = matched_fmr(point, n, cell == 1, cell == 0, balanced)
    assert both.contrast.value == pytest.approx(plain.contrast.value, rel=1e-12)


def test_the_variance_agrees_with_resampling_people() -> None:
    # Vertex bootstrap: people drawn with replacement per group, weights found anew each time. It estimates (S+Q)/M2
    # where the closed form has (S-Q)/M2; with many errors Q is small beside S.
    rng = np.random.default_rng(5)
    point, n, cell, stratum = world(rng, ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]), (220, 160), [0.25, 0.15, 0.05], 1.5)
    found = matched_fmr(point, n, cell == 1, cell == 0, stratum)
    x = np.zeros((len(cell), len(cell)))
    x[point.i, point.j] = point.e / (n[point.i] * n[point.j])
    x += x.T
    draws = []
    for _ in range(1000):
        c = np.concatenate(
            [
                np.bincount(rng.integers(0, 220, 220), minlength=220),
                np.bincount(rng.integers(0, 160, 160), minlength=160),
            ]
        )
        share = np.bincount(stratum[cell == 0], c[cell == 0], 3) / 220
        own = np.bincount(stratum[cell == 1], c[cell == 1], 3) / 160
        w = np.where(cell == 1, c * (share / own)[stratum], 0.0)
        r = np.where(cell == 0, c, 0.0)
        # pairs of different people only: a person drawn twice is not compared with themself
        rates = [(v @ x @ v) / (v.sum() ** 2 - (v**2).sum()) for v in (w, r)]
        draws.append(math.log(rates[0] / rates[1]))
    # 1000 draws know a standard deviation to 2.2 %; the bootstrap's own excess here is a few percent.
    assert math.sqrt(found.contrast.variance) == pytest.approx(np.std(draws), rel=0.12)


def test_intervals_hold_the_truth_and_matching_takes_a_planted_quality_gap_away() -> None:
    # Groups alike but for quality. True matched ratio 1; before matching (0.7*√.04+.3*√.005)^2/(0.3*√.04+.7*√.005)^2 =
    # (.1612/.1095)^2 = 2.17.
    rng = np.random.default_rng(6)
    held = before = 0
    for _ in range(200):
        point, n, cell, stratum = world(rng, ([0.3, 0.7], [0.7, 0.3]), (200, 80), [0.04, 0.005])
        plain = matched_fmr(point, n, cell == 1, cell == 0, np.zeros(280, np.int64)).ratio(0.95)
        even = matched_fmr(point, n, cell == 1, cell == 0, stratum).ratio(0.95)
        held += even.low <= 1 <= even.high
        before += plain.low <= 2.17 <= plain.high
    # 95 % of 200 is 190, standard deviation 3.1; METRICS 3.2 asks for .93 at least, less 3 Monte Carlo deviations
    # here.
    assert held >= 177
    assert before >= 177


def test_fnmr_is_weighted_over_people_with_mated_comparisons() -> None:
    mated = np.array([1, 3, 1, 0, 1, 3, 1, 1], np.int64)
    point = PointTally(
        "t", 0.0, *(np.zeros(0, np.int32) for _ in range(3)), np.array([1, 1, 0, 0, 1, 0, 1, 0], np.int32)
    )
    group = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    stratum = np.array([0, 1, 1, 0, 0, 0, 0, 1], np.int64)
    found = matched_fnmr(point, mated, group, ~group, stratum)
    # Reference: strata 3/4 and 1/4. Group: stratum 0 mean 1/1 = 1 (one person), stratum 1 mean (1/3 + 0)/2 = 1/6; 3/4
    # + 1/24 = 19/24. Reference rate: (1 + 0 + 1 + 0)/4 = 1/2.
    assert math.exp(found.contrast.value) == pytest.approx((19 / 24) / (1 / 2))
    assert found.ratio(0.95).method == ""  # two people with errors: no interval
    assert "people with errors" in found.ratio(0.95).note


def tallies(
    point: PointTally, n: NDArray[np.int32], cell: NDArray[np.int64], level: NDArray[np.int8], names: tuple[str, ...]
) -> Tallies:
    strata = Strata(names, np.zeros((len(names), 3)), level)
    return Tallies(n, n, (Labelling("headline", CELLS, cell.astype(np.int16)),), (point,), (), strata=strata)


def test_a_gap_beyond_quality_remains_and_one_of_quality_alone_does_not() -> None:
    rng = np.random.default_rng(8)
    for times, outcome in ((6.0, REMAINS), (1.0, AWAY)):
        point, n, cell, stratum = world(rng, ([0.2, 0.8], [0.8, 0.2]), (250, 150), [0.05, 0.002], times)
        level = np.where(stratum == 1, 3, 0).astype(np.int8)[:, None]
        frame = quality_matched(tallies(point, n, cell, level, ("photo_sharpness",)), CELLS[0], 0.95, 10)
        row = frame[(frame.measure == "FMR") & (frame.group == CELLS[1])].iloc[0]
        assert row.outcome == outcome
        assert row.ratio_before > row.ratio


def test_the_brightness_of_faces_is_never_matched_without_a_word_on_skin() -> None:
    rng = np.random.default_rng(9)
    point, n, cell, stratum = world(rng, ([0.5, 0.5], [0.5, 0.5]), (40, 40), [0.2, 0.1])
    level = np.stack([stratum, stratum], axis=1).astype(np.int8)
    frame = quality_matched(tallies(point, n, cell, level, ("face_pixels", "brightness")), CELLS[0], 0.95, 10)
    assert set(frame.matched_on) == {"face_pixels and brightness", "face_pixels", "brightness"}
    assert frame[frame.matched_on.str.contains("brightness")].note.str.contains(OF_SKIN, regex=False).all()
    assert not frame[frame.matched_on == "face_pixels"].note.str.contains("skin").any()


def test_strata_without_a_common_person_give_no_ratio() -> None:
    rng = np.random.default_rng(10)
    point, n, cell, _ = world(rng, ([1.0], [1.0]), (30, 30), [0.2])
    found = matched_fmr(point, n, cell == 1, cell == 0, cell.astype(np.int64))
    assert math.isnan(found.contrast.value)
    assert not found.group.any()
