"""People into cells; expected values are worked out by hand or by naive loops."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.base.errors import BenchmarkError
from audit.benchmark.cells import DISPUTED, MISSING, UNLABELLED, assign, opaque
from audit.benchmark.label_column import UNDECIDED


def frame(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    out = pd.DataFrame(rows, columns=["subject_id", "r", "s"], dtype="str")
    out.insert(0, "sample_id", [f"x{k}" for k in range(len(out))])
    return out


def test_a_cell_is_named_by_its_roles_in_their_given_order() -> None:
    samples = frame([("b", "White", "Male"), ("a", "Asian", "Male"), ("a", "Asian", "Male")])
    assert assign(samples, {"race": "r", "sex": "s"}).names == ("race=Asian|sex=Male", "race=White|sex=Male")
    assert assign(samples, {"sex": "s", "race": "r"}).names == ("sex=Male|race=Asian", "sex=Male|race=White")


def test_people_without_one_label_are_unlabelled_with_the_reason() -> None:
    cells = assign(
        frame(
            [
                ("a", "Asian", "Male"),
                ("b", "", "Male"),
                ("c", "Asian", "Male"),
                ("c", "White", "Male"),
                ("d", UNDECIDED, "Male"),
            ]
        ),
        {"race": "r", "sex": "s"},
    )
    assert cells.names == ("race=Asian|sex=Male", UNLABELLED)
    assert list(cells.subjects["reason"]) == ["", MISSING, DISPUTED, "undecided"]
    assert cells.reasons() == {MISSING: 1, DISPUTED: 1, "undecided": 1}
    assert list(cells.cell) == [0, 1, 1, 1]
    assert list(cells.subjects["race"]) == ["Asian", "", "", ""]


def test_a_photo_without_a_label_does_not_speak_against_one_with_a_label() -> None:
    cells = assign(frame([("a", "", "Male"), ("a", "Asian", "Male")]), {"race": "r"})
    assert cells.names == ("race=Asian",)


def test_counts_are_those_of_subjects_samples_and_mated_comparisons() -> None:
    # a: 3 photos, 3 mated comparisons; b: 1 photo; c: 2 photos, 1 comparison, unlabelled
    cells = assign(frame([("a", "X", "M")] * 3 + [("b", "X", "M")] + [("c", "", "M")] * 2), {"race": "r"})
    assert cells.counts().to_dict("list") == {
        "cell": ["race=X", UNLABELLED],
        "subjects": [2, 1],
        "samples": [4, 2],
        "subjects_with_mated": [1, 1],
        "mated_comparisons": [3, 1],
    }


@settings(deadline=None)  # shared machines stall
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.sampled_from(["", "X", "Y", UNDECIDED]), st.sampled_from(["", "M", "F"])
        ),
        min_size=1,
    )
)
def test_cells_agree_with_a_naive_reading_person_by_person(rows: list[tuple[str, str, str]]) -> None:
    cells = assign(frame(rows), {"race": "r", "sex": "s"})
    said: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for subject, r, s in rows:
        said[subject][0].update({r} - {""})
        said[subject][1].update({s} - {""})
    for row in cells.subjects.itertuples():
        r, s = said[row.subject_id]
        whole = len(r) == 1 and len(s) == 1 and UNDECIDED not in r
        expected = f"race={next(iter(r))}|sex={next(iter(s))}" if whole else UNLABELLED
        assert cells.names[row.cell] == expected
        assert (row.reason == "") == whole
    assert cells.counts()["samples"].sum() == len(rows)


def test_a_number_is_put_into_its_bin_and_a_person_by_the_lower_median() -> None:
    samples = pd.DataFrame(
        {"subject_id": ["a", "b", "c", "c", "d", "e"], "age": ["17", "18", "20", "40", "", "99"]}, dtype="str"
    )
    cells = assign(samples, {"age": "age"}, bins={"age": [0, 18, 30]})
    # c: lower median of 20 and 40 is 20
    assert list(cells.subjects["age"]) == ["0-17", "18-29", "18-29", "", "30+"]
    assert list(cells.subjects["reason"]) == ["", "", "", MISSING, ""]


def test_a_range_is_put_into_the_bin_that_holds_it_whole() -> None:
    samples = pd.DataFrame(
        {"subject_id": list("abcdef"), "age": ["3-9", "10-19", "20-29", "70+", "", "child"]}, dtype="str"
    )
    cells = assign(samples, {"age": "age"}, bins={"age": [0, 18, 60]})
    assert list(cells.subjects["age"]) == ["0-17", "", "18-59", "60+", "", ""]
    assert list(cells.subjects["reason"]) == ["", "undecided", "", "", MISSING, "undecided"]


@settings(deadline=None)  # shared machines stall
@given(st.lists(st.integers(0, 100), min_size=1, max_size=9), st.sets(st.integers(0, 90), min_size=1, max_size=5))
def test_the_bin_of_a_person_is_the_bin_of_the_lower_median_age(ages: list[int], edges: set[int]) -> None:
    samples = pd.DataFrame({"subject_id": ["a"] * len(ages), "age": [str(age) for age in ages]})
    ordered = sorted(edges)
    cells = assign(samples, {"age": "age"}, bins={"age": ordered})
    whole = [age for age in ages if age >= ordered[0]]
    if not whole:
        assert cells.names == (UNLABELLED,)
        return
    middle = sorted(whole)[(len(whole) - 1) // 2]
    low = max(edge for edge in ordered if edge <= middle)
    assert cells.subjects["age"][0].startswith((f"{low}-", f"{low}+"))


def test_bins_that_do_not_increase_are_refused() -> None:
    with pytest.raises(BenchmarkError, match="increasing"):
        assign(pd.DataFrame({"subject_id": ["a"], "age": ["1"]}), {"age": "age"}, bins={"age": [0, 30, 18]})


def test_an_unknown_column_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(BenchmarkError, match=r"no label column 'colour'.*r, s"):
        assign(frame([("a", "X", "M")]), {"race": "colour"})


@settings(deadline=None)  # shared machines stall
@given(st.integers(0, 200), st.integers(0, 2**63))
def test_opaque_ids_are_a_permutation(count: int, seed: int) -> None:
    out = opaque([f"{k:05d}" for k in range(count)], seed)
    assert sorted(out) == list(range(count))


def test_opaque_ids_are_the_ranks_of_the_hashes_of_seed_and_place() -> None:
    digests = [hashlib.sha256(f"7:{k}".encode()).hexdigest() for k in range(50)]
    naive = [sum(other < own for other in digests) for own in digests]
    assert list(opaque([f"{k:03d}" for k in range(50)], 7)) == naive
    assert not np.array_equal(opaque([f"{k:03d}" for k in range(50)], 8), naive)


def test_opaque_ids_refuse_unsorted_or_repeated_people() -> None:
    for ids in (["b", "a"], ["a", "a"]):
        with pytest.raises(BenchmarkError, match="sorted"):
            opaque(ids, 1)
