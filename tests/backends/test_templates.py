"""Precomputed templates: every file layout gives the same rows, and every defect is named with its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.backends.protocol import Backend, Status
from audit.backends.registry import make
from audit.base.errors import BackendError
from audit.embeddings.extract import from_templates

VECTORS = np.array([[3, 4], [1, 0], [0, 0.5], [7, 7]], dtype=np.float32)
IDS = ["s1", "s2", "s3", "s4"]
STATUS = ["ACQUIRED", "ACQUIRED", "ACQUIRED", "NO_FACE"]


def written(
    folder: Path, kind: str, vectors: np.ndarray = VECTORS, ids: list[str] = IDS, status: list[str] | None = STATUS
) -> dict:
    table = pd.DataFrame({"sample_id": ids} | ({"status": status} if status else {}))
    if kind == "npy":
        np.save(folder / "t.npy", vectors)
        table.to_csv(folder / "t.csv", index=False)
        return {"path": str(folder / "t.npy"), "samples": str(folder / "t.csv"), "measure": "euclidean"}
    if kind == "npz":
        np.savez(folder / "t.npz", vectors=vectors, **{name: np.array(table[name].tolist()) for name in table})
        return {"path": str(folder / "t.npz"), "measure": "euclidean"}
    if kind == "lists":
        table.assign(vector=list(vectors)).to_parquet(folder / "t.parquet")
    else:
        table.assign(**{f"v{n}": vectors[:, n] for n in range(vectors.shape[1])}).to_parquet(folder / "t.parquet")
    return {"path": str(folder / "t.parquet"), "measure": "euclidean"}


@pytest.mark.parametrize("kind", ["npy", "npz", "lists", "columns"])
def test_every_layout_gives_the_rows_that_are_asked_for(tmp_path, kind) -> None:
    backend = make("templates", written(tmp_path, kind))
    assert isinstance(backend, Backend)
    assert backend.precomputed
    found = from_templates(backend, ["s3", "s4", "s1"])
    assert found.vectors.tolist() == [[0, 0.5], [0, 0], [3, 4]]
    assert found.status.tolist() == [Status.ACQUIRED, Status.NO_FACE, Status.ACQUIRED]
    assert found.reasons == ("", "recorded as NO_FACE", "")


def test_the_bounds_follow_from_the_longest_acquired_template(tmp_path) -> None:
    # |(3, 4)| = 5 is the longest acquired one; (7, 7) is a failure. A distance is at most 2 * 5, an inner product at
    # most 25.
    options = written(tmp_path, "npz")
    rule = make("templates", options).rule
    assert (rule.low, rule.high, rule.kind, rule.unit, rule.default_threshold) == (
        -10.0,
        0.0,
        "dissimilarity",
        "distance",
        None,
    )
    rule = make("templates", {**options, "measure": "inner"}).rule
    assert (rule.low, rule.high, rule.kind) == (-25.0, 25.0, "similarity")
    rule = make("templates", {**options, "measure": "cosine", "default_threshold": 0.3, "unit": "score"}).rule
    assert (rule.low, rule.high, rule.default_threshold, rule.unit) == (-1.0, 1.0, 0.3, "score")


def test_a_sample_without_a_row_is_an_error_and_not_a_failure_to_acquire(tmp_path) -> None:
    with pytest.raises(BackendError, match=r"no row for 2 of 3 samples \(first: sample 1"):
        from_templates(make("templates", written(tmp_path, "npz")), ["s1", "Jane", "John"])


def refused(tmp_path: Path, kind: str = "npz", measure: str = "euclidean", **changes) -> str:
    with pytest.raises(BackendError) as error:
        make("templates", {**written(tmp_path, kind, **changes), "measure": measure})
    return str(error.value)


def test_defects_are_named_with_their_row(tmp_path) -> None:
    broken = VECTORS.copy()
    broken[1, 0] = np.nan
    assert "NaN or infinity in 1 templates (first: row 1)" in refused(tmp_path, vectors=broken)
    zero = VECTORS.copy()
    zero[2] = 0
    assert "zeros only" in refused(tmp_path, vectors=zero, measure="cosine")
    assert "repeated sample ids (first: row 2)" in refused(tmp_path, ids=["s1", "s2", "s1", "s4"])
    assert "a status that is none in row 1" in refused(tmp_path, status=["ACQUIRED", "LOST", "ACQUIRED", "NO_FACE"])
    assert "4 vectors, a table of 3 rows" in refused(tmp_path, kind="npy", ids=IDS[:3], status=None)
    assert "vectors of shape (4,)" in refused(tmp_path, vectors=VECTORS[:, 0])


def test_a_nan_in_the_row_of_a_failure_is_not_a_defect(tmp_path) -> None:
    vectors = VECTORS.copy()
    vectors[3] = np.nan
    assert from_templates(make("templates", written(tmp_path, "npz", vectors=vectors)), ["s4"]).status.tolist() == [
        Status.NO_FACE
    ]


def test_rows_of_different_width_are_named(tmp_path) -> None:
    pd.DataFrame({"sample_id": ["a", "b", "c"], "vector": [[1.0, 2], [1, 2, 3], [1, 2]]}).to_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(BackendError, match=r"row 1 has a vector of shape \(3,\), row 0 one of 2"):
        make("templates", {"path": tmp_path / "t.parquet", "measure": "cosine"})


@pytest.mark.parametrize("name", ["absent.npz", "t.txt", "damaged.npz", "damaged.parquet"])
def test_a_file_that_cannot_be_read_says_so(tmp_path, name) -> None:
    for file in ("t.txt", "damaged.npz", "damaged.parquet"):
        (tmp_path / file).write_bytes(b"nothing of use")
    with pytest.raises(BackendError, match=name):
        make("templates", {"path": tmp_path / name, "measure": "cosine"})


def test_images_are_refused(tmp_path) -> None:
    with pytest.raises(BackendError, match="Allowed: sample ids"):
        make("templates", written(tmp_path, "npz")).extract([np.zeros((9, 9, 3), np.uint8)])


def test_the_fingerprint_is_that_of_the_content_and_not_of_the_place(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    a, b = (make("templates", written(tmp_path / folder, "npy")).fingerprint for folder in "ab")
    assert a == b
    assert a != make("templates", written(tmp_path / "b", "npy", vectors=VECTORS + 1)).fingerprint


def test_a_distance_of_exactly_the_threshold_is_a_match_in_the_numbers_that_were_given(tmp_path: Path) -> None:
    # Four people on a line, 0.6 apart in float64; float32 would put three of these distances above 0.6 and call them
    # no match.
    import audit

    vectors = np.array([[0.0, 0.0], [0.6, 0.0], [0.0, 0.6], [0.6, 0.6]])
    one = np.sqrt(((vectors[:, None] - vectors[None]) ** 2).sum(axis=2))
    expected = int(sum(one[i, j] <= 0.6 for i in range(4) for j in range(i + 1, 4)))
    assert expected == 4
    found = audit.audit_templates(
        vectors,
        ["a", "b", "c", "d"],
        ["A"] * 4,
        reference="group=A",
        measure="euclidean",
        thresholds=[0.6],
        target_fmr=[],
        minimum_subjects=2,
    ).rates
    row = found[
        (found.measure == "FMR")
        & (found.weighting == "comparisons")
        & (found.group == "group=A")
        & (found.other_group == "")
    ]
    assert row.errors.tolist() == [expected]


def test_ids_may_be_the_paths_with_or_without_their_ending(tmp_path: Path) -> None:
    pd.DataFrame(
        {"path": ["x/1.jpg", "x/2.jpg", "y/1.jpg"], "subject": ["x", "x", "y"], "sex": ["F", "F", "M"]}
    ).to_csv(tmp_path / "labels.csv", index=False)
    import audit

    rng = np.random.default_rng(1)
    for ids in (
        ["x/1.jpg", "x/2.jpg", "y/1.jpg"],
        ["x/1", "x/2", "y/1"],
        ["x\\1.jpg", "x\\2.jpg", "y\\1.jpg"],
        ["./x/1.jpg", "./x/2.jpg", " ./y/1.jpg"],
    ):
        np.savez(tmp_path / "t.npz", vectors=rng.normal(size=(3, 4)), sample_id=np.array(ids))
        config = {
            "version": 1,
            "name": "own",
            "benchmark": {"name": "files"},
            "backend": {"name": "templates", "options": {"path": "t.npz", "measure": "cosine"}},
            "groups": {"attributes": {"sex": "sex"}, "reference": "sex=F"},
            "operating_points": [{"kind": "fixed", "threshold": 0.5}],
        }
        assert audit.run(config, data=tmp_path).acquisition.acquired.sum() == 3
