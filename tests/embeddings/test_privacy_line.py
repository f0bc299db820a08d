"""Past the privacy line there are numbers under opaque people, and nothing of a name, a path or an image."""

from __future__ import annotations

import csv
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.backends.protocol import ScoreRule, Status
from audit.base.errors import NotEnoughDataError
from audit.benchmark import manifest
from audit.embeddings.privacy_line import cross

RULE = ScoreRule("euclidean", "dissimilarity", -10.0, 0.0)
PEOPLE = {
    "Ada Byron": ("A", "F", 3),
    "Karl Gauss": ("A", "M", 2),
    "Emmy Noether": ("B", "F", 1),
    "Leon Euler": ("B", "M", 4),
    "Nobody Known": ("", "M", 2),
}


@pytest.fixture
def bench(tmp_path: Path) -> manifest.Benchmark:
    rows = []
    for name, (race, sex, photos) in PEOPLE.items():
        for photo in range(photos):
            path = f"{name.replace(' ', '_')}_{photo}.jpg"
            (tmp_path / path).write_bytes(b"x")
            rows.append([path, name, race, sex])
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "subject", "race", "sex"], *rows])
    return manifest.load("files", tmp_path, attributes={"race": "race", "sex": "sex"}, alternatives={"race": ["sex"]})


def crossed(bench: manifest.Benchmark, seed: int = 1, status: np.ndarray | None = None):
    n = len(bench.samples)
    vectors = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
    status = np.zeros(n, np.int8) if status is None else status
    return vectors, cross(
        bench,
        RULE,
        vectors=vectors,
        status=status,
        seconds=np.ones(n),
        quality=pd.DataFrame({"sharpness": np.arange(n, dtype=float)}),
        seed=seed,
    )


