"""Rates of several groups with what chance does to each: estimate, variance, degrees of freedom, spreads below and
above.

Its one idea: summaries and null bands need the same five numbers of every group, between rungs of a curve too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.base.sums import exp, log, raised
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import SubjectRate
from audit.stats.intervals import Interval, normal_quantile, t_quantile
from audit.stats.limits import NO_UNSEEN

__all__ = ["FALL", "GroupRates", "RISE"]

RISE, FALL = 4.0, 5.0
"""Powers of the scales on which an estimate rises and falls. Chosen by the coverage study."""


class GroupRates(NamedTuple):
    """Rates of G groups, each (G,) float64.

    Attributes
    ----------
    rate, variance : NDArray
        Value and clustered variance.
    df : NDArray
        Degrees of freedom (inf: z).
    below, above : NDArray
        (1 - (l/p)^(1/4))/z and ((u/p)^(1/5) - 1)/z: the relative spread on each side, from limits l and u; nan where
        no interval is printed.
    """

    rate: NDArray[np.float64]
    variance: NDArray[np.float64]
    df: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        rates: Sequence[float],
        variances: Sequence[float],
        dfs: Sequence[float | None],
        limits: Sequence[Interval] | None = None,
        confidence: float = 0.95,
    ) -> GroupRates:
        """From plain sequences; a df of None means z. Without ``limits`` both spreads are √V/p, widened by t's
        quantile over z's.
        """
        p, v = np.asarray(rates, np.float64), np.asarray(variances, np.float64)
        df = np.asarray([math.inf if d is None else float(d) for d in dfs], np.float64)
        z = normal_quantile(confidence)
        with np.errstate(divide="ignore", invalid="ignore"):
            if limits is None:
                widened = np.array([1.0 if math.isinf(d) else t_quantile(d, confidence) / z for d in df])
                below, above = np.sqrt(v) / p * widened / RISE, np.sqrt(v) / p * widened / FALL
            else:
                low, high = np.array([[x.low, x.high] for x in limits], np.float64).reshape(-1, 2).T
                below, above = (1 - raised(low / p, 1 / RISE)) / z, (raised(high / p, 1 / FALL) - 1) / z
        return cls(p, v, df, below, above)

    @classmethod
    def printed(cls, values: Sequence[DyadicRate | SubjectRate], confidence: float = 0.95) -> GroupRates:
        """From rates as the product prints them, with what their limits are made of: what chance does among the kinds
        of people that were met.
        """
        variances = [v.variance if v.evidence is None else v.evidence.variance for v in values]
        dfs = [v.df if v.evidence is None or math.isinf(v.evidence.most_df) else v.evidence.most_df for v in values]
        return cls.of(
            [v.rate for v in values],
            variances,
            dfs,
            [v.limits(confidence, unseen=NO_UNSEEN) for v in values],
            confidence,
        )

    @classmethod
    def joined(cls, parts: Sequence[GroupRates]) -> GroupRates:
        """Groups one after the other."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def at(self, rate: float) -> GroupRates:
        """Of one group along its curve (``rate`` ascending): what it is like at another rate; nan where empty.

        Straight in logarithms between the nearest; the degrees of freedom are those of the nearest.
        """
        nan = np.array([math.nan])
        ok = np.isfinite(self.below) & np.isfinite(self.above) & (self.variance > 0)
        here = self.chosen(ok)
        if not ok.any():
            return GroupRates(np.array([rate]), nan, np.array([math.inf]), nan, nan)
        x, y = log(here.rate), math.log(rate)

        def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return exp(np.interp([y], x, log(values)))

        nearest = here.df[[int(np.abs(x - y).argmin())]]
        return GroupRates(
            np.array([rate]),
            between(here.variance / here.rate**2) * rate**2,
            nearest,
            between(here.below),
            between(here.above),
        )

    def chosen(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> GroupRates:
        """Some of the groups."""
        return GroupRates(*(part[keep] for part in self))
