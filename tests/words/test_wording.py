"""Wording: numbers become words by rules."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.words import wording as w

NAN, INF = float("nan"), float("inf")


def test_a_rate_is_said_with_its_interval_and_its_people():
    assert (
        w.rate_in_words(0.302, 0.251, 0.349, 273)
        == "about 300 of 1,000 random pairs of different people, one photo each (250 to 350, 95 %; 273 people)"
    )


def test_comparisons_weighting_speaks_of_photo_pairs():
    assert "photo pairs of different people (" in w.rate_in_words(0.1, 0.05, 0.2, 10, weighting="comparisons")


def test_a_missing_interval_is_said():
    assert w.rate_in_words(0.1, NAN, NAN, 10, measure="FNMR", weighting="comparisons").endswith(
        "(no interval can be given; 10 people)"
    )


def test_a_missing_rate_is_said():
    assert w.rate_in_words(NAN, NAN, NAN, 1) == "no rate can be given (1 person)"


@pytest.mark.parametrize(
    ("rates", "per"),
    [
        ([0.302, 0.013], 1000),  # 300 and 13
        ([1.7e-4, 3e-5], 100_000),  # 17 and 3
        ([0.0046], 10_000),  # 46
        ([0.0, NAN], 1000),  # nothing decides
        ([1.0], 1000),
        ([9.96e-4], 1000),  # rounds to 1.0e-3: 1 in 1,000
        ([4.2e-8], 10**9),  # 42 in a thousand million
    ],
)
def test_one_denominator_makes_every_number_whole(rates, per):
    assert w.denominator(rates) == per


@given(st.lists(st.floats(min_value=1e-9, max_value=1), min_size=1, max_size=8))
def test_at_the_common_denominator_every_printed_count_is_a_whole_number_of_at_most_two_digits(rates):
    per = w.denominator(rates)
    for rate in rates:
        text = w.out_of(rate, per)
        assert re.fullmatch(r"[\d,]+", text)
        value = int(text.replace(",", ""))
        assert len(str(value).rstrip("0")) <= 2
        assert value == pytest.approx(rate * per, rel=0.1)


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_number_in_prose_has_at_most_two_significant_digits(value):
    digits = w.number(value).replace(",", "").replace(".", "").strip("0")
    assert len(digits) <= 2
    assert float(w.number(value).replace(",", "")) == pytest.approx(value, rel=0.0501)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234, "1,200"), (0.0314, "0.031"), (4.5, "4.5"), (2.0, "2"), (9.96, "10"), (0, "0"), (INF, "unlimited")],
)
def test_numbers_are_short_and_plain(value, text):
    assert w.number(value) == text


def test_a_rate_below_one_is_never_said_to_be_all():
    assert w.out_of(0.997, 1000) == "990"
    assert w.out_of(1.0, 1000) == "1,000"


def test_none_seen_names_the_pairs_and_a_one_sided_limit():
    # 55 people make 55 * 54 / 2 = 1,485 pairs.
    assert (
        w.rate_in_words(0.0, 0.0, 0.104, 55)
        == "none seen among 1,485 pairs of people; the true rate could be up to 100 in 1,000 "
        "(one-sided 95 %; 55 people)"
    )
    assert w.none_seen_in_words(12, 0.2, measure="FNMR").startswith(
        "none seen among 12 people with two or more photos; "
    )
    assert w.none_seen_in_words(12, NAN).endswith("no upper limit can be given")


@pytest.mark.parametrize(
    ("ratio", "low", "high", "text"),
    [
        (3.04, 2.0, 4.49, "about 3 times (2 to 4.5)"),
        (NAN, NAN, 4.0, "at most 4 times"),
        (NAN, 3.0, NAN, "at least 3 times"),
        (NAN, NAN, NAN, "no ratio can be given"),
        (2.0, 1.5, NAN, "about 2 times (at least 1.5)"),
        (0.4, 0.3, 0.5, "about 0.4 times (0.3 to 0.5)"),
    ],
)
def test_a_ratio_is_said_with_its_interval(ratio, low, high, text):
    assert w.ratio_in_words(ratio, low, high) == text


@pytest.mark.parametrize(
    ("group", "words", "label"),
    [
        ("race=Black|sex=Female", "people recorded as Black women", "Black women"),
        ("sex=Male", "people recorded as men", "Men"),
        ("race=Asian", "people recorded as Asian", "Asian"),
        ("race=White|sex=F|age=3-9", "people recorded as White female aged 3-9", "White female aged 3-9"),
        ("race=White|sex=Female|age=20-29", "people recorded as White women aged 20-29", "White women aged 20-29"),
        ("skin_type=5-6", "people with skin type 5-6", "With skin type 5-6"),
        ("unlabelled", "people without one agreed label", "No agreed label"),
        ("all labelled", "all people with labels", "All labelled people"),
    ],
)
def test_groups_are_named_as_recorded_for_any_attribute(group, words, label):
    assert w.group_in_words(group) == words
    assert w.group_label(group) == label


def test_several_groups_share_one_recorded_as():
    assert (
        w.groups_in_words(["race=Black|sex=Female", "race=Asian|sex=Male"])
        == "people recorded as Black women and Asian men"
    )


def test_operating_points_say_who_set_the_threshold():
    vendor = {"protocol": "vendor_default", "threshold": 0.6, "unit": "distance", "target": NAN}
    assert w.operating_point_in_words(vendor) == "the vendor's default threshold (distance 0.6)"
    target = {
        "protocol": "target_fmr",
        "threshold": 0.41234567,
        "unit": "distance",
        "target": 0.001,
        "weighting": "people",
    }
    assert (
        w.operating_point_in_words(target)
        == "a threshold set so that at most 1 in 1,000 random pairs of different people, one photo "
        "each, match (distance 0.41234567)"
    )
    fixed = {"protocol": "fixed", "threshold": 0.5, "unit": "cosine"}
    assert w.operating_point_in_words(fixed) == "a threshold fixed by the person who ran the test (cosine 0.5)"


def test_there_are_four_certainty_phrases():
    assert len(w.CERTAINTIES) == 4
    assert w.no_larger_than(2.0) == "no difference larger than ×2"


def test_missing_numbers_never_print_as_nan():
    texts = [w.number(NAN), w.out_of(NAN, 1000), w.rate_in_words(NAN, NAN, NAN, 0), w.ratio_in_words(NAN, INF, INF)]
    assert not any("nan" in text.split() or "inf" in text.split() for text in texts)
    assert math.isnan(NAN)


@pytest.mark.parametrize(
    ("gap", "per", "words"),
    [
        ((0.2907, 0.2455, 0.3404), 1_000, "about 290 more in 1,000 (250 to 340)"),
        (
            (-0.154, -0.192, -0.079),
            1_000,
            "about 150 fewer in 1,000 (79 to 190)",
        ),  # the nearer limit first, as in "250 to 340"
        ((0.0092, -0.0062, 0.032), 1_000, "about 9.2 more in 1,000 (6.2 fewer to 32 more)"),
        ((-0.0151, -0.0251, 0.0495), 10_000, "about 150 fewer in 10,000 (250 fewer to 500 more)"),
        ((0.0, -0.05, 0.03), 1_000, "as many in 1,000 (50 fewer to 30 more)"),
        ((0.02, NAN, NAN), 1_000, "about 20 more in 1,000 (no interval can be given)"),
        ((NAN, NAN, NAN), 1_000, "no gap can be given"),
    ],
)
def test_an_absolute_gap_has_one_denominator_a_direction_and_its_interval(gap, per, words):
    assert w.difference_in_words(*gap, per) == words


def test_the_level_of_a_gap_is_said_where_it_is_asked_for():
    assert (
        w.difference_in_words(0.29, 0.24, 0.34, 1_000, confidence=0.95) == "about 290 more in 1,000 (240 to 340, 95 %)"
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1e-6, "0.0001 %"),
        (2.5e-5, "0.0025 %"),
        (0.01, "1 %"),
        (0.12345, "12.3 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (NAN, "unknown"),
        (0.9996, "100 %"),
    ],
)
def test_a_share_never_prints_an_exponent(share, words):
    assert w.share_in_words(share) == words


def test_a_threshold_is_printed_so_that_it_decides_what_it_decided():
    # 3 of 200 match at 100, and not at the next number above it
    for value in (100.00000000000001, 100.0, 0.6, 0.1 + 0.2, 1e-7, 0.4353290037710787, -0.5, 123456789.125, 1e300):
        assert float(w.exact(value)) == value
    assert w.exact(100.0) == "100"
    assert w.exact(100.00000000000001) == "100.00000000000001"


def test_a_ratio_and_its_limits_are_the_same_in_sentence_and_table():
    for numbers in ((1.01, 0.96, 1.04), (41.2, 23.4, 72.1), (NAN, NAN, 3.2), (2.5, 1.2, NAN), (0.001, 0.0001, 0.02)):
        figure, limits = w.ratio_in_figures(*numbers)
        assert figure in w.ratio_in_words(*numbers)
        assert limits in w.ratio_in_words(*numbers)
    assert w.ratio_in_words(1.01, 0.96, 1.04) == "about 1.0 times (0.96 to 1.0)"
