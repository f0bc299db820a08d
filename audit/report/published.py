"""Tables in, the published CSV files and their description for programs out (``tables/datapackage.json``).

Its one idea: kind, unit and meaning of a column come from ``words.columns``, where they are stated once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from audit.report.facts import Facts
from audit.words import wording
from audit.words.columns import TABLES, Column, csv_bytes

__all__ = ["LOCAL", "csv_files"]

LOCAL = ("review", "photo_quality")
"""Pairs of photos for the people who ran the audit, and moments that other tables are made from. Not printed, opaque
as they are."""


_TYPES = {"text": "string", "whole": "integer", "number": "number", "truth": "boolean"}


def _field(column: Column, series: pd.Series[Any]) -> dict[str, str]:
    """How a program reads a column: a count that is missing somewhere is written as a number."""
    kind = "number" if column.kind == "whole" and not pd.api.types.is_integer_dtype(series) else _TYPES[column.kind]
    return (
        {"name": column.name, "type": kind}
        | ({"unit": column.unit} if column.unit else {})
        | {"description": column.meaning}
    )


def _unstated(name: str, series: pd.Series[Any]) -> dict[str, str]:
    """A column that ``words/columns.toml`` does not state: its kind, as far as its values show it."""
    return {"name": name, "type": "number" if pd.api.types.is_numeric_dtype(series) else "string"}


def _package(facts: Facts, frames: Mapping[str, pd.DataFrame]) -> bytes:
    resources = []
    for name, frame in frames.items():
        stated = TABLES.get(f"{name}.csv", {})
        fields = [
            _field(stated[column], frame[column]) if column in stated else _unstated(str(column), frame[column])
            for column in frame.columns
        ]
        resources.append(
            {
                "name": name.replace("_", "-"),
                "path": f"{name}.csv",
                "format": "csv",
                "encoding": "utf-8",
                "schema": {"fields": fields, "missingValues": [""]},
            }
        )
    least = facts.config.report.suppress_below
    described = f"Groups with fewer than {wording.people(least)} are withheld." if least else "No group is withheld."
    described += " Words that a spreadsheet would calculate stand behind an apostrophe."
    package = {
        "name": facts.config.name,
        "profile": "tabular-data-package",
        "description": described,
        "resources": resources,
    }
    return (json.dumps(package, indent=1, ensure_ascii=False) + "\n").encode()


def csv_files(facts: Facts) -> dict[str, bytes]:
    """``tables/*.csv`` as published, and ``tables/datapackage.json``."""
    result = facts.result
    frames = {
        "rates": result.rates,
        "differentials": result.differentials,
        "operating_points": result.operating_points,
        "acquisition": result.acquisition,
        **{name: frame for name, frame in sorted(result.tables.items()) if name not in LOCAL},
    }
    files = {f"tables/{name}.csv": csv_bytes(frame) for name, frame in frames.items()}
    return files | {"tables/datapackage.json": _package(facts, frames)}
