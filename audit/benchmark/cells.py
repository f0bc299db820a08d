"""People into cells, by their labels; nobody's label is guessed.

In: the canonical sample frame and, per role, the column that answers it. Out: ``Cells``: cell names, and one row per
person with a cell and, for the unlabelled, the reason. Its one idea: a person is in one cell, and whoever cannot be
(no label, two different labels, a source that could not decide) is counted in ``unlabelled``, with the reason, instead
of being put somewhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.base.groups import MOST_GROUPS
from audit.base.narrow import narrow
from audit.benchmark.label_column import UNDECIDED

__all__ = [
    "DISPUTED",
    "MISSING",
    "MOST_GROUPS",
    "REASONS",
    "UNLABELLED",
    "Cells",
    "age_word",
    "assign",
    "opaque",
    "outside_bins",
]

UNLABELLED = "unlabelled"
MISSING, DISPUTED = "missing", "disputed"
REASONS = {
    "": "has a label for every attribute",
    MISSING: "at least one attribute has no label",
    DISPUTED: "photos of one person carry different labels",
    "undecided": "the source of the labels gives several, or says that it cannot tell",
}
"""Why a person is in no labelled cell. Where several attributes give a reason,
that of the first attribute is given."""


@dataclass(frozen=True, eq=False)
class Cells:
    """One way to put the S people into C cells.

    Attributes
    ----------
    name : str
        "headline", or the label column it replaces one with, e.g. "race_mica".
    columns : dict of str to str
        Role to label column.
    names : tuple of C str
        Sorted; "unlabelled" last, if anybody is.
    subjects : DataFrame
        One row per person, sorted by ``subject_id``: subject_id, cell (int16, index into ``names``), reason (a key of
        ``REASONS``), samples (int64), and one column per role with the person's word ("" if none).
    """

    name: str
    columns: dict[str, str]
    names: tuple[str, ...]
    subjects: pd.DataFrame

    @property
    def cell(self) -> NDArray[np.int16]:
        """(S,) int16: each person's cell, people in sorted order of ``subject_id``."""
        return self.subjects["cell"].to_numpy(np.int16)

    def counts(self) -> pd.DataFrame:
        """Give per cell: cell, subjects, samples, subjects_with_mated (two or more samples), mated_comparisons."""
        table = self.subjects
        pairs = table["samples"] * (table["samples"] - 1) // 2
        grouped = table.assign(pairs=pairs, two=table["samples"] >= 2).groupby("cell", sort=True)
        out = grouped.agg(
            subjects=("subject_id", "size"),
            samples=("samples", "sum"),
            subjects_with_mated=("two", "sum"),
            mated_comparisons=("pairs", "sum"),
        )
        out = out.reindex(range(len(self.names)), fill_value=0).astype("int64")
        out.insert(0, "cell", list(self.names))
        return out.reset_index(drop=True)

    def reasons(self) -> dict[str, int]:
        """Count the unlabelled people by reason."""
        found = self.subjects.loc[self.subjects["reason"] != "", "reason"].value_counts()
        return {str(reason): int(found.get(reason, 0)) for reason in REASONS if reason}


