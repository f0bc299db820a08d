"""Bench results: real measurements in, verdicts that tell noise from change out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from audit import bench
from audit.errors import ConfigError, ResultsError


def result(values: list[float], *, name: str = "core", better: str = "less", unit: str = "x raw product") -> dict[str, Any]:
    return {"format": 1, "machine": {}, "entries": [{"name": name, "unit": unit, "better": better, "values": values}]}


def test_a_small_run_measures_the_core_against_the_raw_product() -> None:
    got = bench.run(sizes=[(600, 32, "cosine")], rounds=2, threads=1)
    ratio = got["entries"][1]
    assert ratio["comparisons"] == 600 * 599 // 2
    assert ratio["values"] == [c / r for c, r in zip(ratio["seconds"], ratio["raw_seconds"], strict=True)]
    assert json.loads(json.dumps(got)) == got


def test_a_clear_slowdown_fails_and_says_so() -> None:
    markdown, failed = bench.compare(result([1.00, 1.01, 0.99, 1.0]), result([1.30, 1.31, 1.29, 1.3]))
    assert failed
    assert "slower, beyond ratio>1.10" in markdown
    # 1.30 / 1.00 by geometric means.
    assert "| 1.30 (" in markdown


def test_noise_does_not_fail_even_if_its_middle_lies_beyond_the_limit() -> None:
    # Geometric means 0.97 and 1.16: a ratio of 1.2, but the rounds scatter by a factor of two.
    markdown, failed = bench.compare(result([0.7, 1.4, 0.7, 1.3]), result([0.8, 1.7, 0.9, 1.5]))
    assert not failed
    assert "no change beyond noise" in markdown


def test_a_real_but_small_slowdown_is_named_and_does_not_fail() -> None:
    markdown, failed = bench.compare(result([1.0, 1.001, 0.999]), result([1.05, 1.051, 1.049]))
    assert not failed
    assert "| slower |" in markdown


def test_more_photographs_a_second_is_faster() -> None:
    one, two = (result(values, better="more", unit="photographs a second") for values in ([9.0, 9.1, 9.0], [18.0, 18.1, 18.2]))
    assert "faster" in bench.compare(one, two)[0]
    assert bench.compare(two, one)[1]


def test_one_round_is_too_few_to_tell() -> None:
    markdown, failed = bench.compare(result([1.0]), result([2.0]))
    assert not failed
    assert "too few rounds" in markdown


def test_equal_rounds_need_no_interval() -> None:
    assert bench.compare(result([1.0, 1.0]), result([1.5, 1.5]))[1]
    assert not bench.compare(result([1.0, 1.0]), result([1.0, 1.0]))[1]


def test_the_interval_covers_no_change_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    false_alarms = sum(
        "| slower"
        in (text := bench.compare(result(np.exp(0.1 * rng.standard_normal(7)).tolist()), result(np.exp(0.1 * rng.standard_normal(7)).tolist()))[0])
        or "| faster" in text
        for _ in range(400)
    )
    # 5 % of 400 is 20; four standard deviations of a binomial are 17.
    assert false_alarms <= 37


@pytest.mark.parametrize("rule", ["ratio", "seconds>1", "ratio>x", "ratio<1.1"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(ConfigError, match="fail-on"):
        bench.compare(result([1.0]), result([1.0]), rule)


def test_results_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ResultsError, match="format"):
        bench.compare({"format": 0}, result([1.0]))
    with pytest.raises(ResultsError, match="same name"):
        bench.compare(result([1.0], name="x"), result([1.0]))
    with pytest.raises(ResultsError, match="positive"):
        bench.compare(result([0.0]), result([1.0]))
