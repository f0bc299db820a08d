"""What noise alone does to a summary: its interval, the band equal groups would show, and a test of equality.

In: rates per group with printed limits, clustered variances and degrees of freedom. Out: intervals, bands, p-values.
Its one idea: draw each group's estimate around a true pattern and recompute the summary. Around one common rate this
gives the null band. Labels are never permuted: within-group pairs would become unlike pairs, and the rate would fall
(METRICS 2).

METRICS 2 draws ln p*_g = ln p_g + t_{df_g}·√V_g/p_g. But the error of a rate is not symmetric on logs, and the printed
limits know its two sides: an estimate falls as far below the truth as its upper limit reaches, and rises as far as its
lower limit reaches. It is drawn normal on the scale of p^(1/4) where it rises and p^(1/5) where it falls, between
logarithms and the cube root that makes a gamma variable symmetric (Wilson & Hilferty 1931). Measured in equal groups:
with t on logs a summary's lower limit missed .003 to .010, with z on logs .02 to .07; on logs with the limits' spreads
null bands of differences kept quiet in .975 and of ratios in .92 with few errors; on ∛p or √p those of ratios in .98
to 1.00.

Noise pushes every summary away from equality (the largest of noisy rates is too large), so percentiles sit too far
out, and reflecting them covers .77 to .86 where groups are equal. So limits invert a test along one line of patterns,
the observed one shrunk towards or stretched from one rate:

* below: the pattern from which noise reaches the observed value in only 2.5 % of draws. At equality itself a summary
  can err to one side only, so the whole 5 % lies there (Feldman & Cousins 1998): equality is excluded where fewer than
  5 % of draws reach the observed value, the test the null band's p-value makes; the share falls to 2.5 % as the
  pattern leaves equality.
* above: a third of the way (in logarithms) from the percentile, which errs outwards (coverage .98 to .996), to the
  pattern whose noise falls short of the observed value in only 2.5 % of draws, which is right where one pattern is
  plain and misses .06 to .14 with eight groups, some of them near equal, because the observed pattern is not the true
  one. results/validation has the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from audit.base.sums import exp, log, raised
from audit.stats.group_rates import FALL, RISE, GroupRates
from audit.stats.inequity import SUMMARIES, summarise

__all__ = ["Band", "homogeneity", "null_band", "summary_interval"]

Floats = NDArray[np.float64]

LEAST_EXPECTED = 3.0
"""A group enters a null band only if n_eff·p0 reaches this (METRICS 2)."""


# least of p*/p on the scale of the fall: an estimate of 0 would make a ratio infinite, and none is printed then
_LEAST = 0.1
_INWARD = 1 / 3
"""How far the far limit moves from the percentile to the inverted test. Half way misses .058 at worst. Chosen by the
coverage study."""

_STEPS = 8  # halvings of the line of patterns: limits to 1/256 of the way


class Band(NamedTuple):
    """Limits of a summary, the share of draws at least as unequal as the observed value (nan for intervals), groups
    used, and a note.
    """

    low: float
    high: float
    p_value: float
    used: tuple[int, ...]
    note: str = ""


def _estimates(groups: GroupRates, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws, G) of p*/p for standard normal ``z``: an estimate falls as far as the upper limit reaches, and rises as
    far as the lower.
    """
    return _factors(z, groups.above, groups.below, FALL, RISE)


def _truths(groups: GroupRates, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws, G) of truth/estimate: the limits themselves at z = ± their quantile."""
    return _factors(z, groups.below, groups.above, RISE, FALL)


def _factors(z: Floats, down: Floats, up: Floats, fall: float, rise: float) -> Floats:
    """(1 + z·down)^fall for z < 0, (1 + z·up)^rise for z > 0."""
    out: Floats = np.where(
        z < 0, raised(np.maximum(_LEAST, 1 + z * down), fall), raised(1 + np.maximum(z, 0) * up, rise)
    )
    return out


def _rates(centre: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rates, at most 1."""
    out: NDArray[np.float64] = np.minimum(centre * factors, 1.0)
    return out


