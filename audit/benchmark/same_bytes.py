"""Photographs that are one file, and templates that are one template, under several samples.

In: samples with their people, and what each is (the sha256 of its bytes, or its template). Out: a mark on those that
must not be compared. Its one idea: the same bytes are the same photograph. Under two people one of them is filed
wrongly, which is certain, so all are left out; under one person it is compared with itself, so one is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.benchmark.on_disk import LEFT_OUT

__all__ = ["CONFLICTING", "DUPLICATE", "Same", "mark"]

DUPLICATE, CONFLICTING = "duplicate", "conflicting"


@dataclass(frozen=True)
class Same:
    """Counts of what ``mark`` found: copies left out within people; samples, people and distinct contents under
    several people.
    """

    duplicates: int
    conflicting: int
    people: int
    contents: int

    def notes(self, what: str, more: str) -> list[str]:
        """Sentences for a reader; ``what`` is "file" or "template", ``more`` what follows from one under several
        people.
        """
        out = []
        if self.conflicting:
            out.append(
                f"{self.conflicting:,} photographs under {self.people:,} people are left out on all sides: "
                f"the very same {what} stands under two or "
                f"more people ({self.contents:,} such {what}{'s' * (self.contents != 1)}), {more}."
            )
        if self.duplicates:
            out.append(
                f"{self.duplicates:,} photographs are left out because the very same {what} is there once "
                f"more for the same person."
            )
        return out


def mark(samples: pd.DataFrame, keys: Sequence[str]) -> tuple[pd.DataFrame, Same]:
    """Mark what is the same.

    Parameters
    ----------
    samples : DataFrame of N rows
        subject_id and, optionally, ``LEFT_OUT``; what is left out already does not count.
    keys : sequence of N str
        Equal where two samples are the same; "" where that is not known.

    Returns
    -------
    (DataFrame, Same)
        The samples with ``LEFT_OUT`` set: ``CONFLICTING`` for all of a key under several people, ``DUPLICATE`` for all
        but the first of a key within one.
    """
    before = samples[LEFT_OUT].to_numpy(object) if LEFT_OUT in samples else np.full(len(samples), "", dtype=object)
    table = pd.DataFrame(
        {"key": list(keys), "subject": samples["subject_id"].to_numpy(object), "row": np.arange(len(samples))}
    )
    table = table[(table["key"] != "") & (before == "")]
    people = table.groupby("key", sort=False)["subject"].transform("nunique")
    across = table[people > 1]
    again = table[(people == 1) & table.duplicated("key")]
    marks = before.copy()
    marks[across["row"].to_numpy(np.int64)] = CONFLICTING
    marks[again["row"].to_numpy(np.int64)] = DUPLICATE
    same = Same(len(again), len(across), int(across["subject"].nunique()), int(across["key"].nunique()))
    return samples.assign(**{LEFT_OUT: pd.Series(marks, index=samples.index, dtype="str")}), same
