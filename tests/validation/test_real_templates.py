"""On real templates of LFW photographs the vertex bootstrap agrees with the closed form."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from resampling import vertex_bootstrap

from audit.stats.dyadic import within


@pytest.fixture(scope="module")
def dyads(root: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Asian men (as labelled by a classifier), dlib templates, match at a distance of at most 0.6: n, i, j, e by plain
    distances."""
    folder = root / "datasets" / "lfw"
    if not (folder / "face_recognition.npz").is_file():
        pytest.skip("no embedded LFW templates in datasets/lfw")
    with np.load(folder / "face_recognition.npz") as stored:
        vectors = dict(zip(stored["sample_id"].tolist(), stored["vectors"].astype(np.float64), strict=True))
        status = dict(zip(stored["sample_id"].tolist(), stored["status"].tolist(), strict=True))
    with gzip.open(folder / "samples.csv.gz", "rt", encoding="utf-8") as file:
        lines = [r for r in csv.DictReader(file) if (r["race_attribute"], r["sex_verified"]) == ("Asian", "Male")]
    lines = [r for r in lines if status[r["sample_id"]].lower() == "acquired"]
    people = sorted({r["subject_id"] for r in lines})
    who = np.array([people.index(r["subject_id"]) for r in lines])
    x = np.stack([vectors[r["sample_id"]] for r in lines])
    close = np.sqrt(np.maximum(0, (x**2).sum(1)[:, None] + (x**2).sum(1)[None] - 2 * x @ x.T)) <= 0.6
    table = np.zeros((len(people), len(people)), int)
    np.add.at(table, (who[:, None], who[None]), close)
    i, j = np.triu_indices(len(people), 1)
    hit = table[i, j] > 0
    return np.bincount(who), i[hit], j[hit], table[i, j][hit]


@pytest.mark.parametrize("weighting", ["people", "comparisons"])
def test_the_vertex_bootstrap_of_real_templates_estimates_s_plus_q(dyads: tuple, weighting: str) -> None:
    got = within(*dyads, weighting)
    assert got.subjects > 200
    assert got.errors > 1000
    draws = vertex_bootstrap(*dyads, weighting, resamples=1500, seed=1)
    # Monte Carlo error of a standard deviation: 1/sqrt(3000) = 1.8 %; by comparisons a few people carry most of it,
    # and the linearisation shows
    expected = math.sqrt(got.S + got.Q) / got.M
    assert draws.std() == pytest.approx(expected, rel=0.06 if weighting == "people" else 0.15)
    assert got.variance < expected**2
