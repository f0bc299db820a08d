"""Rows of the coverage study about one rate: FMR in both weightings, rare errors, FNMR, FTA.

In: nothing (the worlds are planted here). Out: ``Row``s. Its one idea: the printed interval is called through the same
function the product calls, and the interval a reader might have expected (naive Wilson, bootstrap of rows or of
people, z for t) stands beside it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from audit.stats.dyadic import Weighting, within
from audit.stats.dyadic_rate import DyadicRate
from audit.stats.fnmr import fnmr
from audit.stats.fta import fta
from audit.stats.intervals import normal_quantile, t_quantile, wilson
from audit.validation.study import Answer, Key, Row
from audit.validation.world_people import Dyads, Traits, photo_effects
from audit.validation.worlds import mated_misses, non_mated

__all__ = ["fmr_row", "fnmr_row", "fta_row", "photo_row", "rare_row", "varied_row"]

Ints = NDArray[np.int64]
RESAMPLES = 399
AGAINST = "printed, against its assumption"
_WEIGHTINGS: tuple[Weighting, ...] = ("people", "comparisons")


def fmr_row(name: str, photos: Ints, fmr: float, traits: Traits, *, about: str = "", bootstrap: bool = False) -> Row:
    """FMR inside one group."""
    cell = np.zeros(len(photos), np.int64)
    table = np.array([[fmr]])
    one_photo = bool((photos == 1).all())

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        dyads = non_mated(rng, photos, cell, table, traits)
        out = {}
        for weighting in _WEIGHTINGS[:1] if one_photo else _WEIGHTINGS:
            got = within(photos, dyads.i, dyads.j, dyads.e, weighting)
            for method, limits in _every_method(got).items():
                out[Key("FMR", weighting, method, method == "printed")] = Answer(
                    got.rate, *limits, fmr, got.errors, got.rate
                )
            if bootstrap:
                for method, limits in _bootstraps(rng, photos, dyads, weighting).items():
                    out[Key("FMR", weighting, method)] = Answer(got.rate, *limits, fmr, got.errors, got.rate)
        return out

    pairs = len(photos) * (len(photos) - 1) / 2
    words = (
        about
        or f"{len(photos)} people, FMR {fmr:g} ({pairs * fmr:.3g} errors expected by people), rho "
        f"{traits.rho:g}, delta {traits.delta:g}"
    )
    return Row(name, words, draw)


def photo_row(name: str, photos: Ints, fmr: float, traits: Traits, photo: float, about: str) -> Row:
    """FMR inside one group whose photos differ too: people with many photos then vary less than others, as in LFW."""

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        dyads = photo_effects(rng, photos, fmr, traits, photo)
        out = {}
        for weighting in _WEIGHTINGS:
            got = within(photos, dyads.i, dyads.j, dyads.e, weighting)
            for method, limits in _every_method(got).items():
                out[Key("FMR", weighting, method, method == "printed")] = Answer(
                    got.rate, *limits, fmr, got.errors, got.rate
                )
        return out

    words = (
        f"{about}; a photo's own share of a score {photo:g}; FMR {fmr:g}, rho {traits.rho:g}, delta {traits.delta:g}"
    )
    return Row(name, words, draw)


def varied_row(name: str, photos: Ints, fmr: float, traits: Traits, factor: float, about: str) -> Row:
    """Against an assumption: people with five photos or more vary ``factor`` times as much as others, so pooling the
    spread misleads.
    """
    spread = np.where(photos >= 5, factor, 1.0)
    i, j = np.triu_indices(len(photos), 1)
    # Z is normal with variance 1 + rho/2·(s_i² + s_j² - 2)
    chance = ndtr(ndtri(fmr) / np.sqrt(1 + traits.rho / 2 * (spread[i] ** 2 + spread[j] ** 2 - 2)))
    weight = photos[i] * photos[j]
    truths = {"people": float(chance.mean()), "comparisons": float((chance * weight).sum() / weight.sum())}
    cell = np.zeros(len(photos), np.int64)

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        dyads = non_mated(
            rng, photos, cell, np.array([[fmr]]), traits, people=spread * rng.standard_normal(len(photos))
        )
        out = {}
        for weighting in _WEIGHTINGS:
            got = within(photos, dyads.i, dyads.j, dyads.e, weighting)
            key = Key("FMR", weighting, AGAINST)
            out[key] = Answer(got.rate, got.low, got.high, truths[weighting], got.errors, got.rate)
        return out

    words = (
        f"{about}; who has five photos or more varies {factor:g} times as much; FMR {fmr:g} for "
        f"others, rho {traits.rho:g}"
    )
    return Row(name, words, draw)


def _every_method(got: DyadicRate) -> dict[str, tuple[float, float]]:
    naive = wilson(got.rate, got.M)
    if not got.n_eff > 0:
        same = (got.low, got.high)
        return {
            "printed": same,
            "naive Wilson": naive[:2],
            "closed form z": same,
            "closed form, t or z by METRICS": same,
        }
    quantile = normal_quantile() if got.df is None else t_quantile(got.df)
    return {
        "printed": (got.low, got.high),
        "naive Wilson": naive[:2],
        "closed form z": wilson(got.rate, got.n_eff)[:2],
        "closed form, t or z by METRICS": wilson(got.rate, got.n_eff, quantile=quantile)[:2],
    }


def _bootstraps(
    rng: np.random.Generator, photos: Ints, dyads: Dyads, weighting: Weighting
) -> dict[str, tuple[float, float]]:
    """Percentile limits: of rows of the symmetric table (wrong), of people (vertex)."""
    size = len(photos)
    a = np.ones(size) if weighting == "people" else photos.astype(np.float64)
    e = dyads.e / (photos[dyads.i] * photos[dyads.j]) if weighting == "people" else dyads.e.astype(np.float64)
    c = rng.multinomial(size, np.full(size, 1 / size), RESAMPLES).astype(np.float64)
    E = np.bincount(dyads.i, e, size) + np.bincount(dyads.j, e, size)
    rows = (c @ E) / (c @ (a * (a.sum() - a)))
    weight = c @ a
    vertex = ((c[:, dyads.i] * c[:, dyads.j]) @ e) / ((weight**2 - (c * a) ** 2 @ np.ones(size)) / 2)
    return {
        "row bootstrap": (float(np.quantile(rows, 0.025)), float(np.quantile(rows, 0.975))),
        "vertex bootstrap": (float(np.quantile(vertex, 0.025)), float(np.quantile(vertex, 0.975))),
    }


def rare_row(name: str, people: int, fmr: float, traits: Traits) -> Row:
    """Rare errors, one photo each: what is printed at zero errors with and without a nearby design effect."""
    photos, cell = np.ones(people, np.int64), np.zeros(people, np.int64)
    pairs = people * (people - 1) / 2
    floor = min(0.5, max(100 / pairs, 3 * fmr))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        tail = non_mated(rng, photos, cell, np.array([[floor]]), traits)
        cut = _gap(fmr, floor)
        hit = tail.score >= cut
        near = None
        if len(tail.score) >= 30:
            thirty = tail.score >= np.partition(tail.score, -30)[-30]
            near = within(photos, tail.i[thirty], tail.j[thirty], tail.e[thirty]).design_effect
        plain = within(photos, tail.i[hit], tail.j[hit], tail.e[hit])
        aided = within(photos, tail.i[hit], tail.j[hit], tail.e[hit], nearby_design_effect=near)
        return {
            Key("FMR", "people", "printed, disjoint pairs at zero", True): Answer(
                plain.rate, plain.low, plain.high, fmr, plain.errors, plain.rate
            ),
            Key("FMR", "people", "printed, nearby design effect at zero", True): Answer(
                aided.rate, aided.low, aided.high, fmr, plain.errors, plain.rate
            ),
            Key("FMR", "people", "naive Wilson"): Answer(plain.rate, *wilson(plain.rate, plain.M)[:2], fmr),
        }

    return Row(name, f"{people} people, FMR {fmr:g} ({pairs * fmr:.3g} errors expected), rho {traits.rho:g}", draw)


def _gap(fmr: float, floor: float) -> float:
    """How far the cut of ``fmr`` lies above the cut of ``floor``."""
    return float(ndtri(floor) - ndtri(fmr))


def fnmr_row(name: str, photos: Ints, rate: float, rho: float, *, about: str = "") -> Row:
    """FNMR over people and over comparisons."""

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        f, g = mated_misses(rng, photos, rate, rho)
        got, other = fnmr(f, g), fnmr(f, g, "comparisons")
        q, n = got.rate, got.subjects
        spread = float((got.influence**2).sum()) * n / (n - 1)
        out = {
            Key("FNMR", "people", "printed", True): Answer(q, got.low, got.high, rate, got.errors, q),
            Key("FNMR", "comparisons", "printed", True): Answer(
                other.rate, other.low, other.high, rate, other.errors, other.rate
            ),
            Key("FNMR", "comparisons", "naive Wilson"): Answer(
                other.rate, *wilson(other.rate, other.trials)[:2], rate
            ),
        }
        metrics = fnmr(f, g, guarded=False)
        out[Key("FNMR", "people", "Wilson z on people, METRICS")] = Answer(q, metrics.low, metrics.high, rate)
        if 0 < q < 1 and spread > 0:
            out[Key("FNMR", "people", "spread between people, Wilson z")] = Answer(
                q, *wilson(q, q * (1 - q) / spread)[:2], rate
            )
        if 0 < other.rate < 1 and other.variance > 0:
            clustered = wilson(other.rate, other.rate * (1 - other.rate) / other.variance)
            out[Key("FNMR", "comparisons", "clustered, Wilson z")] = Answer(other.rate, *clustered[:2], rate)
        return out

    has = int((photos > 1).sum())
    return Row(name, about or f"{has} people with mated pairs, FNMR {rate:g}, rho {rho:g}", draw)


def fta_row(name: str, photos: Ints, rate: float, rho: float, *, about: str = "") -> Row:
    """FTA by sample and by person."""
    cut = float(-ndtri(rate))

    def draw(rng: np.random.Generator) -> dict[Key, Answer]:
        person = np.repeat(np.arange(len(photos)), photos)
        z = math.sqrt(rho) * rng.standard_normal(len(photos))[person] + math.sqrt(1 - rho) * rng.standard_normal(
            len(person)
        )
        failed = np.bincount(person[z >= cut], minlength=len(photos))
        by_sample, by_person = fta(photos, failed), fta(photos, failed, "people")
        return {
            Key("FTA", "comparisons", "printed", True): Answer(
                by_sample.rate, by_sample.low, by_sample.high, rate, by_sample.errors, by_sample.rate
            ),
            Key("FTA", "people", "printed", True): Answer(
                by_person.rate, by_person.low, by_person.high, rate, by_person.errors, by_person.rate
            ),
            Key("FTA", "comparisons", "naive Wilson"): Answer(
                by_sample.rate, *wilson(by_sample.rate, by_sample.trials)[:2], rate
            ),
        }

    return Row(name, about or f"{len(photos)} people, {int(photos.sum())} photos, FTA {rate:g}, rho {rho:g}", draw)
