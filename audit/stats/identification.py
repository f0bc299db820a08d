"""Searches of a gallery, as probabilities: how false matches add up when one photo is compared with many people.

In: false match rates per probe and gallery sizes. Out: FPIR and SEL. Its one idea: FPIR is the MEAN over probes of
1-Π(1-FMR_ig)^{N_g}; plugging in the mean FMR gives an upper bound, because probes differ (METRICS 1.1). Nobody is
identified here: only rates go in and out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from audit.base.sums import expm1, log1p, product
from audit.stats.power import rule_subjects

__all__ = ["fpir", "fpir_gamma", "fpir_upper_bound", "selectivity", "subjects_needed"]


def fpir(fmr: ArrayLike, gallery: ArrayLike) -> float:
    """Mean over probes of 1 - Π_g (1 - FMR_ig)^{N_g}.

    Parameters
    ----------
    fmr : (P, G) float
        Each probe's false match rate against people of each group, people weighting.
    gallery : (G,) float
        People of each group in the gallery.
    """
    rates, sizes = np.atleast_2d(np.asarray(fmr, np.float64)), np.asarray(gallery, np.float64)
    there = sizes > 0  # nobody enrolled, nobody found, whatever the rate: log(0) times 0 is not a number
    with np.errstate(divide="ignore"):
        return float(-expm1(product(log1p(-rates[:, there]), sizes[there])).mean())


def fpir_upper_bound(fmr: float, gallery: float) -> float:
    """1 - (1-FMR)^N, exact where all probes are alike and an upper bound otherwise."""
    return float(-expm1(gallery * log1p(-fmr))) if fmr < 1 else float(gallery > 0)


def fpir_gamma(mean: float, gallery: float, variation: float) -> float:
    """FPIR where the probes' FMR follow a gamma law with the given mean and coefficient of variation: 1 - (1 +
    N·mean·CV²)^(-1/CV²).
    """
    if variation == 0:
        return float(-expm1(-gallery * mean))
    square = variation**2
    return float(-expm1(-log1p(gallery * mean * square) / square))


def selectivity(fmr: ArrayLike, gallery: ArrayLike) -> float:
    """SEL: mean number of candidates at or above the threshold per non-mated search, Σ_g N_g·FMR_ig averaged over
    probes (untruncated list).
    """
    rates = np.atleast_2d(np.asarray(fmr, np.float64))
    return float(product(rates, np.asarray(gallery, np.float64)).mean())


def subjects_needed(fmr: float) -> int:
    """People whose pairs number 30/FMR: what a claim at this FMR needs to stand on (METRICS 1.1)."""
    return rule_subjects(fmr, 30)
