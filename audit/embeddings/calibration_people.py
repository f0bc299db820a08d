"""People in two parts: one sets target thresholds, the other is measured (``uncertainty.calibration_share``).

Its one idea: a threshold set and judged on the same people looks better than it is. Opaque numbers are a seeded
permutation already, so the first share of each cell, in the order of these numbers, is a random draw that everybody
can repeat. Drawing and parting are two steps, because a corrected benchmark (``benchmark.exclude``) has other numbers:
the draw is made once, from the benchmark as handed out, and each person keeps their part.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import NotEnoughDataError
from audit.embeddings.embedding_set import EmbeddingSet
from audit.embeddings.privacy_line import Acquisition, Crossed

__all__ = ["draw", "split"]


def _part(embeddings: EmbeddingSet, chosen: NDArray[np.bool_]) -> EmbeddingSet:
    """The rows of the chosen people, same numbers, same order."""
    rows = np.flatnonzero(chosen[embeddings.subject])
    part = EmbeddingSet.from_arrays(
        embeddings.vectors[rows],
        embeddings.subject[rows],
        embeddings.cell[rows].astype(np.int64),
        embeddings.rule,
        names=embeddings.cells,
    )
    return replace(part, row=rows[part.row])


def draw(crossed: Crossed, share: float) -> NDArray[np.bool_]:
    """(S,) who is set apart: the share of the people of each cell, rounded down,
    in the order of their opaque numbers.
    """
    cell = crossed.labellings[0][2]
    apart = np.zeros(len(cell), dtype=bool)
    for code in np.unique(cell):
        people = np.flatnonzero(cell == code)
        apart[people[: int(share * len(people))]] = True
    return apart


def split(crossed: Crossed, apart: NDArray[np.bool_]) -> tuple[EmbeddingSet, Crossed]:
    """Set people apart for calibration.

    Parameters
    ----------
    crossed : Crossed
    apart : NDArray (S,) bool
        Who sets thresholds, under opaque numbers.

    Returns
    -------
    EmbeddingSet
        Of the people who set thresholds.
    Crossed
        Of the others, who are measured; people set apart count as neither attempted nor acquired there.

    Raises
    ------
    NotEnoughDataError
        Fewer than two people with templates on either side.
    """
    sides = [
        int(len(np.unique(crossed.embeddings.subject[side[crossed.embeddings.subject]]))) for side in (apart, ~apart)
    ]
    if min(sides) < 2:
        raise NotEnoughDataError(
            "uncertainty.calibration_share",
            got=f"a share that leaves {sides[0]} people to set thresholds and {sides[1]} to measure",
            allowed="at least two people with a template on either side",
            todo="Use a larger benchmark, or calibrate on the people measured (calibration_share = 0)",
        )
    measured = _part(crossed.embeddings, ~apart)
    keep = ~apart[crossed.acquisition.subject]
    acquisition = Acquisition(
        crossed.acquisition.status[keep],
        crossed.acquisition.seconds[keep],
        crossed.acquisition.subject[keep],
        crossed.acquisition.quality[keep].reset_index(drop=True),
        {reason: who[~apart[who]] for reason, who in crossed.acquisition.left_out.items()},
    )
    others = replace(
        crossed,
        embeddings=measured,
        acquisition=acquisition,
        attempted=np.where(apart, 0, crossed.attempted).astype(np.int32),
        sample_rows=crossed.sample_rows[measured.row],
    )
    return _part(crossed.embeddings, apart), others
