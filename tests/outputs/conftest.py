"""Tables as somebody would hand them over, and configs that read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from audit.config import AuditConfig
from audit.results import AuditResult
from audit.runs.pipeline import Settings, run

BASE: dict[str, Any] = {
    "version": 1,
    "name": "toy",
    "benchmark": {"name": "outputs"},
    "groups": {"attributes": {"race": "race"}, "reference": "race=White", "minimum_subjects": 2},
    "uncertainty": {"replicates": 100},  # fewer draws for null bands: quicker
}


def config(backend: str, options: Mapping[str, Any], points: list[dict[str, Any]], **sections: Any) -> AuditConfig:
    merged = {**BASE, "backend": {"name": backend, "options": dict(options)}, "operating_points": points}
    for name, section in sections.items():
        merged[name] = {**merged.get(name, {}), **section} if isinstance(section, dict) else section
    return AuditConfig.model_validate(merged)


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., AuditResult]:
    """Write a table and audit it."""

    def go(
        table: str, backend: str, options: Mapping[str, Any], points: list[dict[str, Any]], **sections: Any
    ) -> AuditResult:
        (tmp_path / "given.csv").write_text(table)
        return run(config(backend, {"path": "given.csv", **options}, points, **sections), Settings(data=tmp_path))

    return go
