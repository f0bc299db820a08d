"""A benchmark and a number of samples in, a smaller benchmark of whole people out, spread over the groups."""

from __future__ import annotations

import hashlib

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.benchmark.cells import Cells

__all__ = ["subset"]


def subset(samples: pd.DataFrame, cells: Cells, limit: int) -> pd.DataFrame:
    """Keep whole subjects, about ``limit`` samples of them, spread evenly over the cells: for a trial, not for
    findings.

    Cells take turns in their order. In its turn a cell gives one person: alternately the next one with two or more
    photos and the next one with a single photo, each in the order of sha256 of the subject id (so the choice follows
    nothing about the person); where one kind is used up, the other. People with more than max(2, limit / (4 C)) photos
    are passed over, so that nobody fills the subset. It ends when no further person fits. The result depends on the
    benchmark and the limit only.

    Raises
    ------
    BenchmarkError
        A limit below 2, or one that leaves fewer than two people.
    """
    if limit < 2:
        raise BenchmarkError(
            "--limit", got=str(limit), allowed="2 or more samples", todo="Give a larger number, or none for all"
        )
    if limit >= len(samples):
        return samples
    cap = max(2, limit // (4 * len(cells.names)))
    table = cells.subjects
    table = table[table["samples"] <= cap].copy()
    table["key"] = [hashlib.sha256(one.encode()).hexdigest() for one in table["subject_id"]]
    queues: list[tuple[list[tuple[str, int]], list[tuple[str, int]]]] = []
    for code in range(len(cells.names)):
        own = table[table["cell"] == code].sort_values("key", ascending=False)
        rows = list(zip(own["subject_id"], own["samples"].astype(int), strict=True))
        queues.append(([row for row in rows if row[1] >= 2], [row for row in rows if row[1] == 1]))
    kept: set[str] = set()
    total, turn = 0, 0
    while any(many or one for many, one in queues):
        for many, one in queues:
            queue = (many or one) if turn % 2 == 0 else (one or many)
            if not queue:
                continue
            subject, count = queue.pop()
            if total + count <= limit:
                kept.add(subject)
                total += count
        turn += 1
        if total >= limit:
            break
    if len(kept) < 2:
        raise BenchmarkError(
            "--limit",
            got=f"{limit}, which leaves {len(kept)} subjects",
            allowed="a limit that leaves two people",
            todo="Give a larger number",
        )
    return samples[samples["subject_id"].isin(kept)].reset_index(drop=True)