def assign(
    samples: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    name: str = "headline",
    bins: Mapping[str, Sequence[float]] | None = None,
) -> Cells:
    """Put every person into one cell.

    Parameters
    ----------
    samples : DataFrame
        subject_id and the label columns, words of the audit: "" for no label, ``UNDECIDED`` where the source could not
        tell; numbers (as str or float, "" or NaN for none) in columns that ``bins`` names.
    columns : mapping of role to column
        The order of the roles is the order inside a cell's name.
    name : str
    bins : mapping of column to increasing edges, optional
        ``[0, 18, 30]`` gives the words "0-17", "18-29" and "30+". Ranges ("20-29", "70+") are put into a bin that
        holds them whole, and are undecided where none does. A person with several photos is put by the lower median.

    Raises
    ------
    BenchmarkError
        A column that is not there, no role at all, or edges that do not increase.
    """
    if not columns:
        raise BenchmarkError(
            "groups.attributes",
            got="no attribute",
            allowed="at least one of the benchmark's label columns",
            todo="Name one",
        )
    order = sorted(samples["subject_id"].unique())
    table = pd.DataFrame({"subject_id": pd.Series(order, dtype="str")})
    reason = pd.Series("", index=range(len(order)), dtype="str")
    for role, column in columns.items():
        if column not in samples:
            fixed = ("sample_id", "subject_id", "path")
            raise BenchmarkError(
                f"groups.attributes.{role}",
                got=f"no label column {column!r}",
                allowed=", ".join(str(c) for c in samples.columns if c not in fixed),
                todo="Name a column on the benchmark's card",
            )
        if bins and column in bins:
            words, why = _binned(samples, column, bins[column], order)
        else:
            words, why = _agreed(samples, column, order)
        table[role] = words
        reason = reason.where(reason != "", why)
    whole = reason == ""
    label = pd.Series(UNLABELLED, index=table.index, dtype="str")
    parts = [role + "=" + table[role] for role in columns]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "|" + part
    label = label.where(~whole, joined)
    if label[whole].nunique() > MOST_GROUPS:
        raise BenchmarkError(
            "groups.attributes",
            got=f"{label[whole].nunique():,} groups",
            allowed=f"{MOST_GROUPS:,} at most",
            todo="Name label columns, not ids; put numbers into bins",
        )
    names = tuple(sorted(set(label[whole]))) + ((UNLABELLED,) if not whole.all() else ())
    table.insert(1, "cell", narrow(label.map({word: code for code, word in enumerate(names)}), np.int16, "groups"))
    table.insert(2, "reason", reason)
    table.insert(3, "samples", samples.groupby("subject_id").size().reindex(order).to_numpy(np.int64))
    return Cells(name, dict(columns), names, table)


def _agreed(samples: pd.DataFrame, column: str, order: list[str]) -> tuple[pd.Series[str], pd.Series[str]]:
    """Give each person's one word and, where there is none, why: photos without a label do not speak against those
    with one.
    """
    stated = samples.loc[samples[column] != "", ["subject_id", column]].drop_duplicates()
    grouped = stated.groupby("subject_id")[column]
    count = grouped.size().reindex(order, fill_value=0).reset_index(drop=True)
    word = grouped.first().reindex(order, fill_value="").reset_index(drop=True).astype("str")
    why = pd.Series("", index=word.index, dtype="str")
    why = why.mask(count == 0, MISSING).mask(word == UNDECIDED, "undecided").mask(count > 1, DISPUTED)
    return word.where(why == "", ""), why


def _binned(
    samples: pd.DataFrame, column: str, edges: Sequence[float], order: list[str]
) -> tuple[pd.Series[str], pd.Series[str]]:
    """Put each photo's number, or range of numbers that lies within one bin, into its bin, and each person into the
    lower median of the bins.
    """
    numbers = isinstance(edges, Sequence) and all(
        type(one) in (int, float) and abs(one) <= 1e6 for one in edges
    )  # NaN is not <= either
    if not numbers or len(edges) < 1 or any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
        raise BenchmarkError(
            f"bins.{column}",
            got=str(edges)[:100],
            allowed="increasing lower edges, e.g. [0, 18, 30, 45, 60]",
            todo="Sort them",
        )
    words = samples[column].astype("str")
    place = {word: _bin_of(word, edges) for word in words.unique()}
    middle = (
        words.map(place)
        .astype("float64")
        .groupby(samples["subject_id"])
        .quantile(0.5, interpolation="lower")
        .reindex(order)
        .reset_index(drop=True)
    )
    stated = ((words != "") & (words != "nan")).groupby(samples["subject_id"]).any().reindex(order).to_numpy(bool)
    label = [
        f"{edges[k]:g}-{edges[k + 1] - 1:g}" if k + 1 < len(edges) else f"{edges[k]:g}+" for k in range(len(edges))
    ]
    known = middle.notna().to_numpy()
    word = pd.Series([label[int(code)] if k else "" for code, k in zip(middle, known, strict=True)], dtype="str")
    return word, pd.Series(np.where(known, "", np.where(stated, "undecided", MISSING)), dtype="str")


