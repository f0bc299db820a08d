"""The privacy line: benchmark and templates in; numbers under opaque ids out. No image, name or path goes past this
module.

Its one idea: people become a seeded permutation of 0..S-1 here, once, and everything after it knows only that number
and the cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.protocol import ScoreRule, Status
from audit.base.errors import NotEnoughDataError
from audit.benchmark.cells import Cells, opaque
from audit.benchmark.manifest import Benchmark
from audit.benchmark.on_disk import LEFT_OUT, MISSING
from audit.benchmark.same_bytes import CONFLICTING, DUPLICATE
from audit.embeddings.embedding_set import EmbeddingSet
from audit.words import columns

__all__ = ["Acquisition", "Crossed", "cross"]


@dataclass(frozen=True, eq=False)
class Acquisition:
    """What became of every sample attempted, without knowing whose it was.

    Attributes
    ----------
    status : NDArray (N,) int8
        ``Status`` values, N samples attempted.
    seconds : NDArray (N,) float64
        Time the matcher spent on each; 0 where a cached template was used.
    subject : NDArray (N,) int32
        Opaque people.
    quality : DataFrame of N rows
        Simple measures per sample, perhaps without columns.
    left_out : mapping of str to NDArray int32
        Opaque people of the samples that were not attempted, by reason: not on disk, the same photograph once more,
        the same under several people.
    """

    status: NDArray[np.int8]
    seconds: NDArray[np.float64]
    subject: NDArray[np.int32]
    quality: pd.DataFrame
    left_out: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)

    def table(self, cells: Sequence[str], cell: NDArray[np.int16], acquired: NDArray[np.int32]) -> pd.DataFrame:
        """``acquisition.csv``: counts per cell; ``cell`` and ``acquired`` are per person."""
        outcomes = {"acquired": Status.ACQUIRED, "unreadable": Status.UNREADABLE, "no_face": Status.NO_FACE}
        outcomes |= {"many_faces": Status.MANY_FACES, "error": Status.ERROR}
        where, size = cell[self.subject], len(cells)
        out = {
            "group": list(cells),
            "subjects": np.bincount(cell[np.unique(self.subject)], minlength=size),
            "subjects_with_two": np.bincount(cell[acquired >= 2], minlength=size),
            "samples": np.bincount(where, minlength=size),
        }
        out |= {name: np.bincount(where[self.status == code], minlength=size) for name, code in outcomes.items()}
        nobody = np.zeros(0, dtype=np.int32)
        reasons = {"missing": MISSING, "duplicates": DUPLICATE, "conflicting": CONFLICTING}
        out |= {
            name: np.bincount(cell[self.left_out.get(reason, nobody)], minlength=size)
            for name, reason in reasons.items()
        }
        return columns.frame(
            "acquisition", (dict(zip(out, row, strict=True)) for row in zip(*out.values(), strict=True))
        )


@dataclass(frozen=True, eq=False)
class Crossed:
    """What the comparison room and the rates may see.

    Attributes
    ----------
    embeddings : EmbeddingSet
    acquisition : Acquisition
    attempted : NDArray (S,) int32
    labellings : tuple of (name, cells, (S,) int16)
        The headline first; people under opaque numbers.
    sample_rows : NDArray (N,) int64
        For each row of ``embeddings``, its row in the benchmark's samples: for looking up published pairs, never
        stored.
    """

    embeddings: EmbeddingSet
    acquisition: Acquisition
    attempted: NDArray[np.int32]
    labellings: tuple[tuple[str, tuple[str, ...], NDArray[np.int16]], ...]
    sample_rows: NDArray[np.int64]


def _labelling(cells: Cells, number: NDArray[np.int64]) -> tuple[str, tuple[str, ...], NDArray[np.int16]]:
    cell = np.empty(len(number), dtype=np.int16)
    cell[number] = cells.cell
    return cells.name, cells.names, cell


def cross(
    benchmark: Benchmark,
    rule: ScoreRule,
    *,
    vectors: NDArray[np.float32] | NDArray[np.float64],
    status: NDArray[np.int8],
    seconds: NDArray[np.float64],
    quality: pd.DataFrame,
    seed: int,
    reasons: Sequence[str] = (),
) -> Crossed:
    """Leave names and photographs behind.

    Parameters
    ----------
    benchmark : Benchmark
    rule : ScoreRule
    vectors : NDArray (N, D) float32 or float64
        One row per sample of the benchmark; read only where ``status`` is ACQUIRED.
    status, seconds, quality
        Per sample, as in ``Acquisition``.
    seed : int
        Of the permutation that makes people opaque.
    reasons : sequence of N str, optional
        Why there is no template; counted in the error below.

    Samples that the benchmark leaves out (column ``left_out``) are not attempted: they are nobody's failure.

    Raises
    ------
    NotEnoughDataError
        Fewer than two people have a template.
    """
    number = opaque(benchmark.subject_ids, seed)
    subject = number[benchmark.subject_code].astype(np.int32)
    labellings = tuple(_labelling(cells, number) for cells in (benchmark.cells, *benchmark.alternatives))
    _, cells, cell = labellings[0]
    out = (
        benchmark.samples[LEFT_OUT].to_numpy(object)
        if LEFT_OUT in benchmark.samples
        else np.full(len(subject), "", dtype=object)
    )
    tried = out == ""
    got = np.flatnonzero((status == Status.ACQUIRED) & tried)
    if len(np.unique(subject[got])) < 2:
        raise NotEnoughDataError(
            "embeddings",
            got=f"templates of {len(np.unique(subject[got]))} people from {int(tried.sum())} "
            f"samples{_why(reasons, tried, out)}",
            allowed="at least two people with a template",
            todo="Look at acquisition: unreadable files, no face found, or a matcher that fails",
        )
    embeddings = EmbeddingSet.from_arrays(
        vectors[got], subject[got], cell[subject[got]].astype(np.int64), rule, names=cells
    )
    attempted = np.bincount(subject[tried], minlength=len(number)).astype(np.int32)
    left_out = {str(reason): subject[out == reason] for reason in sorted(set(out[~tried]))}
    acquisition = Acquisition(
        status[tried], seconds[tried], subject[tried], quality[tried].reset_index(drop=True), left_out
    )
    return Crossed(embeddings, acquisition, attempted, labellings, got[embeddings.row])


def _why(reasons: Sequence[str], tried: NDArray[np.bool_], out: NDArray[np.object_]) -> str:
    """The commonest reasons of samples without a template, in brackets."""
    counts = Counter(reason for reason, one in zip(reasons, tried, strict=False) if one and reason)
    counts += Counter(f"left out, {one}" for one in out[~tried])
    return f" ({'; '.join(f'{count:,} times: {reason}' for reason, count in counts.most_common(3))})" if counts else ""
