"""Templates that are one and the same, and samples without one, before anything is compared."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from audit.backends.protocol import Status
from audit.base.errors import BackendError
from audit.embeddings.same_templates import in_words, same_templates, without_template


def world(people: int = 50, each: int = 2, dimensions: int = 4):
    """A benchmark of 100 samples and their templates, all different."""
    from dataclasses import dataclass, field

    @dataclass(frozen=True)
    class Bench:  # what the function reads of a benchmark
        samples: pd.DataFrame
        notes: tuple[str, ...] = field(default=())

    n = people * each
    samples = pd.DataFrame({"subject_id": [f"s{k // each:02}" for k in range(n)], "left_out": [""] * n})
    vectors = np.random.default_rng(1).standard_normal((n, dimensions)).astype(np.float32)
    status = np.zeros(n, np.int8)
    return (
        Bench(samples),
        SimpleNamespace(vectors=vectors, status=status, acquired=status == Status.ACQUIRED, reasons=("",) * n),
        np.arange(n),
    )


def test_different_templates_are_left_alone() -> None:
    bench, extracted, rows = world()
    found, notes = same_templates(bench, extracted, rows)
    assert (found.samples.left_out == "").all()
    assert notes == []


def test_a_few_shared_templates_are_left_out_and_said() -> None:
    bench, extracted, rows = world()
    extracted.vectors[40] = extracted.vectors[7]  # two people
    extracted.vectors[61] = extracted.vectors[60]  # one person
    found, notes = same_templates(bench, extracted, rows)
    assert {k: why for k, why in enumerate(found.samples.left_out) if why} == {
        7: "conflicting",
        40: "conflicting",
        61: "duplicate",
    }
    assert notes[0].startswith(
        "2 photographs under 2 people are left out on all sides: the very same template stands "
        "under two or more people"
    )
    assert notes[1].startswith(
        "1 photographs are left out because the very same template is there once more for the same person"
    )
    assert found.notes == tuple(notes)


def test_minus_zero_is_zero_and_a_bit_is_a_difference() -> None:
    bench, extracted, rows = world()
    extracted.vectors[4], extracted.vectors[8], extracted.vectors[12] = (
        [0, 1, 2, 3],
        [-0.0, 1, 2, 3],
        [0, np.nextafter(np.float32(1), np.float32(2)), 2, 3],
    )
    found, _ = same_templates(bench, extracted, rows)
    assert [k for k, why in enumerate(found.samples.left_out) if why] == [4, 8]


@pytest.mark.parametrize(("shared", "refused"), [(5, False), (6, True), (100, True)])
def test_more_than_one_in_twenty_is_no_matcher(shared, refused) -> None:
    bench, extracted, rows = world()
    extracted.vectors[np.arange(shared) if shared == 100 else np.arange(shared) * 2] = 1.0
    if refused:
        with pytest.raises(
            BackendError,
            match=f"{shared} of 100 templates are another person's to the last bit \\(1 different ones\\)",
        ):
            same_templates(bench, extracted, rows)
    else:
        assert (same_templates(bench, extracted, rows)[0].samples.left_out == "conflicting").sum() == shared


def test_what_has_no_template_or_is_left_out_shares_none() -> None:
    bench, extracted, rows = world()
    extracted.vectors[10:30] = 0
    extracted.status[10:30] = Status.NO_FACE
    extracted.acquired = extracted.status == Status.ACQUIRED
    assert same_templates(bench, extracted, rows)[1] == []


def test_reasons_are_counted_commonest_first_without_what_was_left_out() -> None:
    bench, extracted, rows = world()
    extracted.status[:6] = [Status.NO_FACE] * 3 + [Status.UNREADABLE] * 2 + [Status.ERROR]
    extracted.reasons = ("no face found",) * 3 + ("image is truncated", "file missing", "") + ("",) * 94
    bench.samples.loc[4, "left_out"] = "missing"
    found = without_template(bench, extracted, rows)
    assert [(row["status"], row["reason"], row["samples"]) for row in found] == [
        ("NO_FACE", "no face found", 3), ("ERROR", "no reason given", 1), ("UNREADABLE", "image is truncated", 1),
    ]  # fmt: skip
    assert (
        in_words(found, 100) == "No template from 5 of 100 photographs: 3 no face (no face found); 1 error (no reason "
        "given); 1 unreadable (image is truncated)."
    )
    assert in_words([], 100) == ""


def test_many_reasons_are_cut_and_none_is_lost() -> None:
    bench, extracted, rows = world()
    extracted.status[:] = Status.ERROR
    extracted.reasons = tuple(f"reason {k:03}" for k in range(100))
    found = without_template(bench, extracted, rows)
    assert len(found) == 21
    assert sum(row["samples"] for row in found) == 100
    assert found[-1]["reason"] == "80 further reasons"
