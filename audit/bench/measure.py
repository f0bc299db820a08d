"""How fast this machine compares and how fast a matcher makes templates, in numbers that can be held against another day's.

In: sizes, or photographs and a backend. Out: a plain dict for JSON. Its one idea: seconds are not comparable across machines or minutes, so the
core is timed against the float32 matrix product of the same tiles, round by round in turn.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from audit.backends.protocol import ScoreRule
from audit.comparisons import OperatingPointRequest, scores_of
from audit.comparisons import compare as compare_all
from audit.comparisons.processor import cores
from audit.embeddings.embedding_set import EmbeddingSet
from audit.errors import ConfigError

__all__ = ["FORMAT", "drawn_templates", "one_percent_threshold", "raw_product", "run"]

FORMAT: Final = 1
TILE: Final = 512
Log = Callable[[str], None]
Entry = dict[str, Any]


def run(
    *,
    sizes: Sequence[tuple[int, int, str]] = ((4_000, 128, "euclidean"), (13_233, 128, "euclidean"), (13_233, 512, "cosine")),
    cells: int = 8,
    rounds: int = 7,
    threads: int | None = None,
    path: str = "auto",
    backend: str | None = None,
    options: Mapping[str, Any] | None = None,
    photographs: Sequence[Path] = (),
    jobs: Sequence[int] | None = None,
    seed: int = 0,
    log: Log | None = None,
) -> dict[str, Any]:
    """Measure the comparison core, and a backend where photographs are given.

    Parameters
    ----------
    sizes : sequence of (N, D, measure)
        Templates are drawn from a normal with a falling spectrum; real ones take the same time.
    cells, seed : int
        Cells of the drawn people, and the seed they are drawn with.
    rounds : int
        Each times the raw product and the core once, in turn.
    threads : int, optional
        Of both; default all cores.
    path : str
        As in ``audit.comparisons.compare``.
    backend, options, photographs, jobs
        Templates are made from the photographs with each number of processes; default 1 and all cores.
    log : callable, optional
        Gets one line per entry.

    Returns
    -------
    dict
        ``format``, ``date``, ``machine`` and ``entries``; each entry has ``name``, ``unit``, ``better`` ("less" or "more") and ``values``, one per
        round.
    """
    workers, say = threads or cores(), log or (lambda line: None)
    entries: list[Entry] = []
    for n, d, measure in sizes:
        entries += _core(n, d, measure, cells, rounds, workers, path, seed)
        say(f"{entries[-1]['name']}: {np.median(entries[-1]['values']):.2f} {entries[-1]['unit']}")
    if backend and photographs:
        for count in jobs or sorted({1, cores()}):
            entries.append(_templates(backend, options or {}, photographs, count, rounds=min(rounds, 3)))
            say(f"{entries[-1]['name']}: {np.median(entries[-1]['values']):.2f} {entries[-1]['unit']}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "format": FORMAT,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(workers),
        "peak_bytes": peak,
        "entries": entries,
    }


def drawn_templates(n: int, d: int, measure: str, cells: int, seed: int, *, spectrum: NDArray[np.float64] | None = None) -> EmbeddingSet:
    """N templates of unit length of people with one to a few hundred photos each.

    ``spectrum`` (D,): standard deviations along the axes; default falls as k**-0.4, close to that of dlib's templates of LFW.
    """
    rng = np.random.default_rng(seed)
    photos = np.minimum(rng.zipf(2.3, n), 200)
    people = int(np.searchsorted(np.cumsum(photos), n)) + 1
    subject = np.repeat(np.arange(people), photos[:people])[:n]
    deviation = np.arange(1, d + 1) ** -0.4 if spectrum is None else spectrum
    vectors = (rng.standard_normal((people, d))[subject] + 0.5 * rng.standard_normal((n, d))) * deviation
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cell = rng.integers(0, cells, people)[subject]
    rule = ScoreRule("euclidean", "dissimilarity", -2.0, 0.0) if measure == "euclidean" else ScoreRule(measure, "similarity", -1.0, 1.0)  # type: ignore[arg-type]
    return EmbeddingSet.from_arrays(vectors, subject, cell, rule, names=tuple(f"cell={c}" for c in range(cells)))


def one_percent_threshold(embeddings: EmbeddingSet) -> OperatingPointRequest:
    """Find a fixed threshold that about 1 % of the non-mated comparisons reach, from a sample of them."""
    rows = np.random.default_rng(1).integers(0, len(embeddings), (50_000, 2))
    rows = rows[embeddings.subject[rows[:, 0]] != embeddings.subject[rows[:, 1]]]
    return OperatingPointRequest("one_percent", "fixed", threshold=float(np.quantile(scores_of(embeddings, rows[:, 0], rows[:, 1]), 0.99)))


def raw_product(vectors: NDArray[np.float32], threads: int) -> None:
    """Multiply the upper triangle's tiles of 512 x 512 in float32, do nothing with them: the floor under any float pipeline."""
    starts = range(0, len(vectors), TILE)
    tiles = [(i, j) for i in starts for j in starts if j >= i]

    def work(worker: int) -> None:
        buffer = np.empty((TILE, TILE), np.float32)
        for i, j in tiles[worker::threads]:
            a, b = vectors[i : i + TILE], vectors[j : j + TILE]
            np.dot(a, b.T, out=buffer if len(a) == len(b) == TILE else None)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def _core(n: int, d: int, measure: str, cells: int, rounds: int, threads: int, path: str, seed: int) -> list[Entry]:
    embeddings = drawn_templates(n, d, measure, cells, seed)
    point = [one_percent_threshold(embeddings)]

    def ours() -> dict[str, str | int | float]:
        return compare_all(embeddings, operating_points=point, threads=threads, path=path).how  # type: ignore[arg-type]

    start = time.perf_counter()
    how = ours()
    first = time.perf_counter() - start
    raw, core = [], []
    for _ in range(rounds):
        raw.append(_timed(lambda: raw_product(embeddings.vectors, threads)))
        core.append(_timed(ours))
    name = f"comparisons {measure} N={n} D={d} cells={cells} threads={threads}"
    pairs = n * (n - 1) // 2
    common = {"comparisons": pairs, "path": how["path"], "first_seconds": first, "seconds": core, "raw_seconds": raw}
    return [
        {
            "name": f"{name} speed",
            "unit": "million comparisons a second",
            "better": "more",
            "values": [pairs / t / 1e6 for t in core],
            "comparisons": pairs,
        },
        {"name": name, "unit": "x raw product", "better": "less", "values": [c / r for c, r in zip(core, raw, strict=True)], **common},
    ]