def strings(value: object, seen: set[int] | None = None) -> list[str]:
    """Every text inside an object, however deep."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, str):
        return [value]
    if isinstance(value, pd.DataFrame):
        return [
            *map(str, value.columns),
            *(str(item) for column in value for item in value[column] if isinstance(item, str)),
        ]
    if isinstance(value, np.ndarray):
        return [str(item) for item in value.ravel()] if value.dtype.kind in "OU" else []
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in strings(part, seen)]
    if isinstance(value, (tuple, list)):
        return [text for item in value for text in strings(item, seen)]
    if is_dataclass(value):
        return [text for field in fields(value) for text in strings(getattr(value, field.name), seen)]
    return []


def test_nothing_of_a_name_a_path_or_an_id_goes_past_the_line(bench: manifest.Benchmark) -> None:
    _, found = crossed(bench)
    words = " ".join(strings(found))
    assert "race=A|sex=F" in words  # the search sees what is there
    forbidden = (
        {part for name in PEOPLE for part in name.split()}
        | set(bench.samples["sample_id"])
        | set(bench.samples["subject_id"])
        | {"jpg"}
    )
    assert [word for word in forbidden if word in words] == []


def test_every_template_keeps_its_person_and_the_person_its_cell(bench: manifest.Benchmark) -> None:
    vectors, found = crossed(bench)
    number: dict[str, int] = {}
    for row, original in enumerate(found.sample_rows):
        assert np.array_equal(found.embeddings.vectors[row], vectors[original])
        person = bench.samples["subject_id"].iloc[original]
        assert number.setdefault(person, int(found.embeddings.subject[row])) == found.embeddings.subject[row]
        names = dict(zip(bench.subject_ids, (bench.cells.names[c] for c in bench.cells.cell), strict=True))
        assert found.embeddings.cells[found.embeddings.cell[row]] == names[person]
    assert sorted(number.values()) == list(range(len(PEOPLE)))
    _, cells, cell = found.labellings[0]
    assert {cells[cell[k]] for k in number.values()} == {
        "race=A|sex=F",
        "race=A|sex=M",
        "race=B|sex=F",
        "race=B|sex=M",
        "unlabelled",
    }


def test_another_label_source_is_a_labelling_of_the_same_opaque_people(bench: manifest.Benchmark) -> None:
    _, found = crossed(bench)
    (_, cells, cell), (name, other_cells, other) = found.labellings
    assert name == "sex"
    for k in range(len(PEOPLE)):
        headline = cells[cell[k]]
        if headline != "unlabelled":
            sex = headline.rpartition("=")[2]
            assert other_cells[other[k]] == f"race={sex}|sex={sex}"


def test_opaque_numbers_depend_on_the_seed_and_on_nothing_else(bench: manifest.Benchmark) -> None:
    _, first = crossed(bench, seed=1)
    _, again = crossed(bench, seed=1)
    _, other = crossed(bench, seed=2)
    assert np.array_equal(first.attempted, again.attempted)
    assert np.array_equal(first.embeddings.subject, again.embeddings.subject)
    assert not np.array_equal(first.attempted, other.attempted)
    assert sorted(first.attempted) == sorted(other.attempted) == [1, 2, 2, 3, 4]


def test_failures_stay_with_their_group_and_are_no_templates(bench: manifest.Benchmark) -> None:
    status = np.zeros(len(bench.samples), np.int8)
    names = [bench.cells.names[c] for c in bench.cell_code]
    ada = [k for k, name in enumerate(names) if name == "race=A|sex=F"]
    status[ada[0]], status[ada[1]] = Status.NO_FACE, Status.UNREADABLE
    leon = [k for k, name in enumerate(names) if name == "race=B|sex=M"]
    status[leon[0]], status[leon[1]] = Status.MANY_FACES, Status.ERROR
    _, found = crossed(bench, status=status)
    assert len(found.embeddings) == 12 - 4
    _, cells, cell = found.labellings[0]
    acquired = np.bincount(found.embeddings.subject, minlength=len(PEOPLE))
    table = found.acquisition.table(cells, cell, acquired).set_index("group")
    assert table.loc["race=A|sex=F"].to_dict() == dict(
        subjects=1,
        subjects_with_two=0,
        samples=3,
        acquired=1,
        unreadable=1,
        no_face=1,
        many_faces=0,
        error=0,
        missing=0,
        duplicates=0,
        conflicting=0,
    )
    assert table.loc["race=B|sex=M"].to_dict() == dict(
        subjects=1,
        subjects_with_two=1,
        samples=4,
        acquired=2,
        unreadable=0,
        no_face=0,
        many_faces=1,
        error=1,
        missing=0,
        duplicates=0,
        conflicting=0,
    )
    assert table.loc["unlabelled"].samples == 2
    assert (table[["acquired", "unreadable", "no_face", "many_faces", "error"]].sum(axis=1) == table.samples).all()
    assert found.attempted.sum() == 12


def test_a_template_of_a_failed_sample_is_not_read_even_if_it_is_nan(bench: manifest.Benchmark) -> None:
    n = len(bench.samples)
    vectors, status = np.ones((n, 2), np.float32), np.zeros(n, np.int8)
    vectors[3], status[3] = np.nan, Status.NO_FACE
    found = cross(
        bench, RULE, vectors=vectors, status=status, seconds=np.zeros(n), quality=pd.DataFrame(index=range(n)), seed=1
    )
    assert len(found.embeddings) == n - 1


@pytest.mark.parametrize("kept", [0, 1])
def test_fewer_than_two_people_with_a_template_cannot_be_compared(bench: manifest.Benchmark, kept: int) -> None:
    status = np.full(len(bench.samples), Status.NO_FACE, np.int8)
    first = bench.subject_code == 0
    if kept:
        status[first] = Status.ACQUIRED
    with pytest.raises(NotEnoughDataError, match=f"templates of {kept} people from 12 samples") as caught:
        crossed(bench, status=status)
    assert caught.value.exit_code == 5
