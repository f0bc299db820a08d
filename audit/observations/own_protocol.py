"""A benchmark's own published pairs in, what its own protocol counts out (LFW View 2: ten folds).

Its one idea: this number is for comparing with the literature, not with other groups. The threshold of each fold is
the one that serves the other folds best, so it is nobody's operating point; and how photos without a template are
counted can matter more than the matcher.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.benchmark import adapters
from audit.benchmark.manifest import Benchmark
from audit.comparisons.scores import scores_of
from audit.embeddings.privacy_line import Crossed
from audit.stats.thresholds import best_threshold

__all__ = ["folds", "published", "summary"]


def folds(scores: NDArray[np.float64], mated: NDArray[np.bool_], fold: NDArray[np.int64]) -> NDArray[np.int64]:
    """Right decisions per fold, each at the threshold that is best on all other folds; NaN scores never match and
    choose nothing.
    """
    out = []
    for k in np.unique(fold):
        others = (fold != k) & np.isfinite(scores)
        threshold = best_threshold(scores[others], mated[others])
        here = fold == k
        out.append(int(((scores[here] >= threshold) == mated[here]).sum()))
    return np.array(out)


def summary(counted: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """What ``audit.json`` says of the folds: sums, and per way of counting failures the mean share of right decisions
    and its spread over folds.
    """
    out: dict[str, Any] = {
        "folds": len(counted["pairs"]),
        "pairs": sum(counted["pairs"]),
        "pairs_without_a_score": sum(counted["pairs"]) - sum(counted["pairs_with_a_score"]),
    }
    for name, pairs in (("failures_do_not_match", "pairs"), ("failures_left_out", "pairs_with_a_score")):
        shares = np.array(counted[f"right_{name}"]) / np.array(counted[pairs])
        spread = float(shares.std(ddof=1))
        out[name] = {
            "mean": float(shares.mean()),
            "standard_deviation": spread,
            "standard_error": spread / float(np.sqrt(len(shares))),
        }
    return out


_WHERE = "the benchmark's own pairs"


def _refuse_odd(benchmark: Benchmark, pairs: pd.DataFrame) -> None:
    """Refuse pairs of a photo with itself, mated ones of two people and non-mated ones of one."""
    person = dict(zip(benchmark.samples["sample_id"], benchmark.samples["subject_id"], strict=True))
    one = pairs["a"].map(person) == pairs["b"].map(person)
    for bad, said in (
        (pairs["a"] == pairs["b"], "show a photo with itself"),
        (pairs["mated"] & ~one, "are called mated and show two people"),
        (~pairs["mated"] & one, "are called non-mated and show one person"),
    ):
        if bad.any():
            got = f"{int(bad.sum()):,} pairs {said} (first: pair {int(bad.to_numpy().argmax()) + 1})"
            raise BenchmarkError(
                _WHERE, got=got, allowed="two photos, and a flag that fits their people", todo="Mend the list"
            )


def published(benchmark: Benchmark, crossed: Crossed, backend: str) -> dict[str, Any] | None:
    """Run the benchmark's own protocol, where it publishes folds of pairs; None where it publishes no pairs.

    Returns
    -------
    dict
        ``folds``, ``pairs``, ``pairs_without_a_score``, and the share of right decisions with mean, standard deviation
        and standard error under two ways to count a pair without a score: ``failures_do_not_match`` (a missed person
        if mated, right if not) and ``failures_left_out``; ``by_fold`` holds the counts from which all of that is
        computed; ``published`` what others published of this ``backend``, from the dataset card; ``pairs_in_no_fold``
        where pairs of fold 0 were left out.

    Raises
    ------
    BenchmarkError
        Pairs or folds that the protocol cannot count: it is then left out.
    """
    if not hasattr(adapters.of(benchmark.card), "pairs") or benchmark.limited is not None:
        return None
    pairs = benchmark.pairs()
    if not (pairs["fold"] > 0).any():
        got = f"none of its {len(pairs):,} pairs stands in a fold, so the list is not used"
        raise BenchmarkError(_WHERE, got=got, allowed="a column fold with 1, 2, 3, ...", todo="Number the folds")
    _refuse_odd(benchmark, pairs)
    outside = int((pairs["fold"] == 0).sum())
    pairs = pairs[pairs["fold"] > 0]
    fold = pairs["fold"].to_numpy(np.int64)
    lopsided = int((pairs.groupby("fold")["mated"].nunique() < 2).sum())
    if lopsided or len(np.unique(fold)) < 2:
        got = f"{lopsided:,} folds hold one kind of pairs" if lopsided else "there is one fold"
        got += f", and {outside:,} pairs stand in no fold" if outside else ""
        raise BenchmarkError(
            _WHERE, got=got, allowed="two folds or more with mated and non-mated pairs each", todo="Number the folds"
        )
    place = {sample: row for row, sample in enumerate(benchmark.samples["sample_id"])}
    row_of = np.full(len(benchmark.samples), -1, dtype=np.int64)
    row_of[crossed.sample_rows] = np.arange(len(crossed.sample_rows))
    a = row_of[[place[sample] for sample in pairs["a"]]]
    b = row_of[[place[sample] for sample in pairs["b"]]]
    known = (a >= 0) & (b >= 0)
    scores = np.full(len(pairs), np.nan)
    scores[known] = scores_of(crossed.embeddings, a[known].astype(np.int32), b[known].astype(np.int32))
    mated = pairs["mated"].to_numpy(bool)
    empty = sum(mated[known & (fold == k)].all() or not mated[known & (fold == k)].any() for k in np.unique(fold))
    if empty:
        got = f"{empty:,} folds have no score of one of the two kinds of pairs"
        raise BenchmarkError(_WHERE, got=got, allowed="templates in every fold", todo="Leave the folds out")
    size = int(fold.max()) + 1
    chosen = np.unique(fold)
    counted = {
        "pairs": np.bincount(fold, minlength=size)[chosen].tolist(),
        "pairs_with_a_score": np.bincount(fold[known], minlength=size)[chosen].tolist(),
        "right_failures_do_not_match": folds(scores, mated, fold).tolist(),
        "right_failures_left_out": folds(scores[known], mated[known], fold[known]).tolist(),
    }
    return {
        "name": str(benchmark.card.settings.get("protocol", "the benchmark's own pairs")),
        **summary(counted),
        **({"pairs_in_no_fold": outside} if outside else {}),
        "published": [
            one for one in benchmark.card.settings.get("published", []) if one.get("backend", backend) == backend
        ],
        "by_fold": counted,
    }
