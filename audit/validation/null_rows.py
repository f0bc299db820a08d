"""Worlds of equal groups in, rows of the coverage study out: how often a summary leaves the band that equal groups
should show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from audit.stats.dyadic import pair_mask, rate, tabulate
from audit.stats.fnmr import moved
from audit.stats.group_rates import GroupRates
from audit.stats.inequity import SUMMARIES, summarise
from audit.stats.noise import homogeneity, null_band
from audit.validation.group_rows import BOTH, Floats, Ints, both_words, fewest, misses, pairs_of, quiet
from audit.validation.ratio_rows import cells_of, within_cells
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Traits
from audit.validation.worlds import non_mated

__all__ = ["null_both_row", "null_row"]


def _own_threshold(d_score: Floats, inside: Ints, share: float) -> Ints:
    """Places of the pairs that match where the group's own threshold gives so many."""
    k = max(1, min(len(inside), round(share)))
    out: Ints = inside[np.argsort(-d_score[inside], kind="stable")[:k]]
    return out


def null_row(name: str, sizes: Sequence[int], fmr: float, traits: Traits) -> Row:
    """Equal groups: how often the null band and Welch's F keep quiet."""
    photos, cell = cells_of(sizes)
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    floor = min(0.5, 4 * fmr)
    cut, expected = float(ndtri(floor) - ndtri(fmr)), pairs_of(sizes, [fmr] * len(sizes))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells([floor] * len(sizes)), traits)
        hit = d.score >= cut
        sums = tabulate(photos, cell, len(sizes), d.i[hit], d.j[hit], d.e[hit], "people")
        seen = [rate(sums, mask) for mask in masks]
        p0 = float(np.mean([v.rate for v in seen]))
        # each group at its own threshold where its rate is p0 (METRICS 2)
        there = []
        for g in range(len(sizes)):
            own = _own_threshold(d.score, np.flatnonzero(cell[d.i] == g), p0 * seen[g].M)
            there.append(rate(tabulate(photos, cell, len(sizes), d.i[own], d.j[own], d.e[own], "people"), masks[g]))
        groups, few = GroupRates.printed(there), fewest(seen, expected)
        out: dict[Key, Answer] = {}
        for which in ("max_over_geometric_mean", "ratio"):
            out |= quiet(which, seen, p0, groups, few, rng)
        *_, p = homogeneity(GroupRates.printed(seen))
        known = math.isfinite(p)
        out[Key("homogeneity", "people", "Welch's F keeps quiet where groups are equal", True)] = Answer(
            p, 0.05 if known else math.nan, 1.0 if known else math.nan, p, *few
        )
        return out

    return Row(
        name,
        f"{len(sizes)} equal groups of {min(sizes)} to {max(sizes)} people, FMR {fmr:g}, rho {traits.rho:g}",
        draw,
    )


def null_both_row(name: str, sizes: Sequence[int], fmr: float, q: float, traits: Traits) -> Row:
    """Groups equal in both errors: how often the null bands of the combined summaries keep quiet."""
    photos, cell = cells_of(sizes)
    masks = [pair_mask(len(sizes), [[g, g]]) for g in range(len(sizes))]
    floor = min(0.5, 4 * fmr)
    cut, expected = float(ndtri(floor) - ndtri(fmr)), [size * q for size in sizes]

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        d = non_mated(rng, photos, cell, within_cells([floor] * len(sizes)), traits)
        hit = d.score >= cut
        sums = tabulate(photos, cell, len(sizes), d.i[hit], d.j[hit], d.e[hit], "people")
        first, second = [rate(sums, mask) for mask in masks], misses(rng, sizes, [q] * len(sizes), traits.rho)
        p0, q0 = float(np.mean([v.rate for v in first])), float(np.average([v.rate for v in second], weights=sizes))
        there = []
        for g in range(len(sizes)):
            own = _own_threshold(d.score, np.flatnonzero(cell[d.i] == g), p0 * first[g].M)
            there.append(rate(tabulate(photos, cell, len(sizes), d.i[own], d.j[own], d.e[own], "people"), masks[g]))
        x, y = np.array([v.rate for v in first]), np.array([v.rate for v in second])
        out: dict[Key, Answer] = {}
        if not ((x > 0).all() and (y > 0).all()):
            return out
        a, b, few = (
            GroupRates.printed(there),
            GroupRates.printed([moved(v, q0) for v in second]),
            fewest(second, expected),
        )
        for which in BOTH:
            band = null_band(
                which, float(summarise(which, x, y)), p0, a, q0, b, seed=int(rng.integers(2**31)), draws=2000
            )
            if len(band.used) == len(sizes):  # the product prints none otherwise
                key = Key(f"null band, {which}", "people", "keeps quiet where groups are equal", True)
                out[key] = Answer(float(SUMMARIES[which].perfect), 0.05, 1.0, band.p_value, *few)
        return out

    return Row(name, both_words(sizes, [fmr], [q], traits), draw)
