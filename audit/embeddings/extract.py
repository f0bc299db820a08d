"""From image files to templates and acquisition status, on every core, each distinct photograph once.

In come paths and a backend's name; out comes ``Extracted``, one row per path, in order. The one idea: a template is a
function of the photo's bytes and the backend's fingerprint and of nothing else, so it may come from the cache, from a
duplicate file or from any process, and the result is the same whatever the number of jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.contract import BROKEN
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.backends.registry import make
from audit.base.errors import BackendError
from audit.base.machine import cores
from audit.base.photos import file_digest
from audit.embeddings import crew
from audit.embeddings.store import Shelf, Store

__all__ = ["Extracted", "Progress", "digests_of", "extract", "from_templates"]

Progress = Callable[[int, int, int], None]
"""Called with (samples done, samples in all, samples that came from the cache or from a duplicate)."""


@dataclass(frozen=True, eq=False)
class Extracted:
    """Templates and acquisition of N samples, in the caller's order.

    Attributes
    ----------
    status : NDArray (N,) int8
        ``Status`` values.
    vectors : NDArray (N, D) float32, or float64 where ready-made templates were
        Zeros where ``status`` is not ACQUIRED.
    seconds : NDArray (N,) float64
        The matcher's time per sample, when it was computed; 0 where it never saw the sample.
    faces : NDArray (N,) int32
    quality : DataFrame of N rows, float32
        Union of the measures the backend gives, columns sorted; NaN where there is none.
    cached : NDArray (N,) bool
        True where nothing was computed in this call: found in the cache, or the same bytes as an earlier sample.
    reasons : tuple of N str
        Why there is no template; empty where there is one.
    sha256 : tuple of N str
        Of the image bytes; empty where there were none.
    rule : ScoreRule
    fingerprint : str
        The backend's.
    backend : dict
        What the backend says of itself.
    """

    status: NDArray[np.int8]
    vectors: NDArray[np.float32] | NDArray[np.float64]
    seconds: NDArray[np.float64]
    faces: NDArray[np.int32]
    quality: pd.DataFrame
    cached: NDArray[np.bool_]
    reasons: tuple[str, ...]
    sha256: tuple[str, ...]
    rule: ScoreRule
    fingerprint: str
    backend: dict[str, Any]

    def __len__(self) -> int:
        """Give the number of samples, N."""
        return len(self.status)

    @property
    def acquired(self) -> NDArray[np.bool_]:
        """(N,) bool: which samples have a template."""
        return np.equal(self.status, Status.ACQUIRED)

    def counts(self) -> dict[str, int]:
        """Give the number of samples per status name."""
        return {status.name: int((self.status == status).sum()) for status in Status}


def extract(
    paths: Sequence[Path],
    backend_name: str,
    options: Mapping[str, Any],
    *,
    jobs: int | None = None,
    store: Store | None = None,
    progress: Progress | None = None,
    timeout_seconds: float = 300.0,
    cluster: str | None = None,
    digests: Sequence[tuple[str, str]] | None = None,
) -> Extracted:
    """Make or find the template of every image file.

    Parameters
    ----------
    paths : sequence of N Path
        Bad files give a status, never an error.
    backend_name, options
        As in the config.
    jobs : int, optional
        Processes; default one per core.
    store : Store, optional
        The template cache; None keeps nothing.
    progress : callable, optional
        See ``Progress``.
    timeout_seconds : float
        Per image; a matcher that is silent longer loses the image (status ERROR). A backend that watches its own time
        may ask for more (``patience_seconds``).
    cluster : str, optional
        Address of a dask scheduler whose workers make the templates in place of this machine's processes
        (``audit.embeddings.cluster``).
    digests : sequence of N (str, str), optional
        As ``digests_of`` gave them, where it was asked before.

    Returns
    -------
    Extracted
        The same whatever ``jobs`` and the cache, except ``seconds`` and ``cached``.

    Raises
    ------
    BackendError
        The backend cannot be made or loaded, or loses all of its first images, or breaks its contract at all of them.
    KeyboardInterrupt
        Passed on after everything computed so far is in the cache; calling again goes on from there.
    """
    backend = make(backend_name, options)
    if backend.dimensions < 1:
        raise BackendError(
            f"backend {backend_name!r}",
            got=f"it gives templates of {backend.dimensions} numbers",
            allowed="a matcher that gives templates",
            todo="Audit a matcher that gives scores only from its scores of listed pairs "
            "(audit.embeddings.score_pairs, then backend 'scores')",
        )
    shelf = store.shelf(backend.fingerprint, backend.dimensions) if store else None
    digests = list(digests) if digests is not None else digests_of(paths)
    results, tasks, twins = _plan(paths, digests, shelf)
    total, count = len(paths), len(results)
    cached = np.zeros(total, dtype=bool)
    cached[[index for index in results if digests[index][0]]] = True
    cached[[twin for group in twins.values() for twin in group]] = True
    served = int(cached[list(results)].sum()) if results else 0
    if progress:
        progress(count, total, served)

    broken = _Broken(backend_name, total)

    def done(index: int, extraction: Extraction) -> None:
        nonlocal count, served
        broken.look(index, extraction)
        for twin in (index, *twins.get(index, ())):
            results[twin] = extraction
        count, served = count + 1 + len(twins.get(index, ())), served + len(twins.get(index, ()))
        if (
            shelf is not None and extraction.status != Status.UNREADABLE
        ):  # looking again costs no matcher, and decoders learn
            shelf.add(digests[index][0], extraction)
        if progress:
            progress(count, total, served)

    batch = int(getattr(backend, "batch", 1))
    limit = min(jobs or cores(), int(getattr(backend, "max_jobs", jobs or cores())))
    patience = max(timeout_seconds, float(getattr(backend, "patience_seconds", 0.0)))
    if tasks and shelf is not None and not shelf.writable:
        raise shelf.refusal(f"it is read-only, and lacks the templates of {len(tasks):,} photographs")
    try:
        if cluster is None:
            crew.run(tasks, backend_name, options, done, jobs=max(1, limit), batch=batch, timeout_seconds=patience)
        elif tasks:
            from audit.embeddings.cluster import run as run_on_cluster

            run_on_cluster(tasks, backend_name, dict(options), done, address=cluster, timeout_seconds=patience)
    finally:
        if shelf is not None:
            shelf.flush()
    if shelf is not None:
        shelf.settle()
    return _assemble(
        [results[index] for index in range(total)], cached, tuple(digest for digest, _ in digests), backend
    )


def digests_of(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Hex sha256 and reason why there is none of every file, in order; in four threads, as reading waits and hashing
    leaves the interpreter free.
    """
    parts = [paths[at : at + 64] for at in range(0, len(paths), 64)]
    with ThreadPoolExecutor(4) as pool:
        return [pair for part in pool.map(lambda part: [file_digest(path) for path in part], parts) for pair in part]


