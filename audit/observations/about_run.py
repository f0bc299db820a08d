"""What was seen in, what ``audit.json`` says of it out: counts, people apart, the benchmark's own protocol, and why a
run is limited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError
from audit.benchmark.adapters import NotThereError
from audit.benchmark.manifest import Benchmark
from audit.benchmark.overrides import Corrected
from audit.comparisons import Comparisons
from audit.config import AuditConfig
from audit.embeddings.extract import Extracted
from audit.embeddings.privacy_line import Crossed
from audit.embeddings.same_templates import without_template
from audit.observations import facts, own_protocol
from audit.observations.tallies import CURVE, Tallies

__all__ = ["Walked", "about", "seconds"]


class Walked(NamedTuple):
    """One benchmark past the line and through the comparisons."""

    crossed: Crossed
    comparisons: Comparisons
    tallies: Tallies


def about(
    config: AuditConfig,
    whole: Benchmark,
    corrected: Corrected | None,
    handed_out: Crossed,
    extracted: Extracted,
    made: Walked,
    judged: dict[str, Any],
) -> dict[str, Any]:
    """``audit.json``: what was tested and on whom."""
    benchmark, rows = (corrected.benchmark, corrected.rows) if corrected else (whole, np.arange(len(whole.samples)))
    of_benchmark = facts.benchmark_facts(benchmark)
    if made.comparisons.streamed:
        of_benchmark["notes"].append(_unlisted(list(made.comparisons.streamed)))
    about: dict[str, Any] = {
        "format": facts.FORMAT,
        "name": config.name,
        "benchmark": of_benchmark,
        "matcher": facts.matcher_facts(extracted.backend, config.backend.name, extracted.fingerprint, extracted.rule),
        "counts": facts.counts(benchmark.cells, made.tallies.attempted, made.tallies.acquired),
        "limited": _limited(benchmark),
        "without_template": without_template(benchmark, extracted, rows),
    }
    about |= _protocol(whole, handed_out, config.backend.name, of_benchmark["notes"])
    return about | ({"overrides": judged} if judged else {})


def _protocol(benchmark: Benchmark, crossed: Crossed, backend: str, notes: list[str]) -> dict[str, Any]:
    """Give the benchmark's own result; where its list of pairs is missing or broken the audit stands without it, and
    the notes say so.
    """
    try:
        return {"protocol": own_protocol.published(benchmark, crossed, backend)}
    except BenchmarkError as error:
        if "protocol" in benchmark.card.settings or not isinstance(error, NotThereError):
            notes.append(
                f"{benchmark.card.settings.get('protocol', 'The protocol of the pair list')} is left out: {error.got}"
            )
        return {"protocol": None}


def _unlisted(points: Sequence[str]) -> str:
    asked = [point for point in points if not point.startswith(CURVE)]
    where = f"{len(points)} thresholds" + (f", {', '.join(asked)} among them" if asked else "")
    return (
        f"At {where}, more pairs matched than compute.memory_mb holds. Each person's sums are kept "
        f"instead of the pairs: rates, intervals and ratios "
        "are the same; matching by image quality, comparing two runs and the list of pairs to "
        "review leave these thresholds out."
    )


def _limited(benchmark: Benchmark) -> str:
    if benchmark.limited is None:
        return ""
    return (
        f"This run was limited to {len(benchmark.samples):,} photos. It shows how the audit works; "
        f"its numbers are not those of the whole benchmark."
    )


def seconds(crossed: Crossed, cells: tuple[str, ...], cell: NDArray[np.int16]) -> dict[str, float]:
    """Median seconds per photo and cell, of photos that were not in the cache."""
    seconds, where = crossed.acquisition.seconds, cell[crossed.acquisition.subject]
    timed = seconds > 0
    return {
        name: float(np.median(seconds[timed & (where == k)]))
        for k, name in enumerate(cells)
        if (timed & (where == k)).any()
    }
