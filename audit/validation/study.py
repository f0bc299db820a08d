"""How often each interval holds the truth: draw a world, ask every method for its limits, count.

In: ``Row``s, a number of replicates, a seed. Out: one tidy table, misses included. Its one idea: a row is a function of a random generator that
returns, per quantity and method, (estimate, low, high, truth); everything else is counting. Replicate r of a row always gets the same stream, so
results depend on neither threads nor the other rows.
"""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["COLUMNS", "Answer", "Key", "Row", "run_row", "run_rows"]

GATE = 0.93
"""METRICS 3.2: coverage of every printed interval."""


class Key(NamedTuple):
    """What a line of the table is about."""

    quantity: str
    weighting: str
    method: str
    printed: bool = False


class Answer(NamedTuple):
    """One method's limits in one replicate; nan limits mean the method refused to print."""

    estimate: float
    low: float
    high: float
    truth: float


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
    """

    id: str
    about: str
    draw: Callable[[np.random.Generator], dict[Key, Answer]]
    confidence: float = 0.95


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
    "coverage",
    "monte_carlo_error",
    "truth_below",
    "truth_above",
    "mean_estimate",
    "truth",
    "median_low",
    "median_high",
    "verdict",
]


def run_row(row: Row, replicates: int, seed: int, *, threads: int = 1) -> pd.DataFrame:
    """Table of one row; see ``COLUMNS``.

    ``truth_below`` and ``truth_above`` are shares of answers whose interval lies wholly above or below the truth; ``answered`` the share of
    replicates in which limits were printed at all. ``verdict`` compares coverage with the gate .93, allowing two Monte Carlo errors.
    """
    stream = zlib.crc32(row.id.encode())

    def one(replicate: int) -> dict[Key, Answer]:
        return row.draw(np.random.default_rng([seed, stream, replicate]))

    if threads == 1:
        answers: Iterable[dict[Key, Answer]] = map(one, range(replicates))
    else:
        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(one, range(replicates), chunksize=4))
    collected: dict[Key, list[Answer]] = defaultdict(list)
    for answer in answers:
        for key, value in answer.items():
            collected[key].append(value)
    return pd.DataFrame([_line(row, key, np.array(values, np.float64)) for key, values in collected.items()], columns=COLUMNS)


def run_rows(rows: Iterable[Row], replicates: int, seed: int, *, threads: int = 1) -> pd.DataFrame:
    """All rows below each other."""
    return pd.concat([run_row(row, replicates, seed, threads=threads) for row in rows], ignore_index=True)


def _line(row: Row, key: Key, values: np.ndarray) -> list[object]:
    estimate, low, high, truth = values.T
    ok = np.isfinite(low) & ~np.isnan(high)
    n = int(ok.sum())
    if n == 0:
        coverage = below = above = error = math.nan
        verdict = "never printed"
    else:
        below, above = float((truth[ok] < low[ok]).mean()), float((truth[ok] > high[ok]).mean())
        coverage = 1 - below - above
        error = math.sqrt(max(coverage * (1 - coverage), 1 / n) / n)
        shortfall = row.confidence - 0.95 + GATE
        verdict = "holds" if coverage >= shortfall else "within noise of the gate" if coverage + 2 * error >= shortfall else "MISSES"
    finite = estimate[np.isfinite(estimate)]
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
        coverage,
        error,
        below,
        above,
        float(finite.mean()) if len(finite) else math.nan,
        float(truth.mean()),
        float(np.median(low[ok])) if n else math.nan,
        float(np.median(high[ok])) if n else math.nan,
        verdict,
    ]
