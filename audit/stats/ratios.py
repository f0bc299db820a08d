"""How many times: the ratio of two rates, with an interval that knows whether the groups share people.

In: rates with printed limits (disjoint groups), or ``Sums`` and a linear combination of log rates (groups that share people, calibrated
thresholds). Out: ``Ratio``. Its one idea: everything happens on the log scale, and a zero is never given an epsilon: it becomes "at least" or
"at most" from the zero group's one-sided limit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from audit.base.sums import power as raised_to
from audit.stats.copies import least_square
from audit.stats.dyadic import DyadicRate, Sums, margins, rate
from audit.stats.fnmr import SubjectRate
from audit.stats.intervals import ONE_SIDED, normal_quantile, t_quantile
from audit.stats.limits import MISSED_IN_ONE, MOST, UNSEEN, Unseen, with_unseen

__all__ = [
    "Contrast",
    "Limited",
    "Ratio",
    "difference",
    "limited",
    "limited_pair",
    "linear_contrast",
    "linear_contrast_people",
    "log_contrast",
    "log_contrast_people",
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


class Ratio(NamedTuple):
    """A ratio (or a difference) and its limits; nan where undefined, inf for "no upper limit"."""

    value: float
    low: float
    high: float
    method: str
    note: str = ""


def limited(value: DyadicRate | SubjectRate, confidence: float = 0.95, unseen: Unseen = UNSEEN) -> Limited:
    """Limits of one rate at a level.

    The one-sided 95 % bound of a rate without errors (or with nothing else) moves to that level too: both bounds have the form 1 - .05^x or -x ln .05
    (METRICS 3), so another level multiplies x's logarithm.
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
    """Limits of two rates as their ratio or difference needs them: a kind of person unseen on one side counts as far as the other side shows one.

    Where neither side met it, the ratio is that of the people met; where one did, its person most mistaken shows how often that happens.
    """
    return limited(a, confidence, unseen_beside(b)), limited(b, confidence, unseen_beside(a))


def unseen_beside(other: DyadicRate | SubjectRate) -> Unseen:
    """What is allowed for a kind that was not met here but may have been met there."""
    return Unseen(other.evidence.top if other.evidence is not None else MOST, MISSED_IN_ONE)


