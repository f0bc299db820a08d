"""A config in, what a run of it would do out: the dry run. Nothing is compared and no template is made, but for a
handful that are timed.

Its one idea: whether a benchmark can answer the question is known before the hours are spent. The smallest ratio a
cell could show follows from its people: as an earlier run of the same name measured it, or else a range, from design
effects that are assumed and said to be.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from audit.backends import registry
from audit.backends.protocol import Backend, ScoreRule
from audit.base.errors import ConfigError, ResultsError
from audit.base.machine import cores
from audit.base.photos import file_digest, read
from audit.benchmark.manifest import Benchmark
from audit.comparisons import OperatingPointRequest, compare
from audit.config import AuditConfig
from audit.embeddings import EmbeddingSet
from audit.embeddings.store import Store
from audit.observations.operating_points import check_reference
from audit.runs.pipeline import DIGEST, Settings, backend_options, load_benchmark
from audit.stats.power import detectable_ratio

__all__ = ["in_words", "make_plan"]

_TIMED_PHOTOS = 4
_TRIAL_SAMPLES = 6000  # more than the core leaves to NumPy, so that what is timed is what a long run does
_WORKERS = (1, 4, 16, 64)
_ASSUMED_DESIGN_EFFECTS = (2.0, 30.0)
"""Where no earlier run tells: from that of few errors to that seen on LFW at 1 in 100. One number in between was wrong
by up to five times."""
_ASSUMED_FMR = 1e-3


def make_plan(config: AuditConfig, settings: Settings, results: Path = Path("results")) -> dict[str, Any]:
    """Give plain values: benchmark, cells, cache, time, memory, detectable
    ratios, and on what each estimate stands.
    """
    if config.backend.name in registry.OUTPUTS:
        raise ConfigError(
            "plan",
            got=f"backend {config.backend.name!r}, which reads a table that somebody else made",
            allowed="a backend that makes templates",
            todo="Use `face-audit run`: it takes seconds",
        )
    benchmark = load_benchmark(config, settings)
    check_reference(config, benchmark.cells.names)
    templates = _templates(config, benchmark, settings)
    samples = len(benchmark.samples)
    seconds = _comparison_seconds(samples, templates["dimensions"], config)
    seen, source = _seen_before(config, results)
    rate = min((point.target for point in config.operating_points if point.target), default=_ASSUMED_FMR)
    return {
        "name": config.name,
        "benchmark": benchmark.card.title,
        "licence": benchmark.card.licence,
        "permitted_use": benchmark.card.permitted_use,
        "samples": samples,
        "subjects": len(benchmark.subject_ids),
        "comparisons": samples * (samples - 1) // 2,
        "notes": list(benchmark.notes),
        "unlabelled": benchmark.cells.reasons(),
        **templates,
        "seconds_comparisons": seconds,
        "on_workers": _on_workers(samples, templates, seconds, config, settings),
        "memory_bytes": int(samples * templates["dimensions"] * 4 * 3 + 300e6),
        "assumed_fmr": rate,
        "design_effect_from": source,
        "cells": _cells(config, benchmark, rate, seen, earlier=source.startswith("measured")),
    }


def _templates(config: AuditConfig, benchmark: Benchmark, settings: Settings) -> dict[str, Any]:
    """How many templates are ready, and what the others would cost."""
    backend = registry.make(config.backend.name, backend_options(config, benchmark))
    if getattr(backend, "precomputed", False):
        return {
            "dimensions": backend.dimensions,
            "cached": len(benchmark.samples),
            "to_make": 0,
            "seconds_templates": 0.0,
        }
    shelf = Store(settings.cache).shelf(backend.fingerprint, backend.dimensions)
    missing: list[Path] = []
    known = benchmark.samples.get(DIGEST)
    for place, path in enumerate(map(Path, benchmark.samples["path"])):
        digest = str(known.iloc[place]) if known is not None else file_digest(path)[0]
        if digest and shelf.get(digest) is None:
            missing.append(path)
    jobs = settings.jobs or config.compute.jobs or cores()
    each = _seconds_per_photo(backend, missing)
    return {
        "dimensions": backend.dimensions,
        "cached": len(benchmark.samples) - len(missing),
        "to_make": len(missing),
        "seconds_templates": round(each * len(missing) / jobs, 1),
    }


def _on_workers(
    samples: int, templates: dict[str, Any], seconds: float, config: AuditConfig, settings: Settings
) -> list[dict[str, Any]]:
    """What templates and one pass over all comparisons cost on K dask workers of one core like those here
    (``compute.cluster``).

    Bytes are what comparisons send: codes (int16), their squares and subjects (int32) once to every worker.
    Photographs, as large as they are, come on top, once each; answers are small.
    """
    photos = templates["seconds_templates"] * (settings.jobs or config.compute.jobs or cores())
    core_seconds = seconds * (config.compute.threads or cores())
    each = samples * (2 * int(templates["dimensions"]) + 8)
    return [
        {
            "workers": k,
            "seconds": round((photos + core_seconds) / k, 1),
            "core_hours": round((photos + core_seconds) / 3600, 4),
            "bytes_sent": each * k,
        }
        for k in _WORKERS
    ]


def _seconds_per_photo(backend: Backend, paths: list[Path]) -> float:
    """Median over a few photos after one to warm up."""
    times = []
    for path in paths[:: max(1, len(paths) // (_TIMED_PHOTOS + 1))][: _TIMED_PHOTOS + 1]:
        start = time.perf_counter()
        photo = read(path)
        if photo.pixels is not None:
            backend.extract([photo.pixels])
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:] or times)) if times else 0.0


def _comparison_seconds(samples: int, dimensions: int, config: AuditConfig) -> float:
    """Time a small set and grow it with N squared."""
    size = min(samples, _TRIAL_SAMPLES)
    if size < 2:
        return 0.0
    vectors = np.random.default_rng(0).standard_normal((size, dimensions)).astype(np.float32)
    rule = ScoreRule("cosine", "similarity", -1.0, 1.0)
    trial = EmbeddingSet.from_arrays(vectors, np.arange(size), np.zeros(size, dtype=np.int64), rule)
    request = OperatingPointRequest("trial", "fixed", threshold=0.5)
    compare(trial, operating_points=[request], threads=config.compute.threads, path=config.compute.path)
    start = time.perf_counter()
    compare(trial, operating_points=[request], threads=config.compute.threads, path=config.compute.path)
    return round((time.perf_counter() - start) * (samples / size) ** 2, 2)


def _seen_before(config: AuditConfig, results: Path) -> tuple[dict[str, float], str]:
    """What each group could show in an earlier run of this name, by that run's
    own rules; empty where there is none.
    """
    from audit.results import read as read_results

    folder = results / config.name
    try:
        found = read_results(folder)
    except ResultsError:
        found = None
    table = None if found is None else found.tables.get("power")
    if found is None or table is None or table.empty:
        low, high = _ASSUMED_DESIGN_EFFECTS
        return {}, f"assumed, {low:g} to {high:g}, hence a range, and only a rough one; no earlier run of this name"
    point = str(found.operating_points.operating_point.iloc[0])
    rows = table[
        (table.operating_point == point) & (table.measure == "FMR") & (table.reference == config.groups.reference)
    ]
    ratios = {str(group): float(ratio) for group, ratio in zip(rows.group, rows.detectable_ratio, strict=True)}
    return ratios, f"measured in {folder.name}, whose own rules these ratios turn round at {point}"


def _cells(
    config: AuditConfig, benchmark: Benchmark, rate: float, seen: dict[str, float], *, earlier: bool
) -> list[dict[str, Any]]:
    table = benchmark.cells.counts()
    records: list[dict[str, Any]] = [{str(k): v for k, v in record.items()} for record in table.to_dict("records")]
    reference = next((int(record["subjects"]) for record in records if record["cell"] == config.groups.reference), 0)
    rows = []
    for record in records:
        name, n, samples, mated = (
            str(record["cell"]),
            int(record["subjects"]),
            int(record["samples"]),
            int(record["mated_comparisons"]),
        )
        ratios = (math.nan, math.nan)
        if earlier:
            ratios = (seen.get(name, math.nan),) * 2
        elif name not in ("unlabelled", config.groups.reference) and n >= 2 and reference >= 2:
            expected = (rate * n * (n - 1) / 2, rate * reference * (reference - 1) / 2)
            low, high = (
                detectable_ratio(
                    expected[0], reference_errors=expected[1], design_effect=effect, reference_design_effect=effect
                )
                for effect in _ASSUMED_DESIGN_EFFECTS
            )
            ratios = (low, high)
        rows.append(
            {
                "cell": name,
                "subjects": n,
                "samples": samples,
                "subjects_with_two": int(record["subjects_with_mated"]),
                "mated": mated,
                "non_mated": samples * (samples - 1) // 2 - mated,
                "enough_people": n >= config.groups.minimum_subjects,
                "smallest_ratio": ratios[0] if math.isfinite(ratios[0]) else None,
                "smallest_ratio_at_most": ratios[1] if math.isfinite(ratios[1]) else None,
            }
        )
    return rows


def _duration(seconds: float) -> str:
    return (
        f"{seconds:.1f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 5400
        else f"{seconds / 3600:.1f} h"
    )


def in_words(plan: dict[str, Any]) -> str:
    """Lay the plan out as text for a terminal."""
    head = [
        f"{plan['name']}: {plan['benchmark']}",
        f"Licence: {plan['licence']} Permitted use: {plan['permitted_use']}",
        *plan["notes"],
        f"{plan['samples']:,} samples of {plan['subjects']:,} subjects; {plan['comparisons']:,} comparisons.",
        f"Templates: {plan['cached']:,} ready, {plan['to_make']:,} to make in about "
        f"{_duration(plan['seconds_templates'])}.",
        f"Comparisons: about {_duration(plan['seconds_comparisons'])}; memory about "
        f"{plan['memory_bytes'] / 1e9:.1f} GB.",
        f"On dask workers of one core like these ({plan['on_workers'][0]['core_hours']:,.2g} core hours in all): "
        + "; ".join(
            f"{row['workers']}: {_duration(row['seconds'])}, {row['bytes_sent'] / 1e6:,.1f} MB sent"
            for row in plan["on_workers"]
        )
        + ".",
        "",
        f"{'cell':<28}{'subjects':>9}{'samples':>9}{'with two':>9}{'mated':>9}{'non-mated':>13}  "
        f"smallest ratio to the reference it could show",
    ]
    rows = []
    for cell in plan["cells"]:
        low, high = cell["smallest_ratio"], cell["smallest_ratio_at_most"]
        ratio = (
            ""
            if low is None
            else f"{low:.2g}"
            if low == high
            else f"{low:.2g} or more"
            if high is None
            else f"{low:.2g} to {high:.2g}"
        )
        few = "" if cell["enough_people"] or cell["cell"] == "unlabelled" else " (too few people)"
        numbers = "".join(f"{cell[name]:>9,}" for name in ("subjects", "samples", "subjects_with_two", "mated"))
        numbers += f"{cell['non_mated']:>13,}"
        rows.append(f"{cell['cell']:<28}{numbers}  {ratio}{few}")
    foot = [
        "",
        f"The smallest ratio is the one seen with 80 % power at a false match rate of "
        f"{plan['assumed_fmr']:g} in the reference; "
        f"design effect {plan['design_effect_from']}.",
    ]
    return "\n".join(head + rows + foot)
