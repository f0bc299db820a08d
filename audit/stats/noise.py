"""What noise alone does to a summary: its interval, the band equal groups would show, and a test of equality.

In: rates per group with clustered variances and degrees of freedom. Out: intervals, bands, p-values. Its one idea: draw ln p*_g = ln p_g +
t_{df_g}·√V_g/p_g and recompute the summary. Around the observed rates this gives the interval; around one common rate, the null band. Labels are
never permuted: within-group pairs would become unlike pairs, and the rate would fall (METRICS 2).

Noise pushes every summary away from equality (the largest of noisy rates is too large), so percentiles sit too far out, and reflecting them covers
.77 to .86 where groups are equal. So the lower limit inverts a test: the observed pattern is shrunk towards one common rate until noise around it
reaches the observed value in only 2.5 % of draws. It is "equality" exactly where the observed value lies inside the null band made with the
same variances. The upper limit is the percentile, which errs outwards. results/validation has the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from audit.stats.inequity import SUMMARIES, summarise

__all__ = ["Band", "GroupRates", "homogeneity", "null_band", "summary_interval"]

LEAST_EXPECTED = 3.0
"""A group enters a null band only if n_eff·p0 reaches this (METRICS 2)."""


class GroupRates(NamedTuple):
    """Rates of G groups: value, clustered variance and degrees of freedom (nan or inf: z), each (G,) float64."""

    rate: NDArray[np.float64]
    variance: NDArray[np.float64]
    df: NDArray[np.float64]

    @classmethod
    def of(cls, rates: Sequence[float], variances: Sequence[float], dfs: Sequence[float | None]) -> GroupRates:
        """From plain sequences; a df of None means z."""
        df = [math.inf if d is None else float(d) for d in dfs]
        return cls(np.asarray(rates, np.float64), np.asarray(variances, np.float64), np.asarray(df, np.float64))


class Band(NamedTuple):
    """Limits of a summary, the share of draws at least as unequal as the observed value (nan for intervals), groups used, and a note."""

    low: float
    high: float
    p_value: float
    used: tuple[int, ...]
    note: str = ""


def _noise(groups: GroupRates, scale: NDArray[np.float64], draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(draws, G) of t_{df_g}·scale_g; z where df is not finite."""
    z = rng.standard_normal((draws, len(scale)))
    finite = np.isfinite(groups.df)
    df = np.where(finite, groups.df, 1.0)
    out: NDArray[np.float64] = np.where(finite, z * np.sqrt(df / rng.chisquare(df, z.shape)), z) * scale
    return out


