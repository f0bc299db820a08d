"""Rounds that other processes did not disturb: a call in, its results and the share of the processors that others took
meanwhile out.

Its one idea: a busy machine is known without looking at the result. /proc/stat counts what all processes used, so what
is not ours was others' (or, as steal, the host's). A disturbed round is done again, for a while; what stays disturbed
is kept with its share, and no verdict rests on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

__all__ = ["DISTURBED", "SHORTEST_SECONDS", "least_disturbed", "others_seconds"]

T = TypeVar("T")

DISTURBED: Final = 0.05
"""A round is disturbed where others took more than this share of the processors."""
SHORTEST_SECONDS: Final = 0.3
"""Of a round: the kernel counts in steps of 10 ms, which must stay small beside 5 % of it."""
PATIENCE: Final = 3
"""Tries for each round that is wanted."""


def others_seconds(processes: Sequence[int] = ()) -> float | None:
    """CPU seconds so far of all but this process and ``processes``, steal included; None where the system does not
    tell.
    """
    try:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    except (OSError, ValueError):
        return None
    mine = sum(_ticks(process) for process in (os.getpid(), *processes))
    return (user + nice + system + irq + softirq + steal - mine) / os.sysconf("SC_CLK_TCK")


def _ticks(process: int) -> int:
    try:
        return sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]))
    except (OSError, ValueError):  # it ended: what it used counts as others', and the round as disturbed
        return 0


def least_disturbed(
    call: Callable[[], T],
    rounds: int,
    kept: list[tuple[T, float | None]],
    processes: Callable[[], Sequence[int]] = lambda: (),
) -> None:
    """Call until ``rounds`` calls were undisturbed, ``PATIENCE`` times as often at most; ``kept`` holds the least
    disturbed, in order of time.

    ``kept`` grows while this works, so that it holds what was finished if Ctrl-C ends it. The share is None where the
    system does not tell.
    """
    every: list[tuple[T, float | None]] = []
    while sum((share or 0.0) <= DISTURBED for _, share in every) < rounds and len(every) < PATIENCE * rounds:
        before, start = others_seconds(processes()), time.perf_counter()
        result = call()
        after, spent = others_seconds(processes()), time.perf_counter() - start
        share = None if before is None or after is None else max(0.0, after - before) / (spent * (os.cpu_count() or 1))
        every.append((result, share))
        best = sorted(range(len(every)), key=lambda place: every[place][1] or 0.0)[:rounds]
        kept[:] = [every[place] for place in sorted(best)]
