"""How far wrong group labels could move a rate or a ratio.

In: the observed rate inside a group, across to the others and among the others, and a stated share of wrong labels.
Out: a band. Its one idea: errors in labels work in both directions (METRICS 4). Random mislabelling dilutes: of the
people labelled A, a share 1-π are not, and obs = π²F_AA + 2π(1-π)F_AX + (1-π)²F_XX, so the true rate is further from
the others than the observed one. Labelling by appearance inflates: the people labelled A are those who look most
alike, and a share 1-κ of the true group was left out; if those match like everybody else, the true rate is κ²obs +
2κ(1-κ)F_AX + (1-κ)²F_XX, nearer to the others. The data cannot say which; the band holds both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["LabelBand", "diluted", "misclassification_band", "ratio_band", "undiluted"]


class LabelBand(NamedTuple):
    """Least and greatest rate (or ratio) over no error and the stated error in either direction."""

    low: float
    high: float


def _check(error: float) -> None:
    if not 0 <= error < 0.5:
        raise ValueError(
            f"label error is {error}. Allowed: 0 up to, not including, 0.5 (share of a group's people "
            f"with a wrong label)."
        )


def diluted(inside: float, across: float, others: float, error: float) -> float:
    """Rate seen in a group of which a share ``error`` are wrongly labelled others: π²F_AA + 2π(1-π)F_AX + (1-π)²F_XX,
    π = 1 - error.
    """
    _check(error)
    pi = 1 - error
    return pi * pi * inside + 2 * pi * error * across + error * error * others


def undiluted(observed: float, across: float, others: float, error: float) -> float:
    """``diluted`` solved for the true rate inside the group, kept within [0, 1]."""
    _check(error)
    pi = 1 - error
    return min(1.0, max(0.0, (observed - 2 * pi * error * across - error * error * others) / (pi * pi)))


def misclassification_band(observed: float, across: float, others: float, error: float) -> LabelBand:
    """Band of the true rate of a group for a share ``error`` of wrong labels, in either direction.

    Parameters
    ----------
    observed, across, others : float
        FMR inside the group, between the group and the others, among the others, all as labelled.
    error : float
        In [0, .5).
    """
    values = (observed, undiluted(observed, across, others, error), diluted(observed, across, others, error))
    return LabelBand(min(values), max(values))


def ratio_band(numerator: LabelBand, denominator: LabelBand) -> LabelBand:
    """Band of a ratio when both groups' labels err; an upper end of inf where the denominator may be 0."""
    low = numerator.low / denominator.high if denominator.high > 0 else math.nan
    return LabelBand(low, numerator.high / denominator.low if denominator.low > 0 else math.inf)
