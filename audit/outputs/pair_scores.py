"""A table of pair scores in, checked ``Pairs`` out; and the thresholds that they give.

Its one idea: a pair is two cells, a score (larger = more alike) and whether it is mated; who the two people are is
known only where the file says so, and then only as numbers of a seeded permutation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.base.errors import BenchmarkError, ConfigError
from audit.base.groups import UNLABELLED
from audit.comparisons.types import OperatingPoint, OperatingPointRequest, Weighting
from audit.config import AuditConfig
from audit.observations import operating_points
from audit.observations.pairs import BEST, Pairs
from audit.observations.tallies import CURVE
from audit.outputs.options import ScoresOptions
from audit.outputs.read import (
    Given,
    Words,
    about,
    asked_twice,
    codes,
    flags,
    labels,
    locate,
    nearly_documented,
    numbers,
    read,
)
from audit.stats.thresholds import best_threshold, threshold_by_comparisons, threshold_by_people

__all__ = ["read_pairs", "resolve", "rungs"]


def read_pairs(options: ScoresOptions, config: AuditConfig, words: Words, folder: Path | None) -> Pairs:
    """Read and check a table of pair scores.

    Raises
    ------
    BenchmarkError
        A file, column or value that cannot be used; a pair called mated that shows two people, or the reverse.
    """
    path = locate(options.path, folder)
    people = [options.subject_a, options.subject_b] if options.subject_a else []
    given = read(path, [options.score, options.mated, *people])
    asked_twice(given, [options.score, options.mated, *people])
    documented = {"subject_a", "subject_b"} & set(given.frame)
    if not people and not documented:
        nearly_documented(given, "subject_a", "subject_b")
    if not people and documented:
        if len(documented) == 1:
            raise BenchmarkError(
                given.name,
                got=f"column {documented.pop()} alone",
                allowed="both subject_a and subject_b, or neither",
                todo="Complete it",
            )
        options = options.model_copy(update={"subject_a": "subject_a", "subject_b": "subject_b"})
        people = ["subject_a", "subject_b"]
    for role, column in config.groups.attributes.items():
        sides = {column + "_a", column + "_b"} & set(given.frame)
        if column in given.frame and len(sides) == 1:
            raise BenchmarkError(
                f"groups.attributes.{role}",
                got=f"{given.name} has {column!r} and {sides.pop()!r} alone",
                allowed=f"{column!r}, or both {column + '_a'!r} and {column + '_b'!r}",
                todo="Complete or remove it",
            )
        if column not in given.frame and len(sides) < 2:
            raise BenchmarkError(
                f"groups.attributes.{role}",
                got=f"{given.name} has neither {column!r} nor {column + '_a'!r} and {column + '_b'!r}",
                allowed=", ".join(given.frame.columns),
                todo="Name a column of the file",
            )
    score = numbers(given, options.score)
    mated = flags(given, options.mated, pairs=True, said=options.truth) == 1
    score = -score if options.kind == "dissimilarity" else score
    first, second = (labels(given, config.groups.attributes, words, suffix) for suffix in ("_a", "_b"))
    if people:
        return _with_people(given, options, mated, score, first, second)
    split = [m and x != y for m, x, y in zip(mated.tolist(), first, second, strict=True)]
    first = [UNLABELLED if bad else cell for bad, cell in zip(split, first, strict=True)]
    second = [UNLABELLED if bad else cell for bad, cell in zip(split, second, strict=True)]
    cells, (a, b) = codes(first, second)
    return Pairs(about(given), cells, a, b, mated, score, None, 0, np.zeros(0, np.int64), sum(split))


def _with_people(
    given: Given,
    options: ScoresOptions,
    mated: NDArray[np.bool_],
    score: NDArray[np.float64],
    x: list[str],
    y: list[str],
) -> Pairs:
    both = (options.subject_a, options.subject_b)
    ids = [values.to_numpy(str) for values in given.ids(both, options.ids, "backend.options.ids").values()]
    for column, values in zip((options.subject_a, options.subject_b), ids, strict=True):
        given.refuse(
            column,
            values == "",
            "no id",
            "an id in every row, or no subject columns at all",
            "Complete it, or leave both columns out",
        )
    given.refuse(
        options.mated,
        mated != (ids[0] == ids[1]),
        "a pair called mated with two subject ids, or non-mated with one",
        "1 where both ids are equal, 0 where they differ",
        "Mend the flag or the ids",
    )
    known, place = np.unique(np.concatenate(ids), return_inverse=True)
    if len(known) < 2:
        raise BenchmarkError(
            given.name,
            got="one subject",
            allowed="two at least: without two people nobody can be mistaken",
            todo="Check the ids",
        )
    first, second = np.split(place.astype(np.int64), 2)
    names, (cells_x, cells_y) = codes([*x, UNLABELLED], [*y, UNLABELLED])
    seen, unlabelled = np.concatenate([cells_x[:-1], cells_y[:-1]]), len(names) - 1
    cell = np.full(len(known), unlabelled, np.int64)
    stated = seen != unlabelled
    cell[place[stated]] = seen[stated]
    conflict = np.zeros(len(known), bool)
    conflict[place[stated & (cell[place] != seen)]] = True
    cell[conflict] = unlabelled
    if not (cell == unlabelled).any():
        names = names[:-1]
    used = np.unique(cell)  # a cell whose only people are disputed is no cell
    names, cell = tuple(names[k] for k in used), np.searchsorted(used, cell)
    return Pairs(
        about(given),
        names,
        cell[first],
        cell[second],
        mated,
        score,
        (first, second),
        len(known),
        cell,
        int(conflict.sum()),
    )


def _calibration(pairs: Pairs, request: OperatingPointRequest) -> NDArray[np.bool_]:
    """(P,) the non-mated pairs a target is calibrated on."""
    inside = (
        pairs.labelled if request.cells is None else np.isin(pairs.a, request.cells) & np.isin(pairs.b, request.cells)
    )
    return np.asarray(~pairs.mated & inside)


def _point(pairs: Pairs, request: OperatingPointRequest) -> OperatingPoint:
    chosen = _calibration(pairs, request)
    if request.target is not None and not chosen.any():
        where = "labelled people" if request.cells is None else pairs.cells[request.cells[0]]
        raise BenchmarkError(
            f"operating point {request.id}",
            got=f"no non-mated pairs of {where} in {pairs.file['file']} to set it on",
            allowed="a threshold, or a target over people who were compared",
            todo="Choose another operating point",
        )
    scores = pairs.score[chosen]
    weights = pairs.weights[chosen] if pairs.people is not None else None
    threshold = request.threshold
    if request.target is not None:
        if request.weighting == "people" and weights is not None:
            threshold = threshold_by_people(scores, request.target, weights)
        else:
            threshold = threshold_by_comparisons(scores, request.target)
    assert threshold is not None
    hit = scores >= threshold
    by_people = math.fsum(weights[hit]) / math.fsum(weights) if weights is not None and len(hit) else math.nan
    return OperatingPoint(request, threshold, by_people, float(hit.mean()) if len(hit) else math.nan)


def resolve(pairs: Pairs, config: AuditConfig, options: ScoresOptions) -> list[OperatingPoint]:
    """Every configured operating point, then the best threshold where both kinds of pairs are there.

    Raises
    ------
    ConfigError
        A target that counts people, where nobody is known.
    BenchmarkError
        A target over people who were not compared.
    """
    if pairs.people is None:
        for index, point in enumerate(config.operating_points):
            if point.kind == "target_fmr" and point.weighting == "people":
                raise ConfigError(
                    f"operating_points.{index}.weighting",
                    got="'people', for a file without subject ids: who is compared with whom, and how often, is "
                    "not known",
                    allowed="'comparisons'",
                    todo='Write weighting = "comparisons", or ask for subject ids',
                )
    found = [_point(pairs, request) for request in operating_points.requests(config, options.rule, pairs.cells)]
    if options.best_threshold:
        found += _best(pairs)
    return found


def _best(pairs: Pairs) -> list[OperatingPoint]:
    out = []
    for name, cells in [(BEST, None)] + [
        (f"{BEST}:{cell}", (k,)) for k, cell in enumerate(pairs.cells) if cell != UNLABELLED
    ]:
        inside = pairs.labelled if cells is None else np.isin(pairs.a, cells) & np.isin(pairs.b, cells)
        kinds = pairs.mated[inside]
        if kinds.any() and not kinds.all():
            threshold = best_threshold(pairs.score[inside], kinds)
            out.append(_point(pairs, OperatingPointRequest(name, "fixed", threshold=threshold, cells=cells)))
    return out if len(out) and out[0].id == BEST else []


def rungs(pairs: Pairs, targets: Sequence[float]) -> list[OperatingPoint]:
    """Thresholds of curves: those shares of labelled non-mated pairs, where the file holds as many; strictest last.

    Where people are known it must hold as many pairs of PEOPLE: the same rows again make no further threshold.
    """
    chosen = ~pairs.mated & pairs.labelled
    held = float(chosen.sum()) if pairs.people is None else math.fsum(pairs.weights[chosen])
    weighting: Weighting = "comparisons" if pairs.people is None else "people"
    out = {}
    for target in sorted(targets, reverse=True):
        if target * held >= 1 - 1e-9:
            point = _point(
                pairs, OperatingPointRequest(f"{CURVE}{target:g}", "target_fmr", target=target, weighting=weighting)
            )
            if (pairs.score[chosen] >= point.threshold).any():
                out[point.threshold] = point
    return [out[threshold] for threshold in sorted(out)]
