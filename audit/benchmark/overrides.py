"""What people judged of a benchmark's own pairs in (``benchmark.exclude``), a corrected benchmark out.

A judgement names two samples and says whether they show one person. Its one idea: what it does follows from what the
benchmark said before. Two people who are one are merged, so that their comparisons become mated ones; a photo filed
under the wrong person is taken out; a judgement that agrees with the benchmark changes nothing but is remembered: the
pair was looked at. Reasons are words from a list, so that results can count them without repeating what somebody wrote
about a person; ``note`` is free and never leaves this file. Where people are set apart to set thresholds
(``uncertainty.calibration_share``), they are drawn from the benchmark as handed out, and ``follows`` carries
everybody's part over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.base.nearest import nearest
from audit.base.spreadsheet import unquoted
from audit.benchmark.cells import assign
from audit.benchmark.manifest import Benchmark
from audit.benchmark.tables import read_table

__all__ = [
    "COLUMNS",
    "DIFFERENT",
    "EXCLUDE",
    "KINDS",
    "REASONS",
    "SAME",
    "UNSURE",
    "Corrected",
    "Overrides",
    "across",
    "apply",
    "load",
]

COLUMNS = ("kind", "sample_a", "sample_b", "reason", "note")
SAME, DIFFERENT, EXCLUDE, UNSURE = "same_person", "different_people", "exclude_sample", "unsure"
KINDS = {
    SAME: "both samples show one person; filed under two people, these two are merged",
    DIFFERENT: "the samples show two people; filed under one person, both samples are taken out unless "
    "exclude_sample names the wrong one",
    EXCLUDE: "sample_a is taken out",
    UNSURE: "looked at, and not decided; nothing changes",
}
REASONS = {
    "looked at": "judged by looking at both photos; nothing else is known",
    "same photo": "one photograph, or two versions of it",
    "name variant": "one person filed under two names",
    "wrong photo": "the photo shows somebody else than the person it is filed under",
    "wrong face": "the photo shows several people, and the matcher took another one than meant",
    "relatives": "twins or relatives: different people who look alike",
    "unusable": "no face can be recognised in the photo, even by a person",
}


@dataclass(frozen=True, eq=False)
class Overrides:
    """A checked override file.

    Attributes
    ----------
    rows : DataFrame
        ``COLUMNS``, as text.
    sha256 : str
        Of the file.
    """

    rows: pd.DataFrame
    sha256: str


@dataclass(frozen=True, eq=False)
class Corrected:
    """A benchmark after its overrides.

    Attributes
    ----------
    benchmark : Benchmark
    rows : NDArray (N',) int64
        For each sample that is left, its row in the benchmark as it was handed out.
    follows : NDArray (S',) int64
        For each person that is left (sorted by subject id), whose place they take among the people as handed out:
        their own, or, of people who are one, that of the smallest id.
    facts : dict
        Counts and reasons, without any identifier: what results may say.
    judged : dict of (sample, sample), sorted, to kind
        Every pair that was looked at.
    """

    benchmark: Benchmark
    rows: NDArray[np.int64]
    follows: NDArray[np.int64]
    facts: dict[str, Any]
    judged: dict[tuple[str, str], str] = field(repr=False)


def _refuse(where: str, row: int, got: str, allowed: str, todo: str = "Mend the override file") -> BenchmarkError:
    """Name the line, never a sample: its id may be a name."""
    return BenchmarkError(f"{where}, line {row + 2}", got=got, allowed=allowed, todo=todo)


def load(path: Path) -> Overrides:
    """Read and check an override file.

    Raises
    ------
    BenchmarkError
        Not readable, a column missing, an unknown kind, an empty or unknown reason, a sample missing or compared with
        itself, or a pair judged twice in different ways.
    """
    if not path.is_file():
        raise BenchmarkError(
            "benchmark.exclude",
            got="no such file",
            allowed="an override file (CSV)",
            todo="Make one with `face-audit review`",
        )
    table = read_table(path, columns=COLUMNS)[list(COLUMNS)]
    table = table.apply(lambda column: column.str.strip().map(unquoted))
    seen: dict[tuple[str, str], str] = {}
    for row, (kind, a, b, reason, _) in enumerate(table.itertuples(index=False)):
        if kind not in KINDS:
            raise _refuse(
                path.name, row, "another kind", ", ".join(KINDS), nearest(kind, KINDS, "Mend the override file")
            )
        if reason not in REASONS:
            todo = nearest(reason, REASONS, "Choose one; further words belong in the column note")
            raise _refuse(path.name, row, "another reason" if reason else "no reason", ", ".join(REASONS), todo)
        if not a or (kind == EXCLUDE) == bool(b) or a == b:
            allowed = "sample_a alone" if kind == EXCLUDE else "two different samples"
            raise _refuse(path.name, row, f"{kind} with {sum(map(bool, {a, b}))} samples", allowed)
        pair = (min(a, b), max(a, b))
        if seen.setdefault(pair, kind) != kind:
            raise _refuse(
                path.name,
                row,
                "a pair that an earlier line judges otherwise",
                "one judgement a pair",
                "Keep the right one",
            )
    return Overrides(table, hashlib.sha256(path.read_bytes()).hexdigest())


def apply(benchmark: Benchmark, overrides: Overrides, bins: Mapping[str, Sequence[float]] | None = None) -> Corrected:
    """Merge people who are one and take samples out.

    Parameters
    ----------
    benchmark : Benchmark
        As handed out.
    overrides : Overrides
    bins : mapping of column to edges, optional
        As in ``manifest.load``: people who are merged are put into cells again. Where their labels differ they are
        disputed, hence unlabelled.

    Raises
    ------
    BenchmarkError
        A sample that the benchmark does not have (unless it was limited), two people both merged and judged to be
        different, or fewer than two people left.
    """
    samples = benchmark.samples
    subject_of = dict(zip(samples["sample_id"], samples["subject_id"], strict=True))
    links: list[tuple[str, str]] = []
    apart: list[tuple[int, str, str]] = []
    wrong: list[tuple[str, str, str]] = []
    excluded: dict[str, str] = {}
    judged: dict[tuple[str, str], str] = {}
    reasons: dict[str, dict[str, int]] = {"merged": {}, "excluded": {}}
    unsure = confirmed = 0
    for row, (kind, a, b, reason, _) in enumerate(overrides.rows.itertuples(index=False)):
        if a not in subject_of or (b and b not in subject_of):
            if benchmark.limited is not None:
                continue
            got, allowed = "a sample that the benchmark does not have", f"sample ids of {benchmark.name}"
            raise _refuse("benchmark.exclude", row, got, allowed, "Check that the file was made for this benchmark")
        if kind == EXCLUDE:
            excluded.setdefault(a, reason)
            continue
        judged[min(a, b), max(a, b)] = kind
        one, two = subject_of[a], subject_of[b]
        unsure += kind == UNSURE
        if kind == SAME and one != two:
            links.append((one, two))
            _count(reasons["merged"], reason)
        elif kind == DIFFERENT and one == two:
            wrong.append((a, b, reason))
        else:
            confirmed += kind != UNSURE
            if kind == DIFFERENT:
                apart.append((row, one, two))
    for a, b, reason in wrong:
        if a not in excluded and b not in excluded:
            excluded |= {a: reason, b: reason}
    for reason in excluded.values():
        _count(reasons["excluded"], reason)
    merged = _merged(links)
    for row, one, two in apart:
        if merged.get(one, one) == merged.get(two, two):
            raise _refuse(
                "benchmark.exclude",
                row,
                "two people judged different, whom other lines make one",
                "judgements that agree",
            )
    keep = np.flatnonzero(~samples["sample_id"].isin(excluded).to_numpy())
    left = samples.iloc[keep].assign(
        subject_id=samples["subject_id"].iloc[keep].map(lambda one: merged.get(one, one)).astype("str"), row=keep
    )
    left = left.sort_values(["subject_id", "sample_id"], kind="stable").reset_index(drop=True)
    if left["subject_id"].nunique() < 2:
        raise BenchmarkError(
            "benchmark.exclude",
            got=f"{left['subject_id'].nunique()} people left",
            allowed="two at least",
            todo="Exclude less",
        )
    rows = left.pop("row").to_numpy(np.int64)
    corrected = replace(
        benchmark,
        samples=left,
        cells=assign(left, benchmark.cells.columns, name=benchmark.cells.name, bins=bins),
        alternatives=tuple(
            assign(left, other.columns, name=other.name, bins=bins) for other in benchmark.alternatives
        ),
    )
    before, after = samples["subject_id"].nunique(), left["subject_id"].nunique()
    fewer_by_merging = len(merged) - len(set(merged.values()))
    facts = {
        "sha256": overrides.sha256,
        "pairs_looked_at": len(judged),
        "pairs_confirmed": confirmed,
        "pairs_undecided": unsure,
        "pairs_of_people_merged": len({(min(pair), max(pair)) for pair in links}),
        "people_fewer_by_merging": fewer_by_merging,
        "people_without_a_photo_left": before - after - fewer_by_merging,
        "samples_excluded": len(excluded),
        "reasons": {kind: dict(sorted(found.items())) for kind, found in reasons.items()},
    }
    follows = np.searchsorted(
        np.array(benchmark.subject_ids, dtype=str), np.array(corrected.subject_ids, dtype=str)
    ).astype(np.int64)
    return Corrected(corrected, rows, follows, facts, judged)


def across(benchmark: Benchmark, corrected: Corrected, apart: NDArray[np.bool_]) -> int:
    """How many people of a corrected benchmark were filed, as handed out, in both parts of it; ``apart`` is by person
    as handed out.
    """
    before = apart[benchmark.subject_code][corrected.rows]
    who = corrected.benchmark.subject_code
    inside = np.bincount(who, before, len(corrected.follows))
    return int(((inside > 0) & (inside < np.bincount(who, minlength=len(corrected.follows)))).sum())


def _count(counts: dict[str, int], reason: str) -> None:
    counts[reason] = counts.get(reason, 0) + 1


def _merged(links: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Everybody named in a link -> the smallest id of the people linked with them, however many steps away."""
    root: dict[str, str] = {}

    def find(one: str) -> str:
        root.setdefault(one, one)
        while root[one] != one:
            one = root[one]
        return one

    for a, b in links:
        low, high = sorted((find(a), find(b)))
        root[high] = low
    return {one: find(one) for one in root}
