"""What a person has in, a commented configuration out: the first step of ``face-audit init``.

In: a folder of photographs, a table of labels, scores or candidates, or a file of templates. Out: ``Draft``. Its one
idea: a column is taken by its name only where exactly one fits; otherwise it is asked for by name, and whatever was
taken is written down in words for a person to check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.base.errors import ConfigError
from audit.base.tables import NUMBER, Table
from audit.base.tables import read as read_table
from audit.benchmark.tables import photographs_in
from audit.runs.draft_config import Draft, Given, draft_of

__all__ = ["NAMES", "look"]

NAMES: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "file_name", "image", "image_path", "img", "photo"),
    "subject": ("subject", "subject_id", "person", "person_id", "identity", "identity_id", "individual"),
    "score": ("score", "similarity", "distance", "comparison_score"),
    "mated": ("mated", "genuine", "same", "is_same", "same_person"),
}
"""Column names that are taken without asking, in lower case."""

_MOST_WORDS = 20
"""A column with more different words than this is no label that groups can be made of."""


def look(path: Path, name: str, given: Given) -> Draft:
    """Look at what is there and draft a configuration.

    Raises
    ------
    ConfigError
        What cannot be told, and the flag that says it.
    BenchmarkError
        A table that cannot be read.
    """
    if path.is_dir():
        return _photographs(path, name, given)
    if not path.is_file():
        raise ConfigError(
            str(path),
            got="nothing there",
            allowed="a folder of photographs, a table, or a file of templates",
            todo="Check the path",
        )
    if path.suffix in (".npz", ".npy"):
        return _templates(path, name, given)
    table = read_table(path)
    columns = [str(one) for one in table.frame.columns]
    if {"rank", "probe"} <= {one.lower() for one in columns}:
        return _outputs("candidates", path, name, table, given)
    if _named("score", columns, given) and _named("mated", columns, given):
        return _outputs("scores", path, name, table, given)
    if "vector" in columns or "v0" in columns:
        return _templates(path, name, given)
    raise ConfigError(
        path.name,
        got=f"a table with columns {', '.join(columns)[:200]}",
        allowed="scores (score, mated), candidates (probe, rank), templates (vector); labels go with "
        "their photographs' folder",
        todo="Name the columns: --column score=NAME --column mated=NAME, or give the folder and --labels TABLE",
    )


def _named(role: str, columns: Sequence[str], given: Given) -> str:
    """The column of a role: said, or the only one whose name fits; "" where none does.

    Raises
    ------
    ConfigError
        Several fit, or what was said is not there.
    """
    if role in given.columns:
        if given.columns[role] not in columns:
            raise ConfigError(
                f"--column {role}",
                got=given.columns[role],
                allowed=", ".join(columns)[:200],
                todo="Name one of these columns",
            )
        return given.columns[role]
    fits = [one for one in columns if one.lower() in NAMES[role]]
    if len(fits) > 1:
        raise ConfigError(
            f"--column {role}",
            got=f"{len(fits)} columns that may be it",
            allowed=", ".join(fits),
            todo=f"Say which: --column {role}=NAME",
        )
    return fits[0] if fits else ""


def _need(role: str, columns: Sequence[str], given: Given) -> str:
    found = _named(role, columns, given)
    if not found:
        raise ConfigError(
            f"--column {role}",
            got="no column of such a name",
            allowed=", ".join(columns)[:200],
            todo=f"Say which: --column {role}=NAME",
        )
    return found


def _photographs(folder: Path, name: str, given: Given) -> Draft:
    notes: list[str] = []
    if given.levels:
        levels = list(given.levels)
        paths = photographs_in(folder, (len(levels) + 1,))
        frame = pd.DataFrame([path.split("/")[:-1] for path in paths], columns=levels)
        roles = _roles(frame, [one for one in levels if one not in ("subject", "split")], given, notes)
        return draft_of(
            name, folder, {"name": "files", "options": {"levels": levels}}, _backend(given), frame, roles, given, notes
        )
    source = given.labels or next(
        (path for one in ("labels.csv", "samples.csv") if (path := folder / one).is_file()), None
    )
    if source is None:
        tables = sorted(path.name for path in folder.iterdir() if path.suffix in (".csv", ".tsv", ".parquet"))
        raise ConfigError(
            str(folder),
            got="photographs without a table of labels" + (f" (there is {', '.join(tables)[:200]})" if tables else ""),
            allowed="--labels TABLE, or --levels race,sex,subject where the folders say it",
            todo="Say where the labels are",
        )
    table = read_table(source)
    columns = [str(one) for one in table.frame.columns]
    place, subject = (
        _named("path", columns, given),
        _named("subject", columns, given) or ("name" if "name" in columns else ""),
    )
    if not subject:
        _need("subject", columns, given)
    options: dict[str, Any] = {}
    joined, frame = None, table.frame
    if not place:
        joined = frame = _joined(folder, table, subject, notes)
        place, subject = "path", "subject"
    else:
        folder = _beside(folder, table.frame[place], notes)
        inside = source.resolve().is_relative_to(folder.resolve())
        options["table"] = (
            source.resolve().relative_to(folder.resolve()).as_posix() if inside else str(source.resolve())
        )
    options |= {"path": place} if place != "path" else {}
    options |= {"subject": subject} if subject != "subject" else {}
    roles = _roles(frame, [one for one in frame.columns if one not in (place, subject)], given, notes)
    if joined is not None:
        options["table"] = f"{name}-labels.csv"
    draft = draft_of(name, folder, {"name": "files", "options": options}, _backend(given), frame, roles, given, notes)
    draft.joined, draft.table = joined, str(options.get("table", "labels.csv"))
    return draft


def _beside(folder: Path, paths: pd.Series[str], notes: list[str]) -> Path:
    """The folder that paths of a table start from: the one given, or the one folder in it where more than half of them
    are.

    Raises
    ------
    ConfigError
        They are in neither.
    """
    some = list(paths[:: max(1, len(paths) // 200)])
    for place in (folder, *sorted(one for one in folder.iterdir() if one.is_dir())):
        if sum((place / one).is_file() for one in some) > len(some) / 2:
            if place != folder:
                notes.append(f"paths of the table start from {place}")
            return place
    raise ConfigError(
        str(folder),
        got="no folder in which more than half of the table's paths are photographs",
        allowed="paths from the folder given, or from one folder in it",
        todo="Give the folder that the paths start from, or name their column: --column path=NAME",
    )


def _joined(folder: Path, table: Table, subject: str, notes: list[str]) -> pd.DataFrame:
    """Labels per photograph from a table per person: the folder a photograph lies in is its person."""
    paths = photographs_in(folder, (2,))
    if not paths:
        raise ConfigError(
            str(folder),
            got="no photographs one folder deep, and a table without a column of paths",
            allowed="a folder a person: PERSON/photo.jpg, or a path in each row of the table",
            todo="Give the folder that holds the people's folders, or --column path=NAME",
        )
    people = table.frame[subject]
    if people.duplicated().any():
        raise ConfigError(
            table.name,
            got="several rows of one person and no column of paths",
            allowed="one row a person, or a path in each row",
            todo="Add the paths",
        )
    frame = pd.DataFrame({"path": paths, "subject": [path.split("/")[0] for path in paths]})
    joined = frame.merge(table.frame.rename(columns={subject: "subject"}), on="subject", how="left").fillna("")
    known = frame["subject"].isin(people)
    share, with_photos = float(known.mean()) if len(frame) else 0.0, int(people.isin(frame["subject"]).sum())
    if share < 0.5:
        raise ConfigError(
            f"{table.name}, column {subject}",
            got=f"{with_photos} of {len(people)} people have a folder of that name, {int(known.sum())} of "
            f"{len(frame)} photographs a person",
            allowed="folders named as the table names people",
            todo="Check the column: --column subject=NAME",
        )
    notes.append(
        f"joined by person: {with_photos} of {len(people)} people have photographs, "
        f"{int(known.sum())} of {len(frame)} photographs a label"
    )
    return joined


def _roles(frame: pd.DataFrame, columns: Sequence[str], given: Given, notes: list[str]) -> dict[str, str]:
    """Label columns to make groups of: said, or every column of a few words that repeat."""
    if given.attributes:
        lacking = [one for one in given.attributes if one not in frame.columns]
        if lacking:
            raise ConfigError(
                "--attributes", got=lacking[0], allowed=", ".join(map(str, columns))[:200], todo="Name label columns"
            )
        return {one.lower(): one for one in given.attributes}
    taken = {}
    for column in columns:
        words = set(frame[column]) - {""}
        if column.lower() == "age" and words and all(NUMBER.fullmatch(one) for one in words):
            taken["age"] = column
        elif (
            2 <= len(words) <= _MOST_WORDS
            and len(words) * 3 <= len(frame)
            and not all(NUMBER.fullmatch(one) for one in words)
        ):
            taken[re.sub(r"\W+", "_", column.lower())] = column
    if not taken:
        raise ConfigError(
            "--attributes",
            got="no column of a few words that repeat",
            allowed=", ".join(map(str, columns))[:200],
            todo="Name label columns",
        )
    notes.append(f"groups are made of {', '.join(taken.values())}: --attributes names others")
    return taken


def _backend(given: Given) -> dict[str, Any]:
    return {"name": given.backend or "face_recognition"}


def _templates(path: Path, name: str, given: Given) -> Draft:
    if given.labels is None:
        raise ConfigError(
            path.name,
            got="templates without labels",
            allowed="--labels TABLE with path, subject and labels",
            todo="Say where the labels are",
        )
    table = read_table(given.labels)
    columns = [str(one) for one in table.frame.columns]
    place, subject = _need("path", columns, given), _need("subject", columns, given)
    notes: list[str] = []
    roles = _roles(table.frame, [one for one in columns if one not in (place, subject)], given, notes)
    benchmark = {"name": "files", "options": {"table": given.labels.name, "path": place, "subject": subject}}
    backend = {"name": "templates", "options": {"path": path.name, "measure": "cosine"}}
    if path.parent.resolve() != given.labels.parent.resolve():
        backend["options"] = {"path": str(path.resolve()), "measure": "cosine"}
    notes.append("the measure is taken to be cosine: for distances write euclidean")
    return draft_of(name, given.labels.parent, benchmark, backend, table.frame, roles, given, notes, target=True)


def _outputs(kind: str, path: Path, name: str, table: Table, given: Given) -> Draft:
    columns = [str(one) for one in table.frame.columns]
    notes: list[str] = []
    options: dict[str, Any] = {"path": path.name}
    own = {"probe", "rank", "mate", "enrolled", "subject"}
    score = _need("score", columns, given)
    options |= {"score": score} if score != "score" else {}
    if kind == "scores":
        mated = _need("mated", columns, given)
        options |= {"mated": mated} if mated != "mated" else {}
        if {"subject_a", "subject_b"} <= set(columns):
            options |= {"subject_a": "subject_a", "subject_b": "subject_b"}
        else:
            notes.append(
                "no columns subject_a and subject_b: no interval can be given, and no difference can be called one"
            )
        own = {mated, "subject_a", "subject_b"}
        if "distance" in score.lower():
            options["kind"] = "dissimilarity"
    else:
        options["gallery"] = 1000
        notes.append("gallery = 1000 is a guess: write how many faces the gallery holds")
        options |= {"subject": "subject"} if "subject" in columns else {}
    frame, free = table.frame.copy(), [one for one in columns if one not in own | {score}]
    for one in [one[:-2] for one in free if one.endswith("_a") and one[:-2] + "_b" in free]:
        frame[one] = frame[one + "_a"]  # both columns are read; here only its words are looked at
        free = [column for column in free if column not in (one + "_a", one + "_b")] + [one]
    roles = _roles(frame, [one for one in free if not one.endswith("_candidate")], given, notes)
    middle = float(np.median([float(one) for one in frame[score] if NUMBER.fullmatch(one)] or [0.0]))
    draft = draft_of(
        name,
        path.parent,
        {"name": "outputs", "options": {}},
        {"name": kind, "options": options},
        frame,
        roles,
        given,
        notes,
        fixed=middle,
    )
    draft.notes.append(f"threshold = {middle:g} is the middle of the scores: write the one that the system uses")
    return draft
