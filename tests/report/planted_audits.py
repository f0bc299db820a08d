"""Planted audits: people with known false-match and miss rates per group,
through the real rates, ratios and findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from audit.config import parse_config
from audit.findings.assess import with_verdicts
from audit.findings.assessment import Assessment
from audit.findings.every_finding import find
from audit.findings.evidence import Tables
from audit.findings.register import text_of
from audit.observations.tallies import Labelling, PointTally, Tallies
from audit.rates import differentials as ratios
from audit.rates import every_rate as rate_tables
from audit.rates.differences import differences
from audit.rates.most_photographed import most_photographed
from audit.results import AuditResult
from audit.words.columns import TABLES

CONFIG = """
version = 1
name = "planted"
[benchmark]
name = "planted"
[backend]
name = "planted"
[groups]
attributes = { race = "race", sex = "sex" }
reference = "race=White|sex=Male"
minimum_subjects = 20
[[operating_points]]
kind = "vendor_default"
[[operating_points]]
kind = "target_fmr"
target = 0.001
[report]
date = "2026-11-21"
"""

CELLS = tuple(f"race={race}|sex={sex}" for race in ("Asian", "Black", "White") for sex in ("Female", "Male"))


def tallies(plan, seed=7, photos=3):
    """``plan``: cell -> (people, false match rate inside the cell, miss rate)."""
    rng = np.random.default_rng(seed)
    names = tuple(plan)
    cell = np.repeat(np.arange(len(names)), [plan[name][0] for name in names]).astype(np.int16)
    people = len(cell)
    acquired = rng.integers(1, photos + 1, people).astype(np.int32)
    attempted = (acquired + (rng.random(people) < 0.05)).astype(np.int32)
    inside = np.array([plan[name][1] for name in names])
    i, j = (part.astype(np.int32) for part in np.triu_indices(people, 1))
    same = cell[i] == cell[j]
    rate = np.where(same, inside[cell[i]], np.minimum(inside[cell[i]], inside[cell[j]]) * 0.3)
    missed = np.array([plan[name][2] for name in names])[cell]
    pairs = acquired * (acquired - 1) // 2
    points = []
    for name, threshold, scale in (("vendor_default", -0.6, 1.0), ("fmr=0.001:all:people", -0.5, 0.2)):
        e = rng.binomial(acquired[i] * acquired[j], rate * scale).astype(np.int32)
        f = rng.binomial(pairs, np.minimum(1, missed / np.sqrt(scale))).astype(np.int32)
        hit = e > 0
        points.append(PointTally(name, threshold, i[hit], j[hit], e[hit], f))
    return Tallies(attempted, acquired, (Labelling("headline", names, cell),), tuple(points))


def audit(plan, *, config=CONFIG, limited="", seed=7, photos=3):
    """A whole AuditResult through the product's own rooms."""
    settings = parse_config(config)
    data = tallies(plan, seed, photos)
    rates = rate_tables.compute(data, minimum_subjects=settings.groups.minimum_subjects)
    rate_frame = rate_tables.frame(rates)
    differential_frame = ratios.frame(ratios.differentials(rates, settings.groups.reference), 0.95)
    gaps = differences(rates, settings.groups.reference)
    nan = float("nan")
    points = pd.DataFrame(
        [
            ("vendor_default", "vendor_default", "", nan, "", 0.6, "distance", -0.6, 0.02, 0.02),
            (
                "fmr=0.001:all:people",
                "target_fmr",
                "people",
                0.001,
                "all labelled",
                0.5,
                "distance",
                -0.5,
                0.001,
                0.001,
            ),
        ],
        columns=[
            "operating_point",
            "protocol",
            "weighting",
            "target",
            "calibrated_on",
            "threshold",
            "unit",
            "score_threshold",
            "achieved_people",
            "achieved_comparisons",
        ],
    )
    rows = []
    for k, name in enumerate(data.labellings[0].cells):
        mine = data.labellings[0].cell == k
        tried, got = int(data.attempted[mine].sum()), int(data.acquired[mine].sum())
        rows.append(
            (name, int(mine.sum()), int((data.acquired[mine] > 1).sum()), tried, got, 0, tried - got, 0, 0, 0, 0, 0)
        )
    acquisition = pd.DataFrame(rows, columns=list(TABLES["acquisition.csv"]))
    policy = settings.uncertainty
    tables = Tables(
        rate_frame,
        differential_frame,
        acquisition,
        points,
        settings.groups.reference,
        policy.much,
        settings.groups.minimum_subjects,
        policy.confidence,
        gaps,
    )
    about = {
        "benchmark": {
            "name": "planted",
            "title": "Planted people",
            "licence": "No licence is needed, since nobody is shown.",
            "people": "Invented people, made by a random generator.",
            "how_made": "Drawn with known rates, so that the report can be checked.",
            "variant": "",
            "defects": ["Nobody in it exists."],
            "labels": [
                {
                    "column": "race",
                    "role": "race",
                    "title": "Race",
                    "kind": "annotator",
                    "source": "The generator.",
                    "categories": [],
                },
                {
                    "column": "sex",
                    "role": "sex",
                    "title": "Sex",
                    "kind": "annotator",
                    "source": "The generator.",
                    "categories": [],
                },
            ],
            "agreement": [],
            "citation": ["This project's tests."],
            "notes": [],
        },
        "matcher": {
            "backend": "planted",
            "product": "Planted matcher",
            "version": "1.0",
            "measure": "euclidean",
            "unit": "distance",
        },
        "counts": {
            "subjects": len(data.acquired),
            "samples": int(data.attempted.sum()),
            "acquired": int(data.acquired.sum()),
            "comparisons": 1,
            "mated": 1,
        },
        "limited": limited,
    }
    found = find(tables)
    further = {"differences": gaps, "most_photographed": most_photographed(data)}
    seconds = {"seconds": {"total": 12.0}}
    return judged(
        AuditResult(
            settings, about, seconds, acquisition, points, rate_frame, differential_frame, None, data, found, further
        )
    )