class _Broken:
    """Ends the run where the first ``crew.LOST_AT_START`` photographs all met a matcher that raises or breaks its
    contract, and nothing else.
    """

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._sound = name, total, False
        self._reasons: dict[int, str] = {}

    def look(self, index: int, extraction: Extraction) -> None:
        if self._sound or extraction.status == Status.UNREADABLE:
            return
        if extraction.status != Status.ERROR or not extraction.reason.startswith(BROKEN):
            self._sound = True
            return
        self._reasons[index] = extraction.reason
        if len(self._reasons) >= crew.LOST_AT_START:
            first = min(self._reasons)
            raise BackendError(
                f"backend {self._name!r}",
                got=f"the first {len(self._reasons)} photographs all failed; photograph {first + 1} of "
                f"{self._total:,}: {self._reasons[first]}",
                allowed="what audit/backends/protocol.py promises: one Extraction per image, with a float32 "
                "template or a status and a reason",
                todo=f"Try it alone: face-audit backend check {self._name} --photos DIR",
            )


def _plan(
    paths: Sequence[Path], digests: list[tuple[str, str]], shelf: Shelf | None
) -> tuple[dict[int, Extraction], list[crew.Task], dict[int, list[int]]]:
    """Split samples into known results, tasks (first sample of each unknown content) and twins (later samples of the
    same content).
    """
    results: dict[int, Extraction] = {}
    first: dict[str, int] = {}
    twins: dict[int, list[int]] = {}
    for index, (sha256, reason) in enumerate(digests):
        if not sha256:
            results[index] = Extraction(Status.UNREADABLE, reason=reason)
        elif shelf is not None and (known := shelf.get(sha256)) is not None and known.status != Status.UNREADABLE:
            results[index] = known
        elif sha256 in first:
            twins.setdefault(first[sha256], []).append(index)
        else:
            first[sha256] = index
    return results, [crew.Task(index, Path(paths[index]), sha256) for sha256, index in first.items()], twins


def _assemble(
    rows: Sequence[Extraction], cached: NDArray[np.bool_], sha256: tuple[str, ...], backend: Backend
) -> Extracted:
    names = sorted({name for row in rows for name in row.quality})
    values = np.array([[row.quality.get(name, np.nan) for name in names] for row in rows], dtype=np.float32).reshape(
        len(rows), len(names)
    )
    exact = any(
        row.template is not None and row.template.dtype == np.float64 for row in rows
    )  # ready-made ones only: a matcher's are float32
    shape = len(rows), backend.dimensions
    vectors = np.zeros(shape, dtype=np.float64) if exact else np.zeros(shape, dtype=np.float32)
    for index, row in enumerate(rows):
        if row.template is not None:
            vectors[index] = row.template
    return Extracted(
        status=np.array([row.status for row in rows], dtype=np.int8),
        vectors=vectors,
        seconds=np.array([row.seconds for row in rows], dtype=np.float32).astype(np.float64),
        faces=np.array([row.faces for row in rows], dtype=np.int32),
        quality=pd.DataFrame(values, columns=names),
        cached=cached,
        reasons=tuple(row.reason for row in rows),
        sha256=sha256,
        rule=backend.rule,
        fingerprint=backend.fingerprint,
        backend=backend.describe(),
    )


def from_templates(backend: Backend, sample_ids: Sequence[str], paths: Sequence[str] = ()) -> Extracted:
    """Look up precomputed templates by sample id, or by the photographs' paths below the data folder, for a backend
    whose ``precomputed`` is true (see ``audit.backends.templates``).

    Raises
    ------
    BackendError
        A sample has neither a template nor a recorded status.
    """
    rows: list[Extraction] = backend.lookup(sample_ids, paths)  # type: ignore[attr-defined]
    return _assemble(rows, np.ones(len(rows), dtype=bool), ("",) * len(rows), backend)
