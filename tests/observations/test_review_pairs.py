"""The list of pairs to look at, against a naive sort of all pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, compare
from audit.embeddings import EmbeddingSet
from audit.observations import review_pairs
from audit.words.columns import TABLES

RULE = ScoreRule("euclidean", "dissimilarity", -30.0, 0.0)


def made(people: list[int], seed: int = 0) -> EmbeddingSet:
    """``people`` per cell, one to four photos each."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(len(people)), people)
    photos = rng.integers(1, 5, len(cell))
    who = np.repeat(np.arange(len(cell)), photos)
    return EmbeddingSet.from_arrays(rng.standard_normal((len(who), 3)) + 0.3 * who[:, None] % 2, who, cell[who], RULE)


def listed(embeddings: EmbeddingSet, depth: int, seed: int = 1, threshold: float = -30.0) -> pd.DataFrame:
    point = OperatingPointRequest("t", "fixed", threshold=threshold)
    found = compare(embeddings, operating_points=[point], bins=64, threads=1, path="portable")
    start = np.searchsorted(embeddings.subject[np.argsort(embeddings.row)], np.arange(embeddings.subjects))
    photo = embeddings.row - start[embeddings.subject] + 1
    return review_pairs.shuffled(
        review_pairs.chosen(embeddings, found, photo, depth), np.arange(embeddings.subjects), seed
    )


def naive(embeddings: EmbeddingSet, depth: int) -> tuple[set[frozenset[int]], set[int]]:
    """Pairs of people and people that belong on the list."""
    best: dict[tuple[object, frozenset[int]], float] = {}
    worst: dict[tuple[int, int], float] = {}
    for a, b in combinations(range(len(embeddings)), 2):
        distance = float(np.linalg.norm(embeddings.vectors[a].astype(float) - embeddings.vectors[b].astype(float)))
        one, two = int(embeddings.subject[a]), int(embeddings.subject[b])
        if one == two:
            key = (int(embeddings.cell[a]), one)
            worst[key] = max(worst.get(key, 0.0), distance)
        else:
            stratum = int(embeddings.cell[a]) if embeddings.cell[a] == embeddings.cell[b] else "across"
            pair = (stratum, frozenset((one, two)))
            best[pair] = min(best.get(pair, np.inf), distance)
    pairs: set[frozenset[int]] = set()
    for stratum in {key[0] for key in best}:
        ranked = sorted((value, key[1]) for key, value in best.items() if key[0] == stratum)
        pairs |= {pair for _, pair in sorted(ranked, key=lambda entry: entry[0])[:depth]}
    people: set[int] = set()
    for cell in {key[0] for key in worst}:
        ranked = sorted(((value, key[1]) for key, value in worst.items() if key[0] == cell), reverse=True)
        people |= {person for _, person in ranked[:depth]}
    return pairs, people


@pytest.mark.parametrize("depth", [1, 2, 5, 400])
def test_the_list_is_the_most_alike_pairs_of_people_and_the_least_alike_photos_of_each_cell(depth: int) -> None:
    embeddings = made([7, 5, 9])
    frame = listed(embeddings, depth)
    pairs, people = naive(embeddings, depth)
    apart, own = frame[frame.kind == review_pairs.NON_MATED], frame[frame.kind == review_pairs.MATED]
    assert {frozenset((a, b)) for a, b in zip(apart.subject_a, apart.subject_b, strict=True)} == pairs
    assert len(apart) == len(pairs)  # a pair of people once, however many photos they have
    assert set(own.subject_a) == people
    assert (own.subject_a == own.subject_b).all()
    assert (own.photo_a != own.photo_b).all()
    assert list(frame.review) == list(range(1, len(frame) + 1))


def test_order_and_sides_follow_the_seed_and_nothing_else() -> None:
    embeddings = made([40, 40])
    first, again, other = listed(embeddings, 20), listed(embeddings, 20), listed(embeddings, 20, seed=2)
    pd.testing.assert_frame_equal(first, again)
    assert list(first.score) != list(other.score)
    assert sorted(first.score) == sorted(other.score)
    apart = first[first.kind == review_pairs.NON_MATED]
    across = apart[(apart.subject_a < 40) != (apart.subject_b < 40)]
    # Of 20 pairs across cells, sides are tossed: all from one side has probability 2^-19.
    assert 0 < (across.subject_a < 40).sum() < 20
    # Rows of one kind are mixed: were they sorted, all mated rows would be neighbours.
    assert (first.kind != first.kind.shift()).sum() > 10


def test_pairs_below_the_loosest_threshold_of_the_run_cannot_be_listed() -> None:
    embeddings = made([6, 6])
    frame = listed(embeddings, 50, threshold=-1.0)
    assert (frame[frame.kind == review_pairs.NON_MATED].score >= -1.0).all()


def test_no_comparison_gives_an_empty_list() -> None:
    vectors = np.array([[0.0, 0.0], [10.0, 0.0]])
    frame = listed(EmbeddingSet.from_arrays(vectors, [0, 1], [0, 0], RULE), 5, threshold=-1.0)
    assert frame.empty
    assert list(frame.columns) == list(TABLES["review.csv"])
