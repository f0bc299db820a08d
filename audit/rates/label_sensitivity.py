"""Ratios under every label source (``label_sensitivity.csv``) and what each group could have shown (``power.csv``).

Its one idea: a gap that is there under one source of labels and gone under another is a statement about labels, not
about the matcher; and a gap that could not have been seen was not looked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from audit.observations.tallies import CURVE
from audit.rates.differentials import Differential, ratio_at
from audit.rates.every_rate import Key, PairRates, Rates
from audit.stats.contrasts import Ratio
from audit.stats.dyadic import rate
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate, moved
from audit.stats.power import UNEVEN, UNEVEN_PEOPLE, Seen, clear_ratio
from audit.stats.ratios import unseen_beside
from audit.words import columns

__all__ = ["label_sensitivity", "power"]

_ERRORS = ("FMR", "FNMR")


def _other(found: Differential) -> Key:
    return Key(found.key.operating_point, found.key.measure, found.key.weighting, found.reference)


def label_sensitivity(found: list[Differential], headline: str, sources: Mapping[str, Rates]) -> pd.DataFrame:
    """The headline ratios again under each label source.

    Parameters
    ----------
    found : list of Differential
    headline : str
        Name of the headline labels.
    sources : mapping of label source to Rates
        Other sources; the headline's own ratios come from ``found``.
    """
    rows = []
    for one in found:
        if one.key.measure not in _ERRORS or one.key.weighting != "people":
            continue
        key, other = one.key, _other(one)
        rows.append(
            key.row(reference=one.reference, label_source=headline, **_finite_ratio(one.ratio), note=one.ratio.note)
        )
        for name, source in sources.items():
            if key not in source.values or other not in source.values:
                note = "nobody is recorded so by this source"
                rows.append(key.row(reference=one.reference, label_source=name, subjects=0, note=note))
                continue
            again = ratio_at(source, key, other, source.confidence)
            few = f"only {source.values[key].subjects} people" if source.too_few(key) else ""
            note = "; ".join(filter(None, (again.note, few)))
            subjects = source.values[key].subjects
            rows.append(
                key.row(
                    reference=one.reference, label_source=name, subjects=subjects, **_finite_ratio(again), note=note
                )
            )
    return columns.frame("label_sensitivity", rows)


def _finite_ratio(ratio: Ratio) -> dict[str, float]:
    return {name: _finite(value) for name, value in zip(("ratio", "low", "high"), ratio[:3], strict=True)}


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def power(found: list[Differential], rates: PairRates) -> pd.DataFrame:
    """The smallest ratio that would be called clear in 80 of 100 draws of such people: the printed interval for all
    groups at once, turned round.

    The group's limits and spread are read where its own FMR is so many times the reference's, along the curve; FNMR's
    move with the rate. ``expected_errors`` is what the group would show at the reference's rate: rate of the reference
    times the group's trials in that weighting (pairs of people for FMR in people weighting, people for FNMR). What a
    calibrated threshold adds is left out.
    """
    rows = []
    curves: dict[tuple[str, float, Key], list[Seen]] = {}
    for one in found:
        key, other = one.key, _other(one)
        if key.measure not in _ERRORS or key.weighting != "people":
            continue
        a, b = rates.values[key], rates.values[other]
        trials = _units(rates, key)
        row = key.row(reference=one.reference, errors=a.errors, design_effect=_effect(rates, key))
        if not 0 < b.rate < 1 or not trials:
            rows.append(row | {"note": "no errors in the reference, or nothing to compare"})
            continue
        if isinstance(b, SubjectRate) and isinstance(a, SubjectRate):
            own = [
                _seen(moved(a, b.rate * ratio, rates.confidence), one.level, b)
                for ratio in _RATIOS
                if b.rate * ratio < 1
            ]
        else:
            place = (key.group, one.level, other)
            if place not in curves:
                curves[place] = _along(rates, key, one.level, b)
            own = curves[place]
        ratio = clear_ratio(own, _seen(b, one.level, a), uneven=UNEVEN if isinstance(b, DyadicRate) else UNEVEN_PEOPLE)
        note = "" if math.isfinite(ratio) else "no ratio would be seen, or only one beyond the curve"
        rows.append(row | {"expected_errors": b.rate * trials, "detectable_ratio": _finite(ratio), "note": note})
    return columns.frame("power", rows)


_RATIOS = tuple(1.02**k for k in range(1, 400))
"""Ratios at which a group's FNMR is tried."""


def _seen(value: DyadicRate | SubjectRate, level: float, beside: DyadicRate | SubjectRate) -> Seen:
    """How far the limits at a level lie on logs in a ratio to ``beside``, and one standard deviation."""
    low, high, _ = value.limits(level, unseen=unseen_beside(beside))
    below = math.log(value.rate / low) if low > 0 else math.inf
    variance = value.variance if value.evidence is None else value.evidence.likely
    return Seen(value.rate, below, math.log(high / value.rate), math.sqrt(variance) / value.rate)


def _along(rates: PairRates, key: Key, level: float, beside: DyadicRate | SubjectRate) -> list[Seen]:
    """The group's FMR along the curve, ascending."""
    mask = rates.masks["FMR", key.group, ""]
    rungs = [rate(rates.sums[name, key.weighting], mask) for name in rates.thresholds if name.startswith(CURVE)]
    return sorted(
        (_seen(value, level, beside) for value in rungs if 0 < value.rate < 1 and value.interval),
        key=lambda one: one.rate,
    )


def _units(rates: Rates, key: Key) -> float:
    """Independent-looking units of a people-weighted rate: pairs of people, or people."""
    value = rates.values[key]
    return value.M if isinstance(value, DyadicRate) else float(value.subjects)


def _effect(rates: Rates, key: Key) -> float:
    """Variance over that of independent units; 1 where unknown."""
    value = rates.values[key]
    if not (0 < value.rate < 1 and value.n_eff > 0):
        return 1.0
    return max(1.0, _units(rates, key) / value.n_eff)
