"""Ratios under every label source (``label_sensitivity.csv``) and what each group could have shown (``power.csv``).

Its one idea: a gap that is there under one source of labels and gone under another is a statement about labels, not about the matcher; and a
gap that could not have been seen was not looked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from audit.rates.differentials import Differential, ratio_at
from audit.rates.every_rate import Key, Rates
from audit.stats.dyadic import DyadicRate
from audit.stats.power import detectable_ratio
from audit.stats.ratios import Ratio
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
        rows.append(key.row(reference=one.reference, label_source=headline, **_finite_ratio(one.ratio), note=one.ratio.note))
        for name, source in sources.items():
            if key not in source.values or other not in source.values:
                note = "nobody is recorded so by this source"
                rows.append(key.row(reference=one.reference, label_source=name, subjects=0, note=note))
                continue
            again = ratio_at(source, key, other, source.confidence)
            few = f"only {source.values[key].subjects} people" if source.too_few(key) else ""
            note = "; ".join(filter(None, (again.note, few)))
            subjects = source.values[key].subjects
            rows.append(key.row(reference=one.reference, label_source=name, subjects=subjects, **_finite_ratio(again), note=note))
    return columns.frame("label_sensitivity", rows)


def _finite_ratio(ratio: Ratio) -> dict[str, float]:
    return {name: _finite(value) for name, value in zip(("ratio", "low", "high"), ratio[:3], strict=True)}


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def power(found: list[Differential], rates: Rates) -> pd.DataFrame:
    """The smallest ratio each group would have shown with 80 % power, at the reference's rate and both groups' measured design effects.

    ``expected_errors`` is what the group would show at the reference's rate: rate of the reference times the group's trials in that weighting
    (pairs of people for FMR in people weighting, people for FNMR).
    """
    rows = []
    for one in found:
        key, other = one.key, _other(one)
        if key.measure not in _ERRORS or key.weighting != "people":
            continue
        a, b = rates.values[key], rates.values[other]
        trials = _units(rates, key)
        effect_a, effect_b = _effect(rates, key), _effect(rates, other)
        row = key.row(reference=one.reference, errors=a.errors, design_effect=effect_a)
        if not b.rate > 0 or not trials:
            rows.append(row | {"note": "no errors in the reference, or nothing to compare"})
            continue
        expected = b.rate * trials
        ratio = detectable_ratio(expected, reference_errors=b.rate * _units(rates, other), design_effect=effect_a, reference_design_effect=effect_b)
        note = "" if math.isfinite(ratio) else "no ratio would be seen"
        rows.append(row | {"expected_errors": expected, "detectable_ratio": _finite(ratio), "note": note})
    return columns.frame("power", rows)


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
