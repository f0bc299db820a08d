"""The worlds of the published coverage study: METRICS 3.2 repeated, and extended to what else is printed.

In: nothing. Out: ``ROWS`` by id. Its one idea: worlds are chosen where intervals are known to fail: few errors, few
people, strong clustering, one person with most photos, thresholds set on the people they are read on. Rows whose id
begins with ``held`` were chosen before any method was tried on them; what they showed moved two choices afterwards
(``limits.LOWER``, and degrees of freedom of at most the errors seen).
"""

from __future__ import annotations

import numpy as np

from audit.validation.calibrated_rows import calibrated_fnmr_row, calibrated_row
from audit.validation.claim_rows import (
    equal_ratio_row,
    equal_row,
    hub_group,
    kinds_group,
    skewed_group,
    trait_group,
    winner_row,
)
from audit.validation.group_rows import both_row, family_row, summary_fnmr_row, summary_row
from audit.validation.hard_rows import HUB_GATE, distance_row, fame_row, hub_row, kinds_row, paired_row
from audit.validation.null_rows import null_both_row, null_row
from audit.validation.power_rows import power_row
from audit.validation.rate_rows import fmr_row, fnmr_row, fta_row, photo_row, rare_row, varied_row
from audit.validation.ratio_rows import fnmr_ratio_row, ratio_row, shared_row
from audit.validation.search_rows import search_rows
from audit.validation.study import GATE, TOP, Row
from audit.validation.world_people import Traits, photos_like_lfw

__all__ = ["ROWS", "SHORT"]


def _one(people: int) -> np.ndarray:
    return np.ones(people, np.int64)


def _mostly_two(people: int) -> np.ndarray:
    return np.where(np.arange(people) % 5 == 0, 4, 2).astype(np.int64)


def _geometric(people: int, stop: float) -> np.ndarray:
    """Photos at the quantiles of a geometric distribution: a chance ``stop``
    that a person's next photo was the last.
    """
    u = (np.arange(people) + 0.5) / people
    return np.asarray(np.ceil(np.log1p(-u) / np.log1p(-stop)), np.int64)


def _alternating(people: int, *photos: int) -> np.ndarray:
    return np.resize(np.array(photos, np.int64), people)


def _one_with(people: int, photos: int) -> np.ndarray:
    return np.append(np.ones(people - 1, np.int64), photos)


def _lfw(which: str) -> str:
    photos = photos_like_lfw(which)
    return (
        f"LFW's photo counts, {which}: {len(photos)} people, {int(photos.sum())} photos, the top "
        f"one {int(photos.max())}"
    )


