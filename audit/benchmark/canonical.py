"""A publisher's own labels in, the canonical sample frame out: one row a sample, words instead of codes, nobody
guessed.

Its one idea: whatever a publisher calls its labels, after this there is one frame, checked once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.words import NOTHING, doubts, example, settle, trimmed, unprintable
from audit.benchmark.adapters import Native
from audit.benchmark.card import Card
from audit.benchmark.cells import age_word
from audit.benchmark.label_column import Attribute

__all__ = ["FIXED", "canonical", "check_columns"]

FIXED = ("sample_id", "subject_id", "path")


def canonical(card: Card, native: Native, used: Collection[str] | None = None) -> pd.DataFrame:
    """Translate an adapter's rows into the audit's words, and check what every benchmark must have.

    ``used`` names the label columns that are audited; all where None. Others of a user's own table are left out where
    they are no labels.

    Raises
    ------
    BenchmarkError
        A column missing, no samples, one subject only, a sample id twice or empty, a label value that is not on the
        card.
    """
    where = f"benchmark {card.name}"
    frame = native.samples.astype("str").reset_index(drop=True)
    for column in card.attributes:
        if column in frame:
            frame[column] = (
                frame[column].map({value: trimmed(value) for value in frame[column].unique()}).astype("str")
            )
    lacking = [column for column in (*FIXED, *card.attributes) if column not in frame]
    if lacking:
        raise BenchmarkError(
            where,
            got=f"no column {', '.join(lacking)}",
            allowed=", ".join((*FIXED, *card.attributes)),
            todo="Check the label file",
        )
    if not len(frame):
        raise BenchmarkError(
            where, got="no samples", allowed=card.layout or "photographs", todo="Check that --data is the right folder"
        )
    for column in ("sample_id", "subject_id"):
        empty = int((frame[column] == "").sum())
        if empty:
            raise BenchmarkError(
                f"{where}, {column}",
                got=f"{empty} empty values",
                allowed="an identifier in every row",
                todo="Complete the label file",
            )
    twice = frame["sample_id"].duplicated()
    if twice.any():
        raise BenchmarkError(
            f"{where}, sample_id",
            got=f"{int(twice.sum())} samples that occur twice (first: row {int(twice.to_numpy().argmax()) + 1})",
            allowed="every sample once",
            todo="Remove the double rows",
        )
    if frame["subject_id"].nunique() < 2:
        raise BenchmarkError(
            f"{where}, subjects",
            got=f"one subject with {len(frame)} samples",
            allowed="two subjects at least: without two people there is no non-mated comparison",
            todo="Check how subjects are told apart",
        )
    out = frame[list(FIXED)].copy()
    out["path"] = [str(native.root / path) if path else "" for path in out["path"]]
    for column, attribute in card.attributes.items():
        try:
            out[column] = _words(frame[column], attribute, f"{where}, {column}", column)
        except BenchmarkError:
            if used is None or column in used or native.attributes is None:
                raise  # of the user's own columns only those that are used must be labels: a column of notes is none
    return out.sort_values(["subject_id", "sample_id"], kind="stable").reset_index(drop=True)


def _words(values: pd.Series[str], attribute: Attribute, where: str, column: str) -> pd.Series[str]:
    """Give one label column in the audit's words."""
    if attribute.numeric:
        return _ages(values, attribute, where)
    each = {
        one
        for value in values.unique()
        for one in (value.split(attribute.separator) if attribute.separator else [value])
    }
    doubt = doubts(sorted(each), attribute.known)
    if doubt and not (attribute.categories and not attribute._found):  # what a card lists is certain
        raise BenchmarkError(where, got=doubt, allowed="one spelling of every label", todo=settle(column))
    words = {value: attribute.word(value) for value in values.unique()}
    strange = sorted(value for value, word in words.items() if word is None)
    if strange:
        raise BenchmarkError(
            where,
            got=f"{len(strange)} values that are not on the card{example(strange[0], values)}",
            allowed=", ".join(attribute.categories),
            todo="Check the label file, or add the value to the card",
        )
    unfit = sorted(
        value for value, word in words.items() if word and (unprintable(word) or any(mark in word for mark in "|="))
    )
    if unfit:
        raise BenchmarkError(
            where,
            got=f"{len(unfit)} values that cannot name a group{example(unfit[0], values)}",
            allowed="words without '|', '=' and line breaks",
            todo="Give them other words on the card, or declare the separator of several values",
        )
    return values.map(words).astype("str")


def _ages(values: pd.Series[str], attribute: Attribute, where: str) -> pd.Series[str]:
    """Read numbers and ranges of numbers; what is neither is refused, as nobody is "unlabelled" because of how an age
    was written.
    """
    read = {}
    for value in values.unique():
        said = attribute.values.get(value, value)
        nothing = (
            said == ""
            or said in attribute.missing
            or said in attribute.undecided
            or (said in NOTHING and said not in attribute.known)
        )
        read[value] = "" if nothing else age_word(said)
    strange = sorted(value for value, word in read.items() if word is None)
    if strange:
        raise BenchmarkError(
            where,
            got=f"{len(strange):,} values that are no number{example(strange[0], strange, 20)}",
            allowed='34, 20-29, (25, 32), 60+, or nothing; a spreadsheet turns "3-9" into a date such as 03-Sep',
            todo='Write numbers, or say what the words are in [groups] map, e.g. { age = { "03-Sep" = '
            '"3-9" } }, or missing',
        )
    return values.map(read).astype("str")


def check_columns(
    card: Card, samples: pd.DataFrame, columns: Mapping[str, str], bins: Mapping[str, Sequence[float]]
) -> None:
    """Refuse labels that the card does not know, and bins where there are no numbers."""
    for role, column in columns.items():
        known = card.attributes.get(column)
        if known is None or column not in samples:
            raise BenchmarkError(
                f"groups.attributes.{role}",
                got=f"{card.name} has no label column {column!r}",
                allowed=", ".join(card.attributes),
                todo="Name one of them",
            )
        if known.numeric and column not in bins:
            raise BenchmarkError(
                f"groups.attributes.{role}",
                got=f"{column!r} is a number",
                allowed="a number with bins",
                todo=f"Give lower edges for {column} in benchmark.options.bins",
            )