class Contrast(NamedTuple):
    """Σ_g c_g ln p_g: its value, clustered variance, and what a t interval needs.

    ``df`` is None where z is used. ``influence`` (S,) holds each person's S_i, for covariances between contrasts.
    """

    value: float
    variance: float
    df: float | None
    influence: NDArray[np.float64]
    note: str = ""

    def p_value(self) -> float:
        """Two-sided p-value of Σ c ln p = 0."""
        if not (math.isfinite(self.value) and self.variance > 0):
            return math.nan
        t = -abs(self.value) / math.sqrt(self.variance)
        return float(2 * stdtr(1e9 if self.df is None else self.df, t))

    def ratio(self, confidence: float = 0.95, *, quantile: float | None = None) -> Ratio:
        """exp(value) with limits exp(value ± quantile·√variance)."""
        if not (math.isfinite(self.value) and math.isfinite(self.variance)):
            return Ratio(math.nan, math.nan, math.nan, "", self.note)
        if quantile is None:
            quantile = normal_quantile(confidence) if self.df is None else t_quantile(self.df, confidence)
        half = quantile * math.sqrt(self.variance)
        name = f"delta on logs, {'z' if self.df is None else 'Welch-Satterthwaite t'}"
        return Ratio(math.exp(self.value), math.exp(self.value - half), math.exp(self.value + half), name, self.note)


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
        No error in a: 0, upper limit u_A/l_B ("at most"). No error in b: value inf, lower limit l_A/u_B ("at least"). None in either, or a
        missing rate or limit: all nan with a note.
    """
    if not all(math.isfinite(v) for v in (*a, *b)):
        return Ratio(math.nan, math.nan, math.nan, "", "a rate or its interval is missing")
    if a.rate == 0 and b.rate == 0:
        return Ratio(math.nan, math.nan, math.nan, "", "no errors in either group")
    if a.rate == 0:
        high = a.high / b.low if b.low > 0 else math.inf
        return Ratio(0.0, 0.0, high, "one-sided limit over lower limit", "no errors in the first group: at most")
    if b.rate == 0:
        return Ratio(math.inf, a.low / b.high, math.inf, "lower limit over one-sided limit", "no errors in the second group: at least")
    r = a.rate / b.rate
    down = math.inf if a.low <= 0 else math.log(a.rate / a.low)
    up = math.inf if b.low <= 0 else math.log(b.rate / b.low)
    low = r * math.exp(-math.hypot(down, math.log(b.high / b.rate)))
    high = math.inf if math.isinf(up) else r * math.exp(math.hypot(math.log(a.high / a.rate), up))
    return Ratio(r, low, high, "MOVER on logs")


def widened(plain: Ratio, added: float, confidence: float) -> Ratio:
    """A ratio whose logarithm varies by ``added`` more (the calibration of its threshold), squared onto its limits; 0 and inf stay."""
    half = normal_quantile(confidence) * math.sqrt(added)
    low = plain.value * math.exp(-math.hypot(math.log(plain.value / plain.low), half)) if plain.low > 0 else plain.low
    high = plain.value * math.exp(math.hypot(math.log(plain.high / plain.value), half)) if math.isfinite(plain.high) else plain.high
    return plain._replace(low=low, high=high, method=f"{plain.method}, with the calibration of the threshold")


def with_unseen_kinds(found: Ratio, a: DyadicRate, b: DyadicRate, confidence: float) -> Ratio:
    """A ratio a/b from contrasts, whose limits are at least as far as kinds of people that neither group met could move it (``limits``).

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
    """Difference a - b for groups without common people: MOVER (Newcombe's square-and-add) from the printed limits; defined at zero errors too."""
    if not all(math.isfinite(v) for v in (*a, *b)):
        return Ratio(math.nan, math.nan, math.nan, "", "a rate or its interval is missing")
    d = a.rate - b.rate
    low = d - math.hypot(a.rate - a.low, b.high - b.rate)
    high = d + math.hypot(a.high - a.rate, b.rate - b.low)
    note = "no errors in one group: its limit is one-sided" if 0 in (a.rate, b.rate) else ""
    return Ratio(d, low, high, "MOVER", note)


def _dyadic_combination(sums: Sums, terms: Sequence[tuple[NDArray[np.bool_], float]]) -> tuple[NDArray[np.float64], float, float]:
    """Per person S_i = Σ_{d∋i} ψ_d, Σψ², and the guard, for ψ_d = Σ_g w_g·1[d∈g](e_d - p_g m_d); terms are (mask, w_g).

    Σψ² splits over cell pairs: there ψ = We - Xm with W = Σ w_g and X = Σ w_g p_g over the terms that hold the pair.
    """
    W, X, S_i = np.zeros_like(sums.M), np.zeros_like(sums.M), np.zeros(len(sums.a))
    for mask, weight in terms:
        once = np.triu(mask)
        p = float(sums.e[once].sum() / sums.M[once].sum())
        E_i, M_i = margins(sums, mask)
        S_i += weight * (E_i - p * M_i)
        W += weight * mask
        X += weight * p * mask
    upper = np.triu(np.ones_like(W, bool))
    square = float((W**2 * sums.e2 - 2 * W * X * sums.em + X**2 * sums.M2)[upper].sum())
    cellwise = np.divide(sums.e, sums.M, out=np.zeros_like(sums.e), where=sums.M > 0)
    guard = float((W**2 * least_square(sums.weighting, cellwise, sums.M, sums.M2, sums.e2, sums.em))[upper].sum())
    return S_i, max(0.0, square), guard


Terms = Sequence[tuple[NDArray[np.bool_], float]]