def _fmr_lfw(which: str, fmr: float, rho: float, delta: float = 0.2) -> Row:
    words = f"{_lfw(which)}; FMR {fmr:g}, rho {rho:g}, delta {delta:g}"
    return fmr_row(
        f"fmr-lfw-{which.replace(' ', '')}-{fmr:g}-{rho:g}",
        photos_like_lfw(which),
        fmr,
        Traits(rho, delta),
        about=words,
    )


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
    for which, rate, rho in [
        ("Black F", 0.01, 0.3),
        ("Black F", 0.1, 0.3),
        ("Asian M", 0.05, 0.3),
        ("everyone", 0.02, 0.3),
    ]:
        words = f"{_lfw(which)}; FNMR {rate:g}, rho {rho:g}"
        rows.append(
            fnmr_row(f"fnmr-lfw-{which.replace(' ', '')}-{rate:g}", photos_like_lfw(which), rate, rho, about=words)
        )
    rows.append(fnmr_row("fnmr-200-0.02", _mostly_two(200), 0.02, 0.3))
    rows.append(fnmr_row("fnmr-60-0.2", _mostly_two(60), 0.2, 0.6))
    for which, rate, rho in [("Black F", 0.05, 0.6), ("Black M", 0.01, 0.3), ("everyone", 0.005, 0.3)]:
        words = f"{_lfw(which)}; FTA {rate:g}, rho {rho:g}"
        rows.append(
            fta_row(f"fta-lfw-{which.replace(' ', '')}-{rate:g}", photos_like_lfw(which), rate, rho, about=words)
        )
    for sizes, rates, rho in [
        ((100, 100), (0.01, 0.03), 0.3),
        ((100, 100), (0.01, 0.03), 0.6),
        ((55, 3000), (0.003, 0.001), 0.4),
        ((220, 3000), (0.002, 0.001), 0.6),
        ((55, 3000), (0.01, 0.01), 0.8),
    ]:
        rows.append(
            ratio_row(f"ratio-{sizes[0]}-{sizes[1]}-{rates[0]:g}-{rates[1]:g}-{rho:g}", sizes, rates, Traits(rho))
        )
    rows.append(fnmr_ratio_row("fnmr-ratio-60-200", (60, 200), (0.1, 0.05), 0.3))
    rows.append(shared_row("shared-100-150", (100, 150), (0.01, 0.005, 0.002), Traits(0.3)))
    rows.append(shared_row("shared-60-300", (60, 300), (0.02, 0.01, 0.004), Traits(0.6)))
    rows.append(calibrated_row("calibrated-100-200", (100, 200), 0.01, 0.03, Traits(0.3)))
    rows.append(calibrated_row("calibrated-60-300", (60, 300), 0.003, 0.006, Traits(0.5)))
    rows.append(calibrated_row("calibrated-100-100", (100, 100), 0.01, 0.03, Traits(0.6)))
    rows.append(calibrated_fnmr_row("calibrated-fnmr-100-200", (100, 200), 0.01, (0.1, 0.05), Traits(0.3), tie=0.5))
    rows.append(calibrated_fnmr_row("calibrated-fnmr-300-60", (300, 60), 0.003, (0.05, 0.15), Traits(0.5), tie=-0.5))
    rows.append(summary_row("summary-equal", (100,) * 4, (0.01,) * 4, Traits(0.3)))
    rows.append(summary_row("summary-unequal", (100, 150, 200, 100), (0.005, 0.01, 0.01, 0.03), Traits(0.5)))
    rows.append(
        summary_row(
            "summary-eight",
            (55, 60, 100, 110, 220, 270, 500, 500),
            (0.03, 0.01, 0.02, 0.015, 0.01, 0.01, 0.005, 0.004),
            Traits(0.4),
        )
    )
    held_groups: list[tuple[str, tuple[int, ...], tuple[float, ...], float]] = [
        ("two", (100, 100), (0.01, 0.03), 0.3),
        ("three", (200, 200, 200), (0.002, 0.004, 0.02), 0.2),
        ("equal-three", (60, 80, 300), (0.02, 0.02, 0.02), 0.5),
        ("equal-eight", (150,) * 8, (0.005,) * 8, 0.3),
    ]
    for name, many, rates_, rho in held_groups:
        rows.append(summary_row(f"held-summary-{name}", many, rates_, Traits(rho)))
    lfw_three = [photos_like_lfw(which) for which in ("Asian F", "Asian M", "Black M")]
    rows.append(
        summary_row(
            "summary-comparisons",
            [len(part) for part in lfw_three],
            (0.02, 0.01, 0.005),
            Traits(0.3, 0.2),
            photos=np.concatenate(lfw_three),
            weighting="comparisons",
        )
    )
    rows.append(summary_fnmr_row("summary-fnmr-unequal", (100, 200, 150), (0.1, 0.05, 0.2), 0.3))
    rows.append(summary_fnmr_row("summary-fnmr-equal", (150, 150, 300, 200), (0.1,) * 4, 0.5))
    rows.append(both_row("both-unequal", (150, 200, 300), (0.01, 0.02, 0.005), (0.1, 0.05, 0.15), Traits(0.3)))
    rows.append(both_row("both-equal", (150, 200, 300, 150), (0.01,) * 4, (0.1,) * 4, Traits(0.3)))
    rows.append(
        both_row(
            "both-six",
            (100, 150, 100, 300, 200, 400),
            (0.01, 0.02, 0.02, 0.004, 0.01, 0.005),
            (0.1, 0.1, 0.2, 0.05, 0.1, 0.05),
            Traits(0.5),
        )
    )
    rows.append(null_both_row("null-both-four", (150, 200, 150, 200), 0.01, 0.1, Traits(0.3)))
    rows.append(null_both_row("null-both-three", (100, 100, 300), 0.01, 0.15, Traits(0.6)))
    rows.append(null_row("null-four", (100, 150, 200, 100), 0.01, Traits(0.3)))
    rows.append(null_row("null-few-errors", (100, 150, 200, 60), 0.005, Traits(0.6)))
    rows.append(family_row("family-five", (100, 100, 150, 60, 300), (0.02, 0.01, 0.01, 0.03, 0.005), Traits(0.4)))
    rows.append(family_row("family-small", (40, 30, 25, 60, 300), (0.02, 0.01, 0.02, 0.03, 0.005), Traits(0.5)))
    rows.append(family_row("family-tiny", (30, 25, 100), (0.02, 0.02, 0.01), Traits(0.3)))
    return rows + _held()


