"""The corridor: one config in, one audited result out.

    config -> benchmark -> embeddings | privacy line | comparisons -> rates -> findings -> result

Each step reads what the step before it handed over. Everything after the privacy line works on numbers under opaque ids.
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit import about, blackbox
from audit.assess import Observed, assess
from audit.backends import registry
from audit.backends.protocol import ScoreRule
from audit.benchmark import manifest, outputs
from audit.benchmark.card import find
from audit.benchmark.cells import opaque
from audit.benchmark.manifest import Benchmark
from audit.benchmark.measured import measured
from audit.benchmark.same_bytes import mark as mark_same
from audit.comparisons import Comparisons, OperatingPointRequest, compare
from audit.config import AuditConfig
from audit.embeddings import EmbeddingSet
from audit.embeddings.extract import Extracted, digests_of, extract, from_templates
from audit.embeddings.privacy_line import Crossed, cross
from audit.embeddings.same_templates import in_words, same_templates, without_template
from audit.embeddings.split import draw, split
from audit.embeddings.store import Store
from audit.errors import BenchmarkError, ConfigError
from audit.rates import corrections, identity, operating_points, protocol, quality, shift
from audit.rates.tallies import CURVE, Labelling, Tallies
from audit.rates.tally import tally
from audit.results import AuditResult
from audit.review.overrides import Corrected, across
from audit.review.overrides import apply as correct
from audit.review.overrides import load as load_overrides
from audit.review.sheet import mark

__all__ = ["Progress", "Settings", "backend_options", "load_benchmark", "load_both", "run", "templates_of"]

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); stages are "fetch", "templates" (samples) and "comparisons"."""


def _silent(stage: str, done: int, total: int) -> None:
    """No progress wanted."""


@dataclass(frozen=True)
class Settings:
    """What the command line adds to a config: where the photographs are, how the machine is used; nothing here changes a number.

    Attributes
    ----------
    data : Path or None
        Folder of photographs; fetched where None and the card has addresses.
    limit : int or None
        About how many samples to use; the result says that it is limited.
    jobs : int or None
        Processes that read photographs.
    offline : bool
        Never fetch.
    cache : Path or None
        Template cache; the user's where None.
    progress : callable
    say : callable
        Takes a sentence that a person should read while the run goes on: what is left out, and why there is no template.
    """

    data: Path | None = None
    limit: int | None = None
    jobs: int | None = None
    offline: bool = False
    cache: Path | None = None
    progress: Progress = field(default=_silent)
    say: Callable[[str], None] = field(default=lambda text: None)


class _Clock:
    """Seconds per stage, for provenance."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC)
        self.stages: dict[str, float] = {}
        self._mark = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = round(now - self._mark, 3)
        self._mark = now


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
    )
    bins = {**config.benchmark.options.get("bins", {}), **config.groups.bins}
    corrected = correct(benchmark, judged, bins) if judged else None
    if not photographs:
        return benchmark, corrected
    digests = digests_of([Path(path) for path in benchmark.samples["path"]])
    samples = benchmark.samples.assign(**{DIGEST: [digest for digest, _ in digests], UNREAD: [reason for _, reason in digests]})
    samples, same = mark_same(samples, [digest for digest, _ in digests])
    whole = replace(benchmark, samples=samples, notes=(*benchmark.notes, *same.notes("file", _WRONGLY)))
    if corrected is None:
        return whole, None
    own, same = mark_same(corrected.benchmark.samples, [digests[row][0] for row in corrected.rows])
    again = replace(corrected.benchmark, samples=own, notes=(*benchmark.notes, *same.notes("file", _WRONGLY)))
    return whole, replace(corrected, benchmark=again)


def backend_options(config: AuditConfig, benchmark: Benchmark) -> dict[str, Any]:
    """The backend's options; ready templates that come with the benchmark are taken where the config names none."""
    options = dict(config.backend.options)
    if config.backend.name == "templates" and benchmark.templates is not None:
        options.setdefault("path", str(benchmark.templates))
    return options