def log_contrast(sums: Sums, terms: Terms, *, calibration: Terms = ()) -> Contrast:
    """Σ_g c_g ln FMR_g for groups that may share people, linearised (METRICS 3).

    Var = max(ΣS_i² - Σψ², Σψ², guard); t with df = max(2, (ΣS_i²)²/ΣS_i⁴ - 1) where ΣS_i² - Σψ² > Σψ², else z. For disjoint groups that df
    is Welch-Satterthwaite's combination of the groups' own. Measured: .94 to .97 (results/validation); without taking Σψ² away .97 to .994.

    Parameters
    ----------
    sums : Sums
    terms : sequence of ((C, C) bool mask, coefficient)
        (A, 1), (B, -1) for A/B; (A, 1) alone for ln p_A.
    calibration : sequence of ((C, C) bool mask, coefficient)
        Where the threshold was calibrated on group ``ref`` of the same people, (ref, -Σ_g c_g h_g / h_ref) with h = ``log_slope`` at the
        threshold. It changes the variance, not the value.
    """
    value, weighted = 0.0, []
    for index, (mask, c) in enumerate((*terms, *calibration)):
        once = np.triu(mask)
        M, e = float(sums.M[once].sum()), float(sums.e[once].sum())
        if M <= 0 or e <= 0:
            return Contrast(math.nan, math.nan, None, np.zeros(len(sums.a)), "a group without errors or comparisons has no logarithm")
        value += c * math.log(e / M) if index < len(terms) else 0.0
        weighted.append((mask, c / e))  # c / (p M)
    return _contrast(value, *_dyadic_combination(sums, weighted))


def log_contrast_people(parts: Sequence[tuple[SubjectRate, float]], *, sums: Sums | None = None, calibration: Terms = ()) -> Contrast:
    """Σ_g c_g ln q_g for rates over people (FNMR, FTA), whose groups may share people and whose threshold may be calibrated.

    Parameters
    ----------
    parts : sequence of (SubjectRate, coefficient)
        Each computed on arrays of ALL S people, zero outside its group, so that influences line up.
    sums, calibration
        As in ``log_contrast``; for a rate that falls as the FMR rises (FNMR) h_g is negative: h = -dlog q/dτ in every case.
    """
    value, people, guard = 0.0, np.zeros(0), 0.0
    for part, c in parts:
        if not part.rate > 0:
            return Contrast(math.nan, math.nan, None, np.zeros(len(part.influence)), "a group without errors or trials has no logarithm")
        value += c * math.log(part.rate)
        scaled = c * part.influence / part.rate
        people = scaled if not len(people) else people + scaled
        guard = max(guard, c * c * part.variance / part.rate**2)
    square = 0.0
    if sums is not None and calibration:
        weighted = [(mask, c / float(sums.e[np.triu(mask)].sum())) for mask, c in calibration]
        S_i, square, _ = _dyadic_combination(sums, weighted)
        people = people + S_i
    return _contrast(value, people, square, guard)


def linear_contrast(sums: Sums, terms: Terms, *, calibration: Terms = ()) -> Contrast:
    """Σ_g c_g FMR_g, linear and clustered like ``log_contrast``, without logarithms: groups without errors take part.

    Parameters
    ----------
    sums : Sums
    terms : sequence of ((C, C) bool mask, coefficient)
        (A, 1), (B, -1) for A - B.
    calibration : sequence of ((C, C) bool mask, coefficient)
        Where the threshold τ was calibrated on group ``ref``, (ref, (d value/dτ) / h_ref): what the threshold would have moved, times what that
        would have changed. It changes the variance, not the value.
    """
    value, weighted = 0.0, []
    for mask, c in terms:
        M = float(sums.M[np.triu(mask)].sum())
        if M <= 0:
            return Contrast(math.nan, math.nan, None, np.zeros(len(sums.a)), "no comparisons in one group")
        value += c * float(sums.e[np.triu(mask)].sum()) / M
        weighted.append((mask, c / M))
    return _contrast(value, *_dyadic_combination(sums, [*weighted, *_moved(sums, calibration)]))


