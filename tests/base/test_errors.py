"""A refusal is one readable paragraph, and every kind has the exit code that is documented."""

from __future__ import annotations

import pytest

from audit.base.errors import AuditError, BackendError, BenchmarkError, ConfigError, NotEnoughDataError, ResultsError


def test_a_refusal_says_where_what_what_is_allowed_and_what_to_do() -> None:
    error = AuditError("groups.reference", got="'x'", allowed="a cell", todo="Choose a cell that occurs")
    assert str(error) == "groups.reference: 'x'. Allowed: a cell. Choose a cell that occurs."


def test_dots_that_belong_to_a_path_or_an_ellipsis_stay() -> None:
    error = AuditError("../data/lfw", got="no photographs", allowed="race=...", todo="Did you mean '../data'?")
    assert str(error) == "../data/lfw: no photographs. Allowed: race=... Did you mean '../data'?"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(ConfigError, 2), (BenchmarkError, 3), (ResultsError, 3), (BackendError, 4), (NotEnoughDataError, 5)],
)
def test_every_kind_has_its_exit_code(kind: type[AuditError], code: int) -> None:
    assert kind("x", got="y").exit_code == code
