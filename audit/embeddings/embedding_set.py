"""Templates past the privacy line: numbers, opaque subjects and demographic cells; no image, no name, no path.

Rows are sorted by (cell, subject), so every pair of cells is a rectangle of one matrix product and every subject's
mated set a small square on its diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.backends.protocol import ScoreRule
from audit.base.errors import BackendError, BenchmarkError

__all__ = ["UNLABELLED", "EmbeddingSet", "Vectors"]

Vectors = NDArray[np.float32] | NDArray[np.float64]
"""Templates as they were handed over."""
LARGEST: Final = 1e70
"""Products of two squares (cosine) of numbers up to here, and sums of them, stay finite in float64; those of its
inverse stay above zero."""
MOST_CELLS: Final = 2**15

UNLABELLED = "unlabelled"
"""The cell of people without one agreed label: always shown, excluded from global targets and from group rates
(METRICS 1)."""


def _read_only(array: NDArray[np.generic]) -> None:
    array.flags.writeable = False


def _as_given(vectors: ArrayLike) -> Vectors:
    """C-contiguous float32, or float64 where float32 would round."""
    given = np.asarray(vectors)
    if given.dtype in (np.float32, np.float16):
        return np.ascontiguousarray(given, dtype=np.float32)
    exact = np.ascontiguousarray(given, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = exact.astype(np.float32)
    return rounded if np.array_equal(rounded, exact, equal_nan=True) else exact


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """N acquired templates of S subjects in C cells.

    Attributes
    ----------
    vectors : NDArray (N, D) float32 or float64, C-contiguous, read-only
        float64 only where that was handed over and float32 cannot hold it: scores are defined on the numbers that were
        given, so none is rounded.
    cell : NDArray (N,) int16
        Index into ``cells``; non-decreasing.
    subject : NDArray (N,) int32
        Opaque subject 0..S-1; equal subjects are adjacent, and a subject has one cell.
    cells : tuple of str
        Names such as ``race=Asian|sex=Male``; ``UNLABELLED`` may be one of them. Cells without samples may occur.
    rule : ScoreRule
    row : NDArray (N,) int64
        For each row here, its row in the arrays that ``from_arrays`` was given.
    """

    vectors: Vectors
    cell: NDArray[np.int16]
    subject: NDArray[np.int32]
    cells: tuple[str, ...]
    rule: ScoreRule
    row: NDArray[np.int64]

    def __len__(self) -> int:
        """Give the number of acquired samples, N."""
        return len(self.vectors)

    @property
    def subjects(self) -> int:
        """S, one more than the largest opaque subject that occurs (subjects without an acquired sample count if they
        lie below it).
        """
        return int(self.subject.max()) + 1 if len(self.subject) else 0

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(C,) bool: which cells are not the unlabelled one."""
        return np.array([name != UNLABELLED for name in self.cells], dtype=bool)

    @classmethod
    def from_arrays(
        cls,
        vectors: ArrayLike,
        subjects: ArrayLike,
        cells: ArrayLike,
        rule: ScoreRule,
        *,
        names: tuple[str, ...] | None = None,
    ) -> EmbeddingSet:
        """Check and sort.

        Parameters
        ----------
        vectors : array (N, D), any real dtype, finite
        subjects : array (N,) of integers >= 0
        cells : array (N,) of integers 0..C-1
        rule : ScoreRule
        names : tuple of C str, optional
            Names of the cells; made up ("cell=0", ...) where absent.

        Raises
        ------
        BackendError
            Not two-dimensional, NaN or infinite, numbers whose squares float64 cannot hold, or (cosine) a zero vector.
        BenchmarkError
            Lengths differ, negative codes, more than 32,768 cells, or a subject in two cells.
        """
        table = _as_given(vectors)
        if table.ndim != 2 or table.shape[1] == 0:
            raise BackendError(
                "templates",
                got=f"an array of shape {table.shape}",
                allowed="(samples, dimensions) with at least one dimension",
                todo="Check what the backend returns",
            )
        subject = np.asarray(subjects)
        cell = np.asarray(cells)
        for name, codes in (("subjects", subject), ("cells", cell)):
            if codes.shape != (len(table),):
                raise BenchmarkError(
                    name,
                    got=f"shape {codes.shape} for {len(table)} templates",
                    allowed="one code per template",
                    todo="Give the same number of rows",
                )
            if len(codes) and (not np.issubdtype(codes.dtype, np.integer) or codes.min() < 0):
                raise BenchmarkError(
                    name,
                    got=f"dtype {codes.dtype}, smallest {codes.min()}",
                    allowed="integers from 0",
                    todo="Factorise the labels first",
                )
        bad = ~np.isfinite(table).all(axis=1)
        if bad.any():
            raise BackendError(
                "templates",
                got=f"{int(bad.sum())} of {len(table)} rows hold NaN or infinity (first: row {int(bad.argmax())})",
                allowed="finite numbers",
                todo="Record such samples as failures instead of templates",
            )
        largest = np.maximum(table.max(axis=1), -table.min(axis=1)).astype(np.float64)
        # Only float64 can get here: float32 numbers are between 1e-45 and 1e39.
        far = (largest > LARGEST) | ((largest < 1 / LARGEST) & (largest > 0))
        if far.any():
            raise BackendError(
                "templates",
                got=f"{int(far.sum())} rows whose largest number is beyond that (first: row {int(far.argmax())})",
                allowed=f"rows whose largest number lies between {1 / LARGEST:.0e} and {LARGEST:.0e}, as products "
                f"of squares of others leave float64",
                todo="Scale all templates by one factor",
            )
        if rule.measure == "cosine":
            zero = ~np.any(table, axis=1)
            if zero.any():
                raise BackendError(
                    "templates",
                    got=f"{int(zero.sum())} zero vectors (first: row {int(zero.argmax())})",
                    allowed="non-zero vectors, as cosine has no value for them",
                    todo="Record such samples as failures",
                )
        count = int(cell.max()) + 1 if len(cell) else 0
        labels = tuple(f"cell={c}" for c in range(count)) if names is None else tuple(names)
        if count > len(labels):
            raise BenchmarkError(
                "cells",
                got=f"code {count - 1} with {len(labels)} names",
                allowed="codes below the number of names",
                todo="Name every cell",
            )
        if len(labels) > MOST_CELLS:
            raise BenchmarkError(
                "cells",
                got=f"{len(labels):,}",
                allowed=f"{MOST_CELLS:,} at most",
                todo="Use fewer or coarser attributes",
            )
        order = np.lexsort((np.arange(len(table)), subject, cell))
        subject, cell = subject[order].astype(np.int32), cell[order].astype(np.int16)
        if len(subject):
            first = np.full(int(subject.max()) + 1, -1, dtype=np.int64)
            first[subject] = cell
            torn = first[subject] != cell
            if torn.any():
                raise BenchmarkError(
                    "subjects",
                    got=f"{len(np.unique(subject[torn]))} subjects with samples in two cells",
                    allowed="one cell per subject",
                    todo="Put people with disputed labels in the unlabelled cell",
                )
        out = cls(table[order], cell, subject, labels, rule, order.astype(np.int64))
        for array in (out.vectors, out.cell, out.subject, out.row):
            _read_only(array)
        return out