def _rates(log_rates: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rates at ln p + noise, kept within (e^-300, 1]: a t with 2 degrees of freedom reaches anything."""
    out: NDArray[np.float64] = np.exp(np.clip(log_rates + noise, -300.0, 0.0))
    return out


def summary_interval(
    which: str,
    fmr: GroupRates,
    fnmr: GroupRates | None = None,
    *,
    alpha: float = 0.5,
    confidence: float = 0.95,
    draws: int = 2000,
    seed: int,
) -> Band:
    """Interval of a summary; see the module's text. For groups without common people.

    Parameters
    ----------
    which : str
        A key of ``SUMMARIES``.
    fmr, fnmr : GroupRates
        ``fmr`` holds either kind of rate for the single measures; all rates positive.
    seed : int
        The draws are a function of it alone.

    Returns
    -------
    Band
        nan limits with a note where a group has no errors (the value is then "at least": ``inequity.at_least``).
    """
    parts = [fmr] if fnmr is None else [fmr, fnmr]
    used = tuple(range(len(fmr.rate)))
    if any(not (g.rate > 0).all() or not np.isfinite(g.variance).all() or not (g.variance > 0).all() for g in parts):
        return Band(math.nan, math.nan, math.nan, used, "no interval: a group has no errors, or no interval of its own")
    rng = np.random.default_rng(seed)
    logs = [np.log(g.rate) for g in parts]
    scales = [np.sqrt(g.variance) / g.rate for g in parts]
    noises = [_noise(g, scale, draws, rng) for g, scale in zip(parts, scales, strict=True)]
    centres = [float((y / s**2).sum() / (1 / s**2).sum()) for y, s in zip(logs, scales, strict=True)]
    sign, tail = (1.0 if SUMMARIES[which].worse_is_larger else -1.0), (1 - confidence) / 2
    observed = float(summarise(which, *[g.rate for g in parts], alpha=alpha))

    def pattern(shrunk: float) -> list[NDArray[np.float64]]:
        return [centre + shrunk * (y - centre) for y, centre in zip(logs, centres, strict=True)]

    def reached(shrunk: float) -> float:
        drawn = [_rates(y, noise) for y, noise in zip(pattern(shrunk), noises, strict=True)]
        return float((sign * summarise(which, *drawn, alpha=alpha) >= sign * observed).mean())

    far = float(np.quantile(sign * summarise(which, *[_rates(y, n) for y, n in zip(logs, noises, strict=True)], alpha=alpha), 1 - tail))
    below, above = 0.0, 1.0
    if reached(0.0) >= tail:
        near = sign * SUMMARIES[which].perfect
    else:
        for _ in range(12):
            middle = (below + above) / 2
            below, above = (middle, above) if reached(middle) < tail else (below, middle)
        near = sign * float(summarise(which, *[np.exp(np.minimum(y, 0.0)) for y in pattern(below)], alpha=alpha))
    limits = sorted((sign * near, sign * max(far, sign * observed)))
    return Band(limits[0], limits[1], math.nan, used)


def null_band(
    which: str,
    observed: float,
    p0: float,
    fmr: GroupRates,
    q0: float | None = None,
    fnmr: GroupRates | None = None,
    *,
    alpha: float = 0.5,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int,
) -> Band:
    """What equal groups would show with these people (METRICS 2).

    Parameters
    ----------
    which : str
    observed : float
        The summary of the groups that are used (see ``used`` in the result: recompute it where groups were refused).
    p0 : float
        The pooled rate.
    fmr : GroupRates
        ``variance`` and ``df`` of each group where ITS threshold gives FMR_g = p0; ``rate`` is what it is there (p0, up to ties).
    q0, fnmr
        The same for the second rate of the combined measures.

    Returns
    -------
    Band
        ``low`` and ``high``: central share ``confidence`` of the draws; ``p_value``: share of draws at least as unequal as ``observed``.
        Groups with n_eff·p0 < 3 are refused and named in the note; fewer than two left: nan.
    """
    enough = fmr.variance > 0
    effective = p0 * p0 * (1 - p0) / np.where(enough, fmr.variance, 1.0)  # n_eff·p0
    keep = enough & np.isfinite(fmr.variance) & (effective >= LEAST_EXPECTED)
    if fnmr is not None and q0 is not None:
        ok = fnmr.variance > 0
        keep &= ok & (q0 * q0 * (1 - q0) / np.where(ok, fnmr.variance, 1.0) >= LEAST_EXPECTED)
    used = tuple(int(k) for k in np.flatnonzero(keep))
    note = "" if keep.all() else f"{int((~keep).sum())} of {len(keep)} groups expect too few errors for a null band"
    if len(used) < 2:
        return Band(math.nan, math.nan, math.nan, used, note or "fewer than two groups")
    rng = np.random.default_rng(seed)
    samples = []
    for group, centre in ((fmr, p0), (fnmr, q0)):
        if group is None or centre is None:
            continue
        chosen = GroupRates(*(part[keep] for part in group))
        samples.append(_rates(np.full(len(used), math.log(centre)), _noise(chosen, np.sqrt(chosen.variance) / centre, draws, rng)))
    values = summarise(which, *samples, alpha=alpha)
    tail = (1 - confidence) / 2
    worse = values >= observed if SUMMARIES[which].worse_is_larger else values <= observed
    return Band(float(np.quantile(values, tail)), float(np.quantile(values, 1 - tail)), float((worse.sum() + 1) / (draws + 1)), used, note)


def homogeneity(groups: GroupRates) -> tuple[float, float, float, float]:
    """Welch's (1951) F on ln p_g: are the groups' rates equal? Returns F, df1, df2, p-value; nan where a group has no errors.

    w_g = p_g²/V_g; F = [Σw(y-ȳ)²/(G-1)] / [1 + 2(G-2)/(G²-1)·Λ], Λ = Σ(1-w_g/W)²/df_g, df2 = (G²-1)/(3Λ).
    """
    size = len(groups.rate)
    if size < 2 or not (groups.rate > 0).all() or not (groups.variance > 0).all():
        return math.nan, size - 1.0, math.nan, math.nan
    y, w = np.log(groups.rate), groups.rate**2 / groups.variance
    total = w.sum()
    centre = (w * y).sum() / total
    lam = float(((1 - w / total) ** 2 / groups.df).sum())
    f = float((w * (y - centre) ** 2).sum() / (size - 1) / (1 + 2 * (size - 2) / (size**2 - 1) * lam))
    df2 = (size**2 - 1) / (3 * lam) if lam > 0 else math.inf
    return f, size - 1.0, df2, float(fdtrc(size - 1, min(df2, 1e9), f))
