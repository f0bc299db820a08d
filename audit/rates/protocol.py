"""A benchmark's own published pairs in, the result of its own protocol out (LFW View 2: ten folds).

Its one idea: this number is for comparing with the literature, not with other groups. The threshold of each fold is the one that serves the
other folds best, so it is nobody's operating point; and how photos without a template are counted can matter more than the matcher.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.benchmark import adapters
from audit.benchmark.manifest import Benchmark
from audit.comparisons.scores import scores_of
from audit.embeddings.privacy_line import Crossed

__all__ = ["best_threshold", "folds", "published"]


def best_threshold(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    """Observed score at which most pairs are decided rightly (match if score >= threshold); the lowest of equals.

    Parameters
    ----------
    scores : NDArray (P,) float64
    mated : NDArray (P,) bool
    """
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], mated[order]
    right = np.cumsum(np.where(truth, 1, -1))  # matching everything down to here: mated pairs gained less non-mated pairs lost
    last_of_tie = np.r_[ranked[1:] != ranked[:-1], True]
    candidates = np.flatnonzero(last_of_tie)
    best = right[candidates].max()
    return float(ranked[candidates[right[candidates] == best][-1]])


def folds(scores: NDArray[np.float64], mated: NDArray[np.bool_], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of right decisions per fold, each at the threshold that is best on all other folds; NaN scores never match and choose nothing."""
    out = []
    for k in np.unique(fold):
        others = (fold != k) & np.isfinite(scores)
        threshold = best_threshold(scores[others], mated[others])
        here = fold == k
        out.append(float(((scores[here] >= threshold) == mated[here]).mean()))
    return np.array(out)


def _summary(shares: NDArray[np.float64]) -> dict[str, float]:
    spread = float(shares.std(ddof=1))
    return {"mean": float(shares.mean()), "standard_deviation": spread, "standard_error": spread / float(np.sqrt(len(shares)))}


def published(benchmark: Benchmark, crossed: Crossed, backend: str) -> dict[str, Any] | None:
    """Run the benchmark's own protocol, where it publishes folds of pairs; None where it does not.

    Returns
    -------
    dict
        ``folds``, ``pairs``, ``pairs_without_a_score``, and the share of right decisions with mean, standard deviation and standard error under
        two ways to count a pair without a score: ``failures_do_not_match`` (a missed person if mated, right if not) and ``failures_left_out``;
        ``published`` holds what others published of this
        ``backend``, from the dataset card.
    """
    if not hasattr(adapters.of(benchmark.card), "pairs") or benchmark.limited is not None:
        return None
    pairs = benchmark.pairs()
    fold = pairs["fold"].to_numpy(np.int64)
    if len(np.unique(fold)) < 2:
        return None
    place = {sample: row for row, sample in enumerate(benchmark.samples["sample_id"])}
    row_of = np.full(len(benchmark.samples), -1, dtype=np.int64)
    row_of[crossed.sample_rows] = np.arange(len(crossed.sample_rows))
    a = row_of[[place[sample] for sample in pairs["a"]]]
    b = row_of[[place[sample] for sample in pairs["b"]]]
    known = (a >= 0) & (b >= 0)
    scores = np.full(len(pairs), np.nan)
    scores[known] = scores_of(crossed.embeddings, a[known].astype(np.int32), b[known].astype(np.int32))
    mated = pairs["mated"].to_numpy(bool)
    return {
        "name": str(benchmark.card.settings.get("protocol", "the benchmark's own pairs")),
        "folds": len(np.unique(fold)),
        "pairs": len(pairs),
        "pairs_without_a_score": int((~known).sum()),
        "failures_do_not_match": _summary(folds(scores, mated, fold)),
        "failures_left_out": _summary(folds(scores[known], mated[known], fold[known])),
        "published": [one for one in benchmark.card.settings.get("published", []) if one.get("backend", backend) == backend],
    }