def templates_of(config: AuditConfig, benchmark: Benchmark, settings: Settings) -> Extracted:
    """Templates of every sample: looked up where they came ready-made, otherwise made from the photographs (or found in the cache)."""
    options = backend_options(config, benchmark)
    if config.backend.name == "templates":
        backend = registry.make("templates", options)
        return from_templates(backend, list(benchmark.samples["sample_id"]))
    paths = [Path(path) for path in benchmark.samples["path"]]
    jobs = settings.jobs or config.compute.jobs
    return extract(
        paths,
        config.backend.name,
        options,
        jobs=jobs,
        store=Store(settings.cache),
        progress=lambda done, total, cached: settings.progress("templates", done, total),
        cluster=config.compute.cluster,
        digests=list(zip(benchmark.samples[DIGEST], benchmark.samples[UNREAD], strict=True)) if DIGEST in benchmark.samples else None,
    )


def run(config: AuditConfig, settings: Settings | None = None) -> AuditResult:
    """Walk the corridor.

    Raises
    ------
    AuditError
        At the first door that cannot be passed, with what to do.
    """
    settings = settings or Settings()
    if config.backend.name in blackbox.NAMES:
        return blackbox.run(config, _handed(config, settings))
    clock = _Clock()
    whole, corrected = load_both(config, settings)
    benchmark = corrected.benchmark if corrected else whole
    operating_points.check_reference(config, benchmark.cells.names)
    for note in benchmark.notes:
        settings.say(note)
    clock.lap("benchmark")
    extracted = _with_photo_measures(config, whole, templates_of(config, whole, settings), settings)
    every = np.arange(len(whole.samples))
    whole, _ = same_templates(whole, extracted, every)
    benchmark, more = same_templates(benchmark, extracted, corrected.rows if corrected else every)
    corrected = replace(corrected, benchmark=benchmark) if corrected else None
    failures = without_template(benchmark, extracted, corrected.rows if corrected else every)
    for sentence in (*more, in_words(failures, len(benchmark.samples))):
        settings.say(sentence)
    clock.lap("templates")
    as_handed_out = _crossed(config, whole, extracted, every)
    crossed = _crossed(config, benchmark, extracted, corrected.rows) if corrected else as_handed_out
    first, apart = _set_apart(config, whole, as_handed_out, corrected)
    if corrected and first is not None and apart is not None:
        parted = {"people_set_apart": {"without": int(first.sum()), "with": int(apart.sum())}}
        both = across(whole, corrected, first[opaque(whole.subject_ids, config.uncertainty.seed)])
        corrected = replace(corrected, facts=corrected.facts | parted | {"people_in_both_parts_before": both})
    crossed, comparisons = _compared(config, extracted.rule, crossed, settings, apart)
    embeddings = crossed.embeddings
    clock.lap("comparisons")
    tallies = _tallied(crossed, comparisons)
    table, strata = quality.observe(crossed.acquisition, tallies.labellings[0], config)
    tallies = replace(tallies, strata=strata)
    review = _review(config, benchmark, crossed, comparisons, corrected)
    cells, cell = crossed.labellings[0][1:]
    acquisition = crossed.acquisition.table(cells, cell, tallies.acquired)
    asked = [point for point in comparisons.operating_points if not point.id.startswith(CURVE)]
    points = operating_points.frame(config, asked, extracted.rule, embeddings.cells)
    further: dict[str, pd.DataFrame] = {"review": review} | ({} if table is None else {"quality": table})
    further["non_mated_shift"] = shift.non_mated_shift(
        embeddings, config.groups.reference, confidence=config.uncertainty.confidence, minimum=config.groups.minimum_subjects
    )
    if corrected:
        before = _tallied(*_compared(config, extracted.rule, as_handed_out, settings, first, ladder=False))
        further["overrides"] = corrections.with_and_without(
            before,
            tallies,
            reference=config.groups.reference,
            confidence=config.uncertainty.confidence,
            minimum_subjects=config.groups.minimum_subjects,
        )
    judged = corrected.facts if corrected else {}
    seen = Observed(review=review, histograms=comparisons.histograms, overrides=further.get("overrides"), judged=judged)
    assessed = assess(config, tallies, acquisition, points, seen)
    facts: dict[str, Any] = {
        "name": config.name,
        "benchmark": about.benchmark_facts(benchmark),
        "matcher": about.matcher_facts(extracted.backend, config.backend.name, extracted.fingerprint, extracted.rule),
        "counts": about.counts(benchmark.cells, crossed.attempted, tallies.acquired),
        "limited": _limited(benchmark),
        "without_template": failures,
    }
    if comparisons.streamed:
        facts["benchmark"]["notes"].append(_unlisted(list(comparisons.streamed)))
    facts |= _protocol(whole, as_handed_out, config.backend.name, facts["benchmark"]["notes"])
    if corrected:
        facts["overrides"] = corrected.facts
    clock.lap("rates and findings")
    return AuditResult(
        config=config,
        about=facts,
        provenance=_provenance(clock, comparisons.how, crossed, cells, cell),
        acquisition=acquisition,
        operating_points=points,
        rates=assessed.rates,
        differentials=assessed.differentials,
        histograms=comparisons.histograms,
        tallies=tallies,
        findings=assessed.findings,
        tables=further | assessed.tables,
    )


