"""A benchmark's name and declarations in, the card of somebody's outputs out: what the labels of a black-box audit
are, and who made them.

Its one idea: a column that neither the card nor the config declares is used and called unknown, as for the user's own
photographs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.base.errors import BenchmarkError
from audit.benchmark.adapters import option, table_of
from audit.benchmark.card import Card, find
from audit.benchmark.label_column import declared_label

__all__ = ["described"]

_WORDS = ("title", "licence", "permitted_use", "people", "how_made", "homepage")
_DEFAULTS: dict[str, Any] = {**dict.fromkeys(_WORDS, ""), "citation": [], "defects": [], "caveats": [], "labels": {}}


def described(name: str, attributes: Mapping[str, str], options: Mapping[str, Any]) -> Card:
    """Find the card and add what the config declares.

    Parameters
    ----------
    name : str
        A card; "outputs" for a table without one.
    attributes : mapping of role to column
    options : mapping
        ``benchmark.options``: title, licence, permitted_use, people, how_made, homepage (text), citation, defects,
        caveats (lists), labels (by column: as in ``datasets/files/README.md``). Text replaces the card's; defects,
        caveats are added.

    Raises
    ------
    BenchmarkError
        An unknown card or option, a declaration that is none, or one of a column that is not used.
    """
    card, given = find(name), option(options, _DEFAULTS)
    table_of(given, "labels", dict, "a table, as datasets/files/README.md describes")
    stray = sorted(set(given["labels"]) - set(attributes.values()))
    if stray:
        raise BenchmarkError(
            f"benchmark.options.labels.{stray[0]}",
            got="a column that groups.attributes does not use",
            allowed=", ".join(attributes.values()),
            todo="Remove it",
        )
    known = dict(card.attributes)
    for role, column in attributes.items():
        base: dict[str, Any] = {"title": column, "role": role, "kind": "unknown", "source": "not declared"}
        if column in given["labels"] or column not in known:
            known[column] = declared_label(column, {**base, **dict(given["labels"].get(column, {}))})
    update: dict[str, Any] = {word: str(given[word]) for word in _WORDS if given[word]}
    if given["citation"]:
        update["citation"] = tuple(map(str, given["citation"]))
    added = {name: (*getattr(card, name), *map(str, given[name])) for name in ("defects", "caveats")}
    return card.model_copy(update=update | {"attributes": known, **added})
