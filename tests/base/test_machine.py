"""Cores, versions and the clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit.base.machine import Clock, cores, facts, version


@pytest.mark.parametrize(
    ("quota", "allowed"),
    [
        ("max 100000", None),
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("1000 100000", 1),
        ("", None),
        ("100000 0", None),
    ],
)
def test_cores_are_those_bound_to_and_no_more_than_a_containers_quota(
    tmp_path: Path, quota: str, allowed: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    bound = len(os.sched_getaffinity(0))
    assert cores(tmp_path / "cpu.max") == (bound if allowed is None else min(bound, allowed))
    assert cores(tmp_path / "none") == bound


def test_a_version_is_the_installed_one_or_what_is_said_instead() -> None:
    import numpy as np

    assert version("numpy") == np.__version__
    assert version("no such package", "absent") == "absent"
    assert facts(["numpy", "nothing-of-this-name"])["packages"] == {
        "numpy": np.__version__,
        "nothing-of-this-name": "not installed under this name",
    }


def test_stages_are_timed_one_after_the_other() -> None:
    clock = Clock()
    clock.lap("a")
    clock.lap("b")
    assert list(clock.read()["seconds"]) == ["a", "b"]
    assert all(seconds >= 0 for seconds in clock.read()["seconds"].values())
    assert clock.read()["started"].endswith("+00:00")
