"""Any benchmark as one frame: samples, subjects, the labels that somebody gave them, and the cells that follow.

In: a benchmark's name and, for photographs, the folder where they lie. Out: a frozen ``Benchmark``. Its one idea: the
adapter reads, the card translates, the cells decide; nothing past this module knows a native file or a native word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.base.download import Progress
from audit.base.errors import BenchmarkError
from audit.benchmark import adapters
from audit.benchmark.adapters import Native
from audit.benchmark.canonical import FIXED, canonical, check_columns
from audit.benchmark.card import Card, find
from audit.benchmark.cells import Cells, assign, outside_bins
from audit.benchmark.folder import folder_of, on_disk
from audit.benchmark.label_column import Attribute
from audit.benchmark.on_disk import LEFT_OUT
from audit.benchmark.subset import subset

__all__ = [
    "FIXED",
    "Benchmark",
    "load",
    "settled",
]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """N samples of S subjects in C cells.

    Attributes
    ----------
    card : Card
    variant : str
        Which of the card's variants was read ("" where it has one form only).
    data_dir : Path or None
        Where the photographs lie; None where there are none.
    samples : DataFrame
        Sorted by (subject_id, sample_id): sample_id (unique str), subject_id (str), path (absolute str, "" without
        photograph), and every label column of the card in the audit's words ("" for no label, ``card.UNDECIDED`` where
        the source could not tell); ``left_out``, "" for a sample that is used, else "missing" (no such file),
        "duplicate" or "conflicting" (``same_bytes``).
    attributes : dict of str to str
        Role to column, as the headline cells use them.
    cells : Cells
        The headline cells.
    alternatives : tuple of Cells
        The same people under each other label source.
    templates : Path or None
        Ready templates, for the backend ``templates``.
    limited : int or None
        The ``limit`` that was asked for, where it left something out; None for the whole benchmark.
    notes : tuple of str
    """

    card: Card
    variant: str
    data_dir: Path | None
    samples: pd.DataFrame
    attributes: dict[str, str]
    cells: Cells
    alternatives: tuple[Cells, ...] = ()
    templates: Path | None = None
    limited: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    @property
    def subject_ids(self) -> list[str]:
        """S distinct subject ids, sorted: the order of ``subject_code``, ``cells.cell`` and ``cells.opaque``."""
        return [str(one) for one in self.cells.subjects["subject_id"]]

    @property
    def subject_code(self) -> NDArray[np.int32]:
        """(N,) int32: each sample's subject as an index into ``subject_ids``."""
        return np.searchsorted(np.array(self.subject_ids, dtype=str), self.samples["subject_id"].to_numpy(str)).astype(
            np.int32
        )

    @property
    def cell_code(self) -> NDArray[np.int16]:
        """(N,) int16: each sample's headline cell."""
        return self.cells.cell[self.subject_code]

    def pairs(self) -> pd.DataFrame:
        """Give the pairs that the benchmark publishes: fold, a, b (sample ids), mated.

        Raises
        ------
        BenchmarkError
            It publishes none, or a pair names a sample that is not there.
        """
        adapter = adapters.of(self.card)
        if not hasattr(adapter, "pairs"):
            raise BenchmarkError(
                f"benchmark {self.name}",
                got="no published pairs",
                allowed="a benchmark whose adapter reads pairs",
                todo="Leave it out",
            )
        table: pd.DataFrame = adapter.pairs(self.card, self.data_dir)
        known = set(self.samples["sample_id"])
        lost = ~(table["a"].isin(known) & table["b"].isin(known))
        if lost.any() and self.limited is None:
            raise BenchmarkError(
                f"benchmark {self.name}, pairs",
                got=f"{int(lost.sum())} of {len(table)} pairs name a sample that is not there (first: pair "
                f"{int(lost.to_numpy().argmax()) + 1})",
                allowed="pairs of samples of this benchmark",
                todo="Check that the copy is complete",
            )
        return table[~lost].reset_index(drop=True)


