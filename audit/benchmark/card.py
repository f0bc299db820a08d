"""The card of a benchmark: what it is, who may use it, and who said what about the people in it.

In: ``datasets/<name>/card.toml``. Out: a frozen ``Card``. Its one idea: a demographic label is somebody's statement,
so every label column says how it was obtained and which of its native values becomes which word of the audit; a value
that is not on the card is refused, never guessed.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator

from audit.base.download import check_name
from audit.base.errors import BenchmarkError
from audit.base.nearest import nearest
from audit.base.shipped import HOME, places
from audit.benchmark.label_column import Attribute, Frozen

__all__ = ["Agreement", "Card", "Expected", "RemoteFile", "Variant", "all_cards", "find", "names"]


class RemoteFile(Frozen):
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


class Variant(Frozen):
    """One of the forms in which a benchmark is handed out."""

    title: str
    known_by: str


class Expected(Frozen):
    """What a complete copy holds; ``cells`` counts subjects with the card's first attributes."""

    samples: int | None = None
    subjects: int | None = None
    mated_comparisons: int | None = None
    cells: dict[str, int] = Field(default_factory=dict)
    cell_samples: dict[str, int] = Field(default_factory=dict)


class Agreement(Frozen):
    """How often two label columns say the same of the people whom both label; counted, not estimated."""

    columns: tuple[str, str]
    both: int
    agree: int
    words: str = ""


class Card(Frozen):
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
        """Give what a person must have read before using the benchmark: title, licence, permitted use, what was
        verified, known defects.
        """
        faults = "".join(f"\n  - {fault}" for fault in self.defects)
        return (
            f"{self.title}\nLicence: {self.licence}\nPermitted use: {self.permitted_use}\nVerified: "
            f"{self.verified}\nKnown defects:{faults}"
        )

    def defaults(self) -> dict[str, str]:
        """Role to the first column that has it, in the card's order, age left out: what is audited where the config
        names nothing.
        """
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
            raise BenchmarkError(
                str(path), got=f"a card that cannot be read ({error.strerror})", todo="Check the datasets folder"
            ) from error
        except RecursionError as error:
            raise BenchmarkError(
                str(path),
                got="brackets too deep",
                allowed="a card as datasets/README.md describes",
                todo="Mend the card",
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
                str(path),
                got=f"not TOML ({error})",
                allowed="a card as datasets/README.md describes",
                todo="Mend the card",
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
            got=f"no folder with cards in {HOME} ({home})"
            if home
            else "no folder with cards here, above here or in the package",
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
        raise BenchmarkError(
            f"datasets/{name}/card.toml, name",
            got=repr(card.name),
            allowed=repr(name),
            todo="Give the card its folder's name",
        )
    return card


def all_cards() -> list[Card]:
    """Read every card, by name."""
    return [find(name) for name in names()]
