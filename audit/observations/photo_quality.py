"""Simple measures per sample in, what is kept of groups' image quality out: strata of people, and moments per group
(``photo_quality.csv``).

Its one idea: the person is the unit here too, so a person's measure is the mean over their photos; and a person's own
number would give them away to whoever holds the photographs, so only quarters of people and moments of whole groups
are kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.backends.protocol import Status
from audit.base.errors import ConfigError
from audit.base.groups import ALL, UNLABELLED, coarser_reference, groups_of
from audit.base.sums import power as raised_to
from audit.config import AuditConfig
from audit.embeddings.privacy_line import Acquisition
from audit.observations.tallies import Labelling, Strata
from audit.words import columns

__all__ = ["by_person", "chosen_measures", "measures", "observe", "strata_of"]

UNSIGNED = ("roll_degrees", "turn")
"""Signed measures of pose: left and right are alike here, so their absolute value is used."""
WANTED = (("face_pixels", "eye_pixels"), ("photo_sharpness",), ("photo_brightness", "brightness"))
"""What is matched on unless the configuration says otherwise: size of the face, sharpness, brightness; the first of
each that was measured. The whole photo's brightness comes before the face's, which depends on skin as well as on
light."""
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
        return tuple(
            next(name for name in some if name in names) for some in WANTED if any(name in names for name in some)
        )
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


def measures(
    names: Sequence[str], values: Floats, labelling: Labelling, reference: str, strata: Strata | None
) -> pd.DataFrame:
    """``photo_quality.csv``: one row per group and measure; groups of whom nothing was measured are left out.

    ``matched_shift`` weighs the group's people as in ``rates.matching`` (all chosen measures at once): what matching
    leaves, which should be near 0.
    """
    rows = []
    groups = {group.name: group for group in groups_of(labelling.cells)}
    joint = None if strata is None else strata.joint(range(len(strata.names)))
    for group in groups.values():
        against = groups.get(reference if group.finest else coarser_reference(group, reference))
        alone = group.name in (ALL, UNLABELLED) or against is None or against.name == group.name
        inside = np.isin(labelling.cell, group.cells)
        for k, name in enumerate(names):
            x = values[:, k]
            own = inside & np.isfinite(x)
            if not own.any():
                continue
            mean, centred = float(x[own].mean()), x[own] - x[own].mean()
            row = {
                "group": group.name,
                "measure": name,
                "people": int(own.sum()),
                "mean": mean,
                "median": float(np.median(x[own])),
            }
            row |= {
                part: float(raised_to(centred, power).mean())
                for part, power in (("variance", 2), ("third", 3), ("fourth", 4))
            }
            if against is not None and not alone and joint is not None:
                row["matched_shift"] = _left(x, own, np.isin(labelling.cell, against.cells) & np.isfinite(x), joint)
            rows.append(row)
    return columns.frame("photo_quality", rows)


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


def observe(
    acquisition: Acquisition, labelling: Labelling, config: AuditConfig
) -> tuple[pd.DataFrame | None, Strata | None]:
    """Moments per group and people's strata; None and None where the matcher measures nothing and photographs were not
    measured.
    """
    names, values = by_person(acquisition, len(labelling.cell))
    chosen = chosen_measures(config.quality.match, names)
    if not names:
        return None, None
    strata = strata_of(names, values, chosen, labelling)
    return measures(names, values, labelling, config.groups.reference, strata), strata