def judged(result):
    """The verdicts of the result's own configuration in place of those it has."""
    others = tuple(finding for finding in result.findings if finding.kind != "claim")
    made = Assessment(result.rates, result.differentials, result.operating_points, others, result.tables)
    register = text_of(result.config.report.claims)
    made = with_verdicts(result.config, made, result.acquisition, {}, register)
    return replace(result, findings=made.findings, register=register)


EVEN = {cell: (90, 0.02, 0.05) for cell in CELLS}
PLANS = {
    "none": {**{cell: (220, 0.05, 0.15) for cell in CELLS}},
    "clear": {
        "race=Asian|sex=Female": (70, 0.12, 0.1),
        "race=Asian|sex=Male": (80, 0.10, 0.05),
        "race=Black|sex=Female": (60, 0.30, 0.1),
        "race=Black|sex=Male": (80, 0.20, 0.05),
        "race=Indian|sex=Male": (8, 0.2, 0.05),
        "race=White|sex=Female": (120, 0.04, 0.05),
        "race=White|sex=Male": (200, 0.012, 0.03),
        "unlabelled": (60, 0.03, 0.04),
    },
    "reversed": {**{cell: (90, 0.01, 0.02) for cell in CELLS}, "race=White|sex=Male": (120, 0.15, 0.4)},
    "few": {cell: (8, 0.02, 0.05) for cell in CELLS},
    "zero": {cell: (60, 0.0, 0.0) for cell in CELLS},
    "uncertain": {cell: (25, 0.01, 0.05) for cell in CELLS},
}
RACES = ("Black", "East Asian", "Indian", "Latino Hispanic", "Middle Eastern", "Southeast Asian", "White")
PLANS["many"] = {
    f"race={race}|sex={sex}": (34, 0.02 + 0.03 * k, 0.1) for k, race in enumerate(RACES) for sex in ("Female", "Male")
}
