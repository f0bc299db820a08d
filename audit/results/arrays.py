"""Tallies, sums of scores and histograms as named arrays of an npz, and back.

Its one idea: counts travel as the smallest integers that hold them, and are read back as the types that rates expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.base.narrow import narrow
from audit.comparisons.types import ScoreAxis, ScoreHistograms
from audit.observations.kept import ScoreSums
from audit.observations.search_counts import SearchCounts
from audit.observations.tallies import CURVE, PARTS, Labelling, Listed, PersonSums, PointTally, Strata, Tallies

__all__ = ["dyads", "histograms_of", "searches", "searches_of", "shift", "shift_of", "tallies_of"]


def dyads(tallies: Tallies) -> dict[str, NDArray[Any]]:
    """``dyads.npz``: people, labels, and per operating point the pairs of people with false matches."""
    arrays: dict[str, NDArray[Any]] = {
        "attempted": tallies.attempted,
        "acquired": tallies.acquired,
        "labellings": np.array([labelling.name for labelling in tallies.labellings], dtype=np.str_),
        "points": np.array([point.id for point in (*tallies.points, *tallies.curve)], dtype=np.str_),
        "thresholds": np.array([point.threshold for point in (*tallies.points, *tallies.curve)], dtype=np.float64),
    }
    if tallies.strata is not None:
        arrays |= {
            "quality": np.array(tallies.strata.names, dtype=np.str_),
            "quality_edges": tallies.strata.edges,
            "quality_level": tallies.strata.level,
        }
    if tallies.listed is not None:
        arrays |= {f"listed_{name}": getattr(tallies.listed, name) for name in ("i", "j", "m", "g")}
    for k, labelling in enumerate(tallies.labellings):
        arrays[f"cells_{k}"] = np.array(labelling.cells, dtype=np.str_)
        arrays[f"cell_{k}"] = labelling.cell
    for k, point in enumerate((*tallies.points, *tallies.curve)):
        for name in ("i", "j", "e", "f"):
            array = getattr(point, name)
            small = np.uint16 if len(array) and int(array.max()) < 2**16 else np.int32
            arrays[f"{name}_{k}"] = array.astype(small)
        for which, sums in enumerate(point.streamed):
            arrays |= {f"{name}_{k}_{which}": getattr(sums, name) for name in PARTS}
    return arrays


def _streamed(data: Mapping[str, NDArray[Any]], k: int) -> tuple[PersonSums, ...]:
    """Each person's sums of point ``k``, one entry per labelling; empty where its dyads are listed."""
    return tuple(
        PersonSums(*(data[f"{name}_{k}_{which}"] for name in PARTS))
        for which in range(len(data["labellings"]))
        if f"w_{k}_{which}" in data
    )


def tallies_of(data: Mapping[str, NDArray[Any]]) -> Tallies:
    """What ``dyads`` was given; not yet checked (``observations.sound``)."""
    labellings = tuple(
        Labelling(
            str(name), tuple(map(str, data[f"cells_{k}"])), narrow(data[f"cell_{k}"], np.int16, "dyads.npz, groups")
        )
        for k, name in enumerate(data["labellings"])
    )
    points = tuple(
        PointTally(
            str(name),
            float(data["thresholds"][k]),
            narrow(data[f"i_{k}"], np.int32, "dyads.npz"),
            narrow(data[f"j_{k}"], np.int32, "dyads.npz"),
            narrow(data[f"e_{k}"], np.int32, "dyads.npz"),
            narrow(data[f"f_{k}"], np.int32, "dyads.npz"),
            _streamed(data, k),
        )
        for k, name in enumerate(data["points"])
    )
    asked = tuple(point for point in points if not point.id.startswith(CURVE))
    listed = (
        Listed(*(narrow(data[f"listed_{name}"], np.int32, "dyads.npz") for name in ("i", "j", "m", "g")))
        if "listed_i" in data
        else None
    )
    strata = (
        Strata(tuple(map(str, data["quality"])), data["quality_edges"], data["quality_level"])
        if "quality" in data
        else None
    )
    return Tallies(
        data["attempted"], data["acquired"], labellings, asked, points[len(asked) :], listed=listed, strata=strata
    )


def shift(sums: ScoreSums) -> dict[str, NDArray[Any]]:
    """``shift.npz``."""
    arrays: dict[str, NDArray[Any]] = {
        "groups": np.array(sums.groups, dtype=np.str_),
        "most": np.array(sums.most, dtype=np.int64),
        "axis": np.array([sums.low, sums.high], dtype=np.float64),
    }
    return arrays | {name: getattr(sums, name) for name in ("people", "moments", "person", "pairs", "below")}


def shift_of(data: Mapping[str, NDArray[Any]]) -> ScoreSums:
    """What ``shift`` was given."""
    low, high = (float(value) for value in data["axis"])
    parts = (data[name] for name in ("moments", "person", "pairs", "below"))
    return ScoreSums(tuple(map(str, data["groups"])), data["people"], int(data["most"]), low, high, *parts)


def searches(counts: SearchCounts) -> dict[str, NDArray[Any]]:
    """``searches.npz``."""
    names = ("thresholds", "person", "mate_level", "above", "enrolment", "probe", "other", "level", "over")
    return {"points": np.array(counts.points, dtype=np.str_)} | {name: getattr(counts, name) for name in names}


def searches_of(data: Mapping[str, NDArray[Any]]) -> SearchCounts:
    """What ``searches`` was given."""
    return SearchCounts(
        points=tuple(map(str, data["points"])),
        thresholds=data["thresholds"].astype(np.float64),
        person=narrow(data["person"], np.int32, "searches.npz, person"),
        mate_level=narrow(data["mate_level"], np.int16, "searches.npz, mate_level"),
        above=narrow(data["above"], np.int32, "searches.npz, above"),
        enrolment=narrow(data["enrolment"], np.int16, "searches.npz, enrolment"),
        probe=narrow(data["probe"], np.int32, "searches.npz, probe"),
        other=narrow(data["other"], np.int32, "searches.npz, other"),
        level=narrow(data["level"], np.int16, "searches.npz, level"),
        over=data["over"].astype(np.bool_),
    )


def histograms_of(data: Mapping[str, NDArray[Any]]) -> ScoreHistograms:
    """Histograms of ``histograms.npz``; raises ValueError where shapes or counts cannot be."""
    low, high, bins = (float(value) for value in data["axis"])
    out = ScoreHistograms(ScoreAxis(low, high, int(bins)), data["pairs"], data["non_mated"], data["mated"])
    if (
        out.non_mated.shape != (len(out.pairs), int(bins))
        or out.mated.shape[1:] != (int(bins),)
        or min(out.non_mated.min(initial=0), out.mated.min(initial=0)) < 0
    ):
        raise ValueError
    return out
