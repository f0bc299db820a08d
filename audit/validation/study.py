"""How often each interval holds the truth: draw a world, ask every method for its limits, count.

In: ``Row``s, a number of replicates, a seed. Out: one tidy table, misses included. Its one idea: a row is a function
of a random generator that returns, per quantity and method, (estimate, low, high, truth); everything else is counting.
Replicate r of a row always gets the same stream, so results depend on neither threads nor the other rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["COLUMNS", "GATE", "MANY", "TOP", "Answer", "Key", "Row", "run_row", "run_rows"]

GATE = 0.93
"""METRICS 3.2: least coverage of every printed interval."""

TOP, MANY = 0.98, 10.0
"""METRICS 3.2: most coverage where so many errors are expected."""


class Key(NamedTuple):
    """What a line of the table is about."""

    quantity: str
    weighting: str
    method: str
    printed: bool = False


class Answer(NamedTuple):
    """One method's limits in one replicate; nan limits mean the method refused to print.

    ``errors`` and ``rate`` are those of the rate behind the answer that has the fewest: comparisons in error, and the
    estimate of it, whose spread over the replicates says how many independent errors they are worth.
    """

    estimate: float
    low: float
    high: float
    truth: float
    errors: float = math.nan
    rate: float = math.nan


@dataclass(frozen=True)
class Row:
    """One planted world.

    Attributes
    ----------
    id, about : str
        Name, and the world in words.
    draw : callable
        Generator -> {Key: Answer}.
    confidence : float
        Nominal.
    gate : (float, float)
        Least coverage of what is printed, and the most where many errors are expected.
    both_sides : bool
        Both ends of ``gate`` hold whatever is expected (a power is promised, not a coverage).
    slow : int
        Draw so many times fewer worlds than asked for.
    """

    id: str
    about: str
    draw: Callable[[np.random.Generator], dict[Key, Answer]]
    confidence: float = 0.95
    gate: tuple[float, float] = (GATE, TOP)
    both_sides: bool = False
    slow: int = 1


COLUMNS = [
    "row",
    "about",
    "quantity",
    "weighting",
    "method",
    "printed",
    "nominal",
    "replicates",
    "answered",
    "expected_errors",
    "effective_errors",
    "coverage",
    "monte_carlo_error",
    "truth_below",
    "truth_above",
    "mean_estimate",
    "truth",
    "median_low",
    "median_high",
    "gate",
    "gate_top",
    "verdict",
    "most_by_errors",
    "most_by_effective_errors",
]


def run_row(row: Row, replicates: int, seed: int, *, threads: int = 1) -> pd.DataFrame:
    """Table of one row; see ``COLUMNS``.

    ``truth_below`` and ``truth_above`` are shares of answers whose interval lies wholly above or below the truth;
    ``answered`` the share of replicates in which limits were printed at all. ``verdict`` compares coverage with the
    row's gate, allowing two Monte Carlo errors.

    ``expected_errors`` is the mean number of comparisons in error; ``effective_errors`` p²(1-p)/V, V the rate's
    variance over the replicates: the independent errors they are worth, which is the information there is. Where
    errors come by people the second is far smaller. The gate's upper half, at most .98 where ten errors are expected,
    is read both ways: "holds", "ABOVE", or "few" where fewer than ten are expected.
    """
    stream = zlib.crc32(row.id.encode())

    def one(replicate: int) -> dict[Key, Answer]:
        return row.draw(np.random.default_rng([seed, stream, replicate]))

    replicates = max(1, replicates // row.slow)
    if threads == 1:
        answers: Iterable[dict[Key, Answer]] = map(one, range(replicates))
    else:
        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(one, range(replicates), chunksize=4))
    collected: dict[Key, list[Answer]] = defaultdict(list)
    for answer in answers:
        for key, value in answer.items():
            collected[key].append(value)
    return pd.DataFrame(
        [_line(row, key, np.array(values, np.float64)) for key, values in collected.items()], columns=COLUMNS
    )


def run_rows(
    rows: Iterable[Row], replicates: int, seed: int, *, threads: int = 1, parts: Path | None = None
) -> pd.DataFrame:
    """All rows below each other; each is kept in the folder ``parts`` once it is whole, and read from there the next
    time.

    A part's name holds the sources of the statistics and of the study (as a digest), the replicates and the seed, so
    that none is read for another.
    """
    tables = []
    for row in rows:
        part = None if parts is None else parts / f"{row.id}-{replicates}-{seed}-{_sources()}.json"
        if part is not None and part.is_file():
            tables.append(pd.DataFrame(json.loads(part.read_text(encoding="utf-8")), columns=COLUMNS))
            continue
        tables.append(run_row(row, replicates, seed, threads=threads))
        if part is not None:
            part.parent.mkdir(parents=True, exist_ok=True)
            new = part.with_suffix(".new")
            new.write_text(json.dumps(tables[-1].to_dict("records")), encoding="utf-8")
            new.replace(part)
    return pd.concat(tables, ignore_index=True)


@lru_cache(maxsize=1)
def _sources() -> str:
    """Digest of every module whose change could change a row."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for room in ("base", "stats", "rates", "validation"):
        for path in sorted((root / room).glob("*.py")):
            if path.name != "publish.py":
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _line(row: Row, key: Key, values: np.ndarray) -> list[object]:
    estimate, low, high, truth, errors, rate = values.T
    ok = np.isfinite(low) & ~np.isnan(high)
    n = int(ok.sum())
    if n == 0:
        coverage = below = above = error = math.nan
        verdict = "never printed"
    else:
        below, above = float((truth[ok] < low[ok]).mean()), float((truth[ok] > high[ok]).mean())
        coverage = 1 - below - above
        error = math.sqrt(max(coverage * (1 - coverage), 1 / n) / n)
        short = row.gate[0] - coverage
        short = max(short, coverage - row.gate[1]) if row.both_sides else short
        verdict = "holds" if short <= 0 else "within noise of the gate" if short <= 2 * error else "MISSES"
    finite = estimate[np.isfinite(estimate)]
    expected, effective = float(errors.mean()), _effective(rate)
    return [
        row.id,
        row.about,
        key.quantity,
        key.weighting,
        key.method,
        key.printed,
        row.confidence,
        len(values),
        n / len(values),
        expected,
        effective,
        coverage,
        error,
        below,
        above,
        float(finite.mean()) if len(finite) else math.nan,
        float(truth.mean()),
        float(np.median(low[ok])) if n else math.nan,
        float(np.median(high[ok])) if n else math.nan,
        *row.gate,
        verdict,
        _most(coverage, expected, row.gate[1]),
        _most(coverage, effective, row.gate[1]),
    ]


def _effective(rate: np.ndarray) -> float:
    """p²(1-p)/V over the replicates: n_eff·p, the independent errors a rate is worth."""
    spread = float(rate.var())
    mean = float(rate.mean())
    return mean**2 * (1 - mean) / spread if spread > 0 else math.nan


def _most(coverage: float, errors: float, top: float) -> str:
    """The upper half of the gate, for so many errors."""
    if math.isnan(coverage) or math.isnan(errors):
        return ""
    if errors < MANY:
        return "few"
    return "ABOVE" if coverage > top + 1e-9 else "holds"
