"""The worlds of the published coverage study: METRICS 3.2 repeated, and extended to what else is printed.

In: nothing. Out: ``ROWS`` by id. Its one idea: worlds are chosen where intervals are known to fail: few errors, few people, strong clustering,
one person with most photos, thresholds set on the people they are read on.
"""

from __future__ import annotations

import numpy as np

from audit.validation.rate_rows import fmr_row, fnmr_row, fta_row, rare_row
from audit.validation.ratio_rows import calibrated_row, family_row, fnmr_ratio_row, null_row, ratio_row, shared_row, summary_row
from audit.validation.study import Row
from audit.validation.worlds import Traits, photos_like_lfw

__all__ = ["ROWS", "SHORT"]


def _one(people: int) -> np.ndarray:
    return np.ones(people, np.int64)


def _mostly_two(people: int) -> np.ndarray:
    return np.where(np.arange(people) % 5 == 0, 4, 2).astype(np.int64)


def _lfw(which: str) -> str:
    photos = photos_like_lfw(which)
    return f"LFW's photo counts, {which}: {len(photos)} people, {int(photos.sum())} photos, the top one {int(photos.max())}"


def _fmr_lfw(which: str, fmr: float, rho: float, delta: float = 0.2) -> Row:
    words = f"{_lfw(which)}; FMR {fmr:g}, rho {rho:g}, delta {delta:g}"
    return fmr_row(f"fmr-lfw-{which.replace(' ', '')}-{fmr:g}-{rho:g}", photos_like_lfw(which), fmr, Traits(rho, delta), about=words)


def _rows() -> list[Row]:
    rows = []
    for people, fmr, rho, bootstrap in [
        (55, 0.001, 0.2, True),
        (55, 0.004, 0.8, True),
        (55, 0.01, 0.2, True),
        (55, 0.01, 0.8, True),
        (150, 0.001, 0.5, True),
        (150, 0.001, 0.8, True),
        (220, 0.01, 0.2, True),
        (220, 0.01, 0.8, True),
        (220, 0.1, 0.5, False),
        (500, 5e-5, 0.5, False),
        (3000, 0.001, 0.3, False),
    ]:
        rows.append(fmr_row(f"fmr-{people}-{fmr:g}-{rho:g}", _one(people), fmr, Traits(rho), bootstrap=bootstrap))
    for people, fmr, rho in [(150, 1e-4, 0.3), (150, 1e-4, 0.8), (55, 1e-4, 0.3), (55, 0.001, 0.8)]:
        rows.append(rare_row(f"rare-{people}-{fmr:g}-{rho:g}", people, fmr, Traits(rho)))
    for which, fmr, rho in [
        ("Black F", 0.01, 0.3),
        ("Asian F", 0.01, 0.5),
        ("Asian M", 0.001, 0.5),
        ("Black M", 0.001, 0.3),
        ("Black M", 0.01, 0.3),
        ("everyone", 0.001, 0.3),
        ("everyone", 0.0001, 0.3),
    ]:
        rows.append(_fmr_lfw(which, fmr, rho))
    for which, rate, rho in [("Black F", 0.01, 0.3), ("Black F", 0.1, 0.3), ("Asian M", 0.05, 0.3), ("everyone", 0.02, 0.3)]:
        words = f"{_lfw(which)}; FNMR {rate:g}, rho {rho:g}"
        rows.append(fnmr_row(f"fnmr-lfw-{which.replace(' ', '')}-{rate:g}", photos_like_lfw(which), rate, rho, about=words))
    rows.append(fnmr_row("fnmr-200-0.02", _mostly_two(200), 0.02, 0.3))
    rows.append(fnmr_row("fnmr-60-0.2", _mostly_two(60), 0.2, 0.6))
    for which, rate, rho in [("Black F", 0.05, 0.6), ("Black M", 0.01, 0.3), ("everyone", 0.005, 0.3)]:
        words = f"{_lfw(which)}; FTA {rate:g}, rho {rho:g}"
        rows.append(fta_row(f"fta-lfw-{which.replace(' ', '')}-{rate:g}", photos_like_lfw(which), rate, rho, about=words))
    for sizes, rates, rho in [
        ((100, 100), (0.01, 0.03), 0.3),
        ((100, 100), (0.01, 0.03), 0.6),
        ((55, 3000), (0.003, 0.001), 0.4),
        ((220, 3000), (0.002, 0.001), 0.6),
        ((55, 3000), (0.01, 0.01), 0.8),
    ]:
        rows.append(ratio_row(f"ratio-{sizes[0]}-{sizes[1]}-{rates[0]:g}-{rates[1]:g}-{rho:g}", sizes, rates, Traits(rho)))
    rows.append(fnmr_ratio_row("fnmr-ratio-60-200", (60, 200), (0.1, 0.05), 0.3))
    rows.append(shared_row("shared-100-150", (100, 150), (0.01, 0.005, 0.002), Traits(0.3)))
    rows.append(shared_row("shared-60-300", (60, 300), (0.02, 0.01, 0.004), Traits(0.6)))
    rows.append(calibrated_row("calibrated-100-200", (100, 200), 0.01, 0.03, Traits(0.3)))
    rows.append(calibrated_row("calibrated-60-300", (60, 300), 0.003, 0.006, Traits(0.5)))
    rows.append(calibrated_row("calibrated-100-100", (100, 100), 0.01, 0.03, Traits(0.6)))
    rows.append(summary_row("summary-equal", (100,) * 4, (0.01,) * 4, Traits(0.3)))
    rows.append(summary_row("summary-unequal", (100, 150, 200, 100), (0.005, 0.01, 0.01, 0.03), Traits(0.5)))
    rows.append(
        summary_row("summary-eight", (55, 60, 100, 110, 220, 270, 500, 500), (0.03, 0.01, 0.02, 0.015, 0.01, 0.01, 0.005, 0.004), Traits(0.4))
    )
    rows.append(null_row("null-four", (100, 150, 200, 100), 0.01, Traits(0.3)))
    rows.append(null_row("null-few-errors", (100, 150, 200, 60), 0.005, Traits(0.6)))
    rows.append(family_row("family-five", (100, 100, 150, 60, 300), (0.02, 0.01, 0.01, 0.03, 0.005), Traits(0.4)))
    return rows


ROWS = {row.id: row for row in _rows()}
"""Every world of the published table, by id."""

SHORT = ("fmr-55-0.01-0.2", "rare-150-0.0001-0.3", "fnmr-60-0.2", "ratio-100-100-0.01-0.03-0.3", "calibrated-100-200", "family-five")
"""A short form for tests: one world of each kind, quick to draw."""
