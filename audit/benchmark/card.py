"""The card of a benchmark: what it is, who may use it, and who said what about the people in it.

In: ``datasets/<name>/card.toml``. Out: a frozen ``Card``. Its one idea: a demographic label is somebody's statement, so every label column says
how it was obtained and which of its native values becomes which word of the audit; a value that is not on the card is refused, never guessed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from audit.base.download import check_name
from audit.base.errors import BenchmarkError
from audit.base.groups import JOINED
from audit.base.nearest import nearest
from audit.base.shipped import HOME, places
from audit.base.words import NOTHING

__all__ = ["Agreement", "Attribute", "Card", "Expected", "RemoteFile", "Variant", "all_cards", "find", "names"]

LabelKind = Literal["self-reported", "document", "annotator", "inferred by a model", "unknown"]
"""How a label was obtained, from best to worst known."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Attribute(_Frozen):
    """One label column.

    Attributes
    ----------
    title : str
        In words, for the report.
    role : str
        What it says about a person: "race", "sex", "age", ...
    kind : LabelKind
        How it was obtained.
    source : str
        Who made it, with citation.
    categories : tuple of str
        The native values, verbatim.
    values : dict of str to str
        Native value to the audit's word; a native value absent here maps to itself.
    undecided : tuple of str
        Native values by which the source itself says that it cannot tell; such people are unlabelled.
    separator : str
        Where a native value may join several categories ("White|Asian"), what stands between them; such people are unlabelled too, unless
        ``several`` says otherwise.
    several : bool
        A person with several values counts in the group of each of them.
    missing : tuple of str
        Native values that mean "no label"; the empty string always does.
    numeric : bool
        A number (an age in years) that is put into bins before it can name a group.
    per : {"subject", "sample"}
        Whether it describes the person or the photo.
    """

    title: str
    role: str
    kind: LabelKind
    source: str
    categories: tuple[str, ...] = ()
    values: dict[str, str] = Field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    separator: str = ""
    several: bool = False
    missing: tuple[str, ...] = ()
    numeric: bool = False
    per: Literal["subject", "sample"] = "subject"
    _found: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _words_can_name_a_cell(self) -> Attribute:
        for word in self.values.values():
            if not word or any(mark in word for mark in "|=\n"):
                raise ValueError(f"values: {word!r} cannot name a group (no '|', '=' or line break)")
        stray = set(self.values) - set(self.categories) if self.categories else set()
        if stray:
            raise ValueError(f"values: {sorted(stray)} are not among categories")
        return self

    @property
    def known(self) -> frozenset[str]:
        """Values that somebody declared; those that were only found in a file are not among them."""
        return frozenset((*self.values, *self.undecided, *self.missing, *(() if self._found else self.categories)))

    def with_found(self, categories: tuple[str, ...]) -> Attribute:
        """Give the column with the values that its file has as categories: nobody declared them."""
        out = self.model_copy(update={"categories": categories})
        out._found = True
        return out

    def settled(self, words: Mapping[str, str], missing: Sequence[str]) -> Attribute:
        """Give the column as a config reads it: further words by native value, further values that mean "no label"."""
        categories = tuple(dict.fromkeys((*self.categories, *words, *missing))) if self.categories else ()
        left = {value: word for value, word in self.values.items() if value not in missing}
        return self.model_copy(
            update={
                "categories": categories,
                "values": left | dict(words),
                "missing": tuple(dict.fromkeys((*(one for one in self.missing if one not in words), *missing))),
                "undecided": tuple(one for one in self.undecided if one not in words and one not in missing),
            }
        )

    def word(self, native: str) -> str | None:
        """Give the audit's word for a native value: "" where there is none, None where the card does not know the value.

        ``undecided`` and joined values come back as ``UNDECIDED``.
        """
        if native == "" or native in self.missing:
            return ""
        if native in NOTHING and native not in self.known:
            return ""
        if native in self.undecided:
            return UNDECIDED
        if native in self.values:
            return self.values[native]
        joined = bool(self.separator) and self.separator in native
        if native in self.categories or (not self.categories and not joined):
            return native
        if joined and all(not self.categories or part in self.categories or part in self.undecided for part in native.split(self.separator)):
            return self._several(native.split(self.separator)) if self.several else UNDECIDED
        return None

    def _several(self, native: Sequence[str]) -> str:
        """Join the words of several values, in one order; a value that says nothing says nothing here either."""
        words = {self.word(one) or "" for one in native} - {""}
        return UNDECIDED if UNDECIDED in words or not words else JOINED.join(sorted(words))


UNDECIDED = "(undecided)"
"""In a canonical label column: the source has an answer, but not one answer."""


class RemoteFile(_Frozen):
    """A file that can be fetched, known by its sha256."""

    name: str
    url: str
    sha256: str
    variant: str = ""
    unpack: bool = False
    bytes: int | None = None

    @field_validator("name")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        try:
            check_name(value)
        except BenchmarkError as error:
            raise ValueError(error.got) from None
        return value

    @field_validator("sha256")
    @classmethod
    def _is_hex(cls, value: str) -> str:
        if len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise ValueError("sha256 must be 64 lower-case hex digits")
        return value


