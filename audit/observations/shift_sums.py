"""Scores of pairs of people in, the sums from which groups' shift is computed out (``shift.npz``).

Its one idea: one photo a person makes every pair of people one score, and a statistic of pairs has the dyadic variance
of METRICS 3 (S - Q over M squared), whatever the statistic; so per person only sums are needed, and of the sums only
their sums. Nothing of a single person is kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.base.groups import groups_of
from audit.base.sums import power
from audit.comparisons.scores import scores_of
from audit.embeddings import EmbeddingSet
from audit.observations.kept import ScoreSums

__all__ = ["BINS", "MOST", "score_sums"]

MOST = 1500
"""People per group at most: the lowest private numbers, which are a random draw. Bounds the pairs at a million a
group."""
BINS = 512
_POWERS = ((2, 0), (1, 1), (0, 2), (4, 0), (3, 1), (2, 2), (1, 3), (0, 4))


def _sums(
    embeddings: EmbeddingSet, rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Moments, sums over people, pairs per bin and sums of people's pairs below
    each edge, of all pairs of ``rows``.
    """
    n = len(rows)
    a, b = np.triu_indices(n, 1)
    score = scores_of(embeddings, rows[a], rows[b])
    mean = float(score.mean())
    centred = score - mean
    square = centred**2
    variance = float(square.mean())
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # powers that leave float64 give no interval (``rates.non_mated_shift``)
        moments = np.array([mean, variance, float((square * centred).mean()), float((square**2).mean())])
        A, B = (np.bincount(a, x, n) + np.bincount(b, x, n) for x in (centred, square - variance))
        person = np.array([float((power(A, p) * power(B, q)).sum()) for p, q in _POWERS])
    low, high = embeddings.rule.low, embeddings.rule.high
    place = np.clip(((score - low) / (high - low) * BINS).astype(np.int64), 0, BINS - 1)
    own = np.bincount(a * BINS + place, minlength=n * BINS) + np.bincount(b * BINS + place, minlength=n * BINS)
    C = np.cumsum(own.reshape(n, BINS), axis=1)[:, :-1]
    below = np.stack([(C**p).sum(axis=0) for p in (2, 3, 4)], axis=1)
    return moments, person, np.bincount(place, minlength=BINS), below


def score_sums(embeddings: EmbeddingSet) -> ScoreSums:
    """Sums of every group, each person's first acquired photo; zeros where there are fewer than three people."""
    _, first = np.unique(embeddings.subject, return_index=True)  # sorted by person
    cell = embeddings.cell[first]
    groups = [group for group in groups_of(embeddings.cells) if group.order]
    size = len(groups)
    people = np.zeros(size, np.int64)
    moments, person = np.zeros((size, 4)), np.zeros((size, len(_POWERS)))
    pairs, below = np.zeros((size, BINS), np.int64), np.zeros((size, BINS - 1, 3), np.int64)
    for k, group in enumerate(groups):
        rows = first[np.isin(cell, group.cells)][:MOST].astype(np.int64)
        people[k] = len(rows)
        if len(rows) >= 3:
            moments[k], person[k], pairs[k], below[k] = _sums(embeddings, rows)
    rule = embeddings.rule
    return ScoreSums(
        tuple(group.name for group in groups), people, MOST, rule.low, rule.high, moments, person, pairs, below
    )
