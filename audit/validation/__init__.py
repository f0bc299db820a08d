"""Self-validation that anyone can run: published vectors, and how often each printed interval holds a planted truth.

In: replicates and a seed. Out: tables. Its one idea: the product's own functions are called on worlds whose answer is
known, beside the intervals a reader might have expected instead; misses stay in the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from audit.validation.catalogue import ROWS, SHORT
from audit.validation.study import run_rows
from audit.validation.vectors import vectors

__all__ = ["ROWS", "SHORT", "validate", "vectors"]


def validate(
    replicates: int = 2000,
    seed: int = 20210212,
    rows: Iterable[str] | None = None,
    *,
    threads: int = 1,
    parts: Path | None = None,
) -> pd.DataFrame:
    """The coverage study.

    Parameters
    ----------
    replicates : int
        Worlds drawn per row; 2,000 tell .93 from .95 (Monte Carlo error .005).
    seed : int
        Results are a function of it (and of numpy's generator), not of ``threads``.
    rows : iterable of str, optional
        Ids of ``ROWS``; all by default (tens of minutes), ``SHORT`` for a quick look.
    threads : int
    parts : Path, optional
        A folder in which finished rows are kept, so that a stop loses nothing.

    Returns
    -------
    DataFrame
        Columns of ``study.COLUMNS``; ``verdict`` compares each coverage with its row's gate (.93 but where said).

    Raises
    ------
    ValueError
        For an unknown row.
    """
    chosen = list(ROWS) if rows is None else list(rows)
    unknown = [name for name in chosen if name not in ROWS]
    if unknown:
        raise ValueError(f"validate: no row {unknown[0]!r}. Allowed: {', '.join(ROWS)}.")
    if replicates < 1:
        raise ValueError(f"validate: {replicates} replicates. Allowed: at least 1.")
    return run_rows([ROWS[name] for name in chosen], replicates, seed, threads=threads, parts=parts)
