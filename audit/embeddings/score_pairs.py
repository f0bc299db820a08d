"""Scores of listed pairs from a system that keeps its templates to itself: the photographs of a black-box audit.

In come pairs of image files and a backend that has ``score`` (``process``, ``http``); out comes one score or status
per pair, in order. The one idea: a vendor's answer may cost money, so no pair is asked twice: answers are kept in the
template cache under the two images' sha256.

What comes out, with labels beside it, is the table that the black-box audit reads. It says nothing of pairs that were
not asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.backends.pairs import PairScore
from audit.backends.protocol import Extraction, ScoreRule, Status
from audit.backends.registry import make
from audit.base.errors import BackendError
from audit.base.photos import Photo, file_digest, read
from audit.embeddings.store import Store

__all__ = ["PairScores", "score_pairs"]

BATCH = 16
"""Pairs handed over at once; their images are in memory together."""


@dataclass(frozen=True, eq=False)
class PairScores:
    """Scores of P pairs, in the caller's order.

    Attributes
    ----------
    status : NDArray (P,) int8
    score : NDArray (P,) float64
        In the vendor's unit and direction (see ``rule.kind``); NaN where ``status`` is not ACQUIRED.
    reasons : tuple of P str
    cached : NDArray (P,) bool
        True where nothing was asked in this call.
    rule : ScoreRule
    fingerprint : str
    backend : dict
    """

    status: NDArray[np.int8]
    score: NDArray[np.float64]
    reasons: tuple[str, ...]
    cached: NDArray[np.bool_]
    rule: ScoreRule
    fingerprint: str
    backend: dict[str, Any]


def score_pairs(
    pairs: Sequence[tuple[Path, Path]],
    backend_name: str,
    options: Mapping[str, Any],
    *,
    store: Store | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> PairScores:
    """Ask a backend for the score of every pair.

    Parameters
    ----------
    pairs : sequence of P (left, right) image files
        Bad files give a status, never an error. (a, b) and (b, a) are two questions.
    backend_name, options
        As in the config; the backend must have ``score(left, right) -> list[PairScore]``.
    store : Store, optional
        Where answers are kept; None keeps nothing.
    progress : callable, optional
        Called with (pairs done, pairs in all, pairs that were not asked in this call).

    Raises
    ------
    BackendError
        The backend has no ``score``, or nothing will work (a wrong key).
    KeyboardInterrupt
        Passed on after everything answered so far is in the cache.
    """
    backend = make(backend_name, options)
    ask: Callable[[list[Any], list[Any]], list[PairScore]] | None = getattr(backend, "score", None)
    if ask is None:
        raise BackendError(
            "backend.name",
            got=f"{backend_name!r}, which has no score(left, right)",
            allowed="process, http",
            todo="Choose one of these",
        )
    shelf = store.shelf(f"pairs {backend.fingerprint}", 2) if store else None
    digests = {path: file_digest(path)[0] for pair in pairs for path in pair}
    keys = [hashlib.sha256(f"{digests[a]} {digests[b]}".encode()).hexdigest() for a, b in pairs]
    known = [None if shelf is None else shelf.get(key) for key in keys]
    out: list[PairScore | None] = [None if kept is None else _unpacked(kept) for kept in known]
    cached = np.array([row is not None for row in out], dtype=bool)
    todo = [place for place, row in enumerate(out) if row is None]
    done = len(out) - len(todo)
    try:
        for at in range(0, len(todo), BATCH):
            places = todo[at : at + BATCH]
            for place, row in zip(places, _asked([pairs[place] for place in places], ask), strict=True):
                out[place] = row
                if shelf is not None:
                    shelf.add(keys[place], _packed(row))
            done += len(places)
            if progress:
                progress(done, len(out), int(cached.sum()))
    finally:
        if shelf is not None:
            shelf.flush()
        getattr(backend, "close", lambda: None)()
    rows = [row for row in out if row is not None]
    return PairScores(
        status=np.array([row.status for row in rows], dtype=np.int8),
        score=np.array([row.score for row in rows], dtype=np.float64),
        reasons=tuple(row.reason for row in rows),
        cached=cached,
        rule=backend.rule,
        fingerprint=backend.fingerprint,
        backend=backend.describe(),
    )


def _asked(
    pairs: Sequence[tuple[Path, Path]], ask: Callable[[list[Any], list[Any]], list[PairScore]]
) -> list[PairScore]:
    """Read both images of each pair, and ask for those pairs of which both can be read."""
    photos: list[tuple[Photo, Photo]] = [(read(a), read(b)) for a, b in pairs]
    whole = [place for place, (a, b) in enumerate(photos) if a.pixels is not None and b.pixels is not None]
    answers = (
        ask([photos[place][0].pixels for place in whole], [photos[place][1].pixels for place in whole])
        if whole
        else []
    )
    out = [PairScore(Status.UNREADABLE, reason=a.reason or b.reason) for a, b in photos]
    for place, answer in zip(whole, answers, strict=True):
        out[place] = answer
    return out


def _packed(row: PairScore) -> Extraction:
    """Lay a score into the two float32 of a template, bit for bit."""
    template = np.array([row.score], dtype=np.float64).view(np.float32) if row.status == Status.ACQUIRED else None
    return Extraction(row.status, template, reason=row.reason)


def _unpacked(kept: Extraction) -> PairScore:
    if kept.template is None:
        return PairScore(kept.status, reason=kept.reason)
    return PairScore(kept.status, float(np.ascontiguousarray(kept.template).view(np.float64)[0]))
