"""The vectors and the toy of METRICS, computed again: what anyone can check before believing an interval.

In: nothing. Out: one row per number. Its one idea: published numbers are typed here once, and compared with what the
product's functions give.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.stats.dyadic import dense
from audit.stats.extremes import SHAPES, fmr_beyond, threshold_beyond
from audit.stats.identification import fpir_gamma, fpir_upper_bound
from audit.stats.inequity import SUMMARIES, summarise
from audit.stats.intervals import clopper_pearson, wilson
from audit.stats.power import errors_needed, errors_needed_exact, rule_subjects

__all__ = ["TOY", "vectors"]

TOY = {
    ("A", "B"): (4, 1),
    ("A", "C"): (4, 0),
    ("A", "D"): (6, 2),
    ("A", "E"): (2, 0),
    ("B", "C"): (4, 0),
    ("B", "D"): (6, 1),
    ("B", "E"): (2, 0),
    ("C", "D"): (6, 0),
    ("C", "E"): (2, 0),
    ("D", "E"): (3, 1),
}
"""METRICS 3.1: (comparisons, false matches) of five people."""

_SINGLE: dict[str, tuple[list[float], list[float], dict[str, tuple[float, float | None]]]] = {
    "a": (
        [1e-4, 1e-3],
        [0.01, 0.02],
        {"gini": (0.81818182, 0.33333333), "ratio": (10, 2), "max_over_geometric_mean": (3.16227766, None)},
    ),
    "b": (
        [1e-4, 2e-4, 5e-4, 1e-3],
        [0.01, 0.02, 0.03, 0.04],
        {"gini": (0.55555556, 0.33333333), "max_over_geometric_mean": (3.16227766, 1.80720401)},
    ),
}
_COMBINED = {
    "a": {"fdr": 0.994550, "inequity_rate": 4.47213595, "garbe": 0.57575758, "werm": 2.11474253},
    "b": {"fdr": 0.984550, "inequity_rate": 6.32455532, "garbe": 0.44444444, "werm": 2.39058170},
}


def vectors() -> pd.DataFrame:
    """Columns check, expected, got, agrees; ``agrees`` allows the rounding of the published digits (relative 1e-5,
    absolute 6e-9).
    """
    rows: list[tuple[str, float, float]] = []
    rows += _toy()
    rows += _binomial()
    for key, (first, second, wanted) in _SINGLE.items():
        for which, pair in wanted.items():
            for kind, rates, value in (("FMR", first, pair[0]), ("FNMR", second, pair[1])):
                if value is not None:
                    rows.append(
                        (f"summary {which}, {kind}, vector {key}", float(value), float(summarise(which, rates)))
                    )
        for which, value in _COMBINED[key].items():
            rows.append((f"summary {which}, vector {key}", value, float(summarise(which, first, second))))
    for which, summary in SUMMARIES.items():
        equal = [0.02, 0.02, 0.02]
        got = summarise(which, equal, equal) if summary.both else summarise(which, equal)
        rows.append((f"summary {which}, all equal", summary.perfect, float(got)))
    for ratio, errors in ((1.5, 80.0), (2.0, 24.5), (3.0, 8.7)):
        rows.append(
            (f"errors needed for a ratio of {ratio:g}", errors, round(errors_needed(ratio), 0 if ratio < 2 else 1))
        )
    rows.append(("errors needed for a ratio of 10, exact", 1.1, round(errors_needed_exact(10), 1)))
    for fmr, three, thirty in ((1e-3, 78, 246), (1e-4, 246, 776), (1e-5, 776, 2450), (1e-6, 2450, 7747)):
        rows.append((f"rule of 3 at FMR {fmr:g}", three, rule_subjects(fmr, 3)))
        rows.append((f"rule of 30 at FMR {fmr:g}", thirty, rule_subjects(fmr, 30)))
    for fmr, gallery, value in (
        (1e-3, 200, 0.181351),
        (1e-3, 2000, 0.8648),
        (1e-3, 7000, 0.999091),
        (1e-5, 2e4, 0.18127),
        (1e-9, 3e9, 0.950213),
    ):
        rows.append((f"1-(1-FMR)^N at {fmr:g}, {gallery:g}", value, round(fpir_upper_bound(fmr, gallery), 6)))
    for variation, value in ((0, 0.632), (1, 0.5), (3, 0.226), (10, 0.045)):
        rows.append((f"FPIR of gamma probes, CV {variation}", value, round(fpir_gamma(1e-6, 1e6, variation), 3)))
    for shape, rate, score in zip(
        SHAPES, (1.024e-5, 4.97871e-5, 7.25382e-5), (0.534226, 0.990776, 1.790536), strict=True
    ):
        rows.append((f"tail rate at .45, shape {shape:g}", rate, fmr_beyond(0.45, 0.3, 1e-3, 0.05, shape)))
        rows.append(
            (f"tail threshold for 1e-9, shape {shape:g}", score, threshold_beyond(1e-9, 0.3, 1e-3, 0.05, shape))
        )
    table = pd.DataFrame(rows, columns=["check", "expected", "got"])
    table["agrees"] = np.isclose(table["got"], table["expected"], rtol=1e-5, atol=6e-9)
    return table


def _toy() -> list[tuple[str, float, float]]:
    m, e = np.zeros((5, 5)), np.zeros((5, 5))
    for (one, other), (trials, errors) in TOY.items():
        a, b = "ABCDE".index(one), "ABCDE".index(other)
        m[a, b] = m[b, a] = trials
        e[a, b] = e[b, a] = errors
    got = dense(m, e, guarded=False)
    rows = [
        ("toy p", 5 / 39, got.rate),
        ("toy Q", 3.499013806706, got.Q),
        ("toy S", 6.844181459567, got.S),
        ("toy Q/M²", 0.0023004693009, got.Q / got.M**2),
        ("toy guard", 0.0028658608540, got.guard),
        ("toy low", 0.0560281754, got.low),
        ("toy high", 0.2670574338, got.high),
    ]
    wanted = (0.9487179487, -0.0512820513, -2.0512820513, 1.3076923077, -0.1538461538)
    rows += [(f"toy R of {who}", value, float(r)) for who, value, r in zip("ABCDE", wanted, got.R, strict=True)]
    n_eff = got.rate * (1 - got.rate) / (got.Q / got.M**2)
    low, high, _ = wilson(got.rate, n_eff)
    rows += [
        ("toy n_eff without guard", 48.58511838, n_eff),
        ("toy low without guard", 0.0609395525, low),
        ("toy high without guard", 0.2499558435, high),
    ]
    left = (0.0869565217, 0.1304347826, 0.2173913043, 0.0555555556, 0.1333333333)
    for who, value in enumerate(left):
        keep = np.arange(5) != who
        rows.append((f"toy without {'ABCDE'[who]}", value, dense(m[np.ix_(keep, keep)], e[np.ix_(keep, keep)]).rate))
    return rows


def _binomial() -> list[tuple[str, float, float]]:
    rows = []
    for errors, trials, low, high in (
        (0, 10, 0.0, 0.30849710781876077),
        (1, 2, 0.01257911709342505, 0.9874208829065749),
        (9856, 10000, 0.9830683505328337, 0.9878427092808462),
        (1, 10000, 2.53178e-6, 5.57037e-4),
    ):
        got = clopper_pearson(errors, trials)
        rows += [
            (f"Clopper-Pearson low {errors}/{trials}", low, got.low),
            (f"Clopper-Pearson high {errors}/{trials}", high, got.high),
        ]
    for errors, trials, low, high in (
        (0, 10, 0.0, 0.27753280),
        (1, 10, 0.01787621, 0.40415003),
        (5, 100, 0.02154368, 0.11175047),
        (1, 10000, 1.765267e-5, 5.662689e-4),
    ):
        got = wilson(errors / trials, trials)
        rows += [(f"Wilson low {errors}/{trials}", low, got.low), (f"Wilson high {errors}/{trials}", high, got.high)]
    return rows
