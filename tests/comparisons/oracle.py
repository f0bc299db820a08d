"""The most naive float64 loop that could be right: METRICS 1 in plain Python, nothing shared with the product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def score(a: Any, b: Any, measure: str) -> float:
    """Comparison score of two templates, larger = more alike."""
    if measure == "euclidean":
        total = 0.0
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            total += (x - y) * (x - y)
        return -math.sqrt(total)
    ab = aa = bb = 0.0
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        ab += x * y
        aa += x * x
        bb += y * y
    return ab if measure == "inner" else ab / math.sqrt(aa * bb)


def everything(embeddings: Any) -> list[tuple[int, int, float, bool]]:
    """(i, j, score, mated) of every pair i < j."""
    n = len(embeddings.vectors)
    return [
        (
            i,
            j,
            score(embeddings.vectors[i], embeddings.vectors[j], embeddings.rule.measure),
            bool(embeddings.subject[i] == embeddings.subject[j]),
        )
        for i in range(n)
        for j in range(i + 1, n)
    ]


def threshold(embeddings: Any, pairs: list[tuple[int, int, float, bool]], request: Any) -> tuple[float, float, float]:
    """Threshold of a request and the FMR it gives in both weightings, over its own scope."""
    if request.cells is None:
        inside = [name != "unlabelled" for name in embeddings.cells]
    else:
        inside = [c in request.cells for c in range(len(embeddings.cells))]
    photos = np.bincount(embeddings.subject) if len(embeddings.subject) else np.zeros(0, int)
    cell, subject = embeddings.cell.tolist(), embeddings.subject.tolist()
    scores, weights = [], []
    for i, j, s, mated in pairs:
        if not mated and inside[cell[i]] and inside[cell[j]]:
            scores.append(s)
            weights.append(1.0 / (int(photos[subject[i]]) * int(photos[subject[j]])))
    if request.threshold is not None:
        t = request.threshold
    elif not scores:
        t = math.inf
    else:
        order = sorted(range(len(scores)), key=lambda k: -scores[k])
        limit = request.target * math.fsum(weights) * (1 + 1e-12)
        t, k = math.nextafter(scores[order[0]], math.inf), 0
        while k < len(order):
            end = k
            while end < len(order) and scores[order[end]] == scores[order[k]]:
                end += 1
            rate_passes = (
                math.fsum(weights[o] for o in order[:end]) <= limit
                if request.weighting == "people"
                else end / len(scores) <= request.target
            )
            if not rate_passes:
                break
            t, k = scores[order[k]], end
    if not scores:
        return t, math.nan, math.nan
    hits = [k for k, s in enumerate(scores) if s >= t]
    return t, math.fsum(weights[k] for k in hits) / math.fsum(weights), len(hits) / len(scores)