def linear_contrast_people(parts: Sequence[tuple[SubjectRate, float]], *, sums: Sums | None = None, calibration: Terms = ()) -> Contrast:
    """Σ_g c_g q_g for rates over people (FNMR, FTA); parts, sums and calibration as in ``log_contrast_people`` and ``linear_contrast``."""
    value = float(sum(c * part.rate for part, c in parts))
    people = np.sum([c * part.influence for part, c in parts], axis=0)
    guard = float(sum(c * c * part.variance for part, c in parts))
    square = 0.0
    if sums is not None and calibration:
        S_i, square, _ = _dyadic_combination(sums, _moved(sums, calibration))
        people = people + S_i
    return _contrast(value, people, square, guard)


def _moved(sums: Sums, calibration: Terms) -> list[tuple[NDArray[np.bool_], float]]:
    """Weights of the dyads that set a threshold: its error is (observed - true rate) / (rate x slope of ln rate)."""
    errors = [(mask, c, float(sums.e[np.triu(mask)].sum())) for mask, c in calibration]
    return [(mask, c / e) for mask, c, e in errors if e > 0]


def difference(sums: Sums, a: NDArray[np.bool_], b: NDArray[np.bool_], confidence: float = 0.95, *, guarded: bool = True) -> Ratio:
    """FMR_a - FMR_b for groups that may share people.

    METRICS (``guarded=False``): linear, clustered, t or z by the rule of ``log_contrast``; measured: .89 to .92 (results/validation), because a
    rate's error is not symmetric. The guarded form is MOVER from the printed limits with the correlation r of the two rates' influences (Zou 2007):
    L = d - √[(p_a-l_a)² + (u_b-p_b)² - 2r(p_a-l_a)(u_b-p_b)], U likewise.
    """
    linear = linear_contrast(sums, [(a, 1.0), (b, -1.0)])
    if linear.note:
        return Ratio(math.nan, math.nan, math.nan, "", linear.note)
    if guarded:
        return _correlated_difference(rate(sums, a, confidence=confidence), rate(sums, b, confidence=confidence), confidence)
    quantile = normal_quantile(confidence) if linear.df is None else t_quantile(linear.df, confidence)
    half = quantile * math.sqrt(linear.variance)
    return Ratio(linear.value, linear.value - half, linear.value + half, f"delta, {'z' if linear.df is None else 'Welch-Satterthwaite t'}")


def _correlated_difference(a: DyadicRate, b: DyadicRate, confidence: float) -> Ratio:
    one, other = limited_pair(a, b, confidence)
    plain = mover_difference(one, other)
    scale = math.sqrt(float((a.R**2).sum()) * float((b.R**2).sum()))
    if not (math.isfinite(plain.low) and scale > 0):
        return plain
    r = float((a.R * b.R).sum()) / scale

    def reach(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x + y * y - 2 * r * x * y))

    low = plain.value - reach(one.rate - one.low, other.high - other.rate)
    high = plain.value + reach(one.high - one.rate, other.rate - other.low)
    return Ratio(plain.value, low, high, "MOVER, correlated", plain.note)


def log_slope(scores: ArrayLike, weights: ArrayLike, threshold: float, *, least: float = 30.0) -> float:
    """Slope h = -dlog FMR/dτ at a threshold, from the group's non-mated scores at or above a floor below it.

    A central difference of ln FMR over the narrowest symmetric window around the threshold that holds ``least`` scores on each side (or all
    there are); slope of an exponential tail is exact.

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


def _contrast(value: float, S_i: NDArray[np.float64], square: float, guard: float) -> Contrast:
    total = float((S_i**2).sum())
    variance = max(total - square, square, guard)
    clustered = total - square > square and total - square >= guard
    df = max(2.0, total**2 / float(raised_to(S_i, 4).sum()) - 1) if clustered else None
    return Contrast(value, variance, df, S_i)
