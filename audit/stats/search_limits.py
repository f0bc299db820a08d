"""Limits of rates of searches, of their ratios and gaps, where the coverage study shows that they hold; a named reason
where it does not.

In: jackknifed rates (``left_out``). Out: limits, or why there are none. Its one idea: what is printed here is what
``validation.search_rows`` draws worlds for, by the same functions, so no condition can stand in one place and not in
the other (IDENTIFICATION 2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from audit.base.sums import exp
from audit.stats.contrasts import Ratio
from audit.stats.intervals import Interval, t_quantile, wilson_guarded
from audit.stats.left_out import Floats, Ints, Jack, log_ratios
from audit.stats.ratios import Limited, correlated_difference, mover_ratio

__all__ = [
    "HALF",
    "LEAST",
    "NO_SPREAD",
    "TOO_FEW",
    "TOO_FEW_GALLERIES",
    "Limits",
    "difference_of",
    "limits_of",
    "mean_limits",
    "ratio_of",
]

HALF = "no interval: the gallery is larger than half of the people, where no study shows that one holds"
TOO_FEW = "no interval: fewer than one error, or one other search, is effective"
NO_SPREAD = "no interval: leaving out one person changes nothing"
TOO_FEW_GALLERIES = "none seen; no limit: the people make fewer than three galleries of this size that share nobody"
LEAST = 1.0
"""Effective errors (and effective other searches) below which the study's intervals were not read."""
_DISJOINT = 3.0


class Limits(NamedTuple):
    """Limits and their method, or NaN, "" and the reason; ``effective``: independent errors the rate is worth."""

    low: float
    high: float
    method: str
    note: str
    effective: float = math.nan


def limits_of(jack: Jack, people: int, enrolled: int, size: int, confidence: float = 0.95) -> Limits:
    """Limits of a share of searches.

    Wilson's at n_eff = p(1-p)/V with the t quantile of the jackknife's own degrees of freedom; guarded below where few
    errors are effective. None seen: 1 - .05^{1/k}, k the galleries and searchers that share nobody: min(people,
    enrolled / size).

    Parameters
    ----------
    jack : Jack
    people : int
        Of the group that searches.
    enrolled, size : int
        People there are, and people in the gallery.
    confidence : float
    """
    nan, rate = math.nan, jack.rate
    if 2 * size > enrolled:
        return Limits(nan, nan, "", HALF)
    apart = min(float(people), enrolled / size)
    if rate <= 0 or rate >= 1:
        if apart < _DISJOINT:
            return Limits(nan, nan, "", TOO_FEW_GALLERIES if rate <= 0 else NO_SPREAD, 0.0)
        bound = -math.expm1(math.log(0.05) / apart)
        method = "one-sided 95 %, galleries that share nobody"
        return Limits(0.0, bound, method, "", 0.0) if rate <= 0 else Limits(1 - bound, 1.0, method, "", 0.0)
    if not jack.variance > 0:
        return Limits(nan, nan, "", NO_SPREAD)
    n_eff = rate * (1 - rate) / jack.variance
    effective = n_eff * rate
    if min(effective, n_eff * (1 - rate)) < LEAST:
        return Limits(nan, nan, "", TOO_FEW, effective)
    found: Interval = wilson_guarded(rate, n_eff, confidence, quantile=t_quantile(jack.df, confidence))
    return Limits(found.low, found.high, "Wilson, t, people left out as searchers and as enrolled", "", effective)


def mean_limits(jack: Jack, enrolled: int, size: int, confidence: float = 0.95) -> Limits:
    """Limits of a mean number (SEL), on its logarithm: m·exp(±t·√V/m)."""
    nan = math.nan
    if 2 * size > enrolled:
        return Limits(nan, nan, "", HALF)
    if not (jack.rate > 0 and jack.variance > 0):
        return Limits(nan, nan, "", NO_SPREAD if jack.rate > 0 else "none seen; no limit of a mean number")
    effective = jack.rate**2 / jack.variance
    if effective < LEAST:
        return Limits(nan, nan, "", TOO_FEW, effective)
    factor = float(exp(np.array([t_quantile(jack.df, confidence) * math.sqrt(jack.variance) / jack.rate]))[0])
    return Limits(
        jack.rate / factor,
        jack.rate * factor,
        "t on the logarithm, people left out as searchers and as enrolled",
        "",
        effective,
    )


def ratio_of(
    a: Jack, b: Jack, one: Limits, other: Limits, stratum: Ints, confidence: float = 0.95
) -> tuple[Ratio, Floats]:
    """Ratio of two groups' rates, jackknifed itself, and its influence (for simultaneous levels).

    Where no search of one of them fails, its one-sided limit over the other's.
    """
    nan, none = math.nan, np.zeros(len(stratum))
    value = a.rate / b.rate if b.rate > 0 else math.inf if a.rate > 0 else nan
    if not (one.method and other.method):
        return Ratio(value, nan, nan, "", one.note or other.note), none
    influence, variance, df = log_ratios(a, b, stratum)
    if math.isfinite(variance) and variance > 0:
        factor = float(exp(np.array([t_quantile(df, confidence) * math.sqrt(variance)]))[0])
        return Ratio(value, value / factor, value * factor, "people left out, t, on logs"), influence
    return mover_ratio(Limited(a.rate, one.low, one.high), Limited(b.rate, other.low, other.high)), none


def difference_of(a: Jack, b: Jack, one: Limits, other: Limits) -> Ratio:
    """Rate minus rate, from the limits of both and the correlation of their influences (Zou 2007), as for FMR."""
    nan = math.nan
    if not (one.method and other.method):
        return Ratio(a.rate - b.rate, nan, nan, "", one.note or other.note)
    first, second = Limited(a.rate, one.low, one.high), Limited(b.rate, other.low, other.high)
    return correlated_difference(first, second, a.influence, b.influence)
