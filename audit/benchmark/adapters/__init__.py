"""One module per layout of files: native files in, native rows out.

An adapter is a module with ``read(card, data_dir, options) -> Native`` and, where the benchmark publishes pairs,
``pairs(card, data_dir) -> DataFrame``. It reads values verbatim; the card says what they mean. Adding a benchmark
touches one module here, one card and one test.
"""

from __future__ import annotations

import filecmp
import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from audit.base.errors import BenchmarkError
from audit.base.nearest import nearest
from audit.base.words import is_alike, loose
from audit.benchmark.card import Card
from audit.benchmark.label_column import Attribute
from audit.benchmark.on_disk import PHOTO_ENDINGS

__all__ = [
    "IDS",
    "Native",
    "NotThereError",
    "ids_option",
    "need_file",
    "need_folder",
    "of",
    "option",
    "people",
    "table_of",
]

"""What ``pairs`` gives: fold (int, 0 where there are none), two sample ids, mated (bool); further columns (scores) may
follow."""


@dataclass(frozen=True, eq=False)
class Native:
    """What an adapter read.

    Attributes
    ----------
    samples : DataFrame of str
        sample_id (unique), subject_id, path (relative to ``root``; "" where there is no photograph), and label columns
        with native values.
    root : Path
        What ``path`` is relative to.
    variant : str
        Which of the card's variants this copy is; "unknown" where it is none of them.
    templates : Path or None
        A file of ready templates, for the backend ``templates``.
    notes : tuple of str
        What a reader should know of this copy.
    attributes : dict of str to Attribute, optional
        Label columns that stand on no card because the user declared them; they take the place of the card's.
    settings : dict, optional
        What ``pairs`` must know of the options; added to the card's settings.
    """

    samples: pd.DataFrame
    root: Path
    variant: str = ""
    templates: Path | None = None
    notes: tuple[str, ...] = ()
    attributes: dict[str, Attribute] | None = None
    settings: dict[str, Any] | None = None


def of(card: Card) -> ModuleType:
    """Import the adapter that a card names.

    Raises
    ------
    BenchmarkError
        No such adapter.
    """
    name = f"{__name__}.{card.adapter}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
        raise BenchmarkError(
            f"card of {card.name}, adapter", got=repr(card.adapter), allowed=", ".join(known), todo="Mend the card"
        ) from error


def need_folder(card: Card, root: Path, *choices: str) -> Path:
    """Give the first of ``root/choice`` that holds a photograph; where none does, the first that is a folder.

    Photographs of the others are counted in a note (``on_disk.unlisted``).

    Raises
    ------
    BenchmarkError
        None is.
    """
    there = [folder for choice in choices if (folder := root / choice).is_dir()]
    if not there:
        raise _not_there(card, root, choices)
    return next((folder for folder in there if _holds_a_photograph(folder)), there[0]) if len(there) > 1 else there[0]


def _holds_a_photograph(folder: Path) -> bool:
    return any(name.lower().endswith(PHOTO_ENDINGS) for _, _, names in os.walk(folder) for name in names)


def need_file(card: Card, root: Path, *choices: str) -> Path:
    """Give the one of ``root/choice`` that is a file; of several that say the same, the first.

    Raises
    ------
    BenchmarkError
        None is, or several are that differ.
    """
    there = []
    for choice in choices:
        path = root / choice
        try:
            if path.is_file():
                there.append(path)
        except (OSError, ValueError):  # a name that no file can have
            continue
    if not there:
        raise _not_there(card, root, choices)
    others = [path for path in there[1:] if not filecmp.cmp(there[0], path, shallow=False)]
    if others:
        got = f"two files that differ: {os.path.relpath(there[0], root)} and {os.path.relpath(others[0], root)}"
        raise BenchmarkError(
            f"benchmark {card.name}, data directory", got=got, allowed="one of them", todo="Take the other away"
        )
    return there[0]


class NotThereError(BenchmarkError):
    """A file or folder that a benchmark may have is not in the data directory."""


def _not_there(card: Card, root: Path, choices: tuple[str, ...]) -> BenchmarkError:
    return NotThereError(
        f"benchmark {card.name}, data directory",
        got=f"none of {', '.join(one[:100] for one in choices)} in it"
        if root.is_dir()
        else "a data directory that does not exist",
        allowed=card.layout or "the files as the publisher hands them out",
        todo=card.obtain or f"See {card.homepage}",
    )


_KINDS: dict[type, str] = {str: "text", list: "a list", dict: "a table"}


def option(options: Mapping[str, Any], allowed: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in defaults and refuse unknown options.

    Raises
    ------
    BenchmarkError
        A key that the adapter does not know.
    """
    stray = sorted(set(options) - set(allowed))
    if stray:
        raise BenchmarkError(
            f"benchmark.options.{stray[0]}",
            got="an option this benchmark does not know",
            allowed=", ".join(allowed) or "none",
            todo=nearest(stray[0], allowed, "Remove it"),
        )
    for name, value in options.items():
        kind = type(allowed[name])
        if kind in _KINDS and not isinstance(value, kind):
            raise BenchmarkError(
                f"benchmark.options.{name}",
                got=f"a value of another kind ({type(value).__name__})",
                allowed=_KINDS[kind],
                todo="Correct it",
            )
    return {**allowed, **options}


IDS = "benchmark.options.ids"


def ids_option(options: Mapping[str, Any]) -> str:
    """The only option of most benchmarks: what ids are that differ only in case, spaces, leading zeros or a trailing
    ".0": ask, different or same.

    Raises
    ------
    BenchmarkError
        Another option, or another value.
    """
    how = str(option(options, {"ids": "ask"})["ids"])
    if how not in ("ask", "different", "same"):
        raise BenchmarkError(IDS, got="another word", allowed="ask, different, same", todo="Name one of them")
    return how


def people(names: pd.Series[str], how: str, what: str) -> pd.Series[str]:
    """Names of people as folders and files give them; ``what`` says where they stand.

    Raises
    ------
    BenchmarkError
        How is "ask", and two of them may be one person; none is printed.
    """
    if how == "ask" and (twins := is_alike(names.unique())):
        got = f"{len(twins):,} names that differ from another only in case, spaces, leading zeros or a trailing .0"
        raise BenchmarkError(
            what, got=got, allowed="one spelling a person", todo=f'Write {IDS} = "different" or "same"'
        )
    return names.map(loose) if how == "same" else names


def table_of(options: Mapping[str, Any], name: str, kind: type, what: str) -> dict[str, Any]:
    """Give an option that is a table, all of whose values are of one kind.

    Raises
    ------
    BenchmarkError
        One is not.
    """
    given = dict(options[name])
    bad = sorted(str(key) for key, value in given.items() if not isinstance(value, kind))
    if bad:
        raise BenchmarkError(
            f"benchmark.options.{name}.{bad[0][:60]}", got="a value of another kind", allowed=what, todo="Correct it"
        )
    return given