def _held() -> list[Row]:
    """Worlds chosen before a method was tried on them."""
    rows = []
    for people, fmr, rho in [
        (80, 0.004, 0.3),
        (120, 0.003, 0.3),
        (300, 0.0003, 0.6),
        (1000, 1e-4, 0.6),
        (30, 0.1, 0.6),
        (400, 0.001, 0.8),
        (100, 0.005, 0.1),
        (100, 0.002, 0.0),
    ]:
        rows.append(fmr_row(f"held-fmr-{people}-{fmr:g}-{rho:g}", _one(people), fmr, Traits(rho)))
    for name, photos, fmr, traits in [
        ("geometric", _geometric(120, 0.35), 0.01, Traits(0.3, 0.2)),
        ("geometric", _geometric(120, 0.35), 0.002, Traits(0.6)),
        ("one-or-ten", _alternating(100, 1, 10), 0.01, Traits(0.3, 0.2)),
        ("four-each", _alternating(60, 4), 0.003, Traits(0.6)),
        ("one-has-sixty", _one_with(300, 60), 0.005, Traits(0.3, 0.2)),
    ]:
        about = (
            f"{len(photos)} people, {int(photos.sum())} photos ({name}); FMR {fmr:g}, rho "
            f"{traits.rho:g}, delta {traits.delta:g}"
        )
        rows.append(fmr_row(f"held-fmr-{name}-{fmr:g}-{traits.rho:g}", photos, fmr, traits, about=about))
    rows.append(
        photo_row("held-photo-BlackM", photos_like_lfw("Black M"), 0.01, Traits(0.3, 0.1), 0.2, _lfw("Black M"))
    )
    rows.append(
        photo_row(
            "held-photo-one-or-ten",
            _alternating(60, 1, 10),
            0.01,
            Traits(0.3, 0.1),
            0.2,
            "60 people, 330 photos (one or ten)",
        )
    )
    rows.append(varied_row("against-BlackM", photos_like_lfw("Black M"), 0.01, Traits(0.3, 0.2), 1.5, _lfw("Black M")))
    rows.append(
        varied_row(
            "against-geometric",
            _geometric(120, 0.35),
            0.01,
            Traits(0.3, 0.2),
            1.5,
            "120 people, 343 photos (geometric)",
        )
    )
    for name, photos, rate, rho in [
        ("ten-each", _alternating(100, 10), 0.05, 0.3),
        ("two-each", _alternating(500, 2), 0.05, 0.5),
        ("few", _alternating(25, 2), 0.4, 0.3),
        ("geometric", _geometric(200, 0.25), 0.05, 0.3),
        ("six-each", _alternating(60, 6), 0.3, 0.2),
    ]:
        has = int((photos > 1).sum())
        about = f"{has} people with mated pairs ({name.replace('-', ' ')}), FNMR {rate:g}, rho {rho:g}"
        rows.append(fnmr_row(f"held-fnmr-{name}", photos, rate, rho, about=about))
    rows.append(ratio_row("held-ratio-80-300", (80, 300), (0.01, 0.004), Traits(0.6)))
    rows.append(fnmr_ratio_row("held-fnmr-ratio-200-500", (200, 500), (0.05, 0.02), 0.5))
    return rows


