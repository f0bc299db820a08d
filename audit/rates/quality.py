"""Do the photographs of groups differ, and who could be compared with whom at equal quality? (``quality.csv``, and people's quality strata.)

In: simple measures per sample, under opaque people. Out: how far each group's photographs lie from the reference's, and a coarse stratum per person
and measure. Its one idea: the person is the unit here too, so a person's measure is the mean over their photos. Measures exist only while photographs
and templates are at hand: ``quality.csv`` is computed in the run. What ``matching`` needs, quarters of the people, is kept in ``dyads.npz``
and is too coarse to find anybody by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.protocol import Status
from audit.config import AuditConfig
from audit.embeddings.privacy_line import Acquisition
from audit.errors import ConfigError
from audit.rates.groups import ALL, UNLABELLED, coarser_reference, groups_of
from audit.rates.tallies import Labelling, Strata
from audit.stats.intervals import normal_quantile

__all__ = ["COLUMNS", "by_person", "chosen_measures", "observe", "quality_table", "strata_of"]

COLUMNS = ("group", "measure", "people", "mean", "median", "reference", "standardised_difference", "low", "high", "after_matching", "note")
UNSIGNED = ("roll_degrees", "turn")
"""Signed measures of pose: left and right are alike here, so their absolute value is used."""
WANTED = (("face_pixels", "eye_pixels"), ("photo_sharpness",), ("photo_brightness", "brightness"))
"""What is matched on unless the configuration says otherwise: size of the face, sharpness, brightness; the first of each that was measured. The
whole photo's brightness comes before the face's, which depends on skin as well as on light."""
LEVELS = 4

Floats = NDArray[np.float64]


def by_person(acquisition: Acquisition, people: int) -> tuple[tuple[str, ...], Floats]:
    """Mean of each measure over each person's acquired samples.

    Returns
    -------
    names : tuple of Q str
    values : NDArray (S, Q) float64
        NaN for people without any.
    """
    got = acquisition.status == Status.ACQUIRED
    frame, subject = acquisition.quality[got], acquisition.subject[got]
    names = tuple(str(name) for name in frame.columns)
    out = np.full((people, len(names)), np.nan)
    for k, name in enumerate(names):
        x = frame[name].to_numpy(np.float64)
        x = np.abs(x) if name in UNSIGNED else x
        known = np.isfinite(x)
        count = np.bincount(subject[known], minlength=people)
        total = np.bincount(subject[known], x[known], people)
        out[:, k] = np.divide(total, count, out=np.full(people, np.nan), where=count > 0)
    return names, out


def chosen_measures(wanted: Sequence[str] | None, names: Sequence[str]) -> tuple[str, ...]:
    """What groups are matched on.

    Raises
    ------
    ConfigError
        A measure is asked for that was not measured.
    """
    if wanted is None:
        return tuple(next(name for name in some if name in names) for some in WANTED if any(name in names for name in some))
    lost = [name for name in wanted if name not in names]
    if lost:
        raise ConfigError(
            "quality.match",
            got=", ".join(lost),
            allowed=", ".join(names) or "nothing: this matcher measures no quality",
            todo="Choose among these, or set quality.measure = true to measure whole photographs",
        )
    return tuple(wanted)


def strata_of(names: Sequence[str], values: Floats, chosen: Sequence[str], labelling: Labelling) -> Strata | None:
    """Quarters of all labelled people, measure by measure; None where there is nothing to go by."""
    labelled = np.array([name != UNLABELLED for name in labelling.cells])[labelling.cell]
    level = np.full((len(values), len(chosen)), -1, dtype=np.int8)
    edges = np.full((len(chosen), LEVELS - 1), np.nan)
    for k, name in enumerate(chosen):
        x = values[:, list(names).index(name)]
        known = np.isfinite(x)
        if not (known & labelled).any():
            return None
        edges[k] = np.quantile(x[known & labelled], np.arange(1, LEVELS) / LEVELS)
        level[known, k] = np.searchsorted(edges[k], x[known], side="right")
    return Strata(tuple(chosen), edges, level) if chosen else None


def quality_table(
    names: Sequence[str], values: Floats, labelling: Labelling, reference: str, strata: Strata | None, confidence: float
) -> pd.DataFrame:
    """``quality.csv``: one row per group and measure.

    ``standardised_difference`` is (mean of group - mean of reference) / √((v_group + v_reference)/2) over people (Cohen 1988; Austin 2009,
    Stat. Med. 28), its interval linearised, people as the unit. ``after_matching`` is the same with people weighted as in ``matching`` (all
    chosen measures at once), in the same unit: what matching leaves, which should be near 0.
    """
    rows = []
    groups = {group.name: group for group in groups_of(labelling.cells)}
    joint = None if strata is None else strata.joint(range(len(strata.names)))
    for group in groups.values():
        against = groups.get(reference if group.finest else coarser_reference(group, reference))
        if group.name in (ALL, UNLABELLED) or against is None or against.name == group.name:
            against = None
        inside = np.isin(labelling.cell, group.cells)
        for k, name in enumerate(names):
            x = values[:, k]
            own = inside & np.isfinite(x)
            if not own.any():
                continue
            start = (group.name, name, int(own.sum()), float(x[own].mean()), float(np.median(x[own])))
            if against is None:
                rows.append((*start, "", math.nan, math.nan, math.nan, math.nan, ""))
                continue
            other = np.isin(labelling.cell, against.cells) & np.isfinite(x)
            d, low, high, unit = standardised(x[own], x[other], confidence)
            left = math.nan if joint is None or not unit > 0 else _left(x, own, other, joint) / unit
            note = "" if unit > 0 else "too few people, or no spread"
            rows.append((*start, against.name, d, low, high, left, note))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def standardised(a: Floats, b: Floats, confidence: float) -> tuple[float, float, float, float]:
    """Standardised difference of two sets of people, its limits, and the unit it is measured in; NaN with fewer than two people or no spread."""
    if min(len(a), len(b)) < 2:
        return math.nan, math.nan, math.nan, math.nan
    v_a, v_b = a.var(), b.var()
    unit = math.sqrt((v_a + v_b) / 2)
    if not unit > 0:
        return math.nan, math.nan, math.nan, math.nan
    d = float(a.mean() - b.mean()) / unit
    # One person's influence on d: through the mean, and through the unit (dv/4s² of d).
    psi_a = ((a - a.mean()) / unit - d / (4 * unit**2) * ((a - a.mean()) ** 2 - v_a)) / len(a)
    psi_b = (-(b - b.mean()) / unit - d / (4 * unit**2) * ((b - b.mean()) ** 2 - v_b)) / len(b)
    half = normal_quantile(confidence) * math.sqrt(float((psi_a**2).sum() + (psi_b**2).sum()))
    return d, d - half, d + half, unit


def _left(x: Floats, own: NDArray[np.bool_], other: NDArray[np.bool_], stratum: NDArray[np.int64]) -> float:
    """Difference of means after matching: the group's strata weighted as the reference's, where both have people."""
    own, other = own & (stratum >= 0), other & (stratum >= 0)
    size = int(stratum.max()) + 1
    n_a, n_b = np.bincount(stratum[own], minlength=size), np.bincount(stratum[other], minlength=size)
    both = (n_a > 0) & (n_b > 0)
    if not both.any():
        return math.nan
    sum_a, sum_b = np.bincount(stratum[own], x[own], size), np.bincount(stratum[other], x[other], size)
    share = n_b[both] / n_b[both].sum()
    return float((share * (sum_a[both] / n_a[both] - sum_b[both] / n_b[both])).sum())


def observe(acquisition: Acquisition, labelling: Labelling, config: AuditConfig) -> tuple[pd.DataFrame | None, Strata | None]:
    """``quality.csv`` and people's strata; None and None where the matcher measures nothing and photographs were not measured."""
    names, values = by_person(acquisition, len(labelling.cell))
    chosen = chosen_measures(config.quality.match, names)
    if not names:
        return None, None
    strata = strata_of(names, values, chosen, labelling)
    return quality_table(names, values, labelling, config.groups.reference, strata, config.uncertainty.confidence), strata
