"""The corridor: one config in, one audited result out.

    config -> benchmark -> embeddings | privacy line | comparisons -> observations -> rates -> findings -> result

Each step reads what the step before it handed over, and everything after the privacy line works on numbers under
opaque ids. Up to ``observations`` only a run can see; what follows is made from what was kept (``again``), so that
``verify`` makes it a second time.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.backends import registry
from audit.base import machine
from audit.base.errors import ConfigError
from audit.base.machine import Clock
from audit.benchmark import declared, manifest
from audit.benchmark.card import find
from audit.benchmark.manifest import Benchmark
from audit.benchmark.measures_kept import measured
from audit.benchmark.overrides import Corrected
from audit.benchmark.overrides import apply as correct
from audit.benchmark.overrides import load as load_overrides
from audit.benchmark.same_bytes import mark as mark_same
from audit.comparisons.kept_tiles import Kept
from audit.config import AuditConfig
from audit.embeddings.extract import Extracted, digests_of, extract, from_templates
from audit.embeddings.same_templates import first_errors, in_words, same_templates, without_template
from audit.embeddings.store import Store
from audit.findings.register import text_of
from audit.observations import facts, operating_points, way_back
from audit.observations.kept import Seen
from audit.observations.observe import observe
from audit.outputs.read import Label
from audit.results import AuditResult
from audit.runs import from_outputs
from audit.runs.again import again
from audit.runs.settings import Progress, Settings

__all__ = ["Progress", "Settings", "backend_options", "load_benchmark", "load_both", "run", "templates_of"]


DIGEST, UNREAD = "sha256", "unread"
"""Columns of the samples: the digest of a photograph's bytes, and why there is none."""
_WRONGLY = "and it can show one of them only"


def load_benchmark(config: AuditConfig, settings: Settings) -> Benchmark:
    """Samples, subjects and cells, as the config asks for them, its overrides applied."""
    benchmark, corrected = load_both(config, settings)
    return corrected.benchmark if corrected else benchmark


def load_both(config: AuditConfig, settings: Settings) -> tuple[Benchmark, Corrected | None]:
    """Give the benchmark as it is handed out and, where the config names overrides, as corrected by them."""
    judged = load_overrides(Path(config.benchmark.exclude)) if config.benchmark.exclude else None
    photographs = find(config.benchmark.name).holds == "photographs" and config.backend.name != "templates"
    benchmark = manifest.load(
        config.benchmark.name,
        settings.data,
        attributes=config.groups.attributes,
        alternatives=config.groups.alternatives,
        bins=config.groups.bins,
        limit=settings.limit,
        options=config.benchmark.options,
        offline=settings.offline,
        progress=lambda name, done, total: settings.progress("fetch", done, total or 0),
        photographs=photographs,
        words=config.groups.map,
        missing=config.groups.missing,
    )
    bins = {**config.benchmark.options.get("bins", {}), **config.groups.bins}
    corrected = correct(benchmark, judged, bins) if judged else None
    if not photographs:
        return benchmark, corrected
    digests = digests_of([Path(path) for path in benchmark.samples["path"]])
    samples = benchmark.samples.assign(
        **{DIGEST: [digest for digest, _ in digests], UNREAD: [reason for _, reason in digests]}
    )
    samples, same = mark_same(samples, [digest for digest, _ in digests])
    whole = replace(benchmark, samples=samples, notes=(*benchmark.notes, *same.notes("file", _WRONGLY)))
    if corrected is None:
        return whole, None
    own, same = mark_same(corrected.benchmark.samples, [digests[row][0] for row in corrected.rows])
    again = replace(corrected.benchmark, samples=own, notes=(*benchmark.notes, *same.notes("file", _WRONGLY)))
    return whole, replace(corrected, benchmark=again)


def backend_options(config: AuditConfig, benchmark: Benchmark) -> dict[str, Any]:
    """The backend's options; ready templates that come with the benchmark are taken where the config names none.

    A file of templates is looked for beside the photographs' folder too, as tables of scores are: the config then
    holds no path of a machine.
    """
    options = dict(config.backend.options)
    if config.backend.name == "templates" and benchmark.data_dir is not None:
        for one in ("path", "samples"):
            given = options.get(one)
            with contextlib.suppress(OSError):  # a name that no disk takes; the backend says so
                if isinstance(given, str) and not Path(given).exists() and (benchmark.data_dir / given).is_file():
                    options[one] = str(benchmark.data_dir / given)
    if config.backend.name == "templates" and benchmark.templates is not None:
        options.setdefault("path", str(benchmark.templates))
    return options


def templates_of(config: AuditConfig, benchmark: Benchmark, settings: Settings) -> Extracted:
    """Templates of every sample: looked up where they came ready-made, otherwise made from the photographs (or found
    in the cache).
    """
    options = backend_options(config, benchmark)
    if config.backend.name == "templates":
        backend = registry.make("templates", options)
        below = [os.path.relpath(path, benchmark.data_dir) if path else "" for path in benchmark.samples["path"]]
        return from_templates(backend, list(benchmark.samples["sample_id"]), below)
    paths = [Path(path) for path in benchmark.samples["path"]]
    jobs = settings.jobs or config.compute.jobs
    return extract(
        paths,
        config.backend.name,
        options,
        jobs=jobs,
        store=Store(settings.cache, fresh=settings.fresh),
        progress=lambda done, total, cached: settings.progress("templates", done, total),
        cluster=config.compute.cluster,
        digests=list(zip(benchmark.samples[DIGEST], benchmark.samples[UNREAD], strict=True))
        if DIGEST in benchmark.samples
        else None,
    )


