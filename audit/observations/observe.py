"""One benchmark and its templates in, everything a run can see of them out (``Seen``), before any rate.

Its one idea: with overrides there are two benchmarks (as handed out, and corrected), and both walk the same three
steps: past the privacy line, through the comparisons, into tallies. What is kept is under numbers that say nothing
(``numbering``); the way back stays with whoever ran the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.protocol import ScoreRule
from audit.benchmark.cells import opaque
from audit.benchmark.manifest import Benchmark
from audit.benchmark.overrides import Corrected, across
from audit.comparisons import Comparisons, OperatingPointRequest, compare
from audit.comparisons.kept_tiles import Kept
from audit.config import AuditConfig
from audit.embeddings import EmbeddingSet
from audit.embeddings.calibration_people import draw, split
from audit.embeddings.extract import Extracted
from audit.embeddings.privacy_line import Crossed, cross
from audit.observations import operating_points, photo_quality, review_pairs
from audit.observations.about_run import Walked, about, seconds
from audit.observations.count import tally
from audit.observations.kept import Seen
from audit.observations.numbering import numbers, renumbered
from audit.observations.search_counts import SearchCounts, renumbered_searches
from audit.observations.searches import count_searches
from audit.observations.shift_sums import score_sums
from audit.observations.tallies import Labelling

__all__ = ["observe"]

Apart = NDArray[np.bool_] | None
"""Who sets thresholds, under opaque numbers; None where the people measured do."""


def observe(
    config: AuditConfig,
    whole: Benchmark,
    corrected: Corrected | None,
    extracted: Extracted,
    progress: Callable[[int, int], None],
    keep: Kept | None = None,
) -> Seen:
    """Compare everything with everything and keep what rates, findings and ``verify`` need.

    Parameters
    ----------
    config : AuditConfig
    whole : Benchmark
        As handed out.
    corrected : Corrected or None
        After the overrides of the configuration.
    extracted : Extracted
        Templates and measures of every sample of ``whole``.
    progress : callable
        Called with (comparisons done, comparisons in all).
    keep : Kept, optional
        Where comparisons are kept in case the run is cut short.
    """
    benchmark = corrected.benchmark if corrected else whole
    handed_out = _crossed(config, whole, extracted, np.arange(len(whole.samples)))
    crossed = _crossed(config, benchmark, extracted, corrected.rows) if corrected else handed_out
    first, apart = _set_apart(config, whole, handed_out, corrected)
    made = _walk(config, extracted.rule, crossed, apart, progress, keep)
    before = _walk(config, extracted.rule, handed_out, first, progress, keep, ladder=False) if corrected else None
    tallies = made.tallies
    quality, strata = photo_quality.observe(made.crossed.acquisition, tallies.labellings[0], config)
    tallies = replace(tallies, strata=strata)
    private = opaque(benchmark.subject_ids, config.uncertainty.seed)
    person = np.argsort(private)
    review = _review(config, benchmark, made, person, corrected)
    searches = _searched(config, made, progress)
    number = numbers(tallies, review, searches)
    cells, cell = made.crossed.labellings[0][1:]
    return Seen(
        tallies=renumbered(tallies, number),
        before=None if before is None else renumbered(before.tallies, numbers(before.tallies)),
        acquisition=made.crossed.acquisition.table(cells, cell, tallies.acquired),
        histograms=made.comparisons.histograms,
        shift=score_sums(made.crossed.embeddings),
        searches=None if searches is None else renumbered_searches(searches, number),
        quality=quality,
        review=review_pairs.shuffled(review, number, config.uncertainty.seed),
        about=about(
            config, whole, corrected, handed_out, extracted, made, _judged(config, whole, corrected, first, apart)
        ),
        way_back=person[np.argsort(number)],
        how=made.comparisons.how,
        seconds=seconds(made.crossed, cells, cell),
    )


def _searched(config: AuditConfig, made: Walked, progress: Callable[[int, int], None]) -> SearchCounts | None:
    """Searches of galleries, where the configuration asks for them."""
    if config.identification is None:
        return None
    compute = config.compute
    return count_searches(
        made.crossed.embeddings,
        made.comparisons.operating_points,
        config.identification,
        seed=config.uncertainty.seed,
        threads=compute.threads,
        path=compute.path,
        memory_cap=compute.memory_mb * 2**20,
        progress=progress,
    )


def _crossed(config: AuditConfig, benchmark: Benchmark, extracted: Extracted, rows: NDArray[np.int64]) -> Crossed:
    """Templates of a benchmark's samples past the privacy line; ``rows`` says where each sample is among the
    extracted.
    """
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


def _set_apart(
    config: AuditConfig, whole: Benchmark, handed_out: Crossed, corrected: Corrected | None
) -> tuple[Apart, Apart]:
    """Who sets thresholds, in the benchmark as handed out and as it is used.

    Drawn once, from the benchmark as handed out, so that the audit with and without corrections has the same people on
    either side, and the one without is the run that no override file would have given. Of people who turned out to be
    one, the part of the smallest id counts: a rule that knows nothing of scores, and leaves nobody on both sides.
    """
    if not config.uncertainty.calibration_share:
        return None, None
    first, seed = draw(handed_out, config.uncertainty.calibration_share), config.uncertainty.seed
    if corrected is None:
        return first, first
    by_person = first[opaque(whole.subject_ids, seed)]
    second = np.empty(len(corrected.follows), dtype=bool)
    second[opaque(corrected.benchmark.subject_ids, seed)] = by_person[corrected.follows]
    return first, second


def _judged(
    config: AuditConfig, whole: Benchmark, corrected: Corrected | None, first: Apart, apart: Apart
) -> dict[str, Any]:
    """Counts of what people judged, and of those whose part changed by it."""
    if corrected is None:
        return {}
    if first is None or apart is None:
        return corrected.facts
    both = across(whole, corrected, first[opaque(whole.subject_ids, config.uncertainty.seed)])
    parted = {"without": int(first.sum()), "with": int(apart.sum())}
    return corrected.facts | {"people_set_apart": parted, "people_in_both_parts_before": both}


def _walk(
    config: AuditConfig,
    rule: ScoreRule,
    crossed: Crossed,
    apart: Apart,
    progress: Callable[[int, int], None],
    keep: Kept | None,
    *,
    ladder: bool = True,
) -> Walked:
    """All comparisons; where people are set apart for calibration, thresholds come from them and the others are
    measured.
    """
    compute = config.compute
    labels = [(cell, len(cells)) for _, cells, cell in crossed.labellings]

    def pass_over(
        embeddings: EmbeddingSet, asked: Sequence[OperatingPointRequest], histograms: bool = True
    ) -> Comparisons:
        return compare(
            embeddings,
            operating_points=asked,
            bins=compute.bins,
            threads=compute.threads,
            path=compute.path,
            histograms=histograms,
            memory_cap=compute.memory_mb * 2**20,
            groupings=labels,
            progress=progress,
            keep=keep,
            cluster=compute.cluster,
        )

    requests = operating_points.requests(config, rule, crossed.embeddings.cells)
    if apart is not None:
        calibration, crossed = split(crossed, apart)
        targets = [request for request in requests if request.target is not None]
        found = (
            {point.id: point.threshold for point in pass_over(calibration, targets, histograms=False).operating_points}
            if targets
            else {}
        )
        requests = tuple(
            replace(one, threshold=found[one.id], target=None, weighting=None, protocol="fixed")
            if one.id in found
            else one
            for one in requests
        )
    rungs = operating_points.ladder(config, len(crossed.embeddings)) if ladder else ()
    comparisons = pass_over(crossed.embeddings, (*requests, *rungs), histograms=ladder)
    labellings = tuple(Labelling(*labelling) for labelling in crossed.labellings)
    return Walked(crossed, comparisons, tally(comparisons, crossed.embeddings, crossed.attempted, labellings))


def _review(
    config: AuditConfig, benchmark: Benchmark, made: Walked, person: NDArray[np.int64], corrected: Corrected | None
) -> pd.DataFrame:
    """The pairs a person should look at, and what was judged of them."""
    code = benchmark.subject_code
    photo = (np.arange(len(code)) - np.searchsorted(code, code) + 1)[made.crossed.sample_rows]
    review = review_pairs.chosen(made.crossed.embeddings, made.comparisons, photo, config.review.depth)
    return (
        review_pairs.mark(review, benchmark, person, made.crossed.attempted, corrected.judged) if corrected else review
    )