def outside_bins(
    samples: pd.DataFrame, columns: Mapping[str, str], bins: Mapping[str, Sequence[float]] | None
) -> tuple[str, ...]:
    """Say how many people have a number or a range recorded that no bin holds: ranges that lie in two bins, and what
    lies below the first.
    """
    notes = []
    for role, column in columns.items():
        if not bins or column not in bins:
            continue
        edges, order = bins[column], sorted(samples["subject_id"].unique())
        _, why = _binned(samples, column, edges, order)
        lost = int((why == "undecided").sum())
        if lost:
            shown = ", ".join(f"{one:g}" for one in edges)
            notes.append(
                f"{lost:,} of {len(order):,} people have something recorded as {role} that no bin of "
                f"[{shown}] holds whole: it lies below "
                "the first edge, or is a range that lies in two bins. They are without a label; other "
                "edges may keep them."
            )
    return tuple(notes)


OLDEST = 130
"""Nobody is older; 150, 999 and the like are somebody's code for something else."""

_YEARS = r"(\d{1,3}(?:\.\d+)?)"
_SPAN = re.compile(rf"[(\[]?\s*{_YEARS}\s*(?:,|-|\u2013|\u2014|to|bis)\s*{_YEARS}\s*[)\]]?")


def age_word(text: str) -> str | None:
    """Read an age: "34", a range ("20-29", "(25, 32)", "20 to 29") as "20-29", an open end ("60+", ">=60") as "60+";
    None for anything else.
    """
    if re.fullmatch(_YEARS, text):
        return text if float(text) <= OLDEST else None
    if span := _SPAN.fullmatch(text):
        low, high = float(span[1]), float(span[2])
        if text[0] + text[-1] in ("[)", "(]") and "," in text:  # half open, as pandas writes it: whole years
            low, high = (low, high - 1) if text[0] == "[" else (low + 1, high)
            return f"{low:g}-{high:g}" if low.is_integer() and high.is_integer() and low <= high <= OLDEST else None
        if high > OLDEST:
            return None
        paired = (text[0] in "([") == (text[-1] in ")]") and ("," not in text or text[0] in "([")
        return f"{span[1]}-{span[2]}" if paired and float(span[1]) <= float(span[2]) else None
    if end := re.fullmatch(rf"(?:>=|\u2265)\s*{_YEARS}|{_YEARS}\s*\+", text):
        return f"{end[1] or end[2]}+"
    return None


_RANGE = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?)|(\+))?")


def _bin_of(word: str, edges: Sequence[float]) -> float:
    """Give the bin of "34", "30-39" or "70+"; NaN where there is none, or where a range lies in two."""
    found = _RANGE.fullmatch(word)
    if not found:
        return float("nan")
    low = float(found[1])
    high = float("inf") if found[3] else float(found[2] or low)
    first, last = (int(np.searchsorted(edges, end, side="right")) - 1 for end in (low, high))
    return float(first) if first == last and first >= 0 else float("nan")


def opaque(subject_ids: Iterable[str], seed: int) -> NDArray[np.int64]:
    """Give people numbers that say nothing: a seeded permutation of 0..S-1.

    ``out[k]`` is the number of the k-th person in sorted order of ``subject_id``. The permutation sorts k = 0..S-1 by
    sha256 of the text "seed:k", so it is the same on every machine and version. It is a random draw that everybody can
    repeat, and stays inside a run: what results publish is numbered by what is published (``observations.numbering``),
    because whoever holds the names and the seed can undo this one.

    Parameters
    ----------
    subject_ids : iterable of S str
        Distinct, in sorted order.
    seed : int

    Returns
    -------
    NDArray (S,) int64

    Raises
    ------
    BenchmarkError
        Not sorted, or a subject twice.
    """
    ids = list(subject_ids)
    if any(a >= b for a, b in zip(ids, ids[1:], strict=False)):
        raise BenchmarkError(
            "opaque ids",
            got="subjects that are not sorted, or one of them twice",
            allowed="sorted, distinct",
            todo="Use cells.subjects",
        )
    keys = [hashlib.sha256(f"{seed}:{k}".encode()).digest() for k in range(len(ids))]
    out = np.empty(len(ids), dtype=np.int64)
    out[sorted(range(len(ids)), key=keys.__getitem__)] = np.arange(len(ids))
    return out
