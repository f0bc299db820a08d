"""Both weightings everywhere: curves, equity and summaries of inequity against
naive loops, and what is bare says why."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from audit.observations.tallies import Labelling, Listed, PointTally, Tallies
from audit.rates import every_rate
from audit.rates.curves import curves
from audit.rates.equity import equity
from audit.rates.most_photographed import most_photographed
from audit.rates.summaries import summaries
from audit.words.columns import TABLES

CELLS = ("sex=F", "sex=M")


def drawn(seed: int = 3, people: int = 36) -> Tallies:
    """Two cells, one much-photographed person, three thresholds and a rung; false matches thin out as the threshold
    rises."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 4, people).astype(np.int32)
    n[2] = 40
    cell = (np.arange(people) % 2).astype(np.int16)
    i, j = (part.astype(np.int32) for part in np.triu_indices(people, 1))
    e = rng.binomial(n[i] * n[j], np.where(cell[i] == 0, 0.2, 0.1)).astype(np.int32)
    pairs = n * (n - 1) // 2
    f = np.zeros(people, np.int32)
    points = []
    for name, threshold in (("a", -0.7), ("curve:x", -0.65), ("b", -0.6), ("c", -0.5)):
        hit = e > 0
        points.append(PointTally(name, threshold, i[hit], j[hit], e[hit], f))
        e, f = rng.binomial(e, 0.6).astype(np.int32), np.minimum(pairs, f + rng.binomial(pairs, 0.1)).astype(np.int32)
    return Tallies(n, n, (Labelling("headline", CELLS, cell),), (points[0], points[2], points[3]), (points[1],))


