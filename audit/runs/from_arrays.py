"""Arrays and frames in memory in, a whole audit out: templates, scores of pairs, lists of candidates.

Its one idea: they are written to a folder of their own for a moment and go through the same doors as files do. The
three share most of their parameters; each says them again, because a caller looks up one signature and not three.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from audit.base.errors import BenchmarkError, ConfigError
from audit.base.spreadsheet import to_table
from audit.runs.in_memory import Groups, Result, run

__all__ = ["audit_scores", "audit_searches", "audit_templates"]


def _labels(groups: Groups, rows: int) -> pd.DataFrame:
    """One column a role, one row a sample; a missing value is no label."""
    if isinstance(groups, pd.DataFrame):
        frame = groups.reset_index(drop=True)
    elif isinstance(groups, Mapping):
        frame = pd.DataFrame({str(name): pd.Series(list(values), dtype="object") for name, values in groups.items()})
    else:
        frame = pd.DataFrame({"group": pd.Series(list(groups), dtype="object")})
    if len(frame) != rows or not len(frame.columns):
        got = f"{len(frame)} labels in {len(frame.columns)} columns for {rows} rows"
        raise BenchmarkError(
            "groups",
            got=got,
            allowed="one label per row and role",
            todo="Give a mapping of role to labels, or a table",
        )
    reserved = sorted({"path", "subject", "sample_id", "subject_id"} & set(map(str, frame.columns)))
    if reserved:
        raise BenchmarkError(
            f"groups, column {reserved[0]}",
            got="a reserved name",
            allowed="roles such as race or sex",
            todo="Rename it",
        )
    return frame.map(lambda one: "" if one is None or one != one else str(one))


def _points(thresholds: Sequence[float], target_fmr: Sequence[float], default: bool) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = [{"kind": "vendor_default"}] if default else []
    points += [{"kind": "fixed", "threshold": float(one)} for one in thresholds]
    points += [
        {"kind": "target_fmr", "target": float(one), "over": "all", "weighting": "people"} for one in target_fmr
    ]
    if not points:
        raise ConfigError(
            "thresholds", got="no operating point", allowed="thresholds, target_fmr, or both", todo="Give at least one"
        )
    return points


def _sections(
    name: str, roles: Sequence[str], reference: str, minimum: int, sections: Mapping[str, Any]
) -> dict[str, Any]:
    """What every one of these audits has in common; ``sections`` are the caller's and win key by key."""
    given = {key: dict(value) if isinstance(value, Mapping) else value for key, value in sections.items()}
    groups = {"attributes": {role: role for role in roles}, "reference": reference, "minimum_subjects": minimum}
    return {"version": 1, "name": name, "groups": groups, **given}


def audit_templates(
    vectors: ArrayLike,
    subjects: Sequence[Any],
    groups: Groups,
    *,
    reference: str,
    measure: str = "cosine",
    thresholds: Sequence[float] = (),
    target_fmr: Sequence[float] = (1e-3,),
    name: str = "templates",
    matcher: str = "templates handed over",
    source: str = "not declared",
    minimum_subjects: int = 30,
    **sections: Any,
) -> Result:
    """Audit ready templates: false-match and false-non-match rates by group, with intervals that treat people as
    independent.

    Parameters
    ----------
    vectors : (N, D) float
        One template a photograph; float64 is kept.
    subjects : (N,) sequence
        Who each is of: any ids, compared as text.
    groups : mapping of role to (N,) labels, DataFrame, or (N,) sequence
        Recorded labels; None or NaN is no label. A plain sequence is the role ``group``.
    reference : str
        The cell ratios are taken to, such as ``"race=White|sex=Male"``.
    measure : {"cosine", "euclidean", "inner"}
        Euclidean thresholds are distances.
    thresholds, target_fmr : sequences of float
        Operating points; the first is the headline.
    name, matcher, source : str
        Name of the audit, of the matcher, and who recorded the labels.
    minimum_subjects : int
        Groups with fewer people are shown as too few.
    **sections
        Further sections of a configuration, such as ``uncertainty={"seed": 7}``.

    Raises
    ------
    AuditError
        What does not fit, where, and what is allowed.

    Examples
    --------
    >>> import numpy as np, audit
    >>> rng = np.random.default_rng(1)
    >>> person = np.repeat(np.arange(80), 2)
    >>> vectors = rng.normal(size=(80, 16))[person] + 0.2 * rng.normal(size=(160, 16))
    >>> group = np.where(person % 2, "B", "A")
    >>> result = audit.audit_templates(vectors, person, group, reference="group=A", target_fmr=[0.01])
    >>> chosen = result.rates.query("measure == 'FMR' and weighting == 'people' and other_group == ''")
    >>> bool(abs(chosen.rate.mean() - 0.01) < 0.01)
    True
    """
    table = np.asarray(vectors)
    if table.ndim != 2 or not np.issubdtype(table.dtype, np.number) or np.iscomplexobj(table):
        got = f"an array of shape {table.shape} and type {table.dtype}"
        raise BenchmarkError(
            "vectors",
            got=got,
            allowed="real numbers of shape (samples, dimensions)",
            todo="Give one row per photograph",
        )
    people = ["" if one is None or one != one else str(one) for one in subjects]
    if len(people) != len(table):
        raise BenchmarkError(
            "subjects", got=f"{len(people)} for {len(table)} vectors", allowed="one per vector", todo="Correct it"
        )
    labels = _labels(groups, len(table))
    from audit.benchmark.tables import key

    roles = [str(one) for one in labels.columns]
    paths = [f"row-{row}" for row in range(len(table))]
    samples = labels.assign(path=paths, subject=people)
    config = _sections(name, roles, reference, minimum_subjects, sections) | {
        "benchmark": {"name": "files", "options": {"labels": {role: {"source": source} for role in roles}}},
        "backend": {"name": "templates", "options": {"path": "templates.npz", "measure": measure, "matcher": matcher}},
        "operating_points": _points(thresholds, target_fmr, default=False),
    }
    with tempfile.TemporaryDirectory(prefix="face-audit-") as folder:
        (Path(folder) / "labels.csv").write_bytes(to_table(samples))
        np.savez(
            Path(folder) / "templates.npz", vectors=table, sample_id=np.array([key(path) for path in paths], dtype=str)
        )
        return run(config, data=folder)