def _protocol(benchmark: Benchmark, crossed: Crossed, backend: str, notes: list[str]) -> dict[str, Any]:
    """Give the benchmark's own result; where its list of pairs is missing or broken the audit stands without it, and the notes say so."""
    try:
        return {"protocol": protocol.published(benchmark, crossed, backend)}
    except BenchmarkError as error:
        if "protocol" in benchmark.card.settings:
            notes.append(f"{benchmark.card.settings['protocol']} is left out: {error.got}")
        return {"protocol": None}


def _with_photo_measures(config: AuditConfig, benchmark: Benchmark, extracted: Extracted, settings: Settings) -> Extracted:
    """Add measures of the whole photographs to the matcher's own, where the config asks for them and there are photographs."""
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


def _crossed(config: AuditConfig, benchmark: Benchmark, extracted: Extracted, rows: NDArray[np.int64]) -> Crossed:
    """Templates of a benchmark's samples past the privacy line; ``rows`` says where each sample is among the extracted."""
    return cross(
        benchmark,
        extracted.rule,
        reasons=[extracted.reasons[row] for row in rows],
        vectors=extracted.vectors[rows],
        status=extracted.status[rows],
        seconds=extracted.seconds[rows],
        quality=extracted.quality.iloc[rows].reset_index(drop=True),
        seed=config.uncertainty.seed,
    )


def _tallied(crossed: Crossed, comparisons: Comparisons) -> Tallies:
    return tally(comparisons, crossed.embeddings, crossed.attempted, tuple(Labelling(*labelling) for labelling in crossed.labellings))


def _review(config: AuditConfig, benchmark: Benchmark, crossed: Crossed, comparisons: Comparisons, corrected: Corrected | None) -> pd.DataFrame:
    """The pairs a person should look at, and what was judged of them."""
    code = benchmark.subject_code
    photo = (np.arange(len(code)) - np.searchsorted(code, code) + 1)[crossed.sample_rows]
    review = identity.listing(crossed.embeddings, comparisons, photo, config.review.depth, config.uncertainty.seed)
    return mark(review, benchmark, config.uncertainty.seed, crossed.attempted, corrected.judged) if corrected else review


Apart = NDArray[np.bool_] | None
"""Who sets thresholds, under opaque numbers; None where the people measured do."""


def _set_apart(config: AuditConfig, whole: Benchmark, as_handed_out: Crossed, corrected: Corrected | None) -> tuple[Apart, Apart]:
    """Who sets thresholds, in the benchmark as handed out and as it is used.

    Drawn once, from the benchmark as handed out, so that the audit with and without corrections has the same people on either side, and the one
    without is the run that no override file would have given. Of people who turned out to be one, the part of the smallest id counts: a rule that
    knows nothing of scores, and leaves nobody on both sides.
    """
    if not config.uncertainty.calibration_share:
        return None, None
    first, seed = draw(as_handed_out, config.uncertainty.calibration_share), config.uncertainty.seed
    if corrected is None:
        return first, first
    by_person = first[opaque(whole.subject_ids, seed)]
    second = np.empty(len(corrected.follows), dtype=bool)
    second[opaque(corrected.benchmark.subject_ids, seed)] = by_person[corrected.follows]
    return first, second


