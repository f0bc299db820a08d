"""How large a ratio could be seen at all, and how many people a wanted ratio needs.

In: expected errors, or people and a rate, and a design effect. Out: a ratio, or a number of people. Its one idea: ln
of a ratio of two counts has variance DEFF·(1/λ_low + 1/λ_high), and 80 % power at α = .05 needs ln r to be 1.96 + .84
standard errors (METRICS 2, 3.4). Where fewer than about two errors are expected the normal form is wrong, and the
exact power of the conditional binomial test is used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import binom, poisson

__all__ = [
    "UNEVEN",
    "UNEVEN_PEOPLE",
    "Seen",
    "clear_ratio",
    "detectable_ratio",
    "errors_needed",
    "errors_needed_exact",
    "exact_power",
    "rule_subjects",
]


def _spread(power: float, alpha: float) -> float:
    if not (0 < power < 1 and 0 < alpha < 1):
        raise ValueError(f"power {power}, alpha {alpha}. Allowed: strictly between 0 and 1.")
    return float(ndtri(1 - alpha / 2) + ndtri(power))


def errors_needed(
    ratio: float, *, design_effect: float = 1.0, trials_ratio: float = 1.0, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Expected errors in the lower-rate group to see ``ratio``: (z+z')²·(1 + 1/(r·k))/ln²r·DEFF.

    Parameters
    ----------
    ratio : float
        > 1, higher rate over lower.
    design_effect : float
        Of the rates (taken alike in both groups).
    trials_ratio : float
        k, trials of the higher-rate group over those of the lower-rate group.
    """
    if not ratio > 1:
        raise ValueError(f"errors_needed: ratio is {ratio}. Allowed: more than 1.")
    return design_effect * _spread(power, alpha) ** 2 * (1 + 1 / (ratio * trials_ratio)) / math.log(ratio) ** 2


def exact_power(expected_low: float, ratio: float, *, trials_ratio: float = 1.0, alpha: float = 0.05) -> float:
    """Power of the two-sided conditional binomial test for Poisson counts λ and r·k·λ; ties of probability resolved by
    equal tails.
    """
    high = expected_low * ratio * trials_ratio
    top = int(poisson.ppf(1 - 1e-10, expected_low + high)) + 1
    total = np.arange(top + 1)
    share = trials_ratio / (1 + trials_ratio)  # of the higher-rate group under equal rates
    upper = binom.isf(alpha / 2, total, share)  # P(X > upper) <= alpha/2
    lower = binom.ppf(alpha / 2, total, share)
    lower = np.where(binom.cdf(lower, total, share) <= alpha / 2, lower, lower - 1)
    true = ratio * trials_ratio / (1 + ratio * trials_ratio)
    reject = binom.sf(upper, total, true) + np.where(lower >= 0, binom.cdf(lower, total, true), 0.0)
    return float((poisson.pmf(total, expected_low + high) * reject).sum())


def errors_needed_exact(ratio: float, *, trials_ratio: float = 1.0, power: float = 0.8, alpha: float = 0.05) -> float:
    """Expected errors in the lower-rate group for ``exact_power`` to reach ``power`` (smallest root above which it
    stays there is not sought).
    """
    if not ratio > 1:
        raise ValueError(f"errors_needed_exact: ratio is {ratio}. Allowed: more than 1.")
    top = math.log(4 * errors_needed(ratio, trials_ratio=trials_ratio, power=power, alpha=alpha) + 4)
    root = brentq(
        lambda x: exact_power(math.exp(x), ratio, trials_ratio=trials_ratio, alpha=alpha) - power, math.log(1e-2), top
    )
    return math.exp(root)


def detectable_ratio(
    expected_errors: float,
    *,
    reference_errors: float = math.inf,
    design_effect: float = 1.0,
    reference_design_effect: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Smallest ratio to a reference seen with 80 % power by a group in which ``expected_errors`` would be expected
    were the rates equal.

    Solves ln r = (z+z')·√(DEFF/(r·λ) + DEFF_ref/λ_ref): the group's own errors grow with r.

    Parameters
    ----------
    expected_errors : float
        λ: the reference rate times the group's trials.
    reference_errors : float
        λ_ref; infinite for a reference without error of its own.

    Returns
    -------
    float
        inf where no ratio below 1e6 would be seen (or nothing is expected).
    """
    if expected_errors < 0 or reference_errors < 0:
        raise ValueError("detectable_ratio: errors below 0. Allowed: expected errors of 0 or more.")
    if expected_errors == 0 or reference_errors == 0:
        return math.inf
    spread = _spread(power, alpha)
    fixed = 0.0 if math.isinf(reference_errors) else reference_design_effect / reference_errors

    def short(x: float) -> float:
        return x - spread * math.sqrt(design_effect * math.exp(-x) / expected_errors + fixed)

    top = math.log(1e6)
    return math.inf if short(top) < 0 else math.exp(brentq(short, 0.0, top))


class Seen(NamedTuple):
    """A rate as it would be seen: how far its printed limits lie from it on logs, and its spread there."""

    rate: float
    below: float
    above: float
    spread: float


UNEVEN, UNEVEN_PEOPLE = 1.2, 1.0
"""Limits are themselves estimated, and the ratio is named by one benchmark and asked of others. Of rates over pairs of
people that costs power (at 1, .70 to .80 was seen for .80; at 1.28 .76 to .87); of rates over people it does not."""


def clear_ratio(own: Sequence[Seen], reference: Seen, *, power: float = 0.8, uneven: float = UNEVEN) -> float:
    """Smallest ratio above 1 whose printed interval would exclude 1 in ``power`` of samples: the interval itself,
    turned round.

    Parameters
    ----------
    own : sequence of Seen
        The group at ascending rates: what its limits and its spread would be were that its rate.
    reference : Seen
        The reference as it is.
    power : float
    uneven : float
        ``UNEVEN`` or ``UNEVEN_PEOPLE``.

    Returns
    -------
    float
        r with ln r = √(below(r)² + above_ref²) + uneven·z·√(spread(r)² + spread_ref²), straight in logarithms between
        the rates given; inf where none of them would be seen, and the lowest where that one already would.

    Notes
    -----
    MOVER excludes 1 where ln(p̂/p̂_ref) passes √(ln²(p̂/l) + ln²(u_ref/p̂_ref)); ln(p̂/p̂_ref) falls short of its
    truth by z spreads in 1 - ``power``.
    """
    z = uneven * float(ndtri(power))
    last: tuple[float, float] | None = None
    for one in own:
        x = math.log(one.rate / reference.rate)
        if x <= 0 or not all(map(math.isfinite, one)):
            continue
        gain = x - math.hypot(one.below, reference.above) - z * math.hypot(one.spread, reference.spread)
        if gain >= 0:
            return math.exp(x if last is None else last[0] + (x - last[0]) * -last[1] / (gain - last[1]))
        last = (x, gain)
    return math.inf


def rule_subjects(fmr: float, errors: float) -> int:
    """People needed so that all their pairs (one image each) expect ``errors``:
    the rules of 3 and 30 (METRICS 3.4).
    """
    if not (0 < fmr <= 1 and errors > 0):
        raise ValueError(f"rule_subjects: FMR {fmr}, errors {errors}. Allowed: 0 < FMR <= 1, errors > 0.")
    pairs = errors / fmr
    n = math.ceil((1 + math.sqrt(1 + 8 * pairs)) / 2 - 1e-9)
    return n if n * (n - 1) / 2 >= pairs * (1 - 1e-12) else n + 1
