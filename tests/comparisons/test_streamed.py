"""Operating points whose tail would not fit: the same thresholds, and the sums that a list of pairs would give."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.backends.protocol import ScoreRule
from audit.base.errors import BenchmarkError, ConfigError
from audit.comparisons import OperatingPointRequest, compare
from audit.comparisons.kernels import processor
from audit.embeddings.embedding_set import EmbeddingSet
from audit.stats.dyadic import pair_mask, rate, tabulate
from audit.stats.streamed import PARTS, tabulate_streamed

RULES = {
    "cosine": ScoreRule("cosine", "similarity", -1.0, 1.0),
    "euclidean": ScoreRule("euclidean", "dissimilarity", -2.0, 0.0),
    "inner": ScoreRule("inner", "similarity", -9.0, 9.0),
}
PATHS = ["portable", *processor.flavours()[:1]]
POINTS = (
    OperatingPointRequest("loose", "target_fmr", target=0.4, weighting="people"),
    OperatingPointRequest("loose:comparisons", "target_fmr", target=0.4, weighting="comparisons"),
    OperatingPointRequest("strict", "target_fmr", target=0.01, weighting="people"),
    OperatingPointRequest("cell", "target_fmr_reference", target=0.3, weighting="people", cells=(1,)),
)


def people(seed: int, subjects: int, measure: str, dimensions: int = 12) -> EmbeddingSet:
    rng = np.random.default_rng(seed)
    photos = rng.integers(1, 6, subjects)
    subject = np.repeat(np.arange(subjects), photos)
    vectors = rng.standard_normal((subjects, dimensions))[subject] + 0.7 * rng.standard_normal(
        (len(subject), dimensions)
    )
    order = rng.permutation(len(subject))
    return EmbeddingSet.from_arrays(
        vectors[order], subject[order], (rng.integers(0, 3, subjects)[subject])[order], RULES[measure]
    )


def dyads(embeddings: EmbeddingSet, i: np.ndarray, j: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Pairs of people with matches, counted one by one."""
    counted: dict[tuple[int, int], int] = {}
    for a, b in zip(embeddings.subject[i].tolist(), embeddings.subject[j].tolist(), strict=True):
        key = (min(a, b), max(a, b))
        counted[key] = counted.get(key, 0) + 1
    return [a for a, _ in counted], [b for _, b in counted], list(counted.values())