def _compared(
    config: AuditConfig, rule: ScoreRule, crossed: Crossed, settings: Settings, apart: Apart, *, ladder: bool = True
) -> tuple[Crossed, Comparisons]:
    """All comparisons; where people are set apart for calibration, thresholds come from them and the others are measured."""
    compute = config.compute
    labels = [(cell, len(cells)) for _, cells, cell in crossed.labellings]

    def pass_over(embeddings: EmbeddingSet, asked: Sequence[OperatingPointRequest], histograms: bool = True) -> Comparisons:
        return compare(
            embeddings,
            operating_points=asked,
            bins=compute.bins,
            threads=compute.threads,
            path=compute.path,
            histograms=histograms,
            memory_cap=compute.memory_mb * 2**20,
            groupings=labels,
            progress=lambda done, total: settings.progress("comparisons", done, total),
        )

    requests = operating_points.requests(config, rule, crossed.embeddings.cells)
    if apart is not None:
        calibration, crossed = split(crossed, apart)
        targets = [request for request in requests if request.target is not None]
        found = {point.id: point.threshold for point in pass_over(calibration, targets, histograms=False).operating_points} if targets else {}
        requests = tuple(
            replace(one, threshold=found[one.id], target=None, weighting=None, protocol="fixed") if one.id in found else one for one in requests
        )
    rungs = operating_points.ladder(config, len(crossed.embeddings)) if ladder else ()
    comparisons = pass_over(crossed.embeddings, (*requests, *rungs), histograms=ladder)
    return crossed, comparisons


def _unlisted(points: Sequence[str]) -> str:
    asked = [point for point in points if not point.startswith(CURVE)]
    where = f"{len(points)} thresholds" + (f", {', '.join(asked)} among them" if asked else "")
    return (
        f"At {where}, more pairs matched than compute.memory_mb holds. Each person's sums are kept instead of the pairs: rates, intervals and ratios "
        "are the same; matching by image quality, comparing two runs and the list of pairs to review leave these thresholds out."
    )


def _limited(benchmark: Benchmark) -> str:
    if benchmark.limited is None:
        return ""
    return (
        f"This run was limited to {len(benchmark.samples):,} photos. It shows how the audit works; its numbers are not those of the whole benchmark."
    )


def _provenance(clock: _Clock, how: dict[str, str | int | float], crossed: Crossed, cells: tuple[str, ...], cell: Any) -> dict[str, Any]:
    packages = ("numpy", "scipy", "pandas", "numba", "opencv-python-headless", "matplotlib", "face-audit")
    seconds, where = crossed.acquisition.seconds, cell[crossed.acquisition.subject]
    timed = seconds > 0
    by_group = {name: float(np.median(seconds[timed & (where == k)])) for k, name in enumerate(cells) if (timed & (where == k)).any()}
    return {
        "started": clock.started.isoformat(timespec="seconds"),
        "seconds": clock.stages,
        "median_seconds_per_photo": by_group,
        "comparisons": how,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    """Give the installed version; another build of the same library (opencv-python) has another name."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed under this name"


def _handed(config: AuditConfig, settings: Settings) -> blackbox.Handed:
    """What an audit of outputs alone is told of their labels; there are no samples to choose from, so a limit is refused."""
    if settings.limit is not None:
        raise ConfigError("--limit", got=str(settings.limit), allowed="no limit for outputs: the whole table is read", todo="Leave it out")
    attributes = config.groups.attributes
    card = outputs.described(config.benchmark.name, attributes, config.benchmark.options)
    words = {column: blackbox.Label(card.attributes[column].word, ", ".join(card.attributes[column].categories)) for column in attributes.values()}
    return blackbox.Handed(
        about.card_facts(card, attributes, list(attributes.values())),
        words,
        settings.data,
        lambda people, seed: opaque([f"{k:09d}" for k in range(people)], seed),
    )
