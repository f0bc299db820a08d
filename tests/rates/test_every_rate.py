"""rates.csv: the toy of METRICS 3.1 through the rates room, columns, groups, and what is said where there is nothing
to say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from audit.base.groups import coarser_reference, groups_of
from audit.observations.tallies import Labelling, PointTally, Tallies
from audit.rates import every_rate
from audit.rates.every_rate import Key
from audit.words.columns import MEASURES, TABLES

# METRICS 3.1, people A-E as 0-4: m_ij = n_i n_j gives AB 4, AC 4, AD 6, AE 2, BC 4, BD 6, BE 2, CD 6, CE 2, DE 3 with
# these photos.
PHOTOS = [2, 2, 2, 3, 1]
FALSE = {(0, 1): 1, (0, 3): 2, (1, 3): 1, (3, 4): 1}
MISSED = [0, 0, 1, 1, 0]


def point(name: str, dyads: dict[tuple[int, int], int], missed: list[int], threshold: float = 0.5) -> PointTally:
    i, j, e = (
        (
            np.array(part, dtype=np.int32)
            for part in zip(*((i, j, e) for (i, j), e in sorted(dyads.items())), strict=True)
        )
        if dyads
        else [np.zeros(0, np.int32)] * 3
    )
    return PointTally(name, threshold, i, j, e, np.array(missed, dtype=np.int32))


def toy(
    cells: tuple[str, ...] = ("group=one",), cell: list[int] | None = None, attempted: list[int] | None = None
) -> Tallies:
    acquired = np.array(PHOTOS, dtype=np.int32)
    home = np.array(cell or [0] * 5, dtype=np.int16)
    tried = np.array(attempted or PHOTOS, dtype=np.int32)
    return Tallies(tried, acquired, (Labelling("headline", cells, home),), (point("t", FALSE, MISSED),))


def test_the_toy_gives_its_published_rate_through_the_table() -> None:
    rates = every_rate.compute(toy())
    found = rates.values[Key("t", "FMR", "comparisons", "group=one")]
    assert (found.errors, found.trials, found.subjects) == (5, 39, 5)
    assert found.rate == pytest.approx(5 / 39, rel=1e-15)
    expected = [0.9487179487, -0.0512820513, -2.0512820513, 1.3076923077, -0.1538461538]
    assert pytest.approx(expected, abs=1e-10) == found.R
    assert pytest.approx(3.499013806706, rel=1e-12) == found.Q
    assert pytest.approx(6.844181459567, rel=1e-12) == found.S
    # METRICS' guard p(1-p)/M = .0028658608540 takes the two errors of A and D for two: (1-p)·Σe²/M² with Σe² = 7 is
    # 7/5 of it, and more than Q/M²
    assert found.variance == pytest.approx(0.0028658608540 * 7 / 5, rel=1e-10)
    assert found.design_effect == pytest.approx(7 / 5, rel=1e-12)
    # at least as wide as METRICS' Wilson with the guard, [.0560281754, .2670574338]
    assert found.low <= 0.0560281755
    assert found.high >= 0.2670574337


def test_the_toy_by_people_is_the_mean_over_its_ten_pairs_of_people() -> None:
    rates = every_rate.compute(toy())
    # e/m: AB 1/4, AD 2/6, BD 1/6, DE 1/3, six pairs without; 13/12 over 10
    assert rates.values[Key("t", "FMR", "people", "group=one")].rate == pytest.approx(13 / 120, rel=1e-14)
    # f/g: A 0/1, B 0/1, C 1/1, D 1/3; E has one photo
    fnmr = rates.values[Key("t", "FNMR", "people", "group=one")]
    assert fnmr.rate == pytest.approx((0 + 0 + 1 + 1 / 3) / 4, rel=1e-14)
    assert fnmr.subjects == 4
    by_comparisons = rates.values[Key("t", "FNMR", "comparisons", "group=one")]
    assert (by_comparisons.errors, by_comparisons.trials) == (2, 6)


def test_failed_photos_count_as_misses_in_fnmr_with_failures() -> None:
    # E tried 3 photos and got 1: 3 mated pairs tried, none made, all missed; C tried 3 and got 2: 3 tried, 1 missed by
    # score, 2 lost
    rates = every_rate.compute(toy(attempted=[2, 2, 3, 3, 3]))
    found = rates.values[Key("t", "FNMR_with_failures", "comparisons", "group=one")]
    assert (found.errors, found.trials) == (0 + 0 + 3 + 1 + 3, 1 + 1 + 3 + 3 + 3)
    assert rates.values[Key("t", "FNMR_with_failures", "people", "group=one")].rate == pytest.approx(
        (0 + 0 + 1 + 1 / 3 + 1) / 5, rel=1e-14
    )
    assert rates.values[Key("t", "FNMR", "comparisons", "group=one")].trials == 6
    fta = rates.values[Key("", "FTA", "comparisons", "group=one")]
    assert (fta.errors, fta.trials) == (3, 13)


def test_the_columns_are_the_documented_ones_and_measures_the_named_ones() -> None:
    frame = every_rate.frame(every_rate.compute(toy()))
    assert list(frame.columns) == list(TABLES["rates.csv"])
    assert set(frame.measure) <= set(MEASURES)
    assert set(frame.weighting) == {"people", "comparisons"}
    assert (frame.operating_point[frame.measure == "FTA"] == "").all()
    assert not frame.duplicated(["operating_point", "measure", "weighting", "group", "other_group"]).any()


def test_an_empty_cell_is_shown_without_a_rate_and_says_why() -> None:
    frame = every_rate.frame(every_rate.compute(toy(cells=("group=nobody", "group=one"), cell=[1] * 5)))
    rows = frame[(frame.group == "group=nobody") & (frame.other_group == "")]
    assert set(rows.measure) == {"FMR", "FNMR", "FNMR_with_failures", "FTA"}
    assert (rows.trials == 0).all()
    assert (rows.subjects == 0).all()
    assert rows[["rate", "low", "high"]].isna().all(axis=None)
    assert (rows.interval == "").all()
    assert (rows.note != "").all()


def test_a_cell_of_one_person_has_no_false_match_rate_and_says_so() -> None:
    frame = every_rate.frame(every_rate.compute(toy(cells=("group=one", "group=two"), cell=[0, 0, 0, 0, 1])))
    alone = frame[(frame.group == "group=two") & (frame.other_group == "") & (frame.measure == "FMR")]
    assert (alone.trials == 0).all()
    assert alone.rate.isna().all()
    assert (alone.note == "no comparisons").all()
    across = frame[
        (frame.group == "group=one") & (frame.other_group == "group=two") & (frame.weighting == "comparisons")
    ].iloc[0]
    assert (across.errors, across.trials) == (1, 2 + 2 + 2 + 3)  # AE, BE, CE, DE; the one of DE


def test_people_without_a_label_stand_apart_from_all_labelled() -> None:
    frame = every_rate.frame(every_rate.compute(toy(cells=("group=one", "unlabelled"), cell=[0, 0, 0, 1, 0])))
    fmr = frame[(frame.measure == "FMR") & (frame.weighting == "comparisons")].set_index(["group", "other_group"])
    assert (fmr.errors["all labelled", ""], fmr.trials["all labelled", ""]) == (1, 4 + 4 + 2 + 4 + 2 + 2)  # A, B, C, E
    assert (fmr.errors["group=one", "unlabelled"], fmr.trials["group=one", "unlabelled"]) == (4, 6 + 6 + 6 + 3)
    assert fmr.trials["unlabelled", ""] == 0


def test_groups_below_the_minimum_are_marked_and_kept() -> None:
    frame = every_rate.frame(every_rate.compute(toy(), minimum_subjects=6))
    marked = frame[frame.note.str.contains("too few people")]
    assert len(marked)
    assert marked.rate.notna().all()
    assert (
        not every_rate.frame(every_rate.compute(toy(), minimum_subjects=4)).note.str.contains("too few people").any()
    )


def test_no_error_gives_a_one_sided_bound_that_says_so() -> None:
    empty = Tallies(
        np.array(PHOTOS, np.int32), np.array(PHOTOS, np.int32), toy().labellings, (point("t", {}, [0] * 5),)
    )
    frame = every_rate.frame(every_rate.compute(empty))
    row = frame[(frame.measure == "FMR") & (frame.weighting == "people")].iloc[0]
    assert (row.rate, row.low) == (0.0, 0.0)
    assert row.high == pytest.approx(1 - 0.05 ** (1 / 2))  # two disjoint pairs among five people
    assert "one-sided" in row.interval
    assert "one-sided" in row.note


def test_a_rate_without_errors_borrows_the_design_effect_of_the_nearest_threshold_with_thirty() -> None:
    rng = np.random.default_rng(3)
    people = 60
    photos = np.ones(people, dtype=np.int32)
    every = [(i, j) for i in range(people) for j in range(i + 1, people)]
    many = {pair: 1 for pair in every if rng.random() < 0.05}
    far = {pair: 1 for pair in every if rng.random() < 0.2}
    points = (point("strict", {}, [0] * people, 0.9), point("near", many, [0] * people, 0.7))
    curve = (point("curve:far", far, [0] * people, 0.1), point("curve:near", many, [0] * people, 0.7))
    rates = every_rate.compute(
        Tallies(photos, photos, (Labelling("headline", ("group=one",), np.zeros(people, np.int16)),), points, curve)
    )
    effect = rates.values[Key("near", "FMR", "people", "group=one")].design_effect
    assert len(many) >= 30
    bound = rates.values[Key("strict", "FMR", "people", "group=one")]
    assert bound.high == pytest.approx(-math.log(0.05) * max(1, effect) / len(every), rel=1e-12)


def test_groups_are_named_from_the_finest_to_all() -> None:
    cells = ("race=A|sex=F", "race=A|sex=M", "race=B|sex=F", "unlabelled")
    groups = {group.name: group for group in groups_of(cells)}
    assert list(groups) == [
        "race=A|sex=F",
        "race=A|sex=M",
        "race=B|sex=F",
        "race=A",
        "race=B",
        "sex=F",
        "sex=M",
        "all labelled",
        "unlabelled",
    ]
    assert groups["sex=F"].cells == (0, 2)
    assert groups["all labelled"].cells == (0, 1, 2)
    assert coarser_reference(groups["sex=F"], "race=B|sex=M") == "sex=M"
    assert coarser_reference(groups["race=A"], "race=B|sex=M") == "race=B"


def test_three_attributes_give_groups_of_two_and_of_one() -> None:
    cells = ("age=old|race=A|sex=F", "age=young|race=A|sex=F", "age=young|race=B|sex=M")
    names = [group.name for group in groups_of(cells)]
    assert "age=young|race=A" in names
    assert "race=A|sex=F" in names
    assert [group.cells for group in groups_of(cells) if group.name == "race=A|sex=F"] == [(0, 1)]
    assert [group.cells for group in groups_of(cells) if group.name == "age=young"] == [(1, 2)]


def test_one_attribute_has_no_coarser_group_but_all() -> None:
    assert [group.name for group in groups_of(("sex=F", "sex=M"))] == ["sex=F", "sex=M", "all labelled"]


@pytest.mark.parametrize("copies", [1, 2, 3, 6, 20])
def test_repeating_every_photo_never_tightens_the_limit_of_a_rate_without_errors(copies: int) -> None:
    # Eight people, one photo each, copied: three pairs match at the loose threshold, none at the strict one. Each
    # matching pair is one error, however often its photos are copied: at 6 copies 3 pairs are 108 comparisons, and
    # would pass for "at least 30 errors".
    n = np.full(8, copies, dtype=np.int32)
    none = np.zeros(8, np.int32)
    loose = point("curve:loose", dict.fromkeys([(0, 1), (2, 3), (4, 5)], copies**2), [0] * 8, threshold=0.4)
    strict = PointTally("strict", 0.9, none[:0], none[:0], none[:0], none)
    people = Tallies(n, n, (Labelling("headline", ("group=one",), none.astype(np.int16)),), (strict,), (loose,))
    found = every_rate.compute(people)
    for weighting in ("people", "comparisons"):
        bound = found.values[Key("strict", "FMR", weighting, "group=one")]
        assert bound.high == pytest.approx(1 - 0.05 ** (1 / 4), rel=1e-12)  # four pairs of eight people share nobody