class Variant(_Frozen):
    """One of the forms in which a benchmark is handed out."""

    title: str
    known_by: str


class Expected(_Frozen):
    """What a complete copy holds; ``cells`` counts subjects with the card's first attributes."""

    samples: int | None = None
    subjects: int | None = None
    mated_comparisons: int | None = None
    cells: dict[str, int] = Field(default_factory=dict)
    cell_samples: dict[str, int] = Field(default_factory=dict)


class Agreement(_Frozen):
    """How often two label columns say the same of the people whom both label; counted, not estimated."""

    columns: tuple[str, str]
    both: int
    agree: int
    words: str = ""


class Card(_Frozen):
    """Everything an audit must say about a benchmark before it uses it."""

    name: str
    title: str
    adapter: str
    holds: Literal["photographs", "templates", "pair scores"]
    homepage: str
    citation: tuple[str, ...]
    licence: str
    permitted_use: str
    people: str = ""
    how_made: str = ""
    verified: str
    defects: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    """What must stand on the one-page summary: short sentences on who is compared and what nobody checked."""
    one_sample_per_subject: bool = False
    layout: str = ""
    obtain: str = ""
    expected: Expected = Expected()
    variants: dict[str, Variant] = Field(default_factory=dict)
    files: tuple[RemoteFile, ...] = ()
    attributes: dict[str, Attribute]
    agreement: tuple[Agreement, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where the card lies."""
        return self._folder

    def notice(self) -> str:
        """Give what a person must have read before using the benchmark: title, licence, permitted use, what was verified, known defects."""
        faults = "".join(f"\n  - {fault}" for fault in self.defects)
        return f"{self.title}\nLicence: {self.licence}\nPermitted use: {self.permitted_use}\nVerified: {self.verified}\nKnown defects:{faults}"

    def defaults(self) -> dict[str, str]:
        """Role to the first column that has it, in the card's order, age left out: what is audited where the config names nothing."""
        out: dict[str, str] = {}
        for column, attribute in self.attributes.items():
            if not attribute.numeric and attribute.role != "age":
                out.setdefault(attribute.role, column)
        return out

    @classmethod
    def read(cls, path: Path) -> Card:
        """Read and check one card.

        Raises
        ------
        BenchmarkError
            No such file, not TOML, or not a card; says which key.
        """
        try:
            card = cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
        except OSError as error:
            raise BenchmarkError(str(path), got=f"a card that cannot be read ({error.strerror})", todo="Check the datasets folder") from error
        except RecursionError as error:
            raise BenchmarkError(
                str(path), got="brackets too deep", allowed="a card as datasets/README.md describes", todo="Mend the card"
            ) from error
        except ValidationError as error:
            first = next((one for one in error.errors() if one["type"] == "extra_forbidden"), error.errors()[0])
            key = ".".join(str(part) for part in first["loc"])
            raise BenchmarkError(
                f"{path.parent.name}/{path.name}, {key or 'card'}",
                got=first["msg"],
                allowed="the keys in datasets/README.md",
                todo="Mend the card",
            ) from error
        except ValueError as error:  # not TOML, not UTF-8, numbers of thousands of digits
            raise BenchmarkError(
                str(path), got=f"not TOML ({error})", allowed="a card as datasets/README.md describes", todo="Mend the card"
            ) from error
        card._folder = path.parent
        return card


def _cards() -> dict[str, Path]:
    """The cards of every ``datasets`` folder in reach, by name; a nearer one hides one of the same name.

    Raises
    ------
    BenchmarkError
        None has a card.
    """
    found: dict[str, Path] = {}
    for folder in places("datasets"):
        for path in folder.glob("*/card.toml"):
            found.setdefault(path.parent.name, path)
    if not found:
        home = os.environ.get(HOME)
        raise BenchmarkError(
            "datasets",
            got=f"no folder with cards in {HOME} ({home})" if home else "no folder with cards here, above here or in the package",
            allowed="a folder datasets/<name>/card.toml",
            todo=f"Set {HOME} to a folder that holds datasets/, or install face-audit again",
        )
    return dict(sorted(found.items()))


def names() -> list[str]:
    """Give the names of all benchmarks with a card, sorted."""
    return list(_cards())


def find(name: str) -> Card:
    """Read the card of one benchmark.

    Raises
    ------
    BenchmarkError
        Unknown; says the nearest name.
    """
    known = _cards()
    if name not in known:
        raise BenchmarkError(
            "benchmark.name",
            got=f"unknown benchmark {name!r}",
            allowed=", ".join(known),
            todo=nearest(name, known, "See `face-audit ls benchmarks`"),
        )
    card = Card.read(known[name])
    if card.name != name:
        raise BenchmarkError(f"datasets/{name}/card.toml, name", got=repr(card.name), allowed=repr(name), todo="Give the card its folder's name")
    return card


def all_cards() -> list[Card]:
    """Read every card, by name."""
    return [find(name) for name in names()]