def run(config: AuditConfig, settings: Settings | None = None) -> AuditResult:
    """Walk the corridor.

    Raises
    ------
    AuditError
        At the first door that cannot be passed, with what to do.
    """
    settings = settings or Settings()
    if config.backend.name in from_outputs.NAMES:
        return again(from_outputs.run(config, _handed(config, settings)))
    clock, register = Clock(), text_of(config.report.claims)
    whole, corrected = load_both(config, settings)
    used = corrected.benchmark if corrected else whole
    for note in used.notes:
        settings.say(note)
    operating_points.check_reference(config, used.cells.names)
    clock.lap("benchmark")
    extracted = _with_photo_measures(config, whole, templates_of(config, whole, settings), settings)
    whole, corrected = _shared_left_out(whole, corrected, extracted, settings)
    clock.lap("templates")
    keep = Kept(Store(settings.cache).folder / "tiles")
    settings.written.append(keep.forget)
    seen = observe(
        config, whole, corrected, extracted, lambda done, total: settings.progress("comparisons", done, total), keep
    )
    clock.lap("comparisons")
    told = (corrected.benchmark if corrected else whole).notes
    for note in seen.about["benchmark"]["notes"]:
        if (
            note not in told
        ):  # found out while comparing: a pair list that is not used, thresholds that too many pairs reach
            settings.say(note)
    way_back.keep(Store(settings.cache).folder, seen.tallies, seen.way_back, used.subject_ids)
    made = AuditResult.unjudged(
        _anywhere(config),
        dict(seen.about),
        seen.acquisition,
        histograms=seen.histograms,
        tallies=seen.tallies,
        before=seen.before,
        shift=seen.shift,
        searches=seen.searches,
        tables={"review": seen.review} | ({} if seen.quality is None else {"photo_quality": seen.quality}),
        register=register,
    )
    result = again(made)
    clock.lap("rates and findings")
    return replace(result, provenance=_provenance(clock, seen))


def _anywhere(config: AuditConfig) -> AuditConfig:
    """Without the address of somebody's machines, which changes no number and is nobody's business."""
    return config.model_copy(update={"compute": config.compute.model_copy(update={"cluster": None})})


def _with_photo_measures(
    config: AuditConfig, benchmark: Benchmark, extracted: Extracted, settings: Settings
) -> Extracted:
    """Add measures of the whole photographs to the matcher's own, where the config asks for them and there are
    photographs.
    """
    if not config.quality.measure or not any(extracted.sha256):
        return extracted
    photos = measured(
        [Path(path) for path in benchmark.samples["path"]],
        extracted.sha256,
        Store(settings.cache).folder / "quality",
        jobs=settings.jobs or config.compute.jobs,
        progress=lambda done, total: settings.progress("quality", done, total),
    )
    return replace(extracted, quality=pd.concat([extracted.quality, photos], axis=1))


def _shared_left_out(
    whole: Benchmark, corrected: Corrected | None, extracted: Extracted, settings: Settings
) -> tuple[Benchmark, Corrected | None]:
    """Leave out what is one template under several samples, in both benchmarks; say it, and why other samples have
    none.
    """
    rows = np.arange(len(whole.samples))
    whole, said = same_templates(whole, extracted, rows)
    used = whole
    if corrected:
        rows = corrected.rows
        used, said = same_templates(corrected.benchmark, extracted, rows)
        corrected = replace(corrected, benchmark=used)
    for sentence in (
        *said,
        in_words(without_template(used, extracted, rows), len(used.samples), first_errors(extracted, rows)),
    ):
        settings.say(sentence)
    return whole, corrected


def _provenance(clock: Clock, seen: Seen) -> dict[str, Any]:
    of_run = {"median_seconds_per_photo": seen.seconds, "comparisons": seen.how}
    return (
        clock.read()
        | of_run
        | machine.facts(("numpy", "scipy", "pandas", "numba", "opencv-python-headless", "face-audit"))
    )


def _handed(config: AuditConfig, settings: Settings) -> from_outputs.Handed:
    """What an audit of outputs alone is told of their labels; there are no samples to choose from, so a limit is
    refused.
    """
    if settings.limit is not None:
        raise ConfigError(
            "--limit",
            got=str(settings.limit),
            allowed="no limit for outputs: the whole table is read",
            todo="Leave it out",
        )
    attributes = config.groups.attributes
    card = declared.described(config.benchmark.name, attributes, config.benchmark.options)
    card = card.model_copy(
        update={"attributes": manifest.settled(card.attributes, config.groups.map, config.groups.missing)}
    )
    said = {column: card.attributes[column] for column in attributes.values()}
    words = {column: Label(one.word, ", ".join(one.categories), one.known) for column, one in said.items()}
    return from_outputs.Handed(
        facts.card_facts(card, attributes, list(attributes.values())),
        words,
        settings.data,
    )
