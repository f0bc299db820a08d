"""One number for how unequal a matcher is: nine published summaries, each under its own id, because names collide in
the literature.

In: rates per group (the last axis; any leading axes are draws). Out: numbers. Its one idea: these functions only add
and divide, so the same code gives the value, its interval and its null band. A rate of zero is never given an epsilon:
``at_least`` says what the summary is at least, from the zero groups' upper limits (METRICS 2). A summary without
accuracy is gameable: read it beside the rates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.base.sums import exp, log, raised

__all__ = ["SUMMARIES", "Summary", "SummaryValue", "at_least", "gini", "pareto", "summarise"]

Floats = NDArray[np.float64]


def _difference(x: Floats) -> Floats:
    out: Floats = x.max(-1) - x.min(-1)
    return out


def _ratio(x: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = x.max(-1) / x.min(-1)
    return out


def _max_over_geometric_mean(x: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = x.max(-1) / exp(log(x).mean(-1))
    return out


def _max_over_mean(x: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = x.max(-1) / x.mean(-1)
    return out


def gini(x: Floats) -> Floats:
    """Gini coefficient with the G/(G-1) correction of Howard et al. (2022): G/(G-1)·ΣΣ|x_i - x_j| / (2G²·mean); 0 when
    all equal (zeros included).

    Uses ΣΣ|x_i - x_j| = 2Σ_k (2k - G - 1) x_(k) over the sorted x, k = 1..G.
    """
    ordered, size = np.sort(x, axis=-1), x.shape[-1]
    rank = 2 * np.arange(1, size + 1) - size - 1
    mean = x.mean(-1)
    total = (ordered * rank).sum(-1)
    out: Floats = np.where(total <= 0, 0.0, total / (size * (size - 1) * np.where(mean > 0, mean, 1.0)))
    return out


@dataclass(frozen=True)
class Summary:
    """A summary measure.

    Attributes
    ----------
    id : str
    formula, source : str
    perfect : float
        Value under equality.
    single : callable or None
        Of the rates of one kind of error (FMR or FNMR); None where both are combined.
    worse_is_larger : bool
        False for fdr.
    needs_positive : bool
        Undefined or infinite where a rate is zero.
    """

    id: str
    formula: str
    source: str
    perfect: float
    single: Callable[[Floats], Floats] | None
    both: Callable[[Floats, Floats, float], Floats] | None = None
    worse_is_larger: bool = True
    needs_positive: bool = False


def _geometric(of: Callable[[Floats], Floats]) -> Callable[[Floats, Floats, float], Floats]:
    return lambda a, b, alpha: raised(of(a), alpha) * raised(of(b), 1 - alpha)


_ALL = (
    Summary("difference", "max x - min x", "", 0.0, _difference),
    Summary("ratio", "max x / min x", "", 1.0, _ratio, needs_positive=True),
    Summary(
        "max_over_geometric_mean", "max x / (Π x)^(1/G)", "NIST", 1.0, _max_over_geometric_mean, needs_positive=True
    ),
    Summary("max_over_mean", "max x / mean x", "", 1.0, _max_over_mean),
    Summary("gini", "G/(G-1) · ΣΣ|x_i - x_j| / (2G² mean x)", "Howard et al. 2022", 0.0, gini),
    Summary(
        "garbe",
        "α·gini(FMR) + (1-α)·gini(FNMR)",
        "Howard et al. 2022",
        0.0,
        None,
        lambda a, b, alpha: alpha * gini(a) + (1 - alpha) * gini(b),
    ),
    Summary(
        "fdr",
        "1 - [α·max|diff FMR| + (1-α)·max|diff FNMR|]",
        "de Freitas Pereira & Marcel 2020",
        1.0,
        None,
        lambda a, b, alpha: 1 - (alpha * _difference(a) + (1 - alpha) * _difference(b)),
        worse_is_larger=False,
    ),
    Summary(
        "inequity_rate",
        "(max/min FMR)^α·(max/min FNMR)^(1-α)",
        "Grother 2021",
        1.0,
        None,
        _geometric(_ratio),
        needs_positive=True,
    ),
    Summary(
        "werm",
        "(max/gm FMR)^α·(max/gm FNMR)^(1-α)",
        "2024",
        1.0,
        None,
        _geometric(_max_over_geometric_mean),
        needs_positive=True,
    ),
)
SUMMARIES = {summary.id: summary for summary in _ALL}
"""By id, in the order of METRICS 2."""


class SummaryValue(NamedTuple):
    """A summary of observed rates; ``lower_bound`` says that the value is "at least" (for fdr never needed)."""

    id: str
    value: float
    lower_bound: bool
    note: str


def summarise(which: str, x: ArrayLike, other: ArrayLike | None = None, *, alpha: float = 0.5) -> Floats:
    """The summary ``which`` of rates.

    Parameters
    ----------
    which : str
        A key of ``SUMMARIES``.
    x : (..., G) float
        FMR per group for the combined measures; FMR or FNMR for the single ones. G >= 2.
    other : (..., G') float, optional
        FNMR per group; needed exactly by garbe, fdr, inequity_rate and werm.
    alpha : float
        Weight on FMR.

    Returns
    -------
    (...) float64
        inf or nan where a zero rate makes it undefined.

    Raises
    ------
    ValueError
        For an unknown id, fewer than two groups, or a second rate missing or not wanted.
    """
    if which not in SUMMARIES:
        raise ValueError(f"summary {which!r} is not known. Allowed: {', '.join(SUMMARIES)}.")
    summary, first = SUMMARIES[which], np.asarray(x, np.float64)
    if (other is None) != (summary.both is None):
        raise ValueError(
            f"{which}: {'needs FNMR too' if other is None else 'takes one kind of rate'}. Allowed: FMR "
            f"and FNMR for combined measures."
        )
    rates = [first] if other is None else [first, np.asarray(other, np.float64)]
    if any(r.shape[-1] < 2 for r in rates):
        raise ValueError(f"{which}: fewer than two groups. Allowed: two groups or more.")
    if summary.both is not None:
        return np.asarray(summary.both(rates[0], rates[1], alpha), np.float64)
    assert summary.single is not None
    return np.asarray(summary.single(rates[0]), np.float64)


def at_least(
    which: str,
    x: ArrayLike,
    high: ArrayLike,
    other: ArrayLike | None = None,
    other_high: ArrayLike | None = None,
    *,
    alpha: float = 0.5,
) -> SummaryValue:
    """The summary of observed rates, zeros handled: each zero is replaced by the value in [0, its upper limit] that
    makes groups most equal.

    That is min(upper limit, largest other rate), so the result is a lower bound of the summary given those limits.

    Parameters
    ----------
    x, high : (G,) float
        Rates and upper limits; limits are read only where the rate is 0.
    other, other_high : (G',) float, optional
        FNMR and its upper limits for the combined measures.
    """
    rates, limits = [np.asarray(x, np.float64)], [np.asarray(high, np.float64)]
    if other is not None:
        rates.append(np.asarray(other, np.float64))
        limits.append(np.full_like(rates[1], np.nan) if other_high is None else np.asarray(other_high, np.float64))
    if any(np.isnan(r).any() for r in rates):
        return SummaryValue(which, float("nan"), False, "a group has no rate")
    zero = any((r == 0).any() for r in rates)
    if not (zero and which in SUMMARIES and SUMMARIES[which].needs_positive):
        return SummaryValue(which, float(summarise(which, *rates, alpha=alpha)), False, "")
    if any((r == 0).all() for r in rates):
        return SummaryValue(which, float("nan"), True, "no errors in any group")
    filled = [np.where(r == 0, np.minimum(h, r.max()), r) for r, h in zip(rates, limits, strict=True)]
    if any(np.isnan(f).any() for f in filled):
        return SummaryValue(which, float("nan"), True, "a group without errors has no upper limit")
    return SummaryValue(
        which,
        float(summarise(which, *filled, alpha=alpha)),
        True,
        "at least: a group without errors stands at its upper limit",
    )


def pareto(inequity: ArrayLike, error: ArrayLike) -> NDArray[np.bool_]:
    """Which operating points no other beats on both equity and accuracy (smaller is better on both); (P,) bool."""
    a, b = np.asarray(inequity, np.float64), np.asarray(error, np.float64)
    no_worse = (a[None, :] <= a[:, None]) & (b[None, :] <= b[:, None])
    better = (a[None, :] < a[:, None]) | (b[None, :] < b[:, None])
    beaten: NDArray[np.bool_] = np.any(no_worse & better, axis=1)
    return ~beaten
