"""How many times: the ratio of two rates, with an interval that knows whether the groups share people.

In: rates with printed limits (disjoint groups), or ``Sums`` and a linear combination of log rates (groups that share
people, calibrated thresholds). Out: ``Ratio``. Its one idea: everything happens on the log scale, and a zero is never
given an epsilon: it becomes "at least" or "at most" from the zero group's one-sided limit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.stats.contrasts import Ratio, linear_contrast
from audit.stats.dyadic import Sums, rate
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.stats.intervals import ONE_SIDED, normal_quantile, t_quantile
from audit.stats.limits import MISSED_IN_ONE, MOST, UNSEEN, Unseen, with_unseen

__all__ = [
    "Limited",
    "correlated_difference",
    "difference",
    "limited",
    "limited_pair",
    "log_slope",
    "mover_difference",
    "mover_ratio",
    "unseen_beside",
    "widened",
    "with_unseen_kinds",
]


class Limited(NamedTuple):
    """A rate and its limits, as printed. A one-sided upper bound has rate 0 and low 0."""

    rate: float
    low: float
    high: float


def limited(value: DyadicRate | SubjectRate, confidence: float = 0.95, unseen: Unseen = UNSEEN) -> Limited:
    """Limits of one rate at a level.

    The one-sided 95 % bound of a rate without errors (or with nothing else) moves to that level too: both bounds have
    the form 1 - .05^x or -x ln .05 (METRICS 3), so another level multiplies x's logarithm.
    """
    low, high, _ = value.limits(confidence, unseen=unseen)
    power = math.log(1 - confidence) / math.log(ONE_SIDED)
    if value.errors == 0 and high < 1:
        high = -math.expm1(power * math.log1p(-high))
    elif value.errors == value.trials and low > 0:
        low = low**power
    return Limited(value.rate, low, high)


Rate = DyadicRate | SubjectRate


def limited_pair(a: Rate, b: Rate, confidence: float = 0.95) -> tuple[Limited, Limited]:
    """Limits of two rates as their ratio or difference needs them: a kind of person unseen on one side counts as far
    as the other side shows one.

    Where neither side met it, the ratio is that of the people met; where one did, its person most mistaken shows how
    often that happens.
    """
    return limited(a, confidence, unseen_beside(b)), limited(b, confidence, unseen_beside(a))


def unseen_beside(other: DyadicRate | SubjectRate) -> Unseen:
    """What is allowed for a kind that was not met here but may have been met there."""
    return Unseen(other.evidence.top if other.evidence is not None else MOST, MISSED_IN_ONE)


def mover_ratio(a: Limited, b: Limited) -> Ratio:
    """a/b for groups without common people: MOVER on logs (Zou & Donner 2008) from the printed limits (METRICS 3).

    L = r·exp(-√[ln²(p_A/l_A) + ln²(u_B/p_B)]), U = r·exp(√[ln²(u_A/p_A) + ln²(p_B/l_B)]).

    Parameters
    ----------
    a, b : Limited
        Limits at the confidence wanted for the ratio.

    Returns
    -------
    Ratio
        No error in a: 0, upper limit u_A/l_B ("at most"). No error in b: value inf, lower limit l_A/u_B ("at least").
        None in either, or a missing rate or limit: all nan with a note.
    """
    if not all(math.isfinite(v) for v in (*a, *b)):
        return Ratio(math.nan, math.nan, math.nan, "", "a rate or its interval is missing")
    if a.rate == 0 and b.rate == 0:
        return Ratio(math.nan, math.nan, math.nan, "", "no errors in either group")
    if a.rate == 0:
        high = a.high / b.low if b.low > 0 else math.inf
        return Ratio(0.0, 0.0, high, "one-sided limit over lower limit", "no errors in the first group: at most")
    if b.rate == 0:
        return Ratio(
            math.inf,
            a.low / b.high,
            math.inf,
            "lower limit over one-sided limit",
            "no errors in the second group: at least",
        )
    r = a.rate / b.rate
    down = math.inf if a.low <= 0 else math.log(a.rate / a.low)
    up = math.inf if b.low <= 0 else math.log(b.rate / b.low)
    low = r * math.exp(-math.hypot(down, math.log(b.high / b.rate)))
    high = math.inf if math.isinf(up) else r * math.exp(math.hypot(math.log(a.high / a.rate), up))
    return Ratio(r, low, high, "MOVER on logs")


def widened(plain: Ratio, added: float, confidence: float) -> Ratio:
    """A ratio whose logarithm varies by ``added`` more (the calibration of its threshold), squared onto its limits; 0
    and inf stay.
    """
    half = normal_quantile(confidence) * math.sqrt(added)
    low = plain.value * math.exp(-math.hypot(math.log(plain.value / plain.low), half)) if plain.low > 0 else plain.low
    high = (
        plain.value * math.exp(math.hypot(math.log(plain.high / plain.value), half))
        if math.isfinite(plain.high)
        else plain.high
    )
    return plain._replace(low=low, high=high, method=f"{plain.method}, with the calibration of the threshold")


def with_unseen_kinds(found: Ratio, a: DyadicRate, b: DyadicRate, confidence: float) -> Ratio:
    """A ratio a/b from contrasts, whose limits are at least as far as kinds of people that neither group met could
    move it (``limits``).

    Limits by MOVER have this from the printed limits; linearised ones do not, and rested on the people met alone.
    """
    if not (found.method and a.evidence and b.evidence):
        return found
    up = with_unseen(a.rate, a.evidence.met, confidence, unseen_beside(b)) / a.rate
    down = with_unseen(b.rate, b.evidence.met, confidence, unseen_beside(a)) / b.rate
    low, high = found.value / down, found.value * up
    if found.low <= low and found.high >= high:
        return found
    return found._replace(low=min(found.low, low), high=max(found.high, high), method=f"{found.method}, unseen kinds")


def mover_difference(a: Limited, b: Limited) -> Ratio:
    """Difference a - b for groups without common people: MOVER (Newcombe's square-and-add) from the printed limits;
    defined at zero errors too.
    """
    if not all(math.isfinite(v) for v in (*a, *b)):
        return Ratio(math.nan, math.nan, math.nan, "", "a rate or its interval is missing")
    d = a.rate - b.rate
    low = d - math.hypot(a.rate - a.low, b.high - b.rate)
    high = d + math.hypot(a.high - a.rate, b.rate - b.low)
    note = "no errors in one group: its limit is one-sided" if 0 in (a.rate, b.rate) else ""
    return Ratio(d, low, high, "MOVER", note)


def difference(
    sums: Sums, a: NDArray[np.bool_], b: NDArray[np.bool_], confidence: float = 0.95, *, guarded: bool = True
) -> Ratio:
    """FMR_a - FMR_b for groups that may share people.

    METRICS (``guarded=False``): linear, clustered, t or z by the rule of ``log_contrast``; measured: .89 to .92
    (results/validation), because a rate's error is not symmetric. The guarded form is MOVER from the printed limits
    with the correlation r of the two rates' influences (Zou 2007): L = d - √[(p_a-l_a)² + (u_b-p_b)² -
    2r(p_a-l_a)(u_b-p_b)], U likewise.
    """
    linear = linear_contrast(sums, [(a, 1.0), (b, -1.0)])
    if linear.note:
        return Ratio(math.nan, math.nan, math.nan, "", linear.note)
    if guarded:
        first, second = rate(sums, a, confidence=confidence), rate(sums, b, confidence=confidence)
        return correlated_difference(*limited_pair(first, second, confidence), first.R, second.R)
    quantile = normal_quantile(confidence) if linear.df is None else t_quantile(linear.df, confidence)
    half = quantile * math.sqrt(linear.variance)
    return Ratio(
        linear.value,
        linear.value - half,
        linear.value + half,
        f"delta, {'z' if linear.df is None else 'Welch-Satterthwaite t'}",
    )


def correlated_difference(
    one: Limited, other: Limited, influence: NDArray[np.float64], of_other: NDArray[np.float64]
) -> Ratio:
    """Rate minus rate of groups whose errors share people: MOVER with the correlation of both influences (Zou 2007).

    Parameters
    ----------
    one, other : Limited
    influence, of_other : (S,) float
        What each person adds to either rate.
    """
    plain = mover_difference(one, other)
    scale = math.sqrt(float((influence**2).sum()) * float((of_other**2).sum()))
    if not (math.isfinite(plain.low) and scale > 0):
        return plain
    r = float((influence * of_other).sum()) / scale

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x + y * y - 2 * r * x * y))

    low = plain.value - reach(one.rate - one.low, other.high - other.rate)
    high = plain.value + reach(one.high - one.rate, other.rate - other.low)
    return Ratio(plain.value, low, high, "MOVER, correlated", plain.note)


def log_slope(scores: ArrayLike, weights: ArrayLike, threshold: float, *, least: float = 30.0) -> float:
    """Slope h = -dlog FMR/dτ at a threshold, from the group's non-mated scores at or above a floor below it.

    A central difference of ln FMR over the narrowest symmetric window around the threshold that holds ``least`` scores
    on each side (or all there are); slope of an exponential tail is exact.

    Parameters
    ----------
    scores, weights : (K,) float
        The group's tail (every score at or above the floor) and its weights (1, or 1/m_ij in ``people`` weighting).
    threshold : float

    Returns
    -------
    float
        nan where no score lies on one of the sides.
    """
    s, w = np.asarray(scores, np.float64), np.asarray(weights, np.float64)
    above, below = s[s >= threshold], s[s < threshold]
    if len(above) < 2 or len(below) < 2:
        return math.nan
    k_up, k_down = min(int(least), len(above) - 1), min(int(least), len(below) - 1)
    high = float(np.partition(above, k_up)[k_up])
    low = float(np.partition(below, len(below) - 1 - k_down)[len(below) - 1 - k_down])
    if high <= low:
        return math.nan
    return (math.log(w[s >= low].sum()) - math.log(w[s >= high].sum())) / (high - low)
