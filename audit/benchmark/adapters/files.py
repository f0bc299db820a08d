"""Any folder or table of photographs: the user's own benchmark, with the labels the user declares.

In: a CSV (path, subject, any label columns), or folders whose levels mean something (``race/subject/photo.jpg``). Out:
native rows and the label columns' description as the config gives it. Its one idea: what is not declared about a label
is called unknown, on the report too.

Options::

    table = "labels.csv"                 # CSV in the data directory; or
    # what the folders above a photograph mean; with a table beside it: labels per person
    levels = ["race", "sex", "subject"]
    path = "path"                        # columns of the table
    subject = "subject"
    birth = "date_of_birth"              # with ``taken``: a column "age" is derived
    taken = "photo_date"
    pairs = "pairs.csv"                  # a, b (paths), mated (1 or 0), fold (optional)
    truth = { TP = true, TN = false }    # words of mated that are in no list
    ids = "ask"                          # subjects that differ only in case, spaces or zeros: "different", or "same";
                                         # "folder", with levels: one name in two folders is two people
    [benchmark.options.labels.race]      # optional: role, title, kind, source, values, undecided, missing,
                                         # separator, numeric
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from audit.base.errors import BenchmarkError
from audit.base.tables import read as read_lines
from audit.base.words import is_alike, loose, trimmed, unprintable
from audit.benchmark.adapters import Native, need_file, option, table_of
from audit.benchmark.adapters.pair_columns import PAIR_NAMES, other_lists, pair_column
from audit.benchmark.card import Card
from audit.benchmark.label_column import Attribute, declared_label, refusal
from audit.benchmark.tables import ages_on, folds, key, photographs_in

__all__ = ["pairs", "read"]

TABLES = ("labels.csv", "samples.csv")
"""Read where ``table`` names none."""

PAIRS = "pairs.csv"
"""The list of pairs where ``pairs`` names none."""

PARTS = frozenset(
    (
        "train",
        "training",
        "test",
        "testing",
        "val",
        "valid",
        "validation",
        "dev",
        "eval",
        "gallery",
        "probe",
        "query",
        "enroll",
        "enrol",
        "unknown",
        "known",
        "probe_closed",
        "probe_open",
    )
)
"""Folders that say where a photograph is used, and nothing about its person."""

DEFAULTS: dict[str, Any] = {
    **{
        "table": "",
        "levels": [],
        "path": "path",
        "subject": "subject",
        "birth": "",
        "taken": "",
        "labels": {},
        "pairs": "",
    },
    **{"ids": "ask", "truth": {}},
}


def read(card: Card, data_dir: Path, options: Mapping[str, Any]) -> Native:
    """Read the user's photographs; every further column of the table, and every level but the subject's, is a label
    column.

    Raises
    ------
    BenchmarkError
        Neither table nor levels, a column missing, a label declaration that is none.
    """
    given = option(options, DEFAULTS)
    said = table_of(given, "labels", dict, "a table, as datasets/files/README.md describes")
    table_of(given, "truth", bool, "true or false")
    kinds = ("ask", "different", "same", *(["folder"] if given["levels"] else []))
    if given["ids"] not in kinds:
        raise BenchmarkError(
            "benchmark.options.ids", got=repr(given["ids"])[:40], allowed=", ".join(kinds), todo="Name one of them"
        )
    frame = _of_folders(card, data_dir, given) if given["levels"] else _table(card, data_dir, given)
    labels = [column for column in frame.columns if column not in ("path", "subject_id", "sample_id")]
    described = {column: _attribute(column, dict(said.get(column, {})), frame[column]) for column in labels}
    stray = sorted(set(given["labels"]) - set(labels))
    if stray:
        raise BenchmarkError(
            f"benchmark.options.labels.{stray[0]}",
            got="no such column",
            allowed=", ".join(labels),
            todo="Correct the name",
        )
    if given["pairs"]:
        need_file(card, data_dir, str(given["pairs"]))
    notes = _two_labels(frame, labels, given["ids"] == "ask") if given["levels"] else ()
    notes += other_lists(data_dir, str(given["pairs"]) or PAIRS, str(given["table"]))
    return Native(
        frame,
        data_dir,
        notes=notes,
        attributes=described,
        settings={"pairs": str(given["pairs"]) or PAIRS, "truth": dict(given["truth"])},
    )


def _table(card: Card, data_dir: Path, given: dict[str, Any]) -> pd.DataFrame:
    path = need_file(card, data_dir, *([str(given["table"])] if given["table"] else TABLES))
    both = [one for one in TABLES if (data_dir / one).is_file()]
    if not given["table"] and len(both) > 1:
        raise BenchmarkError(
            "benchmark.options.table",
            got="none, and " + " and ".join(both),
            allowed="one table",
            todo="Name it: table = ...",
        )
    place, subject, birth, taken = (str(given[one]) for one in ("path", "subject", "birth", "taken"))
    whole = read_lines(path, [one for one in (place, subject, birth, taken) if one], verbatim=[place])
    table, people = whole.frame, whole.ids([subject], str(given["ids"]), "benchmark.options.ids")[subject]
    whole.refuse(
        place,
        table[place].map(unprintable).to_numpy(bool),
        "a line break or control character",
        "paths without one",
        "Take it out",
    )
    out = pd.DataFrame({"path": table[place], "subject_id": people.map(lambda one: key(one) if one else "")})
    out["sample_id"] = out["path"].map(lambda one: key(trimmed(one)) if trimmed(one) else "")
    for column in table.columns:
        if column not in (place, subject, birth, taken, *out.columns):
            out[column] = table[column]
    if birth and taken:
        out["age"] = ages_on(list(table[birth]), list(table[taken]), whole.lines.tolist())
    return out


def _of_folders(card: Card, data_dir: Path, given: dict[str, Any]) -> pd.DataFrame:
    """Read folders, and beside them a table of labels per person where ``table`` names one: its ``subject`` is the
    folder's name.

    Raises
    ------
    BenchmarkError
        A person twice in the table, a column that is a level too, or fewer than half of the people in it.
    """
    frame = _folders(data_dir, [str(one) for one in given["levels"]], str(given["ids"]))
    if not given["table"]:
        return frame
    column = str(given["subject"])
    whole = read_lines(need_file(card, data_dir, str(given["table"])), [column])
    labels = whole.frame.rename(columns={column: "subject"})
    clash = sorted((set(labels.columns) - {"subject"}) & set(frame.columns))
    if clash:
        raise BenchmarkError(
            whole.name,
            got=f"a column {clash[0]}, which is a level too",
            allowed="other names",
            todo="Rename one of the two",
        )
    how = loose if given["ids"] == "same" else str
    labels["subject_id"] = [key(how(trimmed(one))) for one in labels["subject"]]
    whole.refuse(
        column, labels["subject_id"].duplicated().to_numpy(bool), "a person again", "one row a person", "Leave one row"
    )
    known = frame["subject_id"].isin(labels["subject_id"])
    if known.mean() < 0.5:
        got = f"people of {int(known.sum()):,} of {len(frame):,} photographs"
        raise BenchmarkError(
            whole.name,
            got=got,
            allowed="folders named as the table names people",
            todo="Check the column: subject = ...",
        )
    return frame.merge(labels.drop(columns="subject"), on="subject_id", how="left", validate="many_to_one").fillna("")


def _folders(data_dir: Path, levels: list[str], how: str) -> pd.DataFrame:
    if levels.count("subject") != 1 or levels[-1] != "subject" or len(set(levels)) != len(levels):
        raise BenchmarkError(
            "benchmark.options.levels",
            got=str(levels),
            allowed='distinct names, the last one "subject"',
            todo="Correct them",
        )
    rows = [(path, *path.split("/")[:-1]) for path in photographs_in(data_dir, (len(levels) + 1,))]
    frame = pd.DataFrame(rows, columns=["path", *levels], dtype="str")
    if not rows:
        raise BenchmarkError(
            "benchmark.options.levels",
            got=f"no photographs {len(levels)} folders deep",
            allowed="/".join([*levels, "photo.jpg"]),
            todo="Check --data",
        )
    person = frame["subject"].map(trimmed)
    if how == "ask" and (twins := is_alike(person.unique())):
        got = (
            f"{len(twins):,} subjects' folders that differ from another only in case, spaces, leading "
            f"zeros or a trailing .0"
        )
        raise BenchmarkError(
            "benchmark.options.levels",
            got=got,
            allowed="one spelling a subject",
            todo='Write ids = "different" or ids = "same"',
        )
    if how == "folder":
        person = frame["path"].str.rpartition("/")[0]
    frame["subject_id"] = (person.map(loose) if how == "same" else person).map(key)
    frame["sample_id"] = frame["path"].map(key)
    return frame.drop(columns="subject")


def _two_labels(frame: pd.DataFrame, labels: list[str], ask: bool) -> tuple[str, ...]:
    """Say how many names stand under several values of a level that is no part of a release (train, test, ...); most
    of them is a numbering.

    Raises
    ------
    BenchmarkError
        More than half of the people: their folders number people afresh under each value.
    """
    people, notes = frame["subject_id"].nunique(), []
    for column in labels:
        several = int((frame.groupby("subject_id")[column].nunique() > 1).sum())
        if several and not {one.casefold() for one in frame[column].unique()} <= PARTS:
            said = f"{several:,} of {people:,} subjects' folders stand under several values of {column}"
            if ask and several > people / 2:
                raise BenchmarkError(
                    "benchmark.options.levels",
                    got=said,
                    allowed="one value a person",
                    todo='Write ids = "folder" if one name in two folders is two people, ids = "different" if each '
                    "is one person with several labels",
                )
            notes.append(
                f'{said}: each is taken for one person with several labels (ids = "folder" makes them several people).'
            )
    return tuple(notes)


def _attribute(column: str, said: dict[str, Any], values: pd.Series[str]) -> Attribute:
    base: dict[str, Any] = {
        "title": column,
        "role": column,
        "kind": "unknown",
        "source": "not declared",
        "numeric": column == "age",
        "per": "sample",
    }
    words = sorted(set(values) - {""})
    if (
        words and {one.casefold() for one in words} <= PARTS
    ):  # a use of photographs is no label, whatever its name says elsewhere
        base["categories"] = words
    made = declared_label(column, {**base, **said})
    if made.numeric or made.categories:
        return made
    found = {one for one in values.unique() if one not in ("", *made.undecided, *made.missing)}
    single = {one for one in found if not (made.separator and made.separator in one)} | set(made.values)
    try:
        return made.with_found(tuple(sorted(single)))
    except ValidationError as error:
        raise refusal(column, error) from error


def pairs(card: Card, data_dir: Path) -> pd.DataFrame:
    """Read the pair list of the data directory: a, b (paths as in the table), mated (``words.truth``), fold
    (optional); names as ``PAIR_NAMES``.
    """
    whole = read_lines(need_file(card, data_dir, str(card.settings.get("pairs", PAIRS))))
    role = {part: pair_column(part, list(whole.frame.columns), whole.name) for part in PAIR_NAMES}
    table = whole.frame
    mated = whole.truth(role["mated"], "benchmark.options.truth", pairs=True, said=card.settings.get("truth")) == 1
    fold = folds(whole) if "fold" in table else 0
    return pd.DataFrame({"fold": fold, "a": table[role["a"]].map(key), "b": table[role["b"]].map(key), "mated": mated})
