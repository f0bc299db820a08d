"""Searches in, the thresholds that were set for a share of searches out (``search_thresholds.csv``), with the 1:1 rate
each has.

Its one idea: such a threshold has no meaning without its gallery and mix, so both are in its name and in its row.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from audit.base.mixes import mix_of, target_size
from audit.config.identification import IdentificationConfig
from audit.observations.search_counts import FPIR_POINT
from audit.rates.searching import Searching
from audit.words import columns

__all__ = ["search_thresholds", "target_id"]

_NONE = (
    "no threshold of these scores: FPIR is above it at the highest score, or at or below it "
    "at the loosest threshold of the run"
)
_SMALL = "too few people for that gallery and mix"


def target_id(target: float, size: int, mix: str) -> str:
    """Id of a threshold set for a share of searches."""
    return f"{FPIR_POINT}{target:.12g}:{size}:{mix}"


def search_thresholds(
    searching: Searching, asked: IdentificationConfig, to_own: Callable[[float], float], unit: str
) -> pd.DataFrame:
    """One row a wanted FPIR; ``to_own`` turns a score into the matcher's own unit."""
    counts, people = searching.counts, int(searching.enrolled.sum())
    size = target_size(people, asked.target_gallery, asked.sizes)
    mix = mix_of(asked.target_mix, asked.quotas, searching.cells)
    gallery = searching.gallery(mix, size) if size else None
    rows: list[dict[str, object]] = []
    for target in asked.target_fpir:
        name = target_id(target, size, asked.target_mix)
        row: dict[str, object] = {
            "operating_point": name,
            "target": target,
            "mix": asked.target_mix,
            "gallery": size or asked.target_gallery,
            "unit": unit,
        }
        if gallery is None or name not in counts.points:
            rows.append(row | {"note": _SMALL if gallery is None else _NONE})
            continue
        k = counts.points.index(name)
        wrong, candidates = (searching.sums(k, measure, gallery).sums for measure in ("FPIR", "SEL"))
        labelled = [c for group in searching.groups if group.finest for c in group.cells]
        fpir, sel = (float(one.total[labelled].sum() / one.weight[labelled].sum()) for one in (wrong, candidates))
        score = float(counts.thresholds[k])
        rows.append(row | {"threshold": to_own(score), "score_threshold": score, "fpir": fpir, "fmr": sel / size})
    return columns.frame("search_thresholds", rows)