def _tried_hardest() -> list[Row]:
    """Worlds in which an independent simulator proved printed statements wrong, and held-out neighbours of them."""
    halves, sixths = (0.5, 0.2, 0.2, 0.1), (0.3, 0.3, 0.1, 0.1, 0.1, 0.1)
    rows = [
        kinds_row("kinds-80", 80, halves, 0.8, 0.05),
        kinds_row("kinds-40", 40, halves, 0.8, 0.05),
        kinds_row("held-kinds-60", 60, sixths, 0.95, 0.1),
        kinds_row("held-kinds-120", 120, (0.55, 0.15, 0.15, 0.15), 0.7, 0.02),
        hub_row("hubs-80", 80, 0.004),
        hub_row("hubs-300", 300, 0.001),
        hub_row("held-hubs-120", 120, 0.003, share=0.01, photos=1),
        hub_row("held-hubs-60", 60, 0.005, share=0.02, times=30, photos=3),
    ]
    for times in (1.7, 3.0):
        rows.append(fame_row(f"fame-{times:g}", _geometric(150, 0.35), 0.01, times, Traits(0.3, 0.2)))
    rows.append(fame_row("held-fame-2", _alternating(120, 1, 1, 2, 8), 0.02, 2.0, Traits(0.2, 0.2)))
    rows += [
        paired_row("paired-80", 80, 0.02, 0.04, 0.5),
        paired_row("held-paired-60", 60, 0.05, 0.05, 0.7),
        paired_row("held-paired-150", 150, 0.01, 0.005, 0.3),
        distance_row("distance-60-100", 60, 100),
        distance_row("held-distance-25-40", 25, 40),
    ]
    return rows


def _claims() -> list[Row]:
    """Claims about equal groups, power, and the group that is named because it is furthest."""
    halves, sixths = (0.5, 0.2, 0.2, 0.1), (0.3, 0.3, 0.1, 0.1, 0.1, 0.1)
    hubs = "one in 67 has 40 times the FMR 0.004, two photos each"
    return [
        equal_ratio_row("hubs-ratio-80", (80, 80), hub_group(0.004, 0.015, 40.0, 2), hubs, HUB_GATE),
        equal_ratio_row(
            "held-ratio-ordinary-100", (100, 100), trait_group(0.02, 0.2), "FMR 0.02, rho 0.2", (GATE, TOP)
        ),
        equal_row("clear-hubs-80", (80, 80, 80), hub_group(0.004, 0.015, 40.0, 2), hubs),
        equal_row("clear-hubs-two", (80, 80), hub_group(0.004, 0.015, 40.0, 2), hubs),
        equal_row(
            "held-clear-hubs-four",
            (200, 60, 120, 80),
            hub_group(0.005, 0.02, 30.0, 1),
            "one in 50 has 30 times the FMR 0.005",
        ),
        equal_row(
            "clear-kinds-80-40", (80, 40, 60), kinds_group(halves, 0.8, 0.05), "people of four kinds that look alike"
        ),
        equal_row(
            "held-clear-kinds-100-50",
            (100, 50, 50, 70),
            kinds_group(sixths, 0.95, 0.1),
            "people of six kinds that look alike",
        ),
        equal_row(
            "held-clear-kinds-two", (40, 40), kinds_group(halves, 0.8, 0.05), "people of four kinds that look alike"
        ),
        equal_row(
            "clear-skewed",
            (150, 60, 60, 100),
            skewed_group(0.01, 1.0),
            "FMR 0.01 times each person's own, lognormal, sigma 1",
        ),
        equal_row(
            "held-clear-skewed",
            (300, 80, 50, 50, 50, 120),
            skewed_group(0.003, 1.3),
            "FMR 0.003 times each person's own, lognormal, sigma 1.3",
        ),
        equal_row("held-clear-ordinary", (100,) * 8, trait_group(0.01, 0.3), "FMR 0.01, rho 0.3"),
        power_row("power-fmr-80", "FMR", (150, 80, 80), 0.01, Traits(0.3)),
        power_row("held-power-fmr-100", "FMR", (100, 100, 100), 0.02, Traits(0.2)),
        power_row("held-power-fmr-60", "FMR", (300, 60, 200, 100), 0.005, Traits(0.4)),
        power_row("power-fnmr-150", "FNMR", (200, 150, 150), 0.1, Traits(0.3)),
        winner_row("against-winner-eight", (150,) * 9, trait_group(0.01, 0.3), 0.01, "FMR 0.01, rho 0.3"),
    ]


KINDS = (_rows, _tried_hardest, _claims, search_rows)
"""Lists of worlds; another room's rows are one more function here."""

ROWS = {row.id: row for rows in KINDS for row in rows()}
"""Every world of the published table, by id."""

SHORT = (
    "fmr-55-0.01-0.2",
    "rare-150-0.0001-0.3",
    "fnmr-60-0.2",
    "ratio-100-100-0.01-0.03-0.3",
    "shared-60-300",
    "calibrated-100-200",
    "null-both-four",
    "family-five",
    "search-groups",
)
"""A short form for tests: one world of each kind, quick to draw."""
