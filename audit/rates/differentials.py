"""Rates in, ratios to the reference out, each with its certainty by the fixed rules of METRICS 3.5
(``differentials.csv``).

Its one idea: a group is compared with the group that differs from it only towards the reference: a cell with the
reference cell, ``sex=Female`` with the reference's sex. The interval is MOVER on logs from the printed limits of two
groups that share nobody; where the threshold was calibrated on people who are compared, it is linearised with the
calibration (``calibration``). "Clear" asks for an interval that holds for all groups compared with one reference at
once (max-t: the largest of correlated normals; Bonferroni where a group has no errors), with some room
(``multiplicity.FAMILY_ERROR``), under every label source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.base.groups import ALL, UNLABELLED, coarser_reference
from audit.rates.calibration import Calibrated, contrast, ratio_of_misses
from audit.rates.every_rate import Key, PairRates, Rates
from audit.stats.contrasts import Ratio
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.stats.multiplicity import (
    bonferroni_level,
    correlation_with_common_reference,
    family_confidence,
    simultaneous_level,
)
from audit.stats.ratios import limited_pair, mover_ratio, with_unseen_kinds
from audit.words import columns
from audit.words.notes import no_vote, not_confirmed
from audit.words.wording import CLEAR, LIKELY, UNCERTAIN, no_larger_than

__all__ = ["PEOPLE_UNKNOWN", "TOO_FEW", "Differential", "certainty", "compared", "differentials", "frame"]

TOO_FEW = "too few people"
PEOPLE_UNKNOWN = "no subject ids: no interval, so the difference may be chance"
_DRAWS = 20_000
_EQUIVALENCE_LEVEL = 0.90  # METRICS 3.5: the 90 % interval lies inside [1/k, k]


@dataclass(frozen=True)
class Differential:
    """One ratio to the reference.

    Attributes
    ----------
    key : Key
        Of the group's rate.
    reference : str
        Name of the other group.
    ratio : Ratio
        At the configured confidence.
    simultaneous, narrow : Ratio
        At the family's level and at 90 %.
    certainty : str
    note : str
    level : float
        The family's level itself.
    """

    key: Key
    reference: str
    ratio: Ratio
    simultaneous: Ratio
    narrow: Ratio
    certainty: str
    note: str
    level: float = 0.95


def ratio_at(rates: Rates, key: Key, other: Key, confidence: float) -> Ratio:
    """MOVER ratio of two rates at a level; the ratio alone where one of the rates has no interval."""
    a, b = rates.values[key], rates.values[other]
    if not rates.people_known:
        return _alone(a, b)
    if b.rate > 0 and a.rate >= 0 and not (math.isfinite(a.low) and math.isfinite(b.low)):
        return Ratio(a.rate / b.rate, math.nan, math.nan, "", "no interval: one of the rates has none")
    return mover_ratio(*limited_pair(a, b, confidence))


def _alone(a: DyadicRate | SubjectRate, b: DyadicRate | SubjectRate) -> Ratio:
    """The ratio where nobody knows who the people are."""
    if not (a.trials and b.trials):
        return Ratio(math.nan, math.nan, math.nan, "", "nothing to count in one of the groups")
    note = PEOPLE_UNKNOWN if b.rate > 0 else f"no errors in the reference; {PEOPLE_UNKNOWN}"
    return Ratio(a.rate / b.rate if b.rate > 0 else math.nan, math.nan, math.nan, "", note)


def _ratio(rates: Rates, key: Key, other: Key, confidence: float, calibrated: Calibrated) -> Ratio:
    """The ratio by the method its threshold asks for."""
    names = calibrated.get(key.operating_point)
    if not names or not isinstance(rates, PairRates):
        return ratio_at(rates, key, other, confidence)
    linear, a, b = contrast(rates, key, other, names), rates.values[key], rates.values[other]
    if linear is not None and isinstance(a, DyadicRate) and isinstance(b, DyadicRate):
        return with_unseen_kinds(linear.ratio(confidence), a, b, confidence)
    return ratio_of_misses(rates, key, other, names, ratio_at(rates, key, other, confidence), confidence)


def _excludes_one(ratio: Ratio) -> bool:
    return (math.isfinite(ratio.low) and ratio.low > 1) or (not math.isnan(ratio.high) and ratio.high < 1)


def _confirms(other: Ratio, headline: Ratio) -> bool:
    """Excludes 1 on the same side."""
    return _excludes_one(other) and (other.low > 1) == (headline.low > 1)


def certainty(ratio: Ratio, simultaneous: Ratio, narrow: Ratio, alternatives: Sequence[Ratio | None], k: float) -> str:
    """Apply the rules of METRICS 3.5.

    Parameters
    ----------
    ratio, simultaneous, narrow : Ratio
        At the configured level, the family's level and 90 %.
    alternatives : sequence of Ratio or None
        The simultaneous ratio under every other label source that may vote; None for one that cannot (fewer than the
        minimum of people of the group or of the reference, nobody, or no error), which neither confirms nor
        contradicts and is said in a note.
    k : float
        Of "no difference larger than x k".
    """
    if _excludes_one(simultaneous):
        return CLEAR if all(_confirms(other, simultaneous) for other in alternatives if other is not None) else LIKELY
    if _excludes_one(ratio):
        return LIKELY
    if math.isfinite(narrow.low) and math.isfinite(narrow.high) and narrow.low >= 1 / k and narrow.high <= k:
        return no_larger_than(k)
    return UNCERTAIN


def compared(
    rates: Rates, reference: str, *, measures: Sequence[str] = (), point: str | None = None
) -> list[tuple[Key, Key]]:
    """Which rate is held against which: every group within itself, against the group that differs from it only towards
    the reference.
    """
    names = {group.name for group in rates.groups}
    groups = {group.name: group for group in rates.groups if group.name not in (ALL, UNLABELLED)}
    chosen: list[tuple[Key, Key]] = []
    for key in rates.values:
        group = groups.get(key.group)
        if (
            group is None
            or key.other_group
            or (measures and key.measure not in measures)
            or point not in (None, key.operating_point)
        ):
            continue
        against = reference if group.finest else coarser_reference(group, reference)
        other = Key(key.operating_point, key.measure, key.weighting, against)
        if (
            against in names and against != key.group and other in rates.values
        ):  # a cell has no rate of its own cells alone
            chosen.append((key, other))
    return chosen


def differentials(
    rates: Rates,
    reference: str,
    *,
    k: float = 2.0,
    alternatives: Mapping[str, Rates] | None = None,
    calibrated: Calibrated | None = None,
    measures: Sequence[str] = (),
    seed: int = 0,
    point: str | None = None,
) -> list[Differential]:
    """Every group against its reference, at every operating point, measure and weighting.

    Parameters
    ----------
    rates : Rates
        Of the headline labelling.
    reference : str
        The reference cell.
    k : float
        Equivalence margin.
    alternatives : mapping of label source to Rates
        The same people under other labels.
    calibrated : mapping of operating point to names of cells
        Points whose threshold was set on these people (``calibration.calibration_sets``).
    measures : sequence of str
        Only these; all where empty.
    seed : int
        Of the draws behind the simultaneous level.
    point : str, optional
        Only this operating point.
    """
    chosen = compared(rates, reference, measures=measures, point=point)
    levels = _levels(
        rates, [(key, other) for key, other in chosen if not rates.too_few(key) and not rates.too_few(other)], seed
    )
    out = []
    for key, other in chosen:
        level = levels.get(other, rates.confidence)
        plain, wide, narrow = (
            _ratio(rates, key, other, at, calibrated or {}) for at in (rates.confidence, level, _EQUIVALENCE_LEVEL)
        )
        if rates.too_few(key) or rates.too_few(other):
            who = key.group if rates.too_few(key) else other.group
            out.append(
                Differential(
                    key,
                    other.group,
                    plain,
                    wide,
                    narrow,
                    TOO_FEW,
                    _join(plain.note, f"too few people in {who}"),
                    level,
                )
            )
            continue
        others: list[Ratio | None] = []
        for source in (alternatives or {}).values():
            known = (
                key in source.values
                and other in source.values
                and not source.too_few(key)
                and not source.too_few(other)
            )
            again = _ratio(source, key, other, level, calibrated or {}) if known else None
            others.append(again if again is not None and again.method else None)
        judged = plain.method or (not rates.people_known and rates.values[key].trials and rates.values[other].trials)
        said = certainty(plain, wide, narrow, others, k) if judged else ""
        note = plain.note
        if said and not _excludes_one(plain):
            shown = [
                name
                for name, again in zip(alternatives or {}, others, strict=True)
                if again is not None and _excludes_one(again)
            ]
            note = _join(note, f"a difference shows with the labels of {', '.join(shown)}") if shown else note
        if said in (CLEAR, LIKELY) and _excludes_one(wide):
            sources = list(zip(alternatives or {}, others, strict=True))
            lost = [name for name, again in sources if again is not None and not _confirms(again, wide)]
            silent = [name for name, again in sources if again is None]
            note = _join(note, not_confirmed(lost), no_vote(silent))
        out.append(Differential(key, other.group, plain, wide, narrow, said, note, level))
    return out


def _levels(rates: Rates, families: Sequence[tuple[Key, Key]], seed: int) -> dict[Key, float]:
    """Pointwise level at which all ratios to one reference hold together: max-t; Bonferroni where a group has no
    errors or nothing else.

    Returns a level for each reference's key (which names operating point, measure and weighting too).
    """
    members: dict[Key, list[Key]] = {}
    for key, other in families:
        members.setdefault(other, []).append(key)
    levels, together = {}, family_confidence(rates.confidence)
    for other, keys in members.items():
        v = np.array([_relative_variance(rates.values[key]) for key in (*keys, other)])
        if np.isfinite(v).all() and len(keys) > 1:
            levels[other] = simultaneous_level(
                correlation_with_common_reference(v[:-1], float(v[-1])), together, draws=_DRAWS, seed=seed
            )
        else:
            levels[other] = bonferroni_level(len(keys), together)
    return levels


def _relative_variance(value: DyadicRate | SubjectRate) -> float:
    """V/p²; infinite for a rate of 0 or 1, whose limit is one-sided and whose variance is not known to be 0 because
    none was seen.
    """
    return value.variance / value.rate**2 if 0 < value.rate < 1 else math.inf


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def frame(found: Sequence[Differential], confidence: float) -> pd.DataFrame:
    """``differentials.csv``; a ratio that is 0/0 or x/0 is empty, its one-sided limit stays."""
    rows = [
        d.key.row(
            reference=d.reference,
            **{
                name: value if math.isfinite(value) else math.nan
                for name, value in zip(("ratio", "low", "high"), d.ratio[:3], strict=True)
            },
            interval=f"{d.ratio.method}, {confidence * 100:g} %" if d.ratio.method else "",
            certainty=d.certainty,
            note=d.note,
        )
        for d in found
    ]
    return columns.frame("differentials", rows)
