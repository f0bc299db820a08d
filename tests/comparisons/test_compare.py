"""compare() against the naive float64 loop, with ==, on every path."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.backends.protocol import ScoreRule
from audit.base.errors import ConfigError
from audit.comparisons import OperatingPointRequest, compare
from audit.comparisons.kernels import pass8 as narrow_pass
from audit.comparisons.kernels import processor
from audit.embeddings.embedding_set import EmbeddingSet

sys.path.insert(0, str(Path(__file__).parent))
import oracle

RULES = {
    "euclidean": ScoreRule("euclidean", "dissimilarity", -2.0, 0.0, 0.6, "distance"),
    "cosine": ScoreRule("cosine", "similarity", -1.0, 1.0),
    "inner": ScoreRule("inner", "similarity", -4.0, 4.0),
}
PATHS = ["portable", *processor.flavours()]


def target(value: float, weighting: str, cells: tuple[int, ...] | None = None) -> OperatingPointRequest:
    protocol = "target_fmr" if cells is None else "target_fmr_reference"
    return OperatingPointRequest(
        f"fmr={value}:{cells}:{weighting}", protocol, target=value, weighting=weighting, cells=cells
    )  # type: ignore[arg-type]


def fixed(threshold: float) -> OperatingPointRequest:
    return OperatingPointRequest(f"fixed={threshold!r}", "fixed", threshold=threshold)


def check(embeddings: EmbeddingSet, requests: list[OperatingPointRequest], **options: Any) -> Any:
    """Every number that must be exact, against the loop."""
    got = compare(embeddings, operating_points=requests, **options)
    pairs = oracle.everything(embeddings)
    mated = [(i, j, s) for i, j, s, same in pairs if same]
    assert list(zip(got.mated.i.tolist(), got.mated.j.tolist(), got.mated.score.tolist(), strict=True)) == mated
    wanted = [oracle.threshold(embeddings, pairs, request) for request in requests]
    assert [point.threshold for point in got.operating_points] == [t for t, _, _ in wanted]
    for point, (_, people, comparisons) in zip(got.operating_points, wanted, strict=True):
        assert point.achieved_comparisons == comparisons or (
            math.isnan(comparisons) and math.isnan(point.achieved_comparisons)
        )
        assert point.achieved_people == pytest.approx(people, rel=1e-15, abs=0, nan_ok=True)
    tail = list(zip(got.tail.i.tolist(), got.tail.j.tolist(), got.tail.score.tolist(), strict=True))
    assert tail == sorted(tail)
    assert got.tail.floor == min((t for t, _, _ in wanted), default=math.inf)
    for threshold in [t for t, _, _ in wanted]:
        # The very pairs, not only their number.
        assert [(i, j) for i, j, s in tail if s >= threshold] == [
            (i, j) for i, j, s, same in pairs if not same and s >= threshold
        ]
    exact = {(i, j): s for i, j, s, _ in pairs}
    assert all(abs(exact[i, j] - s) <= got.tail.bound for i, j, s in tail)
    if got.histograms is not None:
        assert got.histograms.total() == len(pairs)
        assert int(got.histograms.mated.sum()) == len(mated)
        cell = embeddings.cell
        for (g, h), row in zip(got.histograms.pairs.tolist(), got.histograms.non_mated, strict=True):
            inside = [s for i, j, s, same in pairs if not same and {int(cell[i]), int(cell[j])} == {g, h}]
            assert int(row.sum()) == len(inside)
            # On the grid: a score may sit in the neighbouring bin, never further from its own than the bound.
            axis = got.histograms.axis
            for k, edge in enumerate(axis.edges[1:-1], start=1):
                at_least = int(row[k:].sum())
                slack = got.tail.bound + 1e-6 * (abs(edge) + axis.high - axis.low)
                assert sum(s >= edge + slack for s in inside) <= at_least <= sum(s >= edge - slack for s in inside)
    return got


def make(
    rng: np.random.Generator,
    n: int,
    d: int,
    subjects: int,
    cells: int,
    measure: str,
    *,
    names: tuple[str, ...] | None = None,
) -> EmbeddingSet:
    subject = rng.integers(0, subjects, n)
    cell_of = rng.integers(0, cells, subjects)
    centre = rng.standard_normal((subjects, d)) * 0.12
    vectors = centre[subject] + rng.standard_normal((n, d)) * 0.08
    return EmbeddingSet.from_arrays(
        vectors, subject, cell_of[subject], RULES[measure], names=names or tuple(f"cell={c}" for c in range(cells))
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("measure", list(RULES))
def test_every_number_equals_the_naive_loop(measure: str, path: str) -> None:
    rng = np.random.default_rng(3)
    embeddings = make(rng, 130, 17, 40, 4, measure, names=("a", "unlabelled", "b", "c"))
    scores = sorted(s for *_, s, same in oracle.everything(embeddings) if not same)
    requests = [
        # Ties with a threshold: scores that occurred.
        fixed(scores[-50]),
        fixed(scores[len(scores) // 2]),
        *[target(t, w) for t in (0.0, 1e-3, 0.01, 0.3) for w in ("people", "comparisons")],
        *[target(0.05, w, (0, 2)) for w in ("people", "comparisons")],
        target(0.02, "people", (3,)),
    ]
    check(embeddings, requests, bins=64, path=path, threads=2)


@pytest.mark.parametrize("seed", [252, 285, 321, 360, 384, 423])
def test_scores_far_beyond_the_expected_range_take_a_bounded_number_of_passes(seed: int) -> None:
    """Guesses are made in float32: at scores of 1e60 one that fell by the same tiny step each time never arrived, and
    the run never ended."""
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 12)), int(rng.integers(1, 6))
    values = np.array([0.0, 1.0, -1.0, 0.5, 0.1, 1e-3, -0.25, 3.0, 1e-20, 1e-38, 1e30, -1e30], np.float32)
    vectors, subjects, cells = (
        values[rng.integers(0, 12, (n, d))],
        rng.integers(0, n // 2 + 1, n),
        rng.integers(0, 3, n // 2 + 2),
    )
    embeddings = EmbeddingSet.from_arrays(
        vectors, subjects, cells[subjects], RULES["inner"], names=("a", "b", "unlabelled")
    )
    wanted = [target(share, w) for share in (0.0, 0.01, 0.1, 0.25, 0.5, 1.0) for w in ("people", "comparisons")] + [
        target(0.2, "people", (0,))
    ]
    passes = []
    for one in wanted:
        passes.append(check(embeddings, [one], path="portable", bins=2, threads=1).how["passes"])
    assert max(passes) <= 9


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_samples_are_no_special_case(n: int, path: str) -> None:
    vectors = np.arange(n * 3, dtype=np.float32).reshape(n, 3) + 1
    embeddings = EmbeddingSet.from_arrays(vectors, np.arange(n), np.zeros(n, int), RULES["cosine"], names=("only",))
    check(embeddings, [fixed(0.5), target(0.1, "people"), target(0.1, "comparisons")], path=path)


@pytest.mark.parametrize("path", PATHS)
def test_one_subject_only_has_no_non_mated_comparisons(path: str) -> None:
    embeddings = EmbeddingSet.from_arrays(np.eye(4), [5, 5, 5, 5], [1, 1, 1, 1], RULES["euclidean"])
    got = check(embeddings, [fixed(-0.6), target(0.1, "people")], path=path)
    assert got.operating_points[1].threshold == math.inf
    assert len(got.histograms.pairs) == 0


vectors_strategy = st.sampled_from([0.0, 1.0, -1.0, 0.5, 0.1, 1e-3, -0.25, 3.0, 1e-20, 1e-38, 1e30, -1e30])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_hypothesis_finds_no_difference(data: st.DataObject) -> None:
    measure = data.draw(st.sampled_from(list(RULES)))
    path = data.draw(st.sampled_from(PATHS))
    n, d = data.draw(st.integers(0, 24)), data.draw(st.integers(1, 9))
    calm = data.draw(st.booleans())
    values = st.floats(-1, 1, width=32) if calm else vectors_strategy
    rows = [data.draw(st.lists(values, min_size=d, max_size=d)) for _ in range(n)]
    if n and data.draw(st.booleans()):
        rows = [rows[data.draw(st.integers(0, n - 1))] for _ in range(n)]
    if measure == "cosine":
        rows = [row if np.any(np.asarray(row, dtype=np.float32)) else [1.0] * d for row in rows]
    subjects = [data.draw(st.integers(0, max(1, n // 2))) for _ in range(n)]
    cell_of = [data.draw(st.integers(0, 2)) for _ in range(max(1, n // 2) + 1)]
    embeddings = EmbeddingSet.from_arrays(
        np.array(rows, dtype=np.float32).reshape(n, d),
        np.array(subjects, dtype=int),
        np.array([cell_of[s] for s in subjects], dtype=int),
        RULES[measure],
        names=("a", "b", "unlabelled"),
    )
    seen = [s for *_, s, _ in oracle.everything(embeddings)] or [0.0]
    requests = [fixed(data.draw(st.sampled_from(seen)))]
    requests += [
        target(data.draw(st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5, 1.0])), w) for w in ("people", "comparisons")
    ]
    requests += [target(0.2, "people", (0,))]
    options = {
        "bins": data.draw(st.sampled_from([2, 7, 64])),
        "threads": data.draw(st.integers(1, 3)),
        "histograms": data.draw(st.booleans()),
    }
    check(embeddings, requests, path=path, **options)


def test_row_order_threads_and_path_change_nothing() -> None:
    rng = np.random.default_rng(11)
    n = 1_500
    subject = np.sort(rng.integers(0, 500, n))
    vectors = rng.standard_normal((n, 20)).astype(np.float32)
    requests = [fixed(-4.0), target(1e-3, "people"), target(1e-3, "comparisons")]
    rule = ScoreRule("euclidean", "dissimilarity", -10.0, 0.0)
    results = []
    for path, threads, order in [
        ("portable", 1, np.arange(n)),
        ("portable", 2, np.arange(n)),
        ("fast", 1, np.arange(n)),
        ("fast", 3, rng.permutation(n)),
    ]:
        embeddings = EmbeddingSet.from_arrays(vectors[order], subject[order], subject[order] % 3, rule)
        got = compare(embeddings, operating_points=requests, threads=threads, path=path)  # type: ignore[arg-type]
        rows = order[embeddings.row]
        pairs = np.sort(np.stack([rows[got.tail.i], rows[got.tail.j]]), axis=0)
        place = np.lexsort(pairs[::-1])
        arrays = (pairs[:, place], got.tail.score[place], got.histograms.non_mated, got.histograms.mated)
        results.append((*(array.tobytes() for array in arrays), [point.threshold for point in got.operating_points]))
    assert all(result == results[0] for result in results[1:])


def test_a_tail_that_breaks_the_cap_leaves_out_the_loosest_point_only() -> None:
    embeddings = make(np.random.default_rng(0), 100, 4, 50, 2, "cosine")
    got = compare(embeddings, operating_points=[fixed(0.99), fixed(-1.0)], memory_cap=1600)
    assert set(got.streamed) == {"fixed=-1.0"}
    assert [point.id for point in got.operating_points] == ["fixed=0.99", "fixed=-1.0"]
    assert got.operating_points[1].achieved_people == 1.0
    assert got.tail.floor == 0.99


def test_without_histograms_the_tail_is_the_same() -> None:
    embeddings = make(np.random.default_rng(5), 300, 8, 100, 3, "inner")
    full = compare(embeddings, operating_points=[target(0.01, "people")])
    tail_only = compare(embeddings, operating_points=[target(0.01, "people")], histograms=False)
    assert tail_only.histograms is None
    assert full.tail.score.tobytes() == tail_only.tail.score.tobytes()
    assert full.operating_points == tail_only.operating_points


@pytest.mark.skipif(
    "avx512vnni" not in processor.flavours(), reason="this processor has no AVX-512 VNNI, which the 8-bit filter needs"
)
@pytest.mark.parametrize("measure", list(RULES))
@pytest.mark.parametrize(("d", "rank"), [(1, 1), (3, 3), (31, 31), (32, 5), (66, 40), (130, 20), (130, 130)])
def test_the_8_bit_filter_loses_no_pair(measure: str, d: int, rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrow_pass, "LEAST", 0)
    monkeypatch.setattr(narrow_pass, "LEAST_PER_DIMENSION", 0)
    monkeypatch.setattr(narrow_pass, "WHOLE_PASS", math.inf)  # also where it would not pay
    rng = np.random.default_rng(d)
    subject = rng.integers(0, 300, 900)
    vectors = (rng.standard_normal((900, rank)) @ rng.standard_normal((rank, d)) / np.sqrt(rank)).astype(
        np.float32
    ) * (0.5 / np.sqrt(d))
    vectors += rng.standard_normal((900, d)).astype(np.float32) * (0.01 / np.sqrt(d))
    vectors[5], vectors[6] = vectors[700], -vectors[700]
    if measure != "cosine":
        vectors[7] = 0
        vectors[8] *= 5  # one long template makes the codes of all others coarse
    embeddings = EmbeddingSet.from_arrays(vectors, subject, subject % 5, RULES[measure])
    requests = [target(t, w) for t in (0.0, 1e-4, 1e-3, 0.01) for w in ("people", "comparisons")]
    narrow = compare(embeddings, operating_points=requests, histograms=False, path="avx512vnni")
    full = compare(embeddings, operating_points=requests, path="portable")
    assert narrow.how["path"] == "fast:avx512vnni:narrow"
    assert narrow.operating_points == full.operating_points
    for name in ("i", "j", "score"):
        assert getattr(narrow.tail, name).tobytes() == getattr(full.tail, name).tobytes()


@pytest.mark.skipif(
    "avx512vnni" not in processor.flavours(), reason="this processor has no AVX-512 VNNI, which the 8-bit filter needs"
)
def test_the_8_bit_filter_stays_off_where_it_would_let_most_pairs_through() -> None:
    embeddings = make(np.random.default_rng(1), 400, 40, 200, 2, "cosine")
    assert (
        compare(embeddings, operating_points=[fixed(0.0)], histograms=False, path="avx512vnni").how["path"]
        == "fast:avx512vnni"
    )


def test_progress_ends_at_all_comparisons() -> None:
    embeddings = make(np.random.default_rng(5), 1_300, 4, 400, 3, "cosine")
    seen: list[tuple[int, int]] = []
    compare(embeddings, operating_points=[fixed(0.9)], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1_300 * 1_299 // 2,) * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 1}, "bins"),
        ({"path": "gpu"}, "path"),
        ({"operating_points": [fixed(math.nan)]}, "no threshold"),
        ({"operating_points": [fixed(0.5), fixed(0.5)]}, "same id"),
        ({"operating_points": [target(1.5, "people")]}, "target 1.5"),
        ({"operating_points": [target(0.5, "pairs")]}, "weighting 'pairs'"),
        ({"operating_points": [target(0.5, "people", (9,))]}, r"cells \(9,\)"),
    ],
)
def test_requests_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    embeddings = make(np.random.default_rng(0), 10, 4, 5, 2, "cosine")
    with pytest.raises(ConfigError, match=message):
        compare(embeddings, **({"operating_points": [fixed(0.5)]} | options))
