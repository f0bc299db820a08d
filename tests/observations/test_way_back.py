"""Who is who stays in the cache, for its owner alone, and fits only the run it is of."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from audit.base.errors import ResultsError
from audit.observations import way_back
from audit.observations.numbering import renumbered
from audit.observations.tallies import Labelling, PointTally, Tallies

IDS = [f"person {k}" for k in range(5)]


def tallies(seed: int = 0) -> Tallies:
    n = np.array([1, 2, 2, 3, 1], np.int32)
    none = np.zeros(0, np.int32)
    point = PointTally("t", 0.5, none, none, none, np.full(5, 0, np.int32) + np.int32(seed) * (n > 1).astype(np.int32))
    return Tallies(n, n.copy(), (Labelling("headline", ("g=a",), np.zeros(5, np.int16)),), (point,))


def test_what_was_kept_is_found_by_its_run_and_by_no_other(tmp_path: Path) -> None:
    order = np.array([3, 1, 4, 0, 2])
    way_back.keep(tmp_path, tallies(), order, IDS)
    found = way_back.find(tmp_path, tallies())
    assert found is not None
    assert found.person.tolist() == order.tolist()
    assert way_back.find(tmp_path, tallies(1)) is None
    assert way_back.find(tmp_path / "elsewhere", tallies()) is None


def test_only_its_owner_reads_it_and_no_id_is_in_it(tmp_path: Path) -> None:
    way_back.keep(tmp_path, tallies(), np.arange(5), IDS)
    (file,) = (tmp_path / "people").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "people").stat().st_mode) == 0o700
    assert b"person" not in file.read_bytes().replace(b"person.npy", b"")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not an archive"])
def test_a_damaged_file_is_no_way_back_and_no_crash(tmp_path: Path, content: bytes) -> None:
    way_back.keep(tmp_path, tallies(), np.arange(5), IDS)
    (file,) = (tmp_path / "people").iterdir()
    file.write_bytes(content)
    assert way_back.find(tmp_path, tallies()) is None


def test_a_cache_that_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "people").write_text("a file where the folder should be")
    way_back.keep(tmp_path, tallies(), np.arange(5), IDS)
    assert way_back.find(tmp_path, tallies()) is None


def test_two_runs_are_linked_person_by_person(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.permutation(5), rng.permutation(5)
    one, two = (way_back.Kept(order, "people") for order in (a, b))
    number = way_back.link(one, two)
    assert all(
        b[number[k]] == a[k] for k in range(5)
    )  # the person behind k in the first is behind number[k] in the second
    left, right = renumbered(tallies(), np.argsort(a)), renumbered(tallies(), np.argsort(b))
    assert left.acquired.tolist() == right.acquired[number].tolist()
    with pytest.raises(ResultsError, match="different people"):
        way_back.link(one, way_back.Kept(b, "others"))