def load(
    name: str,
    data_dir: Path | None = None,
    *,
    attributes: Mapping[str, str] | None = None,
    alternatives: Mapping[str, Sequence[str]] | None = None,
    bins: Mapping[str, Sequence[float]] | None = None,
    limit: int | None = None,
    variant: str = "",
    options: Mapping[str, Any] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    photographs: bool = True,
    words: Mapping[str, Mapping[str, str]] | None = None,
    missing: Mapping[str, Sequence[str]] | None = None,
) -> Benchmark:
    """Read a benchmark.

    Parameters
    ----------
    name : str
        Of a folder in ``datasets/``.
    data_dir : Path, optional
        Where the photographs lie. Without it the card's files are fetched into the user's cache
        (``fetch.default_data_dir``), where the card has any; benchmarks of ready templates need none.
    attributes : mapping of role to column, optional
        Which label column answers each role; the card's defaults where None. The order is the order inside a cell's
        name.
    alternatives : mapping of role to columns, optional
        Other label columns, each of which replaces the role's column in a second labelling.
    bins : mapping of column to edges, optional
        Lower edges for numeric columns, e.g. {"age": [0, 18, 30, 45, 60]}.
    limit : int, optional
        About how many samples to keep (``subset``).
    variant : str
        Which variant to fetch; the card's first where "".
    options : mapping, optional
        For the adapter; ``bins`` may be given here too.
    offline : bool
    progress : Progress, optional
    photographs : bool
        Whether photographs will be read; without them (scores only) their files need not be there.
    words : mapping of column to words by native value, optional
        How a config reads values (``groups.map``); it goes before the card.
    missing : mapping of column to native values, optional
        Values that mean "no label" (``groups.missing``).

    Raises
    ------
    BenchmarkError
        Unknown benchmark or column, too many files that are not there (``on_disk``), paths that lead out of the data
        folder, a label that the card does not know, a sample twice, no samples, one subject.
    """
    card = find(name)
    if card.holds == "pair scores":
        raise BenchmarkError(
            f"benchmark {name}",
            got="a table of pair scores, without photographs or templates",
            allowed="a benchmark of photographs or templates",
            todo='Use backend "scores" for it',
        )
    folder = folder_of(card, data_dir, variant, offline, progress)
    given = dict(options or {})
    said = given.pop("bins", {})
    if not isinstance(said, Mapping):
        raise BenchmarkError(
            "benchmark.options.bins",
            got=f"a {type(said).__name__}",
            allowed="{ column = [0, 18, 30] }",
            todo="Correct it",
        )
    bins = {**said, **(bins or {})}
    native: Native = adapters.of(card).read(card, folder, given)
    if native.attributes is not None:
        card = card.model_copy(update={"attributes": native.attributes})
    if native.settings is not None:
        card = card.model_copy(update={"settings": card.settings | native.settings})
    card = card.model_copy(update={"attributes": settled(card.attributes, words or {}, missing or {})})
    chosen = dict(attributes) if attributes else card.defaults()
    used = (
        None
        if attributes is None
        else {*chosen.values(), *(column for columns in (alternatives or {}).values() for column in columns)}
    )
    samples = canonical(card, native, used).assign(**{LEFT_OUT: ""})
    check_columns(card, samples, chosen, bins)
    notes = native.notes
    if photographs and card.holds == "photographs" and folder is not None:
        samples, more = on_disk(card, native, folder, samples, chosen)
        notes += more
    whole = len(samples)
    if limit is not None:
        samples = subset(samples, assign(samples, chosen, bins=bins), limit)
    cells = assign(samples, chosen, bins=bins)
    notes += outside_bins(samples, chosen, bins)
    others = []
    for role, columns in (alternatives or {}).items():
        if role not in chosen:
            raise BenchmarkError(
                f"groups.alternatives.{role}",
                got="a role that is not audited",
                allowed=", ".join(chosen),
                todo="Add it to groups.attributes",
            )
        for column in columns:
            check_columns(card, samples, {role: column}, bins)
            others.append(assign(samples, {**chosen, role: column}, name=column, bins=bins))
    return Benchmark(
        card=card,
        variant=native.variant,
        data_dir=folder,
        samples=samples,
        attributes=chosen,
        cells=cells,
        alternatives=tuple(others),
        templates=native.templates,
        limited=limit if len(samples) < whole else None,
        notes=notes,
    )


def settled(
    attributes: Mapping[str, Attribute], words: Mapping[str, Mapping[str, str]], missing: Mapping[str, Sequence[str]]
) -> dict[str, Attribute]:
    """Give a card's columns as a config's ``groups.map`` and ``groups.missing`` read them.

    Raises
    ------
    BenchmarkError
        A column that the benchmark does not have.
    """
    for key, columns in (("map", words), ("missing", missing)):
        for column in columns:
            if column not in attributes:
                raise BenchmarkError(
                    f"groups.{key}.{column}",
                    got="no such label column",
                    allowed=", ".join(attributes),
                    todo="Name the column, not the attribute",
                )
    return {column: one.settled(words.get(column, {}), missing.get(column, ())) for column, one in attributes.items()}
