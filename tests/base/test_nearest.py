"""The nearest allowed word."""

from __future__ import annotations

import pytest

from audit.base.nearest import nearest


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("sede", "Did you mean 'seed'?"),
        ("confidense", "Did you mean 'confidence'?"),
        ("zzz", "Look it up"),
        ("", "Look it up"),
    ],
)
def test_a_near_word_is_offered_and_otherwise_the_sentence_given(word: str, said: str) -> None:
    assert nearest(word, ["seed", "confidence"], "Look it up") == said


def test_nothing_is_allowed_means_nothing_is_offered() -> None:
    assert nearest("seed", []) == ""
