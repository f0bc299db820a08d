"""Which rates carry a warning until a person looked at the extreme pairs."""

from __future__ import annotations

import pandas as pd

from audit.rates import unreviewed


def points(*achieved: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"operating_point": [f"p{k}" for k in range(len(achieved))], "achieved_people": achieved, "calibrated_on": ""}
    )


def test_only_thresholds_below_one_in_a_hundred_thousand_are_marked() -> None:
    assert unreviewed.unreviewed(points(1e-3, 1e-5, 9.9e-6, 0.0), None) == {"p2", "p3"}


def test_a_list_judged_to_the_end_lifts_the_mark_and_one_blank_keeps_it() -> None:
    whole = pd.DataFrame({"judged": ["different_people", "unsure"]})
    part = pd.DataFrame({"judged": ["different_people", ""]})
    assert unreviewed.unreviewed(points(1e-6), whole) == set()
    assert unreviewed.unreviewed(points(1e-6), part) == {"p0"}
    assert unreviewed.unreviewed(points(1e-6), whole.iloc[:0]) == {"p0"}


def test_the_note_joins_others_and_leaves_misses_alone() -> None:
    rates = pd.DataFrame(
        {
            "operating_point": ["p0"] * 4,
            "measure": ["FMR", "FNMR", "FMR_same_cell", "FMR"],
            "trials": [5, 5, 5, 0],
            "note": ["", "", "few", ""],
        }
    )
    assert list(unreviewed.annotate(rates, {"p0"}).note) == [unreviewed.NOTE, "", f"few; {unreviewed.NOTE}", ""]
    assert unreviewed.annotate(rates, set()) is rates
