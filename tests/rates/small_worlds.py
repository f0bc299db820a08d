"""Small unkind worlds, walked through the corridor from templates to findings: few people, few photos, thresholds of
any kind.

``walk`` gives what a run would: tallies by the product's own comparisons, then ``assess``. Nobody here is anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.backends.protocol import ScoreRule
from audit.comparisons import compare
from audit.config import AuditConfig
from audit.embeddings import EmbeddingSet
from audit.findings.assess import assess
from audit.findings.assessment import Assessment
from audit.observations import operating_points
from audit.observations.count import tally
from audit.observations.tallies import CURVE, Labelling, Strata, Tallies

RULE = ScoreRule("euclidean", "dissimilarity", -8.0, 0.0, unit="distance", default_threshold=1.0)
LADDER = (0.3, 0.1, 0.05, 0.02, 0.01, 0.005)


@dataclass(frozen=True)
class World:
    """Photos per person, their cell (index into ``names``), spread of people
    and of photos, and the templates' seed."""

    photos: tuple[int, ...]
    cell: tuple[int, ...]
    names: tuple[str, ...]
    spread: float = 0.8
    blur: float | tuple[float, ...] = 0.25  # of everybody, or by cell
    seed: int = 0
    alternative: tuple[int, ...] | None = None

    def vectors(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        centre = self.spread * rng.standard_normal((len(self.photos), 4))
        who = np.repeat(np.arange(len(self.photos)), self.photos)
        blur = np.broadcast_to(
            np.array(self.blur)[list(self.cell)] if isinstance(self.blur, tuple) else self.blur, len(centre)
        )[who][:, None]
        return np.asarray(centre[who] + blur * rng.standard_normal((len(who), 4)), np.float32)


def config(
    points: Sequence[dict[str, object]], reference: str, *, minimum: int = 30, replicates: int = 100
) -> AuditConfig:
    """A config of these operating points."""
    attributes = {part.split("=")[0]: part.split("=")[0] for part in reference.split("|")}
    return AuditConfig.model_validate(
        {
            "version": 1,
            "name": "small",
            "benchmark": {"name": "files"},
            "backend": {"name": "templates"},
            "groups": {"attributes": attributes, "reference": reference, "minimum_subjects": minimum},
            "operating_points": list(points),
            "uncertainty": {"replicates": replicates},
            "report": {"curve": list(LADDER)},
        }
    )


def tallied(world: World, config: AuditConfig) -> tuple[Tallies, pd.DataFrame, pd.DataFrame, object]:
    """Tallies, acquisition and operating points, and the histograms."""
    who, cell = np.repeat(np.arange(len(world.photos)), world.photos), np.array(world.cell)
    people = EmbeddingSet.from_arrays(world.vectors(), who, cell[who], RULE, names=world.names)
    asked = (*operating_points.requests(config, RULE, world.names), *operating_points.ladder(config, len(people)))
    found = compare(people, operating_points=asked, bins=64, threads=1, path="portable")
    labellings = [Labelling("headline", world.names, cell.astype(np.int16))]
    if world.alternative is not None:
        labellings.append(Labelling("other", world.names, np.array(world.alternative, np.int16)))
    photos = np.array(world.photos, np.int32)
    rng = np.random.default_rng(world.seed)
    level = rng.integers(-1, 4, (len(photos), 2)).astype(np.int8)
    strata = Strata(("photo_sharpness", "brightness"), np.tile([1.0, 2.0, 3.0], (2, 1)), level)
    made = tally(found, people, photos, tuple(labellings))
    tallies = Tallies(made.attempted, made.acquired, made.labellings, made.points, made.curve, strata=strata)
    shown = [(point.id, point.threshold) for point in found.operating_points if not point.id.startswith(CURVE)]
    points = operating_points.frame(config, shown, RULE, people.cells)
    rows = []
    for k, name in enumerate(world.names):
        n = photos[cell == k]
        rows.append((name, len(n), int((n > 1).sum()), int(n.sum()), int(n.sum()), 0, 0, 0, 0))
    columns = [
        "group",
        "subjects",
        "subjects_with_two",
        "samples",
        "acquired",
        "unreadable",
        "no_face",
        "many_faces",
        "error",
    ]
    return tallies, pd.DataFrame(rows, columns=columns), points, found.histograms


def walk(world: World, config: AuditConfig) -> Assessment:
    """Everything that a run computes."""
    from audit.findings.assess import Observed

    tallies, acquisition, points, histograms = tallied(world, config)
    return assess(config, tallies, acquisition, points, Observed(histograms=histograms))