def audit_scores(
    frame: pd.DataFrame,
    *,
    groups: Sequence[str],
    reference: str,
    thresholds: Sequence[float] = (),
    target_fmr: Sequence[float] = (),
    name: str = "scores",
    source: str = "not declared",
    minimum_subjects: int = 30,
    options: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Result:
    """Audit a matcher from its scores of pairs alone.

    Parameters
    ----------
    frame : DataFrame
        One row a compared pair: ``score``, ``mated`` and, for each role, ``<role>`` or ``<role>_a`` and ``<role>_b``;
        ``subject_a`` and ``subject_b`` where they are known (without them no interval can be given).
    groups : sequence of str
        Roles, such as ``["race"]``.
    reference : str
    thresholds, target_fmr : sequences of float
    name, source : str
    options : mapping, optional
        Options of the backend ``scores`` (column names, ``kind``, ``product``, ...), see ``audit.outputs``.
    **sections
        As in ``audit_templates``.

    Examples
    --------
    >>> import pandas as pd, audit
    >>> pairs = pd.DataFrame({"score": [.9, .2, .8, .7], "mated": [1, 0, 1, 0], "race": ["A", "A", "B", "B"]})
    >>> result = audit.audit_scores(pairs, groups=["race"], reference="race=A", thresholds=[.5])
    >>> chosen = result.rates.query("measure == 'FMR' and group == 'race=B' and operating_point == 'threshold=0.5'")
    >>> chosen.rate.tolist()
    [1.0]
    """
    known = {column: column for column in ("subject_a", "subject_b") if column in frame.columns}
    points = _points(thresholds, target_fmr, default=False)
    return _outputs(
        "scores",
        frame,
        groups,
        reference,
        points,
        name,
        source,
        minimum_subjects,
        known | dict(options or {}),
        sections,
    )


def audit_searches(
    frame: pd.DataFrame,
    *,
    gallery: int,
    groups: Sequence[str],
    reference: str,
    thresholds: Sequence[float] = (),
    target_fpir: Sequence[float] = (),
    name: str = "searches",
    source: str = "not declared",
    minimum_subjects: int = 30,
    options: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Result:
    """Audit what searches of a gallery returned: one row a candidate, see ``audit.outputs`` for the columns.

    Parameters
    ----------
    frame : DataFrame
        ``probe``, ``rank``, ``score``, ``mate``, ``enrolled``; ``subject`` where it is known; a column for each role.
    gallery : int
        Faces in the gallery.
    groups, reference, thresholds, target_fpir, name, source, options, **sections
        As in ``audit_scores``.
    """
    known = {"subject": "subject"} if "subject" in frame.columns else {}
    more = {"gallery": int(gallery), "target_fpir": [float(one) for one in target_fpir]}
    points = _points(thresholds, (), default=False)
    return _outputs(
        "candidates",
        frame,
        groups,
        reference,
        points,
        name,
        source,
        minimum_subjects,
        known | more | dict(options or {}),
        sections,
    )


def _outputs(
    backend: str,
    frame: pd.DataFrame,
    roles: Sequence[str],
    reference: str,
    points: list[dict[str, Any]],
    name: str,
    source: str,
    minimum: int,
    options: dict[str, Any],
    sections: Mapping[str, Any],
) -> Result:
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        raise BenchmarkError(
            "frame", got="no rows", allowed="a DataFrame with one row per pair or candidate", todo="Give the table"
        )
    config = _sections(name, list(roles), reference, minimum, sections) | {
        "benchmark": {"name": "outputs", "options": {"labels": {role: {"source": source} for role in roles}}},
        "backend": {"name": backend, "options": {"path": f"{backend}.csv"} | options},
        "operating_points": points,
    }
    with tempfile.TemporaryDirectory(prefix="face-audit-") as folder:
        (Path(folder) / f"{backend}.csv").write_bytes(to_table(frame))
        return run(config, data=folder)