class _Line:
    """Patterns of true rates between and beyond one common rate (0) and the observed rates (1), and what noise around
    them does to a summary.
    """

    def __init__(
        self, which: str, parts: Sequence[GroupRates], alpha: float, draws: int, rng: np.random.Generator
    ) -> None:
        self._which, self._alpha = which, alpha
        self._sign = 1.0 if SUMMARIES[which].worse_is_larger else -1.0
        self._logs = [log(part.rate) for part in parts]
        weights = [1 / (part.below + part.above) ** 2 for part in parts]
        self._centres = [float((y * w).sum() / w.sum()) for y, w in zip(self._logs, weights, strict=True)]
        z = [rng.standard_normal((draws, len(part.rate))) for part in parts]
        self._estimates = [_estimates(part, one) for part, one in zip(parts, z, strict=True)]
        self._truths = [_truths(part, one) for part, one in zip(parts, z, strict=True)]
        self.observed = self.value(1.0)

    def _of(self, rates: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        return self._sign * summarise(self._which, *rates, alpha=self._alpha)

    def _pattern(self, place: float) -> list[NDArray[np.float64]]:
        return [
            exp(np.minimum(centre + place * (y - centre), 0.0))
            for y, centre in zip(self._logs, self._centres, strict=True)
        ]

    def value(self, place: float) -> float:
        """The summary of the pattern itself; larger is less equal."""
        return float(self._of(self._pattern(place)))

    def drawn(self, place: float) -> NDArray[np.float64]:
        """(draws,) the summary of estimates around the pattern."""
        return self._of([_rates(p, factors) for p, factors in zip(self._pattern(place), self._estimates, strict=True)])

    def truths(self) -> NDArray[np.float64]:
        """(draws,) the summary of truths that could lie behind the observed rates."""
        return self._of([_rates(p, factors) for p, factors in zip(self._pattern(1.0), self._truths, strict=True)])


def _halved(inside: Callable[[float], bool], low: float, high: float) -> tuple[float, float]:
    """Halve [low, high] around the place where ``inside`` turns true."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if inside(middle) else (middle, high)
    return low, high


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
    if any(not (g.rate > 0).all() or not (np.isfinite(g.below) & np.isfinite(g.above)).all() for g in parts):
        return Band(
            math.nan, math.nan, math.nan, used, "no interval: a group has no errors, or no interval of its own"
        )
    line = _Line(which, parts, alpha, draws, np.random.default_rng(seed))
    tail = (1 - confidence) / 2
    sign = 1.0 if SUMMARIES[which].worse_is_larger else -1.0
    limits = sorted((sign * _near(line, sign * SUMMARIES[which].perfect, tail), sign * _far(line, tail)))
    return Band(limits[0], limits[1], math.nan, used)


def _near(line: _Line, perfect: float, tail: float) -> float:
    """The limit on the side of equality."""

    def reached(place: float) -> bool:
        return float((line.drawn(place) >= line.observed).mean()) >= tail * (1 + (1 - place) ** 4)

    if reached(0.0):
        return perfect
    return line.value(_halved(reached, 0.0, 1.0)[0])


def _far(line: _Line, tail: float) -> float:
    """The limit on the other side: between the percentile and the inverted test."""

    def short(place: float) -> bool:
        return float((line.drawn(place) <= line.observed).mean()) <= tail

    outer = max(line.observed, float(np.quantile(line.truths(), 1 - tail)))
    place = 1.0
    while place < 64 and not short(place):
        place *= 2
    inner = max(line.observed, line.value(_halved(short, place / 2 if place > 1 else 0.0, place)[1]))
    return outer * (inner / outer) ** _INWARD if outer * inner > 0 else outer + _INWARD * (inner - outer)


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
        Variance and spreads of each group where ITS threshold gives FMR_g = p0; ``rate`` is what it is there (p0, up
        to ties).
    q0, fnmr
        The same for the second rate of the combined measures.

    Returns
    -------
    Band
        ``low`` and ``high``: central share ``confidence`` of the draws; ``p_value``: share of draws at least as
        unequal as ``observed``. Groups with n_eff·p0 < 3 are refused and named in the note; fewer than two left: nan.
    """
    enough = (fmr.variance > 0) & np.isfinite(fmr.below) & np.isfinite(fmr.above)
    effective = p0 * p0 * (1 - p0) / np.where(enough, fmr.variance, 1.0)  # n_eff·p0
    keep = enough & np.isfinite(fmr.variance) & (effective >= LEAST_EXPECTED)
    if fnmr is not None and q0 is not None:
        ok = (fnmr.variance > 0) & np.isfinite(fnmr.below) & np.isfinite(fnmr.above)
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
        noise = _estimates(group.chosen(keep), rng.standard_normal((draws, len(used))))
        samples.append(_rates(np.full(len(used), centre), noise))
    values = summarise(which, *samples, alpha=alpha)
    tail = (1 - confidence) / 2
    worse = values >= observed if SUMMARIES[which].worse_is_larger else values <= observed
    return Band(
        float(np.quantile(values, tail)),
        float(np.quantile(values, 1 - tail)),
        float((worse.sum() + 1) / (draws + 1)),
        used,
        note,
    )


def homogeneity(groups: GroupRates) -> tuple[float, float, float, float]:
    """Welch's (1951) F on ln p_g: are the groups' rates equal? Returns F, df1, df2, p-value; nan where a group has no
    errors.

    w_g = p_g²/V_g; F = [Σw(y-ȳ)²/(G-1)] / [1 + 2(G-2)/(G²-1)·Λ], Λ = Σ(1-w_g/W)²/df_g, df2 = (G²-1)/(3Λ).
    """
    size = len(groups.rate)
    if size < 2 or not (groups.rate > 0).all() or not (groups.variance > 0).all():
        return math.nan, size - 1.0, math.nan, math.nan
    y, w = log(groups.rate), groups.rate**2 / groups.variance
    total = w.sum()
    centre = (w * y).sum() / total
    lam = float(((1 - w / total) ** 2 / groups.df).sum())
    f = float((w * (y - centre) ** 2).sum() / (size - 1) / (1 + 2 * (size - 2) / (size**2 - 1) * lam))
    df2 = (size**2 - 1) / (3 * lam) if lam > 0 else math.inf
    return f, size - 1.0, df2, float(fdtrc(size - 1, min(df2, 1e9), f))
