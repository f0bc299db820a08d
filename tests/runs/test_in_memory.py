"""The public Python interface: arrays and tables in, the numbers of a naive loop out, and refusals in words."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import audit
from audit import results as files
from audit.base.errors import AuditError
from audit.runs import from_arrays, in_memory
from audit.runs.verify import verify


def world(people: int = 60, photos: int = 2, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), photos)
    vectors = rng.normal(size=(people, 6))[person] + 0.4 * rng.normal(size=(people * photos, 6))
    return vectors, person, np.where(person % 3 == 0, "B", "A")


def test_templates_in_memory_give_the_counts_of_a_naive_loop(tmp_path: Path) -> None:
    vectors, person, group = world()
    names = np.array([f"p{one}" for one in person])
    result = audit.audit_templates(
        vectors,
        names,
        {"race": group},
        reference="race=A",
        measure="euclidean",
        thresholds=[1.5],
        target_fmr=[],
        minimum_subjects=2,
    )
    for letter in ("A", "B"):
        rows = np.flatnonzero(group == letter)
        errors = trials = missed = mated = 0
        for k, i in enumerate(rows):
            for j in rows[k + 1 :]:
                match = np.sqrt(((vectors[i] - vectors[j]) ** 2).sum()) <= 1.5
                if person[i] == person[j]:
                    mated, missed = mated + 1, missed + (not match)
                else:
                    trials, errors = trials + 1, errors + match
        table = result.rates[
            (result.rates.group == f"race={letter}")
            & (result.rates.other_group == "")
            & (result.rates.weighting == "comparisons")
        ]
        counts = {row.measure: (row.errors, row.trials) for row in table.itertuples()}
        assert counts["FMR"] == (errors, trials)
        assert counts["FNMR"] == (missed, mated)
    assert {"FMR", "FNMR"} <= set(result.summaries.measure)
    assert (tmp_path / "pages" / "report.html") == result.report(tmp_path / "pages")
    assert files.digest(result) in (tmp_path / "pages" / "summary.html").read_text()
    assert verify(result.write(tmp_path))["problems"] == []
    again = audit.read(tmp_path / "templates")
    pd.testing.assert_frame_equal(again.rates, result.rates)


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    vectors, person, group = world()
    for name in ("one", "two"):
        audit.audit_templates(vectors, person, group, reference="group=A").write(tmp_path / name)
    first, second = (tmp_path / name / "templates" / "SHA256SUMS" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_scores_without_people_give_rates_and_no_interval() -> None:
    pairs = pd.DataFrame({"score": [0.9, 0.2, 0.8, 0.7], "mated": [1, 0, 1, 0], "race": ["A", "A", "B", "B"]})
    rates = audit.audit_scores(pairs, groups=["race"], reference="race=A", thresholds=[0.5]).rates
    fmr = rates[(rates.measure == "FMR") & (rates.operating_point == "threshold=0.5")].set_index("group")
    assert (fmr.rate["race=A"], fmr.rate["race=B"]) == (0.0, 1.0)
    assert fmr.low.isna().all()


def test_searches_give_the_share_that_returned_a_wrong_person() -> None:
    rows = [
        ("p1", 1, 0.9, 0, 0, "A"),
        ("p2", 1, 0.4, 0, 0, "A"),
        ("p3", 1, 0.8, 0, 0, "B"),
        ("p4", 1, 0.7, 0, 0, "B"),
        ("p5", 1, 0.95, 1, 1, "A"),
    ]
    frame = pd.DataFrame(rows, columns=["probe", "rank", "score", "mate", "enrolled", "race"])
    rates = audit.audit_searches(frame, gallery=100, groups=["race"], reference="race=A", thresholds=[0.5]).rates
    fpir = rates[(rates.measure == "FPIR") & (rates.weighting == "comparisons")].set_index("group").rate
    assert (fpir["race=A"], fpir["race=B"]) == (0.5, 1.0)  # p1 of p1, p2; p3 and p4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vectors": np.zeros(4)}, "vectors"),
        ({"vectors": np.array([["a"]])}, "vectors"),
        ({"subjects": ["p1"]}, "one per vector"),
        ({"groups": ["A"]}, "one label per row"),
        ({"groups": {"path": ["A"] * 120}}, "reserved"),
        ({"reference": "group=C"}, "group=C"),
        ({"target_fmr": [2.0]}, "target"),
        ({"thresholds": [], "target_fmr": []}, "no operating point"),
        ({"measure": "cosin"}, "cosin"),
        ({"uncertainty": {"sed": 1}}, "seed"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(change: dict[str, object], said: str) -> None:
    vectors, person, group = world()
    given = {"vectors": vectors, "subjects": person, "groups": group, "reference": "group=A"} | change
    with pytest.raises(AuditError, match=said):
        audit.audit_templates(given.pop("vectors"), given.pop("subjects"), given.pop("groups"), **given)


def test_a_frame_without_rows_is_refused() -> None:
    with pytest.raises(AuditError, match="no rows"):
        audit.audit_scores(pd.DataFrame({"score": []}), groups=["race"], reference="race=A", thresholds=[0.5])


def test_the_examples_in_the_public_docstrings_run() -> None:
    found = [doctest.testmod(module, optionflags=doctest.ELLIPSIS) for module in (in_memory, from_arrays)]
    assert sum(one.attempted for one in found) >= 8
    assert all(one.failed == 0 for one in found)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import audit, sys; print(sorted({'numpy', 'pandas', 'cv2', 'numba'} & set(sys.modules)), audit.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[]")
    with pytest.raises(AttributeError, match="audit_templates"):
        audit.audit_template  # noqa: B018
