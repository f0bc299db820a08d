"""How fast this machine compares and how fast a matcher makes templates, in numbers that can be held against another
day's.

In: sizes, or photographs and a backend. Out: a plain dict for JSON. Its one idea: seconds are not comparable across
machines or minutes, so everything is timed beside the float32 matrix product, round by round in turn.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from audit.backends.protocol import ScoreRule
from audit.backends.registry import make
from audit.base.machine import cores
from audit.comparisons import OperatingPointRequest, scores_of
from audit.comparisons import compare as compare_all
from audit.embeddings.embedding_set import EmbeddingSet
from audit.timing.matcher import measure
from audit.timing.peak_memory import peak_bytes
from audit.timing.raw_product import raw_product
from audit.timing.rounds import SHORTEST_SECONDS, least_disturbed

__all__ = ["FORMAT", "Interrupted", "drawn_templates", "one_percent_threshold", "run"]

FORMAT: Final = 1
Log = Callable[[str], None]
Entry = dict[str, Any]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C; ``result`` is what had been measured by then, as ``run`` gives it, with ``interrupted`` true."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


def run(
    *,
    sizes: Sequence[tuple[int, int, str]] = (
        (4_000, 128, "euclidean"),
        (13_233, 128, "euclidean"),
        (13_233, 512, "cosine"),
    ),
    cells: int = 8,
    rounds: int = 7,
    threads: int | None = None,
    path: str = "auto",
    backend: str | None = None,
    options: Mapping[str, Any] | None = None,
    photographs: Sequence[Path] = (),
    jobs: int | None = None,
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
        Each times the raw product and the core in turn, for 0.3 s at least; disturbed ones are done again
        (``audit.timing.rounds``).
    threads : int, optional
        Of both; default all cores.
    path : str
        As in ``audit.comparisons.compare``.
    backend, options, photographs, jobs
        Templates are made from the photographs with one process and with ``jobs`` (default all cores); see
        ``audit.timing.matcher``.
    log : callable, optional
        Gets one line per entry.

    Returns
    -------
    dict
        ``format``, ``date``, ``machine`` and ``entries``; each entry has ``name``, ``unit``, ``better`` ("less" or
        "more"), ``values``, one per round, ``others``, the share of the processors that other processes took in it,
        and, where values are times or speeds, ``yardstick_seconds``: those of the raw product beside each.

    Raises
    ------
    Interrupted
        Ctrl-C; it holds what was measured until then.
    """
    workers, say = threads or cores(), log or (lambda line: None)
    entries: list[Entry] = []
    if backend is not None:
        make(backend, options or {})  # a mistake in its name or options is told before anything is timed
    try:
        for n, d, measured in sizes:
            _core(n, d, measured, cells, rounds, workers, path, seed, entries)
            say(f"{entries[-1]['name']}: {np.median(entries[-1]['values']):.2f} {entries[-1]['unit']}")
        if backend is not None:
            before = len(entries)
            measure(backend, options or {}, photographs, jobs=jobs or cores(), rounds=rounds, entries=entries, log=say)
            for entry in entries[before:]:
                say(f"{entry['name']}: {np.median(entry['values']):.4g} {entry['unit']}")
    except KeyboardInterrupt as stop:
        raise Interrupted({**_result(entries, workers), "interrupted": True}) from stop
    return _result(entries, workers)


def _result(entries: list[Entry], threads: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(threads),
        "peak_bytes": peak_bytes(),
        "entries": entries,
    }


