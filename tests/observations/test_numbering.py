"""People's numbers follow from what is published, and lead nowhere else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.observations.numbering import numbers, renumbered
from audit.observations.search_counts import SearchCounts, renumbered_searches
from audit.observations.tallies import PARTS, Labelling, Listed, PersonSums, PointTally, Strata, Tallies

sys.path.insert(0, str(Path(__file__).parents[1]))
import small_audits

CELLS = ("group=a", "group=b", "unlabelled")


def world(seed: int, people: int = 60, dyads: int = 80) -> tuple[Tallies, pd.DataFrame]:
    """Sparse false matches, so that many people look alike: one photo, no misses, nobody or one other person."""
    rng = np.random.default_rng(seed)
    n = rng.choice([1, 1, 1, 1, 2, 3], people).astype(np.int32)
    cell = rng.choice(3, people, p=[0.5, 0.4, 0.1]).astype(np.int16)
    points = []
    for k in range(3):
        pairs = np.unique(np.sort(rng.integers(0, people, (dyads // (k + 1), 2)), axis=1), axis=0)
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        i, j = (pairs[:, side].astype(np.int32) for side in (0, 1))
        e = np.minimum(rng.integers(1, 3, len(i)), n[i] * n[j]).astype(np.int32)
        f = rng.binomial(n * (n - 1) // 2, 0.2).astype(np.int32)
        points.append(PointTally(f"p{k}", float(k), i, j, e, f))
    strata = Strata(("x",), np.zeros((1, 3)), rng.integers(-1, 2, (people, 1)).astype(np.int8))
    a, b = points[0].i[:4], points[0].j[:4]
    review = pd.DataFrame(
        {
            "kind": "non-mated",
            "subject_a": a,
            "photo_a": 1,
            "subject_b": b,
            "photo_b": n[b],
            "score": 0.5,
            "judged": "",
        }
    )
    return Tallies(n, n.copy(), (Labelling("headline", CELLS, cell),), tuple(points), strata=strata), review


def published(tallies: Tallies, review: pd.DataFrame) -> list[object]:
    """Everything that is written of people."""
    columns: list[object] = [
        tallies.attempted.tolist(),
        tallies.acquired.tolist(),
        [one.cell.tolist() for one in tallies.labellings],
    ]
    columns += [[point.i.tolist(), point.j.tolist(), point.e.tolist(), point.f.tolist()] for point in tallies.points]
    columns += [
        [getattr(sums, name).tolist() for name in PARTS] for point in tallies.points for sums in point.streamed
    ]
    if tallies.strata is not None:
        columns.append(tallies.strata.level.tolist())
    if tallies.listed is not None:
        columns += [getattr(tallies.listed, name).tolist() for name in ("i", "j", "m", "g")]
    rows = [
        sorted(((a, p), (b, q)))
        for a, p, b, q in review[["subject_a", "photo_a", "subject_b", "photo_b"]].to_numpy().tolist()
    ]
    return [*columns, sorted(rows)]


def shuffle(tallies: Tallies, review: pd.DataFrame, rng: np.random.Generator) -> tuple[Tallies, pd.DataFrame]:
    other = rng.permutation(tallies.subjects)
    moved = review.assign(subject_a=other[review["subject_a"]], subject_b=other[review["subject_b"]])
    return renumbered(tallies, other), moved


def final(tallies: Tallies, review: pd.DataFrame) -> list[object]:
    number = numbers(tallies, review)
    assert sorted(number) == list(range(tallies.subjects))
    return published(
        renumbered(tallies, number),
        review.assign(subject_a=number[review["subject_a"]], subject_b=number[review["subject_b"]]),
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dyads", [0, 8, 40, 400])
def test_whatever_numbers_people_had_the_same_is_published(seed: int, dyads: int) -> None:
    """So nothing of the earlier numbers, and of whatever they followed from, is in what is published."""
    tallies, review = world(seed, dyads=dyads)
    rng = np.random.default_rng(100 + seed)
    first = final(tallies, review)
    for _ in range(4):
        assert final(*shuffle(tallies, review, rng)) == first


@pytest.mark.parametrize("shape", ["pairs", "paths", "stars", "triangles"])
def test_people_in_many_parts_of_one_shape_are_interchangeable(shape: str) -> None:
    """Ties that no count breaks: equal parts of equal people. Numbers inside a part still belong together."""
    part = {
        "pairs": [(0, 1)],
        "paths": [(0, 1), (1, 2), (2, 3)],
        "stars": [(0, 1), (0, 2), (0, 3)],
        "triangles": [(0, 1), (1, 2), (0, 2)],
    }[shape]
    size = max(max(pair) for pair in part) + 1
    i, j = (np.array([pair[side] + size * k for k in range(15) for pair in part], np.int32) for side in (0, 1))
    people = 15 * size + 7
    one = np.ones(people, np.int32)
    point = PointTally("p", 0.0, i, j, np.ones(len(i), np.int32), np.zeros(people, np.int32))
    tallies = Tallies(one, one.copy(), (Labelling("headline", CELLS, np.zeros(people, np.int16)),), (point,))
    nobody = pd.DataFrame(
        {name: [] for name in ("kind", "subject_a", "photo_a", "subject_b", "photo_b", "score", "judged")}
    ).astype({name: int for name in ("subject_a", "photo_a", "subject_b", "photo_b")})
    rng = np.random.default_rng(5)
    first = final(tallies, nobody)
    for _ in range(5):
        assert final(*shuffle(tallies, nobody, rng)) == first


def test_lists_of_pairs_and_sums_per_person_follow_too() -> None:
    rng = np.random.default_rng(8)
    tallies, review = world(8)
    people = tallies.subjects
    sums = PersonSums(
        *(rng.integers(0, 3, (people, 3)) for _ in range(3)), *(rng.random((people, 3)).round(1) for _ in range(2))
    )
    point = tallies.points[0]
    streamed = PointTally("s", 9.0, point.i[:0], point.j[:0], point.e[:0], point.f, (sums,))
    listed = Listed(point.i, point.j, rng.integers(2, 4, len(point.i)).astype(np.int32), np.maximum(point.f, 1))
    every = Tallies(
        tallies.attempted, tallies.acquired, tallies.labellings, (*tallies.points, streamed), listed=listed
    )
    first = final(every, review)
    for _ in range(4):
        assert final(*shuffle(every, review, rng)) == first


def test_searches_follow_too() -> None:
    """People whom only what their searches gave tells apart: the order of probes, and of people, says nothing more."""
    people, rng = 30, np.random.default_rng(4)
    n = np.full(people, 2, np.int32)
    none = np.zeros(0, np.int32)
    point = PointTally("p", 0.0, none, none, none, np.zeros(people, np.int32))
    tallies = Tallies(n, n.copy(), (Labelling("headline", CELLS, np.zeros(people, np.int16)),), (point,))
    probes = np.repeat(np.arange(people), 2).astype(np.int32)
    hits = np.unique(
        np.stack([rng.integers(0, 2, 90), rng.integers(0, 2 * people, 90), rng.integers(0, people, 90)]), axis=1
    )
    hits = hits[:, probes[hits[1]] != hits[2]]
    counts = SearchCounts(
        ("p",),
        np.zeros(1),
        probes,
        rng.integers(-1, 2, (2, 2 * people)).astype(np.int16),
        rng.integers(0, 2, (2, 2 * people, 1)).astype(np.int32),
        hits[0].astype(np.int16),
        hits[1].astype(np.int32),
        hits[2].astype(np.int32),
        np.ones(hits.shape[1], np.int16),
        rng.random(hits.shape[1]) < 0.5,
    )

    def published_of(one: SearchCounts) -> list[object]:
        return [
            getattr(one, name).tolist()
            for name in ("person", "mate_level", "above", "enrolment", "probe", "other", "level", "over")
        ]

    first = published_of(renumbered_searches(counts, numbers(tallies, None, counts)))
    for _ in range(5):
        other = rng.permutation(people)
        moved = renumbered_searches(counts, other)
        again = numbers(renumbered(tallies, other), None, moved)
        assert published_of(renumbered_searches(moved, again)) == first


def test_the_seed_and_the_names_of_the_benchmark_do_not_give_people_back(tmp_path_factory) -> None:
    """The attack on numbers drawn with a public seed: sort the names, draw the same permutation, look whether photo
    counts fit."""
    from audit.benchmark.cells import opaque

    result = small_audits.audited(tmp_path_factory)
    rows, _ = small_audits.people()
    ids = sorted({small_audits.key(row["subject"]) for row in rows})
    count = pd.Series([small_audits.key(row["subject"]) for row in rows]).value_counts().reindex(ids).to_numpy()
    guess = np.empty(len(ids), np.int64)
    guess[opaque(ids, result.config.uncertainty.seed)] = count
    drawn = np.random.default_rng(0).permuted(np.tile(count, (200, 1)), axis=1)
    chance = (drawn == result.tallies.attempted).mean(axis=1)
    assert (guess == result.tallies.attempted).mean() <= chance.max()  # no better than a guess; undone, it would be 1


def test_the_order_inside_a_cell_is_that_of_published_counts(tmp_path_factory) -> None:
    tallies = small_audits.audited(tmp_path_factory).tallies
    keys = list(
        zip(tallies.labellings[0].cell.tolist(), tallies.attempted.tolist(), tallies.acquired.tolist(), strict=True)
    )
    assert keys == sorted(keys)
