"""Planted people for the tests of this room: counts drawn with known rates (``people``), and points in space whose
rates follow (``draw``).

The world of ``draw``: a person is a point, N(0, s^2) in each of D dimensions, and a photo the point plus N(0, t^2).
Then the squared distance of two photos is 2 (s^2 + t^2) chi2_D between two people of a group, (s_A^2 + s_B^2 + 2 t^2)
chi2_D between groups, and 2 t^2 chi2_D for one person. People near the middle resemble everybody, so comparisons share
people in earnest.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from audit.backends.protocol import ScoreRule
from audit.embeddings import EmbeddingSet
from audit.observations.tallies import Labelling, PointTally, Tallies

D, BLUR, DISTANCE = 4, 0.25, 1.0
GROUPS = {"group=A": (70, 1.0), "group=B": (45, 0.65)}  # people, spread
RULE = ScoreRule("euclidean", "dissimilarity", -12.0, 0.0)
NAMES = tuple(GROUPS)


def share_within(scale: float) -> float:
    """P(distance <= DISTANCE) where the squared distance is scale * chi2_D."""
    return float(chi2.cdf(DISTANCE**2 / scale, D))


SPREAD = {name: spread for name, (_, spread) in GROUPS.items()}
FMR = {name: share_within(2 * (SPREAD[name] ** 2 + BLUR**2)) for name in NAMES}
CROSS = share_within(SPREAD["group=A"] ** 2 + SPREAD["group=B"] ** 2 + 2 * BLUR**2)
FNMR = 1 - share_within(2 * BLUR**2)


def draw(rng: np.random.Generator) -> tuple[EmbeddingSet, np.ndarray, np.ndarray]:
    """One benchmark: templates, photos per person, cell per person; one to three photos each."""
    cell = np.repeat(np.arange(len(GROUPS)), [people for people, _ in GROUPS.values()])
    spread = np.array([GROUPS[NAMES[c]][1] for c in cell])
    photos = rng.integers(1, 4, len(cell))
    points = rng.standard_normal((len(cell), D)) * spread[:, None]
    who = np.repeat(np.arange(len(cell)), photos)
    vectors = points[who] + BLUR * rng.standard_normal((len(who), D))
    return EmbeddingSet.from_arrays(vectors, who, cell[who], RULE, names=NAMES), photos, cell


def people(
    plan: dict[str, tuple[int, float, float]],
    *,
    seed: int = 5,
    photos: int = 2,
    labels: dict[str, list[str]] | None = None,
) -> Tallies:
    """``plan``: cell -> (people, FMR inside it, FNMR); ``labels``: other label
    source -> each person's cell under it."""
    rng = np.random.default_rng(seed)
    names = tuple(plan)
    home = np.repeat(np.arange(len(names)), [count for count, _, _ in plan.values()])
    count = len(home)
    i, j = (part.astype(np.int32) for part in np.triu_indices(count, 1))
    inside = np.array([fmr for _, fmr, _ in plan.values()])
    chance = np.where(home[i] == home[j], inside[home[i]], 0.0)
    e = rng.binomial(photos * photos, chance).astype(np.int32)
    mated = photos * (photos - 1) // 2
    f = rng.binomial(mated, np.array([miss for _, _, miss in plan.values()])[home]).astype(np.int32)
    n = np.full(count, photos, dtype=np.int32)
    labellings = [Labelling("headline", names, home.astype(np.int16))]
    for name, words in (labels or {}).items():
        cells = tuple(sorted(set(words) - {"unlabelled"})) + (("unlabelled",) if "unlabelled" in words else ())
        labellings.append(Labelling(name, cells, np.array([cells.index(word) for word in words], dtype=np.int16)))
    return Tallies(n, n, tuple(labellings), (PointTally("t", 0.5, i[e > 0], j[e > 0], e[e > 0], f),))
