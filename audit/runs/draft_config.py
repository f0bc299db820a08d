"""What was found in somebody's folder or table in, the text of a first config out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from audit.base.errors import ConfigError
from audit.base.words import PERHAPS_NOTHING, abbreviations, alike
from audit.runs.config_schema import reference as schema_line

__all__ = ["Draft", "Given", "draft_of"]


@dataclass
class Given:
    """What flags or answers say; None where nothing was said.

    Attributes
    ----------
    labels : Path or None
        A table of labels per photograph or per person.
    attributes : sequence of str or None
        Label columns.
    columns : mapping of role to column
        Roles of ``NAMES``.
    levels : sequence of str or None
        What the folders above a photograph are, e.g. race, sex, subject.
    reference, backend, source : str or None
    """

    labels: Path | None = None
    attributes: Sequence[str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    levels: Sequence[str] | None = None
    reference: str | None = None
    backend: str | None = None
    source: str | None = None


@dataclass
class Draft:
    """A configuration to be, and what a person should know of it.

    Attributes
    ----------
    text : str
        TOML with comments.
    data : Path
        What ``--data`` must be.
    notes : list of str
        What was taken, left out, or needs a look; no value of a person's row but labels.
    joined : DataFrame or None
        Labels per photograph, where the table was per person; to be written as ``table`` in ``data``.
    table : str
        Its name.
    """

    text: str
    data: Path
    notes: list[str]
    joined: pd.DataFrame | None = None
    table: str = "labels.csv"


def _spellings(frame: pd.DataFrame, roles: Mapping[str, str], notes: list[str]) -> list[str]:
    """Comment lines for ``[groups.map]`` and ``[groups.missing]``: values that
    may be one, words that may be no label.
    """
    out = []
    for column in roles.values():
        words = set(frame[column]) - {""}
        pairs = [
            (one, max(group, key=lambda word: int((frame[column] == word).sum())))
            for group in alike(words)
            for one in group
        ]
        same = {one: best for one, best in pairs if one != best}
        twins = same | {short: same.get(long, long) for short, long in abbreviations(words)}
        nothing = sorted(one for one in words if one.casefold() in PERHAPS_NOTHING)
        if twins:
            inside = ", ".join(f"{_quoted(one)} = {_quoted(best)}" for one, best in sorted(twins.items()))
            out.append(f"map.{_quoted(column)} = {{ {inside} }}   # proposed: are these one?")
            notes.append(
                f"column {column}: {len(twins)} spellings may be others of the same label; the config "
                f"merges them, check [groups] map"
            )
        if nothing:
            out.append(
                f"missing.{_quoted(column)} = [{', '.join(map(_quoted, nothing))}]   # proposed: do these "
                f"say that there is no label?"
            )
            notes.append(f"column {column}: {', '.join(nothing)} read as no label, check [groups] missing")
    return out


def _quoted(text: str) -> str:
    return tomli_w.dumps({"x": text}).strip().removeprefix("x = ")


def draft_of(
    name: str,
    data: Path,
    benchmark: dict[str, Any],
    backend: dict[str, Any],
    frame: pd.DataFrame,
    roles: dict[str, str],
    given: Given,
    notes: list[str],
    *,
    target: bool = False,
    fixed: float | None = None,
) -> Draft:
    """The first config, with what was not found left as questions."""
    merged = _spellings(frame, roles, notes)
    reference = given.reference or _largest(frame, roles, merged)
    if not given.reference:
        notes.append(f"reference: {reference}, the largest group; a reference is a ruler, not a norm")
    ages = [column for column in roles.values() if column.lower() == "age"]
    labels = {column: {"kind": "unknown", "source": given.source or "not declared"} for column in roles.values()}
    options = {**benchmark["options"], "labels": labels}
    text = [
        schema_line,
        "# Made by `face-audit init`; every line is yours to change. `face-audit schema` explains every key.",
        f"# Run it: face-audit run {name}.toml --data {_shown(data)}",
        "version = 1",
        f"name = {_quoted(name)}",
        "",
        tomli_w.dumps({"benchmark": {"name": benchmark["name"], "options": options}}).strip(),
        "# kind is one of: self-reported, document, annotator, inferred by a model, unknown. The "
        "report says who recorded a label, and how.",
        "",
        tomli_w.dumps({"backend": backend}).strip(),
        "",
        "[groups]",
        f"attributes = {{ {', '.join(f'{role} = {_quoted(column)}' for role, column in roles.items())} }}",
        f"reference = {_quoted(reference)}   # ratios are taken to this group",
        "minimum_subjects = 30   # groups with fewer people are shown as too few to judge",
        *([f"bins = {{ {_quoted(ages[0])} = [0, 18, 30, 45, 60] }}"] if ages else []),
        *merged,
        "",
        "# The first operating point is the headline.",
    ]
    if fixed is not None:
        text += [
            "[[operating_points]]",
            'kind = "fixed"',
            f"threshold = {fixed!r}   # write the threshold that the system uses",
        ]
    else:
        if not target:
            text += ["[[operating_points]]", 'kind = "vendor_default"', ""]
        text += [
            "[[operating_points]]",
            'kind = "target_fmr"',
            "target = 1e-3   # 1 in 1,000 random pairs of different people",
            'over = "all"',
        ]
    return Draft("\n".join(text) + "\n", data, notes)


def _largest(frame: pd.DataFrame, roles: Mapping[str, str], merged: Sequence[str]) -> str:
    """The cell with most rows, its words merged as proposed, ages in their bin."""
    import tomllib

    said = tomllib.loads("\n".join(line.partition("   #")[0] for line in merged))
    columns = {}
    for role, column in roles.items():
        values = (
            frame[column]
            .replace(said.get("map", {}).get(column, {}))
            .replace(dict.fromkeys(said.get("missing", {}).get(column, []), ""))
        )
        if role == "age":
            edges = [0, 18, 30, 45, 60, np.inf]
            ages = pd.cut(
                pd.to_numeric(values, errors="coerce"),
                edges,
                right=False,
                labels=["0-17", "18-29", "30-44", "45-59", "60+"],
            )
            values = ages.astype("object").fillna("")
        columns[role] = values
    cells = pd.DataFrame(columns)
    whole = cells[(cells != "").all(axis=1)]
    if whole.empty:
        raise ConfigError(
            "--attributes",
            got="nobody with a label in every column",
            allowed="columns that say something",
            todo="Name fewer columns",
        )
    best = whole.value_counts(sort=True).index[0]
    return "|".join(f"{role}={word}" for role, word in zip(roles, best, strict=True))


def _shown(path: Path) -> str:
    text = str(path)
    return f"'{text}'" if re.search(r"\s", text) else text