def naive(data: Tallies, point: PointTally, group: str, weighting: str) -> tuple[float, float]:
    """FMR and FNMR inside a group, pair by pair and person by person."""
    n, cell = data.acquired, data.labellings[0].cell
    inside = [who for who in range(len(n)) if group == "all labelled" or CELLS[cell[who]] == group]
    e = {(int(a), int(b)): int(x) for a, b, x in zip(point.i, point.j, point.e, strict=True)}
    wrong = [(e.get(pair, 0), int(n[pair[0]] * n[pair[1]])) for pair in itertools.combinations(inside, 2)]
    missed = [(int(point.f[who]), int(n[who] * (n[who] - 1) // 2)) for who in inside if n[who] > 1]
    if weighting == "people":
        return sum(x / m for x, m in wrong) / len(wrong), sum(x / m for x, m in missed) / len(missed)
    return sum(x for x, _ in wrong) / sum(m for _, m in wrong), sum(x for x, _ in missed) / sum(m for _, m in missed)


@pytest.fixture(scope="module")
def data() -> Tallies:
    return drawn()


@pytest.fixture(scope="module")
def rates(data: Tallies) -> every_rate.Rates:
    return every_rate.compute(data)


@pytest.fixture(scope="module")
def curve(data: Tallies, rates: every_rate.Rates) -> pd.DataFrame:
    return curves(rates, rates.thresholds, dissimilarity=True)


def test_a_curve_stands_in_both_weightings_and_equals_a_naive_loop_at_every_threshold(
    data: Tallies, curve: pd.DataFrame
) -> None:
    assert list(curve.columns) == list(TABLES["curves.csv"])
    by_threshold = {point.threshold: point for point in (*data.points, *data.curve)}
    for row in curve.itertuples():
        assert pytest.approx(naive(data, by_threshold[row.score_threshold], row.group, row.weighting), rel=1e-12) == (
            row.FMR,
            row.FNMR,
        )
        assert row.threshold == -row.score_threshold
    assert curve.groupby(["group", "weighting"]).size().eq(4).all()
    assert set(curve.weighting) == {"people", "comparisons"}
    # one person has 40 of some 110 photos, so the weightings are two answers
    wide = curve.pivot(index=["group", "score_threshold"], columns="weighting", values="FMR")
    assert (np.abs(wide.people / wide.comparisons - 1) > 0.01).any()


def test_misses_by_comparisons_have_no_interval_along_the_curve_and_say_so(curve: pd.DataFrame) -> None:
    counted = curve[curve.weighting == "comparisons"]
    assert counted[["FNMR_low", "FNMR_high"]].isna().all(axis=None)
    assert counted.note.str.contains("FNMR").all()
    people = curve[curve.weighting == "people"]
    assert people[["FMR_low", "FNMR_low", "FMR_high", "FNMR_high"]].notna().all(axis=None)
    assert (people.note == "").all()


def test_a_curve_agrees_with_rates_csv_at_every_operating_point(rates: every_rate.Rates, curve: pd.DataFrame) -> None:
    table = every_rate.frame(rates)
    table = table[(table.measure == "FMR") & (table.other_group == "")]
    checked = 0
    for row in table.itertuples():
        at = curve[
            (curve.group == row.group)
            & (curve.weighting == row.weighting)
            & (curve.score_threshold == rates.thresholds[row.operating_point])
        ]
        assert (at.FMR.iloc[0], at.FMR_low.iloc[0], at.FMR_high.iloc[0]) == pytest.approx(
            (row.rate, row.low, row.high), rel=1e-12, nan_ok=True
        )
        checked += 1
    assert checked == 3 * 3 * 2  # groups, points, weightings


@pytest.mark.parametrize("weighting", ["people", "comparisons"])
def test_equity_against_accuracy_stands_in_both_weightings(
    data: Tallies, rates: every_rate.Rates, curve: pd.DataFrame, weighting: str
) -> None:
    found = equity(rates, curve, ["a", "b", "c"])
    assert list(found.columns) == list(TABLES["equity.csv"])
    mine = found[found.weighting == weighting].set_index("operating_point")
    plane = {}
    for point in data.points:
        one, two = (naive(data, point, group, weighting)[0] for group in CELLS)
        everybody = naive(data, point, "all labelled", weighting)
        plane[point.id] = (max(one, two) / math.sqrt(one * two), everybody[1])
        assert mine.inequity[point.id] == pytest.approx(plane[point.id][0], rel=1e-12)
        assert (mine.FMR[point.id], mine.FNMR[point.id]) == pytest.approx(everybody, rel=1e-12)
    beaten = {
        a
        for a, b in itertools.permutations(plane, 2)
        if plane[b][0] <= plane[a][0] and plane[b][1] <= plane[a][1] and plane[b] != plane[a]
    }
    assert {name for name in plane if mine.best[name]} == set(plane) - beaten


def test_summaries_stand_in_both_weightings_and_are_bare_where_a_rate_has_no_interval(
    data: Tallies, rates: every_rate.Rates
) -> None:
    found = summaries(rates, ["a"], draws=200, seed=1)
    assert list(found.columns) == list(TABLES["summaries.csv"])
    kept = found.set_index(["measure", "weighting", "summary"])
    for weighting in ("people", "comparisons"):
        pairs = [naive(data, data.points[0], group, weighting) for group in CELLS]
        for measure, k in (("FMR", 0), ("FNMR", 1)):
            x = [pair[k] for pair in pairs]
            if min(x) > 0:
                assert kept.value[measure, weighting, "ratio"] == pytest.approx(max(x) / min(x), rel=1e-12)
            assert kept.value[measure, weighting, "difference"] == pytest.approx(max(x) - min(x), rel=1e-9)
        assert ("FMR and FNMR", weighting, "garbe") in kept.index
    assert math.isfinite(kept.low["FMR", "people", "ratio"])
    for measure in ("FNMR", "FMR and FNMR"):
        bare = found[(found.measure == measure) & (found.weighting == "comparisons")]
        assert bare[["low", "high", "null_low", "null_high", "null_p", "homogeneity_p"]].isna().all(axis=None)
        assert bare.note.str.contains("has none").all()


def test_every_table_of_groups_gives_both_weightings(rates: every_rate.Rates) -> None:
    from audit.rates import differentials as ratios
    from audit.rates.differences import differences

    for table in (
        every_rate.frame(rates),
        ratios.frame(ratios.differentials(rates, "sex=M"), 0.95),
        differences(rates, "sex=M"),
    ):
        sizes = table.groupby("weighting").size()
        assert sizes["people"] == sizes["comparisons"] > 0
    ratio = ratios.frame(ratios.differentials(rates, "sex=M"), 0.95)
    bare = ratio[(ratio.measure == "FNMR") & (ratio.weighting == "comparisons") & (ratio.operating_point == "c")]
    assert bare.ratio.notna().all()  # a ratio without an interval, and without a word on how sure
    assert bare[["low", "high"]].isna().all(axis=None)
    assert (bare.certainty == "").all()
    assert bare.note.str.contains("one of the rates has none").all()


def test_the_share_of_the_ten_most_photographed_is_that_of_a_loop_over_every_pair_of_photos(data: Tallies) -> None:
    found = most_photographed(data).set_index("group")
    n, cell = data.acquired, data.labellings[0].cell
    for group in (*CELLS, "all labelled"):
        inside = [who for who in range(len(n)) if group == "all labelled" or CELLS[cell[who]] == group]
        photos = [who for who in inside for _ in range(n[who])]
        ten = set(sorted(inside, key=lambda who: -n[who])[:10])
        different = [pair for pair in itertools.combinations(photos, 2) if pair[0] != pair[1]]
        same = [pair for pair in itertools.combinations(photos, 2) if pair[0] == pair[1]]
        row = found.loc[group]
        assert (row.non_mated, row.mated, row.subjects) == (len(different), len(same), len(inside))
        assert row.share_of_non_mated == pytest.approx(
            sum(bool({*pair} & ten) for pair in different) / len(different), rel=1e-12
        )
        assert row.share_of_mated == pytest.approx(sum(pair[0] in ten for pair in same) / len(same), rel=1e-12)
    assert found.share_of_mated["sex=F"] > 0.9  # the one with 40 photos


def test_of_a_list_of_pairs_the_ten_are_those_in_most_of_them() -> None:
    i, j = (np.array(part, np.int32) for part in np.triu_indices(14, 1))
    rng = np.random.default_rng(4)
    kept = rng.random(len(i)) < 0.3
    i, j = i[kept], j[kept]
    m = rng.integers(1, 4, len(i)).astype(np.int32)
    g = rng.integers(0, 5, 14).astype(np.int32)
    one = np.ones(14, np.int32)
    none = np.zeros(0, np.int32)
    point = PointTally("t", 0.5, none, none, none, np.zeros(14, np.int32))
    listed = Tallies(
        one, one, (Labelling("headline", ("sex=F",), np.zeros(14, np.int16)),), (point,), listed=Listed(i, j, m, g)
    )
    row = most_photographed(listed).set_index("group").loc["sex=F"]
    each = [sum(int(x) for a, b, x in zip(i, j, m, strict=True) if who in (a, b)) for who in range(14)]
    ten = set(sorted(range(14), key=lambda who: (-each[who], who))[:10])
    part = sum(int(x) for a, b, x in zip(i, j, m, strict=True) if a in ten or b in ten)
    assert row.share_of_non_mated == pytest.approx(part / int(m.sum()))
    assert row.share_of_mated == pytest.approx(sum(sorted(g)[-10:]) / g.sum())
