"""What a benchmark is made of, and what looks wrong in it: the data of a page, without a name or a photograph.

In: a ``Benchmark``. Out: ``Description`` (plain dict and frames), and ``validate``: what the card expects against what
was found. Its one idea: a benchmark's own faults set the floor of what an audit can say, so they are counted before
any matcher is run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.benchmark import adapters
from audit.benchmark.label_column import UNDECIDED
from audit.benchmark.manifest import Benchmark
from audit.benchmark.photo_measures import BITS, measure_files

__all__ = ["NEAR", "Check", "Description", "agreement", "describe", "near_duplicates", "validate"]

NEAR = 24
"""Fingerprints that differ in at most this many of 256 bits count as near-duplicates. Measured on LFW with this
fingerprint: of the 87 million pairs of different people five differ in 5 to 16 bits, none in 17 to 38, and thousands
from there on."""


@dataclass(frozen=True, eq=False)
class Description:
    """A page's data.

    Attributes
    ----------
    summary : dict
        Plain values: name, variant, samples, subjects, reasons of the unlabelled, notes, unreadable, counts of
        findings below.
    cells : DataFrame
        cell, subjects, samples, subjects_with_mated, mated_comparisons.
    alternatives : dict of str to DataFrame
        The same per other label source.
    samples_per_subject : DataFrame
        samples, subjects.
    agreement : DataFrame
        role, one, other, both, agree, share.
    disagreement : DataFrame
        role, one, other, one_says, other_says, subjects: every pair of words, people counted.
    sizes : DataFrame
        width, height, samples.
    quality : DataFrame
        cell, measure, samples, p10, median, p90.
    near_duplicates : DataFrame
        row_a, row_b (rows of ``Benchmark.samples``), bits, same_subject. Different subjects: one person under two
        names, or a wrong label.
    """

    summary: dict[str, Any]
    cells: pd.DataFrame
    alternatives: dict[str, pd.DataFrame]
    samples_per_subject: pd.DataFrame
    agreement: pd.DataFrame
    disagreement: pd.DataFrame
    sizes: pd.DataFrame = field(default_factory=pd.DataFrame)
    quality: pd.DataFrame = field(default_factory=pd.DataFrame)
    near_duplicates: pd.DataFrame = field(default_factory=pd.DataFrame)


def describe(
    benchmark: Benchmark,
    *,
    photographs: bool = True,
    near: int = NEAR,
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Description:
    """Count and measure.

    Parameters
    ----------
    benchmark : Benchmark
    photographs : bool
        Read the photographs too (sizes, quality, near-duplicates).
    near : int
        Bits by which near-duplicates may differ.
    jobs : int
        Threads; the result does not depend on them.
    progress : callable, optional
        Called with (photographs read, photographs in all).
    """
    cells = benchmark.cells
    per = cells.subjects["samples"].value_counts().sort_index()
    agree, disagree = agreement(benchmark)
    summary: dict[str, Any] = {
        "name": benchmark.name,
        "title": benchmark.card.title,
        "variant": benchmark.variant,
        "samples": len(benchmark.samples),
        "subjects": len(cells.subjects),
        "mated_comparisons": int(cells.counts()["mated_comparisons"].sum()),
        "unlabelled": cells.reasons(),
        "notes": list(benchmark.notes),
        "limited": benchmark.limited,
    }
    page = Description(
        summary=summary,
        cells=cells.counts(),
        alternatives={other.name: other.counts() for other in benchmark.alternatives},
        samples_per_subject=pd.DataFrame({"samples": per.index.astype("int64"), "subjects": per.to_numpy("int64")}),
        agreement=agree,
        disagreement=disagree,
    )
    if not photographs or not (benchmark.samples["path"] != "").any():
        return page
    table, prints, readable = measure_files(
        [Path(path) for path in benchmark.samples["path"]], jobs=jobs, progress=progress
    )
    pairs = near_duplicates(prints, readable, near)
    subject = benchmark.subject_code
    pairs["same_subject"] = subject[pairs["row_a"]] == subject[pairs["row_b"]]
    summary |= {
        "unreadable": int((~readable).sum()),
        "near_duplicates_same_subject": int(pairs["same_subject"].sum()),
        "near_duplicates_different_subjects": int((~pairs["same_subject"]).sum()),
        "near_duplicate_bits": near,
    }
    sizes = table[readable].groupby(["width", "height"]).size().reset_index(name="samples").astype("int64")
    return replace(page, sizes=sizes, quality=_quality(benchmark, table), near_duplicates=pairs)


def agreement(benchmark: Benchmark) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare every two label columns of one role, person by person, over people to whom both give one word.

    Returns
    -------
    (DataFrame, DataFrame)
        As ``Description.agreement`` and ``Description.disagreement``; the second counts agreements too.
    """
    roles: dict[str, list[str]] = {}
    for column, attribute in benchmark.card.attributes.items():
        if not attribute.numeric:
            roles.setdefault(attribute.role, []).append(column)
    short, long = [], []
    for role, columns in roles.items():
        for one, other in combinations(columns, 2):
            words = pd.DataFrame({name: _one_word(benchmark.samples, name) for name in (one, other)})
            known = words[(words[one] != "") & (words[other] != "")]
            same = int((known[one] == known[other]).sum())
            short.append((role, one, other, len(known), same, same / len(known) if len(known) else float("nan")))
            counted = known.groupby([one, other]).size().reset_index(name="subjects")
            long += [(role, one, other, *row) for row in counted.itertuples(index=False, name=None)]
    return (
        pd.DataFrame(short, columns=["role", "one", "other", "both", "agree", "share"]),
        pd.DataFrame(long, columns=["role", "one", "other", "one_says", "other_says", "subjects"]),
    )


