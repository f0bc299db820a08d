"""Every operating point's exact threshold, from as few passes as it takes.

In: what is asked, and a way to make a pass. Out: thresholds, the tail they share, and each person's sums where a tail
would be too long. Its one idea: one loop over passes. A pass shows that its floor was too high (look deeper), that
more pairs reach it than memory holds (the loosest point is answered from passes that keep next to nothing), or
everything that is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import ConfigError
from audit.comparisons.collect import Sink
from audit.comparisons.kernels.grid import Grid
from audit.comparisons.layout import Layout
from audit.comparisons.person_sums import Grouping, PersonTally
from audit.comparisons.run_tiles import ENTRY_BYTES, Swept
from audit.comparisons.thresholds.first_guess import Floors
from audit.comparisons.thresholds.from_passes import threshold_of
from audit.comparisons.thresholds.from_tail import Exact, Missing, TailBuilder
from audit.comparisons.thresholds.scope import Scope
from audit.comparisons.types import OperatingPoint, OperatingPointRequest, Tail
from audit.stats.streamed import PersonSums

__all__ = ["OnePass", "Resolved", "resolve"]

OnePass = Callable[[float, Sink | None, bool], Swept]
"""Makes a pass over all pairs whose float64 score may reach a floor: (floor, sink instead of a tail, whether to count
histograms)."""
PERSON_BYTES: Final = 40
"""Bytes of one person's sums with one cell."""
WINDOW_BYTES: Final = 128
"""Bytes that one score about a streamed threshold takes while it is looked for."""
LEAST_FOR_SUMS: Final = 2**26
"""Bytes that sums may take however small the cap."""


@dataclass(frozen=True, eq=False)
class Resolved:
    """What the passes gave.

    Attributes
    ----------
    points : tuple of OperatingPoint
        In the order asked.
    tail : Tail
        Of those with a list of pairs.
    sums : dict of operating point id to tuple of PersonSums
        Of those without.
    counts : NDArray (P, bins) int64, or None
    rechecked, passes : int
        Pairs computed again in float64, and passes made.
    narrow : bool
        Whether 8-bit codes went first.
    """

    points: tuple[OperatingPoint, ...]
    tail: Tail
    sums: dict[str, tuple[PersonSums, ...]]
    counts: NDArray[np.int64] | None
    rechecked: int
    passes: int
    narrow: bool


def resolve(
    requests: Sequence[OperatingPointRequest],
    scopes: Sequence[Scope],
    one_pass: OnePass,
    grid: Grid,
    layout: Layout,
    people: Sequence[Grouping],
    exact: Exact,
    *,
    histograms: bool,
    memory_cap: int,
    fast: bool,
) -> Resolved:
    """Find every threshold.

    Raises
    ------
    ConfigError
        A request for which even the sums break ``memory_cap``.
    """
    counts: NDArray[np.int64] | None = None
    floors_of = Floors(grid, layout)
    deeper, passes = 0, 0
    listed, streamed = list(range(len(requests))), list[int]()
    while True:
        floors = [floors_of.guess(requests[k], scopes[k], deeper) for k in listed]
        floor = min(floors, default=math.inf)
        swept = one_pass(floor, None, histograms and counts is None)
        if not swept.whole:
            streamed.append(listed.pop(floors.index(floor)))
            continue
        passes += 1
        counts = swept.counts if counts is None else counts
        builder = TailBuilder(swept.i, swept.j, swept.score, floor, grid.bound, exact, fast=fast)
        finished = builder.finish([requests[k] for k in listed], [scopes[k] for k in listed])
        if not isinstance(finished, Missing):
            break
        deeper += 1
    tail, found = finished
    points = dict(zip(listed, found, strict=True))
    sums: dict[str, tuple[PersonSums, ...]] = {}
    if streamed:
        _afford_sums(requests[streamed[0]], len(streamed), people, memory_cap)
        most = max(memory_cap, LEAST_FOR_SUMS) // WINDOW_BYTES

        def run(floor: float, sink: Sink) -> bool:
            return one_pass(floor, sink, False).whole

        thresholds = []
        for k in streamed:
            threshold, more = threshold_of(requests[k], scopes[k], floors_of, run, grid, most, exact, fast=fast)
            if isinstance(threshold, Missing):
                size = scopes[k].comparisons * ENTRY_BYTES // 2**20 + 1
                why = (
                    f"more scores lie about its threshold than {most:,}, as where a matcher hardly tells people apart"
                )
                raise _too_long(requests[k], memory_cap, why, f" to {size:,}")
            thresholds.append((threshold, scopes[k]))
            passes += more
        tallied = PersonTally(layout, people, thresholds, grid.bound, exact, grid, fast)
        run(min(threshold for threshold, _ in thresholds), tallied)
        tallied.finish()
        passes += 1
        for place, k in enumerate(streamed):
            points[k] = OperatingPoint(requests[k], thresholds[place][0], *scopes[k].rates(*tallied.matches(place)))
            sums[requests[k].id] = tuple(tallied.sums[place])
    return Resolved(
        tuple(points[k] for k in range(len(requests))), tail, sums, counts, builder.rechecked, passes, swept.narrow
    )


def _afford_sums(first: OperatingPointRequest, points: int, people: Sequence[Grouping], memory_cap: int) -> None:
    size = points * sum(len(cell) * cells * PERSON_BYTES for cell, cells in people)
    if size > max(memory_cap, LEAST_FOR_SUMS):
        raise _too_long(first, memory_cap, f"sums per person would take {size:,} bytes")


def _too_long(request: OperatingPointRequest, memory_cap: int, why: str, enough: str = "") -> ConfigError:
    asked = f"threshold {request.threshold}" if request.threshold is not None else f"target {request.target}"
    return ConfigError(
        f"operating point '{request.id}'",
        got=f"{asked} is reached by more than {memory_cap // ENTRY_BYTES:,} non-mated comparisons, and {why}",
        allowed=f"a tail of at most {memory_cap:,} bytes (memory_cap), or sums of at most "
        f"{max(memory_cap, LEAST_FOR_SUMS):,}",
        todo=f"Ask for a stricter operating point, or raise memory_cap (compute.memory_mb in a config){enough}",
    )
