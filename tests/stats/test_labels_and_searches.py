"""Label error, 1:N probabilities and tail extrapolation: vectors of METRICS 1.1 and hand calculations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.extremes import SHAPES, fit_exponential_scale, fmr_beyond, threshold_beyond
from audit.stats.identification import fpir, fpir_gamma, fpir_upper_bound, selectivity, subjects_needed
from audit.stats.labels import diluted, misclassification_band, ratio_band, undiluted


@given(st.floats(0.001, 0.3), st.floats(0, 0.1), st.floats(0, 0.1), st.floats(0, 0.3))
def test_undoing_dilution_gives_the_rate_that_was_diluted(
    inside: float, across: float, others: float, error: float
) -> None:
    assert undiluted(diluted(inside, across, others, error), across, others, error) == pytest.approx(inside, abs=1e-9)


def test_dilution_equals_a_simulated_relabelling() -> None:
    # pi = .8: two people labelled A are both A with .64, one of each with .32, both others with .04
    assert diluted(0.2, 0.01, 0.02, 0.2) == pytest.approx(0.64 * 0.2 + 0.32 * 0.01 + 0.04 * 0.02)


def test_the_band_holds_the_observed_rate_and_both_directions() -> None:
    band = misclassification_band(0.2, 0.01, 0.02, 0.2)
    assert band.high == pytest.approx((0.2 - 0.32 * 0.01 - 0.04 * 0.02) / 0.64)
    assert band.low == pytest.approx(0.64 * 0.2 + 0.32 * 0.01 + 0.04 * 0.02)
    assert misclassification_band(0.2, 0.01, 0.02, 0.0) == (0.2, 0.2)


def test_the_band_of_a_ratio_takes_the_worst_of_both() -> None:
    got = ratio_band(misclassification_band(0.2, 0.01, 0.02, 0.1), misclassification_band(0.05, 0.01, 0.02, 0.1))
    assert got.low < 4 < got.high


def test_half_of_the_labels_cannot_be_wrong() -> None:
    with pytest.raises(ValueError, match="Allowed"):
        undiluted(0.1, 0.1, 0.1, 0.5)


@pytest.mark.parametrize(
    ("fmr", "gallery", "value"),
    [
        (1e-3, 200, 0.181351),
        (1e-3, 2000, 0.864800),
        (1e-3, 7000, 0.999091),
        (1e-5, 2e4, 0.181270),
        (1e-6, 1e6, 0.632121),
        (1e-9, 3e9, 0.950213),
    ],
)
def test_the_chance_of_a_wrong_candidate_is_the_published_one(fmr: float, gallery: float, value: float) -> None:
    assert fpir_upper_bound(fmr, gallery) == pytest.approx(value, abs=5e-7)
    assert fpir([[fmr]], [gallery]) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize(("variation", "value"), [(0, 0.632), (1, 0.500), (3, 0.226), (10, 0.045)])
def test_probes_that_differ_give_fewer_searches_with_a_wrong_candidate(variation: float, value: float) -> None:
    assert round(fpir_gamma(1e-6, 1e6, variation), 3) == value


def test_the_gamma_form_is_the_mean_over_gamma_probes() -> None:
    rng = np.random.default_rng(1)
    probes = rng.gamma(1 / 4, 4e-5, 400_000)  # mean 1e-5, coefficient of variation 2
    assert fpir(probes[:, None], [50_000]) == pytest.approx(fpir_gamma(1e-5, 50_000, 2), rel=0.02)


@given(st.lists(st.floats(0, 0.5), min_size=1, max_size=6), st.integers(1, 500))
def test_the_mean_over_probes_never_exceeds_the_bound_of_the_mean(rates: list[float], gallery: int) -> None:
    assert fpir(np.array(rates)[:, None], [gallery]) <= fpir_upper_bound(float(np.mean(rates)), gallery) + 1e-12


def test_selectivity_is_gallery_times_rate() -> None:
    assert selectivity([[1e-3, 1e-4]], [1000, 5000]) == pytest.approx(1.5)


def test_a_claim_at_one_in_a_million_needs_the_pairs_of_7747_people() -> None:
    assert subjects_needed(1e-6) == 7747


@pytest.mark.parametrize(("shape", "rate"), list(zip(SHAPES, [1.024e-5, 4.97871e-5, 7.25382e-5], strict=True)))
def test_the_tail_gives_the_published_rates(shape: float, rate: float) -> None:
    assert fmr_beyond(0.45, 0.3, 1e-3, 0.05, shape) == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize(("shape", "score"), list(zip(SHAPES, [0.534226, 0.990776, 1.790536], strict=True)))
def test_the_tail_gives_the_published_thresholds(shape: float, score: float) -> None:
    got = threshold_beyond(1e-9, 0.3, 1e-3, 0.05, shape)
    assert got == pytest.approx(score, abs=5e-7)
    assert fmr_beyond(got, 0.3, 1e-3, 0.05, shape) == pytest.approx(1e-9, rel=1e-6)


def test_the_exponential_scale_is_the_mean_excess() -> None:
    assert fit_exponential_scale([0.1, 0.4, 0.5], 0.3) == pytest.approx(0.15)
    with pytest.raises(ValueError, match="Allowed"):
        fit_exponential_scale([0.1], 0.3)


def test_a_certain_false_match_in_an_empty_gallery_finds_nobody() -> None:
    assert fpir([[1.0, 0.5]], [0, 1]) == 0.5
    assert fpir([[1.0]], [0]) == 0.0
    assert fpir([[1.0]], [1]) == 1.0
