"""The coverage study in short form: vectors agree, worlds are what they claim, printed intervals hold, counting is
right."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from audit.validation import ROWS, SHORT, validate, vectors
from audit.validation.publish import page, publish
from audit.validation.study import Answer, Key, Row, run_row
from audit.validation.world_people import Traits, photos_like_lfw
from audit.validation.worlds import mated_misses, non_mated


def test_every_vector_of_metrics_agrees() -> None:
    table = vectors()
    assert len(table) >= 80
    assert table["agrees"].all(), table[~table["agrees"]]


def test_lfw_has_its_photos_and_its_man_with_530() -> None:
    photos = photos_like_lfw()
    assert (len(photos), photos.sum(), photos.max()) == (5749, 13233, 530)
    assert int((photos * (photos - 1) // 2).sum()) == 242_257  # mated pairs


def test_worlds_have_the_rate_they_claim_in_both_weightings() -> None:
    rng = np.random.default_rng(1)
    n = np.r_[np.full(20, 3), np.full(5, 20)]
    cell, table = np.zeros(25, int), np.array([[0.05]])
    i, j = np.triu_indices(25, 1)
    m = (n[i] * n[j]).sum()
    people, comparisons = [], []
    for _ in range(800):
        d = non_mated(rng, n, cell, table, Traits(0.3, 0.3))
        people.append((d.e / (n[d.i] * n[d.j])).sum() / len(i))
        comparisons.append(d.e.sum() / m)
    for draws in (people, comparisons):
        assert np.mean(draws) == pytest.approx(0.05, abs=4 * np.std(draws) / math.sqrt(800))


def test_two_pairs_that_share_a_person_err_together_as_often_as_the_model_says() -> None:
    # corr(Z_ij, Z_ik) = rho/2: P(both match) from the bivariate normal
    rng, fmr, rho = np.random.default_rng(2), 0.1, 0.6
    n, cell = np.ones(12, int), np.zeros(12, int)
    both, pairs = 0, 0
    for _ in range(4000):
        d = non_mated(rng, n, cell, np.array([[fmr]]), Traits(rho))
        degree = np.bincount(d.i, minlength=12) + np.bincount(d.j, minlength=12)
        both += (degree * (degree - 1) // 2).sum()
        pairs += 12 * (11 * 10 // 2)
    cut = 1.2815515655446004
    want = multivariate_normal([0, 0], [[1, rho / 2], [rho / 2, 1]]).cdf([-cut, -cut])
    assert both / pairs == pytest.approx(want, rel=0.04)


def test_a_pair_effect_makes_a_pairs_comparisons_err_together() -> None:
    # E[e(e-1)] = m(m-1)·P(two comparisons of one pair match), corr = rho + delta
    rng, fmr = np.random.default_rng(3), 0.05
    n, cell, traits = np.full(8, 4), np.zeros(8, int), Traits(0.2, 0.4)
    total = 0.0
    for _ in range(4000):
        e = non_mated(rng, n, cell, np.array([[fmr]]), traits).e
        total += (e * (e - 1)).sum()
    cut = 1.6448536269514722
    want = multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]]).cdf([-cut, -cut])
    assert total / 4000 / 28 / (16 * 15) == pytest.approx(want, rel=0.06)


def test_misses_have_the_rate_they_claim() -> None:
    rng = np.random.default_rng(4)
    n = np.repeat([1, 2, 5], [10, 300, 50])
    draws = []
    for _ in range(200):
        f, g = mated_misses(rng, n, 0.1, 0.4)
        assert (g == n * (n - 1) // 2).all()
        draws.append((f[g > 0] / g[g > 0]).mean())
    assert np.mean(draws) == pytest.approx(0.1, abs=0.005)


def test_coverage_is_counted_and_misses_are_told_by_side() -> None:
    # limits -1..1 around a normal truth: P(|x| <= 1) = .6827
    row = Row(
        "toy", "toy", lambda rng: {Key("x", "people", "m", True): Answer(0, -1.0, 1.0, float(rng.standard_normal()))}
    )
    line = run_row(row, 20_000, 1).iloc[0]
    assert line["coverage"] == pytest.approx(0.6827, abs=0.012)
    assert line["truth_below"] == pytest.approx(0.1587, abs=0.01)
    assert line["verdict"] == "MISSES"
    assert line["monte_carlo_error"] == pytest.approx(math.sqrt(0.6827 * 0.3173 / 20_000), rel=0.02)


def test_a_refused_interval_is_counted_as_refused_not_as_a_miss() -> None:
    row = Row("toy", "toy", lambda rng: {Key("x", "people", "m", True): Answer(0, math.nan, math.nan, 0.5)})
    line = run_row(row, 10, 1).iloc[0]
    assert line["answered"] == 0
    assert line["verdict"] == "never printed"


def test_the_study_is_the_same_on_any_number_of_threads_and_in_any_company() -> None:
    alone = validate(12, 5, ["fnmr-60-0.2"])
    company = validate(12, 5, ["fmr-55-0.01-0.2", "fnmr-60-0.2"], threads=2)
    assert company[company["row"] == "fnmr-60-0.2"].reset_index(drop=True).equals(alone)


@pytest.mark.slow
def test_printed_intervals_hold_in_the_short_form_and_the_naive_one_does_not() -> None:
    table = validate(100, 11, SHORT)
    printed = table[table["printed"] & (table["answered"] > 0)]
    assert len(printed) >= 7
    # four Monte Carlo errors (.022 each at .95) below the gate
    assert (printed["coverage"] >= 0.93 - 4 * 0.022).all(), printed[["row", "method", "coverage"]]
    naive = table[(table["method"] == "naive Wilson") & (table["row"] == "fmr-55-0.01-0.2")]
    assert float(naive["coverage"].iloc[0]) < 0.92


def test_the_page_is_made_from_the_table_and_names_what_is_never_printed(tmp_path: Path) -> None:
    table, checks = validate(15, 3, ["fnmr-60-0.2"]), vectors()
    publish(tmp_path, table, checks, 3)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text == page(table, checks, 3)
    assert "none printed" in text
    assert (tmp_path / "coverage.csv").read_text(encoding="utf-8").count("\n") == len(table) + 1


def test_an_unknown_row_is_refused() -> None:
    with pytest.raises(ValueError, match="Allowed"):
        validate(1, 1, ["moon"])
    assert set(SHORT) <= set(ROWS)
