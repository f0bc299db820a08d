"""Does a matcher tell photographs apart at all? Templates of a few photographs in, two rows of words out; the last
ones of ``backend check``.

The one idea: a matcher that keeps every promise of form may still describe nothing. How far its scores spread over
different photographs, and whether a photograph is nearer to its own slightly changed copy, or to other photographs of
the same person, than to the rest, shows that in a minute. Nothing here passes or fails: a few photographs are no
audit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Words", "separation", "share_above", "slightly_changed"]

Image = NDArray[np.uint8]
Score = Callable[[NDArray[np.floating], NDArray[np.floating]], float]


class Words(NamedTuple):
    """What a row is called, and what was seen."""

    name: str
    detail: str


def slightly_changed(image: Image) -> Image:
    """Give the photograph (H, W, 3) with 97 of 100 of its light and one row and column shifted: a person would not see
    the difference.
    """
    moved = np.roll(image, (1, 1), axis=(0, 1))
    return np.asarray(np.rint(moved * 0.97), dtype=np.uint8)


def share_above(mated: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Chance that a mated score lies above one of two people, ties half (the AUC of few scores)."""
    return float((np.sign(mated[:, None] - other[None, :]).mean() + 1) / 2)


def separation(
    templates: Sequence[NDArray[np.floating]],
    copies: Sequence[NDArray[np.floating] | None],
    people: Sequence[str],
    score: Score,
) -> list[Words]:
    """Describe n templates (D,), those of their changed copies (None: not acquired), and whose folder each photograph
    lay in.

    Scores are larger = more alike. People are told apart by their folders where at least two folders hold photographs,
    one of them two or more.
    """
    n = len(templates)
    others = {(i, j): score(templates[i], templates[j]) for i in range(n) for j in range(i)}
    if not others:
        return [Words("spread", "one photograph: nothing to compare")]
    low, middle, high = np.quantile(list(others.values()), [0.0, 0.5, 1.0])
    rows = [
        Words(
            "spread",
            f"scores of {len(others)} pairs of different photographs: {low:.4g} to {high:.4g}, half of "
            f"them up to {middle:.4g}",
        )
    ]
    nearest = [max(value for pair, value in others.items() if i in pair) for i in range(n)]
    kept = [(i, copy) for i, copy in enumerate(copies) if copy is not None]
    own = sum(score(templates[i], copy) > nearest[i] for i, copy in kept)
    words = f"{own} of {n} photographs are nearer to their own slightly changed copy than to any other photograph"
    if len(kept) < n:
        words += f" ({n - len(kept)} copies gave no template)"
    mated = [value for (i, j), value in others.items() if people[i] == people[j]]
    apart = [value for (i, j), value in others.items() if people[i] != people[j]]
    if mated and apart:
        right = share_above(np.array(mated), np.array(apart))
        words += f"; by folder, mated scores are {min(mated):.4g} to {max(mated):.4g} ({len(mated)} pairs)"
        words += f", non-mated {min(apart):.4g} to {max(apart):.4g} ({len(apart)})"
        words += f", and a mated one is the higher in {100 * right:.0f} of 100 draws of one of each"
    return [*rows, Words("separation", words)]