def drawn_templates(
    n: int, d: int, measure: str, cells: int, seed: int, *, spectrum: NDArray[np.float64] | None = None
) -> EmbeddingSet:
    """N templates of unit length of people with one to a few hundred photos each.

    ``spectrum`` (D,): standard deviations along the axes; default falls as k**-0.4, close to that of dlib's templates
    of LFW.
    """
    rng = np.random.default_rng(seed)
    photos = np.minimum(rng.zipf(2.3, n), 200)
    people = int(np.searchsorted(np.cumsum(photos), n)) + 1
    subject = np.repeat(np.arange(people), photos[:people])[:n]
    deviation = np.arange(1, d + 1) ** -0.4 if spectrum is None else spectrum
    vectors = (rng.standard_normal((people, d))[subject] + 0.5 * rng.standard_normal((n, d))) * deviation
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cell = rng.integers(0, cells, people)[subject]
    rule = (
        ScoreRule("euclidean", "dissimilarity", -2.0, 0.0)
        if measure == "euclidean"
        else ScoreRule(measure, "similarity", -1.0, 1.0)  # type: ignore[arg-type]
    )
    return EmbeddingSet.from_arrays(
        vectors.astype(np.float32), subject, cell, rule, names=tuple(f"cell={c}" for c in range(cells))
    )


def one_percent_threshold(embeddings: EmbeddingSet) -> OperatingPointRequest:
    """Find a fixed threshold that about 1 % of the non-mated comparisons reach, from a sample of them."""
    rows = np.random.default_rng(1).integers(0, len(embeddings), (50_000, 2))
    rows = rows[embeddings.subject[rows[:, 0]] != embeddings.subject[rows[:, 1]]]
    return OperatingPointRequest(
        "one_percent", "fixed", threshold=float(np.quantile(scores_of(embeddings, rows[:, 0], rows[:, 1]), 0.99))
    )


def _core(
    n: int, d: int, measured: str, cells: int, rounds: int, threads: int, path: str, seed: int, entries: list[Entry]
) -> None:
    """Append both entries of one size, of the rounds that were finished."""
    embeddings = drawn_templates(n, d, measured, cells, seed)
    point = [one_percent_threshold(embeddings)]

    def ours() -> dict[str, str | int | float]:
        return compare_all(embeddings, operating_points=point, threads=threads, path=path).how  # type: ignore[arg-type]

    start = time.perf_counter()
    how = ours()
    first = time.perf_counter() - start

    def one_round() -> tuple[float, float]:
        pairs: list[tuple[float, float]] = []
        while sum(map(sum, pairs)) < SHORTEST_SECONDS:
            pairs.append(
                (_timed(lambda: raw_product(embeddings.vectors.astype(np.float32, copy=False), threads)), _timed(ours))
            )
        return float(np.mean([raw for raw, _ in pairs])), float(np.mean([core for _, core in pairs]))

    timed: list[tuple[tuple[float, float], float | None]] = []
    try:
        least_disturbed(one_round, rounds, timed)
    finally:
        if timed:
            name = f"comparisons {measured} N={n} D={d} cells={cells} threads={threads}"
            entries += _core_entries(name, n * (n - 1) // 2, {"path": how["path"], "first_seconds": first}, timed)


def _core_entries(
    name: str, pairs: int, more: Entry, timed: list[tuple[tuple[float, float], float | None]]
) -> list[Entry]:
    raw, core = [r for (r, _), _ in timed], [c for (_, c), _ in timed]
    others = [share for _, share in timed]
    common = {"comparisons": pairs, **more, "seconds": core, "raw_seconds": raw, "others": others}
    return [
        {
            "name": f"{name} speed",
            "unit": "million comparisons a second",
            "better": "more",
            "values": [pairs / t / 1e6 for t in core],
            "comparisons": pairs,
            "yardstick_seconds": raw,
            "others": others,
        },
        {
            "name": name,
            "unit": "x raw product",
            "better": "less",
            "values": [c / r for c, r in zip(core, raw, strict=True)],
            **common,
        },
    ]


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _machine(threads: int) -> dict[str, Any]:
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        name = next(
            (
                line.partition(":")[2].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")
            ),
            name,
        )
    blas = sorted(
        {
            f"{info['internal_api']} {info.get('version')} {info.get('architecture', '')}".strip()
            for info in threadpool_info()
        }
    )
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