def per_person(
    embeddings: EmbeddingSet, cell: np.ndarray, cells: int, listed: tuple[list[int], list[int], list[int]]
) -> dict[str, np.ndarray]:
    """The five sums, as the docstring of PersonSums says them."""
    n = np.bincount(embeddings.subject, minlength=len(cell))
    out = {name: np.zeros((len(cell), cells)) for name in PARTS}
    for a, b, e in zip(*listed, strict=True):
        m = int(n[a] * n[b])
        for own, other in ((a, b), (b, a)):
            for name, value in {"e": e, "e2": e * e, "em": e * m, "w": e / m, "w2": (e / m) ** 2}.items():
                out[name][own, cell[other]] += value
    return out


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("measure", list(RULES))
def test_a_tail_that_does_not_fit_changes_no_threshold_and_no_sum(path: str, measure: str) -> None:
    embeddings = people(3, 150, measure)
    other = np.arange(embeddings.subjects) % 2
    headline = np.zeros(embeddings.subjects, np.int64)
    headline[embeddings.subject] = embeddings.cell
    whole = compare(embeddings, operating_points=POINTS, path=path)
    assert not whole.streamed
    # 45,000 of some 110,000 comparisons are too many for 640 kB at 16 bytes each, 1,000 are not.
    short = compare(
        embeddings, operating_points=POINTS, path=path, memory_cap=640_000, groupings=[(headline, 3), (other, 2)]
    )
    assert set(short.streamed) == {"loose", "loose:comparisons"}
    assert [p.threshold for p in short.operating_points] == [p.threshold for p in whole.operating_points]
    assert [p.achieved_people for p in short.operating_points] == [p.achieved_people for p in whole.operating_points]
    assert [p.achieved_comparisons for p in short.operating_points] == [
        p.achieved_comparisons for p in whole.operating_points
    ]
    assert short.histograms is not None
    assert whole.histograms is not None
    assert (short.histograms.non_mated == whole.histograms.non_mated).all()
    n = np.bincount(embeddings.subject)
    for point in short.operating_points[:2]:
        hit = whole.tail.score >= point.threshold
        listed = dyads(embeddings, whole.tail.i[hit], whole.tail.j[hit])
        for (cell, cells), kept in zip([(headline, 3), (other, 2)], short.streamed[point.id], strict=True):
            wanted = per_person(embeddings, cell, cells, listed)
            for name in PARTS:
                np.testing.assert_allclose(getattr(kept, name), wanted[name], rtol=1e-13, atol=0)
            for weighting in ("people", "comparisons"):
                a, b = tabulate(n, cell, cells, *listed, weighting), tabulate_streamed(n, cell, cells, kept, weighting)
                for mask in ([[0, 0]], [[0, 1]], [[0, 0], [1, 1], [0, 1]]):
                    one, two = rate(a, pair_mask(cells, mask)), rate(b, pair_mask(cells, mask))
                    assert (one.errors, one.trials, one.subjects) == (two.errors, two.trials, two.subjects)
                    for name in ("rate", "low", "high", "variance", "design_effect"):
                        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), subjects=st.integers(60, 100), measure=st.sampled_from(list(RULES)))
def test_every_path_and_thread_count_gives_the_same_bytes(seed: int, subjects: int, measure: str) -> None:
    embeddings = people(seed, subjects, measure)
    seen = set()
    for path, threads in itertools.product(PATHS, (1, 3)):
        got = compare(embeddings, operating_points=POINTS[:2], path=path, threads=threads, memory_cap=24_000)
        assert len(got.streamed) == 2
        seen.add(
            (
                *(p.threshold for p in got.operating_points),
                *(
                    getattr(one, name).tobytes()
                    for key in sorted(got.streamed)
                    for one in got.streamed[key]
                    for name in PARTS
                ),
            )
        )
    assert len(seen) == 1


@pytest.mark.parametrize("path", PATHS)
def test_a_fixed_threshold_equal_to_a_score_counts_that_pair(path: str) -> None:
    # Five people on a line, one photo each: distances are whole numbers; 2.0 is reached by the 7 pairs at distance 1
    # or 2.
    vectors = np.arange(5, dtype=float)[:, None] * np.ones((1, 1))
    embeddings = EmbeddingSet.from_arrays(
        vectors, np.arange(5), [0, 0, 0, 1, 1], ScoreRule("euclidean", "dissimilarity", -5.0, 0.0)
    )
    point = [OperatingPointRequest("two", "fixed", threshold=-2.0)]
    got = compare(embeddings, operating_points=point, path=path, memory_cap=16 * 6)
    # Person 2, of cell 0, reaches 0 and 1 (cell 0), and 3 and 4 (cell 1); person 0 only 1 and 2; person 4 only 2 and
    # 3.
    assert got.streamed["two"][0].e.tolist() == [[2, 0], [2, 1], [2, 2], [2, 1], [1, 1]]
    assert "two" not in compare(embeddings, operating_points=point, path=path, memory_cap=16 * 7).streamed


def test_sums_that_do_not_fit_either_are_refused_by_name() -> None:
    # 900,001 people (most without a sample) x 2 cells x 40 bytes = 72,000,080 bytes.
    embeddings = EmbeddingSet.from_arrays(np.ones((5, 2)), np.arange(5) * 225_000, [0, 0, 0, 1, 1], RULES["cosine"])
    with pytest.raises(ConfigError, match=r"'x'.*more than 6 non-mated comparisons.*72,000,080 bytes"):
        compare(embeddings, operating_points=[OperatingPointRequest("x", "fixed", threshold=0.5)], memory_cap=16 * 6)