def _one_word(samples: pd.DataFrame, column: str) -> pd.Series[str]:
    """Give each person's word, "" where there is none, not one, or an undecided one."""
    stated = samples.loc[samples[column] != "", ["subject_id", column]].drop_duplicates()
    grouped = stated.groupby("subject_id")[column]
    word = grouped.first().where(grouped.size() == 1, "")
    return word.where(word != UNDECIDED, "").reindex(sorted(samples["subject_id"].unique()), fill_value="")


def near_duplicates(prints: NDArray[np.uint8], readable: NDArray[np.bool_], near: int) -> pd.DataFrame:
    """Find all pairs of photographs whose fingerprints differ in at most ``near`` bits.

    With bits as -1 and +1 the inner product of two fingerprints is 256 - 2 x (bits that differ), exact in float32, so
    tiles of a matrix product find them all.

    Parameters
    ----------
    prints : array (N, 32) uint8
    readable : array (N,) bool
    near : int

    Returns
    -------
    DataFrame
        row_a < row_b, bits; sorted by bits, then rows.
    """
    rows = np.flatnonzero(readable)
    signs = np.unpackbits(prints[rows], axis=1).astype(np.float32) * 2 - 1
    found: list[NDArray[np.int64]] = []
    tile = 1024
    for begin in range(0, len(rows), tile):
        product = signs[begin : begin + tile] @ signs[begin:].T
        a, b = np.nonzero(product >= BITS - 2 * near)
        keep = b > a
        bits = ((BITS - product[a[keep], b[keep]]) / 2).astype(np.int64)
        found.append(np.column_stack([rows[begin + a[keep]], rows[begin + b[keep]], bits]))
    pairs = pd.DataFrame(
        np.concatenate(found) if found else np.empty((0, 3), np.int64), columns=["row_a", "row_b", "bits"]
    )
    return pairs.sort_values(["bits", "row_a", "row_b"]).reset_index(drop=True)


def _quality(benchmark: Benchmark, table: pd.DataFrame) -> pd.DataFrame:
    code = benchmark.cell_code
    out = []
    for number, cell in enumerate(benchmark.cells.names):
        for name in table.columns:
            values = table.loc[code == number, name].dropna()
            if len(values):
                low, middle, high = np.percentile(values, [10, 50, 90])
                out.append((cell, name, len(values), float(low), float(middle), float(high)))
    return pd.DataFrame(out, columns=["cell", "measure", "samples", "p10", "median", "p90"])


@dataclass(frozen=True)
class Check:
    """One expectation of the card."""

    what: str
    expected: int
    found: int

    @property
    def ok(self) -> bool:
        """Whether it was met."""
        return self.expected == self.found


def validate(benchmark: Benchmark) -> list[Check]:
    """Compare a benchmark with its card: samples, subjects, mated comparisons, people and samples per cell (where the
    card's own attributes are used), and, where the adapter knows them, every file's sha256.
    """
    expected, counts = benchmark.card.expected, benchmark.cells.counts()
    checks = []
    for what, wanted, found in (
        ("samples", expected.samples, len(benchmark.samples)),
        ("subjects", expected.subjects, len(benchmark.cells.subjects)),
        ("mated comparisons", expected.mated_comparisons, int(counts["mated_comparisons"].sum())),
    ):
        if wanted is not None:
            checks.append(Check(what, wanted, found))
    if benchmark.attributes == benchmark.card.defaults():
        for what, table in (("subjects", expected.cells), ("samples", expected.cell_samples)):
            here = dict(zip(counts["cell"], counts[what].astype(int), strict=True))
            for cell in sorted(set(table) | (set(here) if table else set())):
                checks.append(Check(f"{what} in {cell}", table.get(cell, 0), int(here.get(cell, 0))))
    adapter = adapters.of(benchmark.card)
    if hasattr(adapter, "whole_copy") and benchmark.data_dir is not None and benchmark.variant != "funneled":
        files = adapter.whole_copy(benchmark.card, benchmark.data_dir)
        checks += [
            Check(f"files {what}", sum(files.values()) - files["unknown"] if what == "same" else 0, count)
            for what, count in files.items()
        ]
    return checks