def _templates(backend: str, options: Mapping[str, Any], photographs: Sequence[Path], jobs: int, rounds: int) -> Entry:
    """Photographs a second once all processes are at work: from the first template to the last."""
    from audit.embeddings.extract import extract

    values, inside = [], []
    for _ in range(rounds):
        marks: list[tuple[int, float]] = []
        made = extract(photographs, backend, options, jobs=jobs, progress=lambda done, total, cached: marks.append((done, time.perf_counter())))  # noqa: B023
        begun = [mark for mark in marks if mark[0] > 0]
        if len(begun) < 2:
            raise ConfigError("photographs", got=f"{len(photographs)}", allowed="at least 20", todo="Give more, so that speed can be seen")
        values.append((begun[-1][0] - begun[0][0]) / (begun[-1][1] - begun[0][1]))
        inside.append(float(made.seconds.sum()))
    return {"name": f"templates {backend} jobs={jobs}", "unit": "photographs a second", "better": "more", "values": values, "backend_seconds": inside,
            "photographs": len(photographs), "acquired": int(made.acquired.sum())}  # fmt: skip


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _machine(threads: int) -> dict[str, Any]:
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        name = next(
            (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), name
        )
    blas = sorted({f"{info['internal_api']} {info.get('version')} {info.get('architecture', '')}".strip() for info in threadpool_info()})
    return {
        "processor": name,
        "cores": cores(),
        "of": os.cpu_count(),
        "threads": threads,
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": blas,
    }
