"""Planted audits, each made once; ``planted_audits`` beside this file makes them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from planted_audits import PLANS, audit, judged  # noqa: E402

_MADE = {}


@pytest.fixture(scope="session")
def planted():
    """``planted("clear")``: an audit of a named plan, made once."""

    def make(name, **changes):
        key = (name, tuple(sorted(changes.items())))
        if key not in _MADE:
            photos = changes.get("photos", 3)
            _MADE[key] = audit(PLANS[name], photos=photos, limited=changes.get("limited", ""))
        return _MADE[key]

    return make


@pytest.fixture(scope="session")
def with_report():
    """The same audit under other report settings."""

    def change(result, **settings):
        report = result.config.report.model_copy(update=settings)
        return judged(replace(result, config=result.config.model_copy(update={"report": report})))

    return change