@pytest.mark.parametrize("path", PATHS)
def test_a_whole_set_of_identical_templates_is_tallied(path: str) -> None:
    # 60 people with 2 photos each, all alike: every pair of people has 4 of 4 matches at any threshold.
    embeddings = EmbeddingSet.from_arrays(np.ones((120, 8)), np.arange(120) // 2, np.zeros(120, int), RULES["cosine"])
    got = compare(
        embeddings,
        operating_points=[OperatingPointRequest("x", "fixed", threshold=0.5)],
        path=path,
        memory_cap=16 * 500,
    )
    (kept,) = got.streamed["x"]
    assert (kept.e == 4 * 59).all()
    assert (kept.em == 16 * 59).all()
    assert (kept.w == 59.0).all()
    assert got.operating_points[0].achieved_people == 1.0
    assert math.isinf(got.tail.floor)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("measure", "vectors"), [("inner", np.zeros((600, 4))), ("euclidean", np.ones((600, 4)))])
def test_scores_that_are_all_the_same_give_the_threshold_of_a_whole_tail(
    path: str, measure: str, vectors: np.ndarray
) -> None:
    embeddings = EmbeddingSet.from_arrays(vectors, np.arange(600), np.zeros(600, int), RULES[measure])
    point = [OperatingPointRequest("x", "target_fmr", target=0.1, weighting="people")]
    short, whole = (
        compare(embeddings, operating_points=point, path=path, memory_cap=16 * 1000),
        compare(embeddings, operating_points=point, path=path),
    )
    assert set(short.streamed) == {"x"}
    assert short.operating_points == whole.operating_points


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("target", [0.0, 0.5, 0.999, 1.0])
def test_extreme_targets_give_the_threshold_of_a_whole_tail(path: str, target: float) -> None:
    embeddings = people(5, 150, "cosine")
    point = [
        OperatingPointRequest("all", "target_fmr", target=target, weighting="people"),
        OperatingPointRequest("cell", "per_group", target=target, weighting="comparisons", cells=(2,)),
    ]
    short, whole = (
        compare(embeddings, operating_points=point, path=path, memory_cap=16 * 10),
        compare(embeddings, operating_points=point, path=path),
    )
    assert short.operating_points == whole.operating_points
    assert int(short.how["passes"]) <= 25  # a guess for so few samples is lowered in small steps


def test_more_scores_about_a_threshold_than_fit_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.comparisons.thresholds import resolve

    # All 179,700 pairs tie at the threshold; 2**26 bytes at 2,000 each hold 33,554.
    monkeypatch.setattr(resolve, "WINDOW_BYTES", 2_000)
    embeddings = EmbeddingSet.from_arrays(np.ones((600, 4)), np.arange(600), np.zeros(600, int), RULES["cosine"])
    with pytest.raises(ConfigError, match=r"'x'.*more scores lie about its threshold than 33,554"):
        compare(
            embeddings,
            operating_points=[OperatingPointRequest("x", "target_fmr", target=0.1, weighting="people")],
            memory_cap=16 * 1000,
        )


@pytest.mark.parametrize("cell", [np.full(30, -1), np.full(30, 2), np.zeros(29, int)])
def test_labels_that_do_not_fit_the_people_are_refused(cell: np.ndarray) -> None:
    embeddings = EmbeddingSet.from_arrays(np.ones((30, 2)), np.arange(30), np.zeros(30, int), RULES["cosine"])
    with pytest.raises(BenchmarkError, match="groupings"):
        compare(
            embeddings,
            operating_points=[OperatingPointRequest("x", "fixed", threshold=0.5)],
            memory_cap=16 * 6,
            groupings=[(cell, 2)],
        )
