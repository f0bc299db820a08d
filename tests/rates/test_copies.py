"""The same evidence again says nothing new: rows copied k times tighten no printed limit, in any weighting and at any
door."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import audit
from audit.observations.tallies import Labelling, Listed, PointTally, Tallies
from audit.rates import differentials as ratios
from audit.rates import every_rate
from audit.rates.differences import differences
from audit.rates.summaries import summaries
from audit.stats.fta import fta

CELLS = ("race=A", "race=B")


@st.composite
def listed(draw: st.DrawFn) -> tuple[np.ndarray, list[tuple[int, int, int, int]], np.ndarray, np.ndarray]:
    """Cells of people, (i, j, comparisons, errors) of some pairs of them, and
    each one's mated comparisons and misses."""
    people = draw(st.integers(4, 9))
    cell = np.array([k % 2 for k in range(people)], np.int16)
    pairs = []
    for i, j in itertools.combinations(range(people), 2):
        m = draw(st.integers(0, 4))
        if m:
            pairs.append((i, j, m, draw(st.integers(0, m)) if draw(st.booleans()) else 0))
    g = np.array(draw(st.lists(st.integers(0, 4), min_size=people, max_size=people)))
    f = np.array([draw(st.integers(0, int(n))) for n in g])
    return cell, pairs, f, g


def tallies(world: tuple, k: int) -> Tallies:
    cell, pairs, f, g = world
    i, j, m, e = (np.array(part, np.int32) for part in zip(*pairs, strict=True))
    hit, one = e > 0, np.ones(len(cell), np.int32)
    point = PointTally("t", 0.5, i[hit], j[hit], k * e[hit], (k * f).astype(np.int32))
    rung = PointTally("curve:0.1", 0.4, i[hit], j[hit], k * e[hit], (k * f).astype(np.int32))
    return Tallies(
        one,
        one,
        (Labelling("headline", CELLS, cell),),
        (point,),
        (rung,),
        Listed(i, j, k * m, (k * g).astype(np.int32)),
    )


def limits(world: tuple, k: int) -> pd.DataFrame:
    found = every_rate.compute(tallies(world, k), minimum_subjects=2)
    names = ["operating_point", "measure", "weighting", "group", "other_group", "reference", "summary", "error"]
    frames = [
        every_rate.frame(found),
        ratios.frame(ratios.differentials(found, CELLS[0]), 0.95),
        differences(found, CELLS[0]),
        summaries(found, ["t"], draws=100, seed=1),
    ]
    kept = []
    for number, frame in enumerate(frames):
        here = [name for name in names if name in frame.columns]
        kept.append(
            frame[["low", "high"]].assign(
                key=[f"{number}|" + "|".join(row) for row in frame[here].fillna("").astype(str).to_numpy().tolist()]
            )
        )
    return pd.concat(kept).set_index("key")


def tighter(once: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    assert list(once.index) == list(again.index)
    slack = 1e-9 * (1 + once.abs().fillna(0))
    gained = (once.isna() & again.notna()).any(axis=1)  # a limit where there was none
    narrower = (again["low"] > once["low"] + slack["low"]) | (again["high"] < once["high"] - slack["high"])
    return list(once.index[gained | narrower])


@settings(max_examples=12, deadline=None)
@given(listed().filter(lambda world: len(world[1]) > 1), st.sampled_from([2, 3, 4, 100]))
def test_rows_copied_k_times_tighten_no_limit_of_a_rate_ratio_gap_or_summary(world: tuple, k: int) -> None:
    assert tighter(limits(world, 1), limits(world, k)) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5)), min_size=2, max_size=9), st.sampled_from([2, 7, 100]))
def test_photographs_copied_k_times_tighten_no_limit_of_failures(people: list[tuple[int, int]], k: int) -> None:
    tried = np.array([a for a, _ in people])
    failed = np.minimum([x for _, x in people], tried)
    for weighting in ("people", "comparisons"):
        once, again = (fta(c * tried, c * failed, weighting) for c in (1, k))
        assert again.low <= once.low + 1e-9
        assert again.high >= once.high - 1e-9


def test_the_scores_door_gives_the_same_limits_for_a_table_written_twice() -> None:
    rng = np.random.default_rng(4)
    rows = []
    for i in range(9):
        rows += [
            (f"s{i}", f"s{i}", round(float(rng.normal(0.6, 0.25)), 2), "AB"[i % 2], "AB"[i % 2], 1) for _ in range(2)
        ]
        rows += [
            (f"s{i}", f"s{j}", round(float(rng.normal(0.3, 0.25)), 2), "AB"[i % 2], "AB"[j % 2], 0)
            for j in range(i + 1, 9)
            for _ in range(2)
        ]
    table = pd.DataFrame(rows, columns=["subject_a", "subject_b", "score", "race_a", "race_b", "mated"])

    def read(copies: int) -> pd.DataFrame:
        made = audit.audit_scores(
            pd.concat([table] * copies),
            groups=["race"],
            reference="race=A",
            thresholds=[0.45],
            minimum_subjects=2,
            uncertainty={"replicates": 100},
        )
        # the distance between mated scores is read at the curve's thresholds: as many copies make no more of them
        tables = [made.rates, made.differentials, made.tables["differences"], made.tables["distributions"]]
        return pd.concat([one[["low", "high"]] for one in tables], keys=range(len(tables)))

    pd.testing.assert_frame_equal(read(1), read(3), rtol=1e-9)


@pytest.mark.parametrize("weighting", ["people", "comparisons"])
def test_more_evidence_of_other_people_does_tighten(
    weighting: str,
) -> None:  # so that the tests above are not of limits that never move
    few = tallies(
        (
            np.array([0, 1] * 4, np.int16),
            [(i, j, 1, int(i + j == 3)) for i, j in itertools.combinations(range(8), 2)],
            np.zeros(8, int),
            np.ones(8, int),
        ),
        1,
    )
    many = tallies(
        (
            np.array([0, 1] * 8, np.int16),
            [(i, j, 1, int(i + j in (3, 17, 20))) for i, j in itertools.combinations(range(16), 2)],
            np.zeros(16, int),
            np.ones(16, int),
        ),
        1,
    )
    one, two = (
        every_rate.compute(t).values[every_rate.Key("t", "FMR", weighting, "all labelled")] for t in (few, many)
    )
    assert two.high - two.low < one.high - one.low
