"""The people of a simulated world: how many photographs each has, and what is common to the errors of one person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["Dyads", "Floats", "Ints", "LFW_PHOTOS", "Traits", "photo_effects", "photos_like_lfw"]

Floats = NDArray[np.float64]


Ints = NDArray[np.int64]


LFW_PHOTOS = {
    "everyone": {
        **{
            1: 4069,
            2: 779,
            3: 291,
            4: 187,
            5: 112,
            6: 55,
            7: 39,
            8: 33,
            9: 26,
            10: 15,
            11: 16,
            12: 10,
            13: 11,
            14: 10,
            15: 11,
            16: 3,
            17: 8,
            18: 5,
        },
        **{
            19: 7,
            20: 5,
            21: 4,
            22: 5,
            23: 3,
            24: 3,
            25: 1,
            26: 2,
            27: 1,
            28: 2,
            29: 2,
            30: 2,
            31: 2,
            32: 3,
            33: 3,
            35: 1,
            36: 1,
            37: 1,
            39: 2,
        },
        **{
            41: 2,
            42: 2,
            44: 1,
            48: 1,
            49: 1,
            52: 2,
            53: 1,
            55: 1,
            60: 1,
            71: 1,
            77: 1,
            109: 1,
            121: 1,
            144: 1,
            236: 1,
            530: 1,
        },
    },
    "Black F": {1: 38, 2: 10, 3: 1, 5: 3, 6: 1, 17: 1, 52: 1},
    "Black M": {1: 175, 2: 28, 3: 4, 4: 6, 5: 4, 7: 1, 9: 1, 11: 1, 32: 1},
    "Asian F": {1: 82, 2: 11, 3: 5, 4: 5, 5: 3, 8: 1, 14: 1, 33: 1},
    "Asian M": {1: 201, 2: 37, 3: 8, 4: 5, 5: 2, 6: 4, 8: 4, 9: 3, 10: 1, 11: 3, 13: 2, 15: 1, 32: 1, 60: 1},
}
"""People by number of photos in LFW (13,233 photos, 5,749 people; one has 530): counts only."""


class Traits(NamedTuple):
    """Shares of a score's variance: the person (rho), the pair of people (delta); the rest is the photo."""

    rho: float
    delta: float = 0.0


@dataclass(frozen=True, eq=False)
class Dyads:
    """Pairs of people with errors, i < j (global indices), and each pair's highest score (for threshold studies; one
    photo each).
    """

    i: Ints
    j: Ints
    e: Ints
    score: Floats


def photos_like_lfw(which: str = "everyone") -> Ints:
    """(S,) photos per person, ascending."""
    counts = LFW_PHOTOS[which]
    return np.repeat(np.array(sorted(counts), np.int64), [counts[k] for k in sorted(counts)])


def photo_effects(rng: np.random.Generator, n: Ints, fmr: float, traits: Traits, photo: float) -> Dyads:
    """One group whose photos differ too: Z = √ρ(a_i+a_j)/√2 + √φ(b_ik+b_jl)/√2 + √δ d_ij + noise, φ = ``photo``; every
    comparison drawn.

    A person with many photos is then closer to his average than one with a single photo. ``score`` is not filled.
    """
    size, owner = len(n), np.repeat(np.arange(len(n)), n)
    own = math.sqrt(traits.rho / 2) * rng.standard_normal(size)[owner] + math.sqrt(photo / 2) * rng.standard_normal(
        len(owner)
    )
    k, m = np.triu_indices(len(owner), 1)
    k, m = k[owner[k] != owner[m]], m[owner[k] != owner[m]]
    pair = owner[k] * size + owner[m]
    shared = math.sqrt(traits.delta) * rng.standard_normal(size * size)[pair]
    noise = math.sqrt(1 - traits.rho - photo - traits.delta) * rng.standard_normal(len(k))
    hit, e = np.unique(pair[own[k] + own[m] + shared + noise >= -ndtri(fmr)], return_counts=True)
    return Dyads(hit // size, hit % size, e, np.zeros(len(e)))
