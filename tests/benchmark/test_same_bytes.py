"""One photograph under several samples, against a loop over all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from audit.benchmark.same_bytes import mark


def naive(subjects: list[str], keys: list[str], before: list[str]) -> list[str]:
    out = list(before)
    for i, key in enumerate(keys):
        same = [j for j in range(len(keys)) if keys[j] == key and key and not before[j]]
        if before[i] or not key:
            continue
        if any(subjects[j] != subjects[i] for j in same):
            out[i] = "conflicting"
        elif min(same) != i:
            out[i] = "duplicate"
    return out


@pytest.mark.parametrize("seed", range(20))
def test_marks_are_those_of_the_naive_loop(seed) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    subjects = [f"s{k}" for k in rng.integers(0, 12, n)]
    keys = [f"k{k}" if k else "" for k in rng.integers(0, 30, n)]
    before = ["missing" if one else "" for one in rng.random(n) < 0.1]
    found, same = mark(pd.DataFrame({"subject_id": subjects, "left_out": before}), keys)
    expected = naive(subjects, keys, before)
    assert found.left_out.tolist() == expected
    clashing = [i for i in range(n) if expected[i] == "conflicting"]
    assert (same.duplicates, same.conflicting) == (expected.count("duplicate"), len(clashing))
    assert (same.people, same.contents) == (len({subjects[i] for i in clashing}), len({keys[i] for i in clashing}))


def test_nothing_the_same_says_nothing() -> None:
    _, same = mark(pd.DataFrame({"subject_id": ["a", "b", "b"]}), ["1", "2", ""])
    assert same.notes("file", "") == []
